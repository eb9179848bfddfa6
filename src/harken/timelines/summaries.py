"""Summaries of a timeline: bouts, which are the longest stretches of one label, and days of the wearer's calendar."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.support.tables import nanoseconds, times, zone_of

PROBABILITY = "probability_"
"""The prefix of the columns with the model's probability of each label."""
SMOOTHED = "smoothed_"
"""The prefix of the columns with the probability of each label given all rows."""
UNSURE = "unsure"
"""The label of rows with too small a probability."""


def matrix(frame: pl.DataFrame, prefix: str, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """The columns ``prefixLABEL`` as float32 ``[n, labels]``; NaN where they are null."""
    return frame.select(pl.col(prefix + label).fill_null(float("nan")) for label in labels).to_numpy()


BRIDGED_GAP_S = 60.0
"""The longest time without a label that is bridged within a bout."""

WALKING = "walking"
NS_PER_MINUTE = 60 * 10**9
QUARTER_NS = 900 * 10**9
QUARTERS_A_DAY = 96
LONGEST_DAY_NS = 28 * 3600 * 10**9
LONG_GAP_NS = 3 * LONGEST_DAY_NS
"""A longer gap holds whole days, and their quarters are left out. After a reset of the clock, a gap can be decades."""


def bouts(frame: pl.DataFrame, labels: tuple[str, ...], bridged_gap_s: float = BRIDGED_GAP_S) -> pl.DataFrame:
    """The bouts in a timeline's rows; see ``Timeline.bouts``.

    Raises:
        HarkenError: when ``bridged_gap_s`` is negative or not a number.
    """
    if not bridged_gap_s >= 0:
        raise HarkenError(f"bridged_gap_s must be 0 or more, got {bridged_gap_s:g}")
    rows = frame.select("start", "end", "label", "activity_mg", row=pl.int_range(pl.len()))
    labelled = rows.filter(pl.col("label").is_not_null())
    same_label = (labelled["label"] == labelled["label"].shift(1)).fill_null(False).to_numpy()
    joined = follows(frame, labelled, bridged_gap_s) & same_label
    seconds = (nanoseconds(labelled, "end") - nanoseconds(labelled, "start")) / 1e9
    moving = labelled["activity_mg"].is_not_null().to_numpy()
    each = labelled.select(
        "start",
        "end",
        "label",
        bout=pl.Series(np.cumsum(~joined)),
        weight=pl.Series(seconds),
        probability=pl.Series(_of_label(frame, labelled, labels)),
        moving=pl.Series(np.where(moving, seconds, 0.0)),
        activity=pl.col("activity_mg").fill_null(0.0).cast(pl.Float64),
    )
    activity = (pl.col("activity") * pl.col("moving")).sum() / pl.col("moving").sum()
    found = each.group_by("bout", maintain_order=True).agg(
        pl.col("start", "label").first(),
        pl.col("end").last(),
        mean_probability=(pl.col("probability") * pl.col("weight")).sum() / pl.col("weight").sum(),
        activity_mg=pl.when(pl.col("moving").sum() > 0).then(activity).cast(pl.Float32),
    )
    lasting = pl.Series("seconds", (nanoseconds(found, "end") - nanoseconds(found, "start")) / 1e9)
    return found.select("start", "end", "label", lasting, "mean_probability", "activity_mg")


def follows(frame: pl.DataFrame, labelled: pl.DataFrame, bridged_gap_s: float) -> NDArray[np.bool_]:
    """Whether each row of ``labelled`` continues the previous one, bool ``[labelled]``.

    It does when at most ``bridged_gap_s`` lie between the two, and the watch was not taken off in between.

    Args:
        frame: the rows of a timeline.
        labelled: some of these rows, in order, with their number in ``frame`` as ``row``.
        bridged_gap_s: the longest time without a label that is bridged.
    """
    if len(labelled) == 0:
        return np.zeros(0, dtype=bool)
    start, end = nanoseconds(labelled, "start"), nanoseconds(labelled, "end")
    removals = np.cumsum(frame["wear"].fill_null(True).not_().to_numpy())[labelled["row"].to_numpy()]
    near = (start[1:] - end[:-1] <= bridged_gap_s * 1e9) & (np.diff(removals) == 0)
    return np.concatenate([[False], near])


def _of_label(frame: pl.DataFrame, labelled: pl.DataFrame, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The probability of each ``labelled`` row's label; where it is ``unsure``, of the most probable label."""
    rows, label = labelled["row"].to_numpy(), labelled["label"]
    own = np.zeros(len(labelled), dtype=np.float32)
    for name in labels:  # one at a time, because all together need as much memory as the timeline
        probable = frame[PROBABILITY + name].fill_null(float("nan")).to_numpy()[rows]
        of_name = (label == name).to_numpy()
        own[of_name] = probable[of_name]
    unsure = ~label.is_in(labels).to_numpy()
    if unsure.any():
        own[unsure] = matrix(frame[rows[unsure]], PROBABILITY, labels).max(axis=1)
    return own.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Quarters:
    """The quarters of an hour of the days of a timeline.

    A quarter is a quarter of an hour of elapsed time. The clocks of all zones differ from UTC by whole quarters and
    change at their edges. A day therefore has 96 quarters, 92 where clocks go forward, and 100 where they go back (98
    where they go back by half an hour). (Two zones changed at a minute past midnight until 2011; there, that quarter
    belongs to one day.)

    They begin at the first day's midnight and end at the midnight after the last day. Those in long gaps are left out.

    Attributes:
        dates: the days, in order, ``[days]``.
        start_ns: where each quarter begins, int64 ``[quarters]``.
        day: which of ``dates`` it belongs to, int64 ``[quarters]``.
        of_the_day: the number of the quarter by local time, 0 to 95, int64 ``[quarters]``. An hour that occurs twice in
            a day has the same numbers twice.
    """

    dates: pl.Series
    start_ns: NDArray[np.int64]
    day: NDArray[np.int64]
    of_the_day: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pl.DataFrame, timezone: str) -> "Quarters":
        """The quarters of the days of a timeline's rows."""
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
        """The quarters of the days that overlap the time from ``start_ns`` to ``end_ns``."""
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
        # Counted from the first row, so that float64 is exact to the nanosecond for three months.
        edges = np.unique(np.concatenate([self.start_ns, self.start_ns + QUARTER_NS]))
        until = np.interp(edges - knots[0], knots - knots[0], covered)
        first = np.searchsorted(edges, self.start_ns)
        return np.asarray((until[first + 1] - until[first]) / 1e9)

    def by_day(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the quarters of each day, ``[quarters]`` -> ``[days]``."""
        return np.asarray(np.bincount(self.day, weights=each, minlength=len(self.dates)), dtype=np.float64)

    def by_time_of_day(self, each: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the quarters of one day with the same local time, ``[quarters]`` -> ``[days, 96]``."""
        place = self.day * QUARTERS_A_DAY + self.of_the_day
        sums = np.bincount(place, weights=each, minlength=len(self.dates) * QUARTERS_A_DAY)
        return np.asarray(sums.reshape(len(self.dates), QUARTERS_A_DAY), dtype=np.float64)


def daily(frame: pl.DataFrame, labels: tuple[str, ...], names: Sequence[str]) -> pl.DataFrame:
    """One row a calendar day on which a timeline's rows have samples; see ``Timeline.daily``.

    Args:
        frame: the rows.
        labels: the recogniser's labels.
        names: the labels with columns for hours: ``labels``, and ``unsure`` if there is a limit.
    """
    zone = zone_of(frame["start"])
    quarters = Quarters.of(frame, zone)
    label = frame["label"]
    each = np.stack([quarters.seconds(frame, (label == name).fill_null(False).to_numpy()) for name in names])
    adjusted = adjusted_seconds(quarters, each)
    recorded, worn = (frame[name].fill_null(False).to_numpy() for name in ("recorded", "wear"))
    columns: dict[str, NDArray[np.float64] | NDArray[np.int64] | pl.Series] = {
        "date": quarters.dates,
        "seconds_in_day": quarters.seconds_in_day,
        "recorded_hours": quarters.by_day(quarters.seconds(frame, recorded)) / 3600,
        "wear_hours": quarters.by_day(quarters.seconds(frame, recorded & worn)) / 3600,
    }
    columns |= {f"hours_{name}": quarters.by_day(each[code]) / 3600 for code, name in enumerate(names)}
    columns |= {
        f"adjusted_hours_{name}": pl.Series(adjusted[code] / 3600, nan_to_null=True) for code, name in enumerate(names)
    }
    longest = _longest_bout_minutes(frame, labels, names, quarters.days_ns)
    columns |= {f"longest_bout_minutes_{name}": longest[code] for code, name in enumerate(names)}
    columns["transitions"] = _transitions(frame, labels, quarters.days_ns)
    first, last = _first_and_last(frame, (label == WALKING).fill_null(False).to_numpy(), quarters.days_ns, zone)
    days = pl.DataFrame(columns | {"first_walking": first, "last_walking": last})
    return days.filter(pl.col("recorded_hours") > 0)


def adjusted_seconds(quarters: Quarters, each: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of each label and day, adjusted for time without a label, float64 ``[labels, days]``.

    The missing part of a quarter of an hour is divided among the labels in the proportions of the same quarter, by
    local time, on all other days together. The result is NaN for a day with an incomplete quarter that has no label on
    any other day. It follows A. Doherty and others, "Large scale population assessment of physical activity using wrist
    worn accelerometers: the UK Biobank study", PLoS ONE 12(2), 2017, who fill minutes with the mean of the same minute
    on other days.

    Args:
        quarters: the quarters of all days.
        each: seconds of each label in each quarter, ``[labels, quarters]``.
    """
    missing = np.maximum(quarters.by_time_of_day(QUARTER_NS / 1e9 - each.sum(axis=0)), 0)
    missing[missing < 1e-6] = 0
    spent = np.stack([quarters.by_time_of_day(one) for one in each])
    elsewhere = spent.sum(axis=1, keepdims=True) - spent
    total = elsewhere.sum(axis=0)
    # Because of rounding, the difference may not be exactly 0.
    share = np.where(total > 1e-6, elsewhere / np.maximum(total, 1e-6), np.nan)
    filled = np.where(missing > 0, missing * share, 0)
    return np.asarray(spent.sum(axis=2) + filled.sum(axis=2))


def _longest_bout_minutes(
    frame: pl.DataFrame, labels: tuple[str, ...], names: Sequence[str], days_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``[names, days]``; of a bout over midnight, each day has the part that lies in it."""
    found = bouts(frame, labels, BRIDGED_GAP_S)
    start, end = nanoseconds(found, "start"), nanoseconds(found, "end")
    codes = np.array([names.index(name) for name in found["label"]], dtype=np.int64)
    first, last = _day(start, days_ns), _day(end - 1, days_ns)
    bout = np.repeat(np.arange(len(found)), last - first + 1)
    day = first[bout] + np.arange(len(bout)) - np.searchsorted(bout, bout)
    part = np.minimum(end[bout], days_ns[day, 1]) - np.maximum(start[bout], days_ns[day, 0])
    longest = np.zeros((len(names), len(days_ns)))
    np.maximum.at(longest, (codes[bout], day), part / NS_PER_MINUTE)
    return longest


def _transitions(frame: pl.DataFrame, labels: tuple[str, ...], days_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of changes from one label to another, ``[days]``; ``unsure`` is treated as a gap."""
    rows = frame.select("start", "end", "label", row=pl.int_range(pl.len()))
    labelled = rows.filter(pl.col("label").is_in(labels))
    other = (labelled["label"] != labelled["label"].shift(1)).fill_null(False).to_numpy()
    changes = nanoseconds(labelled, "start")[follows(frame, labelled, BRIDGED_GAP_S) & other]
    return np.bincount(_day(changes, days_ns), minlength=len(days_ns))


def _first_and_last(
    frame: pl.DataFrame, chosen: NDArray[np.bool_], days_ns: NDArray[np.int64], zone: str
) -> tuple[pl.Series, pl.Series]:
    """The start of the first and the end of the last chosen row of each day; null for a day without one."""
    start, end = nanoseconds(frame, "start")[chosen], nanoseconds(frame, "end")[chosen]
    begins, ends = days_ns.T
    if len(start) == 0:
        none = times(begins, zone).clear(len(begins))
        return none, none
    after = np.minimum(np.searchsorted(end, begins, side="right"), len(start) - 1)
    before = np.maximum(np.searchsorted(start, ends, side="left") - 1, 0)
    first = np.clip(start[after], begins, None)
    last = np.clip(end[before], None, ends)
    some = pl.Series((end[after] > begins) & (first < ends))
    return tuple(
        pl.select(pl.when(some).then(times(moments, zone))).to_series()  # type: ignore[return-value]
        for moments in (first, last)
    )


def _day(moments_ns: NDArray[np.int64], days_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.searchsorted(days_ns[:, 0], moments_ns, side="right") - 1)
