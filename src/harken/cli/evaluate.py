"""``harken evaluate``: a trained model on labelled recordings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.annotations.options import LabelOptions
from harken.cli.options import (
    ForearmAxisOption,
    IgnoreLabels,
    Json,
    Model,
    NoOrientation,
    with_label_options,
    with_reading_options,
)
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError, raise_failures
from harken.support.plugins import need_training
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.evaluation.files import Evaluation

Files = Annotated[
    list[Path],
    typer.Argument(help="Labelled recordings to test it on, or folders of them.", metavar="FILE", show_default=False),
]
UnsureBelow = Annotated[
    float | None,
    typer.Option(
        help="Also report the accuracy if windows whose largest probability is below P (0 to 1) are called unsure.",
        metavar="P",
    ),
]
Plot = Annotated[
    Path | None, typer.Option(help="Draw the confusion matrix of the unseen people to this PNG.", metavar="PNG")
]


@with_reading_options
@with_label_options()
def evaluate(
    model: Model,
    files: Files,
    *,
    ignore_label: IgnoreLabels = None,
    unsure_below: UnsureBelow = None,
    plot: Plot = None,
    no_orientation: NoOrientation = False,
    forearm_axis: ForearmAxisOption = None,
    json: Json = False,
    labelling: LabelOptions,
    reading: TableOptions,
) -> None:
    """Score a model on labelled recordings: each person, and the mean over people with an interval.

    Training people of the model are reported separately and never counted as unseen people, even if the recording has
    another name or another unit, or was cut. With --unsure-below the scores still count all windows; the share of
    windows with an answer, and their accuracy, are printed beside them. A table with several names in its subject
    column has one recording for each. A file that cannot be scored does not stop the others; it is named at the end,
    and in the JSON under "failures".
    """
    need_training("harken evaluate")
    from harken.cli.files import recordings
    from harken.evaluation.files import evaluate as evaluate_files

    if plot is not None and plot.suffix.lower() != ".png":
        raise HarkenError(f"{plot}: pictures are PNG files; give a name that ends in .png")
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"--unsure-below must be a probability from 0 to 1, got {unsure_below:g}")
    paths = recordings(files)
    evaluated = evaluate_files(
        model,
        paths,
        ignore_labels=ignore_label or (),
        unsure_below=unsure_below,
        orientation=not no_orientation,
        forearm_axis=forearm_axis,
        reading=reading,
        labels=labelling.path,
        labels_offset_s=labelling.offset_s,
        trim_s=labelling.trim_s,
        rename=dict(labelling.rename),
        on_warning=lambda path, sentence: typer.echo(f"warning: {printable(path)}: {sentence}", err=True),
    )
    if json:
        from json import dumps

        typer.echo(dumps(evaluated.as_dict(), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        from harken.cli.tables import print_evaluation

        print_evaluation(evaluated.scores)
        for path, source in evaluated.label_sources:
            typer.echo(f"Labels of {printable(path)}: {source}")
    if plot is not None:
        _draw(evaluated.scores, plot)
    raise_failures([error for _, error in evaluated.failures], len(paths))


def _draw(scores: "Evaluation", path: Path) -> None:
    from harken.reports.figures.confusion import confusion_picture
    from harken.reports.figures.style import save_png

    if scores.all_unseen is None:
        raise HarkenError("there is no unseen person among these people, so there is nothing to draw")
    save_png(confusion_picture(scores.all_unseen, title="Unseen people"), path)
