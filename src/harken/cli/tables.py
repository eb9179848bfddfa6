"""Scores as tables for a person."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harken.evaluation import Evaluation
from harken.runs.outcome import Outcome
from harken.scores import PeopleScores, Scores

__all__ = ["print_confusion", "print_evaluation", "print_outcome", "print_people", "print_scores"]


def print_outcome(outcome: Outcome) -> None:
    """What a run found: the tests beside one another, each stranger, the notes, and where the report is."""
    console = Console(highlight=False)
    rows = [
        ("same person, overlapping windows (flatters)", outcome.same_person),
        ("same person, honest", outcome.blocked),
        ("people never met", outcome.cross),
    ]
    print_scores(console, ((name + _tested(scores), scores) for name, scores in rows if scores is not None))
    if outcome.cross_people is not None and len(outcome.cross_people.people) > 1:
        print_people(console, outcome.cross_people)
    if outcome.cross is None:
        console.print("Nothing is known about strangers: no recording of anybody else was given (--cross).")
    for note in _grouped(outcome.notes):
        console.print(f"Note: {note}", markup=False)
    console.print(f"Report: {outcome.settings.out / 'report.html'}", markup=False, soft_wrap=True)


def _grouped(notes: Iterable[str]) -> list[str]:
    """Notes of files ("NAME: what") that say the same in one line."""
    files: dict[str, list[str]] = {}
    for note in notes:
        name, _, what = note.partition(": ")
        files.setdefault(what or name, []).append(name if what else "")
    return [
        f"{names[0]}: {what}".removeprefix(": ") if len(names) == 1 else f"{len(names)} files: {what}"
        for what, names in files.items()
    ]


def _tested(scores: Scores) -> str:
    """What to add to a test's name when it has no window of some labels."""
    absent = [name for name, row in zip(scores.label_names, scores.confusion, strict=True) if not row.sum()]
    return f" (without {', '.join(absent)})" if absent else ""


def print_evaluation(evaluation: Evaluation) -> None:
    """Strangers first, each alone and all together; people the model had met apart from them."""
    console = Console(highlight=False)
    if evaluation.strangers is not None:
        console.print("[bold]People the model never met[/bold] (it learned from nobody of this name)")
        print_people(console, evaluation.strangers)
    if evaluation.all_strangers is not None:
        console.print()
        print_confusion(console, evaluation.all_strangers)
    if evaluation.known is not None:
        console.print("\n[bold]People the model learned from[/bold] (other recordings of them; not strangers)")
        print_people(console, evaluation.known)


def print_confusion(console: Console, scores: Scores) -> None:
    """The confusion matrix in windows: rows are the truth."""
    table = Table(
        box=None, pad_edge=False, title="Windows by true label (rows) and recognised label", title_justify="left"
    )
    table.add_column("")
    for name in scores.label_names:
        table.add_column(Text(name), justify="right")
    for name, row in zip(scores.label_names, scores.confusion.tolist(), strict=True):
        table.add_row(Text(name), *(str(count) for count in row))
    console.print(table)


def print_scores(console: Console, rows: Iterable[tuple[str, Scores]]) -> None:
    """A line a test."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Test")
    for name in ("windows", "accuracy", "macro F1", "kappa"):
        table.add_column(name, justify="right")
    for name, scores in rows:
        kappa = "-" if scores.cohen_kappa is None else f"{scores.cohen_kappa:.3f}"
        table.add_row(Text(name), f"{scores.windows}", f"{scores.accuracy:.1%}", f"{scores.macro_f1:.3f}", kappa)
    console.print(table)


def print_people(console: Console, people: PeopleScores) -> None:
    """A line a person, and their mean."""
    print_scores(console, people.people.items())
    interval = people.interval
    beside = f" (95 % interval over people {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    console.print(f"Mean of each person's macro F1: {people.mean_person_macro_f1:.3f}{beside}")
