"""The first reading of a recording, which shows what must be known before it is labelled: calibration, non-wear, how
the watch sat, where it sat, and whether the model was trained on these samples."""

from collections.abc import Callable
from typing import NamedTuple

from harken.labelling.settings import LabelSettings
from harken.models.recogniser import Recogniser
from harken.mounting.estimate import estimate_mounting, trained_axis, trained_with_x_to_elbow
from harken.mounting.forearm import CalmMoments
from harken.mounting.turns import Mounting
from harken.mounting.wrist_check import RATE_HZ, ROWS, WristCheck, wrist_check
from harken.recordings.fingerprints import Fingerprints, TrainingShare
from harken.recordings.mending import MendedStream
from harken.recordings.recording import Placement, acceleration_channels, find_temperature, is_made_up
from harken.recordings.source import Samples
from harken.signals.gravity import GravityCalibration, gravity_calibration
from harken.signals.movement import Moments, MovementStatistics, Walks, moving
from harken.signals.non_wear import non_wear
from harken.support.arrays import Int64Array


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
