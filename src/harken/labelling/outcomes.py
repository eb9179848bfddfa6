"""The outcomes of one labelled recording as tables: bouts, days, hours, segments, averages, nights and rhythm."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from harken.labelling.settings import LabelSettings
from harken.outcomes import with_intensity
from harken.outcomes.diary import read_diary
from harken.outcomes.nights import nights
from harken.outcomes.rhythm import day_rhythm, rhythm
from harken.outcomes.segments import segment_stretches
from harken.outcomes.steps import day_cadence, with_bout_steps
from harken.outcomes.tables import averages, day_columns, hours, over_stretches, with_valid_day
from harken.support.printable import printable
from harken.support.tables import write_csv, write_parquet, zone_of
from harken.timelines import Timeline

if TYPE_CHECKING:
    from harken.reports.wearer import WearerTables

OUTCOMES = (
    "bouts.csv",
    "days.csv",
    "hours.csv",
    "segments.csv",
    "averages.csv",
    "nights.csv",
    "rhythm.csv",
    "movement.parquet",
)
"""The files of ``Outcomes.write``, each named after the attribute with its table."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The tables of a labelled recording. The columns are described in ``docs/intensity.md``,
    ``docs/nights.md`` and ``docs/timeline.md``.

    Attributes:
        timeline: the labels.
        movement: how much the wearer moved, the angle of the watch, and steps, in rows of five seconds; None without
            acceleration. See ``harken.outcomes.MovementRows.frame`` and ``harken.outcomes.steps.with_steps``.
        nights: the sleep period of each night, by movement; None without acceleration. See
            ``harken.outcomes.nights.nights``.
        settings: the settings of labelling.
    """

    timeline: Timeline
    movement: pl.DataFrame | None
    nights: pl.DataFrame | None
    settings: LabelSettings

    @cached_property
    def days(self) -> pl.DataFrame:
        """One row per calendar day with samples: ``Timeline.daily``, ``valid_day``, intensity, steps and rhythm."""
        days = self.timeline.daily()
        days = with_valid_day(days, days, self.settings.valid_day_h)
        if self._intensity is None:
            return days
        for others in (
            day_columns(self._intensity, timezone=self._timezone),
            day_cadence(self._intensity),
            day_rhythm(self._intensity, _valid(days)),
        ):
            days = days.join(others, on="date", how="left", maintain_order="left")
        return days

    @cached_property
    def bouts(self) -> pl.DataFrame:
        """One row per bout: ``Timeline.bouts``, and the steps of each bout on foot."""
        return with_bout_steps(self.timeline.bouts(), self.movement)

    @cached_property
    def hours(self) -> pl.DataFrame:
        """One row per hour of the wearer's clock with samples. See ``harken.outcomes.tables.hours``."""
        timeline = self.timeline
        found = hours(timeline.frame, timeline.names, self._intensity, timezone=self._timezone)
        return with_valid_day(found, self.days, self.settings.valid_day_h)

    @cached_property
    def segments(self) -> pl.DataFrame | None:
        """One row per named segment and day with samples; None without segments in the settings."""
        if not self.settings.segments:
            return None
        timeline = self.timeline
        stretches = segment_stretches(
            self.settings.segments, self.days["date"], subject=timeline.subject, timezone=self._timezone
        )
        found = over_stretches(timeline.frame, timeline.names, self._intensity, stretches)
        return with_valid_day(found, self.days, self.settings.valid_day_h)

    @cached_property
    def averages(self) -> pl.DataFrame:
        """Means over valid days, weekdays and weekends. See ``harken.outcomes.tables.averages``."""
        return averages(self.days)

    @cached_property
    def rhythm(self) -> pl.DataFrame | None:
        """One row with the rhythm of the valid days; None without acceleration. See ``harken.outcomes.rhythm``."""
        return None if self.movement is None else rhythm(self.movement, _valid(self.days))

    @property
    def reported(self) -> "WearerTables":
        """The tables that the report shows."""
        from harken.reports.wearer import WearerTables

        return WearerTables(
            bouts=self.bouts,
            days=self.days,
            nights=self.nights,
            rhythm=self.rhythm,
            valid_day_h=self.settings.valid_day_h,
            cut_points=None if self.movement is None else self.settings.cut_points,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the meaning of the outcomes."""
        settings, found = self.settings, []
        if settings.hand == "dominant" and self.movement is not None and settings.cut_points.published:
            found.append(
                f"the cut-points {settings.cut_points.name} are for the wrist that is not dominant, but the watch was "
                "worn on the dominant one, which moves more"
            )
        if settings.diary is not None and self.nights is not None and (self.nights["source"] == "movement").all():
            known = ", ".join(read_diary(settings.diary).nights) or "nobody"
            found.append(
                printable(
                    f"the diary {settings.diary} has no night of this recording of {self.timeline.subject}; it has "
                    f"nights of {known}"
                )
            )
        if self.segments is not None and len(self.segments) == 0:
            found.append(f"no segment lies in this recording of {printable(self.timeline.subject)}")
        return tuple(found)

    def write(self, folder: Path) -> None:
        """Write the tables to a folder; those that are None have no file."""
        for path in map(folder.joinpath, OUTCOMES):
            table: pl.DataFrame | None = getattr(self, path.stem)
            if table is not None:
                (write_parquet if path.suffix == ".parquet" else write_csv)(table, path)

    @property
    def _timezone(self) -> str:
        return zone_of(self.timeline.frame["start"])

    @cached_property
    def _intensity(self) -> pl.DataFrame | None:
        return None if self.movement is None else with_intensity(self.movement, self.settings.cut_points)


def nights_of(movement: pl.DataFrame, subject: str, settings: LabelSettings) -> pl.DataFrame:
    """The nights of a recording, with its subject's nights in the diary if the settings name one.

    Raises:
        HarkenError: when the diary is broken.
    """
    diary_ns = {}
    if settings.diary is not None:
        diary_ns = read_diary(settings.diary).nights_ns(subject, zone_of(movement["start"]))
    return nights(movement, threshold=settings.night_threshold, diary_ns=diary_ns, diary_use=settings.diary_use)


def _valid(days: pl.DataFrame) -> list[date]:
    return days.filter("valid_day")["date"].to_list()
