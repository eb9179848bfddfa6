"""Even times since 1970: exact, wherever one looks."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.signals import Grid

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
