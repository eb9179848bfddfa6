"""``harken evaluate``: a trained model on labelled recordings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.annotations.options import LabelOptions
from harken.cli.files import recordings
from harken.cli.options import IgnoreLabels, Json, Model
from harken.labelling.settings import Orientation, StatedAxis
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError, raise_failures
from harken.support.options import Argument, Option
from harken.support.plugins import need_training
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.evaluation.evaluate import Evaluation


def evaluate(
    model: Model,
    files: Annotated[
        tuple[Path, ...], Argument("Labelled recordings to test it on, or folders of them.", metavar="FILE")
    ],
    *,
    ignore_label: IgnoreLabels = (),
    unsure_below: Annotated[
        float | None,
        Option(
            "Also report the accuracy if windows whose largest probability is below P (0 to 1) are called unsure.",
            metavar="P",
        ),
    ] = None,
    plot: Annotated[
        Path | None, Option("Draw the confusion matrix of the unseen people to this PNG.", metavar="PNG")
    ] = None,
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

    if plot is not None and plot.suffix.lower() != ".png":
        raise HarkenError(f"{plot}: pictures are PNG files; give a name that ends in .png")
    if unsure_below is not None and not 0 <= unsure_below <= 1:
        raise HarkenError(f"--unsure-below must be a probability from 0 to 1, got {unsure_below:g}")
    paths = recordings(files)
    evaluated = evaluate_files(
        model,
        paths,
        ignore_labels=ignore_label,
        unsure_below=unsure_below,
        orientation=orientation,
        forearm_axis=forearm_axis,
        reading=reading,
        labels=labels.path,
        labels_offset_s=labels.offset_s,
        trim_s=labels.trim_s,
        rename=dict(labels.rename),
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
