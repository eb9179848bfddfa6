"""Probabilities of one watch's windows -> final rows of its timeline, averaged as in an offline run."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.settings import StreamSpecification
from harken.labelling.live.windows import StretchEnd, Window

__all__ = ["RowAverages", "TimelineRow"]


class TimelineRow(NamedTuple):
    """A row of the timeline, as ``harken.timelines`` gives it for the same samples.

    ``start_ns`` and ``end_ns`` in UTC since 1970; ``probabilities`` float32 ``[labels]``.
    """

    start_ns: int
    end_ns: int
    probabilities: NDArray[np.float32]


class RowAverages:
    """The mean over the windows that cover a row, for those rows of a stretch that are not final yet."""

    def __init__(self, specification: StreamSpecification) -> None:
        self._specification = specification
        # One line for each row; the last column is the number of samples over which windows cover it.
        self._sums = np.zeros((len(specification.covered) + 2, len(specification.model.labels) + 1))
        self.clear()

    def clear(self) -> None:
        """Start a new stretch."""
        self._sums[:] = 0
        self._first = 0  # the number of the row in the first line of the sums
        self._starts_ns: list[int] = []  # of the rows from there on, as far as windows begin with them

    def add(self, window: Window, probabilities: NDArray[np.float32]) -> list[TimelineRow]:
        """Add the next window of the stretch; returns the rows that no later window can cover."""
        length, hop = self._specification.length, self._specification.hop
        row, offset = divmod(window.place, hop)
        if offset:  # the last window, which ends with the stretch
            rows = np.arange(row, -(-(window.place + length) // hop))
            inside = np.minimum(window.place + length, (rows + 1) * hop) - np.maximum(window.place, rows * hop)
            self._count(row - self._first, inside, probabilities)
            return []
        final = self._take(window.start_ns) if self._starts_ns else []
        self._starts_ns.append(window.start_ns)
        self._count(0, self._specification.covered, probabilities)
        return final

    def _count(self, line: int, samples: NDArray[Any], probabilities: NDArray[np.float32]) -> None:
        """Add a window that covers this many samples of each row from a line on."""
        sums = self._sums[line : line + len(samples)]
        sums[:, :-1] += samples[:, None] * probabilities
        sums[:, -1] += samples

    def end(self, end: StretchEnd) -> list[TimelineRow]:
        """End the stretch; returns all its remaining rows."""
        edges = [*self._starts_ns[1:], *end.starts_ns, end.end_ns]
        self._starts_ns += end.starts_ns
        rows = [self._take(edge)[0] for edge in edges]
        self.clear()
        return rows

    def _take(self, end_ns: int) -> list[TimelineRow]:
        """Remove the first row, which ends at this time."""
        probabilities = (self._sums[0, :-1] / self._sums[0, -1]).astype(np.float32)
        self._sums[:-1] = self._sums[1:]
        self._sums[-1] = 0
        self._first += 1
        return [TimelineRow(self._starts_ns.pop(0), end_ns, probabilities)]
