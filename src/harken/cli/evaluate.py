"""``harken evaluate``: a trained model on labelled recordings."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harken.cli.options import Json, Model, NoOrientation, with_reading_options
from harken.readers.options import TableOptions

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

    People the model learned from are told apart from strangers and never counted among them. With --unsure-below
    every score still counts all windows; beside them stands how many get an answer, and how many answers are right.
    """
    from harken.cli.each_file import recordings as files_in
    from harken.errors import HarkenError
    from harken.evaluation import evaluate as evaluate_recordings
    from harken.readers import read
    from harken.recogniser import Recogniser

    if plot is not None and plot.suffix.lower() != ".png":
        raise HarkenError(f"{plot}: pictures are PNG files; give a name that ends in .png")
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"--unsure-below {unsure_below:g} is no probability; it lies between 0 and 1")
    recogniser = Recogniser.load(model)
    recordings = [read(path, **asdict(reading)) for path in files_in(files)]
    for recording in recordings:
        for warning in recording.warnings:
            typer.echo(f"warning: {recording.source}: {warning}", err=True)
    evaluation = evaluate_recordings(
        recogniser,
        recordings,
        ignore_labels=ignore_label or (),
        unsure_below=unsure_below,
        orientation=not no_orientation,
    )
    if json:
        from json import dumps

        typer.echo(dumps(evaluation.as_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from harken.cli.tables import print_evaluation

        print_evaluation(evaluation)
    if plot is not None:
        from harken.figures.confusion import confusion_picture
        from harken.figures.style import save_png

        if evaluation.all_strangers is None:
            raise HarkenError("there is no stranger among these people, so there is nothing to draw")
        save_png(confusion_picture(evaluation.all_strangers, title="People the model never met"), plot)
