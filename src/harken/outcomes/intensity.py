"""Intensity: each row of movement is inactive, light, moderate or vigorous, and bouts of moderate or vigorous rows."""

import numpy as np
import polars as pl

from harken.outcomes.choices import CutPoints
from harken.outcomes.movement_rows import ROW_NS, ROW_S
from harken.support.arrays import BoolArray
from harken.support.tables import nanoseconds, where_known

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
    level = np.searchsorted(np.array(cut_points.limits_mg, dtype=np.float32), enmo_mg, side="right")
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
    actives, breaks = (np.concatenate([[0], np.cumsum(each)]) for each in (active, long_break))
    enough = 100 * (actives[first + rows] - actives[first]) >= SHARE_PERCENT * rows
    whole = enough & (breaks[first + rows] == breaks[first]) & active[first] & active[first + rows - 1]
    begun = np.concatenate([[0], np.cumsum(whole)])
    row = np.arange(count)
    until = begun[np.minimum(row + 1, len(whole))]
    before = begun[np.clip(row + 1 - rows, 0, len(whole))]
    return np.asarray(active & (until > before))
