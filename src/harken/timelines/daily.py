"""Days by the wearer's calendar: hours of each label, as they are and as they would be had the watch been worn.

The adjustment is by time of day, quarter of an hour by quarter, after A. Doherty and others, "Large scale population
assessment of physical activity using wrist worn accelerometers: the UK Biobank study", PLoS ONE 12(2), 2017, who fill
minutes with the mean of the same minute on other days.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.timelines.bouts import BRIDGED_GAP_S, bouts, follows
from harken.timelines.quarters import QUARTER_NS, Quarters
from harken.timelines.tables import nanoseconds, times

__all__ = ["WALKING", "daily"]

WALKING = "walking"
NS_PER_MINUTE = 60 * 10**9


def daily(frame: pl.DataFrame, labels: tuple[str, ...], names: Sequence[str]) -> pl.DataFrame:
    """One row a calendar day on which a timeline's rows have samples; see ``Timeline.daily``.

    Args:
        frame: the rows.
        labels: the recogniser's.
        names: those that get hours: ``labels``, and maybe ``unsure``.
    """
    zone = str(frame.schema["start"].time_zone)  # type: ignore[attr-defined]
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
    """Seconds of each label and day, had something been said of all of it, float64 ``[labels, days]``.

    What is missing of a quarter of an hour is shared out among the labels as the same quarter by the clock was on all
    other days together. NaN for a day with a quarter of which something is missing and no other day says anything.

    Args:
        quarters: of all days.
        each: seconds of each label in each of them, ``[labels, quarters]``.
    """
    missing = np.maximum(quarters.by_time_of_day(QUARTER_NS / 1e9 - each.sum(axis=0)), 0)
    missing[missing < 1e-6] = 0
    spent = np.stack([quarters.by_time_of_day(one) for one in each])
    elsewhere = spent.sum(axis=1, keepdims=True) - spent
    total = elsewhere.sum(axis=0)
    # Subtraction may leave a trace of nothing.
    share = np.where(total > 1e-6, elsewhere / np.maximum(total, 1e-6), np.nan)
    filled = np.where(missing > 0, missing * share, 0)
    return np.asarray(spent.sum(axis=2) + filled.sum(axis=2))


def _longest_bout_minutes(
    frame: pl.DataFrame, labels: tuple[str, ...], names: Sequence[str], days_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """``[names, days]``; a bout over midnight counts in each of the days with the part that lies in it."""
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
    """How often a label gives way to another, ``[days]``; what is unsure is as a gap."""
    rows = frame.select("start", "end", "label", row=pl.int_range(pl.len()))
    told = rows.filter(pl.col("label").is_in(labels))
    other = (told["label"] != told["label"].shift(1)).fill_null(False).to_numpy()
    changes = nanoseconds(told, "start")[follows(frame, told, BRIDGED_GAP_S) & other]
    return np.bincount(_day(changes, days_ns), minlength=len(days_ns))


def _first_and_last(
    frame: pl.DataFrame, chosen: NDArray[np.bool_], days_ns: NDArray[np.int64], zone: str
) -> tuple[pl.Series, pl.Series]:
    """When the first of the chosen rows of each day begins and the last one ends; null for a day without one."""
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
