"""The lengths that a Parquet file states for its pages, checked before polars believes them.

polars reserves memory for as many values as the head of a page states. If a damaged head states 10^18 of them, the
whole process ends, which no exception handler can prevent. A file states each number twice: in the description of a
column at the end of the file, and in the heads of its pages. Both are in Thrift's compact protocol.
"""

import os
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import IO, Any, NamedTuple

from harken.support.errors import HarkenError

MARK = b"PAR1"
TAIL_BYTES = 8
"""The length of the description, in four bytes, and the mark."""
MOST_DESCRIPTION_BYTES = 1 << 22
"""A longer description, of thousands of columns, is left to polars."""
HEAD_BYTES = 512, 1 << 16
"""The heads of pages are short, but some contain long statistics. A longer head is left to polars."""
MOST_PAGES = 50_000
"""Further pages are left to polars."""
DEEPEST = 12
"""The most structures and lists inside one another; Parquet has about ten."""
FIELDS, NUMBERS_OF_ONE_BYTE, INTEGERS = 12, 3, (4, 5, 6)
TRUE, FALSE, DOUBLE, BINARY, LISTS = 1, 2, 7, 8, (9, 10)

Structure = dict[int, Any]
"""Values by the numbers of their fields."""

ROW_GROUPS, COLUMNS, DESCRIPTION_OF_COLUMN = 4, 1, 3
VALUES_OF_COLUMN, BYTES_OF_COLUMN, FIRST_PAGE, DICTIONARY_PAGE = 5, 7, 9, 11
BYTES_OF_PAGE = 3
UNPACKED_BYTES_OF_PAGE = 2
DICTIONARY, DATA = 7, (5, 8)
"""The fields of a page's head that say in their own field 1 how many values it has. Data pages have two versions. A
dictionary may have more values than its column, but each needs a byte or more."""


class _DamagedError(Exception):
    """Raised when the bytes are not Thrift, or a number is impossible."""


class _Reader:
    """Reads values of Thrift's compact protocol."""

    def __init__(self, content: bytes) -> None:
        self._content, self.position = content, 0

    def structure(self, depth: int = 0) -> Structure:
        fields: Structure = {}
        number = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > DEEPEST:
            raise _DamagedError
        if kind in (TRUE, FALSE, NUMBERS_OF_ONE_BYTE):  # the first two: in lists
            return self._byte()
        if kind in INTEGERS:
            return self._signed()
        if kind == DOUBLE:
            return self._bytes(8)
        if kind == BINARY:
            return self._bytes(self._unsigned())
        if kind in LISTS:
            return self._list(depth)
        if kind == FIELDS:
            return self.structure(depth + 1)
        raise _DamagedError

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        size, kind = head >> 4, head & 15
        if size == 15:
            size = self._unsigned()
        if size > len(self._content) - self.position:
            raise _DamagedError
        return [self._value(kind, depth + 1) for _ in repeat(None, size)]

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, count: int) -> bytes:
        begin, self.position = self.position, self.position + count
        if self.position > len(self._content):
            raise _DamagedError
        return self._content[begin : self.position]

    def _unsigned(self) -> int:
        number = shift = 0
        while shift < 64:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
        raise _DamagedError

    def _signed(self) -> int:
        number = self._unsigned()
        return number >> 1 ^ -(number & 1)


def check_pages(path: Path) -> None:
    """Compare the numbers of values that a file states for its columns and for their pages.

    Raises:
        HarkenError: when they contradict one another, or cannot be read.
        OSError: when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            pages = 0
            for column in _read_columns(file):
                pages += _check_column(file, column)
                if pages > MOST_PAGES:
                    return
    except _DamagedError as error:
        raise HarkenError("not a complete Parquet file; it is damaged. Export or copy it again", path=path) from error


class _Column(NamedTuple):
    """A column of a row group: its number of values, and the place of its pages in the file."""

    values: int
    start: int
    end: int


def _read_columns(file: IO[bytes]) -> Iterator[_Column]:
    """Read the description at the end of the file. Without one that can be read, there are no columns."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read(TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != MARK or length > min(size - TAIL_BYTES, MOST_DESCRIPTION_BYTES):
        return  # polars refuses it, or it is too long
    file.seek(size - TAIL_BYTES - length)
    description = _Reader(file.read(length)).structure()
    for row_group in _list_in(description, ROW_GROUPS):
        for column in _list_in(row_group, COLUMNS):
            about = _structure_in(column, DESCRIPTION_OF_COLUMN)
            start = _number_in(about, FIRST_PAGE)
            if DICTIONARY_PAGE in about:
                start = min(start, _number_in(about, DICTIONARY_PAGE) or start)
            end = start + _number_in(about, BYTES_OF_COLUMN)
            if end > size:
                raise _DamagedError
            yield _Column(_number_in(about, VALUES_OF_COLUMN), start, end)


def _check_column(file: IO[bytes], column: _Column) -> int:
    """Check the pages of a column, and return their number."""
    pages, position = 0, column.start
    while position < column.end and pages <= MOST_PAGES:
        read = _read_page_head(file, position)
        if read is None:
            break
        head, length = read
        for kind in (DICTIONARY, *DATA):
            most = _number_in(head, UNPACKED_BYTES_OF_PAGE) if kind == DICTIONARY else column.values
            if kind in head and _number_in(_structure_in(head, kind), 1) > most:
                raise _DamagedError
        position += length + _number_in(head, BYTES_OF_PAGE)
        pages += 1
    return pages


def _read_page_head(file: IO[bytes], position: int) -> tuple[Structure, int] | None:
    """Read the head of a page. Return it and its length in bytes, or None if it is too long."""
    for size in HEAD_BYTES:
        file.seek(position)
        content = file.read(size)
        reader = _Reader(content)
        try:
            return reader.structure(), reader.position
        except _DamagedError:
            if len(content) < size:  # there is no more of it
                raise
    return None


def _number_in(structure: Structure, field: int) -> int:
    number = structure.get(field)
    if not isinstance(number, int) or number < 0:
        raise _DamagedError
    return number


def _structure_in(structure: Structure, field: int) -> Structure:
    value = structure.get(field)
    if not isinstance(value, dict):
        raise _DamagedError
    return value


def _list_in(structure: Structure, field: int) -> list[Structure]:
    values = structure.get(field)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _DamagedError
    return values
