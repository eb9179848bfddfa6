"""Tables of labelled time: the names and times of their columns, and their form as CSV.

A spreadsheet, R or pandas reads the CSV without any option.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.files import replacing

__all__ = ["PROBABILITY", "SMOOTHED", "UNSURE", "matrix", "nanoseconds", "times", "write_csv"]

PROBABILITY = "probability_"
SMOOTHED = "smoothed_"

UNSURE = "unsure"
"""The label of rows with too small a probability."""
CSV_TIME = "%Y-%m-%dT%H:%M:%S%.3f%:z"
CSV_DECIMALS = 4


def times(time_ns: NDArray[np.int64], timezone: str) -> pl.Series:
    """Nanoseconds since 1970, UTC, as datetimes in a zone."""
    return pl.Series(time_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(timezone)


def nanoseconds(frame: pl.DataFrame, column: str) -> NDArray[np.int64]:
    """Datetimes as nanoseconds since 1970, UTC."""
    return frame[column].to_physical().to_numpy()


def matrix(frame: pl.DataFrame, prefix: str, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns ``prefixLABEL`` as float32 ``[n, labels]``; NaN where they are null."""
    return frame.select(pl.col(prefix + label).fill_null(float("nan")) for label in labels).to_numpy()


def write_csv(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table as CSV, whole or not at all.

    Times are ISO 8601 in milliseconds with their offset from UTC; days are written as ``2024-03-31``; numbers have four
    decimals; unknown values are empty.
    """
    # Polars before 2 reports no error when the disk is full. Polars formats the text, and Python writes it.
    text = frame.write_csv(datetime_format=CSV_TIME, float_precision=CSV_DECIMALS)
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="")
