"""A Parquet file with the columns of the CSV -> a Recording."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from harken.readers.columns import NUMERIC_ROLES, find_columns
from harken.readers.options import TableOptions
from harken.readers.panics import without_panics
from harken.readers.table import POLARS_ERRORS, TableBuilder, first_line, recording_from_table
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.support.files import utf8_path

__all__ = ["check_types", "parquet_errors", "read_parquet"]


def read_parquet(path: Path, options: TableOptions) -> Recording:
    """Read a Parquet file as it was found. See ``harken.readers.read``."""
    with parquet_errors(path) as plain:
        schema = pl.read_parquet_schema(plain)
    header = list(schema)
    first_row = ["0" if dtype.is_numeric() else "" for dtype in schema.values()]
    columns = find_columns(path, header, first_row, options)
    used = {role: header[position] for role, position in columns.roles().items()}
    check_types(path, used, schema)
    with parquet_errors(path) as plain:
        frame = pl.read_parquet(plain, columns=list(used.values()), glob=False)
        table = TableBuilder(path, columns, lambda row: f"row {row + 1}")
        table.add(frame.select(pl.col(name).alias(role) for role, name in used.items()))
    del frame
    return recording_from_table(table.finish(), options)


@contextmanager
def parquet_errors(path: Path) -> Iterator[Path]:
    """Give the path of a Parquet file as polars opens it. Within the block, what polars raises for a damaged file is a
    HarkenError, and no panic is printed."""
    try:
        with utf8_path(path) as plain, without_panics():
            yield plain
    except POLARS_ERRORS as error:
        raise HarkenError(f"{path}: not a whole Parquet file ({first_line(error)})") from error


def check_types(path: Path, used: Mapping[str, str], schema: Mapping[str, pl.DataType]) -> None:
    """Raise a HarkenError where a column, by its role in ``used``, cannot be what it is said to be."""
    for role, name in used.items():
        _check_type(path, role, name, schema[name])


def _check_type(path: Path, role: str, name: str, dtype: pl.DataType) -> None:
    """Raise a HarkenError where a column cannot be what it is said to be."""
    if role in NUMERIC_ROLES:
        fits, wanted = dtype.is_numeric() or dtype == pl.Null, "numbers"
    elif role == "time":
        wide = str(dtype) in ("Int128", "UInt128")  # older versions of polars have no UInt128
        fits, wanted = (
            isinstance(dtype, pl.Datetime) or dtype == pl.String or (dtype.is_numeric() and not wide),
            "times",
        )
    else:
        fits = dtype.is_numeric() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
        wanted = "names"
    if not fits:
        raise HarkenError(
            f"{path}, column {name}: holds {dtype}, not {wanted}; say where {role} is with --{role}-column"
        )
