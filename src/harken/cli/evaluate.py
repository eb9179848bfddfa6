"""``harken evaluate``: a trained model on labelled recordings."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.cli.options import Json, Model, NoOrientation, with_reading_options
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.recordings.recording import Recording

__all__ = ["evaluate"]


@with_reading_options
def evaluate(
    model: Model,
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Labelled recordings to test it on, or folders of them.", metavar="FILE", show_default=False
        ),
    ],
    *,
    ignore_label: Annotated[
        list[str] | None, typer.Option(help="Leave out windows of this label; may be given again.", metavar="NAME")
    ] = None,
    unsure_below: Annotated[
        float | None,
        typer.Option(
            help="Also count what is answered when a window whose largest probability is below P (0 to 1) is called "
            "unsure.",
            metavar="P",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the confusion matrix of the strangers to this PNG.", metavar="PNG")
    ] = None,
    no_orientation: NoOrientation = False,
    json: Json = False,
    reading: TableOptions,
) -> None:
    """Score a model on labelled recordings: each person, and the mean over people with an interval.

    People the model learned from are reported apart from strangers and never counted among them, also when the
    recording has another name or another unit, or was cut. With --unsure-below
    every score still counts all windows; beside them stands how many get an answer, and how many answers are right.
    A file that cannot be scored does not keep the others from being scored; it is named at the end, and in the JSON
    under "failures".
    """
    from harken.cli.files import raise_failures
    from harken.cli.files import recordings as files_in
    from harken.evaluation.evaluation import evaluate as evaluate_recordings
    from harken.labelling.cohort import without_path
    from harken.models.recogniser import Recogniser

    if plot is not None and plot.suffix.lower() != ".png":
        raise HarkenError(f"{plot}: pictures are PNG files; give a name that ends in .png")
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"--unsure-below {unsure_below:g} is no probability; it lies between 0 and 1")
    recogniser = Recogniser.load(model)
    paths = files_in(files)
    failures: list[tuple[Path, HarkenError]] = []
    try:
        evaluation = evaluate_recordings(
            recogniser,
            _each_read(paths, reading, failures),
            ignore_labels=ignore_label or (),
            unsure_below=unsure_below,
            orientation=not no_orientation,
            on_failure=lambda recording, error: failures.append((Path(recording.source), error)),
        )
    except HarkenError:
        raise_failures([error for _, error in failures], len(paths))
        raise
    if json:
        from json import dumps

        named = [{"file": printable(path), "reason": without_path(str(error), path)} for path, error in failures]
        typer.echo(dumps(evaluation.as_dict() | {"failures": named}, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from harken.cli.tables import print_evaluation

        print_evaluation(evaluation)
    if plot is not None:
        from harken.figures.confusion import confusion_picture
        from harken.figures.style import save_png

        if evaluation.all_strangers is None:
            raise HarkenError("there is no stranger among these people, so there is nothing to draw")
        save_png(confusion_picture(evaluation.all_strangers, title="People the model never met"), plot)
    raise_failures([error for _, error in failures], len(paths))


def _each_read(
    paths: Iterable[Path], reading: TableOptions, failures: list[tuple[Path, HarkenError]]
) -> "Iterator[Recording]":
    """The recordings, one at a time; ``failures`` gets each file that cannot be read, and why."""
    from harken.readers import read

    for path in paths:
        try:
            recording = read(path, **asdict(reading))
        except HarkenError as error:
            failures.append((path, error))
            continue
        for warning in recording.warnings:
            typer.echo(f"warning: {printable(path)}: {warning}", err=True)
        yield recording
