"""A column of names (labels, subjects) -> one small number a row, a piece of the table at a time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError

__all__ = ["CodedColumn"]

NO_NAME = ("", "null", "nan")
"""What stands for no name, in small letters."""
MOST_NAMES = 1_000


class CodedColumn:
    """Collects a column of names. Spaces around a name do not count.

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
        self._rows = 0
        self._pieces: list[NDArray[np.int16]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The names so far, in the order in which they were found; the codes of ``coded`` point into them."""
        return tuple(self._codes)

    def add(self, column: pl.Series) -> None:
        """Take in the next piece, a column of text, categories or numbers, and keep its codes.

        Raises:
            HarkenError: as ``coded``.
        """
        self._pieces.append(self.coded(column))

    def coded(self, column: pl.Series) -> NDArray[np.int16]:
        """The codes of the next piece ``[rows]``; -1 where there is no name.

        Raises:
            HarkenError: when there are too many names, or one of them spans lines.
        """
        # One look-up by the category's own number: no text is touched per row.
        categories = column.cast(pl.String).cast(pl.Categorical) if column.dtype != pl.Categorical else column
        distinct = categories.unique().drop_nulls()
        names = [name.strip() for name in distinct.cast(pl.String).to_list()]
        self._check(names, categories)
        numbers = distinct.to_physical().to_numpy().astype(np.int64)
        lookup = np.full(int(numbers.max(initial=-1)) + 2, UNLABELLED, dtype=np.int16)
        lookup[numbers] = [
            UNLABELLED if name.lower() in NO_NAME else self._codes.setdefault(name, len(self._codes)) for name in names
        ]
        rows = categories.to_physical().cast(pl.Int64).fill_null(len(lookup) - 1).to_numpy()
        self._rows += len(rows)
        return np.asarray(lookup[rows])

    def finish(self) -> tuple[NDArray[np.int16], tuple[str, ...]]:
        """Codes ``[rows]`` (-1: no name) and the sorted names that they point into."""
        names = tuple(sorted(self._codes))
        table = np.full(len(names) + 1, UNLABELLED, dtype=np.int16)
        for code, name in enumerate(names):
            table[self._codes[name]] = code
        codes = np.concatenate(self._pieces)
        self._pieces.clear()
        return table[codes], names

    def _check(self, names: list[str], column: pl.Series) -> None:
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
                f"{self._path}, {self._where(self._rows + row)}: the {self._role} {begin!r} "
                "goes on over the end of its line; is a quotation mark missing?"
            )
