"""The tables of a labelled recording: days, hours, bouts, nights, rhythm, and their means."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from harken.outcomes import tables
from harken.outcomes.diary import read_diary
from harken.outcomes.exclusions import Exclusions, read_exclusions, with_excluded
from harken.outcomes.intensity import day_cadence, with_bout_steps, with_intensity
from harken.outcomes.movement_rows import without_spans
from harken.outcomes.nights import nights
from harken.outcomes.rhythm import day_rhythm, rhythm, sleep_regularity
from harken.outcomes.rules import Rules
from harken.outcomes.tables import day_groups
from harken.outcomes.taught import LabelledSpans, Taught
from harken.support.arrays import Int64Array
from harken.support.printable import duration_text, printable
from harken.support.tables import write_csv, write_parquet, zone_of
from harken.timelines import Timeline

OUTCOMES = (
    "bouts.csv",
    "days.csv",
    "days_all.parquet",
    "hours.csv",
    "segments.csv",
    "averages.csv",
    "nights.csv",
    "nights.parquet",
    "rhythm.csv",
    "rhythm.parquet",
    "movement.parquet",
)
"""The files of ``Outcomes.write_tables``, each named after the attribute with its table."""
LEAST_LEFT_S = 60.0


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The tables of a labelled recording. The columns are described in ``docs/dictionary.md``.

    Attributes:
        timeline: the labels.
        movement: how much the wearer moved, the angle of the watch, and steps, in rows of five seconds; None without
            acceleration. See ``harken.outcomes.movement_rows.movement_table`` and
            ``harken.outcomes.intensity.with_steps``.
        sleep: the sleep period of each night as it was found, whether or not it is excluded; None without
            acceleration. See ``harken.outcomes.nights.nights``.
        rules: the rules of the outcomes.
        taught: what the wearer taught; None if the study was not taught, or the wearer has no labels.
    """

    timeline: Timeline
    movement: pl.DataFrame | None
    sleep: pl.DataFrame | None
    rules: Rules
    taught: Taught | None = field(default=None, kw_only=True)

    @cached_property
    def nights(self) -> pl.DataFrame | None:
        """One row per night: ``sleep``, with ``excluded`` and ``caveat``."""
        if self.sleep is None:
            return None
        return tables.with_night_caveat(with_excluded(self.sleep, self.exclusions.nights, counts="complete"))

    @cached_property
    def days(self) -> pl.DataFrame:
        """One row per calendar day with samples: ``Timeline.daily``, ``valid_day``, ``excluded``, ``day_groups`` (an
        excluded night stays in the sleep period), intensity, steps, rhythm and ``caveat``."""
        days = self._counted.daily()
        days = days.with_columns(valid_day=pl.col("wear_hours").fill_null(0.0) >= self.rules.valid_day_h)
        days = with_excluded(days, self.exclusions.days, counts="valid_day")
        if self._intensity is None or self.sleep is None:
            return tables.with_day_caveat(days)
        for others in (
            day_groups(self._counted, self.sleep),
            tables.day_columns(self._intensity),
            day_cadence(self._intensity),
            day_rhythm(self._intensity, days.filter("valid_day")["date"].to_list()),
        ):
            days = days.join(others, on="date", how="left", maintain_order="left")
        return tables.with_day_caveat(days)

    @property
    def valid_days(self) -> pl.DataFrame:
        """The rows of ``days`` on which the watch was worn long enough and that are not excluded."""
        return self.days.filter("valid_day")

    @cached_property
    def exclusions(self) -> Exclusions:
        """What the rules exclude of this wearer."""
        path = self.rules.exclude
        return Exclusions() if path is None else read_exclusions(path).get(self.timeline.subject, Exclusions())

    @cached_property
    def bouts(self) -> pl.DataFrame:
        """One row per bout: ``Timeline.bouts``, and the steps of each bout on foot."""
        return with_bout_steps(self._counted.bouts(), self._counted_movement)

    @cached_property
    def hours(self) -> pl.DataFrame:
        """One row per hour of the wearer's clock with samples. An hour that occurs twice, where clocks go back, has two
        rows; one that clocks skip has none. See ``harken.outcomes.tables.over_stretches``."""
        return tables.over_stretches(self._counted, self._intensity, self._counted.quarters.hours(), self.days)

    @cached_property
    def segments(self) -> pl.DataFrame | None:
        """One row per named segment and day with samples; None without segments in the settings."""
        if not self.rules.segments:
            return None
        timeline, segments = self._counted, self.rules.segments
        stretches = tables.segment_stretches(
            segments, self.days["date"], subject=timeline.subject, timezone=timeline.timezone
        )
        return tables.over_stretches(timeline, self._intensity, stretches, self.days)

    @cached_property
    def averages(self) -> pl.DataFrame:
        """Means over valid days, weekdays and weekends. See ``harken.outcomes.tables.averages``."""
        return tables.averages(self.days)

    @cached_property
    def rhythm(self) -> pl.DataFrame | None:
        """One row with the rhythm of the valid days, and sleep regularity; None without acceleration. See
        ``harken.outcomes.rhythm``."""
        movement = self._counted_movement
        if movement is None or self.nights is None:
            return None
        of_days = rhythm(movement, self.valid_days["date"].to_list())
        return of_days.hstack(sleep_regularity(movement, self.nights, self.exclusions.days.keys()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the meaning of the outcomes."""
        rules, sentences, excluded = self.rules, [], self.exclusions
        if excluded.person:
            sentences.append(printable(f"{self.timeline.subject} is excluded: {excluded.person}"))
        if left_out := self.describe_left_out():
            sentences.append(printable(left_out))
        if rules.hand == "dominant" and self.movement is not None and rules.cut_points.published:
            sentences.append(
                f"the cut-points {rules.cut_points.name} are for the wrist that is not dominant, but the watch was "
                "worn on the dominant one, which moves more"
            )
        if rules.diary is not None and self.nights is not None and (self.nights["source"] == "movement").all():
            known = ", ".join(read_diary(rules.diary).nights) or "nobody"
            sentences.append(
                printable(
                    f"the diary {rules.diary} has no night of this recording of {self.timeline.subject}; it has "
                    f"nights of {known}"
                )
            )
        if self.segments is not None and len(self.segments) == 0:
            sentences.append(f"no segment lies in this recording of {printable(self.timeline.subject)}")
        return tuple(sentences)

    def describe_left_out(self) -> str:
        """Return which taught time is left out, as a sentence without a full stop; empty without the rule."""
        if self.taught is None or not self.rules.leave_out_taught or not self.taught.all_spans:
            return ""
        subject = self.timeline.subject
        if not self.left_out_ns:
            return f"this recording holds only what {subject} taught, so nothing of it is left out of outcomes"
        seconds = sum(end_ns - start_ns for start_ns, end_ns in self.left_out_ns) / 1e9
        return f"{duration_text(round(seconds))} that {subject} taught are left out of outcomes"

    def compute_tables(self) -> None:
        """Compute all tables now. Each is otherwise computed when it is first used."""
        for name in OUTCOMES:
            self._table_of(name)

    def write_tables(self, folder: Path) -> None:
        """Write the tables to a folder; those that are None have no file."""
        from harken.outcomes.dictionary import columns_in  # reads a file, which only writing has to wait for

        for name in OUTCOMES:
            table = self._table_of(name)
            if table is None:
                continue
            chosen = table.select(columns_in(name, table.columns))
            if name.endswith(".parquet"):
                write_parquet(chosen, folder / name)
            else:
                write_csv(chosen, folder / name)

    def _table_of(self, file_name: str) -> pl.DataFrame | None:
        """Return the table that a file holds, None where there is nothing to write."""
        attribute = file_name.split(".")[0].removesuffix("_all")
        table: pl.DataFrame | None = getattr(self, attribute)
        return table

    @cached_property
    def left_out_ns(self) -> LabelledSpans:
        """The taught time that the rules leave out of outcomes, in ns since 1970 (UTC).

        Empty if less than ``LEAST_LEFT_S`` of the recording would be left: the file then holds a routine alone.
        """
        if self.taught is None or not self.rules.leave_out_taught or not self.taught.all_spans:
            return ()
        spans = self.taught.all_spans
        rest = self.timeline.without_spans(np.array(spans))
        return spans if rest.lasting_s(rest.frame["recorded"]) >= LEAST_LEFT_S else ()

    @cached_property
    def _counted(self) -> Timeline:
        """The timeline without what is left out."""
        if not self.left_out_ns:
            return self.timeline
        return self.timeline.without_spans(np.array(self.left_out_ns))

    @cached_property
    def _counted_movement(self) -> pl.DataFrame | None:
        """The rows of movement without what is left out."""
        if self.movement is None:
            return None
        return without_spans(self.movement, self.left_out_ns)

    @cached_property
    def _intensity(self) -> pl.DataFrame | None:
        movement = self._counted_movement
        return None if movement is None else with_intensity(movement, self.rules.cut_points)


def find_nights(movement: pl.DataFrame, subject: str, rules: Rules) -> pl.DataFrame:
    """The nights of a recording, with its subject's nights in the diary if the rules name one.

    Raises:
        HarkenError: when the diary is broken.
    """
    diary_ns = nights_in_diary(subject, zone_of(movement["start"]), rules)
    return nights(movement, threshold=rules.night_threshold, diary_ns=diary_ns, diary_use=rules.diary_use)


def nights_in_diary(subject: str, timezone: str, rules: Rules) -> dict[date, Int64Array]:
    """Return onset and wake of the subject's nights in the diary of the rules, by date, see ``Diary.nights_ns``.

    Raises:
        HarkenError: when the diary is broken.
    """
    return {} if rules.diary is None else read_diary(rules.diary).nights_ns(subject, timezone)
