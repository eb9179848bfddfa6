"""Reasons to doubt the labels or the outcomes of a recording, from its quality."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from harken.models.wrist_check import Answer
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.mending import JUMP_NS
from harken.recordings.recording import Placement
from harken.reports.wearer.quality import RecordingQuality
from harken.reports.wearer.sentences import LEAST_WORN, MOST_MARKED, MOST_RATE_ERROR, MUCH_GAP_H
from harken.reports.wearer.tables import lasting, number
from harken.signals.gravity import GOOD_G, GravityCalibration
from harken.support.printable import percent_number


class DoubtKind(StrEnum):
    """What a doubt concerns, the worst first."""

    PLACEMENT = "placement"
    MOUNTING = "mounting"
    TRAINING = "training"
    CALIBRATION = "calibration"
    WEAR = "wear"
    CLOCK = "clock"
    SENSOR = "sensor"


KINDS_IN_WORDS = {
    DoubtKind.PLACEMENT: (
        "Not on a wrist",
        "The model knows wrists only, so these labels mean nothing. --placement wrist states that it was one.",
    ),
    DoubtKind.MOUNTING: (
        "Mounting unknown",
        "It is not known how the watch sat on the arm. If it sat otherwise than assumed, most labels are wrong: "
        "--forearm-axis states it.",
    ),
    DoubtKind.TRAINING: (
        "Used for training",
        "The model was trained on these recordings, so its labels are better here than on others.",
    ),
    DoubtKind.CALIBRATION: (
        "Not calibrated",
        "The sensor was used as it is. Intensity, nights and non-wear depend on it most.",
    ),
    DoubtKind.WEAR: ("Worn or recorded too little", "Averages stand for few days, or for none."),
    DoubtKind.CLOCK: ("Clock", "Dates, times and the hours of a day may be wrong."),
    DoubtKind.SENSOR: ("Sensor", "Many samples are marked as faulty and were not used."),
}
"""A heading for each kind, and what it means for the results."""


@dataclass(frozen=True)
class Doubt:
    """A reason for doubt, in words that begin with a small letter."""

    kind: DoubtKind
    words: str


def doubts_of(quality: RecordingQuality) -> tuple[Doubt, ...]:
    """The doubts about a recording, the worst first; empty for most recordings.

    The limits are those of the report of a wearer.
    """
    doubts = [*_placement(quality), *_calibration(quality.calibration), *_wear(quality), *_clock(quality)]
    doubts += [*_sensor(quality), *_training(quality.training_share)]
    order = list(DoubtKind)
    return tuple(sorted(doubts, key=lambda doubt: order.index(doubt.kind)))


def no_valid_day() -> Doubt:
    """The doubt about a person without a valid day."""
    return Doubt(DoubtKind.WEAR, "no valid day, so there are no averages")


def _placement(quality: RecordingQuality) -> Iterator[Doubt]:
    """Where the sensor was, and for a wrist how it sat on the arm."""
    placement, check, mounting = quality.placement, quality.wrist_check, quality.orientation
    if placement not in (Placement.UNKNOWN, Placement.WRIST):
        yield Doubt(DoubtKind.PLACEMENT, f"the file states that the sensor was on the {placement}")
    elif placement is Placement.UNKNOWN and check is not None and check.answer is Answer.ELSEWHERE:
        yield Doubt(DoubtKind.PLACEMENT, "the sensor moved as on a leg or the trunk")
    elif mounting is not None and not mounting.known:
        yield Doubt(DoubtKind.MOUNTING, f"how it sat on the arm is unknown; it was {mounting.reason}")


def _training(share: float | None) -> Iterator[Doubt]:
    if share is not None and share > SAME_RECORDING:
        yield Doubt(
            DoubtKind.TRAINING, f"the model was trained on {percent_number(share, decimals=0)} % of this recording"
        )


def _calibration(calibration: GravityCalibration | None) -> Iterator[Doubt]:
    """A calibration that was refused although the error was not small already."""
    if calibration is None or calibration.applied:
        return
    before = calibration.error_before_mg
    if not before < 1000 * GOOD_G:
        known = f" (error {number(before, 'mg')})" if math.isfinite(before) else ""
        yield Doubt(DoubtKind.CALIBRATION, f"not calibrated{known}: {calibration.reason}")


def _wear(quality: RecordingQuality) -> Iterator[Doubt]:
    worn, off = quality.wear_hours, quality.non_wear_hours
    if worn is not None and off is not None and worn + off > 0 and worn / (worn + off) < LEAST_WORN:
        yield Doubt(
            DoubtKind.WEAR, f"worn for {percent_number(worn / (worn + off), decimals=0)} % of the time recorded"
        )
    missing_s = quality.gaps.total_s - sum(_jumps_s(quality))
    if missing_s > 3600 * MUCH_GAP_H:
        yield Doubt(DoubtKind.WEAR, f"{lasting(missing_s)} not recorded")


def _jumps_s(quality: RecordingQuality) -> list[float]:
    """The lengths of the gaps that are jumps of the clock; they are among the longest."""
    return [gap.seconds for gap in quality.gaps.longest if gap.seconds * 1e9 > JUMP_NS]


def _clock(quality: RecordingQuality) -> Iterator[Doubt]:
    for jump_s in _jumps_s(quality):
        yield Doubt(DoubtKind.CLOCK, f"the clock jumps forward by {lasting(jump_s)}")
    if quality.backward_times:
        times = "time" if quality.backward_times == 1 else "times"
        yield Doubt(DoubtKind.CLOCK, f"the clock runs backwards {quality.backward_times:,} {times}; rows were sorted")
    drift = quality.clock_drift
    if drift is not None and abs(drift - 1) > MOST_RATE_ERROR:
        stated = quality.stated_rate_hz
        yield Doubt(DoubtKind.CLOCK, f"{quality.sample_rate_hz:.4g} Hz by the clock, but {stated:g} Hz stated")


def _sensor(quality: RecordingQuality) -> Iterator[Doubt]:
    """Marked samples, where they are many."""
    marked = {
        "beyond its range": quality.out_of_range,
        "stuck": quality.stuck,
        "at the end of its range": quality.clipped,
        "without a value": quality.missing,
    }
    for words, samples in marked.items():
        if quality.rows and samples / quality.rows > MOST_MARKED:
            share = percent_number(samples / quality.rows)
            yield Doubt(DoubtKind.SENSOR, f"{words} in {share} % of the samples")
