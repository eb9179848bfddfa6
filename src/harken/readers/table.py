"""Tables of samples from any kind of file: their columns, read in pieces or as a whole."""

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from harken.readers.layout import Columns, channel_roles
from harken.readers.options import AccelerationUnit
from harken.recordings.recording import UNLABELLED
from harken.support.arrays import Float32Array, Int16Array, Int64Array
from harken.support.errors import HarkenError

NO_NAME = ("", "null", "nan")
"""Texts that mean a missing name, in lower case."""
MOST_NAMES = 1_000
POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class TableRows(NamedTuple):
    """Some rows of a table.

    ``numbers`` are their numbers in the table from 0, int64 ``[rows]``; ``time`` is the column of times; ``signals``
    float32 ``[rows, channels]``, acceleration first; ``labels`` and ``subjects`` int16 ``[rows]``, -1 for none. Columns
    are None if the table does not have them.
    """

    numbers: Int64Array
    time: pl.Series | None
    signals: Float32Array
    labels: Int16Array | None = None
    subjects: Int16Array | None = None

    def choose(self, rows: Int64Array) -> "TableRows":
        """Copy the rows at these positions."""
        columns: Iterable[Any] = self
        chosen: list[Any] = [None if column is None else column[rows] for column in columns]
        return TableRows(*chosen)


class Table(ABC):
    """The columns of a file, read in pieces, or kept in memory after they were read.

    Args:
        path: the file.
        columns: the roles of its columns.
        unit: the unit of acceleration, if the format defines it; None: it is recognised from gravity.
        tidy: the names of columns that distinguish several recordings in one table.

    Attributes:
        channels: the names of the signals; the first three are acceleration.
        label_words: the labels for which codes in the column of labels stand.
    """

    def __init__(
        self, path: Path, columns: Columns, unit: AccelerationUnit | None = None, tidy: tuple[str, ...] = ()
    ) -> None:
        self.path, self.columns, self.tidy, self.unit = path, columns, tidy, unit
        self.channels = tuple("P" if role == "accuracy" else role for role in channel_roles(columns))
        roles = [role for role in ("label", "subject") if role in columns]
        self._codes: dict[str, dict[str, int]] = {role: {} for role in roles}
        self.label_words: Mapping[str, str] = {}
        self._kept: TableRows | None = None

    @property
    def in_memory(self) -> bool:
        """Whether all rows are in memory."""
        return self._kept is not None

    @abstractmethod
    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """The rows of these columns, named by their roles, in pieces.

        Raises:
            HarkenError: for the first invalid row; the message names it.
        """

    @abstractmethod
    def where(self, row: int) -> str:
        """The position of a row (from 0) in the file, for error messages."""

    def expected_rows(self) -> int:
        """The approximate number of rows; 0 if nothing is known before they are read."""
        return 0

    def rows(self, without: Collection[str] = ()) -> Iterator[TableRows]:
        """All rows, in pieces.

        Args:
            without: the roles whose columns are not read, ``label`` or ``subject``.

        Raises:
            HarkenError: as ``frames``.
        """
        if self._kept is not None:
            yield self._kept
            return
        columns = {role: position for role, position in self.columns.items() if role not in without}
        done = 0
        for frame in self.frames(columns):
            rows = self._rows_of(frame, columns, done)
            done += frame.height
            del frame  # there is room for the next one
            yield rows
            del rows

    def _rows_of(self, frame: pl.DataFrame, columns: Columns, first_row: int) -> TableRows:
        """The rows of a piece, of which the first has this number."""
        codes = {role: self._codes_of(role, frame[role], first_row) for role in self._codes if role in frame.columns}
        signals = np.empty((frame.height, len(self.channels)), np.float32)
        for channel, role in enumerate(channel_roles(columns)):
            signals[:, channel] = frame[role].cast(pl.Float32).fill_null(math.nan).to_numpy()
        return TableRows(
            np.arange(first_row, first_row + frame.height),
            frame["time"] if "time" in frame.columns else None,
            signals,
            codes.get("label"),
            codes.get("subject"),
        )

    def names(self, role: str) -> tuple[str, ...]:
        """The names for the codes of a role, ``label`` or ``subject``, in the rows that were read."""
        return tuple(self._codes.get(role, ()))

    def _codes_of(self, role: str, column: pl.Series, first_row: int) -> Int16Array:
        """The codes of a piece of the column (text, categories or numbers), int16 ``[rows]``; -1 for a missing name.
        Spaces around a name are ignored.

        Args:
            role: ``label`` or ``subject``.
            column: the piece.
            first_row: the number of rows before it in the table.

        Raises:
            HarkenError: when there are too many names, or a name spans several lines.
        """
        # One look-up by the category's number: no text is processed for each row.
        coded = isinstance(column.dtype, pl.Categorical | pl.Enum)
        categories = column if coded else column.cast(pl.String).cast(pl.Categorical)
        distinct = categories.unique().drop_nulls()
        names = [name.strip() for name in distinct.cast(pl.String).to_list()]
        self._check_names(role, names, categories, first_row)
        known = self._codes[role]
        words = self.label_words if role == "label" else {}
        numbers = distinct.to_physical().to_numpy().astype(np.int64)
        lookup = np.full(int(numbers.max(initial=-1)) + 2, UNLABELLED, np.int16)
        lookup[numbers] = [
            UNLABELLED if name.lower() in NO_NAME else known.setdefault(words.get(name, name), len(known))
            for name in names
        ]
        rows = categories.to_physical().cast(pl.Int64).fill_null(len(lookup) - 1).to_numpy()
        return np.asarray(lookup[rows])

    def _check_names(self, role: str, names: list[str], column: pl.Series, first_row: int) -> None:
        if len(self._codes[role].keys() | set(names)) > MOST_NAMES:
            raise HarkenError(
                f"{self.path}: the column of {role}s contains more than {MOST_NAMES} names, such as "
                f"{min(names)!r}; choose the right column with --{role}-column"
            )
        if any("\n" in name for name in names):
            text = column.cast(pl.String)
            row = int(text.str.strip_chars().str.contains("\n", literal=True).arg_true()[0])
            begin = text[row].strip().split("\n")[0]
            raise HarkenError(
                f"{self.path}, {self.where(first_row + row)}: the {role} {begin!r} continues on the "
                "next line; is a quotation mark missing?"
            )

    def whole(self) -> TableRows:
        """All rows, which are then kept in memory.

        Raises:
            HarkenError: as ``frames``, and when there are no rows.
        """
        if self._kept is None:
            self._kept = join_rows(list(self.rows()))
            if self._kept is None:
                raise HarkenError(f"{self.path}: it contains no rows of data")
        return self._kept

    def keep(self, rows: TableRows, channels: tuple[str, ...] | None = None) -> None:
        """Replace all rows, and the channels if they are given."""
        self._kept, self.channels = rows, channels or self.channels


def join_rows(pieces: Sequence[TableRows]) -> TableRows | None:
    """Concatenate consecutive rows; None if there are none."""
    filled = [piece for piece in pieces if len(piece.signals)]
    if not filled:
        return None
    if len(filled) == 1:
        return filled[0]
    columns: Iterable[tuple[Any, ...]] = zip(*filled, strict=True)
    return TableRows(*map(_join_column, columns))


def _join_column(pieces: Sequence[Any]) -> Any:
    """Concatenate the pieces of a column of a table; None if the table has no such column."""
    if pieces[0] is None:
        return None
    if not isinstance(pieces[0], pl.Series):
        return np.concatenate(pieces)
    if len({piece.dtype for piece in pieces}) > 1:  # from some row on, the numbers are written in another way
        pieces = [piece.cast(pl.String) for piece in pieces]
    return pl.concat(pieces)


def first_line(error: BaseException) -> str:
    """The first line of an error message of polars, without the long text that may follow."""
    return next(iter(str(error).splitlines()), type(error).__name__)
