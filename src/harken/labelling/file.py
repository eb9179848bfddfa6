"""Labelling of one recording, from its samples to its tables and its report, in memory that does not grow with the
recording. What follows from the probabilities is made by ``summary``."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Literal, NamedTuple

from harken.labelling.settings import LabelSettings, file_sha256, label_key
from harken.labelling.summary import LabelledFile, Measured, ModelFacts
from harken.models.model_file import PACKAGED_MODEL, model_path
from harken.models.recogniser import Recogniser
from harken.models.scores import unseen_f1
from harken.mounting.estimate import estimate_mounting, trained_axis, trained_with_x_to_elbow
from harken.mounting.forearm import CalmMoments
from harken.mounting.turns import Mounting
from harken.mounting.wrist_check import RATE_HZ, ROWS, WristCheck, wrist_check
from harken.outcomes.movement_rows import MovementMeter, movement_table
from harken.outcomes.recording_quality import OF_THE_FILE, GapSummary, RecordingQuality, known_limits, to_millisecond
from harken.readers import open_stream
from harken.recordings.fingerprints import Fingerprints, TrainingShare
from harken.recordings.mending import MendedStream
from harken.recordings.recording import Placement, acceleration_channels, is_made_up
from harken.recordings.source import Samples
from harken.reports.caveats import model_card
from harken.signals.clipping import Clipped
from harken.signals.gravity import GravityCalibration, gravity_calibration
from harken.signals.movement import Moments, MovementStatistics, Walks, moving
from harken.signals.non_wear import non_wear
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.support.files import Json, check_recording_path
from harken.support.printable import listed, percent, printable
from harken.support.resources import computing_threads, hand_back, usable_cores
from harken.timelines import Timeline, label_stream

MOST_BROKEN = 0.9
"""A recording in which an axis is broken for a larger share of the samples is not labelled."""
Stage = Literal["read", "movement", "label", "smooth", "write", "done"]
"""The stages of labelling a file, in order. The stage ``write`` occurs only with a folder for results."""


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
        TypeError: when ``path`` is not a path.
    """
    check_recording_path(path)
    settings, stage = settings or LabelSettings(), on_stage or (lambda _: None)
    recogniser = Recogniser.load(model)
    if key is None:
        of_model = "" if isinstance(model, Recogniser) else file_sha256(model_path(model or PACKAGED_MODEL))
        key = label_key(Path(path), of_model, settings)
    # The threads of one call of PyTorch synchronise at every layer. Whole batches in parallel take less time.
    with computing_threads(1) if recogniser.uses_pytorch else nullcontext():
        measured = _measured(Path(path), recogniser, settings, key, stage, on_share, cores or usable_cores())
        stage("smooth")
        hand_back()
        labelled = LabelledFile.of(measured, settings.rules)
        if out is not None:
            stage("write")
            labelled.write(out)
    stage("done")
    return labelled


class Prepared(NamedTuple):
    """What is known of a recording before it is labelled; each is None if the settings leave it out, or without
    acceleration.

    ``calibration`` of the sensor; ``non_wear_ns``, stretches in which the watch was not worn, int64 ``[k, 2]``;
    ``mounting``, how it sat on the arm; ``wrist_check``, whether it moved as on a wrist, also None if the header of the
    file gives its place, or for a simulated wearer; ``training_share``, the share of the samples that the model was
    trained on, also None for a model without fingerprints.
    """

    calibration: GravityCalibration | None = None
    non_wear_ns: Int64Array | None = None
    mounting: Mounting | None = None
    wrist_check: WristCheck | None = None
    training_share: float | None = None


def _measured(
    path: Path,
    recogniser: Recogniser,
    settings: LabelSettings,
    key: Json,
    stage: Callable[[Stage], None],
    on_share: Callable[[float], None] | None,
    cores: int,
) -> Measured:
    """What a file and a model give. Samples of a sensor that stays at the end of its range are marked."""
    stage("read")
    movement = _Movement(recogniser.fingerprints_)
    stream = open_stream(path, observer=movement.observe, **asdict(settings.reading))
    if settings.placement is not None:
        stream = replace(stream, quality=replace(stream.quality, placement=Placement(settings.placement)))
    _check_axes(stream)
    stage("movement")
    prepared = _preparation(stream, recogniser, movement, settings)
    stage("label")
    clipped, meter = None, None
    if acceleration_channels(stream.channels):
        clipped, meter = Clipped(stream), MovementMeter(sample_rate_hz=stream.sample_rate_hz)
    length_ns = max(stream.end_ns - stream.start_ns, 1)
    heat = stream.channels.index("temperature") if "temperature" in stream.channels else None

    def prepare(samples: Samples) -> Samples:
        """The calibrated samples, whose movement is measured."""
        if prepared.calibration is not None:
            temperature = None if heat is None else samples.signals[:, heat]
            samples = samples._replace(signals=prepared.calibration.apply(samples.signals, temperature))
        if meter is not None:
            meter.push(samples)
        if on_share is not None and len(samples.time_ns):
            on_share(min(max((int(samples.time_ns[-1]) - stream.start_ns) / length_ns, 0.0), 1.0))
        return samples

    answers = recogniser.predict_answers
    timeline = label_stream(
        recogniser.specification_,
        stream if clipped is None else clipped.stream,
        answers if prepared.mounting is None else prepared.mounting.averaged(answers),
        prepare=prepare,
        non_wear_ns=prepared.non_wear_ns,
        lanes=cores if cores > 1 else 0,
    )
    stream = stream if clipped is None else clipped.stream  # whose quality now counts the samples
    rows = None
    if meter is not None:
        rows = movement_table(meter.finish(), timezone=stream.timezone, non_wear_ns=prepared.non_wear_ns)
    quality = _quality(path, stream, prepared, timeline, recogniser, sha256=key["sha256"])
    specification, provenance = recogniser.specification_, recogniser.provenance_
    facts = ModelFacts(
        specification.labels,
        model_card(specification, provenance),
        tuple(known_limits(specification.labels, provenance)),
    )
    return Measured(timeline, rows, quality, facts, key)


def _check_axes(stream: MendedStream) -> None:
    """Raise a HarkenError when an axis of the sensor is broken in nearly all of the recording."""
    if stream.quality.broken < MOST_BROKEN * stream.rows:
        return
    axes = [f"{axis.axis} at {axis.value_g:.2f} g" for axis in stream.quality.broken_axes]
    share = percent(stream.quality.broken / stream.rows)
    raise HarkenError(
        f"{stream.source}: it cannot be labelled: an axis of the sensor is broken in {share} of the samples, because "
        f"it stays at one value, whatever the watch does ({listed(axes)}); record again with another watch"
    )


def _quality(
    path: Path, stream: MendedStream, prepared: Prepared, timeline: Timeline, recogniser: Recogniser, *, sha256: str
) -> RecordingQuality:
    """The quality of the recording, without the limits of its labels."""
    detected = prepared.non_wear_ns is not None
    return RecordingQuality(
        **{name: getattr(stream.quality, name) for name in OF_THE_FILE},
        file=printable(path),
        sha256=sha256,
        subject=stream.subject,
        made_up=is_made_up(stream.subject),
        wrist_check=prepared.wrist_check,
        training_share=prepared.training_share,
        timezone=stream.timezone,
        start=to_millisecond(stream.start_ns, stream.timezone),
        end=to_millisecond(stream.end_ns, stream.timezone),
        sample_rate_hz=stream.sample_rate_hz,
        gaps=GapSummary.of(stream.gaps_ns, stream.timezone),
        wear_hours=timeline.worn_s / 3600 if detected else None,
        non_wear_hours=timeline.not_worn_s / 3600 if detected else None,
        calibration=prepared.calibration,
        orientation=prepared.mounting,
        unseen_f1=unseen_f1(recogniser.provenance_),
        limits=(),
    )


class _Movement:
    """Movement statistics, moments of movement, and the share that was used for training, collected while the file is
    read for the first time.

    If a file turns out to have another format than expected, it is read again from the beginning. ``observe`` is then
    called again and starts over.
    """

    def __init__(self, trained: Fingerprints) -> None:
        self._trained = trained

    def observe(self, channels: tuple[str, ...]) -> Callable[[Samples], None]:
        self.walking, self.moving = Walks(), Moments(moving)
        heat = channels.index("temperature") if "temperature" in channels else None
        self.statistics = MovementStatistics(temperature_channel=heat, listeners=(self.walking, self.moving))
        self.training = TrainingShare(self._trained)
        return self._push if acceleration_channels(channels) else lambda _: None

    def _push(self, samples: Samples) -> None:
        self.statistics.push(samples)
        self.training.push(samples)


def _preparation(
    stream: MendedStream, recogniser: Recogniser, movement: _Movement, settings: LabelSettings
) -> Prepared:
    """What the first reading of a recording shows.

    Raises:
        HarkenError: when an axis along the forearm is stated without acceleration.
    """
    axis = settings.forearm_axis
    if not acceleration_channels(stream.channels):
        if axis is not None:
            raise HarkenError(f"{stream.source}: it has no acceleration x, y, z, so no axis along the forearm")
        return Prepared()
    if not stream.observed:
        push = movement.observe(stream.channels)
        for part in stream.samples():
            push(part)
    blocks = movement.statistics.finish()
    not_worn_ns = non_wear(blocks) if settings.non_wear else None
    return Prepared(
        gravity_calibration(blocks) if settings.calibration else None,
        not_worn_ns,
        estimate_mounting(
            recogniser.specification_,
            movement.walking,
            recogniser.predict_proba,
            calm=CalmMoments.of(blocks, not_worn_ns),
            forearm_axis=axis,
            make=stream.quality.make,
            trained_axis=trained_axis(recogniser),
            x_to_elbow=trained_with_x_to_elbow(recogniser),
        )
        if settings.orientation
        else None,
        wrist_check(movement.moving.resampled(sample_rate_hz=RATE_HZ, length=ROWS)[1])
        if stream.quality.placement is Placement.UNKNOWN and not is_made_up(stream.subject)
        else None,
        movement.training.finish(stream.gaps_ns),
    )
