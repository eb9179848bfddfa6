"""Intensity and steps of each day: bars, and a table with averages."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from harken.outcomes.intensity import LEVELS
from harken.reports.wearer.calendar import CalendarDay
from harken.reports.wearer.outcomes import WearerTables
from harken.reports.words import hours_minutes, number

ACTIVE = LEVELS[1:]
"""The levels that a bar shows: light, moderate and vigorous."""
LONGEST_BAR = 68.0
"""The longest bar, in per cent of the picture; its number stands beside it."""
AVERAGES = {"week": "All valid days", "weekdays": "Monday to Friday", "weekend": "Saturday, Sunday"}


@dataclass(frozen=True)
class MovementRow:
    """The movement of a day, or a mean.

    Attributes:
        name: the name of the day.
        note: what is unusual, in a few words.
        active: the level, the start and the length in per cent of the picture for each piece of the bar.
        active_words: the moderate and vigorous time.
        steps: the length of the bar of steps in per cent of the picture; None if they are unknown.
        steps_words: the number of steps.
        cells: the values as text, in the order of ``Movement.columns``.
        mean: whether it is a mean.
    """

    name: str
    note: str
    active: list[tuple[str, float, float]]
    active_words: str
    steps: float | None
    steps_words: str
    cells: list[str]
    mean: bool = False

    @property
    def active_end(self) -> float:
        """Where the bar ends, in per cent of the picture."""
        return self.active[-1][1] + self.active[-1][2] if self.active else 0.0


@dataclass(frozen=True)
class Movement:
    """The movement of each day: ``columns`` has the column of the table and its heading; ``limits`` describes the
    cut-points."""

    columns: list[tuple[str, str]]
    rows: list[MovementRow]
    means: list[MovementRow]
    limits: str
    has_steps: bool


def movement_shown(tables: WearerTables, calendar: list[CalendarDay]) -> Movement | None:
    """The movement of each day; None without acceleration. Means are those of ``WearerTables.averages``."""
    days, points = tables.days, tables.cut_points
    if points is None or "minutes_light" not in days.columns or days["minutes_light"].sum() == 0:
        return None
    has_steps = days["steps"].count() > 0
    columns = _columns(has_steps=has_steps)
    active_min = days.select(pl.sum_horizontal(f"minutes_{level}" for level in ACTIVE)).to_series().to_numpy()
    most_active = max(float(active_min.max()), 1e-9)
    most_steps = max(float(days["steps"].fill_null(0.0).to_numpy().max()), 1e-9)
    by_date = {day.date: day for day in calendar}

    def row(name: str, note: str, values: dict[str, Any], *, mean: bool = False) -> MovementRow:
        active, begin = [], 0.0
        for level in ACTIVE:
            wide = LONGEST_BAR * (values[f"minutes_{level}"] or 0.0) / most_active
            active.append((level, round(begin, 3), round(wide, 3)))
            begin += wide
        steps = values["steps"]
        return MovementRow(
            name,
            note,
            active,
            hours_minutes((values["minutes_mvpa"] or 0.0) / 60),
            None if steps is None else round(LONGEST_BAR * steps / most_steps, 3),
            "–" if steps is None else f"{steps:,.0f}",
            [_cell(column, values[column]) for column, _ in columns],
            mean,
        )

    rows = []
    for values in days.iter_rows(named=True):
        day = by_date.get(values["date"])
        note = "" if values["valid_day"] else f"worn {hours_minutes(values['wear_hours'])}"
        rows.append(row(day.short if day else str(values["date"]), note, values))
    means = [
        row(AVERAGES[values["days_of"]], f"{values['valid_days']}", values, mean=True)
        for values in tables.averages.iter_rows(named=True)
        if values["valid_days"]
    ]
    light, moderate, vigorous = (f"{limit:g}" for limit in points.limits_mg)
    limits = f"light from {light} mg, moderate from {moderate} mg, vigorous from {vigorous} mg"
    limits = f"{limits} (cut-points {points.name})" if points.published else limits
    return Movement(columns, rows, means if len(tables.valid_days) > 1 else [], limits, has_steps)


def _columns(*, has_steps: bool) -> list[tuple[str, str]]:
    steps = [("steps", "steps"), ("peak_cadence_30", "peak cadence")]
    return [
        *(steps if has_steps else []),
        ("minutes_mvpa", "moderate or vigorous"),
        ("minutes_mvpa_bouts_10", "in 10-min bouts"),
        ("minutes_vigorous", "vigorous"),
        ("minutes_light", "light"),
        ("minutes_inactive", "inactive"),
        ("enmo_mg", "mean ENMO, mg"),
    ]


def _cell(column: str, value: float | None) -> str:
    if column.startswith("minutes_"):
        return hours_minutes(None if value is None else value / 60)
    if column == "steps":
        return "–" if value is None else f"{value:,.0f}"
    return number(value, digits=2)
