"""Composed days with a night: how they are put together, and what is counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.outcomes import composed_nights
from benchmarks.recognition.composed_days import Piece
from harken.timelines import Timeline

RATE_HZ = 20.0


def piece(label: str, seconds: int, seed: int = 0) -> Piece:
    noise = np.random.default_rng(seed).normal(0, 0.1, (round(seconds * RATE_HZ), 3))
    return Piece(label, (noise + np.array([1, 0, 0])).astype(np.float32))


@given(st.floats(-180, 180))
def test_a_roll_keeps_the_axis_of_the_forearm_and_the_length(degrees: float) -> None:
    signals = piece("lying", 2).signals
    found = composed_nights.rolled(signals, np.full(len(signals), degrees))
    np.testing.assert_array_equal(found[:, 0], signals[:, 0])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(signals, axis=1), rtol=1e-5)
    back = composed_nights.rolled(found, np.full(len(signals), -degrees))
    np.testing.assert_allclose(back, signals, atol=1e-5)


def test_the_stillest_half_minute() -> None:
    signals = piece("lying", 100).signals
    signals[: 40 * 20] += np.repeat(np.arange(40) % 2, 20).astype(np.float32)[:, None]
    signals[80 * 20 :] += np.repeat(np.arange(20) % 2, 20).astype(np.float32)[:, None]
    found = composed_nights.stillest(signals, RATE_HZ)
    assert len(found) == 30 * 20
    first = int(np.flatnonzero((signals == found[0]).all(axis=1))[0])
    assert 40 * 20 <= first <= 51 * 20  # the first second after it is as still
    short = piece("lying", 20).signals
    assert composed_nights.stillest(short, RATE_HZ) is short


def test_a_cut_loses_nothing_and_changes_no_label() -> None:
    stretches = [("sitting", piece("sitting", 10).signals), ("walking", piece("walking", 5).signals)]
    for samples in (0, 50, 200, 250, 300):
        before, after = composed_nights.cut(stretches, samples)
        assert sum(len(signals) for _, signals in before) == samples
        joined = np.concatenate([signals for _, signals in (*before, *after)])
        np.testing.assert_array_equal(joined, np.concatenate([signals for _, signals in stretches]))
        assert [label for label, _ in before] == ["sitting", "walking"][: len(before)]


def test_a_night_is_lying_with_two_times_up() -> None:
    own = [piece("lying", 120), piece("walking", 60, 1), piece("standing", 60, 2)]
    found = composed_nights.night(own, RATE_HZ, np.random.default_rng(3))
    labels = [label for label, _ in found]
    up = ["walking", "standing", "walking"]
    assert labels == ["lying", *up, "lying", *up, "lying"]
    hours = sum(len(signals) for label, signals in found if label == "lying") / RATE_HZ / 3600
    assert hours == pytest.approx(composed_nights.NIGHT_HOURS, abs=1e-3)


def test_hours_misplaced_at_night_and_up_as_lying() -> None:
    rows, labels = 4, ("lying", "sitting", "walking")
    given_labels = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=float)
    timeline = Timeline.of(
        np.arange(rows) * 3600 * 10**9,
        given_labels,
        end_ns=rows * 3600 * 10**9,
        recorded=np.ones(rows, dtype=bool),
        labels=labels,
        subject="anna",
    )
    truth = np.array(["lying", "lying", "walking", "sitting"])
    at_night, evening = np.array([True, True, True, False]), np.array([False, False, False, True])
    found = composed_nights.hours(timeline, truth, at_night, evening)
    # An hour of lying as sitting and an hour of walking as lying: an hour too much of sitting, too little of walking.
    assert found["night_hours_misplaced"] == pytest.approx(1)
    assert found["night_hours_lying"] == pytest.approx(2)
    assert found["night_hours_up_as_lying"] == found["night_hours_up"] == pytest.approx(1)
    assert found["evening_hours_sitting"] == found["evening_hours_sitting_true"] == pytest.approx(1)
