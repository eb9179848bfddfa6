"""Onto an even grid by the clock: sines, gaps, marks, labels, and the same samples in parts and by another way."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

from harken.recordings.recording import Recording
from harken.signals import Grid, Resampler, Samples, joined, look_ahead_s, resample
from harken.signals.resampling import LowPass
from harken.support.errors import HarkenError
from made_recordings import recording_of
from synthetic_signals import NEW_RATES, ROUGH, START_NS, clock, inside, made, sine


@settings(max_examples=60)
@given(
    old_hz=st.floats(15, 200),
    new_hz=st.floats(15, 100),
    share=st.floats(0.01, 1),
    jitter=st.floats(0, 0.2),
    gap_s=st.floats(3, 7),
    seed=st.integers(0, 1000),
)
def test_a_slow_sine_stays_that_sine(
    old_hz: float, new_hz: float, share: float, jitter: float, gap_s: float, seed: int
) -> None:
    frequency_hz = share * min(old_hz / 10, 0.28 * new_hz)
    time_ns = clock(old_hz, 12, jitter=jitter, gaps_s=[(gap_s, gap_s + 1)], seed=seed)
    new = resample(made(time_ns, sine(time_ns, frequency_hz)), sample_rate_hz=new_hz)
    assert new.sample_rate_hz == pytest.approx(new_hz, rel=1e-3)
    wrong = np.abs(new.signals - sine(new.time_ns, frequency_hz))
    assert wrong[inside(new, look_ahead_s(new_hz))].max() < 0.012
    assert wrong.max() < 0.6  # next to a gap the filter knows one side only


@pytest.mark.parametrize(("old_hz", "new_hz"), [(100, 30), (200, 30), (100, 25), (197.2, 20), (1000, 30)])
@pytest.mark.parametrize("over_nyquist", [1.0, 1.2, 1.5, 2.0])
def test_what_the_new_rate_cannot_hold_is_gone(old_hz: float, new_hz: float, over_nyquist: float) -> None:
    time_ns = clock(old_hz, 20)
    new = resample(made(time_ns, sine(time_ns, over_nyquist * new_hz / 2)), sample_rate_hz=new_hz)
    left = new.signals[inside(new, look_ahead_s(new_hz))]
    assert 20 * np.log10(np.sqrt(2 * np.mean(left.astype(float) ** 2))) < -40


@pytest.mark.parametrize("every", [4, 8])
def test_the_filter_is_that_of_its_docstring(every: int) -> None:
    weights = LowPass(every).weights
    np.testing.assert_array_equal(weights, weights[::-1])
    frequency = np.linspace(0, every / 2, 4001)  # in units of the new rate
    away = np.arange(-(len(weights) // 2), len(weights) // 2 + 1) / every
    response = np.abs(np.cos(2 * np.pi * np.outer(frequency, away)) @ weights)
    assert np.abs(response[frequency <= 0.3] - 1).max() < 0.005
    assert np.interp(0.4, frequency, response) == pytest.approx(0.5, abs=0.005)
    assert response[frequency >= 0.5].max() < 10 ** (-50 / 20)


def test_a_few_missing_samples_are_bridged_by_a_line() -> None:
    time_ns = clock(50, 4)
    signals = np.sin(np.arange(len(time_ns)))[:, None]
    keep = np.ones(len(time_ns), bool)
    keep[100:115] = False  # 0.32 s
    new = resample(made(time_ns[keep], signals[keep]), sample_rate_hz=200)
    within = (new.time_ns > time_ns[102]) & (new.time_ns < time_ns[112])
    line = np.interp(new.time_ns, time_ns[keep], signals[keep, 0])
    np.testing.assert_allclose(new.signals[within, 0], line[within], atol=0.01)


@settings(max_examples=80)
@given(drawn=ROUGH, new_hz=NEW_RATES, largest_gap_s=st.sampled_from([None, 0.2, 0.5, 2.0]))
def test_what_holds_for_every_recording(
    drawn: tuple[Recording, np.random.Generator], new_hz: float, largest_gap_s: float | None
) -> None:
    old, _ = drawn
    new = resample(old, sample_rate_hz=new_hz, largest_gap_s=largest_gap_s)
    limit_ns = old.gap_limit_ns if largest_gap_s is None else round(largest_gap_s * 1e9)
    grid = Grid(new_hz)
    np.testing.assert_array_equal(grid.times_ns(grid.at_or_after(new.time_ns)), new.time_ns)
    assert np.isfinite(new.signals[new.valid]).all()

    before = np.searchsorted(old.time_ns, new.time_ns, side="right") - 1
    after = np.searchsorted(old.time_ns, new.time_ns)
    assert before.min() >= 0
    assert after.max() < len(old)
    step = old.time_ns[after] - old.time_ns[before]
    good = (step <= limit_ns) & old.valid[before] & old.valid[after]
    np.testing.assert_array_equal(new.valid, good)
    assert not (step > max(limit_ns, 0.5e9))[good].any()
    assert (step <= max(limit_ns, 0.5e9)).all()  # nothing stands in what is a gap at the new rate

    late, early = new.time_ns - old.time_ns[before], old.time_ns[after] - new.time_ns
    nearest = np.where(late <= early, before, after)
    clear = np.abs(late - early) > 100  # nanoseconds: shares are of single precision
    np.testing.assert_array_equal(new.label_codes[clear], old.label_codes[nearest[clear]])
    copied = clear & ~new.valid
    np.testing.assert_array_equal(new.signals[copied], old.signals[nearest[copied]])

    # Every grid time between two good samples is there.
    every = grid.times_ns(np.arange(grid.at_or_after(old.time_ns[:1])[0], grid.at_or_after(old.time_ns[-1:])[0]))
    row = np.searchsorted(old.time_ns, every, side="right") - 1
    bridged = (np.diff(old.time_ns) <= limit_ns) & old.valid[1:] & old.valid[:-1]
    assert np.isin(every[bridged[row]], new.time_ns[new.valid]).all()


def test_what_is_on_the_grid_stays_as_it_is() -> None:
    new = resample(made(clock(50, 20, jitter=0.2, gaps_s=[(5, 9)])), sample_rate_hz=30)
    assert resample(new, sample_rate_hz=30) is new
    assert resample(new, sample_rate_hz=15) is not new
    assert resample(new, sample_rate_hz=60) is not new
    tens = 1_519_170_400_000 * 10**6 + 40_000_000 * np.arange(100)  # 25 Hz in whole milliseconds
    assert len(resample(made(tens), sample_rate_hz=25)) == 100
    missing = made(np.delete(tens, [50, 51]))
    assert len(resample(missing, sample_rate_hz=25)) == 100


def test_one_sample_and_two() -> None:
    with pytest.raises(HarkenError, match=r"no stretch .* is long enough for a sample at 30 Hz"):
        resample(made(np.array([START_NS])), sample_rate_hz=30)
    with pytest.raises(HarkenError, match="no stretch"):
        resample(made(START_NS + np.array([0, 10**6, 10 * 10**9])), sample_rate_hz=30, largest_gap_s=0.5)
    on_grid = Grid(30).times_ns(Grid(30).at_or_after(np.array([START_NS])))
    assert len(resample(made(on_grid), sample_rate_hz=30)) == 1
    two = made(START_NS + np.array([0, 50 * 10**6]), np.array([[1.0], [1.0]]))
    np.testing.assert_allclose(resample(two, sample_rate_hz=30).signals, 1, rtol=1e-6)


def test_before_1970_and_years_apart() -> None:
    rest = clock(50, 10) - START_NS
    time_ns = np.concatenate([rest - 10**18, rest, rest + 3 * 10**18])
    new = resample(made(time_ns, np.ones((len(time_ns), 1))), sample_rate_hz=30)
    assert len(new.gap_rows) == 2
    np.testing.assert_allclose(new.signals, 1, rtol=1e-6)
    assert len(new) == pytest.approx(3 * 300, abs=3)


def test_what_is_refused() -> None:
    found = recording_of([5, 3], np.zeros((2, 3)), as_found=True)
    with pytest.raises(HarkenError, match="ann: only a mended recording can be resampled"):
        resample(found, sample_rate_hz=30)
    old = made(clock(50, 1))
    for rate in (0, 0.5, 2000, float("nan")):
        with pytest.raises(HarkenError, match="the new rate must be 1 to 1000"):
            resample(old, sample_rate_hz=rate)
    for gap in (0, -1, float("inf"), float("nan")):
        with pytest.raises(HarkenError, match="largest_gap_s must be above 0"):
            resample(old, sample_rate_hz=30, largest_gap_s=gap)


def test_memory_does_not_grow_with_the_recording() -> None:
    def beyond_the_result(minutes: float) -> int:
        old = made(clock(100, 60 * minutes, jitter=0.2))
        resample(old, sample_rate_hz=30)  # the recording's own facts are computed once
        tracemalloc.start()
        new = resample(old, sample_rate_hz=30)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - new.time_ns.nbytes - new.signals.nbytes - new.label_codes.nbytes - new.valid.nbytes

    assert max(beyond_the_result(15), beyond_the_result(60)) < 5e6


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


RATES = st.one_of(st.integers(1, 8000), st.floats(1, 1000))
TIMES_NS = st.integers(-(10**18), 4 * 10**18)


@given(rate_hz=RATES, time_ns=TIMES_NS)
def test_the_first_point_at_or_after_a_time(rate_hz: float, time_ns: int) -> None:
    grid = Grid(rate_hz)
    number = grid.at_or_after(np.array([time_ns]))
    assert grid.times_ns(number)[0] >= time_ns
    assert grid.times_ns(number - 1)[0] < time_ns


@given(rate_hz=RATES, second=st.integers(-(10**9), 4 * 10**9))
def test_points_agree_with_fractions(rate_hz: float, second: int) -> None:
    grid = Grid(rate_hz)
    number = int(second * rate_hz)
    numbers = np.array([number, number + 1, number + 1000])
    expected = [int(Fraction(int(n)) * 10**9 / grid.rate_hz // 1) for n in numbers]
    assert grid.times_ns(numbers).tolist() == expected
    np.testing.assert_array_equal(grid.at_or_after(grid.times_ns(numbers)), numbers)
