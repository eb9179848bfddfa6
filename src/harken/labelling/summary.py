"""From the probabilities of a recording to its tables and its report: nights, labels, steps, intensity and days.

Nothing here reads the recording or the model. ``Measured`` holds what both gave, and comes from ``label_file`` or from
a folder of results; so the rules can be changed after a study was labelled.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from harken.annotations.folders import SUMMARY
from harken.labelling.settings import rules_key
from harken.labelling.stored import LAYOUT, StoredResults, write_summary
from harken.outcomes.intensity import with_steps
from harken.outcomes.nights import still_at_night_ns
from harken.outcomes.outcomes import OUTCOMES, Outcomes, find_nights, nights_in_diary
from harken.outcomes.recording_quality import LimitKind, RecordingQuality, limits_of, write_quality
from harken.outcomes.rules import Rules
from harken.outcomes.taught import Taught
from harken.support.errors import HarkenError
from harken.support.files import appearing
from harken.support.printable import printable
from harken.support.resources import hand_back
from harken.support.tables import write_csv, write_parquet
from harken.timelines import Timeline


@dataclass(frozen=True)
class ModelFacts:
    """What the results say about their model.

    Attributes:
        labels: its labels, in the order of its probabilities.
        card: three lines: its training data, its scores on unseen people, and its weaknesses.
        limits: the known limits that its labels have.
    """

    labels: tuple[str, ...]
    card: tuple[str, str, str]
    limits: tuple[LimitKind, ...]


@dataclass(frozen=True, eq=False)
class Measured:
    """What a recording and a model give before any rule is applied. The results of labelling hold all of it.

    Attributes:
        timeline: the rows with the probabilities of the model. Their labels are not used.
        movement: how much the wearer moved, in rows of five seconds
            (``harken.outcomes.movement_rows.movement_table``); None without acceleration.
        quality: the quality of the recording, without the limits of its labels.
        model: facts about the model.
        key: the version, the digests of file and model, and the settings of reading (``label_key``).
        taught: what the wearer taught; None if nobody asked.
    """

    timeline: Timeline
    movement: pl.DataFrame | None
    quality: RecordingQuality
    model: ModelFacts
    key: Mapping[str, Any]
    taught: Taught | None = None

    @classmethod
    def read(cls, folder: Path) -> "Measured":
        """What the results in a folder hold.

        Raises:
            HarkenError: when another version of harken wrote it, or a file in it is missing or was changed.
        """
        stored = StoredResults.open(folder)
        summary, quality = stored.summary, replace(stored.read_quality(), limits=())
        try:
            model = msgspec.convert(summary["model"], ModelFacts)
        except msgspec.ValidationError as error:
            raise stored.refuse(SUMMARY, str(error)) from error
        rows = stored.read_timeline(model.labels)
        has_acceleration = rows["activity_mg"].count() > 0
        movement = stored.read_movement() if has_acceleration else None
        timeline = Timeline(rows, model.labels, quality.subject, quality.file)
        return cls(timeline, movement, quality, model, summary["labelled_by"], stored.read_taught())


RESULTS = {"timeline.parquet", "timeline.csv", *OUTCOMES, "quality.json", "report.html", SUMMARY}


@dataclass(frozen=True, eq=False)
class LabelledFile(Outcomes):
    """The result of ``harken label`` for one recording: the timeline, and the tables of outcomes such as ``days.csv``.

    Attributes:
        measured: the probabilities of the model, the movement, the quality of the recording, and the key.
    """

    measured: Measured

    @classmethod
    def of(cls, measured: Measured, rules: Rules) -> "LabelledFile":
        """Apply the rules: nights, smoothing, labels and steps. All tables follow from these.

        Raises:
            HarkenError: when the diary is broken, or the model has a label ``unsure`` and the rules a limit for it.
        """
        rows = measured.movement
        sleep = None if rows is None else find_nights(rows, measured.timeline.subject, rules)
        timeline, rows = apply_rules(measured.timeline, rows, sleep, rules)
        return cls(timeline, rows, sleep, rules, measured, taught=measured.taught)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that a person must read before the labels. See ``harken.recordings.recording.warnings_of``."""
        return (*self.quality.warnings, *(() if self.taught is None else self.taught.warnings))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on mended faults, on whether the watch was turned, and on outcomes. Warnings are not repeated."""
        mounting = self.quality.orientation
        of_mounting: tuple[str, ...] = ()
        if mounting is not None and mounting.warning is None and (mounting.changes_samples or mounting.probable):
            of_mounting = (f"the watch was {mounting.reason}",)
        of_teaching: tuple[str, ...] = ()
        if self.taught is not None and self.taught.seconds:
            of_teaching = (printable(self.taught.describe()), *self.taught.notes)
        return (*self.quality.notes, *of_mounting, *of_teaching, *super().notes)

    @cached_property
    def quality(self) -> RecordingQuality:
        """The content of ``quality.json``: the content of the file, its mended faults, its preprocessing, and the known
        limits of the model that apply to its labels."""
        known = self.measured.model.limits
        limits = limits_of(self.timeline, self.days, known, valid_day_h=self.rules.valid_day_h)
        return replace(self.measured.quality, limits=tuple(limits))

    @property
    def diary(self) -> dict[str, list[int]]:
        """Onset and wake of the wearer's nights in the diary, in ns since 1970 (UTC), by date."""
        known = nights_in_diary(self.timeline.subject, self.timeline.timezone, self.rules)
        return {day.isoformat(): night_ns.tolist() for day, night_ns in known.items()}

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of ``summary.json``: the two parts of the key, what the files of the rules say of the wearer, the
        model, the seconds of each label and of it with busy hands, and the warnings and notes."""
        timeline, quality = self.timeline, self.quality
        return {
            "layout": LAYOUT,
            "file": quality.file,
            "labelled_by": self.measured.key,
            "summarised_by": rules_key(self.rules),
            "model": {name: list(part) for name, part in vars(self.measured.model).items()},
            "taught": None if self.taught is None else asdict(self.taught),
            "subject": timeline.subject,
            "excluded": self.exclusions.person,
            "exclusions": self.exclusions.as_dict(),
            "diary": self.diary,
            "start": timeline.frame["start"][0].isoformat(timespec="milliseconds"),
            "end": timeline.frame["end"][-1].isoformat(timespec="milliseconds"),
            "timezone": quality.timezone,
            "sample_rate_hz": quality.sample_rate_hz,
            "seconds_by_label": timeline.seconds_by_label(),
            "busy_hands_s": timeline.busy_hands_s(),
            "unlabelled_s": timeline.unlabelled_s,
            "gaps_s": timeline.gaps_s,
            "wear_hours": quality.wear_hours,
            "non_wear_hours": quality.non_wear_hours,
            "orientation": quality.orientation and quality.orientation.as_dict(),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def write(self, folder: str | Path) -> None:
        """Write all results to a folder, whole or not at all.

        The files are ``timeline.parquet`` (and ``timeline.csv`` if the rules say so), those of ``write_tables``,
        ``quality.json``, ``report.html`` and ``summary.json``. They are first written to a temporary folder, which is
        then renamed and replaces older results.

        Args:
            folder: the folder to write. Its parent folder must exist.

        Raises:
            HarkenError: when the folder cannot be written, or holds something other than results.
        """
        from harken.reports.wearer import write_wearer_report

        _check_replaceable(Path(folder))
        try:
            with appearing(folder) as aside:
                write_parquet(self.timeline.frame, aside / "timeline.parquet")
                if self.rules.csv:
                    write_csv(self.timeline.frame, aside / "timeline.csv")
                self.write_tables(aside)
                write_quality(aside / "quality.json", self.quality)
                card = self.measured.model.card
                write_wearer_report(aside / "report.html", self, quality=self.quality, model_card=card)
                write_summary(aside, self.summary)
        except OSError as error:
            raise HarkenError(f"cannot write there ({error.strerror or error})", path=folder) from error


def apply_rules(
    timeline: Timeline, movement: pl.DataFrame | None, sleep: pl.DataFrame | None, rules: Rules
) -> tuple[Timeline, pl.DataFrame | None]:
    """Return the timeline with its labels by the rules, and the rows of movement with steps.

    Args:
        timeline: the rows with the probabilities of the model. Their labels may be those of earlier rules.
        movement: the rows of movement; None without acceleration.
        sleep: the nights (``find_nights``); None without acceleration.
        rules: the rules.

    Raises:
        HarkenError: when the model has a label ``unsure`` and the rules a limit for it.
    """
    # Smoothing keeps the limit for unsure.
    timeline = timeline.with_unsure_below(rules.unsure_below)
    if rules.smoothing:
        still_ns = None if movement is None or sleep is None else still_at_night_ns(movement, sleep)
        timeline = timeline.smoothed(still_at_night_ns=still_ns)
        hand_back()
    if movement is not None:
        movement = with_steps(movement, timeline.frame, timeline.labels)
    return timeline, movement


def summarise_folder(folder: str | Path, rules: Rules) -> LabelledFile:
    """Make the results in a folder of ``harken label`` anew with other rules, without the recording and the model.

    >>> import harken
    >>> _ = harken.label_file("alice.csv", out="alice")
    >>> summarised = harken.summarise_folder("alice", harken.Rules(valid_day_h=0))
    >>> summarised.days["valid_day"].to_list()
    [True]

    Args:
        folder: the folder of one recording. The new results replace the old ones, whole or not at all.
        rules: the rules; for those that are not given, the defaults, whatever the old results were made with.

    Raises:
        HarkenError: when another version of harken wrote the folder, a file in it is missing or was changed, the diary
            is broken, or the folder cannot be written.
    """
    summarised = LabelledFile.of(Measured.read(Path(folder)), rules)
    summarised.write(folder)
    return summarised


def _check_replaceable(folder: Path) -> None:
    """Raise a HarkenError if writing results to a folder would replace something other than results."""
    if folder.is_dir() and (others := sorted({each.name for each in folder.iterdir()} - RESULTS)):
        raise HarkenError(
            f"contains {printable(others[0])}, which is not a result of harken; choose another folder",
            path=folder,
            colon=False,
        )
    if folder.exists() and not folder.is_dir():
        raise HarkenError("is a file; results need a folder", path=folder, colon=False)
