"""Tables of samples from any kind of file: their columns, read in pieces or as a whole."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.columns import Columns
from harken.readers.options import AccelerationUnit
from harken.recordings.recording import UNLABELLED
from harken.recordings.source import SourceChangedError
from harken.support.errors import HarkenError

NO_NAME = ("", "null", "nan")
"""Texts that mean a missing name, in lower case."""
MOST_NAMES = 1_000
POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
ANOTHER_SUBJECT = "another subject"
"""The reason in ``Quality.dropped`` for rows of another person."""


class NameCodes:
    """Assigns a number to each name in a column, the same in all pieces of the table. Spaces around a name are ignored.

    Args:
        path: the file.
        role: ``label`` or ``subject``.
        where: a function that returns the position of a row in the file. ``path`` and ``where`` are for error messages.
    """

    def __init__(self, path: Path, role: str, where: Callable[[int], str]) -> None:
        self._path = path
        self._role = role
        self._where = where
        self._codes: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names so far, in the order in which they were found. Codes are indices into them."""
        return tuple(self._codes)

    def codes(self, column: pl.Series, first_row: int) -> NDArray[np.int16]:
        """The codes of a piece of the column (text, categories or numbers), int16 ``[rows]``; -1 for a missing name.

        Args:
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
        self._check(names, categories, first_row)
        numbers = distinct.to_physical().to_numpy().astype(np.int64)
        lookup = np.full(int(numbers.max(initial=-1)) + 2, UNLABELLED, dtype=np.int16)
        lookup[numbers] = [
            UNLABELLED if name.lower() in NO_NAME else self._codes.setdefault(name, len(self._codes)) for name in names
        ]
        rows = categories.to_physical().cast(pl.Int64).fill_null(len(lookup) - 1).to_numpy()
        return np.asarray(lookup[rows])

    def _check(self, names: list[str], column: pl.Series, first_row: int) -> None:
        if len(self._codes.keys() | set(names)) > MOST_NAMES:
            raise HarkenError(
                f"{self._path}: the column of {self._role}s contains more than {MOST_NAMES} names, such as "
                f"{min(names)!r}; choose the right column with --{self._role}-column"
            )
        if any("\n" in name for name in names):
            text = column.cast(pl.String)
            row = int(text.str.strip_chars().str.contains("\n", literal=True).arg_true()[0])
            begin = text[row].strip().split("\n")[0]
            raise HarkenError(
                f"{self._path}, {self._where(first_row + row)}: the {self._role} {begin!r} continues on the "
                "next line; is a quotation mark missing?"
            )


class TableRows(NamedTuple):
    """Some rows of a table.

    ``time`` is the column of times; ``signals`` float32 ``[rows, channels]``, acceleration first; ``labels`` and
    ``subjects`` int16 ``[rows]``, -1 for none. Fields are None if the table has no such column.
    """

    time: pl.Series | None
    signals: NDArray[np.float32]
    labels: NDArray[np.int16] | None = None
    subjects: NDArray[np.int16] | None = None

    def chosen(self, rows: NDArray[np.int64]) -> "TableRows":
        """Copies of the rows with these numbers."""
        return TableRows(
            None if self.time is None else self.time.gather(rows),
            self.signals[rows],
            None if self.labels is None else self.labels[rows],
            None if self.subjects is None else self.subjects[rows],
        )


class Table(ABC):
    """The columns of a file, read in pieces.

    Args:
        path: the file.
        columns: the roles of its columns.
        unit: the unit of acceleration, if the format defines it; None: it is recognised from gravity.
    """

    streamed = True

    def __init__(self, path: Path, columns: Columns, unit: AccelerationUnit | None = None) -> None:
        self.path, self.columns, self.tidy, self.unit = path, columns, columns.tidy, unit
        self.channels = tuple("P" if role == "accuracy" else role for role in columns.numeric())
        roles = [role for role in ("label", "subject") if role in columns.roles()]
        self._codes: dict[str, NameCodes] = {role: NameCodes(path, role, self.where) for role in roles}

    @abstractmethod
    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """The rows of these columns, named by their roles, in pieces.

        Raises:
            SourceChangedError: when the rows must be read again from the beginning, in another way.
            HarkenError: for the first invalid row; the message names it.
        """

    @abstractmethod
    def where(self, row: int) -> str:
        """The position of a row (from 0) in the file, for error messages."""

    def expected_rows(self) -> int:
        """The approximate number of rows; 0 if nothing is known before they are read."""
        return 0

    def rows(self, *, labels: bool = True, subjects: bool = True) -> Iterator[TableRows]:
        """All rows, in pieces.

        Args:
            labels, subjects: whether the column of labels, or of subjects, is read, if it exists.

        Raises:
            SourceChangedError, HarkenError: as ``frames``.
        """
        columns = self.columns if labels else replace(self.columns, label=None)
        columns = columns if subjects else replace(columns, subject=None)
        done = 0
        for frame in self.frames(columns):
            codes = {role: each.codes(frame[role], done) for role, each in self._codes.items() if role in frame.columns}
            yield TableRows(
                frame["time"] if "time" in frame.columns else None,
                _signals_of(frame, columns.numeric()),
                codes.get("label"),
                codes.get("subject"),
            )
            done += frame.height

    def names(self, role: str) -> tuple[str, ...]:
        """The names for the codes of a role, ``label`` or ``subject``, in the rows that were read."""
        return self._codes[role].names if role in self._codes else ()

    def whole(self) -> "WholeTable":
        """All rows in memory.

        Raises:
            HarkenError: as ``frames``, and when there are no rows.
        """
        while True:
            try:
                rows = joined_rows(self.path, list(self.rows()))
            except SourceChangedError:
                continue
            names = {role: self.names(role) for role in self._codes}
            return WholeTable(self.path, self.where, rows, self.channels, names, self.unit, self.tidy)


@dataclass(frozen=True)
class WholeTable:
    """A table in memory.

    Attributes:
        path: the file.
        where: a function that returns the position of a row (from 0) in the file, for error messages.
        all_rows: the rows.
        channels: the names of the signals; the first three are acceleration.
        role_names: the names for the codes of a role, ``label`` or ``subject``.
        unit: the unit of acceleration, if the format defines it; None: it is recognised from gravity.
        tidy: the names of columns that distinguish several recordings in one table.
    """

    path: Path
    where: Callable[[int], str]
    all_rows: TableRows
    channels: tuple[str, ...]
    role_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unit: AccelerationUnit | None = None
    tidy: tuple[str, ...] = ()

    @property
    def streamed(self) -> bool:
        """Whether the rows are read in pieces."""
        return False

    @property
    def time(self) -> pl.Series | None:
        """The column of times; None if there is none."""
        return self.all_rows.time

    @property
    def signals(self) -> NDArray[np.float32]:
        """The signals, float32 ``[rows, channels]``."""
        return self.all_rows.signals

    def rows(self, *, labels: bool = True, subjects: bool = True) -> Iterator[TableRows]:  # noqa: ARG002 - as ``Table``
        """All rows at once."""
        yield self.all_rows

    def names(self, role: str) -> tuple[str, ...]:
        """See ``Table``."""
        return self.role_names.get(role, ())

    def with_time(self, time: pl.Series) -> "WholeTable":
        """The same table with other times."""
        return replace(self, all_rows=self.all_rows._replace(time=time))

    def with_signals(self, signals: NDArray[np.float32], channels: tuple[str, ...] | None = None) -> "WholeTable":
        """The same table with other signals, and with other channels if they are given."""
        return replace(self, all_rows=self.all_rows._replace(signals=signals), channels=channels or self.channels)


def joined_rows(path: Path, pieces: Sequence[TableRows]) -> TableRows:
    """Concatenate consecutive rows.

    Raises:
        HarkenError: when there are none.
    """
    if not any(len(piece.signals) for piece in pieces):
        raise HarkenError(f"{path}: it contains no rows of data")
    if len(pieces) == 1:
        return pieces[0]
    times, signals, labels, subjects = zip(*pieces, strict=True)
    return TableRows(
        None if times[0] is None else pl.concat(times),
        np.concatenate(signals),
        None if labels[0] is None else np.concatenate(labels),
        None if subjects[0] is None else np.concatenate(subjects),
    )


def _signals_of(frame: pl.DataFrame, numeric: Sequence[str]) -> NDArray[np.float32]:
    """The columns of these roles, float32 ``[rows, roles]``; NaN for missing numbers."""
    signals = np.empty((frame.height, len(numeric)), dtype=np.float32)
    for channel, role in enumerate(numeric):
        signals[:, channel] = frame[role].cast(pl.Float32).fill_null(math.nan).to_numpy()
    return signals


def first_line(error: BaseException) -> str:
    """The first line of an error message of polars, without the long text that may follow."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class SeveralRecordingsError(HarkenError):
    """Raised when a table contains more than one recording.

    Attributes:
        people: the names in its subject column.
        tidy: the names of its columns that distinguish recordings of one person.
    """

    def __init__(self, message: str, *, people: tuple[str, ...] = (), tidy: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.people, self.tidy = people, tidy
