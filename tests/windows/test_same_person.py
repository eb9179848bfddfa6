"""Splits: what is tested was not learned, where they say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.people import blocked_same_person
from made_recordings import recording_of


def of_bouts(bouts: list[tuple[int, int]], gaps: list[bool], as_found: bool = False) -> Recording:
    codes = np.concatenate([np.full(n, code, np.int16) for code, n in bouts])
    steps = np.full(len(codes), 40_000_000)
    position = 0
    for (_, n), gap in zip(bouts, gaps, strict=True):
        if gap:
            steps[position] += 10**10
        position += n
    signals = np.arange(len(codes) * 3).reshape(-1, 3)
    return recording_of(np.cumsum(steps), signals, codes=codes, names=("a", "b"), as_found=as_found)


bouts = st.lists(st.tuples(st.integers(-1, 1), st.integers(1, 60)), min_size=1, max_size=8)


@given(bouts, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(1, 9))
def test_blocked_cuts_every_bout_at_four_fifths_and_drops_a_window(
    parts: list[tuple[int, int]], gaps: list[bool], length: int
) -> None:
    parts = [(-1, 20), *parts]  # a gap is told from the usual step, so most steps must be usual ones
    gaps = [False, *gaps]
    recording = of_bouts(parts, gaps[: len(parts)])
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


def test_blocked_needs_a_clock() -> None:
    with pytest.raises(HarkenError, match="mended"):
        blocked_same_person(of_bouts([(0, 9)], [False], as_found=True), window_length=3)
