"""A Parquet file with the columns of the CSV -> a Recording."""

from pathlib import Path

import polars as pl

from harken.errors import HarkenError
from harken.readers.columns import find_columns
from harken.readers.options import TableOptions
from harken.readers.table import recording_from_table
from harken.recording import Recording

__all__ = ["read_parquet"]


def read_parquet(path: Path, options: TableOptions) -> Recording:
    """Read a Parquet file as it was found. See ``harken.readers.read``."""
    try:
        header = pl.read_parquet_schema(path)
        columns = find_columns(path, list(header), len(header), options)
        used = [list(header)[position] for position in columns.used()]
        frame = pl.read_parquet(path, columns=used, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HarkenError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0]})") from error
    if frame.height == 0:
        raise HarkenError(f"{path}: there are no rows of data in it")
    numeric = {"x": columns.x, "y": columns.y, "z": columns.z, "P": columns.accuracy}
    for role, position in numeric.items():
        if position is not None and not frame[list(header)[position]].dtype.is_numeric():
            name = list(header)[position]
            raise HarkenError(
                f"{path}, column {name}: holds {frame[name].dtype}, not numbers; "
                f"say where {role} is with --{role.lower()}-column"
            )
    names = {position: list(header)[position] for position in columns.used()}
    return recording_from_table(path, frame, columns, names, options)
