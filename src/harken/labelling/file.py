"""Labelling of one recording, from its samples to its tables and its report, in memory that does not grow with the
recording. ``FirstReading`` shows what must be known before. What follows from the probabilities is made by ``summary``.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, NamedTuple

from harken.labelling.settings import LabelSettings, file_sha256, label_key
from harken.labelling.summary import LabelledFile, Measured, ModelFacts
from harken.models.label_recording import Probabilities, label_stream
from harken.models.model_file import PACKAGED_MODEL, model_path
from harken.models.recogniser import Recogniser
from harken.models.scores import unseen_f1
from harken.mounting.estimate import estimate_mounting, trained_axis, trained_with_x_to_elbow
from harken.mounting.forearm import CalmMoments
from harken.mounting.turns import Mounting
from harken.mounting.wrist_check import RATE_HZ, ROWS, WristCheck, wrist_check
from harken.outcomes.movement_rows import MovementMeter, movement_table
from harken.outcomes.recording_quality import OF_THE_FILE, GapSummary, RecordingQuality, known_limits, to_millisecond
from harken.outcomes.taught import Taught
from harken.readers import open_stream
from harken.recordings.fingerprints import Fingerprints, TrainingShare
from harken.recordings.mending import MendedStream
from harken.recordings.recording import Placement, acceleration_channels, find_temperature, is_made_up
from harken.recordings.source import Samples
from harken.reports.caveats import model_card
from harken.signals.clipping import Clipped
from harken.signals.gravity import GravityCalibration, calibrate_samples, gravity_calibration
from harken.signals.movement import Moments, MovementStatistics, Walks, moving
from harken.signals.non_wear import non_wear
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.support.files import Json, check_recording_path
from harken.support.printable import listed, percent, printable
from harken.support.resources import computing_threads, hand_back, usable_cores
from harken.timelines import Timeline

MOST_BROKEN = 0.9
"""A recording in which an axis is broken for a larger share of the samples is not labelled."""
Stage = Literal["read", "movement", "label", "smooth", "outcomes", "write", "done"]
"""The stages of labelling a file, in order. ``outcomes`` and ``write`` occur only with a folder for results."""


def label_file(
    path: str | Path,
    *,
    model: str | Path | Recogniser | None = None,
    out: str | Path | None = None,
    settings: LabelSettings | None = None,
    key: Json | None = None,
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
        model: a model file, a run directory or a recogniser; the packaged model if None.
        out: the folder for the results (see ``LabelledFile.write``); they are not written if None.
        settings: the settings of labelling; those of the command without options if None.
        key: ``label_key`` of the same arguments, if it is known already.
        on_stage: called at the beginning of each stage, and with ``done`` at the end.
        on_share: called during the stage ``label``, which takes longest, with the share of the recording that is done.
        cores: the number of processor cores to use, all if None. It does not change the result.

    Raises:
        HarkenError: when the model or the file cannot be read, the file cannot be labelled, or ``out`` cannot be
            written.
        TypeError: when ``path`` is not a path.
    """
    check_recording_path(path)
    settings = settings or LabelSettings()
    recogniser = Recogniser.load(model)
    if key is None:
        of_model = "" if isinstance(model, Recogniser) else file_sha256(model_path(model or PACKAGED_MODEL))
        key = label_key(Path(path), of_model, settings)
    progress = Progress(on_stage, on_share)
    prepared = prepare_file(Path(path), recogniser, settings, progress.begin)
    labelled = label_prepared_file(prepared, recogniser, settings, key, progress=progress, cores=cores)
    if out is not None:
        progress.begin("outcomes")
        labelled.compute_tables()
        progress.begin("write")
        labelled.write(out)
    progress.begin("done")
    return labelled


class PreparedFile(NamedTuple):
    """A recording that was read once: its file, its samples, and what they show."""

    path: Path
    stream: MendedStream
    findings: "Findings"


def prepare_file(
    path: Path,
    recogniser: Recogniser,
    settings: LabelSettings,
    begin: "Callable[[Stage], None]" = lambda _: None,
) -> PreparedFile:
    """Read a file once, calibrate it, find non-wear, and estimate the mounting.

    Args:
        path: the file.
        recogniser: the model. It recognises walking, which shows the mounting, and its own training recordings.
        settings: the settings of labelling.
        begin: called at the beginning of each stage.

    Raises:
        HarkenError: when the file cannot be read, or cannot be labelled.
    """
    begin("read")
    first_reading = FirstReading(recogniser.fingerprints_)
    stream = open_stream(path, observer=first_reading.observe, **asdict(settings.reading))
    stream = _state_placement(stream, settings)
    _check_channels(stream, settings)
    begin("movement")
    with _limit_threads(recogniser):
        findings = first_reading.finish(stream, recogniser, settings)
    return PreparedFile(path, stream, findings)


def label_prepared_file(
    prepared: PreparedFile,
    recogniser: Recogniser,
    settings: LabelSettings,
    key: Json,
    *,
    progress: "Progress",
    cores: int | None = None,
    taught: Taught | None = None,
) -> LabelledFile:
    """Label a file that was read once, and apply the rules.

    Args:
        prepared: the result of ``prepare_file``, perhaps with another model.
        recogniser: the model that labels.
        settings, key, cores: as of ``label_file``.
        progress: is told each stage, and the share of the recording that is done.
        taught: what the wearer taught, if the model was chosen by that.
    """
    with _limit_threads(recogniser):
        measured = _measure(prepared, recogniser, key, progress, cores or usable_cores())
    progress.begin("smooth")
    hand_back()
    return LabelledFile.of(replace(measured, taught=taught), settings.rules)


def _limit_threads(recogniser: Recogniser) -> AbstractContextManager[int | None]:
    """Return a block in which PyTorch, if the model needs it, computes with one thread.

    The threads of one call of PyTorch synchronise at every layer. Whole batches in parallel take less time.
    """
    return computing_threads(1) if recogniser.uses_pytorch else nullcontext()


def _measure(prepared: PreparedFile, recogniser: Recogniser, key: Json, progress: "Progress", cores: int) -> Measured:
    """Label the samples, and measure their movement."""
    path, stream, findings = prepared
    progress.begin("label")
    clipped = Clipped(stream)
    meter = None
    if acceleration_channels(stream.channels):
        meter = MovementMeter(sample_rate_hz=stream.sample_rate_hz)
    samples = clipped.samples()
    samples = calibrate_samples(samples, findings.calibration, stream.channels)
    samples = _measure_movement(samples, meter)
    samples = progress.report_share(samples, stream)
    timeline = label_stream(
        recogniser.specification_,
        stream,
        _average_over_mountings(recogniser, findings.mounting),
        samples=samples,
        non_wear_ns=findings.non_wear_ns,
        lanes=cores if cores > 1 else 0,
    )
    movement = None
    if meter is not None:
        movement = movement_table(meter.finish(), timezone=stream.timezone, non_wear_ns=findings.non_wear_ns)
    stream = replace(stream, quality=clipped.count_in(stream.quality))
    quality = _describe_quality(path, stream, findings, timeline, recogniser, sha256=key["sha256"])
    return Measured(timeline, movement, quality, _describe_model(recogniser), key)


class Findings(NamedTuple):
    """What the first reading shows. A field is None if the settings leave it out, or without acceleration.

    ``calibration``: of the sensor. ``non_wear_ns``: stretches in which the watch was not worn, int64 ``[k, 2]``.
    ``mounting``: how the watch sat on the arm. ``wrist_check``: whether it moved as on a wrist; also None if the header
    of the file gives its place, or for a simulated wearer. ``training_share``: the share of the samples that the model
    was trained on; also None for a model without fingerprints.
    """

    calibration: GravityCalibration | None = None
    non_wear_ns: Int64Array | None = None
    mounting: Mounting | None = None
    wrist_check: WristCheck | None = None
    training_share: float | None = None


class FirstReading:
    """Collects what the samples show: statistics of movement, moments of walking and of movement, and fingerprints.

    Pass ``observe`` to ``open_stream``, and the samples are collected while the file is surveyed. The file may have to
    be read again from its beginning; then ``observe`` is called again and starts over.
    """

    def __init__(self, trained: Fingerprints) -> None:
        self._trained = trained

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        """Start over. Return a function that takes the samples, in order."""
        self._walking = Walks()
        self._moving = Moments(moving)
        self._statistics = MovementStatistics(
            temperature_channel=find_temperature(channels), listeners=(self._walking, self._moving)
        )
        self._training = TrainingShare(self._trained)
        return self._push if acceleration_channels(channels) else _ignore

    def finish(self, stream: MendedStream, recogniser: Recogniser, settings: LabelSettings) -> Findings:
        """Compute what the samples show. Read the stream once more if its samples are not the observed ones."""
        if not acceleration_channels(stream.channels):
            return Findings()
        if not stream.observed:
            push = self.observe(stream.channels)
            for samples in stream.samples():
                push(samples)
        blocks = self._statistics.finish()
        calibration = None
        if settings.calibration:
            calibration = gravity_calibration(blocks)
        non_wear_ns = None
        if settings.non_wear:
            non_wear_ns = non_wear(blocks)
        mounting = None
        if settings.orientation:
            mounting = estimate_mounting(
                recogniser.specification_,
                self._walking,
                recogniser.predict_proba,
                calm=CalmMoments.of(blocks, non_wear_ns),
                forearm_axis=settings.forearm_axis,
                make=stream.quality.make,
                trained_axis=trained_axis(recogniser),
                x_to_elbow=trained_with_x_to_elbow(recogniser),
            )
        place = None
        if stream.quality.placement is Placement.UNKNOWN and not is_made_up(stream.subject):
            moments = self._moving.resampled(sample_rate_hz=RATE_HZ, length=ROWS)[1]
            place = wrist_check(moments)
        return Findings(calibration, non_wear_ns, mounting, place, self._training.finish(stream.gaps_ns))

    def _push(self, samples: Samples) -> None:
        self._statistics.push(samples)
        self._training.push(samples)


def _ignore(samples: Samples) -> None:
    """Take samples of a recording without acceleration, which show nothing."""


class Progress:
    """Reports the stages of labelling, and the share of the stage ``label`` that is done."""

    def __init__(
        self, on_stage: Callable[[Stage], None] | None = None, on_share: Callable[[float], None] | None = None
    ) -> None:
        self._on_stage = on_stage
        self._on_share = on_share

    def begin(self, stage: Stage) -> None:
        """Report that a stage begins."""
        if self._on_stage is not None:
            self._on_stage(stage)

    def report_share(self, parts: Iterable[Samples], stream: MendedStream) -> Iterator[Samples]:
        """Yield the samples. Report for each part which share of the recording was read."""
        length_ns = max(stream.end_ns - stream.start_ns, 1)
        for samples in parts:
            if self._on_share is not None and len(samples.time_ns):
                share = (int(samples.time_ns[-1]) - stream.start_ns) / length_ns
                self._on_share(min(max(share, 0.0), 1.0))
            yield samples


def _state_placement(stream: MendedStream, settings: LabelSettings) -> MendedStream:
    """Return the stream with the placement of the settings, if they state one."""
    if settings.placement is None:
        return stream
    quality = replace(stream.quality, placement=Placement(settings.placement))
    return replace(stream, quality=quality)


def _measure_movement(parts: Iterable[Samples], meter: MovementMeter | None) -> Iterator[Samples]:
    """Yield the samples. The meter, if there is one, takes each part first."""
    for samples in parts:
        if meter is not None:
            meter.push(samples)
        yield samples


def _average_over_mountings(recogniser: Recogniser, mounting: Mounting | None) -> Probabilities:
    """Return a function that gives the probabilities of windows, averaged over how the watch may sit."""
    if mounting is None:
        return recogniser.predict_answers
    return mounting.averaged(recogniser.predict_answers)


def _check_channels(stream: MendedStream, settings: LabelSettings) -> None:
    """Raise a HarkenError when an axis is stated without acceleration, or broken in nearly all of the recording."""
    if settings.forearm_axis is not None and not acceleration_channels(stream.channels):
        raise HarkenError("it has no acceleration x, y, z, so no axis along the forearm", path=stream.source)
    if stream.quality.broken < MOST_BROKEN * stream.rows:
        return
    axes = [f"{axis.axis} at {axis.value_g:.2f} g" for axis in stream.quality.broken_axes]
    share = percent(stream.quality.broken / stream.rows)
    raise HarkenError(
        f"it cannot be labelled: an axis of the sensor is broken in {share} of the samples, because "
        f"it stays at one value, whatever the watch does ({listed(axes)}); record again with another watch",
        path=stream.source,
    )


def _describe_model(recogniser: Recogniser) -> ModelFacts:
    """Return what the results say about their model."""
    labels = recogniser.specification_.labels
    provenance = recogniser.provenance_
    return ModelFacts(
        labels, model_card(recogniser.specification_, provenance), tuple(known_limits(labels, provenance))
    )


def _describe_quality(
    path: Path, stream: MendedStream, findings: Findings, timeline: Timeline, recogniser: Recogniser, *, sha256: str
) -> RecordingQuality:
    """Return the quality of the recording, without the limits of its labels."""
    detected = findings.non_wear_ns is not None
    return RecordingQuality(
        **{name: getattr(stream.quality, name) for name in OF_THE_FILE},
        file=printable(path),
        sha256=sha256,
        subject=stream.subject,
        made_up=is_made_up(stream.subject),
        wrist_check=findings.wrist_check,
        training_share=findings.training_share,
        timezone=stream.timezone,
        start=to_millisecond(stream.start_ns, stream.timezone),
        end=to_millisecond(stream.end_ns, stream.timezone),
        sample_rate_hz=stream.sample_rate_hz,
        gaps=GapSummary.of(stream.gaps_ns, stream.timezone),
        wear_hours=timeline.worn_s / 3600 if detected else None,
        non_wear_hours=timeline.not_worn_s / 3600 if detected else None,
        calibration=findings.calibration,
        orientation=findings.mounting,
        unseen_f1=unseen_f1(recogniser.provenance_),
        limits=(),
    )
