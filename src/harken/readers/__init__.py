"""A file -> a Recording. ``read`` finds the right reader by the file's name and first bytes."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from harken.readers.kinds import reader_of
from harken.readers.options import TableOptions
from harken.recordings.mending import check_clock, mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = ["TableOptions", "read"]


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
    known = {field.name for field in fields(TableOptions)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(f"read() has no option {', '.join(unknown)}; its options are {', '.join(sorted(known))}")
    table_options = TableOptions(**options)
    path = Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise HarkenError(f"{path}: this is not a file on a disk, and harken reads a file more than once")
        recording = reader_of(path, table_options)(path, table_options)
    except FileNotFoundError as error:
        raise HarkenError(f"{path}: there is no such file") from error
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not as_found:
        return mend(recording, sensor_range=table_options.sensor_range_g)
    check_clock(recording)
    return recording
