"""``harken export``: a model as one file for programs that have neither harken nor PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from harken.cli.files import print_json
from harken.cli.options import Json, Model
from harken.support.errors import HarkenError
from harken.support.files import check_output_file
from harken.support.options import Option
from harken.support.plugins import need_training
from harken.support.printable import printable

KINDS = ("onnx",)


def export(
    model: Model,
    *,
    to: Annotated[str, Option(f"What to write: {', '.join(KINDS)}.", metavar="KIND")] = KINDS[0],
    out: Annotated[Path, Option("The file to write (.onnx).", metavar="FILE")],
    json: Json = False,
) -> None:
    """It is written only if ONNX Runtime gives the same probabilities as PyTorch."""
    need_training("harken export")
    from harken.models.export import export as write
    from harken.models.model_file import read_model

    if to not in KINDS:
        raise HarkenError(f"models cannot be exported to {to!r}; what can be written is {', '.join(KINDS)}")
    if out.suffix != ".onnx":
        raise HarkenError("the name of an exported model must end in .onnx; choose another --out", path=out)
    if out.exists():
        raise HarkenError("exists already; choose another --out, or remove the file first", path=out, colon=False)
    check_output_file(out, "--out")
    read = read_model(model)
    difference = write(out, read)
    specification = read.specification
    if json:
        found = {"out": printable(out), "bytes": out.stat().st_size, "largest_difference": difference}
        print_json(found | {"specification": specification.as_dict()})
        return
    typer.echo(
        f"{printable(out)}: {out.stat().st_size / 1e6:.1f} MB. It reads windows of "
        f"{specification.window_length} samples of {', '.join(specification.channels)} at "
        f"{specification.sample_rate_hz:.4g} Hz (acceleration in g) and gives the probabilities of "
        f"{', '.join(specification.labels)}.\nOn random windows they differ from those of PyTorch by "
        f"at most {difference:.0e}. The steps before the network are in the file's metadata, and are "
        "explained in docs/onnx.md."
    )
