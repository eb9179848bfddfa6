"""The wearer's calendar: days, hours and quarters of an hour by the clock of a zone, and sums over stretches of time.

A quarter is a quarter of an hour of elapsed time. The clocks of all zones differ from UTC by whole quarters and change
at their edges. A day therefore has 96 quarters, 92 where clocks go forward, and 100 where they go back (98 where they
go back by half an hour). (Two zones changed at a minute past midnight until 2011; there, the quarter after midnight
belongs to the day before.)
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from harken.support.arrays import Float64Array, Int64Array, numbered
from harken.support.tables import times

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
QUARTER_NS = HOUR_NS // 4
QUARTERS_A_DAY = 96


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of time that are described by a table; they may overlap.

    Attributes:
        frame: one row per stretch, with the columns that name it.
        edges_ns: where each begins and ends, int64 ``[n, 2]``, ns since 1970 (UTC).
    """

    frame: pl.DataFrame
    edges_ns: Int64Array


def wall_ns(moments: pl.Series) -> Int64Array:
    """What the clock shows at some datetimes, in ns since the beginning of 1970 by that clock, int64 ``[n]``."""
    return moments.dt.replace_time_zone(None).to_physical().to_numpy()


def parts_by_day(spans_ns: Int64Array, days_ns: Int64Array) -> tuple[Int64Array, ...]:
    """The parts of spans that lie in one day each: the number of the span and of the day, and where the part begins and
    ends, int64 ``[parts]``.

    Args:
        spans_ns: where each span begins and ends, int64 ``[n, 2]``.
        days_ns: where each day begins and ends, int64 ``[days, 2]``, in order; there may be time between two of them.
    """
    first, last = np.searchsorted(days_ns[:, 0], spans_ns - [0, 1], side="right").T - 1
    first = np.maximum(first, 0)
    span, later = numbered(np.maximum(last - first + 1, 0))
    day = first[span] + later
    begin = np.maximum(spans_ns[span, 0], days_ns[day, 0])
    end = np.minimum(spans_ns[span, 1], days_ns[day, 1])
    inside = begin < end
    return span[inside], day[inside], begin[inside], end[inside]


def moments_ns(wall: pl.Series, timezone: str, *, second: bool = False) -> pl.Series:
    """When the clock shows some times, datetimes without zone: ns since 1970 (UTC); null for times that clocks skip.

    Of a time that the clock shows twice it is the first moment, or the second.
    """
    moments = wall.cast(pl.Datetime("ns")).dt.replace_time_zone(
        timezone, ambiguous="latest" if second else "earliest", non_existent="null"
    )
    return moments.to_physical()


@dataclass(frozen=True, eq=False)
class Quarters:
    """The quarters of an hour of all days, by the wearer's clock, in which some rows lie.

    Attributes:
        timezone: the wearer's zone.
        start_ns: where each quarter begins, int64 ``[quarters]``.
        wall_ns: what the clock shows then, see ``wall_ns``. An hour that occurs twice has the same times twice.
        dates: the days, in order, ``[days]``.
        day: which of ``dates`` each quarter belongs to, in order, int64 ``[quarters]``.
    """

    timezone: str
    start_ns: Int64Array
    wall_ns: Int64Array
    dates: pl.Series
    day: Int64Array

    @classmethod
    def of(cls, spans_ns: Int64Array, timezone: str) -> "Quarters":
        """The quarters of the days of rows that begin and end at these times, int64 ``[n, 2]``, ns since 1970 (UTC).

        Only days with a row are looked at, so decades between two rows take no memory.
        """
        last = -(-spans_ns[:, 1] // QUARTER_NS)
        first = spans_ns[:, 0] // QUARTER_NS
        row, later = numbered(np.maximum(last - first, 1))
        touched = np.unique(first[row] + later)
        days = np.unique(wall_ns(times(touched * QUARTER_NS, timezone)) // DAY_NS)
        # By the clock, a day may have quarters of the day before and the day after by UTC.
        utc_days = np.unique(touched // QUARTERS_A_DAY + np.array([[-1], [0], [1]]))
        quarters = utc_days[:, None] * QUARTERS_A_DAY + np.arange(QUARTERS_A_DAY)
        every_ns = quarters.reshape(-1) * QUARTER_NS
        walls = wall_ns(times(every_ns, timezone))
        inside = np.isin(walls // DAY_NS, days)
        every_ns, walls = every_ns[inside], walls[inside]
        day = np.searchsorted(days, walls // DAY_NS)
        return cls(
            timezone=timezone,
            start_ns=every_ns,
            wall_ns=walls,
            dates=pl.Series(days.astype(np.int32)).cast(pl.Date),
            day=np.minimum.accumulate(day[::-1])[::-1],  # a day ends when its last quarter does
        )

    @property
    def edges_ns(self) -> Int64Array:
        """Where each quarter begins and ends, int64 ``[quarters, 2]``."""
        return np.stack([self.start_ns, self.start_ns + QUARTER_NS], axis=1)

    def days(self) -> Stretches:
        """The days, with the column ``date``."""
        days = np.arange(len(self.dates))
        first = np.searchsorted(self.day, days)
        last = np.searchsorted(self.day, days, side="right") - 1
        edges_ns = np.stack([self.start_ns[first], self.start_ns[last] + QUARTER_NS], axis=1)
        return Stretches(pl.DataFrame({"date": self.dates}), edges_ns)

    def hours(self) -> Stretches:
        """The hours of the days, with the columns ``date`` and ``start``: the beginning of the hour.

        An hour that occurs twice, where clocks go back, is two stretches. Where clocks change, one may be shorter.
        """
        hour = self.wall_ns // HOUR_NS
        offset_ns = self.wall_ns - self.start_ns
        other_hour = np.diff(hour, prepend=hour[:1] - 1) != 0
        other_offset = np.diff(offset_ns, prepend=offset_ns[:1]) != 0
        first = np.flatnonzero(other_hour | other_offset)
        last = np.append(first[1:], len(hour)) - 1
        start_ns, end_ns = self.start_ns[first], self.start_ns[last] + QUARTER_NS
        start = times(start_ns, self.timezone)
        frame = pl.DataFrame({"date": start.dt.date(), "start": start})
        return Stretches(frame, np.stack([start_ns, end_ns], axis=1))

    def by_day(self, each: Float64Array) -> Float64Array:
        """Sums over the quarters of each day, ``[quarters]`` -> ``[days]``."""
        return np.asarray(np.bincount(self.day, weights=each, minlength=len(self.dates)), dtype=np.float64)

    def by_time_of_day(self, values: Float64Array) -> Float64Array:
        """Sums over the quarters of one day with the same local time, ``[quarters]`` -> ``[days, 96]``."""
        time_of_day = self.wall_ns % DAY_NS // QUARTER_NS
        place = self.day * QUARTERS_A_DAY + time_of_day
        sums = np.bincount(place, weights=values, minlength=len(self.dates) * QUARTERS_A_DAY)
        return np.asarray(sums.reshape(-1, QUARTERS_A_DAY), dtype=np.float64)
