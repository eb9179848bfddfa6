"""Tables of samples from any kind of file: their columns, read in pieces or as a whole, and a copy of their rows."""

import errno
import math
import shutil
import tempfile
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from io import BufferedRandom
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from harken.readers.app_columns import plain_name
from harken.readers.layout import TIDY_NAMES, Columns, channel_roles
from harken.readers.options import AccelerationUnit
from harken.readers.unpacking import SPARE_DISK_BYTES
from harken.recordings.recording import UNLABELLED
from harken.support.arrays import Float32Array, Float64Array, Int16Array, Int64Array
from harken.support.errors import HarkenError

NO_NAME = ("", "null", "nan")
"""Texts that mean a missing name, in lower case."""
MOST_NAMES = 1_000
MOST_SESSIONS = 30_000
NAMED_ROLES = ("label", "subject", "session", "placement")
"""The roles whose columns hold names."""
MOST_COPY_BYTES_IN_MEMORY = 1 << 23
"""About 350,000 rows; a longer copy is in a file."""
MOST_COPY_BYTES = 1 << 35
"""Two months of a watch at 250 Hz. The table itself is then a file of 60 GB or more."""
POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class TableRows(NamedTuple):
    """Some rows of a table.

    ``numbers`` are their numbers in the table from 0; ``time`` is the column of times; ``signals``
    float32 ``[rows, channels]``, acceleration first; ``labels``, ``subjects``, ``sessions`` and ``placements`` int16
    ``[rows]``, -1 for none. Columns are None if the table does not have them, or they were not read.
    """

    numbers: range | Int64Array
    time: pl.Series | None
    signals: Float32Array
    labels: Int16Array | None = None
    subjects: Int16Array | None = None
    sessions: Int16Array | None = None
    placements: Int16Array | None = None

    def choose(self, rows: Int64Array) -> "TableRows":
        """Copy the rows at these positions."""
        columns: Iterable[Any] = self._replace(numbers=np.asarray(self.numbers))
        chosen: list[Any] = [None if column is None else column[rows] for column in columns]
        return TableRows(*chosen)


class Table(ABC):
    """The columns of a file, read in pieces, or kept in memory after they were read.

    Args:
        path: the file.
        columns: the roles of its columns.
        unit: the unit of acceleration, if the format defines it; None: it is recognised from gravity.
        tidy: the columns that distinguish several recordings in one table: their names, and positions.

    Attributes:
        channels: the names of the signals; the first three are acceleration.
        tidy: the names of the columns that distinguish several recordings.
        groups: the positions of the roles ``subject``, ``session`` and ``placement``, as far as there are such columns.
        label_words: the labels for which codes in the column of labels stand.
    """

    def __init__(
        self,
        path: Path,
        columns: Columns,
        unit: AccelerationUnit | None = None,
        tidy: Mapping[str, int] | None = None,
    ) -> None:
        self.path, self.columns, self.unit = path, columns, unit
        self.tidy = tuple(tidy or ())
        self.groups = {plain_name(name): position for name, position in (tidy or {}).items()}
        if "subject" in columns:
            self.groups["subject"] = columns["subject"]
        self.channels = tuple("P" if role == "accuracy" else role for role in channel_roles(columns))
        self._codes: dict[str, dict[str, int]] = {role: {} for role in NAMED_ROLES}
        self.label_words: Mapping[str, str] = {}
        self._kept: list[TableRows] | None = None

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

    @property
    @abstractmethod
    def header(self) -> Sequence[str] | None:
        """The names of all columns in the file; None if they have none."""

    @abstractmethod
    def where(self, row: int) -> str:
        """The position of a row (from 0) in the file, for error messages."""

    def expected_rows(self) -> int:
        """The approximate number of rows; 0 if nothing is known before they are read."""
        return 0

    def rows(self, *, with_sessions: bool = False) -> Iterator[TableRows]:
        """Read all rows, in pieces.

        Args:
            with_sessions: also read the column of sessions.

        Raises:
            HarkenError: as ``frames``.
        """
        if self._kept is not None:
            yield from self._kept
            return
        columns = self.columns | self.groups
        if not with_sessions:
            columns.pop("session", None)
        done = 0
        for frame in self.frames(columns):
            rows = self._rows_of(frame, columns, done)
            done += frame.height
            del frame  # there is room for the next one
            yield rows
            del rows

    def _rows_of(self, frame: pl.DataFrame, columns: Columns, first_row: int) -> TableRows:
        """The rows of a piece, of which the first has this number."""
        codes = {role: self._codes_of(role, frame[role], first_row) for role in NAMED_ROLES if role in frame.columns}
        signals = np.empty((frame.height, len(self.channels)), np.float32)
        for channel, role in enumerate(channel_roles(columns)):
            signals[:, channel] = frame[role].cast(pl.Float32).fill_null(math.nan).to_numpy()
        return TableRows(
            range(first_row, first_row + frame.height),
            frame["time"] if "time" in frame.columns else None,
            signals,
            codes.get("label"),
            codes.get("subject"),
            codes.get("session"),
            codes.get("placement"),
        )

    def names(self, role: str) -> tuple[str, ...]:
        """The names for the codes of a role in ``NAMED_ROLES``, in the rows that were read."""
        return tuple(self._codes[role])

    def _codes_of(self, role: str, column: pl.Series, first_row: int) -> Int16Array:
        """The codes of a piece of the column (text, categories or numbers), int16 ``[rows]``; -1 for a missing name.
        Spaces around a name are ignored.

        Args:
            role: one of ``NAMED_ROLES``.
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
        most = MOST_SESSIONS if role == "session" else MOST_NAMES
        if len(self._codes[role].keys() | set(names)) > most:
            renamed = f"rename the column if it does not hold {role}s"
            advice = renamed if role in TIDY_NAMES else f"choose the right column with --{role}-column"
            raise HarkenError(
                f"the column of {role}s contains more than {most} names, such as {min(names)!r}; {advice}",
                path=self.path,
            )
        if any("\n" in name for name in names):
            text = column.cast(pl.String)
            row = int(text.str.strip_chars().str.contains("\n", literal=True).arg_true()[0])
            begin = text[row].strip().split("\n")[0]
            raise HarkenError(
                f"the {role} {begin!r} continues on the next line; is a quotation mark missing?",
                path=self.path,
                place=self.where(first_row + row),
            )

    def whole(self) -> TableRows:
        """Read all rows, which are then kept in memory.

        Raises:
            HarkenError: as ``frames``, and when there are no rows.
        """
        rows = join_rows(list(self.rows()))
        if rows is None:
            raise HarkenError("it contains no rows of data", path=self.path)
        self._kept = [rows]
        return rows

    def keep(self, rows: TableRows, channels: tuple[str, ...] | None = None) -> None:
        """Replace all rows, and the channels if they are given."""
        self._kept, self.channels = [rows], channels or self.channels

    def select(self, pieces: list[TableRows], channels: int, *, tidy: tuple[str, ...] = ()) -> "Table":
        """Make a table of these rows, which are in memory, with only the first ``channels``. ``tidy`` are the columns
        that may still distinguish several recordings in it. Call ``release`` to free the list of rows."""
        part = copy(self)
        part.tidy = tidy
        part.channels = self.channels[:channels]
        if channels < len(self.channels):
            pieces = [rows._replace(signals=rows.signals[:, :channels].copy()) for rows in pieces]
        part._kept = pieces
        return part

    def release(self) -> None:
        """Forget the rows, which are in memory."""
        if self._kept is not None:
            self._kept.clear()


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


class KeptRows(NamedTuple):
    """Rows of one wearer.

    Attributes:
        times: as in ``StatedTimes.values``, ``[n]``; None if the rows are numbered.
        signals: float32 ``[n, channels]``, in the unit of the table.
        labels: int16 ``[n]``, -1 for none; None if the table has none.
    """

    times: Int64Array | Float64Array | None
    signals: Float32Array
    labels: Int16Array | None


class _Piece(NamedTuple):
    """The place of some rows in the file: the position of their bytes, and an empty array like each array."""

    position: int
    rows: int
    kinds: tuple[np.ndarray[Any, Any] | None, ...]


class RowCopy:
    """A copy of the rows of a table, so that a file of text is parsed once and its samples are read several times.

    A short copy is in memory, a longer one in a temporary file. One that would be too long for the disk is not made.

    Attributes:
        in_memory: the pieces, as they were added; None if they are in a file.
        is_complete: whether all rows are in it.
    """

    def __init__(self, *, may_be_file: bool = True) -> None:
        self.in_memory: list[KeptRows] | None = []
        self.is_complete = True
        self._may_be_file = may_be_file
        self._bytes = 0
        self._file: BufferedRandom | None = None
        self._pieces: list[_Piece] = []
        self._lock = threading.Lock()

    def add(self, rows: KeptRows) -> None:
        """Add the next rows. When there is no room for them, the copy stays incomplete and takes no more space."""
        if not self.is_complete:
            return
        self._bytes += sum(array.nbytes for array in rows if array is not None)
        if self.in_memory is not None:
            self.in_memory.append(rows)
            if not self._may_be_file or self._bytes <= MOST_COPY_BYTES_IN_MEMORY:
                return
        added, self.in_memory = self.in_memory or [rows], None
        try:
            for piece in added:
                self._write(piece)
        except OSError:
            self._give_up()

    def rows(self) -> Iterator[KeptRows]:
        """The rows of a file, in new arrays."""
        for piece in self._pieces:
            position = piece.position
            arrays: list[Any] = []
            for kind in piece.kinds:
                array = None if kind is None else np.empty((piece.rows, *kind.shape[1:]), kind.dtype)
                arrays.append(array)
                if array is not None:
                    self._read_into(array, position)
                    position += array.nbytes
            yield KeptRows(*arrays)

    def _write(self, rows: KeptRows) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
            weakref.finalize(self, self._file.close)
        if self._bytes > MOST_COPY_BYTES or shutil.disk_usage(tempfile.gettempdir()).free < SPARE_DISK_BYTES:
            raise OSError(errno.ENOSPC, "there is no room for a copy")
        self._pieces.append(_Piece(self._file.tell(), len(rows.signals), tuple(map(_empty_like, rows))))
        for array in rows:
            if array is not None:
                self._file.write(np.ascontiguousarray(array).data)

    def _read_into(self, array: np.ndarray[Any, Any], position: int) -> None:
        assert self._file is not None
        with self._lock:  # two readers may take turns
            self._file.seek(position)
            self._file.readinto(array.data.cast("B"))

    def _give_up(self) -> None:
        self.is_complete = False
        self.in_memory, self._pieces = None, []
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


def _empty_like(array: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any] | None:
    """An array of the same kind, without rows."""
    return None if array is None else np.empty((0, *array.shape[1:]), array.dtype)
