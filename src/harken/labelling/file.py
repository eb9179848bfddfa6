"""Labelling of one recording, from its samples to its tables and its report, in memory that does not grow with the
recording."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from json import dumps
from pathlib import Path
from typing import Any, Literal

import polars as pl

from harken.labelling.quality import (
    OF_THE_FILE,
    GapSummary,
    RecordingQuality,
    limits_of,
    to_millisecond,
    write_quality,
)
from harken.labelling.settings import LabelSettings, file_sha256, label_key
from harken.models.model_file import PACKAGED_MODEL, model_path
from harken.models.mounting import Mounting, mounting, trained_with_x_to_elbow
from harken.models.recogniser import Recogniser
from harken.models.scores import unseen_f1
from harken.models.wrist_check import RATE_HZ, ROWS, WristCheck, wrist_check
from harken.outcomes.diary import read_diary
from harken.outcomes.groups import day_groups
from harken.outcomes.intensity import with_intensity
from harken.outcomes.movement_rows import MovementMeter
from harken.outcomes.nights import nights, still_at_night_ns
from harken.outcomes.rhythm import day_rhythm, rhythm
from harken.outcomes.steps import day_cadence, with_bout_steps, with_steps
from harken.outcomes.tables import averages, day_columns, hours, over_stretches, segment_stretches, with_valid_day
from harken.readers import open_stream
from harken.readers.folders import SUMMARY
from harken.recordings.fingerprints import Fingerprints, TrainingShare
from harken.recordings.mending import MendedStream
from harken.recordings.recording import Placement, acceleration_channels, is_made_up
from harken.recordings.source import Samples
from harken.signals.clipping import Clipped
from harken.signals.gravity import GravityCalibration, gravity_calibration
from harken.signals.movement import Moments, MovementStatistics, like_walking, moving
from harken.signals.non_wear import non_wear
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.support.files import appearing, write_text
from harken.support.printable import printable
from harken.support.resources import computing_threads, hand_back, usable_cores
from harken.support.tables import write_csv, write_parquet, zone_of
from harken.timelines import Timeline, label_stream
from harken.timelines.labelling import Calibrate

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
            acceleration. See ``MovementRows.frame`` and ``harken.outcomes.steps.with_steps``.
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
        """One row per calendar day with samples: ``Timeline.daily``, ``valid_day``, ``day_groups``, intensity, steps
        and rhythm."""
        days = self.timeline.daily()
        days = with_valid_day(days, days, self.settings.valid_day_h)
        if self._intensity is None or self.nights is None:
            return days
        for others in (
            day_groups(self.timeline.frame, self.timeline.labels, self.nights, timezone=self._timezone),
            day_columns(self._intensity, timezone=self._timezone),
            day_cadence(self._intensity),
            day_rhythm(self._intensity, days.filter("valid_day")["date"].to_list()),
        ):
            days = days.join(others, on="date", how="left", maintain_order="left")
        return days

    @property
    def valid_days(self) -> pl.DataFrame:
        """The rows of ``days`` on which the watch was worn long enough."""
        return self.days.filter("valid_day")

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
        return None if self.movement is None else rhythm(self.movement, self.valid_days["date"].to_list())

    @property
    def notes(self) -> tuple[str, ...]:
        """What limits the meaning of the outcomes."""
        settings, sentences = self.settings, []
        if settings.hand == "dominant" and self.movement is not None and settings.cut_points.published:
            sentences.append(
                f"the cut-points {settings.cut_points.name} are for the wrist that is not dominant, but the watch was "
                "worn on the dominant one, which moves more"
            )
        if settings.diary is not None and self.nights is not None and (self.nights["source"] == "movement").all():
            known = ", ".join(read_diary(settings.diary).nights) or "nobody"
            sentences.append(
                printable(
                    f"the diary {settings.diary} has no night of this recording of {self.timeline.subject}; it has "
                    f"nights of {known}"
                )
            )
        if self.segments is not None and len(self.segments) == 0:
            sentences.append(f"no segment lies in this recording of {printable(self.timeline.subject)}")
        return tuple(sentences)

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


RESULTS = {"timeline.parquet", "timeline.csv", *OUTCOMES, "quality.json", "report.html", SUMMARY}
Stage = Literal["read", "movement", "label", "smooth", "write", "done"]
"""The stages of labelling a file, in order. The stage ``write`` occurs only with a folder for results."""


@dataclass(frozen=True, eq=False)
class LabelledFile:
    """The result of ``harken label`` for one recording.

    Attributes:
        timeline: the labels, one row each few seconds.
        recording: the mended recording, as a stream.
        calibration: the calibration of the sensor. This and the next two are None if the settings leave them out, or
            without acceleration.
        non_wear_ns: stretches in which the watch was not worn, int64 ``[k, 2]``, start and end in ns since 1970 (UTC).
        mounting: the orientation of the watch on the arm.
        wrist_check: whether the sensor moved as on a wrist; None if the settings or the header of the file give its
            place, for a simulated wearer, or without acceleration.
        training_share: the share of the samples that the model was trained on; None for a model without fingerprints,
            or without acceleration.
        outcomes: the tables of outcomes, such as ``days.csv`` and ``movement.parquet``.
        recogniser: the model.
        key: version, file, model and settings. Results with the same key are the same.
    """

    timeline: Timeline
    recording: MendedStream
    calibration: GravityCalibration | None
    non_wear_ns: Int64Array | None
    mounting: Mounting | None
    wrist_check: WristCheck | None
    training_share: float | None
    outcomes: Outcomes
    recogniser: Recogniser
    key: dict[str, Any]

    @property
    def bouts(self) -> pl.DataFrame:
        """The content of ``bouts.csv``: stretches of one label, with their steps. See ``Outcomes.bouts``."""
        return self.outcomes.bouts

    @property
    def days(self) -> pl.DataFrame:
        """The content of ``days.csv``: hours of each label and intensity, day by day. See ``Outcomes.days``."""
        return self.outcomes.days

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings that a person must read before the labels. See ``harken.recordings.recording.warnings_of``."""
        return self.quality.warnings

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on mended faults, on whether the watch was turned, and on outcomes. Warnings are not repeated."""
        mounting = self.mounting
        turned = mounting is not None and mounting.known and mounting.quarters != 0
        of_mounting = (f"the watch was {mounting.reason}",) if mounting is not None and turned else ()
        return (*self.recording.quality.notes, *of_mounting, *self.outcomes.notes)

    @cached_property
    def quality(self) -> RecordingQuality:
        """The content of ``quality.json``: the content of the file, its mended faults, and its preprocessing."""
        recording, timeline = self.recording, self.timeline
        detected = self.non_wear_ns is not None
        limits = limits_of(
            timeline,
            self.days,
            valid_day_h=self.outcomes.settings.valid_day_h,
            specification=self.recogniser.specification_,
            provenance=self.recogniser.provenance_,
        )
        return RecordingQuality(
            **{name: getattr(recording.quality, name) for name in OF_THE_FILE},
            file=self.key["file"],
            sha256=self.key["sha256"],
            subject=recording.subject,
            made_up=is_made_up(recording.subject),
            wrist_check=self.wrist_check,
            training_share=self.training_share,
            timezone=recording.timezone,
            start=to_millisecond(recording.start_ns, recording.timezone),
            end=to_millisecond(recording.end_ns, recording.timezone),
            sample_rate_hz=recording.sample_rate_hz,
            gaps=GapSummary.of(recording.gaps_ns, recording.timezone),
            wear_hours=timeline.worn_s / 3600 if detected else None,
            non_wear_hours=timeline.not_worn_s / 3600 if detected else None,
            calibration=self.calibration,
            orientation=self.mounting,
            unseen_f1=unseen_f1(self.recogniser.provenance_),
            limits=tuple(limits),
        )

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The content of ``summary.json``: the key, the hours of each label, and the warnings and notes."""
        timeline = self.timeline
        return self.key | {
            "subject": timeline.subject,
            "start": timeline.frame["start"][0].isoformat(timespec="milliseconds"),
            "end": timeline.frame["end"][-1].isoformat(timespec="milliseconds"),
            "timezone": self.recording.timezone,
            "sample_rate_hz": self.recording.sample_rate_hz,
            "seconds_by_label": timeline.seconds_by_label(),
            "unlabelled_s": timeline.unlabelled_s,
            "gaps_s": timeline.gaps_s,
            "wear_hours": self.quality.wear_hours,
            "non_wear_hours": self.quality.non_wear_hours,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def write(self, folder: str | Path) -> None:
        """Write all results to a folder, whole or not at all.

        The files are ``timeline.parquet`` and ``timeline.csv``, those of ``Outcomes.write``,
        ``quality.json``, ``report.html`` and ``summary.json``. They are first written to a temporary folder, which is
        then renamed and replaces older results.

        Args:
            folder: the folder to write. Its parent folder must exist.

        Raises:
            HarkenError: when the folder cannot be written, or holds something other than results.
        """
        from harken.reports.caveats import model_card
        from harken.reports.wearer import write_wearer_report

        _check_replaceable(Path(folder))
        try:
            with appearing(folder) as aside:
                self.timeline.to_parquet(aside / "timeline.parquet")
                self.timeline.to_csv(aside / "timeline.csv")
                self.outcomes.write(aside)
                write_quality(aside / "quality.json", self.quality)
                write_wearer_report(
                    aside / "report.html",
                    self.outcomes,
                    quality=self.quality,
                    model_card=model_card(self.recogniser.specification_, self.recogniser.provenance_),
                )
                write_text(aside / SUMMARY, dumps(self.summary, indent=2, allow_nan=False) + "\n")
        except OSError as error:
            raise HarkenError(f"{folder}: cannot write there ({error.strerror or error})") from error


def label_file(
    path: str | Path,
    *,
    model: str | Path | Recogniser | None = None,
    out: str | Path | None = None,
    settings: LabelSettings | None = None,
    key: dict[str, Any] | None = None,
    on_stage: Callable[[Stage], None] | None = None,
    on_share: Callable[[float], None] | None = None,
    cores: int | None = None,
) -> LabelledFile:
    """Label a recording as ``harken label`` does: with calibration, turning of the watch, non-wear and smoothing.

    >>> import harken
    >>> labelled = harken.label_file("alice.csv", out="alice")
    >>> labelled.timeline.subject, labelled.days["date"].to_list()
    ('alice', [datetime.date(2018, 2, 20)])
    >>> labelled.summary["seconds_by_label"] == labelled.timeline.seconds_by_label()
    True

    Memory does not grow with the length of the recording if its format can be read in parts (``docs/reading.md``).

    Args:
        path: a recording in any format that harken reads.
        model: a model file, a run directory or a recogniser; the model that comes with harken if None.
        out: the folder for the results (see ``LabelledFile.write``); they are not written if None.
        settings: the settings of labelling; those of the command without options if None.
        key: ``label_key`` of the same arguments, if it is known already.
        on_stage: called at the beginning of each stage, and with ``done`` at the end.
        on_share: called during the stage ``label``, which takes longest, with the share of the recording that is done.
        cores: the number of processor cores to use, all if None. It does not change the result.

    Raises:
        HarkenError: when the model or the file cannot be read, the file cannot be labelled, or ``out`` cannot be
            written.
    """
    settings, stage = settings or LabelSettings(), on_stage or (lambda _: None)
    recogniser = model if isinstance(model, Recogniser) else Recogniser.load(model)
    if key is None:
        of_model = "" if isinstance(model, Recogniser) else file_sha256(model_path(model or PACKAGED_MODEL))
        key = label_key(Path(path), of_model, settings)
    # The threads of one call of PyTorch synchronise at every layer. Whole batches in parallel take less time.
    with computing_threads(1) if recogniser.uses_pytorch else nullcontext():
        labelled = _labelled(Path(path), recogniser, settings, key, stage, on_share, cores or usable_cores())
        if out is not None:
            stage("write")
            labelled.write(out)
    stage("done")
    return labelled


def _check_replaceable(folder: Path) -> None:
    """Raise a HarkenError if writing results to a folder would replace something other than results."""
    if folder.is_dir() and (others := sorted({each.name for each in folder.iterdir()} - RESULTS)):
        raise HarkenError(
            f"{folder} contains {printable(others[0])}, which is not a result of harken; choose another folder"
        )
    if folder.exists() and not folder.is_dir():
        raise HarkenError(f"{folder} is a file; results need a folder")


def _labelled(
    path: Path,
    recogniser: Recogniser,
    settings: LabelSettings,
    key: dict[str, Any],
    stage: Callable[[Stage], None],
    on_share: Callable[[float], None] | None,
    cores: int,
) -> LabelledFile:
    """Label a file. Samples of a sensor that stays at the end of its range are marked."""
    stage("read")
    movement = _Movement(recogniser.fingerprints_)
    stream = open_stream(path, observer=movement.observe, **asdict(settings.reading))
    if settings.placement is not None:
        stream = replace(stream, quality=replace(stream.quality, placement=Placement(settings.placement)))
    stage("movement")
    calibration, non_wear_ns, mounting, check, share = _preparation(stream, recogniser, movement, settings)
    stage("label")
    stream = replace(stream, samples=partial(_handing_back, stream.samples))
    clipped, meter = None, None
    if acceleration_channels(stream.channels):
        clipped, meter = Clipped(stream), MovementMeter(sample_rate_hz=stream.sample_rate_hz)
    length_ns = max(stream.end_ns - stream.start_ns, 1)

    def listen(samples: Samples) -> None:
        if meter is not None:
            meter.push(samples)
        if on_share is not None and len(samples.time_ns):
            on_share(min(max((int(samples.time_ns[-1]) - stream.start_ns) / length_ns, 0.0), 1.0))

    timeline = label_stream(
        recogniser.specification_,
        stream if clipped is None else clipped.stream,
        recogniser.predict_proba,
        calibrate=_calibrate(calibration, mounting, stream.channels),
        non_wear_ns=non_wear_ns,
        # Quarter turns about the face change neither the length of the acceleration nor its angle with the face.
        listener=listen,
        lanes=cores if cores > 1 else 0,
    )
    stream = stream if clipped is None else clipped.stream
    rows = None if meter is None else meter.finish().frame(timezone=stream.timezone, non_wear_ns=non_wear_ns)
    nights = None if rows is None else nights_of(rows, stream.subject, settings)
    stage("smooth")
    hand_back()
    if settings.smoothing:
        still_ns = None if rows is None or nights is None else still_at_night_ns(rows, nights)
        timeline = timeline.smoothed(still_at_night_ns=still_ns)
        hand_back()
    if settings.unsure_below is not None:
        timeline = timeline.with_unsure_below(settings.unsure_below)
    if rows is not None:
        rows = with_steps(rows, timeline.frame, timeline.labels)
    outcomes = Outcomes(timeline, rows, nights, settings)
    return LabelledFile(timeline, stream, calibration, non_wear_ns, mounting, check, share, outcomes, recogniser, key)


def _calibrate(
    calibration: GravityCalibration | None, mounting: Mounting | None, channels: tuple[str, ...]
) -> Calibrate | None:
    """The function that calibrates and turns signals before they are labelled; None if neither is needed."""
    calibrate = calibration.apply if calibration is not None and calibration.applied else None
    if mounting is None or mounting.quarters == 0:
        return calibrate
    turn = mounting.apply
    if calibrate is None:
        return lambda signals, _: turn(signals, channels)
    return lambda signals, temperature: turn(calibrate(signals, temperature), channels)


def _handing_back(read: Callable[[], Iterator[Samples]]) -> Iterator[Samples]:
    """Yield the samples, and return free memory to the system after each part, which the allocator would keep."""
    for part in read():
        yield part
        hand_back()


class _Movement:
    """Movement statistics, moments of movement, and the share that was used for training, collected while the file is
    read for the first time.

    If a file turns out to have another format than expected, it is read again from the beginning. ``observe`` is then
    called again and starts over.
    """

    statistics: MovementStatistics
    walking: Moments
    moving: Moments
    training: TrainingShare

    def __init__(self, trained: Fingerprints) -> None:
        self._trained = trained

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        self.walking, self.moving = Moments(like_walking), Moments(moving)
        heat = channels.index("temperature") if "temperature" in channels else None
        self.statistics = MovementStatistics(temperature_channel=heat, listeners=(self.walking, self.moving))
        self.training = TrainingShare(self._trained)
        return self._push if acceleration_channels(channels) else lambda _: None

    def _push(self, samples: Samples) -> None:
        self.statistics.push(samples)
        self.training.push(samples)


def _preparation(
    stream: MendedStream, recogniser: Recogniser, movement: _Movement, settings: LabelSettings
) -> tuple[GravityCalibration | None, Int64Array | None, Mounting | None, WristCheck | None, float | None]:
    """Calibration, non-wear, mounting, wrist check, and the share that was used for training; each is None if the
    settings leave it out, or without acceleration.

    Raises:
        HarkenError: when an axis along the forearm is stated without acceleration.
    """
    axis = settings.forearm_axis
    if not acceleration_channels(stream.channels):
        if axis is not None:
            raise HarkenError(f"{stream.source}: it has no acceleration x, y, z, so no axis along the forearm")
        return None, None, None, None, None
    if not stream.observed:
        push = movement.observe(stream.channels)
        for part in stream.samples():
            push(part)
    blocks = movement.statistics.finish()
    return (
        gravity_calibration(blocks) if settings.calibration else None,
        non_wear(blocks) if settings.non_wear else None,
        mounting(
            recogniser.specification_,
            movement.walking,
            recogniser.predict_proba,
            forearm_axis=axis,
            make=stream.quality.make,
            x_to_elbow=trained_with_x_to_elbow(recogniser),
        )
        if settings.orientation
        else None,
        wrist_check(movement.moving.resampled(sample_rate_hz=RATE_HZ, length=ROWS)[1])
        if stream.quality.placement is Placement.UNKNOWN and not is_made_up(stream.subject)
        else None,
        movement.training.finish(stream.gaps_ns),
    )
