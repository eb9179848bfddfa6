"""Numbers that come a few at a time, kept close together: an array for each few would cost more than they do."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gathered"]

ROWS_AT_ONCE = 1 << 13
Kind = TypeVar("Kind", bound=np.generic)


class Gathered(Generic[Kind]):
    """Rows of one kind.

    Args:
        dtype: of the numbers.
        columns: how many a row has; 0: a row is a number.
    """

    def __init__(self, dtype: type[Kind], columns: int = 0) -> None:
        shape = (ROWS_AT_ONCE, columns) if columns else (ROWS_AT_ONCE,)
        self._full: list[NDArray[Kind]] = []
        self._open: NDArray[Kind] = np.empty(shape, dtype)
        self._used = 0

    def add(self, rows: NDArray[Kind]) -> None:
        """Take a copy of some more."""
        while len(rows):
            some = rows[: ROWS_AT_ONCE - self._used]
            self._open[self._used : self._used + len(some)] = some
            self._used += len(some)
            rows = rows[len(some) :]
            if self._used == ROWS_AT_ONCE:
                self._full.append(self._open)
                self._open, self._used = np.empty_like(self._open), 0

    def all(self) -> NDArray[Kind]:
        """All of them, in order; then there are none any more."""
        every: NDArray[Kind] = np.concatenate([*self._full, self._open[: self._used]])
        self._full, self._used = [], 0
        return every
