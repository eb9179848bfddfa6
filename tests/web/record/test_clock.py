"""What the clock of a watch shows, from messages with changing delays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.web.session import WatchClock

MINUTES_NS = 60 * 10**9


@given(
    ahead_s=st.floats(-86_400, 86_400),
    delays_s=st.lists(st.floats(0, 60), min_size=1, max_size=50),
    every_s=st.floats(0.05, 5),
)
def test_the_error_is_the_smallest_delay(ahead_s: float, delays_s: list[float], every_s: float) -> None:
    """Reference: the watch's clock is the server's plus a constant, and a message comes after its delay."""
    clock, began_ns = WatchClock(), 1_700_000_000 * 10**9
    sent_s = every_s * np.arange(len(delays_s))
    arrived_s = np.maximum.accumulate(sent_s + delays_s)  # one connection: no message overtakes another
    for at_s, came_s in zip(sent_s.tolist(), arrived_s.tolist(), strict=True):
        clock.add(began_ns + round((ahead_s + at_s) * 1e9), came_s)
    now_s = float(arrived_s[-1]) + 1
    error_s = (clock.now_ns(now_s) - began_ns) / 1e9 - (ahead_s + now_s)
    assert error_s == pytest.approx(-float((arrived_s - sent_s).min()), abs=1e-3)


def test_an_unknown_clock_says_so() -> None:
    clock = WatchClock()
    assert not clock.known
    clock.add(5, 1.0)
    assert clock.known


def test_a_clock_that_is_set_forward_counts_at_once_and_one_that_is_set_back_after_ten_minutes() -> None:
    clock = WatchClock()
    for second in range(100):
        clock.add(second * 10**9, float(second))
    clock.add(100 * 10**9 + 5 * MINUTES_NS, 100.0)
    assert clock.now_ns(100.0) == 100 * 10**9 + 5 * MINUTES_NS
    for second in range(101, 1000):
        clock.add(second * 10**9, float(second))
    assert clock.now_ns(1000.0) == 1000 * 10**9


def test_the_clock_of_a_watch_that_was_away_for_long_is_that_of_its_new_messages() -> None:
    clock = WatchClock()
    clock.add(10**9 + 5 * MINUTES_NS, 1.0)
    clock.add(3600 * 10**9, 3600.0)
    assert clock.now_ns(3601.0) == 3601 * 10**9
