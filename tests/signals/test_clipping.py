"""A sensor at the end of its range: peaks stay, what stays there is marked; on a stream as in memory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.recordings.recording import Recording
from harken.signals import Clipping, Samples, joined, mark_clipped
from harken.support.errors import HarkenError
from synthetic_signals import ROUGH, clock, made


def railed(recording: Recording, runs: list[tuple[int, int]], range_g: float = 2.0) -> Recording:
    signals = np.clip(np.where(recording.valid[:, None], recording.signals, 0), -1.5, 1.5)
    for axis, (first, length) in enumerate(runs):
        signals[first : first + length, axis % 3] = range_g * (1 if axis % 2 else -1)
    return replace(recording, signals=signals, quality=replace(recording.quality, sensor_range_g=range_g))


def reference(recording: Recording, least_s: float) -> np.ndarray:
    """Sample by sample."""
    marked = np.zeros(len(recording), bool)
    at_rail = np.asarray((np.abs(recording.signals[:, :3]) >= 0.99 * 2).any(axis=1))
    row = 0
    while row < len(recording):
        if not at_rail[row]:
            row += 1
            continue
        last = row
        while (
            last + 1 < len(recording)
            and at_rail[last + 1]
            and recording.time_ns[last + 1] - recording.time_ns[last] <= 0.5e9
        ):
            last += 1
        if recording.time_ns[last] - recording.time_ns[row] >= least_s * 1e9:
            marked[row : last + 1] = True
        row = last + 1
    return marked


@settings(max_examples=60)
@given(
    drawn=ROUGH,
    runs=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200)), max_size=4),
    pushes=st.integers(0, 30),
)
def test_a_stream_marks_what_stays_at_the_end_of_the_range(
    drawn: tuple[Recording, np.random.Generator], runs: list[tuple[int, int]], pushes: int
) -> None:
    rough, random = drawn
    recording = railed(rough, runs)
    stream = Clipping(2.0)
    cuts = np.sort(random.integers(0, len(recording) + 1, pushes))
    parts = [
        stream.push(Samples.of(recording).part(first, last))
        for first, last in zip([0, *cuts], [*cuts, len(recording)], strict=True)
    ]
    out = joined([*parts, stream.flush()])
    expected = reference(recording, 1.0)
    np.testing.assert_array_equal(out.time_ns, recording.time_ns)
    np.testing.assert_array_equal(out.signals, recording.signals)
    np.testing.assert_array_equal(out.valid, recording.valid & ~expected)
    assert stream.marked == expected.sum()
    np.testing.assert_array_equal(mark_clipped(recording).valid, out.valid)


def test_it_says_what_it_marked() -> None:
    recording = railed(made(clock(50, 60)), [(100, 120), (1000, 20)])
    marked = mark_clipped(recording)
    assert np.flatnonzero(~marked.valid).tolist() == list(range(100, 220))
    assert marked.quality.notes[-1] == (
        "140 samples lie at the end of the sensor's range of 2 g; 120 of them, where it stayed there for 1 s or "
        "longer, are marked"
    )
    untouched = railed(made(clock(50, 60)), [])
    assert mark_clipped(untouched) is untouched


def test_what_is_refused() -> None:
    with pytest.raises(HarkenError, match="range above 0"):
        Clipping(0)
    with pytest.raises(HarkenError, match="x, y, z"):
        mark_clipped(made(clock(50, 1), np.zeros((50, 2))))
