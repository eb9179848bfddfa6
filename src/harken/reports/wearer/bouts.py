"""Bouts: of each label how many and how long, and one by one."""

from dataclasses import dataclass

import polars as pl

from harken.reports.wearer.amounts import lasting, number
from harken.reports.wearer.calendar import CalendarDay, clock
from harken.support.printable import percent_number

__all__ = ["MOST_LISTED", "BoutRow", "BoutSummary", "DayOfBouts", "bout_summaries", "bouts_by_day"]

MOST_LISTED = 1500
"""Where there are more bouts, the longest of them are listed: what nobody reads need not be carried along."""


@dataclass(frozen=True)
class BoutSummary:
    """All bouts of one label."""

    code: int
    label: str
    many: str
    median: str
    longest: str
    when: str


@dataclass(frozen=True)
class BoutRow:
    """One bout, as words and, for the filter, as numbers."""

    code: int
    label: str
    seconds: float
    from_ms: int
    to_ms: int
    start: str
    end: str
    lasting: str
    probability: str
    activity: str


@dataclass(frozen=True)
class DayOfBouts:
    """The listed bouts that begin on a day."""

    day: CalendarDay
    rows: list[BoutRow]


def bout_summaries(
    bouts: pl.DataFrame, names: tuple[str, ...], days: list[CalendarDay], timezone: str
) -> list[BoutSummary]:
    """Of each label that has bouts how many, how long the middle one is, and the longest."""
    summaries = []
    for code, label in enumerate(names):
        mine = bouts.filter(pl.col("label") == label)
        if len(mine) == 0:
            continue
        longest = mine.row(_longest(mine), named=True)
        start = _ns(longest["start"])
        median = mine["seconds"].median()
        day = next((day.short for day in days if day.start_ns <= start < day.end_ns), "")
        summaries.append(
            BoutSummary(
                code,
                label,
                f"{len(mine):,}",
                lasting(float(median) if isinstance(median, int | float) else 0.0),
                lasting(longest["seconds"]),
                f"{day}, {clock(start, timezone)}",
            )
        )
    return summaries


def bouts_by_day(
    bouts: pl.DataFrame, names: tuple[str, ...], days: list[CalendarDay], timezone: str
) -> tuple[list[DayOfBouts], str]:
    """The bouts a day, and what is not listed, in a sentence."""
    listed, left_out = bouts, ""
    if len(bouts) > MOST_LISTED:
        least = float(bouts["seconds"].top_k(MOST_LISTED).min())  # type: ignore[arg-type]
        listed = bouts.filter(pl.col("seconds") > least)
        left_out = (
            f"Of {len(bouts):,} bouts the {len(listed):,} that last longer than {lasting(least)} are listed; bouts.csv "
            "has all."
        )
    start, end = (listed[name].dt.epoch("ns").to_list() for name in ("start", "end"))
    codes = {label: code for code, label in enumerate(names)}
    rows = [
        BoutRow(
            codes.get(one["label"], -1),
            one["label"],
            one["seconds"],
            from_ns // 10**6,
            to_ns // 10**6,
            clock(from_ns, timezone, seconds=True),
            clock(to_ns, timezone, seconds=True),
            lasting(one["seconds"]),
            _probability(one["mean_probability"]),
            number(one["activity_mg"], digits=2),
        )
        for one, from_ns, to_ns in zip(listed.iter_rows(named=True), start, end, strict=True)
    ]
    of_day = [DayOfBouts(day, []) for day in days]
    for row, moment in zip(rows, start, strict=True):
        next(one for one in of_day if moment < one.day.end_ns).rows.append(row)
    return [one for one in of_day if one.rows], left_out


def _longest(bouts: pl.DataFrame) -> int:
    row = bouts["seconds"].arg_max()
    return 0 if row is None else row


def _ns(moment: object) -> int:
    return int(pl.Series([moment]).dt.epoch("ns")[0])


def _probability(value: float | None) -> str:
    return "–" if value is None else f"{percent_number(value, decimals=0)}%"
