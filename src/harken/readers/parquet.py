"""Reader of Parquet files with the same columns as CSV files."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast, get_args

import polars as pl

from harken.readers.app_columns import AppFacts, describe_app_columns
from harken.readers.layout import NUMERIC_ROLES, Columns, find_columns, tidy_columns
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.parquet_pages import check_pages
from harken.readers.table import POLARS_ERRORS, Table, first_line
from harken.readers.table_source import TableSource
from harken.recordings.source import Source
from harken.support.errors import HarkenError

STDERR = 2
PANIC = re.compile(rb"\n?thread '[^\n]*panicked at .*?(?:\nnote: [^\n]*\n|\Z)", re.DOTALL)


_STDERR_LOCK = threading.RLock()


@contextmanager
def without_panics() -> Iterator[None]:
    """Do not print the text of Rust panics within the block, which Rust prints on the terminal before it raises an
    exception in Python. Other output to standard error, of all threads, appears when the block ends. Other threads wait
    for the end of the block, so it should be short."""
    with _STDERR_LOCK, ExitStack() as stack:
        try:
            aside = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            stderr = os.dup(STDERR)
        except OSError:  # standard error is closed, or there is no space: better a panic's text than an unread file
            yield
            return
        _flush()
        os.dup2(aside.fileno(), STDERR)
        try:
            yield
        finally:
            _flush()
            os.dup2(stderr, STDERR)
            os.close(stderr)
            aside.seek(0)
            others = PANIC.sub(b"", aside.read())
            while others:  # the output of other threads and libraries
                others = others[os.write(STDERR, others) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


MARK = b"PAR1"
STATED_UNIT = "harken.acceleration_unit"
"""A key of the file's metadata: a file that harken wrote states its unit, so that none need be recognised."""
ROWS_AT_ONCE = 1 << 19
"""Half of a row group in the files of ``harken simulate``."""


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file is a Parquet file, by its first bytes ``head`` or its name."""
    return head.startswith(MARK) or path.suffix.lower() == ".parquet"


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a Parquet file. See ``harken.readers.read``.

    Raises:
        HarkenError: when the file is damaged, or the type of a column does not fit its role.
    """
    check_pages(path)
    with _open_parquet(path) as file:
        schema = pl.read_parquet_schema(file)
        stated = pl.read_parquet_metadata(file).get(STATED_UNIT)
    columns, facts = _find_columns(path, schema, options)
    unit = cast(AccelerationUnit, stated) if stated in get_args(AccelerationUnit) else facts.unit
    return TableSource(ParquetTable(path, columns, schema, unit), options, notes=facts.notes)


def open_frame(path: Path, frame: pl.DataFrame, options: TableOptions) -> TableSource:
    """Open a table that was read from ``path``.

    Raises:
        HarkenError: as ``open_source``.
    """
    columns, facts = _find_columns(path, frame.schema, options)
    return TableSource(FrameTable(path, columns, frame, facts.unit), options, notes=facts.notes)


def _find_columns(path: Path, schema: Mapping[str, pl.DataType], options: TableOptions) -> tuple[Columns, AppFacts]:
    first_row = ["0" if dtype.is_numeric() else "" for dtype in schema.values()]
    columns = find_columns(path, list(schema), first_row, options)
    return columns, describe_app_columns(path, list(schema), first_row, columns, options)


class ParquetTable(Table):
    """The columns of a Parquet file.

    Args:
        path: the file.
        columns: the roles of the columns that are read.
        schema: the types of the columns.
        unit: as for ``Table``.

    Raises:
        HarkenError: when the type of a column does not fit its role.
    """

    def __init__(
        self,
        path: Path,
        columns: Columns,
        schema: Mapping[str, pl.DataType],
        unit: AccelerationUnit | None = None,
    ) -> None:
        self._header = list(schema)
        super().__init__(path, columns, unit, tidy=tidy_columns(self._header))
        _check_types(path, columns, schema)
        with _open_parquet(path) as file:
            self._rows: int = pl.scan_parquet(file, glob=False).select(pl.len()).collect().item()

    @property
    def header(self) -> Sequence[str]:
        """See ``Table``."""
        return self._header

    def where(self, row: int) -> str:
        """See ``Table``."""
        return f"row {row + 1}"

    def expected_rows(self) -> int:
        """See ``Table``."""
        return self._rows

    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """See ``Table``."""
        named = [pl.col(self._header[position]).alias(role) for role, position in columns.items()]
        for first in range(0, self._rows, ROWS_AT_ONCE):
            with _open_parquet(self.path) as file:
                frame = pl.scan_parquet(file, glob=False).slice(first, ROWS_AT_ONCE).select(named).collect()
            yield frame


class FrameTable(Table):
    """The columns of a table that was read before.

    Args:
        path: where it was read from.
        columns: the roles of the columns that are read.
        frame: the table.
        unit: as for ``Table``.

    Raises:
        HarkenError: when the type of a column does not fit its role.
    """

    def __init__(self, path: Path, columns: Columns, frame: pl.DataFrame, unit: AccelerationUnit | None = None) -> None:
        super().__init__(path, columns, unit, tidy=tidy_columns(frame.columns))
        _check_types(path, columns, frame.schema)
        self._frame = frame

    @property
    def header(self) -> Sequence[str]:
        """See ``Table``."""
        return self._frame.columns

    def where(self, row: int) -> str:
        """See ``Table``."""
        return f"row {row + 1}"

    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """See ``Table``."""
        names = self._frame.columns
        frame = self._frame.select(pl.col(names[position]).alias(role) for role, position in columns.items())
        yield from frame.iter_slices(ROWS_AT_ONCE)


@contextmanager
def _open_parquet(path: Path) -> Iterator[BinaryIO]:
    """Open a Parquet file for polars. Within the block, exceptions of polars for a damaged file are converted to
    HarkenError, and panics are not printed.

    polars opens a path twice. In between, a server may have replaced a recording by a longer one.
    """
    try:
        with path.open("rb") as file, without_panics():
            yield file
    except POLARS_ERRORS as error:
        raise HarkenError(f"not a complete Parquet file ({first_line(error)})", path=path) from error


def _check_types(path: Path, columns: Columns, schema: Mapping[str, pl.DataType]) -> None:
    names = list(schema)
    for role, position in columns.items():
        _check_type(path, role, names[position], schema[names[position]])


def _check_type(path: Path, role: str, name: str, dtype: pl.DataType) -> None:
    """Raise a HarkenError if the type of a column does not fit its role."""
    if role in NUMERIC_ROLES:
        fits, expected = dtype.is_numeric() or dtype == pl.Null, "numbers"
    elif role == "time":
        wide = str(dtype) in ("Int128", "UInt128")  # older versions of polars have no UInt128
        fits, expected = (
            isinstance(dtype, pl.Datetime) or dtype == pl.String or (dtype.is_numeric() and not wide),
            "times",
        )
    else:
        fits = dtype.is_numeric() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
        expected = "names"
    if not fits:
        raise HarkenError(
            f"contains {dtype}, not {expected}; choose the column of {role} with --{role}-column",
            path=path,
            place=f"column {name}",
        )
