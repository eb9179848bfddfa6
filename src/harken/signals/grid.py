"""A grid of even times counted from 1970: all pieces of a recording have the same grid, however it was cut."""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

SECOND_NS = 10**9
LARGEST = 2**62
ROWS_AT_ONCE = 1 << 16
"""The number of times compared with the grid at once, so that memory does not grow with a recording's length."""
FINEST_FRACTION = 1000
"""Rates are fractions with at most this denominator: whole-number arithmetic on nanoseconds then fits in 64 bits."""


class Grid:
    """The times ``floor(number / rate)``, in whole nanoseconds since 1970, for every whole ``number``.

    All arithmetic is in whole numbers, because float64 cannot represent single nanoseconds at present-day times since
    1970. The rate is rounded to the nearest fraction with a denominator of at most 1000.

    Attributes:
        rate_hz: points per second, as an exact fraction.
        step_ns: the distance between two points in nanoseconds, a float.
        cycle_ns, cycle: the grid repeats every ``cycle_ns`` nanoseconds, after ``cycle`` points.
    """

    def __init__(self, rate_hz: float | Fraction) -> None:
        self.rate_hz = Fraction(rate_hz).limit_denominator(FINEST_FRACTION)
        step = SECOND_NS / self.rate_hz
        self.step_ns = float(step)
        self.cycle_ns, self.cycle = step.numerator, step.denominator

    def at_or_after(self, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of the first point that is not before each time, int64 ``[n]``."""
        cycles = time_ns // self.cycle_ns
        within = time_ns - cycles * self.cycle_ns
        return cycles * self.cycle + (within * self.cycle + (self.cycle_ns - 1)) // self.cycle_ns

    def times_ns(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The times of the points with these numbers, int64 ``[n]``."""
        cycles = numbers // self.cycle
        within = numbers - cycles * self.cycle
        return cycles * self.cycle_ns + within * self.cycle_ns // self.cycle

    def holds(self, times: Iterable[NDArray[np.int64]], *, longest_step_ns: int) -> bool:
        """Whether all times are points of the grid, and points are missing only in steps longer than a limit.

        Args:
            times: pieces of increasing times, in order.
            longest_step_ns: two times further apart than this have a hole between them.
        """
        last = np.empty(0, dtype=np.int64)
        for piece in times:
            for first in range(0, len(piece), ROWS_AT_ONCE):
                together = np.concatenate([last, piece[first : first + ROWS_AT_ONCE]])
                numbers = self.at_or_after(together)
                missing = (np.diff(numbers) > 1) & (np.diff(together) <= longest_step_ns)
                if (self.times_ns(numbers) != together).any() or missing.any():
                    return False
                last = together[-1:]
        return True

    def next_to(self, time_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        """For increasing times ``[n]``: the number of the first point that is not before each, int64; how much later
        it is, in steps, float32; and whether it is at that time, rounded down to nanoseconds."""
        cycles = time_ns[0] // self.cycle_ns
        scaled = time_ns - cycles * self.cycle_ns
        if scaled[-1] < LARGEST // self.cycle:
            # All three follow from the remainder of one division.
            scaled *= self.cycle
            numbers = scaled + (self.cycle_ns - 1)
            numbers //= self.cycle_ns
            late = np.subtract(numbers * self.cycle_ns, scaled, out=scaled)
            numbers += cycles * self.cycle
            return numbers, late.astype(np.float32) / np.float32(self.cycle_ns), late < self.cycle
        numbers = self.at_or_after(time_ns)
        late_ns = self.times_ns(numbers) - time_ns
        return numbers, (late_ns / self.step_ns).astype(np.float32), late_ns == 0
