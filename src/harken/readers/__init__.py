"""A file -> a Recording. ``read`` finds the right reader by the file's name and first bytes."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from harken.errors import HarkenError
from harken.mending import mend
from harken.readers.csv import read_csv
from harken.readers.options import TableOptions
from harken.readers.parquet import read_parquet
from harken.recording import Recording

__all__ = ["TableOptions", "read"]


def read(path: str | Path, *, as_found: bool = False, **options: Any) -> Recording:
    """Read one recording of one wearer.

    Args:
        path: a CSV file (``.csv``, ``.txt``, also with ``.gz``) or a Parquet file. Without further options
            the notebook's columns are expected, ``Timestamp,X,Y,Z,P,Label``, in any order when there is a
            header and in this one when there is none; ``P`` and ``Label`` may be missing.
        as_found: keep every row in the file's order, nothing sorted, dropped or marked. Only
            ``random_windows`` accepts such a recording.
        options: the fields of ``TableOptions``, by name, where the file needs them.

    Returns:
        The recording, mended (see ``harken.mending.mend``) unless ``as_found``.

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
    if path.is_dir():
        raise HarkenError(f"{path} is a folder; name the files in it")
    try:
        if path.exists() and not path.is_file():
            raise HarkenError(f"{path}: this is not a file on a disk, and harken reads a file more than once")
        reader = read_parquet if _is_parquet(path) else read_csv
        recording = reader(path, table_options)
    except FileNotFoundError as error:
        raise HarkenError(f"{path}: there is no such file") from error
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    return recording if as_found else mend(recording, sensor_range=table_options.sensor_range_g)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1" or path.suffix.lower() == ".parquet"
