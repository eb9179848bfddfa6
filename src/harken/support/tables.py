"""Tables of polars: their columns of time, and writing them whole or not at all.

In Parquet, unknown numbers are null, never NaN: polars, DuckDB, R and Arrow take NaN for a number, larger than all
others. In CSV, they are empty and times are ISO 8601 with their offset, to the millisecond, which pandas reads without
any option. What harken reads back is Parquet, never these CSV files, whose texts may begin with an apostrophe.
"""

from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs

from harken.support.arrays import Int64Array
from harken.support.files import replacing, write_text

CSV_TIME = "%Y-%m-%dT%H:%M:%S%.3f%:z"
CSV_DECIMALS = 4
FORMULA = "^[-=+@\\t\\r\\n]"
"""How a text begins that a spreadsheet runs as a formula, which may send the table's content to another computer."""
DEFUSED = "'${0}"
"""What its beginning becomes: after an apostrophe, a spreadsheet shows a text as it is."""


def times(time_ns: Int64Array, timezone: str) -> pl.Series:
    """Nanoseconds since 1970, UTC, as datetimes in a zone."""
    return pl.Series(time_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(timezone)


def nanoseconds(frame: pl.DataFrame, column: str) -> Int64Array:
    """Datetimes as nanoseconds since 1970, UTC."""
    return frame[column].to_physical().to_numpy()


def spans_ns(frame: pl.DataFrame, start: str = "start", end: str = "end") -> Int64Array:
    """Where each row begins and ends, int64 ``[n, 2]``, in nanoseconds since 1970, UTC."""
    return np.stack([nanoseconds(frame, start), nanoseconds(frame, end)], axis=1)


def where_known(values: pl.Series, known: pl.Series) -> pl.Series:
    """The values; null where ``known`` is false."""
    return values.zip_with(known, pl.Series([None], dtype=values.dtype))


def zone_of(datetimes: pl.Series) -> str:
    """The time zone of a column of datetimes."""
    return str(datetimes.dtype.time_zone)  # type: ignore[attr-defined]


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, whole or not at all.

    Times are ISO 8601 in milliseconds with their offset from UTC; days are written as ``2024-03-31``; numbers have four
    decimals; unknown values are empty. A text that a spreadsheet would run as a formula gets an apostrophe before it:
    names of people, files and labels may come from anybody. Parquet has it as it is.
    """
    defused = frame.with_columns(cs.string().str.replace(FORMULA, DEFUSED))
    # Polars before 2 reports no error when the disk is full. Polars formats the text, and Python writes it.
    text = defused.write_csv(datetime_format=CSV_TIME, float_precision=CSV_DECIMALS)
    write_text(path, text)


def write_parquet(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    with replacing(path) as aside, aside.open("wb") as file:
        frame.write_parquet(file)
