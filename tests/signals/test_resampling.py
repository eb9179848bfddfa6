"""Onto an even grid by the clock: what a sine becomes, what stays out of gaps, and that cuts make no difference."""

import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline

import harken
from harken.errors import HarkenError
from harken.recording import Recording
from harken.signals import Grid, Resampler, Samples, joined, look_ahead_s, resample
from harken.signals.low_pass import LowPass

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
    return Recording(
        time_ns=time_ns,
        signals=signals.astype(np.float32),
        channels=("x", "y", "z")[: signals.shape[1]],
        label_codes=np.zeros(n, np.int16) if codes is None else codes,
        label_names=("sit", "walk"),
        subject="ann",
        valid=np.ones(n, bool) if valid is None else valid,
    )


def sine(time_ns: NDArray[np.int64], frequency_hz: float) -> NDArray[np.float64]:
    phase = 2 * np.pi * frequency_hz * (time_ns - START_NS) / 1e9
    return np.stack([np.sin(phase), np.cos(phase)], axis=1)


def inside(recording: Recording, margin_s: float) -> NDArray[np.bool_]:
    """Samples that are further than the margin from the ends of their stretch."""
    margin = round(margin_s * 1e9)
    edges = np.concatenate([[0], recording.gap_rows, [len(recording)]])
    first, last = recording.time_ns[edges[:-1]], recording.time_ns[edges[1:] - 1]
    ids = recording.stretch_ids
    return (recording.time_ns - first[ids] >= margin) & (last[ids] - recording.time_ns >= margin)


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


# What comes out of a sine


@settings(deadline=None, max_examples=60)
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


def test_a_step_of_walking_next_to_a_gap() -> None:
    time_ns = clock(100, 60, gaps_s=[(s, s + 1.03) for s in range(5, 55, 5)])
    new = resample(made(time_ns, sine(time_ns, 2.0)), sample_rate_hz=30)
    assert np.abs(new.signals - sine(new.time_ns, 2.0)).max() < 0.1


@pytest.mark.parametrize(("old_hz", "new_hz"), [(100, 30), (200, 30), (100, 25), (197.2, 20), (1000, 30)])
@pytest.mark.parametrize("over_nyquist", [1.0, 1.2, 1.5, 2.0])
def test_what_the_new_rate_cannot_hold_is_gone(old_hz: float, new_hz: float, over_nyquist: float) -> None:
    time_ns = clock(old_hz, 20)
    new = resample(made(time_ns, sine(time_ns, over_nyquist * new_hz / 2)), sample_rate_hz=new_hz)
    left = new.signals[inside(new, look_ahead_s(new_hz))]
    assert 20 * np.log10(np.sqrt(2 * np.mean(left.astype(float) ** 2))) < -40


def test_jitter_leaves_more_of_it() -> None:
    time_ns = clock(100, 20, jitter=0.2)
    new = resample(made(time_ns, sine(time_ns, 22)), sample_rate_hz=30)
    left = new.signals[inside(new, look_ahead_s(30))]
    assert 20 * np.log10(np.sqrt(2 * np.mean(left.astype(float) ** 2))) < -34


@pytest.mark.parametrize("every", [4, 8])
def test_the_filter_is_what_its_docstring_says(every: int) -> None:
    weights = LowPass(every).weights
    np.testing.assert_array_equal(weights, weights[::-1])
    frequency = np.linspace(0, every / 2, 4001)  # in units of the new rate
    away = np.arange(-(len(weights) // 2), len(weights) // 2 + 1) / every
    response = np.abs(np.cos(2 * np.pi * np.outer(frequency, away)) @ weights)
    assert np.abs(response[frequency <= 0.3] - 1).max() < 0.005
    assert np.interp(0.4, frequency, response) == pytest.approx(0.5, abs=0.005)
    assert response[frequency >= 0.5].max() < 10 ** (-50 / 20)


def beyond(signals: NDArray[np.floating], rate_hz: float, frequency_hz: float) -> float:
    """The energy above a frequency."""
    moving = (signals - signals.mean(axis=0)) * np.hanning(len(signals))[:, None]
    spectrum = np.abs(np.fft.rfft(moving, axis=0)) ** 2
    return float(spectrum[np.fft.rfftfreq(len(signals), 1 / rate_hz) > frequency_hz].sum())


@pytest.mark.parametrize(("old_hz", "new_hz"), [(20, 30), (25, 30), (20, 50), (25, 100)])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.3, 0.35])
def test_going_up_invents_less_of_a_sine_than_straight_lines_do(old_hz: float, new_hz: float, share: float) -> None:
    time_ns = clock(old_hz, 120)
    assert_invents_less(made(time_ns, sine(time_ns, share * old_hz)), old_hz, new_hz)


@pytest.mark.parametrize("old_hz", [20, 25])
def test_going_up_to_30_hz_invents_less_of_noise_than_straight_lines_do(old_hz: float) -> None:
    assert_invents_less(made(clock(old_hz, 120)), old_hz, 30)


def assert_invents_less(old: Recording, old_hz: float, new_hz: float) -> None:
    new = resample(old, sample_rate_hz=new_hz)
    lines = np.stack([np.interp(new.time_ns, old.time_ns, axis) for axis in old.signals.T], axis=1)
    assert beyond(new.signals, new_hz, 1.05 * old_hz / 2) < beyond(lines, new_hz, 1.05 * old_hz / 2)


def test_a_few_missing_samples_are_bridged_by_a_line() -> None:
    time_ns = clock(50, 4)
    signals = np.sin(np.arange(len(time_ns)))[:, None]
    keep = np.ones(len(time_ns), bool)
    keep[100:115] = False  # 0.32 s
    new = resample(made(time_ns[keep], signals[keep]), sample_rate_hz=200)
    within = (new.time_ns > time_ns[102]) & (new.time_ns < time_ns[112])
    line = np.interp(new.time_ns, time_ns[keep], signals[keep, 0])
    np.testing.assert_allclose(new.signals[within, 0], line[within], atol=0.01)


# The same by another way


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
    return sums / np.where(weights, weights, np.nan)


@settings(deadline=None, max_examples=40)
@given(drawn=ROUGH, new_hz=st.sampled_from([20.0, 25.0, 50.0]))
def test_the_same_as_a_direct_sum(drawn: tuple[Recording, np.random.Generator], new_hz: float) -> None:
    old, _ = drawn
    new = resample(old, sample_rate_hz=new_hz)
    expected = reference(old, new_hz, new.time_ns)
    np.testing.assert_allclose(new.signals[new.valid, 0], expected[new.valid], atol=2e-5)


@settings(deadline=None, max_examples=60)
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


@settings(deadline=None, max_examples=40)
@given(drawn=ROUGH, new_hz=NEW_RATES)
def test_pieces_cut_at_gaps_give_the_same(drawn: tuple[Recording, np.random.Generator], new_hz: float) -> None:
    old, _ = drawn
    limit_s = old.gap_limit_ns / 1e9
    whole = resample(old, sample_rate_hz=new_hz, largest_gap_s=limit_s)
    edges = [0, *old.gap_rows, len(old)]
    parts = []
    for first, last in pairwise(edges):
        stream = Resampler(new_hz, source_rate_hz=old.sample_rate_hz, largest_gap_s=limit_s)
        parts.append(stream.push(Samples.of(old).part(first, last)))
        end = stream.flush()
        assert end is not None
        parts.append(end)
    assert_same(joined(parts), whole)


@settings(deadline=None, max_examples=40)
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


def test_a_stream_keeps_little() -> None:
    stream = Resampler(30, source_rate_hz=100)
    rest = clock(100, 600)
    old = made(np.concatenate([rest, rest[1000:] + 86400 * 10**9]))
    for first in range(0, len(old), 50):
        stream.push(Samples.of(old).part(first, first + 50))
        assert stream._kept is not None
        assert len(stream._kept.time_ns) < 200


def test_an_empty_push() -> None:
    stream = Resampler(30, source_rate_hz=100)
    empty = Samples.of(made(clock(100, 1))).part(0, 0)
    assert len(stream.push(empty).time_ns) == 0
    assert stream.flush() is None


# Gaps, marks, labels, times


@settings(deadline=None, max_examples=80)
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


@settings(deadline=None, max_examples=40)
@given(drawn=ROUGH, new_hz=NEW_RATES, value=st.floats(-16, 16, width=32))
def test_a_constant_stays(drawn: tuple[Recording, np.random.Generator], new_hz: float, value: float) -> None:
    rough_one, _ = drawn
    signals = np.where(rough_one.valid[:, None], np.float32(value), rough_one.signals)
    new = resample(made(rough_one.time_ns, signals, valid=rough_one.valid), sample_rate_hz=new_hz)
    np.testing.assert_allclose(new.signals[new.valid], value, rtol=1e-6, atol=1e-30)


def test_a_gap_stays_a_gap() -> None:
    time_ns = clock(50, 20, jitter=0.2, gaps_s=[(5, 5.7), (10, 15)])
    new = resample(made(time_ns), sample_rate_hz=30)
    assert len(new.gap_rows) == 2
    gap_starts, gap_ends = new.time_ns[new.gap_rows - 1] - START_NS, new.time_ns[new.gap_rows] - START_NS
    np.testing.assert_allclose(gap_starts / 1e9, [5, 10], atol=0.06)
    np.testing.assert_allclose(gap_ends / 1e9, [5.7, 15], atol=0.06)
    assert new.quality.notes[-1].startswith("resampled from 50")
    bridged = resample(made(time_ns), sample_rate_hz=30, largest_gap_s=1.0)
    assert len(bridged.gap_rows) == 1


def test_a_step_that_is_no_gap_at_the_new_rate_is_marked() -> None:
    new = resample(made(clock(50, 20, gaps_s=[(5, 5.7)])), sample_rate_hz=5)
    assert len(new.gap_rows) == 0
    assert (~new.valid).sum() in (3, 4)


def test_neighbours_of_a_marked_sample() -> None:
    time_ns = clock(25, 8)
    signals = np.ones((len(time_ns), 1))
    valid = np.ones(len(time_ns), bool)
    signals[100], valid[100] = 15.995, False
    new = resample(made(time_ns, signals, valid=valid), sample_rate_hz=50)
    between = (new.time_ns > time_ns[99]) & (new.time_ns < time_ns[101])
    np.testing.assert_array_equal(new.valid, ~between)
    np.testing.assert_allclose(new.signals[~between], 1, rtol=1e-6)
    assert set(new.signals[between, 0].tolist()) == {1.0, np.float32(15.995)}


def test_a_label_changes_where_it_did() -> None:
    time_ns = clock(20, 10)
    codes = (np.arange(len(time_ns)) >= 101).astype(np.int16)
    new = resample(made(time_ns, codes=codes), sample_rate_hz=50)
    changed = new.time_ns[np.flatnonzero(np.diff(new.label_codes)) + 1]
    assert len(changed) == 1
    middle = (time_ns[100] + time_ns[101]) // 2
    assert 0 <= changed[0] - middle <= 20_000_000


def test_what_is_on_the_grid_stays_as_it_is() -> None:
    new = resample(made(clock(50, 20, jitter=0.2, gaps_s=[(5, 9)])), sample_rate_hz=30)
    assert resample(new, sample_rate_hz=30) is new
    assert resample(new, sample_rate_hz=15) is not new
    assert resample(new, sample_rate_hz=60) is not new
    tens = 1_519_170_400_000 * 10**6 + 40_000_000 * np.arange(100)  # 25 Hz in whole milliseconds
    assert len(resample(made(tens), sample_rate_hz=25)) == 100
    missing = made(np.delete(tens, [50, 51]))
    assert len(resample(missing, sample_rate_hz=25)) == 100


def test_times_in_milliseconds_are_resampled_by_the_clock() -> None:
    time_ns = clock(83, 60) // 10**6 * 10**6
    new = resample(made(time_ns, sine(time_ns, 1.0)), sample_rate_hz=30)
    assert len(new) == pytest.approx(30 * 60, abs=1)
    assert np.abs(new.signals - sine(new.time_ns, 1.0))[inside(new, 0.3)].max() < 0.005


def test_one_sample_and_two() -> None:
    with pytest.raises(HarkenError, match=r"no stretch .* is long enough to hold a sample at 30 Hz"):
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
    found = Recording(
        time_ns=np.array([5, 3]),
        signals=np.zeros((2, 3), np.float32),
        channels=("x", "y", "z"),
        label_codes=np.zeros(2, np.int16),
        label_names=("sit",),
        subject="ann",
        as_found=True,
    )
    with pytest.raises(HarkenError, match="ann: only a mended recording can be resampled"):
        resample(found, sample_rate_hz=30)
    old = made(clock(50, 1))
    for rate in (0, 0.5, 2000, float("nan")):
        with pytest.raises(HarkenError, match="rates go from 1 to 1000"):
            resample(old, sample_rate_hz=rate)
    for gap in (0, -1, float("inf"), float("nan")):
        with pytest.raises(HarkenError, match="largest_gap_s is above 0"):
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

    assert beyond_the_result(60) < 1.1 * beyond_the_result(15) < 12e6


# Real watches


def test_a_real_axivity_recording(data_dir: Path) -> None:
    with np.load(data_dir / "devices" / "ax3_data.npz") as arrays:
        time_ns, acceleration = np.rint(arrays["time"] * 1e9).astype(np.int64), arrays["accel"]
    old = made(time_ns, acceleration)
    assert old.sample_rate_hz == pytest.approx(197.2, abs=1)
    new = resample(old, sample_rate_hz=30)
    assert new.valid.all()
    assert len(new) == pytest.approx(old.span_s * 30, abs=1)
    # Means over seconds are those of the samples as they are.
    seconds = np.arange(1, int(old.span_s) - 1)
    edges = old.time_ns[0] + seconds * 10**9
    for axis in range(3):
        means = [
            np.add.reduceat(r.signals[:, axis].astype(float), np.searchsorted(r.time_ns, edges))[:-1]
            / np.diff(np.searchsorted(r.time_ns, edges))
            for r in (old, new)
        ]
        assert np.abs(means[0] - means[1]).max() < 0.05
        assert np.abs(means[0] - means[1]).mean() < 0.002


def test_a_real_recording_in_the_notebooks_format(data_dir: Path) -> None:
    old = harken.read(data_dir / "notebook_format" / "merged_ef.csv")
    new = resample(old, sample_rate_hz=30)
    assert len(new.gap_rows) == len(old.gap_rows)
    assert new.sample_rate_hz == pytest.approx(30, rel=1e-6)
    for code in range(-1, len(old.label_names)):
        assert (new.label_codes == code).mean() == pytest.approx((old.label_codes == code).mean(), abs=2e-4)
