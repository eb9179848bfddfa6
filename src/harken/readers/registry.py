"""Which reader a file is for: by its first bytes, and by its name where these say nothing.

A reader is a module, or any object, with two functions: ``recognises(path, head)`` says whether a file is of its
format, and ``open_source(path, options)`` opens one. A reader of another package is found by its entry point in the
group ``harken.readers``.
"""

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from harken.readers import (
    axivity,
    csv,
    empatica,
    geneactiv,
    omgui,
    parquet,
    phyphox,
    physics_toolbox,
    sensor_logger,
    sensorlog,
)
from harken.readers.actigraph import actilife_csv, gt3x
from harken.readers.exports import describes_columns
from harken.readers.options import TableOptions
from harken.readers.unsupported import GENEA, MATRIX
from harken.recordings.source import Source
from harken.support.errors import HarkenError

__all__ = ["ENTRY_POINTS", "Reader", "reader_of", "readers_of_other_packages"]

HEAD_BYTES = 1 << 16
ENTRY_POINTS = "harken.readers"


class Reader(Protocol):
    """Reads files of one format."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` (64 KiB of it, gzipped or not) is of this format.

        A folder, which may hold an export of several files, has no ``head``.
        """

    def open_source(self, path: Path, options: TableOptions) -> Source:
        """Open a file, or a folder.

        Raises:
            HarkenError: for what is wrong with the file or the options; the message names the file, the place in it,
                and the option that helps.
        """


BINARY: tuple[Reader, ...] = (parquet, axivity, geneactiv, GENEA, MATRIX, gt3x)
"""Formats that no option can turn into another one. A ``.gt3x`` is a zip archive, so it comes before the loggers, some
of whose exports are."""

EXPORTS: tuple[Reader, ...] = (
    sensor_logger,
    phyphox,
    sensorlog,
    physics_toolbox,
    actilife_csv,
    empatica,
    omgui,
)
"""Tables of a known form. They are not looked for when the options say how the table is to be read."""


def reader_of(path: Path, options: TableOptions) -> Reader:
    """The reader of a file, or of a folder that is one recording (what Sensor Logger exports).

    A file that no reader of harken recognises is offered to those of other packages, in the order of their names, but
    not when the options say how it is to be read as a table. What nobody recognises is a table.

    Raises:
        HarkenError: for a folder that is no such thing, for a path that no file can have, and where a reader of another
            package cannot be loaded.
        OSError: when the file is not there or cannot be read.
    """
    if "\0" in str(path):
        raise HarkenError(f"{str(path)!r}: the name of a file cannot hold a zero byte")
    if path.is_dir():
        if sensor_logger.recognises(path, b""):
            return sensor_logger
        raise HarkenError(f"{path} is a folder; name the files in it")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    described = describes_columns(options)
    for reader in BINARY if described else (*BINARY, *EXPORTS):
        if reader.recognises(path, head):
            return reader
    others = () if described else readers_of_other_packages()
    return next((reader for reader in others if reader.recognises(path, head)), csv)


@cache
def readers_of_other_packages() -> tuple[Reader, ...]:
    """The readers that installed packages name as entry points.

    Raises:
        HarkenError: when one cannot be loaded, or is no reader; the message names it and its package.
    """
    readers = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        package = entry.dist.name if entry.dist else "another package"
        try:
            reader = entry.load()
        except Exception as error:  # whatever the other package raises
            raise HarkenError(
                f"the reader {entry.name!r} ({entry.value}) of the package {package} cannot be loaded: "
                f"{type(error).__name__}: {error}. Mend or uninstall the package"
            ) from error
        if not all(callable(getattr(reader, name, None)) for name in ("recognises", "open_source")):
            raise HarkenError(
                f"the reader {entry.name!r} ({entry.value}) of the package {package} has no functions recognises and "
                "open_source. Mend or uninstall the package"
            )
        readers.append(reader)
    return tuple(readers)
