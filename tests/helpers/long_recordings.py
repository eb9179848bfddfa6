"""A recording of a week at 100 Hz that is made in seconds: two simulated hours, again and again with small changes."""

from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.simulated import simulate

RATE_HZ = 100
HOURS = 2
START_MS = 1_770_076_800_000
"""Tuesday, 3 February 2026, 00:00 UTC."""


def write_week(path: Path, *, days: float = 7) -> Path:
    """Write a Parquet file with times in ms, x, y and z in 1/1000 g, and no labels."""
    recording, _ = simulate(days=1, sample_rate_hz=25, seed=3)
    quarter = len(recording.time_ns) // 4
    part = recording.signals[2 * quarter : 2 * quarter + HOURS * 3600 * 25]
    rows = np.arange(HOURS * 3600 * RATE_HZ)
    at = rows / RATE_HZ * 25
    columns = [np.interp(at, np.arange(len(part)), part[:, axis]) for axis in range(3)]
    base = pl.DataFrame(
        {"row": rows.astype(np.int64)} | dict(zip("xyz", np.float32(1000) * np.array(columns), strict=True))
    )
    parts = [
        base.lazy().select(
            (START_MS + number * HOURS * 3_600_000 + pl.col("row") * (1000 // RATE_HZ)).alias("time_ms"),
            *((pl.col(axis) * (1 + number % 7 / 50)).round().cast(pl.Int16).alias(axis) for axis in "xyz"),
        )
        for number in range(round(days * 24 / HOURS))
    ]
    pl.concat(parts).sink_parquet(path, compression="lz4", row_group_size=1 << 19)
    return path
