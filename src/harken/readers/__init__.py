"""Functions that read a file as a recording or a stream. The reader is chosen by the file's first bytes and its
name.

The readers are imported with the first file, so that ``harken.readers.options`` can be imported without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.files import check_recording_path, regular

if TYPE_CHECKING:
    from harken.recordings.mending import MendedStream, Observer
    from harken.recordings.recording import Recording
    from harken.recordings.source import Source

__all__ = ["TableOptions", "file_errors", "open_source", "open_stream", "read", "recording_of"]


def read(path: str | Path, *, as_found: bool = False, **options: Any) -> "Recording":
    """Read one recording of one wearer.

    >>> import harken
    >>> harken.read("alice.csv")
    <Recording of alice: 9,000 samples of x, y, z, P at 25 Hz; lying, sitting, walking>

    Args:
        path: a research watch's own file (Axivity ``.cwa``, GENEActiv ``.bin``, ActiGraph ``.gt3x``), a supported
            export of an app or a manufacturer (see ``docs/reading.md``), or any table: a CSV file (``.csv``, ``.txt``,
            also with ``.gz``, or in a zip archive) or a Parquet file. Other tables without options must have the
            notebook's columns ``Timestamp,X,Y,Z,P,Label``, in any order if there is a header, else in this order; ``P``
            and ``Label`` may be missing.
        as_found: keep every row in the file's order, without sorting, dropping or marking. Only ``random_windows``
            accepts such a recording.
        options: the fields of ``TableOptions``, by name, if the file needs them.

    Returns:
        The recording, mended (see ``harken.recordings.mending.mend``) unless ``as_found``.

    Raises:
        HarkenError: for errors in the file or the options; the message names the file, the row, the column, and the
            option that solves the problem.
        TypeError: when ``path`` is not a path.
    """
    check_recording_path(path)
    table_options = _table_options(options)
    return recording_of(open_source(path, table_options), table_options, as_found=as_found)


def open_stream(path: str | Path, *, observer: "Observer | None" = None, **options: Any) -> "MendedStream":
    """A recording as a stream of mended samples that can be read several times.

    The samples, and the counts and notes in ``quality``, are the same as those of ``harken.read`` for this file; labels
    may be missing. The file is read once to find what must be mended. Memory does not grow with the recording for CSV
    files (including exports of ActiLife), Parquet files, Axivity's ``.cwa``, ActiGraph's ``.gt3x`` and
    GENEActiv's ``.bin``. All other files are collected in memory. So are files with rows out of order, and files of
    sensors slower than 10 Hz.

    Args:
        path: the file.
        observer: see ``harken.recordings.mending.mended_stream``.
        options: as for ``harken.read``.

    Raises:
        HarkenError: as ``harken.read``.
    """
    from harken.recordings.mending import mended_stream

    table_options = _table_options(options)
    source = open_source(path, table_options)
    with file_errors(path):
        return mended_stream(source, sensor_range=table_options.sensor_range_g, observer=observer)


def open_source(path: str | Path, options: TableOptions) -> "Source":
    """Open a file with the reader for its format, without reading all of it.

    Raises:
        HarkenError: as ``read``.
    """
    from harken.readers.registry import open_file

    path = Path(path)
    with file_errors(path):
        return open_file(regular(path), options)


def recording_of(source: "Source", options: TableOptions, *, as_found: bool = False) -> "Recording":
    """Read the recording of an open file. See ``read``.

    Raises:
        HarkenError: as ``read``.
    """
    from harken.recordings.mending import check_clock, mend

    with file_errors(source.source):
        recording = source.collect()
    if not as_found:
        return mend(recording, sensor_range=options.sensor_range_g)
    check_clock(recording)
    return recording


@contextmanager
def file_errors(path: str | Path) -> Iterator[None]:
    """Within the block, an OSError is converted to a HarkenError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise HarkenError("there is no such file", path=Path(path)) from error
    except OSError as error:
        raise HarkenError(f"cannot be read ({error.strerror or error})", path=Path(path)) from error


def _table_options(options: dict[str, Any]) -> TableOptions:
    known = {field.name for field in fields(TableOptions)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(f"read() has no option {', '.join(unknown)}; its options are {', '.join(sorted(known))}")
    return TableOptions(**options)
