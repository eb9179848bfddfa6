"""Search for repeated values, written by a watch in sleep mode or by software that filled gaps."""

import numpy as np
from numpy.typing import NDArray


class RepeatedValues:
    """Finds runs of equal samples that last a second or longer, in samples that arrive in pieces.

    The noise of a working sensor prevents such runs: in 13 hours on a wrist at 30 Hz, the longest run of equal samples
    had four. Watches sleep for whole seconds, so a run consists of whole seconds that end with the last equal sample.
    The first of the equal samples was measured. ActiLife writes zeros for a second without data; none of these were
    measured.

    Args:
        rate_hz: samples per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._second = max(2, round(rate_hz))
        self._rows = 0
        self._last: NDArray[np.int16] | NDArray[np.float32] | None = None
        self._first: int | None = None  # the first sample of the run that may continue
        self._found: list[NDArray[np.int64]] = []

    def push(self, values: NDArray[np.int16] | NDArray[np.float32]) -> None:
        """Process the next samples ``[n, 3]``."""
        n = len(values)
        if n == 0:
            return
        same: NDArray[np.bool_] = np.ones(n, dtype=bool)  # equal to the sample before it
        same[0] = self._last is not None and np.array_equal(values[0], self._last)
        for axis in range(values.shape[1]):
            same[1:] &= values[1:, axis] == values[:-1, axis]
        if not same[0]:
            self._close()
        # A run from `begin` to `end` (exclusive) repeats the sample before it, which is part of the run.
        begin, end = np.flatnonzero(np.diff(same, prepend=False, append=False)).reshape(-1, 2).T
        first = self._rows + begin - 1
        if len(begin) and begin[0] == 0 and self._first is not None:
            first[0] = self._first
        zero = (values[end - 1] == 0).all(axis=1)
        over = end < n
        self._keep(first[over], self._rows + end[over] - 1, zero[over])
        self._first = int(first[-1]) if same[-1] else None
        self._last = values[-1].copy()
        self._rows += n

    def finish(self) -> list[tuple[int, int]]:
        """All runs of samples, ``[start, end)``, ascending. Call it after the last ``push``."""
        self._close()
        found = np.concatenate([np.empty((0, 2), dtype=np.int64), *self._found])
        return [(int(start), int(end)) for start, end in found]

    def _close(self) -> None:
        """End the current run with the last sample."""
        if self._first is not None and self._last is not None:
            ends = np.array([self._rows - 1])
            self._keep(np.array([self._first]), ends, np.array([not self._last.any()]))
            self._first = None

    def _keep(self, first: NDArray[np.int64], last: NDArray[np.int64], zero: NDArray[np.bool_]) -> None:
        repeated = (last - first + zero) // self._second * self._second
        start, end = last + 1 - repeated, last + 1
        self._found.append(np.stack([start, end], axis=1)[repeated > 0])
