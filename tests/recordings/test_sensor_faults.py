"""What a sensor does wrong is found in pieces as in the whole, and as one sample after the other would tell it."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.recordings.survey import STUCK_S, RangeGuess, StuckRuns, largest_on_an_axis

PIECES = st.lists(st.integers(0, 400), max_size=5)


def pieces_of(rows: int, cuts: list[int]) -> list[slice]:
    edges = [0, *sorted(cut for cut in cuts if cut < rows), rows]
    return [slice(begin, end) for begin, end in pairwise(edges)]


@settings(max_examples=200)
@given(
    spells=st.lists(
        st.tuples(
            st.sampled_from([0.0, 1.0, float("nan"), None]),
            st.integers(1, 8) | st.integers(55, 75) | st.integers(1, 150),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    ),
    cuts=PIECES,
    step_s=st.sampled_from([1.0, 10.0]),
)
def test_a_stuck_sensor_is_found_however_samples_are_cut(
    spells: list[tuple[float | None, int, bool]], cuts: list[int], step_s: float
) -> None:
    """A spell holds a value, or none: then it rises."""
    values = np.concatenate([np.arange(5, 5 + n) if value is None else np.full(n, value) for value, n, _ in spells])
    steps = np.full(len(values), step_s)
    steps[np.cumsum([0, *(n for _, n, _ in spells[:-1])])] += [3 * step_s * gap for _, _, gap in spells]
    time_ns = np.rint(1e9 * np.cumsum(steps)).astype(np.int64)
    acceleration = np.stack([values, np.ones(len(values)), np.zeros(len(values))], axis=1).astype(np.float32)
    gap_ns = round(1.5e9 * step_s)
    expected, begin = [], 0
    for row in range(1, len(values) + 1):
        together = row < len(values) and time_ns[row] - time_ns[row - 1] <= gap_ns and values[row] == values[row - 1]
        if not together:
            if time_ns[row - 1] - time_ns[begin] >= STUCK_S * 1e9:
                expected.append([begin, row - 1])
            begin = row
    runs = StuckRuns(gap_ns=gap_ns)
    for piece in pieces_of(len(values), cuts):
        runs.push(time_ns[piece], acceleration[piece])
    found = runs.finish()
    rows, times_ns = found[:, :2], found[:, 2:4]
    assert rows.tolist() == expected
    np.testing.assert_array_equal(times_ns, time_ns[rows])
    assert not found[:, 4].any()  # an axis is always 1


def first_range_that_fits(largest: NDArray[np.float32]) -> float:
    """The rule as ``harken.recordings.survey`` words it."""
    finite = largest[np.isfinite(largest)]
    for limit in (2.0, 4.0, 8.0):
        beyond = finite[finite > 1.05 * limit]
        if len(beyond) == 0 or (len(beyond) <= max(1, len(largest) / 10_000) and (beyond > 2 * limit).all()):
            return limit
    return 16.0


@settings(max_examples=200)
@given(
    sizes=st.lists(st.sampled_from([0.5, 1.9, 2.05, 2.5, 4.1, 7.0, 8.2, 15.0, 40.0, np.inf]), min_size=1, max_size=80),
    cuts=PIECES,
)
def test_the_range_is_guessed_however_samples_are_cut(sizes: list[float], cuts: list[int]) -> None:
    acceleration = np.stack([np.zeros(len(sizes)), -np.array(sizes), np.full(len(sizes), np.nan)], axis=1)
    largest = largest_on_an_axis(acceleration.astype(np.float32))
    np.testing.assert_array_equal(largest, np.array(sizes, dtype=np.float32))
    guess, stated = RangeGuess(), RangeGuess(6.0)
    for piece in pieces_of(len(sizes), cuts):
        guess.push(largest[piece])
        stated.push(largest[piece], present=np.isfinite(largest[piece]))
    assert guess.range_g == first_range_that_fits(largest)
    assert (stated.range_g, stated.outside) == (6.0, int(((largest > 6.3) & np.isfinite(largest)).sum()))
