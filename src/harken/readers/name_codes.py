"""A column of names (labels, subjects) -> one small number a row."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError

__all__ = ["NameCodes"]

NO_NAME = ("", "null", "nan")
"""What stands for no name, in small letters."""
MOST_NAMES = 1_000


class NameCodes:
    """Gives each name of a column a number, the same in every piece of the table. Spaces around a name do not count.

    Args:
        path: the file.
        role: ``label`` or ``subject``.
        where: says where in the file a row stands. Both are for error messages.
    """

    def __init__(self, path: Path, role: str, where: Callable[[int], str]) -> None:
        self._path = path
        self._role = role
        self._where = where
        self._codes: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names so far, in the order in which they were found; the codes point into them."""
        return tuple(self._codes)

    def codes(self, column: pl.Series, first_row: int) -> NDArray[np.int16]:
        """The codes of a piece of the column, of text, categories or numbers: ``[rows]``; -1 where there is no name.

        Args:
            column: the piece.
            first_row: how many rows of the table come before it.

        Raises:
            HarkenError: when there are too many names, or one of them spans lines.
        """
        # One look-up by the category's own number: no text is touched per row.
        categories = column.cast(pl.String).cast(pl.Categorical) if column.dtype != pl.Categorical else column
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
                f"{self._path}: the column of {self._role}s holds more than {MOST_NAMES} names, such as "
                f"{min(names)!r}; --{self._role}-column says which is the right one"
            )
        if any("\n" in name for name in names):
            text = column.cast(pl.String)
            row = int(text.str.strip_chars().str.contains("\n", literal=True).arg_true()[0])
            begin = text[row].strip().split("\n")[0]
            raise HarkenError(
                f"{self._path}, {self._where(first_row + row)}: the {self._role} {begin!r} "
                "goes on over the end of its line; is a quotation mark missing?"
            )
