"""Stretches of time by the wearer's clock (days, hours, named segments), and sums over what lies in them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.tables import times

QUARTER_NS = 900 * 10**9
"""The clocks of all zones differ from UTC by whole quarters of an hour and change at their edges."""


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of time that are described by a table; they may overlap.

    Attributes:
        frame: one row per stretch, with the columns that name it.
        edges_ns: where each begins and ends, int64 ``[n, 2]``, ns since 1970 (UTC).
    """

    frame: pl.DataFrame
    edges_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.edges_ns)


def by_clock(
    start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], *, timezone: str, every: Literal["day", "hour"]
) -> Stretches:
    """The days or hours, by the wearer's clock, in which some rows lie.

    An hour that occurs twice, where clocks go back, is two stretches. Only quarters of an hour with a row are looked
    at, so decades between two rows take no memory.

    Args:
        start_ns, end_ns: where each row begins and ends, int64 ``[n]``, ns since 1970 (UTC).
        timezone: the wearer's zone.
        every: the length of a stretch.

    Returns:
        Stretches with the column ``date``, and for hours ``start``: the beginning of the hour.
    """
    first = start_ns // QUARTER_NS
    lasting = np.maximum(-(-end_ns // QUARTER_NS) - first, 1)
    within = np.arange(lasting.sum()) - np.repeat(np.cumsum(lasting) - lasting, lasting)
    quarter_ns = np.unique(np.repeat(first, lasting) + within) * QUARTER_NS
    key = _clock(quarter_ns, timezone, every)
    run = key.select(pl.struct(pl.all()).rle_id().cast(pl.Int64)).to_series().to_numpy()
    firsts = np.flatnonzero(np.diff(run, prepend=-1))
    lasts = np.append(firsts[1:], len(quarter_ns)) - 1
    edges_ns = np.stack([quarter_ns[firsts], quarter_ns[lasts] + QUARTER_NS], axis=1)
    frame = key[firsts].select("date")
    if every == "hour":
        # The hour may have begun before its first quarter with a row; where clocks change, an hour may be shorter.
        before_ns = (edges_ns[:, :1] - QUARTER_NS * np.arange(3, -1, -1)).reshape(-1)
        same = _clock(before_ns, timezone, every) == key[np.repeat(firsts, 4)]
        begins = same.select(pl.all_horizontal(pl.all())).to_series().to_numpy().reshape(-1, 4).argmax(axis=1)
        start_ns = before_ns.reshape(-1, 4)[np.arange(len(firsts)), begins]
        frame = frame.with_columns(start=times(start_ns, timezone))
    return Stretches(frame, edges_ns)


def _clock(time_ns: NDArray[np.int64], timezone: str, every: Literal["day", "hour"]) -> pl.DataFrame:
    """What differs between the times of two days or hours: the date, the hour and the offset from UTC."""
    local = times(time_ns, timezone)
    day = pl.DataFrame({"date": local.dt.date()})
    if every == "day":
        return day
    offset = local.dt.base_utc_offset() + local.dt.dst_offset()
    return day.with_columns(local.dt.hour().alias("hour"), offset.alias("offset"))


def sums_in(
    stretches: Stretches, start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], values: NDArray[np.generic]
) -> NDArray[np.float64]:
    """The sum of values over each stretch, float64 ``[stretches]``; a row partly in a stretch counts in proportion.

    Args:
        stretches: the stretches.
        start_ns, end_ns: where each row begins and ends, int64 ``[n]``, in order and not overlapping.
        values: of each row, ``[n]``.
    """
    if len(start_ns) == 0:
        return np.zeros(len(stretches))
    knots = np.stack([start_ns, end_ns], axis=1).reshape(-1)
    total = np.cumsum(values, dtype=np.float64)
    sums = np.stack([np.append(0.0, total[:-1]), total], axis=1).reshape(-1)
    # Counted from the first row, so that float64 is exact to the nanosecond for three months.
    first, last = np.interp(stretches.edges_ns.T - knots[0], knots - knots[0], sums)
    return np.asarray(last - first)
