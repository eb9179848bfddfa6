"""Splits: what is tested was not learned, where they say so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.errors import HarkenError
from harken.recording import Recording
from harken.splits import blocked_same_person, overlapping_same_person
from harken.windows import random_windows


def recording_of(bouts: list[tuple[int, int]], gaps: list[bool], as_found: bool = False) -> Recording:
    codes = np.concatenate([np.full(n, code, np.int16) for code, n in bouts])
    steps = np.full(len(codes), 40_000_000)
    position = 0
    for (_, n), gap in zip(bouts, gaps, strict=True):
        if gap:
            steps[position] += 10**10
        position += n
    return Recording(
        time_ns=np.cumsum(steps),
        signals=np.arange(len(codes) * 3, dtype=np.float32).reshape(-1, 3),
        channels=("x", "y", "z"),
        label_codes=codes,
        label_names=("a", "b"),
        subject="p",
        as_found=as_found,
    )


bouts = st.lists(st.tuples(st.integers(-1, 1), st.integers(1, 60)), min_size=1, max_size=8)


@settings(deadline=None)
@given(bouts, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(1, 9))
def test_blocked_cuts_every_bout_at_four_fifths_and_drops_a_window(
    parts: list[tuple[int, int]], gaps: list[bool], length: int
) -> None:
    parts = [(-1, 20), *parts]  # a gap is told from the usual step, so most steps must be usual ones
    gaps = [False, *gaps]
    recording = recording_of(parts, gaps[: len(parts)])
    training, test = blocked_same_person(recording, window_length=length)
    row = 0
    merged: list[int] = []  # bouts as they really are: neighbours of one label without a gap are one
    for (code, n), gap in zip(parts, gaps, strict=False):
        if merged and not gap and code == recording.label_codes[row - 1]:
            merged[-1] += n
        else:
            merged.append(n)
        row += n
    row = 0
    for n in merged:
        cut = int(0.8 * n)
        assert training.valid[row : row + cut].all()
        assert not training.valid[row + cut : row + n].any()
        assert not test.valid[row : row + min(n, cut + length)].any()
        assert test.valid[row + min(n, cut + length) : row + n].all()
        row += n
    assert np.array_equal(training.signals, recording.signals)  # marked, not overwritten


def test_windows_of_the_two_parts_share_no_sample_even_without_gaps() -> None:
    recording = recording_of([(0, 100), (1, 100), (0, 100)], [False] * 3)
    training, test = blocked_same_person(recording, window_length=5)
    one, other = (random_windows(part, length=5, count=500, seed=1) for part in (training, test))
    learned = {row for start in one.start_rows for row in range(start, start + 5)}
    tested = {row for start in other.start_rows for row in range(start, start + 5)}
    assert len(learned) > 200
    assert len(tested) > 30
    assert not learned & tested


def test_overlapping_takes_the_first_windows_to_learn_from() -> None:
    windows = random_windows(recording_of([(0, 50), (1, 50)], [False, False]), length=5, count=20, seed=0)
    split = overlapping_same_person(windows, training=15)
    assert np.array_equal(split.training.start_rows, windows.start_rows[:15])
    assert np.array_equal(split.test.start_rows, windows.start_rows[15:])


def test_blocked_needs_a_clock() -> None:
    with pytest.raises(HarkenError, match="mended"):
        blocked_same_person(recording_of([(0, 9)], [False], as_found=True), window_length=3)
