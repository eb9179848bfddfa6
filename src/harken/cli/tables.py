"""Tables of scores for people."""

from collections.abc import Iterable, Sequence

import numpy as np
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from harken.evaluation.files import AnsweredPeople, Evaluation
from harken.models.scores import PeopleScores, Scores
from harken.support.printable import percent, printable
from harken.training.run import Outcome

WIDER_THAN_ANY_TERMINAL = 10_000
MISTAKES_NAMED = 2


def print_outcome(outcome: Outcome) -> None:
    """Print the outcome of a run: the tests side by side, each unseen person, the notes, and the path of the report."""
    from harken.reports.run.sentences import missing_windows

    console = Console(highlight=False)
    rows = [
        ("same person, overlapping windows (too good)", outcome.same_person),
        ("same person, honest", outcome.blocked),
        ("unseen people", outcome.cross),
    ]
    print_scores(console, ((name + _tested(scores), scores) for name, scores in rows if scores is not None))
    if outcome.cross_people is not None and len(outcome.cross_people.people) > 1:
        print_people(console, outcome.cross_people)
    for sentence in _about_unseen(outcome):
        console.print(sentence, markup=False)
    reads = outcome.data.training + outcome.data.cross
    for warning in _grouped(outcome, [one.mended.warnings for one in reads]):
        console.print(f"warning: {warning}", style="bold", markup=False)
    for note in [*_grouped(outcome, [one.mended.quality.notes for one in reads]), *missing_windows(outcome)]:
        console.print(f"Note: {note}", markup=False)
    console.print(f"Report: {printable(outcome.settings.out / 'report.html')}", markup=False, soft_wrap=True)


def _about_unseen(outcome: Outcome) -> list[str]:
    """Lines on the scores of held-out training people, on unknown scores, and on the calibration of probabilities."""
    from harken.reports.run.sentences import (
        calibration_sentence,
        error_sentence,
        held_out_people,
        no_unseen_people,
        together,
    )

    lines = []
    if outcome.cross is None:
        lines.append(no_unseen_people(outcome))
    if (people := outcome.held_out_people) is not None:
        lines.append(
            f"Held out: a copy trained without {held_out_people(outcome)} has an accuracy of "
            f"{percent(together(people).accuracy)} on them (mean of each person's macro F1: "
            f"{people.mean_person_macro_f1:.3f})."
        )
    return [*lines, calibration_sentence(outcome), *filter(None, [error_sentence(outcome)])]


def _grouped(outcome: Outcome, notes: Sequence[Sequence[str]]) -> list[str]:
    """The notes of each file. Notes that several files share are in one line."""
    from harken.reports.run.sentences import share_notes

    reads = outcome.data.training + outcome.data.cross
    return [
        f"{printable(reads[note.recordings[0]].short_name)}: {note.text}"
        if len(note.recordings) == 1
        else f"{len(note.recordings)} files: {note.text}"
        for note in share_notes(notes)
    ]


def _tested(scores: Scores) -> str:
    """The text to add to the name of a test that has no window of some labels."""
    absent = [name for name, row in zip(scores.label_names, scores.confusion, strict=True) if not row.sum()]
    return f" (without {', '.join(absent)})" if absent else ""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the scores of unseen people, each alone and all together, and then those of known people."""
    console = Console(highlight=False)
    console.print(f"Windows of {evaluation.window_length_s:g} s, one every {evaluation.hop_s:g} s.\n")
    for name, reason in evaluation.turned.items():
        console.print(f"{name}: the watch was {reason}.\n", markup=False, soft_wrap=True)
    for name, warning in evaluation.mounting_unknown.items():
        console.print(f"warning: {name}: {warning}\n", style="yellow", markup=False, soft_wrap=True)
    for name, share in evaluation.training_shares.items():
        console.print(
            f"{name}: the model was trained on {percent(share)} of this recording, as its movement shows, "
            "so its wearer is not counted as an unseen person.\n",
            markup=False,
            soft_wrap=True,
        )
    if evaluation.unseen is not None:
        console.print("[bold]Unseen people[/bold] (none of them is named among the training people)")
        print_people(console, evaluation.unseen)
        _print_error(console, evaluation.unseen_error)
    if evaluation.unseen_answered is not None:
        print_answered(console, evaluation.unseen_answered)
    if evaluation.all_unseen is not None:
        console.print()
        print_confusion(console, evaluation.all_unseen)
    if evaluation.known is not None:
        console.print("\n[bold]Training people[/bold] (by name or by their movement; not unseen people)")
        print_people(console, evaluation.known)
        _print_error(console, evaluation.known_error)
    if evaluation.known_answered is not None:
        print_answered(console, evaluation.known_answered)
    if evaluation.calibrated_on != "unseen":
        on = {"nobody": "at all", "the same person": "for unseen people, but on training people"}
        console.print(f"The model's probabilities are not calibrated {on[evaluation.calibrated_on]}.")


def print_answered(console: Console, answered: AnsweredPeople) -> None:
    """Print the share of answered windows if labels may be "unsure", and their accuracy."""
    console.print(f"\nUnsure below a probability of {answered.together.unsure_below:g}:")
    table = Table(box=None, pad_edge=False)
    table.add_column("Person")
    for name in ("windows", "answered", "right among them"):
        table.add_column(name, justify="right")
    rows = list(answered.people.items())
    for name, one in rows + ([("all together", answered.together)] if len(rows) > 1 else []):
        right = "-" if one.accuracy is None else percent(one.accuracy)
        table.add_row(Text(name), f"{one.windows}", percent(one.coverage), right)
    console.print(table)


def _print_error(console: Console, error: float | None) -> None:
    if error is not None:
        console.print(f"Expected calibration error: {error:.3f} (0 is perfect)")


def print_confusion(console: Console, scores: Scores) -> None:
    """Print the confusion matrix in windows; rows are the true labels. If it is too wide, print mistakes by label."""
    table = Table(
        box=None, pad_edge=False, title="Windows by true label (rows) and recognised label", title_justify="left"
    )
    table.add_column("")
    for name in scores.label_names:
        table.add_column(Text(name), justify="right")
    for name, row in zip(scores.label_names, scores.confusion.tolist(), strict=True):
        table.add_row(Text(name), *(str(count) for count in row))
    boundless = console.options.update(max_width=WIDER_THAN_ANY_TERMINAL)
    if Measurement.get(console, boundless, table).minimum <= console.width:
        console.print(table)
    else:
        _print_mistakes(console, scores)


def _print_mistakes(console: Console, scores: Scores) -> None:
    """Print a line for each label: its recall, and the labels it is confused with."""
    table = Table(box=None, pad_edge=False)
    table.add_column("True label")
    table.add_column("windows", justify="right", no_wrap=True)
    table.add_column("right", justify="right", no_wrap=True)
    table.add_column("most often taken for")
    of_truth = scores.confusion_percent_of_truth / 100
    for code, (name, row) in enumerate(zip(scores.label_names, scores.confusion, strict=True)):
        others = [other for other in np.argsort(-row, kind="stable") if other != code and row[other]]
        taken_for = [f"{scores.label_names[other]} ({percent(of_truth[code, other])})" for other in others]
        right = percent(of_truth[code, code]) if row.sum() else "-"
        table.add_row(Text(name), f"{row.sum()}", right, Text(", ".join(taken_for[:MISTAKES_NAMED])))
    console.print(table)


def print_scores(console: Console, rows: Iterable[tuple[str, Scores]]) -> None:
    """Print a line for each test."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Test")
    for name in ("windows", "accuracy", "macro F1", "kappa"):
        table.add_column(name, justify="right")
    for name, scores in rows:
        kappa = "-" if scores.cohen_kappa is None else f"{scores.cohen_kappa:.3f}"
        table.add_row(Text(name), f"{scores.windows}", percent(scores.accuracy), f"{scores.macro_f1:.3f}", kappa)
    console.print(table)


def print_people(console: Console, people: PeopleScores) -> None:
    """Print a line for each person, and the mean."""
    print_scores(console, people.people.items())
    interval = people.interval
    beside = f" (95 % interval over people {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    console.print(f"Mean of each person's macro F1: {people.mean_person_macro_f1:.3f}{beside}")
