"""Quarters of an hour by the wearer's clock: which days there are, how long each is, and what was done in each quarter.

A quarter is a quarter of an hour of elapsed time. The clocks of all zones differ from UTC by whole quarters and change
at their edges, so a day is some 96 of them: 92 where clocks go forward, 100 where they go back (98 where they go back
by half an hour). (Two zones changed at a minute past midnight until 2011; in these, that quarter counts as one day's.)
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.timelines.tables import nanoseconds, times

__all__ = ["QUARTERS_A_DAY", "QUARTER_NS", "Quarters"]

QUARTER_NS = 900 * 10**9
QUARTERS_A_DAY = 96
LONGEST_DAY_NS = 28 * 3600 * 10**9
LONG_GAP_NS = 3 * LONGEST_DAY_NS
"""A longer gap holds whole days, whose quarters are left out: a clock that was reset may leave out decades."""


@dataclass(frozen=True, eq=False)
class Quarters:
    """The quarters of the days of a timeline, from the first day's midnight to the midnight after the last; without
    those in long gaps.

    Attributes:
        dates: the days, in order, ``[days]``.
        start_ns: where each quarter begins, int64 ``[quarters]``.
        day: which of ``dates`` it belongs to, int64 ``[quarters]``.
        of_the_day: which quarter it is by the clock on the wall, 0 to 95, int64 ``[quarters]``. An hour that comes
            twice a day has the same numbers twice.
    """

    dates: pl.Series
    start_ns: NDArray[np.int64]
    day: NDArray[np.int64]
    of_the_day: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pl.DataFrame, timezone: str) -> "Quarters":
        """Those of the days of a timeline's rows."""
        start, end = nanoseconds(frame, "start"), nanoseconds(frame, "end")
        long = np.flatnonzero(~frame["recorded"].to_numpy() & (end - start > LONG_GAP_NS))
        begins, ends = np.append(start[0], end[long]), np.append(start[long], end[-1])
        some = [cls._between(*span, timezone) for span in zip(begins.tolist(), ends.tolist(), strict=True)]
        days = np.cumsum([0, *(len(each.dates) for each in some)])
        return cls(
            dates=pl.concat([each.dates for each in some]),
            start_ns=np.concatenate([each.start_ns for each in some]),
            day=np.concatenate([each.day + before for each, before in zip(some, days[:-1], strict=True)]),
            of_the_day=np.concatenate([each.of_the_day for each in some]),
        )

    @classmethod
    def _between(cls, start_ns: int, end_ns: int, timezone: str) -> "Quarters":
        """Those of the days that something from ``start_ns`` to ``end_ns`` has a part in."""
        first = (start_ns - LONGEST_DAY_NS) // QUARTER_NS * QUARTER_NS
        every = np.arange(first, end_ns + LONGEST_DAY_NS, QUARTER_NS, dtype=np.int64)
        local = times(every, timezone)
        dates = local.dt.date()
        ends = times(np.array([start_ns, max(start_ns, end_ns - 1)], dtype=np.int64), timezone).dt.date()
        inside = ((dates >= ends[0]) & (dates <= ends[1])).to_numpy()
        local, dates = local.filter(pl.Series(inside)), dates.filter(pl.Series(inside))
        days = dates.unique().sort()
        return cls(
            dates=days,
            start_ns=every[inside],
            day=days.search_sorted(dates, side="left").to_numpy().astype(np.int64),
            of_the_day=(local.dt.hour().cast(pl.Int64) * 4 + local.dt.minute().cast(pl.Int64) // 15).to_numpy(),
        )

    @property
    def seconds_in_day(self) -> NDArray[np.float64]:
        """How long each day is: 82,800, 86,400 or 90,000 s, float64 ``[days]``."""
        return np.asarray(np.bincount(self.day, minlength=len(self.dates)) * (QUARTER_NS / 1e9))

    @property
    def days_ns(self) -> NDArray[np.int64]:
        """Where each day begins and ends, int64 ``[days, 2]``."""
        days = np.arange(len(self.dates))
        first, last = np.searchsorted(self.day, days), np.searchsorted(self.day, days, side="right") - 1
        return np.stack([self.start_ns[first], self.start_ns[last] + QUARTER_NS], axis=1)

    def seconds(self, frame: pl.DataFrame, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How much of each quarter is covered by the chosen rows of a timeline, in s, float64 ``[quarters]``."""
        start, end = nanoseconds(frame, "start"), nanoseconds(frame, "end")
        knots = np.append(start, end[-1:])
        covered = np.concatenate([[0], np.cumsum(np.where(chosen, end - start, 0))])
        # Counted from the first row, so that float64 holds every nanosecond of three months.
        edges = np.unique(np.concatenate([self.start_ns, self.start_ns + QUARTER_NS]))
        until = np.interp(edges - knots[0], knots - knots[0], covered)
        first = np.searchsorted(edges, self.start_ns)
        return np.asarray((until[first + 1] - until[first]) / 1e9)

    def by_day(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the quarters of each day, ``[quarters]`` -> ``[days]``."""
        return np.asarray(np.bincount(self.day, weights=each, minlength=len(self.dates)), dtype=np.float64)

    def by_time_of_day(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the quarters of one day with the same time on the wall, ``[quarters]`` -> ``[days, 96]``."""
        place = self.day * QUARTERS_A_DAY + self.of_the_day
        sums = np.bincount(place, weights=each, minlength=len(self.dates) * QUARTERS_A_DAY)
        return np.asarray(sums.reshape(len(self.dates), QUARTERS_A_DAY), dtype=np.float64)
