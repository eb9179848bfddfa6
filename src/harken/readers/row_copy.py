"""A copy of the rows of a table, so that a file of text is parsed once and its samples are read several times.

A short copy is in memory, a longer one in a temporary file, and one that would be too long for the disk is not made.
"""

import errno
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedRandom
from typing import Any, NamedTuple

import numpy as np

from harken.readers.unpacking import SPARE_DISK_BYTES
from harken.support.arrays import Float32Array, Float64Array, Int16Array, Int64Array

MOST_BYTES_IN_MEMORY = 1 << 23
"""About 350,000 rows; a longer copy is in a file."""
MOST_BYTES = 1 << 35
"""Two months of a watch at 250 Hz. The table itself is then a file of 60 GB or more."""


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
    """A copy of rows, which is written once and read from its beginning as often as needed.

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
            if not self._may_be_file or self._bytes <= MOST_BYTES_IN_MEMORY:
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
        if self._bytes > MOST_BYTES or shutil.disk_usage(tempfile.gettempdir()).free < SPARE_DISK_BYTES:
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
