"""The tables of outcomes that a report shows, and the key figures of an average day."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from harken.outcomes.intensity import CutPoints
from harken.outcomes.tables import ENOUGH_WEAR_H, averages, with_valid_day
from harken.reports.wearer.nights import Nights
from harken.reports.words import hours_minutes
from harken.timelines import Timeline


@dataclass(frozen=True, eq=False, kw_only=True)
class WearerTables:
    """The tables of a recording, as ``harken label`` writes them; see ``docs/dictionary.md`` for their columns.

    Attributes:
        bouts: the content of ``bouts.csv``.
        days: the content of ``days.csv``. Columns of intensity and steps may be missing.
        nights: the content of ``nights.csv``; None without acceleration.
        rhythm: the content of ``rhythm.csv``, likewise.
        valid_day_h: the hours of wear of a valid day, at least.
        cut_points: the limits between levels of intensity; None if ``days`` has no minutes of levels.
    """

    bouts: pl.DataFrame
    days: pl.DataFrame
    nights: pl.DataFrame | None = None
    rhythm: pl.DataFrame | None = None
    valid_day_h: float = ENOUGH_WEAR_H
    cut_points: CutPoints | None = None

    @classmethod
    def of(cls, timeline: Timeline) -> "WearerTables":
        """What is known from the labels alone."""
        days = timeline.daily()
        return cls(bouts=timeline.bouts(), days=with_valid_day(days, days, ENOUGH_WEAR_H))

    @property
    def valid_days(self) -> pl.DataFrame:
        """The rows of ``days`` that are valid."""
        return self.days.filter("valid_day")

    @cached_property
    def averages(self) -> pl.DataFrame:
        """The content of ``averages.csv``. See ``harken.outcomes.tables.averages``."""
        return averages(self.days)


@dataclass(frozen=True)
class KeyFigure:
    """A number of the average day: ``value`` in large letters, its ``name``, and a ``note``."""

    value: str
    name: str
    note: str


def key_figures(tables: WearerTables, nights: Nights | None) -> list[KeyFigure]:
    """The sleep period, steps, and moderate and vigorous minutes of an average day, as far as they are known."""
    found = []
    if nights is not None and (mean := nights.mean) is not None:
        found.append(KeyFigure(mean.duration, "sleep period", f"{mean.onset} to {mean.wake}"))
    week = tables.averages.row(0, named=True)
    if week.get("steps") is not None:
        found.append(KeyFigure(f"{week['steps']:,.0f}", "steps", ""))
    if week.get("minutes_mvpa") is not None:
        found.append(KeyFigure(hours_minutes(week["minutes_mvpa"] / 60), "moderate or vigorous", ""))
    return found
