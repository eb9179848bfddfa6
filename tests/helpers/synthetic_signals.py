"""Recordings for tests of resampling: clocks with jitter and gaps, sines, and rough ones drawn by hypothesis."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from made_recordings import recording_of

START_NS = 1_704_067_200 * 10**9 + 123_456_789


def clock(
    rate_hz: float, seconds: float, *, jitter: float = 0.0, gaps_s: Sequence[tuple[float, float]] = (), seed: int = 0
) -> NDArray[np.int64]:
    """Times in nanoseconds, each up to ``jitter`` of an interval early or late, none within the gaps."""
    random = np.random.default_rng(seed)
    n = int(rate_hz * seconds)
    since_s = (np.arange(n) + random.uniform(-jitter, jitter, n)) / rate_hz
    for first, last in gaps_s:
        since_s = since_s[(since_s < first) | (since_s > last)]
    return START_NS + np.rint(since_s * 1e9).astype(np.int64)


def made(
    time_ns: NDArray[np.int64],
    signals: NDArray[np.floating] | None = None,
    *,
    codes: NDArray[np.int16] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Recording:
    n = len(time_ns)
    if signals is None:
        signals = np.random.default_rng(1).normal(0, 0.3, (n, 3)) + np.array([0.0, 0.6, 0.8])
    return recording_of(time_ns, signals, codes=0 if codes is None else codes, names=("sit", "walk"), valid=valid)


def sine(time_ns: NDArray[np.int64], frequency_hz: float) -> NDArray[np.float64]:
    phase = 2 * np.pi * frequency_hz * (time_ns - START_NS) / 1e9
    return np.stack([np.sin(phase), np.cos(phase)], axis=1)


def inside(recording: Recording, margin_s: float) -> NDArray[np.bool_]:
    """Samples that are further than the margin from the ends of their stretch."""
    margin = round(margin_s * 1e9)
    edges = np.concatenate([[0], recording.gap_rows, [len(recording)]])
    first, last = recording.time_ns[edges[:-1]], recording.time_ns[edges[1:] - 1]
    ids = recording.stretch_ids
    return np.asarray((recording.time_ns - first[ids] >= margin) & (last[ids] - recording.time_ns >= margin))


def rough(
    *, seed: int, rate_hz: float, seconds: float, gaps: int, marked: int, missing: float
) -> tuple[Recording, np.random.Generator]:
    """A recording with jitter, missing samples, gaps, marked samples (NaN among them), and labels that change."""
    random = np.random.default_rng(seed)
    starts = random.uniform(1, seconds, gaps)  # the first second is always there
    time_ns = clock(rate_hz, seconds, jitter=0.3, gaps_s=[(s, s + random.uniform(0.1, 3)) for s in starts], seed=seed)
    time_ns = time_ns[random.random(len(time_ns)) >= missing]
    n = len(time_ns)
    signals = random.normal(0, 0.5, (n, 3))
    valid = np.ones(n, bool)
    bad = random.integers(0, n, marked)
    valid[bad] = False
    signals[bad] = random.choice([np.nan, np.inf, 15.995], (len(bad), 3))
    codes = np.repeat(random.integers(-1, 2, n // 20 + 1), 20)[:n].astype(np.int16)
    return made(time_ns, signals, codes=codes, valid=valid), random


ROUGH = st.builds(
    rough,
    seed=st.integers(0, 2**32 - 1),
    rate_hz=st.floats(12, 120),
    seconds=st.floats(2, 12),
    gaps=st.integers(0, 3),
    marked=st.integers(0, 4),
    missing=st.sampled_from([0.0, 0.05, 0.4]),
)
NEW_RATES = st.one_of(st.sampled_from([20.0, 25.0, 30.0, 50.0]), st.floats(10, 60))
