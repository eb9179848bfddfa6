"""The choice of the reader for a file: by its first bytes, or by its name if these are not sufficient.

A reader is a module, or any object, with two functions: ``recognises(path, head)`` returns whether a file has its
format, and ``open_source(path, options)`` opens a file. A new reader of harken's own is listed in ``BINARY`` or
``EXPORTS`` below. Other packages add readers by entry points in the group ``harken.readers``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from harken.readers import (
    actilife,
    axivity,
    csv,
    empatica,
    geneactiv,
    gt3x,
    parquet,
    sensor_logger,
)
from harken.readers.exports import describes_columns
from harken.readers.options import TableOptions
from harken.readers.unpacking import HEAD_BYTES, is_zip, plain_head, refuse_many_members
from harken.recordings.source import Source
from harken.support.errors import HarkenError
from harken.support.plugins import Registry

ENTRY_POINTS = "harken.readers"
MATRIX_REMARKS_BYTES = 512


class Reader(Protocol):
    """Reads files of one format."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` (64 KiB, gzipped or not) has this format.

        ``head`` is empty for a folder, which may contain an export of several files.
        """

    def open_source(self, path: Path, options: TableOptions) -> Source:
        """Open a file, or a folder.

        Raises:
            HarkenError: for errors in the file or the options; the message names the file, the place in it, and the
                option that solves the problem.
        """


def _unsupported(path: Path, head: bytes) -> tuple[str, str, str] | None:
    """The watch whose files cannot be read, if a file with this path and these first bytes, unpacked, is one of them;
    the function that reads it; and its values to be written as CSV.

    No library with a suitable licence reads these formats reliably. GENEA is the predecessor of GENEActiv: actfast does
    not support it, and scikit-digital-health ends the process. For files of a Matrix, scikit-digital-health ends the
    process or never ends, and actipy is licensed for academic use only.
    """
    if head.startswith(b"GENEA/"):
        return "GENEA", "readGenea", "timestamps1 (seconds since 1970) and rawxyz (thousandths of g)"
    named = path.name.lower().removesuffix(".gz").endswith(".bin")
    if head[MATRIX_REMARKS_BYTES:].startswith(b"MDTC") or (named and b"MDTCPACK" in head):
        return "Parmay Tech Matrix", "readParmayMatrix", "time, acc_x, acc_y and acc_z"
    return None


BINARY: tuple[Reader, ...] = (parquet, axivity, geneactiv, gt3x)
"""Formats that do not depend on options. A ``.gt3x`` is a zip archive, so its reader must come before those of apps,
which also export zip archives."""

EXPORTS: tuple[Reader, ...] = (
    sensor_logger,
    actilife,
    empatica,
)
"""Tables of a known format. Their readers are not used if the options describe the table."""


def open_file(path: Path, options: TableOptions) -> Source:
    """Open a file, or a folder with one recording (an export of Sensor Logger), with the reader for its format.

    If no reader of harken recognises a file, the readers of other packages are tried, in the order of their names,
    unless the options describe a table. A file that no reader recognises is read as a table. A reader of another
    package that cannot be imported is skipped: a note on the recording names it, or the error if the file is not a
    table.

    Raises:
        HarkenError: as ``Reader.open_source``; also for a folder without such an export, and for an impossible path.
        OSError: when the file does not exist or cannot be read.
    """
    reader, skipped = reader_of(path, options)
    if not skipped:
        try:
            return reader.open_source(path, options)
        except (HarkenError, OSError):
            raise
        except Exception as error:
            if reader in (*BINARY, *EXPORTS, csv):
                raise
            raise HarkenError(
                f"the reader of another package failed ({type(error).__name__}: {error}); tell its author", path=path
            ) from error
    try:
        return csv.open_source(path, options, notes=[f"A reader was skipped: {error.reason}." for error in skipped])
    except HarkenError as error:
        others = (f"A reader was skipped, which may be the one for this file: {other}" for other in skipped)
        raise error.with_lines(f"{error.reason}. {'. '.join(others)}") from error


def reader_of(path: Path, options: TableOptions) -> tuple[Reader, Sequence[HarkenError]]:
    """The reader of a file, and why others were skipped that may be the right one. See ``open_file``."""
    if "\0" in str(path):
        raise HarkenError(f"{str(path)!r}: a file name cannot contain a zero byte")
    if path.is_dir():
        if sensor_logger.recognises(path, b""):
            return sensor_logger, ()
        raise HarkenError("is a folder; name the files in it", path=path, colon=False)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if is_zip(head):
        refuse_many_members(path)
    if found := _unsupported(path, plain_head(head)):
        watch, function, values = found
        raise HarkenError(
            f"this is a recording of a {watch}; harken cannot read it. Read it with the function {function} of "
            f"the R package GGIRread, write its {values} as a CSV file with columns time, x, y, z, and read that file",
            path=path,
        )
    described = describes_columns(options)
    for reader in BINARY if described else (*BINARY, *EXPORTS):
        if reader.recognises(path, head):
            return reader, ()
    if described:
        return csv, ()
    added, errors = _ADDED.load_added()
    theirs = next((reader for reader in added if reader.recognises(path, head)), None)
    return (csv, errors) if theirs is None else (theirs, ())


def _checked(name: str, found: Any) -> Reader:
    if not all(callable(getattr(found, function, None)) for function in ("recognises", "open_source")):
        raise HarkenError(f"{name} has no functions recognises and open_source")
    reader: Reader = found
    return reader


_ADDED: Registry[Reader] = Registry("reader", ENTRY_POINTS, {}, check=_checked)
