"""Resampled samples of one watch -> stretches without a gap, the windows in them, and final rows of its timeline.

The rows are averaged over windows as in an offline run.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.settings import StreamSpecification

__all__ = ["LiveWindows", "RowAverages", "StretchEnd", "TimelineRow", "Window"]


@dataclass(slots=True, eq=False)
class Window:
    """A window that waits for its probabilities.

    Attributes:
        key_ns: the time of the sample that completed it.
        place: the number of its first sample in the stretch.
        start_ns, end_ns: the start and end of the window.
        signals: float32 ``[length, channels]``.
    """

    key_ns: int
    place: int
    start_ns: int
    end_ns: int
    signals: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class StretchEnd:
    """The end of a stretch that held a window.

    Attributes:
        key_ns: the time of the sample after it.
        samples: the number of samples in the stretch.
        starts_ns: the starts of its last rows, in which no window begins.
        end_ns: the end of the stretch.
    """

    key_ns: int
    samples: int
    starts_ns: list[int]
    end_ns: int


class _Run(NamedTuple):
    """Samples without a gap, either all valid or all invalid: a stretch, or the samples between two stretches.

    Attributes:
        first: the number of its first sample since the beginning of the stream.
        valid: whether windows may use it.
    """

    first: int
    valid: bool


class LiveWindows:
    """The latest resampled samples, cut into the same windows and stretches as by ``harken.timelines``."""

    def __init__(self, specification: StreamSpecification) -> None:
        self._specification = specification
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self._time_ns: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._signals: NDArray[np.float32] = np.empty((0, len(self._specification.model.channels)), dtype=np.float32)
        self._runs: list[_Run] = []
        self._forgotten = 0  # the number of the first sample that is still kept

    def extend(
        self, from_ns: int, time_ns: NDArray[np.int64], signals: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> list[Window | StretchEnd]:
        """Replace the samples from ``from_ns`` on; returns the windows and ends of stretches that they complete."""
        n = len(self._time_ns)
        kept = n if n == 0 or from_ns > self._time_ns[-1] else int(self._time_ns.searchsorted(from_ns))
        if kept == n and len(time_ns) == 0:
            return []
        while self._runs and self._runs[-1].first >= self._forgotten + kept:
            self._runs.pop()
        self._time_ns = np.concatenate([self._time_ns[:kept], time_ns])
        self._signals = np.concatenate([self._signals[:kept], signals])
        if len(time_ns) == 0:
            return []
        new = len(self._runs)
        if not self._runs:
            self._runs.append(_Run(self._forgotten, bool(valid[0])))
        self._runs += [_Run(self._forgotten + row, bool(valid[row - kept])) for row in self._breaks(kept, valid)]
        return self._events(kept, max(new, 1))

    def finish(self) -> list[Window | StretchEnd]:
        """End the stretch, as a gap would."""
        rows = len(self._time_ns)
        found = self._ended(rows, self._runs[-1], int(self._time_ns[-1]) + 1) if rows else []
        self.clear()
        return found

    def trim(self, safe_ns: int) -> None:
        """Forget the samples that no later window needs, given that those before ``safe_ns`` no longer change."""
        first = int(self._time_ns.searchsorted(safe_ns)) - self._specification.length - 1
        if first > 0:
            self._time_ns, self._signals = self._time_ns[first:].copy(), self._signals[first:].copy()
            self._forgotten += first
            while len(self._runs) > 1 and self._runs[1].first <= self._forgotten:
                self._runs.pop(0)

    def _breaks(self, kept: int, valid: NDArray[np.bool_]) -> list[int]:
        """The new rows with which a run begins, where another run precedes them."""
        last = max(kept - 1, 0)
        steps = self._time_ns[last + 1 :] - self._time_ns[last:-1]
        good = np.concatenate([[self._runs[-1].valid], valid]) if kept else valid
        if len(steps) and steps.max() <= self._specification.resampled_gap_ns and (good.all() or not good.any()):
            return []  # the usual case
        broken = (steps > self._specification.resampled_gap_ns) | (good[1:] != good[:-1])
        return [last + 1 + row for row in np.flatnonzero(broken).tolist()]

    def _events(self, kept: int, new: int) -> list[Window | StretchEnd]:
        """The events of the rows from ``kept`` on. The run before each of the runs from number ``new`` on has ended."""
        events: list[Window | StretchEnd] = []
        length, hop = self._specification.length, self._specification.hop
        begins = [run.first - self._forgotten for run in self._runs]
        for number in range(new - 1, len(self._runs)):
            run, begin = self._runs[number], begins[number]
            if number >= new:
                events += self._ended(begin, self._runs[number - 1], int(self._time_ns[begin]))
            if not run.valid:
                continue
            end = begins[number + 1] if number + 1 < len(begins) else len(self._time_ns)
            # Windows end at a whole number of hops after the end of the first window.
            place = max(max(kept, begin) - begin, length - 1)
            place += -(place - (length - 1)) % hop
            for row in range(begin + place, end, hop):
                events.append(self._window(row, run, int(self._time_ns[row])))
        return events

    def _window(self, row: int, run: _Run, key_ns: int) -> Window:
        """The window of a run that ends with this row."""
        first = row - self._specification.length + 1
        return Window(
            key_ns,
            self._forgotten + first - run.first,
            int(self._time_ns[first]),
            int(self._time_ns[row]) + self._specification.interval_ns,
            self._signals[first : row + 1],
        )

    def _ended(self, row: int, run: _Run, key_ns: int) -> list[Window | StretchEnd]:
        """The events of a run that has ended before this row."""
        length, hop = self._specification.length, self._specification.hop
        samples = self._forgotten + row - run.first
        if not run.valid or samples < length:
            return []
        events: list[Window | StretchEnd] = []
        if (samples - length) % hop:
            events.append(self._window(row - 1, run, key_ns))
        began = row - samples  # negative if that sample is no longer kept
        places = range(((samples - length) // hop + 1) * hop, samples, hop)
        starts = [int(self._time_ns[began + place]) for place in places]
        events.append(
            StretchEnd(key_ns, samples, starts, int(self._time_ns[row - 1]) + self._specification.interval_ns)
        )
        return events


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
