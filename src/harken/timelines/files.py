"""Tables of labelled time as CSV that a spreadsheet, R or pandas reads without being told anything."""

from pathlib import Path

import polars as pl

from harken.support.files import replacing

__all__ = ["write_csv"]

CSV_TIME = "%Y-%m-%dT%H:%M:%S%.3f%:z"
CSV_DECIMALS = 4


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, whole or not at all.

    Times are ISO 8601 in milliseconds with their offset from UTC, days as ``2024-03-31``; numbers have four decimals;
    what is not known is empty.
    """
    # Polars opens no path whose bytes are not UTF-8, but writes to any file that is open.
    with replacing(path) as aside, aside.open("wb") as file:
        frame.write_csv(file, datetime_format=CSV_TIME, float_precision=CSV_DECIMALS)
