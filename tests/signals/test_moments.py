"""Moments that are kept while a recording goes by: those like walking, and those with movement."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.source import Samples
from harken.signals import MovementStatistics, movement
from harken.signals.movement import Moments, like_walking, moving

RATE_HZ = 25
START_NS = 1_700_000_000 * 10**9
BLOCK_NS = 10 * 10**9


def step_by_step(seconds: int, *, hz: float, swing_g: float) -> NDArray[np.float64]:
    """A hanging arm that swings, ``[n, 3]``."""
    t = np.arange(seconds * RATE_HZ) / RATE_HZ
    swing = swing_g * np.sin(2 * np.pi * hz * t)
    return np.stack([1 + swing, 0.5 * swing, 0.1 * np.cos(2 * np.pi * hz * t)], axis=1)


def samples(signals: NDArray[np.float64]) -> Samples:
    n = len(signals)
    time_ns = START_NS + np.arange(n) * (10**9 // RATE_HZ)
    return Samples(time_ns, signals.astype(np.float32), np.full(n, -1, np.int16), np.ones(n, dtype=bool))


def kept(every: Samples, cuts: list[int] | None = None) -> Moments:
    found = Moments(like_walking)
    statistics = MovementStatistics(listeners=(found,))
    edges = [0, *sorted(cuts or []), len(every.time_ns)]
    for first, last in pairwise(edges):
        statistics.push(every.part(first, last))
    statistics.finish()
    return found


PARTS = {
    "still": step_by_step(60, hz=2.0, swing_g=0.01),
    "walking": step_by_step(60, hz=2.0, swing_g=0.3),
    "a slow wave": step_by_step(60, hz=0.2, swing_g=0.3),
    "running": step_by_step(60, hz=3.0, swing_g=1.5),
    "walking again": step_by_step(60, hz=1.0, swing_g=0.4),
}
DAY = samples(np.concatenate(list(PARTS.values())))


def test_walking_is_kept_and_stillness_waves_and_running_are_not() -> None:
    begins = [(int(time[0]) - START_NS) // BLOCK_NS for time, _ in kept(DAY).moments]
    assert begins == [*range(6, 12), *range(24, 30)]
    for time_ns, acceleration in kept(DAY).moments:
        rows = np.searchsorted(DAY.time_ns, time_ns)
        assert len(rows) == 10 * RATE_HZ
        np.testing.assert_array_equal(acceleration, DAY.signals[rows])


@given(st.lists(st.integers(0, len(DAY.time_ns)), max_size=12))
def test_however_the_stream_is_cut(cuts: list[int]) -> None:
    whole, cut = kept(DAY).moments, kept(DAY, cuts).moments
    assert len(whole) == len(cut)
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_of_many_every_second_or_fourth_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(movement, "MOST_MOMENTS", 8)
    found = kept(samples(step_by_step(250, hz=2.0, swing_g=0.3)))
    assert [(int(time[0]) - START_NS) // BLOCK_NS for time, _ in found.moments] == [0, 4, 8, 12, 16, 20, 24]


def test_moments_at_another_rate() -> None:
    found = kept(DAY)
    starts_ns, signals = found.resampled(sample_rate_hz=10, length=100)
    assert signals.shape == (12, 100, 3)
    assert starts_ns.tolist() == [int(time[0]) for time, _ in found.moments]
    direct = step_by_step(10, hz=2.0, swing_g=0.3)
    assert np.abs(signals[3, 10:90, 0].std() - direct[:, 0].std()) < 0.02
    assert found.resampled(sample_rate_hz=10, length=110)[1].shape == (0, 110, 3)
    assert Moments(moving).resampled(sample_rate_hz=10, length=100)[1].shape == (0, 100, 3)
