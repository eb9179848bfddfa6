"""``harken evaluate``: a trained model on labelled recordings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from harken.annotations.options import LabelOptions
from harken.cli.files import plain_table, print_json, print_warning, recordings, say
from harken.cli.options import IgnoreLabels, Json, Model, OnlyLabels
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import Orientation, StatedAxis
from harken.support.errors import HarkenError, raise_failures
from harken.support.files import check_output_file
from harken.support.options import Argument, Option
from harken.support.plugins import need_training
from harken.support.printable import duration_text, listed, percent, printable

if TYPE_CHECKING:
    from harken.evaluation.files import AnsweredPeople, Evaluation, Side
    from harken.models.scores import PeopleScores, Scores
    from harken.models.worst_bouts import WrongBout

ONLY = "Only windows labelled {} are scored; macro F1 is over the labels that are true."
WIDER_THAN_ANY_TERMINAL = 10_000
MISTAKES_NAMED = 2

Files = Annotated[tuple[Path, ...], Argument("Labelled recordings to test it on, or folders of them.", metavar="FILE")]
UnsureBelow = Annotated[
    float | None,
    Option(
        "Also report the accuracy if windows whose largest probability is below P (0 to 1) are called unsure.",
        metavar="P",
    ),
]
Plot = Annotated[
    Path | None,
    Option(
        "Draw the confusion matrix of the unseen people: a .png for the screen, or a .pdf or .svg that is as wide as a "
        "journal's column.",
        metavar="FILE",
    ),
]
Predictions = Annotated[
    Path | None, Option("Write the probabilities of every window to this Parquet file.", metavar="FILE")
]


def evaluate(
    model: Model,
    files: Files,
    *,
    ignore_label: IgnoreLabels = (),
    only_labels: OnlyLabels = (),
    unsure_below: UnsureBelow = None,
    plot: Plot = None,
    predictions: Predictions = None,
    orientation: Orientation = True,
    forearm_axis: StatedAxis = None,
    json: Json = False,
    labels: LabelOptions,
    reading: TableOptions,
) -> None:
    """Training people of the model are reported separately and never counted as unseen people, even if the recording
    has another name or another unit, or was cut. With --unsure-below the scores still count all windows; the share of
    windows with an answer, and their accuracy, are printed beside them. A table with several names in its subject
    column has one recording for each. A file that cannot be scored does not stop the others; it is named at the end,
    and in the JSON under "failures".
    """
    need_training("harken evaluate")
    from harken.evaluation.files import evaluate as evaluate_files

    check_outputs(plot, predictions)
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"--unsure-below must be a probability from 0 to 1, got {unsure_below:g}")
    paths = recordings(files)
    evaluated = evaluate_files(
        model,
        paths,
        ignore_labels=ignore_label,
        only_labels=only_labels,
        unsure_below=unsure_below,
        orientation=orientation,
        forearm_axis=forearm_axis,
        reading=reading,
        labels=labels.path,
        labels_offset_s=labels.offset_s,
        trim_s=labels.trim_s,
        rename=dict(labels.rename),
        on_warning=print_warning,
    )
    if json:
        print_json(evaluated.as_dict())
    else:
        if only_labels:
            typer.echo(printable(ONLY.format(listed(only_labels))))
        print_evaluation(evaluated.scores)
        for path, source in evaluated.label_sources:
            typer.echo(f"Labels of {printable(path)}: {source}")
    if predictions is not None:
        from harken.support.tables import write_parquet

        write_parquet(evaluated.scores.predictions, predictions)
    if plot is not None:
        _draw(evaluated.scores, plot)
    raise_failures([error for _, error in evaluated.failures], len(paths))


def check_outputs(plot: Path | None, predictions: Path | None) -> None:
    """Raise a HarkenError for a file whose format is not known by its name, or that cannot be written."""
    if plot is not None and plot.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise HarkenError("give the picture a name that ends in .png, .pdf or .svg", path=plot)
    if predictions is not None and predictions.suffix.lower() != ".parquet":
        raise HarkenError("give the predictions a name that ends in .parquet", path=predictions)
    if plot is not None:
        check_output_file(plot, "--plot")
    if predictions is not None:
        check_output_file(predictions, "--predictions")


def _draw(scores: "Evaluation", path: Path) -> None:
    from harken.reports.figures.confusion import confusion_for_paper, confusion_picture
    from harken.reports.figures.style import save_for_paper, save_png

    if scores.unseen is None:
        raise HarkenError("there is no unseen person among these people, so there is nothing to draw")
    if path.suffix.lower() == ".png":
        save_png(confusion_picture(scores.unseen.together, title="Unseen people"), path)
    else:
        save_for_paper(confusion_for_paper(scores.unseen.together, title="Unseen people"), path)


def print_evaluation(evaluation: "Evaluation") -> None:
    """Print the scores of unseen people, each alone and all together, and then those of known people."""
    console = Console(highlight=False)
    console.print(f"Windows of {evaluation.window_length_s:g} s, one every {evaluation.hop_s:g} s.\n")
    for name, reason in evaluation.turned.items():
        say(console, f"{name}: the watch was {reason}.\n")
    for warning in dict.fromkeys(evaluation.mounting_warnings.values()):
        names = "; ".join(name for name, same in evaluation.mounting_warnings.items() if same == warning)
        say(console, f"warning: {names}: {warning}\n", "yellow")
    for name, share in evaluation.training_shares.items():
        of_training = f"{name}: the model was trained on {percent(share)} of this recording, as its movement shows"
        say(console, f"{of_training}, so its wearer is not counted as an unseen person.\n")
    for name, left_out_s in evaluation.left_out_s.items():
        labels = f"{duration_text(round(left_out_s))} of its labels"
        say(console, f"{name}: the model has learned from {labels}, which are left out.\n")
    if evaluation.unseen is not None:
        console.print("[bold]Unseen people[/bold] (none has the name of a training person)")
        _print_side(console, evaluation.unseen)
        if (label := evaluation.unseen.together.one_label) is not None:
            sentence = f"warning: the model gave one label, “{label}”, to every window of the unseen people."
            say(console, sentence, "yellow")
        console.print()
        print_confusion(console, evaluation.unseen.together)
        _print_worst_bouts(console, evaluation.worst_bouts)
    if evaluation.known is not None:
        console.print("\n[bold]Training people[/bold] (by name or by their movement; not unseen people)")
        _print_side(console, evaluation.known)
    if evaluation.calibrated_on != "unseen":
        on = {"nobody": "at all", "the same person": "for unseen people, but on training people"}
        console.print(f"The model's probabilities are not calibrated {on[evaluation.calibrated_on]}.")


def _print_worst_bouts(console: Console, bouts: "Sequence[WrongBout]") -> None:
    """Print the bouts of unseen people that were recognised worst, each with the command that shows it."""
    from harken.models.worst_bouts import DEFINITION

    if not bouts:
        return
    console.print("\n[bold]The bouts of unseen people that were recognised worst[/bold]")
    say(console, DEFINITION)
    for bout in bouts:
        say(console, f"{bout.name}, {bout.when}: {bout.mistake}")
        if bout.command is not None:
            typer.echo(f"  {bout.command}")  # in one line, to be copied


def _print_side(console: Console, side: "Side") -> None:
    """Print the scores of unseen or of known people."""
    print_people(console, side)
    console.print(f"Expected calibration error: {side.error:.3f} (0 is perfect)")
    if side.answered is not None:
        _print_answered(console, side.answered)


def _print_answered(console: Console, answered: "AnsweredPeople") -> None:
    """Print the share of answered windows if labels may be "unsure", and their accuracy."""
    console.print(f"\nUnsure below a probability of {answered.together.unsure_below:g}:")
    table = plain_table("Person", "windows", "answered", "right among them")
    rows = list(answered.people.items())
    for name, one in rows + ([("all together", answered.together)] if len(rows) > 1 else []):
        right = "-" if one.accuracy is None else percent(one.accuracy)
        table.add_row(Text(name), f"{one.windows}", percent(one.coverage), right)
    console.print(table)


def print_confusion(console: Console, scores: "Scores") -> None:
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


def _print_mistakes(console: Console, scores: "Scores") -> None:
    """Print a line for each label that is true: its recall, and the labels it is confused with."""
    table = plain_table("True label", "windows", "right")
    table.add_column("most often taken for")
    of_truth = scores.confusion_percent_of_truth / 100
    for code, (name, row) in enumerate(zip(scores.label_names, scores.confusion, strict=True)):
        if not row.sum():
            continue
        others = [other for other in (-row).argsort(kind="stable") if other != code and row[other]]
        taken_for = [f"{scores.label_names[other]} ({percent(of_truth[code, other])})" for other in others]
        right = percent(of_truth[code, code])
        table.add_row(Text(name), f"{row.sum()}", right, Text(", ".join(taken_for[:MISTAKES_NAMED])))
    console.print(table)


def print_scores(console: Console, rows: "Iterable[tuple[str, Scores]]", *, what: str = "Test") -> None:
    """Print a line for each test, or for each of ``what``."""
    table = plain_table(what, "windows", "accuracy", "macro F1", "kappa")
    for name, scores in rows:
        kappa = "-" if scores.cohen_kappa is None else f"{scores.cohen_kappa:.3f}"
        table.add_row(Text(name), f"{scores.windows}", percent(scores.accuracy), f"{scores.macro_f1:.3f}", kappa)
    console.print(table)


def print_people(console: Console, people: "PeopleScores") -> None:
    """Print a line for each person, and the mean."""
    print_scores(console, people.people.items(), what="Person")
    interval = people.interval
    beside = f" (95 % interval over people {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    console.print(f"Mean of each person's macro F1: {people.mean_person_macro_f1:.3f}{beside}")
