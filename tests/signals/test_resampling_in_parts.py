"""Resampled by another way, as a stream or in pieces: the samples are the same."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from harken.recordings.recording import Recording
from harken.signals import Resampler, Samples, joined, look_ahead_s, resample
from harken.signals.resampling import LowPass
from synthetic_signals import NEW_RATES, ROUGH


def reference(recording: Recording, new_hz: float, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """The first channel at ``time_ns`` as a direct sum in double precision, over SciPy's curves."""
    low_pass = LowPass(4)
    origin = recording.time_ns[0]
    away_s = np.arange(-low_pass.reach, low_pass.reach + 1) / (4 * new_hz)
    at = (time_ns[:, None] - origin) / 1e9 + away_s
    t, x = (recording.time_ns - origin) / 1e9, recording.signals[:, 0].astype(float)
    steps_ns = np.diff(recording.time_ns)
    cut = (steps_ns > recording.gap_limit_ns) | ~recording.valid[1:] | ~recording.valid[:-1]
    stretch = np.concatenate([[0], np.cumsum(cut & (steps_ns > 0.5e9))])  # what the filter does not leave
    of_time = stretch[np.searchsorted(recording.time_ns, time_ns, side="right") - 1]
    pieces = np.split(np.arange(len(t)), np.flatnonzero(cut) + 1)
    sums, weights = np.zeros(len(time_ns)), np.zeros(len(time_ns))
    for rows in pieces:
        if len(rows) < 2:
            continue
        own, values, steps = t[rows], x[rows], np.diff(t[rows])
        slopes = np.gradient(values, own) if len(rows) > 2 else np.repeat(np.diff(values) / steps, 2)
        beside = np.concatenate([[np.inf], steps, [np.inf]])
        straight = steps > 2.5 * np.minimum(beside[:-2], beside[2:])
        step = np.clip(np.searchsorted(own, at, side="right") - 1, 0, len(steps) - 1)
        read = np.where(straight[step], np.interp(at, own, values), CubicHermiteSpline(own, values, slopes)(at))
        within = (at >= own[0]) & (at <= own[-1]) & (of_time == stretch[rows[0]])[:, None]
        sums += np.where(within, read, 0) @ low_pass.weights
        weights += within @ low_pass.weights
    return np.asarray(sums / np.where(weights, weights, np.nan))


@settings(max_examples=40)
@given(drawn=ROUGH, new_hz=st.sampled_from([20.0, 25.0, 50.0]))
def test_the_same_as_a_direct_sum(drawn: tuple[Recording, np.random.Generator], new_hz: float) -> None:
    old, _ = drawn
    new = resample(old, sample_rate_hz=new_hz)
    expected = reference(old, new_hz, new.time_ns)
    np.testing.assert_allclose(new.signals[new.valid, 0], expected[new.valid], atol=2e-5)


@settings(max_examples=60)
@given(drawn=ROUGH, new_hz=NEW_RATES, pushes=st.integers(1, 40))
def test_a_stream_gives_the_same(drawn: tuple[Recording, np.random.Generator], new_hz: float, pushes: int) -> None:
    old, random = drawn
    whole = resample(old, sample_rate_hz=new_hz)
    stream = Resampler(new_hz, source_rate_hz=old.sample_rate_hz, largest_gap_s=old.gap_limit_ns / 1e9)
    cuts = np.sort(random.integers(0, len(old) + 1, pushes))
    parts, given_out = [], 0
    for first, last in zip([0, *cuts], [*cuts, len(old)], strict=True):
        parts.append(stream.push(Samples.of(old).part(first, last)))
        given_out += len(parts[-1].time_ns)
        if last >= 2:  # all that lies a look-ahead before the last sample but one is known at once
            known_ns = old.time_ns[last - 2] - round(look_ahead_s(new_hz) * 1e9) - 3
            assert given_out >= np.searchsorted(whole.time_ns, known_ns)
    end = stream.flush()
    assert end is not None
    assert_same(joined([*parts, end]), whole)
    assert stream.flush() is None


@settings(max_examples=40)
@given(drawn=ROUGH, new_hz=NEW_RATES, pieces=st.integers(1, 6))
def test_pieces_cut_anywhere_that_overlap_give_the_same(
    drawn: tuple[Recording, np.random.Generator], new_hz: float, pieces: int
) -> None:
    old, random = drawn
    whole = resample(old, sample_rate_hz=new_hz)
    cuts_ns = np.sort(random.integers(old.time_ns[0], old.time_ns[-1], pieces))
    around_ns = round(look_ahead_s(new_hz) * 1e9) + 3
    limits = [old.time_ns[0], *cuts_ns, old.time_ns[-1] + 1]
    parts = []
    for begin, end in pairwise(limits):
        first = max(0, np.searchsorted(old.time_ns, begin - around_ns) - 2)
        last = np.searchsorted(old.time_ns, end + around_ns) + 2
        stream = Resampler(new_hz, source_rate_hz=old.sample_rate_hz, largest_gap_s=old.gap_limit_ns / 1e9)
        known, rest = stream.push(Samples.of(old).part(first, last)), stream.flush()
        assert rest is not None
        piece = joined([known, rest])
        own = slice(*np.searchsorted(piece.time_ns, [begin, end]))
        parts.append(piece.part(own.start, own.stop))
    assert_same(joined(parts), whole)


def assert_same(samples: Samples, recording: Recording) -> None:
    np.testing.assert_array_equal(samples.time_ns, recording.time_ns)
    np.testing.assert_array_equal(samples.valid, recording.valid)
    np.testing.assert_array_equal(samples.label_codes, recording.label_codes)
    np.testing.assert_allclose(samples.signals, recording.signals, atol=2e-6)
