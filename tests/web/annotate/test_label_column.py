"""The intervals of a label column give every sample its own label again."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.annotations.bouts import Intervals, laid_over
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from harken.web.annotate.reading import LabelColumn

NAMES = ("lying", "sitting", "walking")
STEP_NS = 40_000_000
GAP_NS = 500_000_000


def recording(time_ns: NDArray[np.int64], codes: NDArray[np.int16]) -> Recording:
    signals = np.zeros((len(time_ns), 3), np.float32)
    return Recording(time_ns, signals, ("x", "y", "z"), codes, NAMES, "anna")


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.integers(-1, 2), st.integers(1, 30), st.sampled_from([STEP_NS, STEP_NS // 2, GAP_NS, GAP_NS + 1, 10**12])
        ),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.integers(0, 1000), max_size=5),
)
def test_intervals_laid_over_the_samples_are_the_column(runs: list[tuple[int, int, int]], cuts: list[int]) -> None:
    codes = np.repeat([code for code, _, _ in runs], [length for _, length, _ in runs]).astype(np.int16)
    steps = np.concatenate([[first_ns, *[STEP_NS] * (length - 1)] for _, length, first_ns in runs])
    time_ns = 1_700_000_000 * 10**9 + np.cumsum(steps)
    whole = Samples(time_ns, np.zeros((len(codes), 3), np.float32), codes, codes >= -1)
    column = LabelColumn(gap_ns=GAP_NS)
    edges = [0, *sorted(cut % (len(codes) + 1) for cut in cuts), len(codes)]
    for first, last in pairwise(edges):
        column.push(whole.part(first, last))
    found = column.finish(NAMES, step_ns=STEP_NS)
    intervals = Intervals.of([(*row, number) for number, row in enumerate(found)])
    again = laid_over(recording(time_ns, codes), intervals)
    labels = [None if code < 0 else again.label_names[code] for code in again.label_codes]
    assert labels == [None if code < 0 else NAMES[code] for code in codes]
    bouts = (np.diff(codes) != 0) | (np.diff(time_ns) > GAP_NS)
    assert len(found) == (codes[np.concatenate([[True], bouts])] >= 0).sum()


def test_without_samples_there_are_no_intervals() -> None:
    assert LabelColumn(gap_ns=GAP_NS).finish((), step_ns=STEP_NS) == []
