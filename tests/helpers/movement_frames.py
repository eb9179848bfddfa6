"""Rows of movement for tests, made by hand."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.outcomes.movement_rows import movement_table


def movement_frame(
    start_ns: NDArray[np.int64],
    enmo_mg: NDArray[np.floating],
    *,
    timezone: str = "UTC",
    valid_s: NDArray[np.floating] | None = None,
    second_mads_mg: NDArray[np.floating] | None = None,
    walking_cadence: NDArray[np.floating] | None = None,
    running_cadence: NDArray[np.floating] | None = None,
) -> pl.DataFrame:
    """Rows that were all worn, with the same MAD and angle as ENMO; whole rows without MADs of seconds and without a
    cadence if nothing is said."""
    values = enmo_mg.astype(np.float32)
    unknown = np.full(len(start_ns), np.nan)
    rows = {
        "enmo_mg": values,
        "mad_mg": values,
        "angle_z_degrees": values,
        "valid_s": np.full(len(start_ns), 5.0) if valid_s is None else valid_s,
        "second_mads_mg": np.full((len(start_ns), 5), np.nan) if second_mads_mg is None else second_mads_mg,
        "walking_cadence": unknown if walking_cadence is None else walking_cadence,
        "running_cadence": unknown if running_cadence is None else running_cadence,
    }
    frame = pl.DataFrame({"start_ns": start_ns} | {name: column.astype(np.float32) for name, column in rows.items()})
    return movement_table(frame, timezone=timezone)
