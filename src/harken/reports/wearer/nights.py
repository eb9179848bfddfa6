"""The nights of the report: one bar per night from onset to wake by the wearer's clock, and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from harken.reports.wearer.calendar import short_date
from harken.reports.words import hours_minutes, number
from harken.support.printable import percent_number

COLUMNS = ("onset", "wake", "duration", "inactive", "awake", "awakenings", "efficiency")
"""The columns of the table, in the order of ``NightRow.cells``."""
MARGIN = 0.14
"""The share of the picture on each side of the bars, in which the times of onset and wake stand."""
MOST_MARKS = 9
STEPS_H = (1, 2, 3, 6)
LEAST_NOTED_MIN = 1.0
LEAST_WORN_H = 3.0
"""With less between all noons, it is no surprise that no night was found."""


@dataclass(frozen=True)
class NightRow:
    """A night, or the mean of the complete ones.

    Attributes:
        name: the day on whose evening the night begins.
        notes: what is unusual, in a few words each.
        cells: the values as text, see ``COLUMNS``; dashes if no night was found.
        bar: the beginning and the length of the bar in per cent of the picture; None if no night was found.
        complete: whether the night is complete.
    """

    name: str
    notes: list[str]
    cells: list[str]
    bar: tuple[float, float] | None
    complete: bool

    @property
    def onset(self) -> str:
        return self.cells[0]

    @property
    def wake(self) -> str:
        return self.cells[1]

    @property
    def duration(self) -> str:
        return self.cells[2]


@dataclass(frozen=True)
class Nights:
    """The nights of a recording.

    Attributes:
        rows: the nights, in order.
        mean: the mean of the complete nights; None if there are fewer than two.
        complete: the number of complete nights.
        marks: the position of each named hour in per cent of the picture, and its name.
        spans_ns: onset and wake of each night that was found, ns since 1970 (UTC).
    """

    rows: list[NightRow]
    mean: NightRow | None
    complete: int
    marks: list[tuple[float, str]]
    spans_ns: list[tuple[int, int]]

    @property
    def of_nights(self) -> str:
        """Which nights the mean is of."""
        return f"the mean of {self.complete} complete nights"


def nights_shown(table: pl.DataFrame | None) -> Nights | None:
    """The nights of a table of ``harken.outcomes.nights``; None if it has none, and the recording is too short for one.

    Means are those of the complete nights. The mean onset and wake are means of times after the midnight with which the
    date begins, so that 23:30 and 00:30 give midnight.
    """
    if table is None or len(table) == 0:
        return None
    if table["onset"].null_count() == len(table) and (table["window_wear_hours"] < LEAST_WORN_H).all():
        return None
    found = [_values(night) for night in table.iter_rows(named=True)]
    clocked = [(night["onset_h"], night["wake_h"]) for night in found if night["onset_h"] is not None]
    first_h, last_h, marks = _axis(clocked)

    def row(name: str, notes: list[str], night: dict[str, Any], *, complete: bool) -> NightRow:
        onset_h, wake_h = night["onset_h"], night["wake_h"]
        wide = 100 / (last_h - first_h)
        bar = None if onset_h is None else (round(wide * (onset_h - first_h), 3), round(wide * (wake_h - onset_h), 3))
        return NightRow(name, notes, _cells(night), bar, complete)

    rows = [row(short_date(night["date"]), _notes(night), night, complete=night["complete"]) for night in found]
    complete = [night for night in found if night["complete"]]
    mean = None
    if len(complete) > 1:
        numbers = [name for name, value in complete[0].items() if isinstance(value, float | int)]
        means = {name: sum(night[name] for night in complete) / len(complete) for name in numbers}
        mean = row("On average", [], means, complete=True)
    spans = table.drop_nulls("onset").select(pl.col("onset", "wake").dt.epoch("ns"))
    return Nights(rows, mean, len(complete), marks, spans.rows())


def _values(night: dict[str, Any]) -> dict[str, Any]:
    """A night with ``onset_h`` and ``wake_h``: hours by the clock after the midnight at the beginning of its date."""

    def hours(moment: datetime | None) -> float | None:
        if moment is None:
            return None
        clock_h = moment.hour + moment.minute / 60 + moment.second / 3600
        return float(24 * (moment.date() - night["date"]).days + clock_h)

    return night | {"onset_h": hours(night["onset"]), "wake_h": hours(night["wake"])}


def _axis(clocked: Sequence[tuple[float, float]]) -> tuple[float, float, list[tuple[float, str]]]:
    """The first and the last hour of the picture, and the position in per cent and the name of full hours."""
    low, high = (min(pair[0] for pair in clocked), max(pair[1] for pair in clocked)) if clocked else (22.0, 31.0)
    room = MARGIN / (1 - 2 * MARGIN) * (high - low)
    first, last = low - room, high + room
    step = next((step for step in STEPS_H if (last - first) / step <= MOST_MARKS), STEPS_H[-1])
    begin = int(-(-first // step)) * step
    hours = range(begin, int(last) + 1, step)
    return first, last, [(round(100 * (hour - first) / (last - first), 3), f"{hour % 24:02d}") for hour in hours]


def _cells(night: dict[str, Any]) -> list[str]:
    if night["onset_h"] is None:
        return ["–"] * len(COLUMNS)
    efficiency = night["efficiency"]
    return [
        _clock(night["onset_h"]),
        _clock(night["wake_h"]),
        hours_minutes(night["duration_hours"]),
        hours_minutes(night["inactive_minutes"] / 60),
        hours_minutes(night["wake_minutes"] / 60),
        number(night["awakenings"], digits=2),
        "–" if efficiency is None else f"{percent_number(efficiency, decimals=0)}%",
    ]


def _notes(night: dict[str, Any]) -> list[str]:
    if night["onset_h"] is None:
        return [f"no night found; worn {hours_minutes(night['window_wear_hours'])} from noon to noon"]
    notes = []
    if not night["complete"]:
        notes.append("not complete")
    if night["source"] != "movement":
        notes.append("by the diary")
    for column, words in (("non_wear_minutes", "not worn"), ("gap_minutes", "not recorded")):
        if night[column] >= LEAST_NOTED_MIN:
            notes.append(f"{hours_minutes(night[column] / 60)} {words}")
    by_clock_h = night["wake_h"] - night["onset_h"] - night["duration_hours"]
    if abs(by_clock_h) > 1 / 6:
        notes.append(f"clocks went {'forward' if by_clock_h > 0 else 'back'}")
    return notes


def _clock(hours: float) -> str:
    minutes = round(60 * hours)
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
