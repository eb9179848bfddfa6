"""A file -> a Recording, or a stream of it. The right reader is found by the file's first bytes and its name."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from harken.readers.options import TableOptions
from harken.readers.registry import reader_of
from harken.recordings.mended_stream import MendedStream, Observer, mended_stream
from harken.recordings.mending import check_clock, mend
from harken.recordings.recording import Recording
from harken.recordings.source import Source
from harken.support.errors import HarkenError

__all__ = ["TableOptions", "open_stream", "read"]


def read(path: str | Path, *, as_found: bool = False, **options: Any) -> Recording:
    """Read one recording of one wearer.

    >>> import harken
    >>> harken.read("alice.csv")
    <Recording of alice: 9,000 samples of x, y, z, P at 25 Hz; lying, sitting, walking>

    Args:
        path: a research watch's own file (Axivity ``.cwa``, GENEActiv ``.bin``, ActiGraph ``.gt3x``), a logger's or
            a maker's export that harken knows (see ``docs/reading.md``), or any table: a CSV file (``.csv``,
            ``.txt``, also with ``.gz``) or a Parquet file. In a table of no known form, without further options,
            the notebook's columns are expected, ``Timestamp,X,Y,Z,P,Label``, in any order when there is a
            header and in this one when there is none; ``P`` and ``Label`` may be missing.
        as_found: keep every row in the file's order, nothing sorted, dropped or marked. Only
            ``random_windows`` accepts such a recording.
        options: the fields of ``TableOptions``, by name, where the file needs them.

    Returns:
        The recording, mended (see ``harken.recordings.mending.mend``) unless ``as_found``.

    Raises:
        HarkenError: for anything that is wrong with the file or the options; the message names the file,
            the row and the column, and the option that helps.
    """
    table_options = _table_options(options)
    try:
        recording = _opened(Path(path), table_options).collect()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not as_found:
        return mend(recording, sensor_range=table_options.sensor_range_g)
    check_clock(recording)
    return recording


def open_stream(path: str | Path, *, observer: Observer | None = None, **options: Any) -> MendedStream:
    """A recording as a stream of mended samples that can be read again and again.

    The samples are those of ``harken.read`` on the same file, and so are counts and sentences in ``quality``; labels
    in the file may be missing. The file is read once to see what there is to mend. Memory does not grow with the
    recording for CSV files (ActiLife's and OMGUI's exports too), for Parquet files, and for Axivity's ``.cwa``,
    ActiGraph's ``.gt3x`` and GENEActiv's ``.bin``. Every other file, one whose rows are out of order, one of a sensor
    slower than 10 Hz, and local times through an hour that the clock showed twice, is collected in memory.

    Args:
        path: the file.
        observer: see ``harken.recordings.mended_stream.mended_stream``.
        options: as for ``harken.read``.

    Raises:
        HarkenError: as ``harken.read``.
    """
    table_options = _table_options(options)
    try:
        source = _opened(Path(path), table_options)
        return mended_stream(source, sensor_range=table_options.sensor_range_g, observer=observer)
    except OSError as error:
        raise _unreadable(path, error) from error


def _table_options(options: dict[str, Any]) -> TableOptions:
    known = {field.name for field in fields(TableOptions)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(f"read() has no option {', '.join(unknown)}; its options are {', '.join(sorted(known))}")
    return TableOptions(**options)


def _opened(path: Path, options: TableOptions) -> Source:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise HarkenError(f"{path}: this is not a file on a disk, and harken reads a file more than once")
    return reader_of(path, options).open_source(path, options)


def _unreadable(path: str | Path, error: OSError) -> HarkenError:
    if isinstance(error, FileNotFoundError):
        return HarkenError(f"{Path(path)}: there is no such file")
    return HarkenError(f"{Path(path)}: cannot be read ({error.strerror or error})")
