"""A CSV file -> a Recording: the notebook's format, or any table through ``TableOptions``.

A block of lines is read by polars with the types the columns should have. Only when that fails, or the number
of fields does not add up, is the block gone through slowly to name the line that is wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.blocks import Block, blocks, count_separators, ends_in_newline, opened, skip_lines
from harken.readers.columns import Columns, find_columns
from harken.readers.explaining import explain, numbered_rows
from harken.readers.layout import SNIFFED_BYTES, Layout, is_integer, is_number, recognise_layout
from harken.readers.options import TableOptions
from harken.readers.table import POLARS_ERRORS, Table, TableBuilder, first_line, recording_from_table
from harken.recordings.recording import UNLABELLED, Recording
from harken.support.errors import HarkenError

__all__ = ["check_last_label", "layout_of", "line_of_row", "read_csv", "read_frames", "read_table"]

MISSING_NUMBERS = ("", "nan", "null", "none", "na", "n/a")


def read_csv(path: Path, options: TableOptions) -> Recording:
    """Read a CSV file as it was found. See ``harken.readers.read``."""
    layout = layout_of(path, options.skip_rows)
    columns = find_columns(path, layout.header, layout.rows[0], options)
    return recording_from_table(read_table(path, layout, columns), options)


def layout_of(path: Path, skip_rows: int = 0) -> Layout:
    """The layout of a file below its first ``skip_rows`` lines. See ``recognise_layout``."""
    with opened(path) as file:
        skip_lines(path, file, skip_rows)
        return recognise_layout(path, file.read(SNIFFED_BYTES), skip_rows)


def read_table(path: Path, layout: Layout, columns: Columns) -> Table:
    """Read the columns of a whole file.

    Raises:
        HarkenError: for the first row that is not what the layout and the columns say; the message names it.
    """
    try:
        table = _whole(path, layout, columns, typed=True)
    except POLARS_ERRORS:
        table = _whole(path, layout, columns, typed=False)
    if table.label is not None:
        codes, names = table.label
        last = names[codes[-1]] if codes[-1] != UNLABELLED else ""
        times = int(np.count_nonzero(codes == codes[-1]))
        check_last_label(path, layout, columns, last, times, names, lambda: table.where(len(codes) - 1))
    return table


def read_frames(path: Path, layout: Layout, columns: Columns, *, typed: bool) -> Iterator[pl.DataFrame]:
    """The rows of a file, a block of lines at a time; columns are named by their roles.

    Args:
        path, layout, columns: the file.
        typed: read with the types the columns should have; or (slower) as text that is then converted. That is for
            files whose numbers change form on the way: 0 then 0.02, null instead of NaN, spaces behind.

    Raises:
        HarkenError: as ``read_table``.
        PolarsError: when ``typed``, and it takes the other way.
    """
    types = _types(layout, columns) if typed else {}
    rows = 0
    for block in blocks(path, layout):
        text = block.without_blank_lines(layout)
        if not text:
            continue
        try:
            frame = _frame(path, block, text, layout, columns, types)
        except POLARS_ERRORS as error:
            explain(str(path), block.text, layout, block.first_line)
            if typed:
                raise
            raise HarkenError(f"{path}: cannot be read as a table ({first_line(error)})") from error
        yield frame if typed else _converted(path, frame, layout, columns, rows)
        rows += frame.height


def check_last_label(
    path: Path, layout: Layout, columns: Columns, last: str, times: int, names: Iterable[str], where: Callable[[], str]
) -> None:
    """Raise a HarkenError where a file was cut in the middle of its last label, such as walki.

    Args:
        path, layout, columns: the file.
        last: the label of its last row; empty where it has none.
        times: how many rows have that label.
        names: all labels.
        where: says where the last row stands.
    """
    if columns.label != layout.width - 1:
        return
    whole = [name for name in names if name.startswith(last) and name != last]
    if last and whole and times == 1 and not ends_in_newline(path):
        raise HarkenError(
            f"{path}, {where()}: the file ends within its last label: {last!r} instead of {whole[0]!r}. Remove or "
            "complete the line"
        )


def _whole(path: Path, layout: Layout, columns: Columns, *, typed: bool) -> Table:
    table = TableBuilder(path, columns, partial(line_of_row, path, layout))
    for frame in read_frames(path, layout, columns, typed=typed):
        table.add(frame)
    return table.finish()


def _types(layout: Layout, columns: Columns) -> dict[int, type[pl.DataType]]:
    types: dict[int, type[pl.DataType]] = {}
    for role, position in columns.roles().items():
        if role in columns.numeric():
            types[position] = pl.Float32
        elif role == "time":
            written = layout.column(position)
            whole, numeric = all(map(is_integer, written)), all(map(is_number, written))
            types[position] = pl.Int64 if whole else pl.Float64 if numeric else pl.String
        else:
            types[position] = pl.Categorical
    return types


def _frame(
    path: Path, block: Block, text: bytes, layout: Layout, columns: Columns, types: dict[int, type[pl.DataType]]
) -> pl.DataFrame:
    """A block's columns, named by their roles, from its text without blank lines. Polars raises where a value
    does not fit its type."""
    names = [f"column_{position + 1}" for position in range(layout.width)]
    frame = pl.read_csv(
        text,
        has_header=False,
        separator=layout.separator,
        decimal_comma=layout.decimal_comma,
        schema={name: types.get(position, pl.String) for position, name in enumerate(names)},
        columns=[names[position] for position in columns.roles().values()],
    )
    # Polars fills a short row with nulls; and a quotation mark astray makes rows disappear.
    adds_up = count_separators(text, layout.separator) == frame.height * (layout.width - 1)
    if not adds_up and explain(str(path), block.text, layout, block.first_line) != frame.height:
        raise HarkenError(
            f"{path}: the rows from line {block.first_line} on cannot be told apart; is a quotation mark astray?"
        )
    return frame.select(pl.col(names[position]).alias(role) for role, position in columns.roles().items())


def _converted(path: Path, frame: pl.DataFrame, layout: Layout, columns: Columns, rows_before: int) -> pl.DataFrame:
    """A frame of text with its numbers read; an error names the first that is none."""
    frame = frame.with_columns(pl.all().str.strip_chars())
    if layout.separator != ",":  # a comma is then a decimal mark
        decimal = [role for role in (*columns.numeric(), "time") if role in frame.columns]
        frame = frame.with_columns(pl.col(decimal).str.replace(r"^([+-]?\d*),(\d*)($|[eE])", "$1.$2$3"))
    wrong: dict[str, int] = {}
    for role in columns.numeric():
        lower = frame[role].str.to_lowercase()
        numbers = lower.cast(pl.Float32, strict=False)
        not_numbers = (numbers.is_null() & lower.is_not_null() & ~lower.is_in(MISSING_NUMBERS)).arg_true()
        if len(not_numbers):
            wrong[role] = int(not_numbers[0])
        frame = frame.with_columns(numbers.alias(role)) if not len(not_numbers) else frame
    if wrong:
        role, row = min(wrong.items(), key=lambda item: item[1])
        option = f", or say where {role} is with --{role}-column" if role in ("x", "y", "z") else ""
        raise HarkenError(
            f"{path}, {line_of_row(path, layout, rows_before + row)}, column "
            f"{layout.title(columns.roles()[role])}: {frame[role][row]!r} is not a number. Mend it{option}"
        )
    return frame


def line_of_row(path: Path, layout: Layout, row: int) -> str:
    """On which line of the file a row of data stands, counted from 0 without blank lines. Goes through the file."""
    every = (
        line
        for block in blocks(path, layout)
        for line, _ in numbered_rows(str(path), block.text, layout, block.first_line)
    )
    return f"line {next(islice(every, row, None))}"
