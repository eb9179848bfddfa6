"""Run-length coding of rising whole numbers with small codes, such as the times and labels of an hour."""

from array import array

import numpy as np
from numpy.typing import NDArray

__all__ = ["RunLengths"]


class RunLengths:
    """Rising whole numbers with codes, stored as runs with one code and one step.

    An hour with a label every second is one run. The coding is lossless. In the worst case, when the code changes with
    every number, a number takes 26 bytes.
    """

    __slots__ = ("_codes", "_counts", "_firsts", "_steps", "_total")

    def __init__(self) -> None:
        self._firsts, self._steps, self._counts, self._codes = array("q"), array("q"), array("h"), array("h")
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def append(self, number: int, code: int = 0) -> None:
        """Append a number above all others."""
        self._total += 1
        if self._firsts and self._codes[-1] == code and self._counts[-1] < LONGEST:
            first, count = self._firsts[-1], self._counts[-1]
            if count == 1:
                self._steps[-1] = number - first
            if number == first + self._steps[-1] * count:
                self._counts[-1] = count + 1
                return
        self._firsts.append(number)
        self._steps.append(0)
        self._counts.append(1)
        self._codes.append(code)

    def drop_from(self, number: int) -> None:
        """Remove the numbers from this one on."""
        while self._firsts:
            first, count, step = self._firsts[-1], self._counts[-1], self._steps[-1]
            kept = 0 if first >= number else 1 if step == 0 else min(count, -(-(number - first) // step))
            self._total -= count - kept
            if kept:
                self._counts[-1] = kept
                return
            for column in (self._firsts, self._steps, self._counts, self._codes):
                column.pop()

    def drop_up_to(self, number: int) -> None:
        """Remove the numbers up to and including this one."""
        while self._firsts and self._firsts[0] <= number:
            step = self._steps[0]
            self.drop_first(1 if step == 0 else min(self._counts[0], (number - self._firsts[0]) // step + 1))

    def drop_first(self, count: int) -> None:
        """Remove the lowest numbers, this many."""
        while count > 0 and self._firsts:
            gone = min(count, self._counts[0])
            count -= gone
            self._total -= gone
            if gone < self._counts[0]:
                self._firsts[0] += gone * self._steps[0]
                self._counts[0] -= gone
                return
            for column in (self._firsts, self._steps, self._counts, self._codes):
                del column[0]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """All numbers and their codes, ``[n]``."""
        counts = np.array(self._counts)
        place = np.arange(self._total) - np.repeat(np.cumsum(counts) - counts, counts)
        numbers = np.repeat(np.array(self._firsts), counts) + place * np.repeat(np.array(self._steps), counts)
        return numbers, np.repeat(np.array(self._codes), counts)


LONGEST = 2**15 - 1
"""The largest count that a run can store."""
