"""Which recordings are doubtful, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from harken.models.mounting import Mounting, MountingSource
from harken.models.wrist_check import Answer, WristCheck
from harken.recordings.recording import Placement
from harken.reports.study import DoubtKind, doubts_of
from harken.reports.wearer.quality import Gap, Gaps, RecordingQuality
from harken.signals.gravity import GravityCalibration
from wearers_week import labelled_week, quality_of


@pytest.fixture(scope="module")
def good() -> RecordingQuality:
    """A recording without any doubt."""
    quality = quality_of(labelled_week(days=0.1))
    return replace(
        quality,
        gaps=Gaps(0, 0.0, ()),
        wear_hours=24.0,
        non_wear_hours=0.0,
        calibration=None,
        orientation=None,
        placement=Placement.WRIST,
        wrist_check=None,
        stated_rate_hz=None,
        backward_times=0,
        rows=1000,
        out_of_range=0,
        clipped=0,
        stuck=0,
        missing=0,
    )


def calibration(*, applied: bool, error_mg: float) -> GravityCalibration:
    reason = "only 12 blocks are still; at least 50 are needed"
    return GravityCalibration(np.zeros(3), np.ones(3), np.zeros(3), 0.0, error_mg, error_mg, 12, applied, reason)


def mounting(source: MountingSource) -> Mounting:
    return Mounting(0, source, 3, (3.0, 0.0, 0.0, 0.0), "labelled as it is: too few moments of walking")


def test_a_good_recording_has_no_doubt(good: RecordingQuality) -> None:
    assert doubts_of(good) == ()


CHANGES: dict[str, tuple[dict[str, Any], DoubtKind, str]] = {
    "the file says hip": ({"placement": Placement.HIP}, DoubtKind.PLACEMENT, "on the hip"),
    "mounting": (
        {"orientation": mounting(MountingSource.NONE)},
        DoubtKind.MOUNTING,
        "too few moments of walking",
    ),
    "calibration": ({"calibration": calibration(applied=False, error_mg=31.0)}, DoubtKind.CALIBRATION, "error 31 mg"),
    "error unknown": (
        {"calibration": calibration(applied=False, error_mg=float("nan"))},
        DoubtKind.CALIBRATION,
        "not calibrated: only 12 blocks",
    ),
    "little wear": ({"wear_hours": 10.0, "non_wear_hours": 14.0}, DoubtKind.WEAR, "worn for 42 %"),
    "gaps": ({"gaps": Gaps(3, 7200.0, ())}, DoubtKind.WEAR, "2 h not recorded"),
    "backwards": ({"backward_times": 1}, DoubtKind.CLOCK, "runs backwards 1 time;"),
    "rate": ({"stated_rate_hz": 50.0, "sample_rate_hz": 97.4}, DoubtKind.CLOCK, "97.4 Hz by the clock, but 50 Hz"),
    "stuck": ({"stuck": 11}, DoubtKind.SENSOR, "stuck in 1.1 % of the samples"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_each_fault_gives_its_doubt_and_no_other(good: RecordingQuality, case: str) -> None:
    changed, kind, words = CHANGES[case]
    (doubt,) = doubts_of(replace(good, **changed))
    assert doubt.kind is kind
    assert words in doubt.words


@pytest.mark.parametrize(
    "changed",
    [
        {"calibration": calibration(applied=True, error_mg=4.0)},
        {"calibration": calibration(applied=False, error_mg=1.5)},
        {"orientation": mounting(MountingSource.STATED)},
        {"wear_hours": 18.0, "non_wear_hours": 6.0},
        {"wear_hours": None, "non_wear_hours": None},
        {"gaps": Gaps(1, 3600.0, ())},
        {"stuck": 10},
    ],
    ids=str,
)
def test_what_is_still_good_gives_none(good: RecordingQuality, changed: dict[str, Any]) -> None:
    assert doubts_of(replace(good, **changed)) == ()


def test_a_sensor_that_moves_as_on_a_leg_has_no_mounting_on_the_arm(good: RecordingQuality) -> None:
    elsewhere = replace(
        good,
        placement=Placement.UNKNOWN,
        wrist_check=WristCheck(Answer.ELSEWHERE, 90, 4.0),
        orientation=mounting(MountingSource.NONE),
    )
    assert [doubt.kind for doubt in doubts_of(elsewhere)] == [DoubtKind.PLACEMENT]


def test_a_jump_of_the_clock_is_no_missing_wear(good: RecordingQuality) -> None:
    jump = Gap(good.start, good.start + timedelta(days=91), 91 * 86_400.0)
    (doubt,) = doubts_of(replace(good, gaps=Gaps(2, jump.seconds + 60, (jump,))))
    assert doubt.kind is DoubtKind.CLOCK
    assert "91 d" in doubt.words


def test_the_worst_doubt_is_first(good: RecordingQuality) -> None:
    all_of_them = replace(good, placement=Placement.THIGH, stuck=500, backward_times=3, gaps=Gaps(1, 86_400.0, ()))
    kinds = [doubt.kind for doubt in doubts_of(all_of_them)]
    assert kinds == [DoubtKind.PLACEMENT, DoubtKind.WEAR, DoubtKind.CLOCK, DoubtKind.SENSOR]
