"""The rows of a small table that a person typed or a program exported, each with the number of its line.

Diaries, tables of segments and files of labels are read with it. Tables of samples are read by ``harken.readers``.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date, time
from io import StringIO
from pathlib import Path
from typing import IO

from harken.support.errors import HarkenError
from harken.support.files import regular

MOST_BYTES = 1 << 24
MOST_ROWS = 100_000
"""The largest size of such a file."""

YEARS = range(1970, 2100)
"""The years of the accepted times of a recording (``harken.recordings.mending``)."""

HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)"
AFTER_DOT = r"(?=\d\d(?:\.\d| ?[AaPp]\.?[Mm]| ?(?:h|Uhr)\b))"
"""What must follow the dot of 9.30: seconds, am or pm, or a word for the hour. Without them it may be a number."""
CLOCK = (
    r"(?=(?:0?[1-9]|1[0-2])\D|[^AaPp]*$)(?P<hour>[01]?\d|2[0-3])"
    rf"(?:(?:[:hH]|\.{AFTER_DOT})(?P<minute>[0-5]\d)"
    r"(?:(?::|(?<=\.\d\d)\.)(?P<second>[0-5]?\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"|(?= ?[AaPp]\.?[Mm]| ?(?:h|Uhr)\b))"
    rf"(?:{HALF}| ?(?:h|Uhr))?"
)
"""A time of the clock, such as 7:05, 7h05, 07.05.00, 23:40:10.25, 11:40 pm, 11 pm or 9.30 Uhr. With am or pm, hours go
from 1 to 12."""
REMARK = ("#", '"#')
"""The beginnings of a line that is not a row."""
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How a text in UTF-16 begins, which Excel calls Unicode text."""
WESTERN = "cp1252"
"""The encoding in which Excel saves CSV on a Windows of Western Europe or America. It contains Latin-1."""
CSV_IN_UTF8 = 'CSV in UTF-8 (in Excel: "CSV UTF-8")'
FIELD_EDGE = re.compile(rb'[,;\t\r\n"]')
LONGEST_SHOWN = 60


def file_content(path: Path, *, what: str) -> bytes:
    """The content of a file of a kind, such as ``diary``.

    Raises:
        HarkenError: when it cannot be read, or is larger than ``MOST_BYTES``.
    """
    try:
        with regular(path).open("rb") as file:
            return content_of(path, file, what=what)
    except OSError as error:
        raise HarkenError(f"the {what} cannot be read ({error.strerror or error})", path=path) from error


def content_of(path: Path, file: IO[bytes], *, what: str) -> bytes:
    """The content of an open file, whose path and kind are for messages.

    Raises:
        HarkenError: when it is larger than ``MOST_BYTES``.
    """
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise HarkenError(f"a {what} has at most {MOST_BYTES >> 20} MiB; is this a recording?", path=path)
    return content


def decode_text(path: Path, content: bytes, *, what: str) -> str:
    """Decode the content of a file: UTF-8, or UTF-16 if it begins with the mark that Excel writes there.

    Other encodings have no mark. To guess one of them could give every name wrong letters, so they are refused.

    Args:
        path: the file, for messages.
        content: its content.
        what: what the file is, such as ``diary``, for messages.

    Raises:
        HarkenError: for text in another encoding; the message has the line, and what to do.
    """
    try:
        if content.startswith(UTF16_MARKS):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise HarkenError(f"its text in UTF-16 is damaged; save the {what} as {CSV_IN_UTF8}", path=path) from error
        line = content.count(b"\n", 0, error.start) + 1
        reason = describe_other_encoding(content, error.start)
        raise line_error(path, line, f"{reason}; save the {what} as {CSV_IN_UTF8}") from error


def describe_other_encoding(content: bytes, place: int) -> str:
    """Describe the field around a byte that is not UTF-8: what it says in the usual encoding of Windows in the West."""
    before = FIELD_EDGE.split(content[max(0, place - LONGEST_SHOWN) : place])[-1]
    after = FIELD_EDGE.split(content[place : place + LONGEST_SHOWN])[0]
    field = (before + after).decode(WESTERN, errors="replace").strip()
    return f"{field!r} is not in UTF-8, but probably in Windows-1252 (Latin-1)"


def text_rows(path: Path, content: bytes, *, what: str) -> Iterator[tuple[int, list[str]]]:
    """The number of the last line of each row that is not empty, and its fields without blanks around them.

    Fields are separated by tabs if the first row has one, else by semicolons or commas.

    Args:
        path: the file, for messages.
        content: its content.
        what: what the file is, such as ``diary``, for messages.

    Raises:
        HarkenError: as ``decode_text``, and for misplaced quotation marks; the message has the line. And for more than
            ``MOST_ROWS`` rows; the header is a row, a remark is not.
    """
    text = decode_text(path, content, what=what)
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith(REMARK)), "")
    separator = "\t" if "\t" in first else max(";,", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = 0
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows += not fields[0].startswith("#")
                if rows > MOST_ROWS:
                    raise HarkenError(f"a {what} has at most {MOST_ROWS:,} rows; is this a recording?", path=path)
                yield reader.line_num, [field.strip() for field in fields]
    except csv.Error as error:
        raise line_error(path, reader.line_num, str(error)) from error


def named_rows(
    path: Path,
    content: bytes,
    *,
    what: str,
    needs: Collection[str],
    may_have: Collection[str] | None = None,
    other_names: Mapping[str, str] | None = None,
) -> Iterator[tuple[int, dict[str, str]]]:
    """The number of the last line of each row below the header, and its fields by column, in small letters.

    Args:
        path, content, what: as for ``text_rows``.
        needs: the columns that it must have.
        may_have: the other columns that it may have; None: any.
        other_names: other names of these columns, in small letters, and the name that each stands for.

    Raises:
        HarkenError: as ``text_rows``, and for a missing or unknown column and a line that is cut short or too long.
    """
    rows = text_rows(path, content, what=what)
    line, names = next(rows, (1, []))
    names = [name.lower() for name in names]
    if other_names is not None:
        names = [other_names.get(name, name) for name in names]
    if missing := [name for name in needs if name not in names]:
        no_column = "there are no columns" if len(missing) > 1 else "there is no column"
        raise line_error(path, line, f"{no_column} {', '.join(missing)}; a {what} needs {', '.join(needs)}")
    for name, count in Counter(names).items():
        if count > 1:
            raise line_error(path, line, f"the column {name} stands there twice")
    if may_have is not None:
        known = [*needs, *may_have]
        if unknown := [name for name in names if name not in known]:
            raise line_error(path, line, f"a {what} has no column {unknown[0]!r}; it has {', '.join(known)}")
    for line, fields in rows:
        if len(fields) < len(names) or any(fields[len(names) :]):
            raise line_error(path, line, f"{len(fields)} fields instead of {len(names)}")
        yield line, dict(zip(names, fields, strict=False))


def calendar_date(path: Path, line: int, text: str) -> date:
    """The date in a line of a file, such as 2024-03-30.

    Raises:
        HarkenError: when it is none, or no recording can be of that year.
    """
    try:
        day = date.fromisoformat(text)
        if day.year not in YEARS:
            raise ValueError("no recording is of that year")
    except ValueError as error:
        reason = f"{text!r} is not a date such as 2024-03-30; years go from 1970 to 2099"
        raise line_error(path, line, reason) from error
    return day


def clock_time(text: str) -> time | None:
    """A time of the clock such as 23:40, cut to microseconds; None if the text is none."""
    parts = re.fullmatch(CLOCK, text, flags=re.ASCII)
    if parts is None:
        return None
    microseconds = int((parts["fraction"] or "").ljust(9, "0")) // 1000
    return time(hour_of(parts), int(parts["minute"] or 0), int(parts["second"] or 0), microseconds)


def hour_of(found: re.Match[str]) -> int:
    """The hour of a match of ``CLOCK``, from 0 to 23."""
    half = found["half"]
    return int(found["hour"]) if half is None else int(found["hour"]) % 12 + 12 * (half in "Pp")


def line_error(path: Path, line: int, reason: str) -> HarkenError:
    """The error of a line of a file."""
    return HarkenError(reason, path=path, place=f"line {line}")
