"""Intensity and footsteps in rows of movement: each row is inactive, light, moderate or vigorous; bouts of moderate or
vigorous rows; and steps while the wearer walks, climbs stairs or runs: in rows, in bouts, and the busiest minutes."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from harken.outcomes.movement_rows import ROW_NS, ROW_S, median_of_known, row_spans_ns
from harken.outcomes.rules import CutPoints
from harken.support.arrays import BoolArray, Float64Array, Int64Array, lengths_of, sums_in
from harken.support.tables import nanoseconds, spans_ns, where_known

LEVELS = ("inactive", "light", "moderate", "vigorous")
BOUT_MINUTES = (1, 5, 10)
"""The lengths of bouts, as in GGIR."""
SHARE_PERCENT = 80
"""At least this share of a bout's rows must be moderate or vigorous."""
LONGEST_BREAK_S = 60
"""A bout has no longer break."""


def with_intensity(movement: pl.DataFrame, cut_points: CutPoints) -> pl.DataFrame:
    """Rows of movement with their level of intensity, and whether they are in a bout.

    Args:
        movement: the result of ``movement_table``.
        cut_points: the limits.

    Returns:
        The rows with the columns ``level`` (0 to 3, the place in ``LEVELS``; null where the watch was not worn or
        without a valid sample) and ``mvpa_bout_N`` for each of ``BOUT_MINUTES``: see ``in_bouts``.
    """
    worn = movement["wear"].fill_null(False).to_numpy()
    enmo_mg = movement["enmo_mg"].fill_null(0.0).to_numpy()
    limits_mg = np.array(cut_points.limits_mg, dtype=np.float32)
    level = np.searchsorted(limits_mg, enmo_mg, side="right")
    active = worn & (level >= LEVELS.index("moderate"))
    pieces = np.flatnonzero(np.diff(nanoseconds(movement, "start")) > ROW_NS) + 1
    bouts = {
        f"mvpa_bout_{minutes}": np.concatenate(
            [in_bouts(piece, 60 * minutes // ROW_S) for piece in np.split(active, pieces)]
        )
        for minutes in BOUT_MINUTES
    }
    known = pl.Series(worn)
    return movement.with_columns(
        level=where_known(pl.Series(level, dtype=pl.Int8), known),
        **{name: pl.Series(rows) for name, rows in bouts.items()},
    )


def in_bouts(active: BoolArray, rows: int) -> BoolArray:
    """Which active rows are in a bout of at least so many rows, bool ``[n]``.

    A row is in a bout if a window of ``rows`` rows holds it that begins and ends with an active row, of which at least
    80 % are active, and in which no break is longer than a minute. Rows that are not active do not count. This is
    GGIR's ``bout.metric = 6`` without its search for the ends of a bout, which depends on the order of rows.

    Args:
        active: whether each row is moderate or vigorous, ``[n]``; there is no gap between rows.
        rows: the length of a bout.
    """
    count = len(active)
    if count < rows:
        return np.zeros(count, dtype=bool)
    edges = np.flatnonzero(np.diff(active, prepend=~active[:1]))
    lengths = np.diff(edges, append=count)
    long_break = np.repeat(~active[edges] & (lengths * ROW_S > LONGEST_BREAK_S), lengths)
    first = np.arange(count - rows + 1)
    actives = np.concatenate([[0], np.cumsum(active)])
    breaks = np.concatenate([[0], np.cumsum(long_break)])
    enough = 100 * (actives[first + rows] - actives[first]) >= SHARE_PERCENT * rows
    unbroken = breaks[first + rows] == breaks[first]
    active_ends = active[first] & active[first + rows - 1]
    whole = enough & unbroken & active_ends
    begun = np.concatenate([[0], np.cumsum(whole)])
    row = np.arange(count)
    until = begun[np.minimum(row + 1, len(whole))]
    before = begun[np.clip(row + 1 - rows, 0, len(whole))]
    return np.asarray(active & (until > before))


WALKING_LABELS, RUNNING_LABELS = ("walking", "stairs"), ("running",)
MEDIAN_ROWS = 9
"""The cadence of a row is the median of this many rows around it (45 s) with the same way of moving."""
WALKING = ("walking",)
LEAST_SHARE = 0.4
"""A second of walking has steps if the arm moves at least this share of what it does in the 45 s around it."""
BUSIEST_MINUTES = 30
SECOND_NS = 10**9
MINUTE_NS = 60 * 10**9


def with_steps(movement: pl.DataFrame, rows: pl.DataFrame, labels: Sequence[str]) -> pl.DataFrame:
    """Rows of movement with the footsteps in each.

    A row has steps for the time that is labelled walking, stairs or running: this time multiplied by the cadence. The
    cadence of a row is the median over the 45 s around it that have the same way of moving (walking and stairs count as
    one). Rows without a cadence, in which the arm hardly moved, take part in the steps but not in the median.

    Seconds of walking in which the arm moves much less than in these 45 s have no steps: the first and the last label
    of a walk also cover some standing, and short stops have no label of their own. On stairs the arm may be still while
    the legs are not, and what is labelled running may begin with walking, so there all seconds count.

    Args:
        movement: the result of ``movement_table``.
        rows: the rows of a timeline: ``start``, ``end``, ``label``.
        labels: the labels of the model.

    Returns:
        The rows with the column ``steps``, float32. Null without a valid sample, and everywhere if the model has no
        label for walking, stairs or running.
    """
    rows_ns = row_spans_ns(movement)
    steps = np.zeros(len(movement))
    for names, column, standing_s in (
        (WALKING_LABELS, "walking_cadence", _standing_s(movement, rows)),
        (RUNNING_LABELS, "running_cadence", 0.0),
    ):
        seconds = _labelled_s(rows, names, rows_ns)
        cadence = movement[column].fill_null(float("nan")).to_numpy().astype(np.float64)
        steps += np.maximum(seconds - standing_s, 0) / 60 * _smoothed(cadence, seconds > 0)
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
    steps = movement["steps"].fill_null(0.0).to_numpy().astype(np.float64)
    found = pl.Series(sums_in(spans_ns(bouts), row_spans_ns(movement), steps))
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
    known = steps.is_not_null().any()
    in_minute = pl.when(known).then(steps.cast(pl.Float64).sum())
    minutes = movement.group_by(date, minute.alias("minute")).agg(steps=in_minute)
    enough = steps.count() >= BUSIEST_MINUTES
    busiest = steps.drop_nulls().top_k(BUSIEST_MINUTES)
    days = minutes.group_by("date").agg(
        peak_cadence_1=steps.max(),
        peak_cadence_30=pl.when(enough).then(busiest.mean()),
    )
    return days.sort("date")


def _labelled_s(rows: pl.DataFrame, names: Sequence[str], edges_ns: Int64Array) -> Float64Array:
    """The seconds with one of the labels in each stretch ``[n, 2]``."""
    rows_ns = spans_ns(rows)
    chosen = rows["label"].is_in(names).fill_null(False).to_numpy()
    lasting_ns = np.where(chosen, lengths_of(rows_ns), 0)
    return sums_in(edges_ns, rows_ns, lasting_ns) / 1e9


def _standing_s(movement: pl.DataFrame, rows: pl.DataFrame) -> Float64Array:
    """The seconds of each row of movement that are labelled walking, but in which the arm moves much less than around.

    The movement around is the median over 45 s of the middle second of each row that is labelled walking. In rows in
    which the arm hardly moves, all seconds count as equal.
    """
    mads_mg = movement["second_mads_mg"].to_numpy().astype(np.float64)
    whole_mg = movement["mad_mg"].fill_null(0.0).to_numpy()
    mads_mg = np.where(np.isfinite(mads_mg), mads_mg, whole_mg[:, None])
    rows_ns = row_spans_ns(movement)
    walking = _labelled_s(rows, WALKING, rows_ns) > 0
    around_mg = _smoothed(np.median(mads_mg, axis=1), walking)
    weak = mads_mg < LEAST_SHARE * around_mg[:, None]
    second_ns = (rows_ns[:, :1] + SECOND_NS * np.arange(ROW_S))[weak]
    found = np.zeros(mads_mg.shape)
    edges_ns = second_ns[:, None] + np.array([0, SECOND_NS])
    found[weak] = _labelled_s(rows, WALKING, edges_ns)
    return np.asarray(found.sum(axis=1))


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
