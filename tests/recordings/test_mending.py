"""Sorting, deduplicating and marking: what is mended, what is counted, and that nothing is overwritten."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from harken.recordings.mending import check_clock, mend
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from tables import acceleration, recording


def found(signals: NDArray[np.float32], time_ns: NDArray[np.int64] | None = None) -> Recording:
    return recording(["sit"] * len(signals), signals=signals, time_ns=time_ns, as_found=True)


def wrist(rows: int = 400) -> NDArray[np.float32]:
    return acceleration(rows).astype(np.float32)


@pytest.mark.parametrize("check", [mend, check_clock])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_times_whose_difference_no_64_bits_hold(check: Callable[[Recording], object], order: tuple[int, int]) -> None:
    times = np.array([-8_520_336_000, 9_151_488_000])[list(order)] * 10**9
    with pytest.raises(
        HarkenError, match="ann: its times go from 1700-01-01 00:00:00 to 2260-01-01 00:00:00, but times must be"
    ):
        check(found(wrist(2), times))


def test_most_steps_decide_on_the_rate() -> None:
    fast = np.cumsum([0, *[10**7] * 200, *[1000] * 199])
    assert len(mend(found(wrist(400), fast))) == 400
    with pytest.raises(HarkenError, match=r"give 1e\+06 samples per second, but a worn sensor records at most 10,000"):
        mend(found(wrist(401), np.cumsum([0, *[10**7] * 199, *[1000] * 201])))
    shuffled = np.random.default_rng(0).permutation(20_000_000_000 * np.arange(400))  # 20 s apart, in any order
    check_clock(found(wrist(400), shuffled))


SIGNALS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 60), st.just(3)),
    elements=st.one_of(st.floats(-20, 20, width=32), st.sampled_from([np.nan, np.inf, -np.inf, 1.0])),
)


@given(signals=SIGNALS, data=st.data())
def test_mended_times_increase_and_values_stay(signals: NDArray[np.float32], data: st.DataObject) -> None:
    rows = len(signals)
    time_ns = data.draw(arrays.arrays(np.int64, rows, elements=st.integers(0, 4 * rows))) * 10**6
    ann = found(signals, time_ns)
    distinct = len(np.unique(time_ns))
    if rows - distinct > rows / 2:
        with pytest.raises(HarkenError, match="repeat the time"):
            mend(ann)
        return
    mended = mend(ann)
    assert (np.diff(mended.time_ns) > 0).all()
    assert len(mended) == distinct
    assert mended.quality.repeated_times == rows - distinct
    for time, sample in zip(mended.time_ns, mended.signals, strict=True):
        np.testing.assert_array_equal(sample, signals[np.flatnonzero(time_ns == time)[0]])
    assert (mended.quality.missing > 0) == (~np.isfinite(mended.signals)).any()
    assert not mended.valid[~np.isfinite(mended.signals).all(axis=1)].any()

    again = mend(mended)
    assert again.quality == mended.quality
    assert again.fingerprint == mended.fingerprint
    np.testing.assert_array_equal(again.valid, mended.valid)
