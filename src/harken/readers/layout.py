"""The layout of a text table, recognised from its first lines: separator, decimal mark, header, width and columns."""

import csv
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harken.readers.app_columns import find_app_columns, is_omgui_row, plain_name
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.printable import listed
from harken.support.text_rows import CSV_IN_UTF8, UTF16_MARKS, WESTERN

SNIFFED_BYTES = 1 << 16
ROWS_LOOKED_AT = 20
LONGEST_SHOWN = 200
UTF8_MARK = b"\xef\xbb\xbf"
FOREIGN_STARTS = {
    **dict.fromkeys(UTF16_MARKS, f"is in UTF-16; save it as {CSV_IN_UTF8}"),
    b"PK\x03\x04": "is a zip archive or an Excel sheet; unpack it, or save it as CSV",
}
"""How other files begin, and what they are and what to do."""
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """How a table's lines are divided into fields.

    Attributes:
        separator: the character between fields.
        decimal_comma: whether numbers are written as 9,81.
        line_end: text at the end of every line that is not a field (WISDM's ``;``).
        header: the names of the columns, or None.
        width: the number of fields in a row.
        data_line: the number of lines before the first row of data.
        rows: the fields of the first few rows of data.
        header_in_utf8: whether the names of the columns are in UTF-8.
    """

    separator: str
    decimal_comma: bool
    line_end: str
    header: list[str] | None
    width: int
    data_line: int
    rows: list[list[str]]
    header_in_utf8: bool = True

    def column(self, position: int) -> list[str]:
        """The fields of a column in the first few rows, without empty fields."""
        return [row[position].strip() for row in self.rows if position < len(row) and row[position].strip()]

    def title(self, position: int) -> str:
        """A column's name, else its number from 1."""
        return self.header[position] if self.header else str(position + 1)


def recognise_layout(path: Path, start: bytes, skip_rows: int) -> Layout:
    """Recognise the layout from the ``SNIFFED_BYTES`` that follow the first ``skip_rows`` lines.

    Raises:
        HarkenError: when the file is not a text table, or has no rows.
    """
    mark = next((mark for mark in FOREIGN_STARTS if start.startswith(mark)), b"")
    without_lines = b"\n" not in start and (b"\r" in start.rstrip() or len(start) == SNIFFED_BYTES)
    if mark or b"\0" in start or without_lines:
        reason = FOREIGN_STARTS.get(mark, "has other bytes or other line ends; unpack it, or save it as CSV")
        raise HarkenError(
            f"a table must be text in UTF-8 with the line ends of Unix or DOS, but this file {reason}", path=path
        )
    encoded_lines = start.removeprefix(UTF8_MARK).split(b"\n")
    lines = [_decode_line(line) for line in encoded_lines]
    if len(start) == SNIFFED_BYTES:
        lines.pop()  # probably incomplete
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        after = f" after {skip_rows} skipped rows" if skip_rows else ""
        raise HarkenError(f"the file is empty{after}", path=path)
    texts = [lines[number].strip("\r") for number in filled[: ROWS_LOOKED_AT + 1]]
    # Semicolons and tabs have priority, because a comma beside them is a decimal mark or part of a text.
    separator = next((separator for separator in ";\t" if texts[0].count(separator) >= 2), ",")
    line_end = ";" if separator == "," and all(text.endswith(";") for text in texts) else ""
    rows = [_split(text.removesuffix(line_end), separator) for text in texts]
    header = None
    if not any(is_number(field) for field in rows[0]):
        header = [field.strip() for field in rows.pop(0)]
        if not rows:
            line = textwrap.shorten(texts[0], LONGEST_SHOWN)
            raise HarkenError(f"it contains no rows of data, only the line {line!r}", path=path)
    return Layout(
        separator=separator,
        decimal_comma=separator != "," and any("," in field and is_number(field) for row in rows for field in row),
        line_end=line_end,
        header=header,
        width=len(header or rows[0]),
        data_line=skip_rows + filled[0] + (header is not None),
        rows=rows,
        header_in_utf8=header is None or _is_utf8(encoded_lines[filled[0]]),
    )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode_line(line: bytes) -> str:
    """Decode one of the first lines of a file: UTF-8, else Windows-1252, which cannot fail.

    Only the names of columns are taken from it, and a name that the user typed fits only if the letters are right. The
    reader of the rows refuses what is not UTF-8.
    """
    return line.decode() if _is_utf8(line) else line.decode(WESTERN, errors="replace")


def is_number(field: str) -> bool:
    """Whether a field is written as a finite number, with a decimal point or comma."""
    return NUMBER.fullmatch(field.strip()) is not None


def is_integer(field: str) -> bool:
    """Whether a field is a whole number written with digits alone."""
    digits = field.strip().lstrip("+-")
    return digits.isascii() and digits.isdigit()


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a lone carriage return, which the reader of the rows reports
        return line.split(separator)


NUMERIC_ROLES = ("x", "y", "z", "accuracy")
"""The roles whose columns become signals, in this order."""

KNOWN_NAMES = {
    "time": ("timestamp", "time", "t", "datetime", "date_time", "epoch", "unix_time", "time_ns", "time_ms"),
    "x": ("x", "acc_x", "accel_x", "x_acc", "ax", "accx", "acceleration_x", "accelerometer_x"),
    "y": ("y", "acc_y", "accel_y", "y_acc", "ay", "accy", "acceleration_y", "accelerometer_y"),
    "z": ("z", "acc_z", "accel_z", "z_acc", "az", "accz", "acceleration_z", "accelerometer_z"),
    "accuracy": ("p", "accuracy"),
    "label": ("label", "activity", "class", "label(n)"),
    "subject": ("subject", "participant", "person", "user"),
}
NOTEBOOK_ORDERS = {
    4: ("time", "x", "y", "z"),
    5: ("time", "x", "y", "z", "label"),
    6: ("time", "x", "y", "z", "accuracy", "label"),
}
WISDM_ORDER = ("subject", "label", "time", "x", "y", "z")
"""The order in the published files of WISDM 2019: ``1600,A,90426708196641,7.091625,-0.5916671,8.195502;``"""
WISDM_CODES = {
    "A": "walking",
    "B": "jogging",
    "C": "stairs",
    "D": "sitting",
    "E": "standing",
    "F": "typing",
    "G": "teeth",
    "H": "soup",
    "I": "chips",
    "J": "pasta",
    "K": "drinking",
    "L": "sandwich",
    "M": "kicking",
    "O": "catch",
    "P": "dribbling",
    "Q": "writing",
    "R": "clapping",
    "S": "folding",
}
"""The codes in these files, and the activities in their ``activity_key.txt``. There is no code N."""
ACCURACIES = ("0", "1", "2", "3")
REQUIRED = ("time", "x", "y", "z")
SECONDS_OF_SESSION = "t"
"""The column with seconds from the start of a session, in a table with sessions."""
TIDY_NAMES = ("session", "placement")
"""Columns with the session or the sensor of each row. A table with them contains more than one recording."""


Columns = dict[str, int]
"""The position (from 0) of each role that has a column: ``KNOWN_NAMES``, and further channels by their names. No two
roles share a column."""


def channel_roles(columns: Columns) -> tuple[str, ...]:
    """The roles whose columns become signals, in the order of the channels."""
    known = [role for role in NUMERIC_ROLES if role in columns]
    return (*known, *(role for role in columns if role not in KNOWN_NAMES and role not in TIDY_NAMES))


def tidy_columns(header: Sequence[str] | None) -> dict[str, int]:
    """Find the columns that distinguish several recordings in one table: their names, and positions."""
    return {name: position for position, name in enumerate(header or ()) if plain_name(name) in TIDY_NAMES}


def find_columns(path: Path, header: list[str] | None, first_row: list[str], options: TableOptions) -> Columns:
    """Find the columns of a table by its header and its first row, or by its first row alone.

    Raises:
        HarkenError: when a required column is missing or exists twice, or an option names a column that does not exist.
            The message lists the columns of the table and the options that solve the problem.
    """
    width = len(header or first_row)
    there = (
        f"its columns are {', '.join(header)}" if header else f"it has no header and {width} column{'s' * (width > 1)}"
    )
    given = {role: getattr(options, f"{role}_column", None) for role in KNOWN_NAMES}
    columns = {
        role: _position(path, str(word), role, header, width, there) for role, word in given.items() if word is not None
    }
    for role, position in columns.items():
        twice = [other for other in columns if columns[other] == position and other != role]
        if twice:
            raise HarkenError(f"{_option(role)} and {_option(twice[0])} name the same column; {there}", path=path)
    if header:
        columns |= _by_name(path, header, first_row, columns)
    elif not any(role in columns for role in REQUIRED):
        columns |= _by_order(path, first_row, columns, there)
    needed = [role for role in REQUIRED if not (role == "time" and options.sample_rate_hz)]
    missing = [role for role in needed if role not in columns]
    if missing:
        advice = ", ".join(_option(role) for role in missing)
        hint = ", or --rate HZ if there are no times" if "time" in missing else ""
        skip = "; --skip-rows N skips lines above the header" if header else ""
        raise HarkenError(
            f"found no column for {listed(missing)} ({there}); choose with {advice}{hint}{skip}", path=path
        )
    return columns


def _by_name(path: Path, header: list[str], first_row: list[str], columns: dict[str, int]) -> dict[str, int]:
    """Columns by an app's names, else by their known names, for roles without an option. P must be a number."""
    of_app = find_app_columns(header).items()
    named = {role: position for role, position in of_app if role not in columns and position not in columns.values()}
    for role, names in KNOWN_NAMES.items():
        if role in columns or role in named:
            continue
        matches = [i for i, name in enumerate(header) if plain_name(name) in names and i not in columns.values()]
        if role == "accuracy":
            matches = [i for i in matches if i < len(first_row) and is_number(first_row[i])][:1]
        if role == "time" and tidy_columns(header):  # seconds from the start of a session come first
            matches = [i for i in matches if plain_name(header[i]) == SECONDS_OF_SESSION] or matches
        if len(matches) > 1:
            which = ", ".join(header[i] for i in matches)
            raise HarkenError(f"more than one column could be {role} ({which}); choose with {_option(role)}", path=path)
        if matches:
            named[role] = matches[0]
    return named


def _by_order(path: Path, first_row: list[str], columns: dict[str, int], there: str) -> dict[str, int]:
    """Columns in the notebook's order, or in WISDM's or OMGUI's.

    The last of the notebook's five columns is the label, or P if it contains one of P's numbers.
    """
    columns_of_order = 4 if is_omgui_row(first_row) else len(first_row)
    order = NOTEBOOK_ORDERS.get(columns_of_order)
    if order is None:
        raise HarkenError(
            f"{there}; without a header, it needs {min(NOTEBOOK_ORDERS)} to {max(NOTEBOOK_ORDERS)}, which are "
            "Timestamp,X,Y,Z[,P][,Label]. Choose the columns by number, for example --time-column 1 --x-column 2 "
            "--y-column 3 --z-column 4",
            path=path,
        )
    if len(order) == 6 and first_row[0].isdigit() and first_row[1].strip() in WISDM_CODES:
        order = WISDM_ORDER
    if len(order) == 5 and first_row[4].strip() in ACCURACIES:
        order = (*order[:4], "accuracy")
    return {role: i for i, role in enumerate(order) if role not in columns and i not in columns.values()}


def _position(path: Path, word: str, role: str, header: list[str] | None, width: int, there: str) -> int:
    """The position of a column that an option gives by its name or by its number from 1."""
    matches: list[int] = []
    for same in (lambda name: name == word, lambda name: plain_name(name) == plain_name(word)):
        matches = matches or [i for i, name in enumerate(header or ()) if same(name)]
    if len(matches) == 1:
        return matches[0]
    if not matches and word.isascii() and word.isdigit() and 1 <= int(word) <= width:
        return int(word) - 1
    raise HarkenError(
        f"{len(matches) or 'no'} columns are called {word!r}; choose one with {_option(role)}, by its name or "
        f"its number; {there}",
        path=path,
    )


def _option(role: str) -> str:
    return f"--{role}-column"
