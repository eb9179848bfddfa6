"""``harken adapt``: a personal model from a few labelled minutes of its wearer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from harken.annotations.options import LabelOptions
from harken.cli.files import plain_table, print_json, print_warning, recordings, say, warn_of_unused
from harken.cli.options import IgnoreLabels, Json, Model
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import StatedAxis
from harken.support.errors import HarkenError
from harken.support.files import check_output_file, real_path
from harken.support.options import Argument, Option
from harken.support.printable import percent, printable

if TYPE_CHECKING:
    from harken.training.adaptation import Adapted


def adapt(
    model: Model,
    files: Annotated[tuple[Path, ...], Argument("Labelled recordings of one wearer.", metavar="FILE")],
    *,
    out: Annotated[Path, Option("The personal model to write (.safetensors).", metavar="PERSONAL")],
    ignore_label: IgnoreLabels = (),
    forearm_axis: StatedAxis = None,
    json: Json = False,
    labels: LabelOptions,
    reading: TableOptions,
) -> None:
    """Half a minute each of several kinds of every label is enough: lying on the back and on the
    side, sitting still and typing. Another kind is worth more than more minutes. A label that the
    model lacks is added. The output states whether the adapted weights were kept; if not, PERSONAL
    holds the general model. A second adaptation is tested on the last occasion, or on the last part
    of each bout, which it did not use.
    """
    from harken.annotations.labelled_files import LabelledFiles, by_new_names
    from harken.models.model_file import model_path
    from harken.models.recogniser import Recogniser
    from harken.recordings.inspection import list_label_doubts
    from harken.training.adaptation import adapt as adapt_recogniser

    if out.suffix != ".safetensors":
        raise HarkenError("the name of a model file must end in .safetensors; choose another --out", path=out)
    if real_path(out) == real_path(model_path(model)):
        raise HarkenError(
            "is the general model, which must not be overwritten; choose another --out", path=out, colon=False
        )
    if out.exists():
        raise HarkenError("exists already; choose another --out, or remove the file first", path=out, colon=False)
    check_output_file(out, "--out")
    recogniser = Recogniser.load(model)
    paths = recordings(files)
    recorded = LabelledFiles(paths, reading, labels, one_person=True)
    labelled = []
    for file in paths:
        for recording in recorded.read(file):
            for sentence in list_label_doubts(recording, trim_s=labels.trim_s):
                print_warning(file, sentence)
            labelled.append(by_new_names(recording, labels))
    labels.refuse_unused(recorded.label_names, files=bool(recorded.label_sources))
    warn_of_unused(labels, recorded.people)
    adapted = adapt_recogniser(recogniser, labelled, ignore_labels=ignore_label, forearm_axis=forearm_axis)
    adapted.recogniser.save(out)
    sources = {recording.source: recording.label_source for recording in labelled if recording.label_source}
    if json:
        print_json(adapted.as_dict() | {"out": printable(out)} | ({"label_sources": sources} if sources else {}))
    else:
        for path, source in sources.items():
            typer.echo(f"Labels of {path}: {source}")
        _print(adapted, out)


def _print(adapted: "Adapted", out: Path) -> None:
    from harken.training.held_out_test import describe_decision

    console = Console(highlight=False)
    before = {} if adapted.before is None else adapted.before.recall
    after = {} if adapted.after is None else adapted.after.recall
    table = plain_table(f"{adapted.wearer} recorded", "seconds", *(("before", "after") if before else ()))
    for label, seconds in adapted.labelled_s.items():
        shares = [percent(recall[label]) for recall in (before, after) if label in recall]
        table.add_row(Text(label), f"{seconds:.0f}", *shares)
    console.print(table)
    if adapted.unlearned:
        say(console, f"Too short for training and testing: {', '.join(adapted.unlearned)}")
    for why in adapted.turned:
        say(console, f"The watch was {why}")
    for warning in adapted.mounting_warnings:
        say(console, f"warning: {warning}", "yellow")
    decision = "kept" if adapted.kept else "reverted"
    say(console, f"{decision}: {adapted.reason}")
    for sentence in filter(None, map(describe_decision, adapted.tests)):
        say(console, sentence)
    for limit in adapted.limits:
        say(console, f"Note: {limit}")
    what = "the personal model" if adapted.kept else "the general model, unchanged"
    say(console, f"{printable(out)}: {what}")
