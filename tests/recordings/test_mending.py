"""Mending: sorted, counted and marked, nothing overwritten; a stream is what ``mend`` makes, however it is cut."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

import harken.recordings.mending
from harken.recordings.mending import MendedStream, check_clock, mend, mended_stream, stream_of
from harken.recordings.recording import Quality, Recording
from harken.recordings.source import RecordingSource, Samples, Source, SourceChangedError, joined
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


CHANNELS = ("x", "y", "z")


class Pieces(Source):
    """Samples cut at some places. Labels and unusable rows are known at its end, as is, for the first few times, its
    zone, so that the samples must be read again."""

    def __init__(
        self, samples: Samples, cuts: list[int], *, unusable: list[tuple[int, int]] | None = None, changes: int = 0
    ) -> None:
        super().__init__(channels=CHANNELS, subject="ann", source="ann.watch", quality=Quality(dropped={"no time": 2}))
        self.all, self.cuts, self.late_unusable, self.changes = samples, sorted(cuts), unusable or [], changes
        self.names = ("walking", "sitting")

    def samples(self) -> Iterator[Samples]:
        edges = [0, *self.cuts, len(self.all.time_ns)]
        for first, last in pairwise(edges):
            yield self.all.chosen(np.arange(first, last))
        if self.changes:
            self.changes -= 1
            self.timezone = "Europe/Athens"
            raise SourceChangedError
        self.label_names, self.unusable = self.names, self.late_unusable


def samples_of(time_ns: list[int]) -> Samples:
    rows = len(time_ns)
    codes = np.arange(rows, dtype=np.int16) % 3 - 1
    return Samples(
        np.array(time_ns, np.int64), acceleration(rows).astype(np.float32), codes.astype(np.int16), np.ones(rows, bool)
    )


def assert_equal(stream: MendedStream, whole: Recording) -> None:
    for _ in range(2):
        together = joined(list(stream.samples()))
        np.testing.assert_array_equal(together.time_ns, whole.time_ns)
        np.testing.assert_array_equal(together.signals, whole.signals)
        np.testing.assert_array_equal(together.valid, whole.valid)
    assert (stream.quality, stream.rows, stream.timezone) == (whole.quality, len(whole), whole.timezone)
    assert (stream.sample_rate_hz, stream.gap_limit_ns) == (whole.sample_rate_hz, whole.gap_limit_ns)


@given(data=st.data())
def test_however_a_source_is_cut(data: st.DataObject) -> None:
    steps_ms = data.draw(st.lists(st.sampled_from([20, 20, 20, 0, 700, 130, -60]), min_size=20, max_size=60))
    times_ms = np.cumsum(steps_ms)
    assume(2 * len(np.unique(times_ms)) >= len(times_ms))  # else the clock is refused
    samples = samples_of((times_ms * 10**6).tolist())
    for row in data.draw(st.lists(st.integers(0, len(steps_ms) - 1), max_size=3)):
        samples.signals[row, 1] = data.draw(st.sampled_from([np.nan, 30.0, np.inf]))
    cuts = data.draw(st.lists(st.integers(0, len(steps_ms)), max_size=5))
    unusable = data.draw(st.sampled_from([[], [(3, 7)], [(0, 2), (11, 12)]]))
    changes = data.draw(st.integers(0, 2))

    def source() -> Pieces:
        return Pieces(samples, cuts, unusable=unusable, changes=changes)

    stream = mended_stream(source())
    assert_equal(stream, mend(source().collect()))
    assert stream.streamed == (
        min(steps_ms[1:]) >= 0 and 2 * sum(step > 100 for step in steps_ms[1:]) < stream.rows - 1
    )


def test_an_observer_begins_anew_where_the_source_does() -> None:
    samples = samples_of([20 * 10**6 * row for row in range(100)])
    seen: list[list[Samples]] = []

    def observer(channels: tuple[str, ...]) -> Callable[[Samples], None]:
        assert channels == CHANNELS
        seen.append([])
        return seen[-1].append

    assert mended_stream(Pieces(samples, [30], changes=1), observer=observer).observed
    assert [len(joined(each).time_ns) for each in seen] == [100, 100]
    assert not mended_stream(Pieces(samples, [30], unusable=[(2, 3)]), observer=observer).observed
    samples.signals[40] = np.nan
    seen.clear()
    assert not mended_stream(Pieces(samples, [30]), observer=observer).observed
    assert [len(joined(each).time_ns) for each in seen] == [30]


def test_a_recording_in_memory_streams() -> None:
    ann = mend(recording(["sit"] * 400, signals=acceleration(400).astype(np.float32), as_found=True))
    assert_equal(stream_of(ann, rows_at_once=37), ann)
    assert RecordingSource(ann).collect() is ann
    with pytest.raises(ValueError, match="only a mended recording"):
        stream_of(recording([""] * 3, as_found=True))


def test_long_pieces_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.recordings.mending, "MOST_ROWS", 50)
    monkeypatch.setattr(harken.recordings.mending, "ROWS_AT_ONCE", 20)
    samples = samples_of([20 * 10**6 * row for row in range(100)])
    samples.signals[40] = np.nan
    stream = mended_stream(Pieces(samples, [45]))
    assert [len(part.time_ns) for part in stream.samples()] == [45, 20, 20, 15]
    assert_equal(stream, mend(Pieces(samples, []).collect()))
