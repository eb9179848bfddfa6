"""Why a piece of a text table cannot be read: gone through row by row, slowly, to name the line at fault."""

import csv
import io
from collections.abc import Iterator

from harken.readers.layout import Layout
from harken.support.errors import HarkenError

__all__ = ["explain", "numbered_rows"]

REASONS = {
    "a quotation mark opens a field and is never closed": "end of data",
    "a quotation mark opens a field and is not closed before the next one": "expected after",
    "a field is longer than any number, label or time; is a quotation mark astray?": "field limit",
}
"""What is wrong with a row, by a sign in the words of Python's csv module."""


def explain(where: str, block: bytes, layout: Layout, first_line: int) -> int:
    """Raise an error that names the first line of ``block`` that is wrong, or count the block's rows.

    Args:
        where: the file, for the message.
        block: whole rows, blank lines and all.
        layout: what the rows should look like.
        first_line: the number of the block's first line, from 1.

    Raises:
        HarkenError: for a row too short or too long, a quotation mark never closed, or text that is not UTF-8.
    """
    rows = 0
    for line, row in numbered_rows(where, block, layout, first_line):
        if len(row) != layout.width:
            raise HarkenError(f"{where}, line {line}: {_wrong_width(row, layout)}")
        rows += 1
    return rows


def numbered_rows(where: str, block: bytes, layout: Layout, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of a block, blank lines left out, each with the number of the line it begins on."""
    try:
        text = block.decode()
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise HarkenError(
            f"{where}, line {line}: the byte 0x{block[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator, strict=True)
    line = first_line
    try:
        for row in reader:
            if len(row) > 1 or "".join(row).strip():
                yield line, row
            line = first_line + reader.line_num
    except csv.Error as error:
        reason = next((words for words, sign in REASONS.items() if sign in str(error)), str(error))
        raise HarkenError(f"{where}, line {line}: {reason}") from error


def _wrong_width(row: list[str], layout: Layout) -> str:
    if any("\n" in field for field in row):
        return "a quotation mark opens a field and is not closed on this line"
    if len(row) < layout.width:
        return (
            f"the row is cut short: {len(row)} of {layout.width} columns. "
            "Remove or complete it; --skip-rows N skips lines at the top"
        )
    return (
        f"the row has {len(row)} fields where the first has {layout.width}. "
        "Mend it; --skip-rows N skips lines at the top"
    )
