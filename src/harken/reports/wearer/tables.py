"""The tables of the report: hours of each label by day, bouts, and their numbers as text."""

from dataclasses import dataclass, replace

import polars as pl

from harken.reports.wearer.calendar import CalendarDay, clock
from harken.reports.wearer.spells import GAP, NO_LABEL, NOT_WORN
from harken.reports.words import hours_minutes, lasting, number, whole_percent

MOST_LISTED = 1500
"""The largest number of listed bouts. If there are more, only the longest are listed, to keep the page small."""


@dataclass(frozen=True)
class HoursRow:
    """The hours of a day, or the mean over several days.

    Attributes:
        name: the name of the day.
        note: a note on the day, such as a clock change.
        hours: the hours of each label, in the order of the page.
        cells: the hours as text, followed by those not worn and not recorded.
        bar: code, start and length in per cent of the bar for each piece.
        words: the content of the bar as a sentence, for readers who cannot see it.
        without_data: a sentence about the days without data just before it; see ``CalendarDay``.
    """

    name: str
    note: str
    hours: list[float | None]
    cells: list[str]
    bar: list[tuple[int, float, float]]
    words: str
    without_data: str = ""


def hours_rows(
    days: pl.DataFrame, names: tuple[str, ...], calendar: list[CalendarDay], *, adjusted: bool = False
) -> list[HoursRow]:
    """A row for each day, from the columns of ``Timeline.daily``; with ``adjusted``, scaled to a whole day of wear."""
    by_date = {day.date: day for day in calendar}
    rows = []
    for one in days.iter_rows(named=True):
        day = by_date.get(one["date"])
        name = day.short if day else str(one["date"])
        prefix = "adjusted_hours_" if adjusted else "hours_"
        hours = [one.get(prefix + label) for label in names]
        length = one["seconds_in_day"] / 3600
        rest = (
            {}
            if adjusted
            else {NOT_WORN: one["recorded_hours"] - one["wear_hours"], GAP: length - one["recorded_hours"]}
        )
        row = _row(name, day.clocks_change if day else "", hours, names, rest, length)
        rows.append(replace(row, without_data=day.without_data if day else ""))
    return rows


@dataclass(frozen=True)
class AverageDay:
    """The mean over the days with enough wear. For a single such day, the title is the name of that day.

    Attributes:
        title: the title.
        row: the hours.
        words: a description of the days.
        days: the number of days.
    """

    title: str
    row: HoursRow
    words: str
    days: int


def average_day(
    enough: pl.DataFrame, names: tuple[str, ...], calendar: list[CalendarDay], valid_day_h: float
) -> AverageDay | None:
    """See ``AverageDay``; None without a valid day.

    Args:
        enough: the rows of the valid days.
        names: the labels, in the order of the page.
        calendar: all days.
        valid_day_h: the hours of wear of a valid day, at least.
    """
    if len(enough) == 0:
        return None
    hours: list[float | None] = [_mean(enough, f"hours_{label}") for label in names]
    recorded, worn = _mean(enough, "recorded_hours") or 0.0, _mean(enough, "wear_hours") or 0.0
    length = (_mean(enough, "seconds_in_day") or 0.0) / 3600
    rest = {NOT_WORN: recorded - worn, GAP: length - recorded}
    row = _row("On average", "", hours, names, rest, length)
    worn_long = f"worn for {valid_day_h:g} hours or more"
    if len(enough) > 1:
        return AverageDay(
            "An average day", row, f"the mean over the {len(enough)} days that were {worn_long}", len(enough)
        )
    title = next((day.words for day in calendar if day.date == enough["date"][0]), str(enough["date"][0]))
    return AverageDay(title, row, f"on the only day that was {worn_long}", 1)


def _mean(days: pl.DataFrame, column: str) -> float | None:
    value = days[column].mean() if column in days.columns else None
    return float(value) if isinstance(value, int | float) else None


def _row(
    name: str, note: str, hours: list[float | None], names: tuple[str, ...], rest: dict[int, float], length: float
) -> HoursRow:
    pieces = [(code, value or 0.0) for code, value in enumerate(hours)]
    pieces += [(code, max(value, 0.0)) for code, value in rest.items()]
    if rest:
        labelled_h = sum(value for _, value in pieces)
        pieces.insert(len(hours), (NO_LABEL, max(length - labelled_h, 0.0)))
    bar, begin = [], 0.0
    for code, value in pieces:
        wide = 100 * value / max(length, 1e-9)
        if wide > 0.005:
            bar.append((code, round(begin, 3), round(wide, 3)))
        begin += wide
    cells = [hours_minutes(value) for value in hours]
    cells += [hours_minutes(max(rest[code], 0.0)) for code in (NOT_WORN, GAP) if code in rest]
    words = ", ".join(f"{label} {cell}" for label, cell in zip(names, cells, strict=False))
    return HoursRow(name, note, hours, cells, bar, words)


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
    """One bout, as text and, for the filter, as numbers."""

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
    """The number of bouts of each label that has any, with the median and the longest duration."""
    summaries = []
    for code, label in enumerate(names):
        of_label = bouts.filter(pl.col("label") == label)
        if len(of_label) == 0:
            continue
        longest = of_label.row(_longest(of_label), named=True)
        start = _ns(longest["start"])
        median = of_label["seconds"].median()
        day = next((day.short for day in days if day.start_ns <= start < day.end_ns), "")
        summaries.append(
            BoutSummary(
                code,
                label,
                f"{len(of_label):,}",
                lasting(float(median) if isinstance(median, int | float) else 0.0),
                lasting(longest["seconds"]),
                f"{day}, {clock(start, timezone)}",
            )
        )
    return summaries


def bouts_by_day(
    bouts: pl.DataFrame, names: tuple[str, ...], days: list[CalendarDay], timezone: str
) -> tuple[list[DayOfBouts], str]:
    """The listed bouts of each day, and a sentence about those that are not listed."""
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
            whole_percent(one["mean_probability"]),
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
