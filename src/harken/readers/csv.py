"""Reader of CSV files: the notebook's format, or any table through ``TableOptions``.

A file, plain or gzipped, is read in blocks of whole lines, one of which is in memory at a time. polars reads a block
with the expected types of the columns. If that fails, or the number of fields is wrong, a slow search finds the line
with the error. A line, or a row with quotation marks that spans several lines, may have at most one mebibyte.

A zip archive of tables, such as an export of phyphox, has one table for each sensor; that of acceleration is read.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import polars as pl

from harken.readers.app_columns import LINEAR_FILE, describe_app_columns
from harken.readers.layout import (
    SNIFFED_BYTES,
    UTF8_MARK,
    WISDM_CODES,
    WISDM_ORDER,
    Columns,
    Layout,
    channel_roles,
    find_columns,
    is_integer,
    is_number,
    recognise_layout,
    tidy_columns,
)
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.table import POLARS_ERRORS, Table, TableRows, first_line
from harken.readers.table_source import TableSource
from harken.readers.unpacking import GZIPPED, is_zip, member_paths, opened
from harken.recordings.source import Source
from harken.support.arrays import BoolArray
from harken.support.errors import HarkenError
from harken.support.printable import listed
from harken.support.text_rows import CSV_IN_UTF8, describe_other_encoding

BLOCK_BYTES = 1 << 24
LONGEST_LINE = 1 << 20
NEWLINE, QUOTE, SPACE = b"\n"[0], b'"'[0], b" "[0]
BLANK_LINES = re.compile(rb"\n[ \t\r\n]*\n")
"""Blank lines with the newline before them. All that follow one another are one match: there may be millions."""
TABLE_ENDINGS = (".csv", ".csv.gz")
META_FOLDER = "meta"
"""The folder of an export of phyphox with the times at which the experiment was started and paused."""
MOST_TABLES = 50
"""An export has about ten tables. An archive of thousands is slow to search."""
MOST_TABLES_SHOWN = 5
GRAVITY_ALONE = re.compile(r"(?!.*acc).*grav", re.IGNORECASE)
"""How the name of a table of gravity alone begins; not ``acceleration including gravity``."""


class Block(NamedTuple):
    """Some whole lines of a file. ``first_line`` is the number of the first one (from 1)."""

    first_line: int
    text: bytes


def blocks(path: Path, layout: Layout) -> Iterator[Block]:
    """Divide the data, without the header, into blocks that end at the end of a line and outside quotation marks.

    Raises:
        HarkenError: for a line that is longer than ``LONGEST_LINE``.
    """
    line = layout.data_line + 1
    with opened(path) as file:
        skip_lines(path, file, layout.data_line)
        while text := file.read(BLOCK_BYTES):
            text += file.readline(LONGEST_LINE + 1)
            _refuse_long_lines(path, text, line)
            if text.count(QUOTE) % 2:
                text += _rest_of_quotation(path, file, line + text.count(NEWLINE))
            first_line = line
            line += text.count(NEWLINE)
            if first_line == 1:
                text = text.removeprefix(UTF8_MARK)
            block = Block(first_line, _without_line_ends(text, layout.line_end.encode()))
            del text  # there is room for the next one
            yield block
            del block


def skip_lines(path: Path, file: IO[bytes], count: int) -> None:
    """Skip the first lines of a file.

    Raises:
        HarkenError: for a line that is longer than ``LONGEST_LINE``.
    """
    for number in range(count):
        line = file.readline(LONGEST_LINE + 1)
        _refuse_long_lines(path, line, number + 1)
        if not line:
            return


def ends_in_newline(path: Path) -> bool:
    """Whether a file that is not empty ends in a newline, also if it is packed, so that its last line is complete."""
    last = b""
    with opened(path) as file:
        while piece := file.read(BLOCK_BYTES):
            last = piece[-1:]
    return last == b"\n"


def count_separators(text: bytes, separator: str) -> int:
    """The number of separators outside quotation marks; -1 if a quotation does not end."""
    data = np.frombuffer(text, np.uint8)
    cuts: BoolArray = data == ord(separator)
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return -1
    if (np.diff(quotes)[::2] > 1).any():  # some quotation is not empty
        cuts &= ~np.bitwise_xor.accumulate(data == QUOTE)
    return int(np.count_nonzero(cuts))


def _rest_of_quotation(path: Path, file: IO[bytes], first_line: int) -> bytes:
    """The lines up to the end of a quotation. If it does not end soon, the reader of the rows raises the error."""
    lines: list[bytes] = []
    length = 0
    while length <= LONGEST_LINE and (following := file.readline(LONGEST_LINE + 1)):
        _refuse_long_lines(path, following, first_line + len(lines))
        lines.append(following)
        length += len(following)
        if following.count(QUOTE) % 2:
            break
    return b"".join(lines)


def _refuse_long_lines(path: Path, text: bytes, first_line: int) -> None:
    """Raise a HarkenError for the first of the lines, numbered from ``first_line``, that is too long."""
    begin = 0
    while len(text) - begin > LONGEST_LINE:
        end = text.rfind(b"\n", begin, begin + LONGEST_LINE)
        if end < 0:
            line = first_line + text.count(b"\n", 0, begin)
            raise HarkenError(
                f"the line has more than {LONGEST_LINE:,} bytes, far more than a row of "
                "a table. Is the file damaged, or not a table?",
                path=path,
                place=f"line {line}",
            )
        begin = end + 1


def _without_blank_lines(text: bytes) -> bytes:
    data = np.frombuffer(text, np.uint8)
    begins = data[1:][data[:-1] == NEWLINE]
    if (data[:1] > SPACE).all() and (begins > SPACE).all():
        return text  # no line begins like a blank one
    filled = BLANK_LINES.sub(b"\n", b"\n" + text)
    end = filled.rfind(b"\n") + 1
    if not filled[end:].strip(b" \t\r"):  # the last line is blank
        return filled[1:end]
    return filled[1:]


def _without_line_ends(text: bytes, line_end: bytes) -> bytes:
    """The text without ``line_end`` before each newline and at its end."""
    if not line_end:
        return text
    for newline in (b"\r\n", b"\n"):
        text = text.replace(line_end + newline, newline)
    last = text.removesuffix(b"\r")
    return last.removesuffix(line_end) + text[len(last) :]


MISSING_NUMBERS = ("", "nan", "null", "none", "na", "n/a")
REASONS = {
    "a quotation mark opens a field and is never closed": "end of data",
    "a quotation mark opens a field and is not closed before the next one": "expected after",
    "a field is longer than any number, label or time; is a quotation mark misplaced?": "field limit",
}
"""Descriptions of errors in a row, by a part of the message of Python's csv module."""


def recognises(path: Path, head: bytes) -> bool:  # noqa: ARG001 - as every reader
    """Always True: a file that no other reader recognises is read as a CSV file."""
    return True


def open_source(path: Path, options: TableOptions, *, notes: Sequence[str] = ()) -> Source:
    """Open a CSV file, or the CSV file in a zip archive. See ``harken.readers.read``. ``notes`` are added to those of
    the recording."""
    table_path = _find_table(path, options)
    layout = layout_of(table_path, options.skip_rows)
    try:
        columns = find_columns(table_path, layout.header, layout.rows[0], options)
    except HarkenError as error:
        if layout.header_in_utf8:
            raise
        raise error.with_lines(
            f"{error.reason}. The names are not in UTF-8: they are shown as if they were in Windows-1252 (Latin-1). If "
            f"they look wrong, save the file as {CSV_IN_UTF8}"
        ) from error
    unit, notes_on_columns = describe_app_columns(table_path, layout.header, layout.rows[0], columns, options)
    notes = [*notes, *notes_on_columns]
    if table_path != path:
        notes.append(f"Read from {table_path.relative_to(path)}.")
    table = CsvTable(table_path, layout, columns, unit, tidy=tidy_columns(layout.header))
    if tuple(columns) == WISDM_ORDER:
        table.label_words = WISDM_CODES
        key = listed([f"{code} {word}" for code, word in WISDM_CODES.items()])
        notes = [*notes, f"The labels in the file are WISDM's codes: {key}."]
    return TableSource(table, options, path=path, notes=notes)


def _find_table(path: Path, options: TableOptions) -> Path:
    """Find the table in a file: the file itself, or the one table of acceleration in a zip archive.

    A table of acceleration with gravity is preferred to one without. An archive without any CSV file is returned
    itself: it may be an Excel sheet, and the reader of tables refuses it.

    Raises:
        HarkenError: when the archive is damaged, or has several tables of acceleration, or none.
    """
    with path.open("rb") as file:
        if not is_zip(file.read(4)):
            return path
    members = [member for member in member_paths(path) if _is_table(member.relative_to(path))][:MOST_TABLES]
    if not members:
        return path
    tables = []
    errors = []
    for member in members:
        try:
            _check_holds_acceleration(member, options)
            tables.append(member)
        except HarkenError as error:
            errors.append(error)
    tables = [table for table in tables if LINEAR_FILE.search(table.stem) is None] or tables
    if not tables:
        raise errors[0]
    if len(tables) > 1:
        names = [table.relative_to(path).as_posix() for table in tables[:MOST_TABLES_SHOWN]]
        raise HarkenError(
            f"contains several tables of acceleration, such as {listed(names)}; unpack the archive, and name "
            "one of them",
            path=path,
        )
    return tables[0]


def _is_table(name: Path) -> bool:
    return name.name.lower().endswith(TABLE_ENDINGS) and META_FOLDER not in name.parts


def _check_holds_acceleration(path: Path, options: TableOptions) -> None:
    """Raise a HarkenError when a file is not a table with columns of acceleration."""
    if GRAVITY_ALONE.match(path.stem):
        raise HarkenError("contains gravity alone, not acceleration", path=path)
    with opened(path) as file:
        head = file.read(SNIFFED_BYTES)
    lines = head.split(b"\n")[options.skip_rows :]
    layout = recognise_layout(path, b"\n".join(lines), options.skip_rows)
    find_columns(path, layout.header, layout.rows[0], options)


def _decode_block(path: Path, block: Block) -> str:
    try:
        return block.text.decode()
    except UnicodeDecodeError as error:
        line = block.first_line + block.text.count(b"\n", 0, error.start)
        raise HarkenError(
            f"{describe_other_encoding(block.text, error.start)}; save the file as {CSV_IN_UTF8}",
            path=path,
            place=f"line {line}",
        ) from error


def layout_of(path: Path, skip_rows: int = 0) -> Layout:
    """The layout of a file below its first ``skip_rows`` lines. See ``recognise_layout``."""
    with opened(path) as file:
        skip_lines(path, file, skip_rows)
        return recognise_layout(path, file.read(SNIFFED_BYTES), skip_rows)


class CsvTable(Table):
    """A table of text in a file.

    It is read with the expected types of the columns. From the first block whose numbers have another format (0 then
    0.02, null instead of NaN, trailing spaces), it is read as text and then converted, which is slower.

    Args:
        path: the file.
        layout: how its lines are divided into fields.
        columns: the roles of its columns.
        unit, tidy: as for ``Table``.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        columns: Columns,
        unit: AccelerationUnit | None = None,
        tidy: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(path, columns, unit, tidy)
        self._layout = layout
        self._typed = True

    @property
    def header(self) -> Sequence[str] | None:
        """See ``Table``."""
        return self._layout.header

    def where(self, row: int) -> str:
        """See ``Table``. Reads the file up to the row."""
        every = (line for block in blocks(self.path, self._layout) for line, _ in self._numbered_rows(block))
        return f"line {next(islice(every, row, None))}"

    def expected_rows(self) -> int:
        """See ``Table``: the file's size by the mean length of its first lines. Not known of packed files."""
        if not self.path.is_file():  # it is in an archive
            return 0
        with self.path.open("rb") as file:
            head = file.read(SNIFFED_BYTES)
            size = file.seek(0, io.SEEK_END)
        lines = head.count(b"\n")
        return 0 if head.startswith(GZIPPED) or not lines else size * lines // len(head)

    def frames(self, columns: Columns) -> Iterator[pl.DataFrame]:
        """The rows of these columns, one block of lines at a time. See ``Table``."""
        rows = 0
        for block in blocks(self.path, self._layout):
            text = _without_blank_lines(block.text)
            if text:
                frame = self._typed_frame(block, text, columns)
                if frame is None:
                    frame = self._convert(self._text_frame(block, text, columns), columns, rows)
                rows += frame.height
                yield frame
                del frame
            del block, text  # there is room for the next one

    def rows(self, *, with_sessions: bool = False) -> Iterator[TableRows]:
        """See ``Table``.

        Raises:
            HarkenError: also if the file ends in the middle of its last label, such as walki.
        """
        labels, before, now, count = None, 0, 0, 0
        for rows in super().rows(with_sessions=with_sessions):
            labels = rows.labels
            before, now = now, len(self.names("label"))
            count += len(rows.signals)
            yield rows
            del rows
        # A label that is cut short is in no other row, so its code is new.
        if labels is None or self.columns["label"] != self._layout.width - 1 or not before <= labels[-1]:
            return
        names = self.names("label")
        last = names[labels[-1]]
        whole = sorted(name for name in names if name.startswith(last) and name != last)
        if np.count_nonzero(labels == labels[-1]) == 1 and whole and not ends_in_newline(self.path):
            raise HarkenError(
                f"the file ends within its last label: {last!r} instead of {whole[0]!r}. Remove or complete the line",
                path=self.path,
                place=self.where(count - 1),
            )

    def _types(self, columns: Columns) -> dict[int, type[pl.DataType]]:
        types: dict[int, type[pl.DataType]] = {}
        for role, position in columns.items():
            if role in channel_roles(columns):
                types[position] = pl.Float32
            elif role == "time":
                written = self._layout.column(position)
                whole = all(map(is_integer, written))
                numeric = all(map(is_number, written))
                types[position] = pl.Int64 if whole else pl.Float64 if numeric else pl.String
            else:
                types[position] = pl.Categorical
        return types

    def _typed_frame(self, block: Block, text: bytes, columns: Columns) -> pl.DataFrame | None:
        """Read a block with the expected types; None if it, or a block before it, has other values."""
        if not self._typed:
            return None
        try:
            return self._frame(block, text, columns, self._types(columns))
        except POLARS_ERRORS:
            self._count_rows(block)
            self._typed = False
            return None

    def _text_frame(self, block: Block, text: bytes, columns: Columns) -> pl.DataFrame:
        """Read a block as text."""
        try:
            return self._frame(block, text, columns, {})
        except POLARS_ERRORS as error:
            self._count_rows(block)
            raise HarkenError(f"cannot be read as a table ({first_line(error)})", path=self.path) from error

    def _frame(self, block: Block, text: bytes, columns: Columns, types: dict[int, type[pl.DataType]]) -> pl.DataFrame:
        """A block's columns, named by their roles, from its text without blank lines. polars raises an exception if a
        value does not have the column's type."""
        layout = self._layout
        names = [f"column_{position + 1}" for position in range(layout.width)]
        frame = pl.read_csv(
            text,
            has_header=False,
            separator=layout.separator,
            decimal_comma=layout.decimal_comma,
            schema={name: types.get(position, pl.String) for position, name in enumerate(names)},
            columns=[names[position] for position in sorted(set(columns.values()))],  # a label may be a placement
        )
        # polars fills a short row with nulls, and a misplaced quotation mark hides rows.
        adds_up = count_separators(text, layout.separator) == frame.height * (layout.width - 1)
        if not adds_up and self._count_rows(block) != frame.height:
            raise HarkenError(
                f"the rows from line {block.first_line} on cannot be separated; is a quotation mark misplaced?",
                path=self.path,
            )
        return frame.select(pl.col(names[position]).alias(role) for role, position in columns.items())

    def _convert(self, frame: pl.DataFrame, columns: Columns, rows_before: int) -> pl.DataFrame:
        """Convert the numbers in a frame of text; an error names the first field that is not a number."""
        frame = frame.with_columns(pl.all().str.strip_chars())
        if self._layout.separator != ",":  # then a comma is a decimal mark
            decimal = [role for role in (*channel_roles(columns), "time") if role in frame.columns]
            frame = frame.with_columns(pl.col(decimal).str.replace(r"^([+-]?\d*),(\d*)($|[eE])", "$1.$2$3"))
        wrong: dict[str, int] = {}
        for role in channel_roles(columns):
            lower = frame[role].str.to_lowercase()
            numbers = lower.cast(pl.Float32, strict=False)
            not_numbers = (numbers.is_null() & lower.is_not_null() & ~lower.is_in(MISSING_NUMBERS)).arg_true()
            if len(not_numbers):
                wrong[role] = int(not_numbers[0])
            else:
                frame = frame.with_columns(numbers.alias(role))
        if wrong:
            role, row = min(wrong.items(), key=lambda item: item[1])
            option = f", or choose the column of {role} with --{role}-column" if role in ("x", "y", "z") else ""
            title = self._layout.title(columns[role])
            raise HarkenError(
                f"{frame[role][row]!r} is not a number. Correct it{option}",
                path=self.path,
                place=f"{self.where(rows_before + row)}, column {title}",
            )
        return frame

    def _count_rows(self, block: Block) -> int:
        """Count the rows of a block, or raise an error that names its first wrong line.

        Raises:
            HarkenError: for a row with too few or too many fields, an unclosed quotation mark, or text that is not
                UTF-8.
        """
        rows = 0
        for line, row in self._numbered_rows(block):
            if len(row) != self._layout.width:
                spans = any("\n" in field for field in row)
                raise HarkenError(
                    f"the row has {len(row)} fields, but the first row has "
                    f"{self._layout.width}{', and a quotation mark is not closed on this line' * spans}. Correct, "
                    "complete or remove it; --skip-rows N skips lines at the top",
                    path=self.path,
                    place=f"line {line}",
                )
            rows += 1
        return rows

    def _numbered_rows(self, block: Block) -> Iterator[tuple[int, list[str]]]:
        """The rows of a block without blank lines, each with the number of its first line."""
        line = block.first_line
        text = _decode_block(self.path, block)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._layout.separator, strict=True)
        try:
            for row in reader:
                if len(row) > 1 or "".join(row).strip():
                    yield line, row
                line = block.first_line + reader.line_num
        except csv.Error as error:
            reason = next((words for words, sign in REASONS.items() if sign in str(error)), str(error))
            raise HarkenError(reason, path=self.path, place=f"line {line}") from error
