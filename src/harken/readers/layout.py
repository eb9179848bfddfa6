"""The layout of a text table: separator, decimal mark, header and width, recognised from its first lines."""

import csv
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from harken.support.errors import HarkenError

SNIFFED_BYTES = 1 << 16
ROWS_LOOKED_AT = 20
LONGEST_SHOWN = 200
UTF8_MARK = b"\xef\xbb\xbf"
FOREIGN_STARTS = {
    b"\xff\xfe": "the text is UTF-16; save it as UTF-8",
    b"\xfe\xff": "the text is UTF-16; save it as UTF-8",
    b"PK\x03\x04": "this is a zip archive (or an Excel sheet); unpack it (or save it as CSV) first",
}
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
    """

    separator: str
    decimal_comma: bool
    line_end: str
    header: list[str] | None
    width: int
    data_line: int
    rows: list[list[str]]

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
    for mark, advice in FOREIGN_STARTS.items():
        if start.startswith(mark):
            raise HarkenError(f"{path}: {advice}")
    if b"\0" in start:
        raise HarkenError(f"{path}: this is not a text table (it holds zero bytes)")
    if b"\n" not in start and (b"\r" in start.rstrip() or len(start) == SNIFFED_BYTES):
        raise HarkenError(f"{path}: its lines do not end in a newline; save it with the line ends of Unix or DOS")
    # Bytes that are not UTF-8 matter only in columns that are read; the reader finds them there.
    lines = start.removeprefix(UTF8_MARK).decode("utf-8", errors="replace").split("\n")
    if len(start) == SNIFFED_BYTES:
        lines.pop()  # probably incomplete
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not filled:
        raise HarkenError(f"{path}: the file is empty" + (f" after {skip_rows} skipped rows" if skip_rows else ""))
    texts = [lines[number].strip("\r") for number in filled[: ROWS_LOOKED_AT + 1]]
    separator = _separator(texts[0])
    line_end = ";" if separator == "," and all(text.endswith(";") for text in texts) else ""
    rows = [_split(text.removesuffix(line_end), separator) for text in texts]
    header = None
    if not any(is_number(field) for field in rows[0]):
        header = [field.strip() for field in rows.pop(0)]
        if not rows:
            line = textwrap.shorten(texts[0], LONGEST_SHOWN)
            raise HarkenError(f"{path}: it contains no rows of data, only the line {line!r}")
    return Layout(
        separator=separator,
        decimal_comma=separator != "," and any("," in field and is_number(field) for row in rows for field in row),
        line_end=line_end,
        header=header,
        width=len(header or rows[0]),
        data_line=skip_rows + filled[0] + (header is not None),
        rows=rows,
    )


def is_number(field: str) -> bool:
    """Whether a field is written as a finite number, with a decimal point or comma."""
    return NUMBER.fullmatch(field.strip()) is not None


def is_integer(field: str) -> bool:
    """Whether a field is a whole number written with digits alone."""
    digits = field.strip().lstrip("+-")
    return digits.isascii() and digits.isdigit()


def _separator(line: str) -> str:
    """The separator of a line. Semicolons and tabs have priority, because a comma beside them is a decimal mark or part
    of a text."""
    return next((separator for separator in ";\t" if line.count(separator) >= 2), ",")


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a lone carriage return, which the reader of the rows reports
        return line.split(separator)
