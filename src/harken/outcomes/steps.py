"""Footsteps while the wearer walks, climbs stairs or runs: in rows of movement, in bouts, and the busiest minutes."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from harken.outcomes.movement_rows import ROW_NS, median_of_known
from harken.support.arrays import BoolArray, Float64Array, sums_in
from harken.support.tables import nanoseconds, where_known

WALKING_LABELS, RUNNING_LABELS = ("walking", "stairs"), ("running",)
MEDIAN_ROWS = 9
"""The cadence of a row is the median of this many rows around it (45 s) with the same way of moving."""
BUSIEST_MINUTES = 30
MINUTE_NS = 60 * 10**9


def with_steps(movement: pl.DataFrame, rows: pl.DataFrame, labels: Sequence[str]) -> pl.DataFrame:
    """Rows of movement with the footsteps in each.

    A row has steps for the time that is labelled walking, stairs or running: this time multiplied by the cadence. The
    cadence of a row is the median over the 45 s around it that have the same way of moving (walking and stairs count as
    one). Rows without a cadence, in which the arm hardly moved, take part in the steps but not in the median.

    Args:
        movement: the result of ``MovementRows.frame``.
        rows: the rows of a timeline: ``start``, ``end``, ``label``.
        labels: the labels of the model.

    Returns:
        The rows with the column ``steps``, float32. Null without a valid sample, and everywhere if the model has no
        label for walking, stairs or running.
    """
    start_ns = nanoseconds(movement, "start")
    edges_ns = np.stack([start_ns, start_ns + ROW_NS], axis=1)
    begins_ns, ends_ns = nanoseconds(rows, "start"), nanoseconds(rows, "end")
    steps = np.zeros(len(movement))
    for names, column in ((WALKING_LABELS, "walking_cadence"), (RUNNING_LABELS, "running_cadence")):
        chosen = rows["label"].is_in(names).fill_null(False).to_numpy()
        lasting = np.where(chosen, ends_ns - begins_ns, 0)
        seconds = sums_in(edges_ns, begins_ns, ends_ns, lasting) / 1e9
        cadence = movement[column].fill_null(float("nan")).to_numpy().astype(np.float64)
        steps += seconds / 60 * _smoothed(cadence, seconds > 0)
    on_foot = not set(labels).isdisjoint((*WALKING_LABELS, *RUNNING_LABELS))
    known = (movement["valid_s"] > 0) & on_foot
    known_steps = where_known(pl.Series(steps.astype(np.float32)), known)
    return movement.with_columns(steps=known_steps)


def with_bout_steps(bouts: pl.DataFrame, movement: pl.DataFrame | None) -> pl.DataFrame:
    """Bouts with ``steps`` and ``cadence`` (steps a minute); null for labels other than walking, stairs and running.

    Args:
        bouts: the result of ``Timeline.bouts``.
        movement: the result of ``with_steps``; None without acceleration: all are null.
    """
    on_foot = bouts["label"].is_in((*WALKING_LABELS, *RUNNING_LABELS))
    if movement is None or movement["steps"].null_count() == len(movement):
        none = pl.lit(None, dtype=pl.Float64)
        return bouts.with_columns(steps=none, cadence=none)
    start_ns = nanoseconds(movement, "start")
    edges_ns = np.stack([nanoseconds(bouts, "start"), nanoseconds(bouts, "end")], axis=1)
    steps = movement["steps"].fill_null(0.0).to_numpy().astype(np.float64)
    found = pl.Series(sums_in(edges_ns, start_ns, start_ns + ROW_NS, steps))
    known = where_known(found, on_foot)
    return bouts.with_columns(steps=known, cadence=60 * known / pl.col("seconds"))


def day_cadence(movement: pl.DataFrame) -> pl.DataFrame:
    """The busiest minutes of each calendar day with rows of movement.

    Args:
        movement: the result of ``with_steps``.

    Returns:
        ``date``; ``peak_cadence_1``: the steps in the busiest minute of the clock; ``peak_cadence_30``: the mean steps
        of the 30 busiest minutes, which need not follow one another (C. Tudor-Locke and others, Preventive Medicine
        53, 2011). Null if steps are unknown.
    """
    steps = pl.col("steps")
    date = pl.col("start").dt.date().alias("date")
    minute = pl.col("start").dt.epoch("ns") // MINUTE_NS
    in_minute = pl.when(steps.is_not_null().any()).then(steps.cast(pl.Float64).sum())
    minutes = movement.group_by(date, minute.alias("minute")).agg(steps=in_minute)
    busiest = steps.drop_nulls().top_k(BUSIEST_MINUTES)
    days = minutes.group_by("date").agg(
        peak_cadence_1=steps.max(),
        peak_cadence_30=pl.when(steps.count() >= BUSIEST_MINUTES).then(busiest.mean()),
    )
    return days.sort("date")


def _smoothed(cadence: Float64Array, chosen: BoolArray) -> Float64Array:
    """The median of the known values of chosen rows around each chosen row; 0 for other rows and without a value."""
    result = np.zeros(len(cadence))
    if not chosen.any():
        return result
    half = MEDIAN_ROWS // 2
    padded = np.pad(np.where(chosen, cadence, np.nan), half, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_ROWS)
    median, count = median_of_known(around[chosen])
    result[chosen] = np.where(count > 0, median, 0)
    return result
