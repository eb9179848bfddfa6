"""The quality of a recording in words: a line of the table, and a caveat where it is bad."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harken.mounting.turns import Mounting, MountingSource, Turn
from harken.mounting.wrist_check import Answer, WristCheck
from harken.outcomes.recording_quality import Gap, GapSummary
from harken.recordings.recording import BrokenAxis, Placement
from harken.reports.caveats import CaveatKind, Line, caveats_of, quality_lines
from harken.signals.gravity import GravityCalibration
from wearers_week import PLAIN_QUALITY

GOOD = replace(PLAIN_QUALITY, wear_hours=24.0, non_wear_hours=0.0, placement=Placement.WRIST, rows=1000)
"""A recording without a caveat."""
JUMP = Gap(GOOD.start, "2024-04-01T00:00:00.000+00:00", 91 * 86_400.0)
ELSEWHERE = WristCheck(Answer.ELSEWHERE, 90, 4.0)
BROKEN_Z = BrokenAxis("z", 1.98, 250, 1, (("2024-01-01T10:00:00.000+00:00", "2024-01-01T10:10:00.000+00:00"),))
AS_IT_MOVES = {
    Answer.WRIST: "wrist, as it moves",
    Answer.ELSEWHERE: "a leg or the trunk, as it moves",
    Answer.UNDECIDED: "unknown: too little movement to tell",
}


def calibration(*, applied: bool, error_mg: float) -> GravityCalibration:
    reason = "only 12 blocks are still; at least 50 are needed"
    return GravityCalibration(np.zeros(3), np.ones(3), np.zeros(3), 0.0, error_mg, error_mg, 12, applied, reason)


RECOGNISED = (3.0,) + (0.0,) * 7
UNDECIDED = Mounting(Turn(), MountingSource.NONE, 3, (0.4,) + (0.0,) * 7)
SHOWN = Mounting(Turn(3), MountingSource.WALKING, 3, RECOGNISED, walking_axis="-y")
STATED = Mounting(Turn(), MountingSource.STATED, 3, RECOGNISED, stated_axis="x", walking_axis="-x")
CONTRADICTED = Mounting(Turn(2), MountingSource.STATED, 3, RECOGNISED, stated_axis="-y", walking_axis="x")
LITTLE = (
    "not turned: the model recognises 0.4 of 3 moments as walking with a hanging arm, which is too little to decide"
)
SEEN = "in 3 of 3 moments, the model recognises walking with a hanging arm, and gravity then lies along its"


def test_a_good_recording_has_no_caveat() -> None:
    assert caveats_of(GOOD) == ()
    assert [line for line in quality_lines(GOOD) if line.heed] == []


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"placement": Placement.HIP}, CaveatKind.PLACEMENT, "on the hip"),
        ({"orientation": UNDECIDED}, CaveatKind.MOUNTING, LITTLE),
        (
            {"orientation": CONTRADICTED},
            CaveatKind.MOUNTING,
            f"contradicts the stated forearm axis: {SEEN} x axis",
        ),
        ({"training_share": 0.5}, CaveatKind.TRAINING, "trained on 50 % of this recording"),
        ({"calibration": calibration(applied=False, error_mg=31.0)}, CaveatKind.CALIBRATION, "(error 31 mg): only 12"),
        (
            {"calibration": calibration(applied=False, error_mg=float("nan"))},
            CaveatKind.CALIBRATION,
            "not calibrated: only 12 blocks",
        ),
        ({"wear_hours": 10.0, "non_wear_hours": 14.0}, CaveatKind.WEAR, "worn for 42 %"),
        ({"gaps": GapSummary(3, 7200.0, ())}, CaveatKind.WEAR, "2 h not recorded"),
        # A jump of the clock is no time without samples.
        ({"gaps": GapSummary(2, JUMP.seconds + 60, (JUMP,))}, CaveatKind.CLOCK, "jumps forward by 91 d"),
        ({"backward_times": 1}, CaveatKind.CLOCK, "runs backwards 1 time;"),
        ({"stated_rate_hz": 50.0, "sample_rate_hz": 97.4}, CaveatKind.CLOCK, "97.4 Hz by the clock, but 50 Hz"),
        ({"stuck": 11}, CaveatKind.SENSOR, "stuck in 1.1 % of the samples"),
        (
            {"broken": 250, "broken_axes": (BROKEN_Z,)},
            CaveatKind.SENSOR,
            "broken: z stays at 1.98 g in 25.0 % of the samples",
        ),
        # A sensor that moves as on a leg has no mounting on the arm.
        (
            {"placement": Placement.UNKNOWN, "wrist_check": ELSEWHERE, "orientation": UNDECIDED},
            CaveatKind.PLACEMENT,
            "moved as on a leg",
        ),
    ],
)
def test_each_fault_gives_its_caveat_and_no_other(changed: dict[str, Any], kind: CaveatKind, words: str) -> None:
    (caveat,) = caveats_of(replace(GOOD, **changed))
    assert caveat.kind is kind
    assert words in caveat.words


@pytest.mark.parametrize(
    "changed",
    [
        {"calibration": calibration(applied=True, error_mg=4.0)},
        {"calibration": calibration(applied=False, error_mg=1.5)},
        {"orientation": STATED},
        {"wear_hours": 18.0, "non_wear_hours": 6.0},
        {"wear_hours": None, "non_wear_hours": None},
        {"gaps": GapSummary(1, 3600.0, ())},
        {"stated_rate_hz": 100.0, "sample_rate_hz": 105.0},
        {"stuck": 10},
    ],
    ids=str,
)
def test_what_is_still_good_gives_none(changed: dict[str, Any]) -> None:
    assert caveats_of(replace(GOOD, **changed)) == ()


def test_the_worst_caveat_is_first() -> None:
    gap = GapSummary(1, 86_400.0, ())
    caveats = caveats_of(replace(GOOD, placement=Placement.THIGH, stuck=500, backward_times=3, gaps=gap))
    kinds = [caveat.kind for caveat in caveats]
    assert kinds == [CaveatKind.PLACEMENT, CaveatKind.WEAR, CaveatKind.CLOCK, CaveatKind.SENSOR]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"orientation": UNDECIDED},
            Line("How the watch was worn", LITTLE, "unknown"),
        ),
        (
            {"orientation": CONTRADICTED},
            Line(
                "How the watch was worn",
                "turned by 90 degrees about the face: its -y axis was stated to point along the forearm",
                "walking contradicts it",
            ),
        ),
        (
            {"orientation": STATED},
            Line("How the watch was worn", "not turned: its x axis was stated to point along the forearm"),
        ),
        (
            {"orientation": SHOWN},
            Line(
                "How the watch was worn",
                f"turned by 135 degrees about the face: {SEEN} -y axis",
                "the axes were turned to the model's",
            ),
        ),
        ({}, Line("Worn on", "wrist")),
        *(
            (
                {"placement": Placement.UNKNOWN, "wrist_check": WristCheck(answer, 40, 2.5)},
                Line("Worn on", words, "not a wrist" if answer is Answer.ELSEWHERE else ""),
            )
            for answer, words in AS_IT_MOVES.items()
        ),
        (
            {"at_range_end": 25, "clipped": 20},
            Line(
                "At the end of the range",
                "20 samples, marked and not used; 5 samples in cut-off peaks, used",
                "more than 1 % of the samples",
            ),
        ),
        (
            {"sample_rate_hz": 83.1, "stated_rate_hz": 100.0},
            Line("Clock against the stated rate", "17 % fewer samples a second than stated (ratio 0.831)"),
        ),
        (
            {"calibration": calibration(applied=False, error_mg=40.0)},
            Line(
                "Calibration against gravity",
                "not applied; error 40 mg",
                "only 12 blocks are still; at least 50 are needed",
            ),
        ),
    ],
)
def test_a_line_says_what_is_known(changed: dict[str, Any], line: Line) -> None:
    assert line in quality_lines(replace(GOOD, **changed))
