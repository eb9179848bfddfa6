"""Resampled recordings keep their gaps, marks, labels and times."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.recordings.recording import Recording
from harken.signals import Grid, resample
from harken.support.errors import HarkenError
from made_recordings import recording_of
from synthetic_signals import NEW_RATES, ROUGH, START_NS, clock, made


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

    assert beyond_the_result(60) < 1.1 * beyond_the_result(15) < 12e6
