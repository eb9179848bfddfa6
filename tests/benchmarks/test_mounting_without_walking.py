"""The script that looks for the orientation of watches of people who do not walk."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.recognition import mounting_without_walking as script
from benchmarks.recognition.mounting_without_walking import Answer, Sensor
from harken.evaluation.protocols.studies import study_windows
from harken.recordings.recording import Recording
from harken.signals.movement import movement_of
from harken.signals.orientation import turned_by_quarters

RATE_HZ = 25


def person(study: str, directions: NDArray[np.float64], label: str, seconds: int = 20) -> Recording:
    """Somebody who holds the arm in each direction for some seconds, with a little noise."""
    random = np.random.default_rng(len(directions))
    held = np.repeat(directions / np.linalg.norm(directions, axis=1)[:, None], seconds * RATE_HZ, axis=0)
    signals = held + random.normal(0, 0.02, held.shape)
    return Recording(
        time_ns=np.arange(len(held), dtype=np.int64) * (10**9 // RATE_HZ),
        signals=signals.astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=np.zeros(len(held), np.int16),
        label_names=(label,),
        subject=f"{study}_1",
        study=study,
    )


def sensor(recording: Recording) -> Sensor:
    windows = study_windows([recording])
    return Sensor(recording.study, recording.subject, movement_of(recording), windows)


@pytest.fixture
def resting() -> Recording:
    """Gravity mostly across the forearm, as in sitting at a table."""
    across = np.random.default_rng(1).normal(0, 1, (40, 3)) * (0.2, 1, 1)
    return person("wisdm", across, "sitting")


def test_everything_on_foot_and_without_a_label_is_left_out() -> None:
    recording = person("dsads", np.eye(3), "sitting")
    names = (
        "ascending_stairs",
        "moving_around_in_elevator",
        "running_treadmill_8kmh",
        "sitting",
        "walking_parking_lot",
    )
    codes = np.resize(np.arange(-1, 5, dtype=np.int16), len(recording))
    found = script.without_walking(replace(recording, label_names=names, label_codes=codes))
    np.testing.assert_array_equal(found.valid, codes == 3)


def test_a_turned_watch_gives_the_opposite_evidence_and_a_half_turn_the_same(resting: Recording) -> None:
    table = script.table_of([sensor(resting)], bins=6, calm_g=0.2)
    upright, quarter, half = (
        script.evidence(sensor(turned_by_quarters(resting, quarters)), table) for quarters in range(3)
    )
    assert upright > 0.5
    assert quarter == pytest.approx(-upright, abs=1e-12)
    assert half == pytest.approx(upright, abs=1e-12)


def test_movement_and_too_few_calm_moments_are_no_evidence(resting: Recording) -> None:
    table = script.table_of([sensor(resting)], bins=6, calm_g=0.2)
    few = person("wisdm", np.array([[0.0, 1.0, 0.0]] * 5), "sitting")
    assert script.evidence(sensor(few), table) == 0.0
    shaken = resting.signals + np.float32(0.5) * np.sign(np.sin(np.arange(len(resting))))[:, None].astype(np.float32)
    assert script.evidence(sensor(replace(resting, signals=shaken)), table) == 0.0


def test_a_threshold_allows_one_per_cent_of_wrong_turns() -> None:
    values = np.concatenate([np.full(197, 0.5), [-0.1, -0.2, -0.3]])
    for watches, wrong in ((200, 2), (199, 1), (100, 1), (99, 0)):
        some = values[-watches:]
        assert (-some >= script.threshold_for(some)).sum() == wrong
    assert script.threshold_for(np.ones(5)) > 0


def test_answers_are_counted_by_study_and_together() -> None:
    counts = script.counted([Answer("wisdm", 1.0, 0.5), Answer("wisdm", -0.6, 0.5), Answer("dsads", 0.1, 0.5)])
    assert list(counts) == ["wisdm", "dsads", "all"]
    assert counts["wisdm"]["decided"] == 2
    assert counts["wisdm"]["share_right_of_decided"] == 0.5
    assert counts["dsads"]["share_right_of_decided"] is None
    assert counts["all"] | {"share_wrongly_turned": 1 / 3} == counts["all"]


def test_the_make_is_right_about_selfback_and_knows_nothing_of_other_studies(resting: Recording) -> None:
    every = [sensor(replace(resting, study=study)) for study in ("selfback", "wisdm")]
    assert [(one.study, one.evidence) for one in script.by_make(every)] == [("selfback", 1.0), ("wisdm", 0.0)]
