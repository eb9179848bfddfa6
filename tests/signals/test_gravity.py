"""Gravity told from movement: they add up, a sine goes where it belongs, and stretches know nothing of one another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.signals import gravity as module
from harken.signals import split_gravity
from harken.support.errors import HarkenError
from made_recordings import recording_of

RATE_HZ = 50.0


def made(
    signals: NDArray[np.floating], *, gaps: tuple[int, ...] = (), valid: NDArray[np.bool_] | None = None
) -> Recording:
    n = len(signals)
    time_ns = (np.arange(n) * 1e9 / RATE_HZ).astype(np.int64)
    for row in gaps:
        time_ns[row:] += 60 * 10**9
    return recording_of(time_ns, signals, codes=0, names=("sit",), valid=valid)


def sine(frequency_hz: float, seconds: float = 60) -> NDArray[np.float64]:
    phase = 2 * np.pi * frequency_hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.stack([np.sin(phase), np.cos(phase), np.ones_like(phase)], axis=1)


def parts(recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    gravity = recording.select_channels(("gravity_x", "gravity_y", "gravity_z")).signals
    return gravity, recording.select_channels(("body_x", "body_y", "body_z")).signals


@pytest.mark.parametrize(("frequency_hz", "share"), [(0.05, 1.0), (0.3, 0.5), (2.0, 0.0)])
def test_a_sine_goes_where_it_belongs(frequency_hz: float, share: float) -> None:
    gravity, body = parts(split_gravity(made(sine(frequency_hz))))
    middle = slice(500, -500)
    np.testing.assert_allclose(gravity[middle, :2], share * sine(frequency_hz)[middle, :2], atol=0.01)
    np.testing.assert_allclose(body[middle, :2], (1 - share) * sine(frequency_hz)[middle, :2], atol=0.01)


@settings(max_examples=50)
@given(
    lengths=st.tuples(st.integers(10, 400)) | st.tuples(st.integers(10, 400), st.integers(1, 400), st.integers(1, 9)),
    marked=st.integers(0, 5),
    cutoff_hz=st.floats(0.1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_gravity_and_body_add_up(lengths: tuple[int, ...], marked: int, cutoff_hz: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    signals = random.normal(0, 1, (sum(lengths), 3)) + np.array([0, 0, 1])
    valid = np.ones(len(signals), bool)
    bad = random.integers(0, len(signals), marked)
    valid[bad] = False
    signals[bad] = random.choice([np.nan, np.inf, 15.995], (marked, 3))
    old = made(signals, gaps=tuple(np.cumsum(lengths)[:-1].tolist()), valid=valid)
    gravity, body = parts(split_gravity(old, cutoff_hz))
    assert np.isfinite(gravity[valid]).all()
    np.testing.assert_allclose((gravity + body)[valid], old.signals[valid, :3], atol=1e-6)
    np.testing.assert_array_equal(split_gravity(old, cutoff_hz).valid, valid)


def test_stretches_know_nothing_of_one_another() -> None:
    random = np.random.default_rng(0)
    signals = random.normal(0, 1, (600, 3))
    both, _ = parts(split_gravity(made(signals, gaps=(200,))))
    alone, _ = parts(split_gravity(made(signals[200:])))
    np.testing.assert_allclose(both[200:], alone, atol=1e-6)
    marked = signals.copy()
    marked[200:260] = np.nan  # 1.2 s: as good as a gap
    valid = np.isfinite(marked[:, 0])
    apart, body = parts(split_gravity(made(marked, valid=valid)))
    np.testing.assert_allclose(apart[260:], parts(split_gravity(made(signals[260:])))[0], atol=1e-6)
    assert np.isnan(apart[200:260]).all()
    assert np.isnan(body[200:260]).all()


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = np.random.default_rng(1).normal(0, 1, (20_000, 3))
    whole, _ = parts(split_gravity(made(signals)))
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 700)
    pieces, _ = parts(split_gravity(made(signals)))
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_what_is_refused() -> None:
    old = made(np.ones((100, 3)))
    with pytest.raises(HarkenError, match="ann already has gravity_x"):
        split_gravity(split_gravity(old))
    with pytest.raises(HarkenError, match="has no channel z"):
        split_gravity(made(np.ones((100, 2))))
    for cutoff_hz in (0, -1, 25, float("nan")):
        with pytest.raises(HarkenError, match="a cut-off above 0 and below half the recording's rate of 50 Hz"):
            split_gravity(old, cutoff_hz)
