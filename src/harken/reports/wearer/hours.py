"""Hours a day of each label: a table, a bar for each day, and the day that they are on average."""

from dataclasses import dataclass, replace

import polars as pl

from harken.reports.wearer.amounts import hours_minutes
from harken.reports.wearer.calendar import CalendarDay
from harken.reports.wearer.spells import GAP, NOT_WORN, NOTHING_SAID

__all__ = ["ENOUGH_WEAR_H", "AverageDay", "HoursRow", "average_day", "hours_rows"]

ENOUGH_WEAR_H = 16.0
"""Days that were worn for so long are what an average day is made of, as is usual in studies of physical activity."""


@dataclass(frozen=True)
class HoursRow:
    """A day, or several on average.

    Attributes:
        name: of the day.
        note: what must be said of it, such as that clocks changed.
        hours: of each label, in the order of the page.
        cells: the same as words; not worn and not recorded follow.
        bar: code, begin and length in per cent of the bar for each piece.
        words: all of it in a sentence, for who does not see the bar.
        without_data: of the days just before it that have none; see ``CalendarDay``.
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
    """A row a day, from the columns of ``Timeline.daily``; ``adjusted``: as if it had been worn throughout."""
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
    """The mean over the days that were worn long enough; of one such day it has the name.

    Attributes:
        title: what it is called.
        row: its hours.
        words: which days it is of.
        days: how many these are.
    """

    title: str
    row: HoursRow
    words: str
    days: int


def average_day(days: pl.DataFrame, names: tuple[str, ...], calendar: list[CalendarDay]) -> AverageDay | None:
    """See ``AverageDay``; None where no day was worn long enough."""
    enough = days.filter(pl.col("wear_hours") >= ENOUGH_WEAR_H)
    if len(enough) == 0:
        return None
    hours: list[float | None] = [_mean(enough, f"hours_{label}") for label in names]
    recorded, worn = _mean(enough, "recorded_hours") or 0.0, _mean(enough, "wear_hours") or 0.0
    length = (_mean(enough, "seconds_in_day") or 0.0) / 3600
    rest = {NOT_WORN: recorded - worn, GAP: length - recorded}
    row = _row("On average", "", hours, names, rest, length)
    worn_long = f"worn for {ENOUGH_WEAR_H:g} hours or more"
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
        said = sum(value for _, value in pieces)
        pieces.insert(len(hours), (NOTHING_SAID, max(length - said, 0.0)))
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
