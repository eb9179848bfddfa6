"""Offset and gain are found again from a sensor that lay still in many ways; and refused where it did not."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.signals import calibrate_gravity, gravity_calibration, movement_of
from still_recordings import SPHERE, resting

OFFSETS = st.lists(st.floats(-0.08, 0.08), min_size=3, max_size=3).map(np.array)
GAINS = st.lists(st.floats(0.94, 1.06), min_size=3, max_size=3).map(np.array)


def distorted(
    recording: Recording, offset: NDArray[np.float64], gain: NDArray[np.float64], slope: float = 0.0
) -> Recording:
    """What a sensor would have measured that ``offset`` and ``gain`` calibrate."""
    signals = recording.signals.copy()
    warm = slope * (signals[:, 3:] - 25) if slope else 0
    signals[:, :3] = (signals[:, :3] - offset - warm) / gain
    return replace(recording, signals=signals)


def turned(seed: int, count: int = 40) -> NDArray[np.float64]:
    directions = np.random.default_rng(seed).normal(size=(count, 3))
    return np.concatenate([SPHERE, directions / np.linalg.norm(directions, axis=1, keepdims=True)])


@settings(max_examples=30)
@given(offset=OFFSETS, gain=GAINS, seed=st.integers(0, 1000))
def test_offset_and_gain_are_found_again(offset: NDArray[np.float64], gain: NDArray[np.float64], seed: int) -> None:
    true = resting(turned(seed), seed=seed, rate_hz=20)
    measured = distorted(true, offset, gain)
    calibration = gravity_calibration(movement_of(measured))
    if calibration.error_before_mg < 2:
        assert not calibration.applied
        return
    assert calibration.applied, calibration.reason
    np.testing.assert_allclose(calibration.offset_g, offset, atol=0.001)
    np.testing.assert_allclose(calibration.gain, gain, atol=0.0015)
    assert calibration.error_after_mg < 0.5
    np.testing.assert_allclose(calibration.apply(measured.signals), true.signals, atol=0.003)


def test_temperature_is_taken_into_account() -> None:
    directions = turned(3, 60)
    degrees = np.random.default_rng(1).uniform(15, 35, len(directions))
    true = resting(directions, temperature=list(degrees))
    measured = distorted(true, np.array([0.02, -0.03, 0.01]), np.array([1.01, 0.98, 1.0]), slope=0.001)
    calibration = gravity_calibration(movement_of(measured))
    assert calibration.applied
    np.testing.assert_allclose(calibration.temperature_slope, 0.001, atol=1e-4)
    calibrated = calibrate_gravity(measured)
    np.testing.assert_allclose(calibrated.signals[:, :3], true.signals[:, :3], atol=0.003)
    np.testing.assert_array_equal(calibrated.signals[:, 3], measured.signals[:, 3])
    constant = replace(
        measured, signals=np.column_stack([measured.signals[:, :3], np.full(len(measured), 20.0)]).astype(np.float32)
    )
    assert not gravity_calibration(movement_of(constant)).temperature_slope.any()


def test_a_night_in_one_posture_does_not_outweigh_the_rest() -> None:
    few = resting(SPHERE, rate_hz=20)
    night = resting(SPHERE[:1], minutes=240, rate_hz=20)
    measured = distorted(
        replace(
            few,
            time_ns=np.concatenate([few.time_ns, night.time_ns + 10**12]),
            signals=np.concatenate([few.signals, night.signals]),
            label_codes=np.concatenate([few.label_codes, night.label_codes]),
            valid=np.concatenate([few.valid, night.valid]),
        ),
        np.array([0.03, 0.02, -0.04]),
        np.array([0.97, 1.03, 1.02]),
    )
    calibration = gravity_calibration(movement_of(measured))
    np.testing.assert_allclose(calibration.offset_g, [0.03, 0.02, -0.04], atol=0.002)


@pytest.mark.parametrize(
    ("directions", "offset", "reason"),
    [
        (SPHERE[:3], 0.05, r"do not cover the sphere: none lies beyond 0.3 g towards -x, -y, -z"),
        (np.delete(turned(0), 5, axis=0)[:2], 0.05, "only 12 blocks are still"),
        (turned(0), 0.0, "so no calibration is needed"),
    ],
)
def test_what_is_not_calibrated_says_why_and_stays(directions: NDArray[np.float64], offset: float, reason: str) -> None:
    minutes = 5.0 if len(directions) == 3 else 1.0
    measured = distorted(resting(directions, minutes=minutes), np.full(3, offset), np.ones(3))
    calibration = gravity_calibration(movement_of(measured))
    assert not calibration.applied
    assert calibration.error_after_mg == calibration.error_before_mg
    assert calibration.apply(measured.signals) is measured.signals
    calibrated = calibrate_gravity(measured)
    np.testing.assert_array_equal(calibrated.signals, measured.signals)
    assert re.search(reason, calibrated.quality.notes[-1])
    assert calibrated.quality.notes[-1].startswith("not calibrated: ")


def test_a_sensor_that_points_nowhere_is_not_calibrated() -> None:
    random = np.random.default_rng(0)
    broken = resting(turned(0) * random.uniform(0.6, 1.4, (50, 1)))
    calibration = gravity_calibration(movement_of(broken))
    assert not calibration.applied
    assert "after the fit, the error is still" in calibration.reason
