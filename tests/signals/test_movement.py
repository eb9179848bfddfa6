"""MovementBlocks of a stream are those computed one by one, however it is cut; and moments that are kept meanwhile."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.signals import MovementBlocks, MovementStatistics, Samples, movement, movement_of
from harken.signals.movement import Moments, Walks, like_walking, moving
from harken.support.errors import HarkenError
from synthetic_signals import ROUGH, clock, made

COLUMNS = list(MovementBlocks.__dataclass_fields__)


def reference(recording: Recording, block_ns: int) -> dict[str, list[object]]:
    """Each block by itself, in double precision."""
    found: dict[str, list[object]] = {name: [] for name in COLUMNS}
    good = np.flatnonzero(recording.valid)
    for number in np.unique(recording.time_ns[good] // block_ns):
        rows = good[recording.time_ns[good] // block_ns == number]
        values = recording.signals[rows, :3].astype(np.float64)
        halves = recording.time_ns[rows] // (10**9 // 2)
        means, apart, each = [], [], []
        for second in np.unique(halves // 2):
            early, late = values[halves == 2 * second], values[halves == 2 * second + 1]
            if len(early) and len(late):
                means.append(np.concatenate([early, late]).mean(axis=0))
                each.append(len(early) + len(late))
                apart.append(early.mean(axis=0) - late.mean(axis=0))
        between, by_samples, by_halves = np.zeros(3), np.zeros(3), np.zeros(3)
        if len(means) > 1:
            between = np.var(means, axis=0, ddof=1)
            by_halves = np.mean(np.square(apart), axis=0) / 4
            within = np.maximum(values.var(axis=0) - between * (len(means) - 1) / len(means), 0)
            by_samples = within / max(np.mean(each) - 1, 1)
        steps = np.abs(np.diff(recording.signals[rows[:32], :3], axis=0))
        found["start_ns"].append(number * block_ns)
        found["samples"].append(len(rows))
        found["mean"].append(values.mean(axis=0))
        found["standard_deviation"].append(values.std(axis=0))
        found["lowest"].append(values.min(axis=0))
        found["highest"].append(values.max(axis=0))
        found["second_variance"].append(between)
        found["noise_by_samples"].append(by_samples)
        found["noise_by_halves"].append(by_halves)
        found["step"].append(steps[steps > 0].min() if (steps > 0).any() else np.nan)
        found["temperature"].append(np.nan)
    return found


@settings(max_examples=40)
@given(drawn=ROUGH, block_s=st.sampled_from([2, 3, 10]))
def test_the_same_as_one_by_one(drawn: tuple[Recording, np.random.Generator], block_s: int) -> None:
    recording, _ = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movement, "BLOCK_NS", block_s * 10**9)
        blocks = movement_of(recording)
    expected = reference(recording, block_s * 10**9)
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(blocks, name), np.array(expected[name]), rtol=1e-6, atol=1e-8, err_msg=name)


@settings(max_examples=60)
@given(drawn=ROUGH, pushes=st.integers(0, 40))
def test_a_stream_gives_the_same_to_the_bit(drawn: tuple[Recording, np.random.Generator], pushes: int) -> None:
    recording, random = drawn
    cuts = np.sort(random.integers(0, len(recording) + 1, pushes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movement, "BLOCK_NS", 2 * 10**9)
        whole, stream = movement_of(recording), MovementStatistics()
        for first, last in zip([0, *cuts], [*cuts, len(recording)], strict=True):
            stream.push(Samples.of(recording).part(first, last))
        blocks = stream.finish()
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(blocks, name), getattr(whole, name), err_msg=name)


def test_nothing_and_what_is_refused() -> None:
    assert len(MovementStatistics().finish()) == 0
    two = made(clock(50, 10), np.zeros((500, 2)))
    with pytest.raises(HarkenError, match="x, y, z"):
        movement_of(two)


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


def walks_in(every: Samples, cuts: list[int] | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The starts and the signals of the moments of walking, at the rate of the samples."""
    walks = Walks()
    statistics = MovementStatistics(listeners=(walks,))
    for first, last in pairwise([0, *sorted(cuts or []), len(every.time_ns)]):
        statistics.push(every.part(first, last))
    statistics.finish()
    return walks.resampled(sample_rate_hz=RATE_HZ, length=10 * RATE_HZ)


def test_a_moment_of_walking_begins_every_two_and_a_half_seconds() -> None:
    starts_ns, signals = walks_in(DAY)
    seconds = (starts_ns - START_NS) / 1e9
    for first, last in ((60, 110), (240, 290)):
        inside = seconds[(seconds >= first) & (seconds <= last + 0.1)]
        np.testing.assert_allclose(inside, np.arange(first, last + 0.1, 2.5), atol=1 / RATE_HZ)
    # Beside these, some that reach beyond the walk.
    assert all(50 < second < 120 or 230 < second < 300 for second in seconds.tolist())
    for start_ns, moment in zip(starts_ns.tolist(), signals, strict=True):
        first = int(np.searchsorted(DAY.time_ns, start_ns))
        np.testing.assert_allclose(moment, DAY.signals[first : first + len(moment)], atol=1e-6)


@given(st.lists(st.integers(0, len(DAY.time_ns)), max_size=12))
def test_moments_of_walking_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    whole, cut = walks_in(DAY), walks_in(DAY, cuts)
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1], cut[1])


def test_of_many_every_second_or_fourth_is_kept() -> None:
    found = Moments(like_walking, most=8)
    statistics = MovementStatistics(listeners=(found,))
    statistics.push(samples(step_by_step(250, hz=2.0, swing_g=0.3)))
    statistics.finish()
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
