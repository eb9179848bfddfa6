"""A CSV file -> a Recording: the notebook's format, or any table through ``TableOptions``.

The common case is read in one pass by polars with the types the columns should have. Only when that fails,
or the number of fields does not add up, is the file gone through slowly to name the row that is wrong.
"""

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from harken.errors import HarkenError
from harken.readers.columns import Columns, find_columns
from harken.readers.options import TableOptions
from harken.readers.table import recording_from_table
from harken.recording import Recording

__all__ = ["read_csv"]

SNIFFED_BYTES = 1 << 16
CHUNK_BYTES = 1 << 18  # fits the processor's cache
NEWLINE, RETURN, QUOTE = (ord(character) for character in '\n\r"')
UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Layout:
    """How a file's lines are cut into fields."""

    separator: str
    decimal_comma: bool
    header: list[str] | None
    width: int
    data_line: int
    """Lines before the first row of data."""
    first_row: list[str]


def read_csv(path: Path, options: TableOptions) -> Recording:
    """Read a CSV file as it was found. See ``harken.readers.read``."""
    source = _Source(path)
    layout = _sniff(path, source, options)
    columns = find_columns(path, layout.header, layout.width, options)
    try:
        frame = _typed(source, layout, columns)
    except pl.exceptions.PolarsError as error:
        _explain(path, source, layout, columns)
        frame = _lenient(source, layout, columns, error, path)
    if _fields(source, layout) != frame.height * (layout.width - 1):
        _explain(path, source, layout, columns)
    frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))  # blank lines
    if frame.height == 0:
        raise HarkenError(f"{path}: there are no rows of data in it")
    names = {position: _name(position) for position in columns.used()}
    return recording_from_table(path, frame, columns, names, options)


class _Source:
    """A file's bytes, plain or gzipped, that can be opened again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unpacked: bytes | None = None
        with path.open("rb") as file:
            gzipped = file.read(2) == b"\x1f\x8b"
        if gzipped:
            try:
                self._unpacked = gzip.decompress(path.read_bytes())
            except (OSError, EOFError) as error:
                raise HarkenError(f"{path}: the gzip file is damaged or cut short ({error})") from error

    def for_polars(self) -> Path | bytes:
        return self._path if self._unpacked is None else self._unpacked

    def open(self) -> BinaryIO:
        return self._path.open("rb") if self._unpacked is None else io.BytesIO(self._unpacked)


def _sniff(path: Path, source: _Source, options: TableOptions) -> Layout:
    """Find separator, decimal mark and header from the first lines."""
    with source.open() as file:
        start = file.read(SNIFFED_BYTES)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise HarkenError(f"{path}: the text is UTF-16; save it as UTF-8")
    if b"\0" in start:
        raise HarkenError(f"{path}: this is not a text table (it holds zero bytes)")
    lines = start.removeprefix(UTF8_MARK).decode("utf-8", errors="replace").splitlines()
    if len(start) == SNIFFED_BYTES and len(lines) > 1:
        lines.pop()  # probably cut in the middle
    position = options.skip_rows
    while position < len(lines) and not lines[position].strip():
        position += 1
    if position >= len(lines):
        raise HarkenError(f"{path}: the file is empty" + (" after the skipped rows" if options.skip_rows else ""))
    first = lines[position]
    separator = max(",;\t", key=first.count)
    fields = _split(first, separator)
    header = None if any(_is_number(field) for field in fields) else [field.strip() for field in fields]
    data_line = position + (header is not None)
    following = [line for line in lines[data_line : data_line + 20] if line.strip()]
    first_row = _split(following[0], separator) if following else []
    decimal_comma = separator != "," and any("," in field and _is_number(field) for field in first_row)
    if header is not None and not following:
        raise HarkenError(f"{path}: there are no rows of data in it, only the line {first!r}")
    return Layout(separator, decimal_comma, header, len(fields), data_line, first_row)


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _is_number(field: str) -> bool:
    try:
        float(field.strip().replace(",", "."))
    except ValueError:
        return False
    return field.strip().lower() not in ("nan", "inf", "infinity")


def _is_integer(field: str) -> bool:
    return field.strip().lstrip("+-").isdigit()


def _typed(source: _Source, layout: Layout, columns: Columns) -> pl.DataFrame:
    """Read the columns in the types they should have; polars raises where a value does not fit."""
    types: dict[int, type[pl.DataType]] = {
        position: pl.Float32 for position in (columns.x, columns.y, columns.z, columns.accuracy) if position is not None
    }
    types |= {position: pl.Categorical for position in (columns.label, columns.subject) if position is not None}
    if columns.time is not None:
        written = layout.first_row[columns.time] if columns.time < len(layout.first_row) else ""
        types[columns.time] = pl.Int64 if _is_integer(written) else pl.Float64 if _is_number(written) else pl.String
    return _read(source, layout, columns, types)


def _lenient(
    source: _Source, layout: Layout, columns: Columns, error: pl.exceptions.PolarsError, path: Path
) -> pl.DataFrame:
    """Read everything as text and convert: for files whose times change form on the way, such as 0 then 0.02."""
    try:
        frame = _read(source, layout, columns, {})
    except pl.exceptions.PolarsError:
        raise HarkenError(f"{path}: cannot be read as a table: {str(error).splitlines()[0]}") from error
    numeric = [_name(p) for p in (columns.x, columns.y, columns.z, columns.accuracy) if p is not None]
    comma = pl.col(numeric).str.replace(",", ".", literal=True) if layout.decimal_comma else pl.col(numeric)
    return frame.with_columns(comma.str.strip_chars().cast(pl.Float32, strict=False))


def _read(source: _Source, layout: Layout, columns: Columns, types: dict[int, type[pl.DataType]]) -> pl.DataFrame:
    return pl.read_csv(
        source.for_polars(),
        has_header=False,
        separator=layout.separator,
        decimal_comma=layout.decimal_comma,
        skip_lines=layout.data_line,
        schema={_name(i): types.get(i, pl.String) for i in range(layout.width)},
        columns=[_name(i) for i in columns.used()],
        glob=False,
    )


def _name(position: int) -> str:
    """What polars calls a column of a table without a header."""
    return f"column_{position + 1}"


def _fields(source: _Source, layout: Layout) -> int:
    """Count the separators in the data, outside quotes; blank lines count as if they had all of theirs."""
    separator = ord(layout.separator)
    separators = blank_lines = 0
    inside = np.uint8(0)
    last = NEWLINE
    with source.open() as file:
        for _ in range(layout.data_line):
            file.readline()
        while chunk := file.read(CHUNK_BYTES):
            data = np.frombuffer(chunk, dtype=np.uint8)
            cuts = data == separator
            if inside or QUOTE in chunk:
                quoted = np.bitwise_xor.accumulate((data == QUOTE).view(np.uint8)) ^ inside
                inside = quoted[-1]
                cuts &= quoted == 0
            separators += int(np.count_nonzero(cuts))
            if b"\n\n" in chunk or b"\n\r" in chunk or (last == NEWLINE and chunk[:1] in (b"\n", b"\r")):
                text = data[data != RETURN]
                before = np.concatenate([np.array([last], np.uint8), text[:-1]])
                blank_lines += int(np.count_nonzero((text == NEWLINE) & (before == NEWLINE)))
            last = next((byte for byte in reversed(chunk[-2:]) if byte != RETURN), NEWLINE)
    return separators + blank_lines * (layout.width - 1)


def _explain(path: Path, source: _Source, layout: Layout, columns: Columns) -> None:
    """Go through the file line by line and raise an error that names the first row that is wrong, if one is."""
    numeric = {"x": columns.x, "y": columns.y, "z": columns.z, "P": columns.accuracy}
    wanted = {position: role for role, position in numeric.items() if position is not None}
    with source.open() as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            for _ in range(layout.data_line):
                text.readline()
            for row in (reader := csv.reader(text, delimiter=layout.separator)):
                line = layout.data_line + reader.line_num
                if not row:
                    continue
                if len(row) < layout.width:
                    raise HarkenError(
                        f"{path}, line {line}: the row is cut short: {len(row)} of {layout.width} columns. "
                        "Remove or complete it; --skip-rows N skips lines at the top"
                    )
                if len(row) > layout.width:
                    raise HarkenError(
                        f"{path}, line {line}: the row has {len(row)} fields where the first has {layout.width}; "
                        "--skip-rows N skips lines at the top"
                    )
                for position, role in wanted.items():
                    if row[position].strip() and not _parses(row[position]):
                        name = layout.header[position] if layout.header else str(position + 1)
                        raise HarkenError(
                            f"{path}, line {line}, column {name}: {row[position]!r} is not a number. "
                            f"Mend it, or say where {role} is with --{role.lower()}-column"
                        )
        except UnicodeDecodeError as error:
            raise HarkenError(f"{path}: the text is not UTF-8 ({error.reason}); save it as UTF-8") from error
        except csv.Error as error:
            raise HarkenError(f"{path}, line {layout.data_line + reader.line_num}: {error}") from error


def _parses(field: str) -> bool:
    """Whether a field is a number, or one of the words for a missing one."""
    return _is_number(field) or field.strip().lower() in ("nan", "inf", "-inf", "+inf", "infinity", "null")
