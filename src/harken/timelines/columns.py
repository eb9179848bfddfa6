"""The names and the times of a timeline's columns."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["PROBABILITY", "SMOOTHED", "UNSURE", "matrix", "nanoseconds", "times"]

PROBABILITY = "probability_"
SMOOTHED = "smoothed_"

UNSURE = "unsure"
"""What stands in place of a label whose probability is too small."""


def times(time_ns: NDArray[np.int64], timezone: str) -> pl.Series:
    """Nanoseconds since 1970, UTC, as datetimes in a zone."""
    return pl.Series(time_ns, dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(timezone)


def nanoseconds(frame: pl.DataFrame, column: str) -> NDArray[np.int64]:
    """Datetimes as nanoseconds since 1970, UTC."""
    return frame[column].to_physical().to_numpy()


def matrix(frame: pl.DataFrame, prefix: str, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns ``prefixLABEL`` as float32 ``[n, labels]``; NaN where they are null."""
    return frame.select(pl.col(prefix + label).fill_null(float("nan")) for label in labels).to_numpy()
