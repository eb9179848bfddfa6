"""Resampled samples of one watch -> stretches without a gap, the windows in them, and final rows of its timeline.

The rows are averaged over windows as in an offline run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import NEVER_NS
from harken.labelling.live.settings import StreamSpecification

ROOM = 5, 4
"""The memory for samples, as a multiple of what is needed."""
LARGE = 8
"""Windows for which more memory is not kept after a burst of samples."""


@dataclass(slots=True, eq=False)
class Window:
    """A window that waits for its probabilities.

    Attributes:
        key_ns: the time of the sample that completed it.
        place: the number of its first sample in the stretch.
        start_ns, end_ns: the start and end of the window.
        signals: float32 ``[length, channels]``; only until the watch gets its next samples.
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
    """The latest resampled samples, cut into the same windows and stretches as by ``harken.timelines``.

    Attributes:
        last_ns: the time of the latest sample.
        valid: whether it is valid.
    """

    def __init__(self, specification: StreamSpecification) -> None:
        self._specification = specification
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        # Longer than the samples in them, because moving all samples for each new one would take longer.
        self._times: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._values: NDArray[np.float32] = np.empty((0, len(self._specification.model.channels)), dtype=np.float32)
        self._rows = 0
        self._runs: list[_Run] = []
        self._forgotten = 0  # the number of the first sample that is still kept
        self._safe_ns = self.last_ns = NEVER_NS

    @property
    def valid(self) -> bool:
        """Whether the latest sample is valid."""
        return bool(self._runs) and self._runs[-1].valid

    def extend(
        self, from_ns: int, time_ns: NDArray[np.int64], signals: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> list[Window | StretchEnd]:
        """Replace the samples from ``from_ns`` on; returns the windows and ends of stretches that they complete."""
        self._make_room(len(time_ns))
        n = self._rows
        kept = n if from_ns > self.last_ns else int(self._times[:n].searchsorted(from_ns))
        if kept == n and len(time_ns) == 0:
            return []
        while self._runs and self._runs[-1].first >= self._forgotten + kept:
            self._runs.pop()
        self._rows = kept
        self.last_ns = int(self._times[kept - 1]) if kept else NEVER_NS
        if len(time_ns) == 0:
            return []
        broken = self._breaks(kept, time_ns, valid)
        self._write(time_ns, signals)
        new = len(self._runs)
        if not self._runs:
            self._runs.append(_Run(self._forgotten, bool(valid[0])))
        self._runs += [_Run(self._forgotten + row, bool(valid[row - kept])) for row in broken]
        return self._events(kept, max(new, 1))

    def append(self, time_ns: NDArray[np.int64], signals: NDArray[np.float32]) -> list[Window | StretchEnd]:
        """Add samples that follow the latest one without a gap and are valid if it is; returns the windows that they
        complete."""
        self._make_room(len(time_ns))
        kept = self._rows
        self._write(time_ns, signals)
        return self._events(kept, len(self._runs))

    def finish(self) -> list[Window | StretchEnd]:
        """End the stretch, as a gap would."""
        rows = self._rows
        found = self._ended(rows, self._runs[-1], self.last_ns + 1) if rows else []
        self.clear()
        return found

    def trim(self, safe_ns: int) -> None:
        """Samples before ``safe_ns`` no longer change: those that no later window needs may be forgotten."""
        self._safe_ns = safe_ns
        if len(self._times) > LARGE * self._specification.length:
            # Copied first, because the windows that are due are views.
            self._times, self._values = self._times[: self._rows].copy(), self._values[: self._rows].copy()
            self._move(0)

    def _make_room(self, count: int) -> None:
        """Make room for more samples: forget those that are no longer needed, or take more memory."""
        if self._rows + count > len(self._times):
            self._move(count)

    def _move(self, count: int) -> None:
        first = int(self._times[: self._rows].searchsorted(self._safe_ns)) - self._specification.length - 1
        first, rows = max(0, first), self._rows
        times, values = self._times, self._values
        size = (rows - first + count) * ROOM[0] // ROOM[1]
        if not size <= len(times) <= 2 * size:
            self._times, self._values = np.empty(size, dtype=np.int64), np.empty((size, values.shape[1]), np.float32)
        self._rows = rows - first
        self._times[: self._rows], self._values[: self._rows] = times[first:rows], values[first:rows]
        self._forgotten += first
        while len(self._runs) > 1 and self._runs[1].first <= self._forgotten:
            self._runs.pop(0)

    def _write(self, time_ns: NDArray[np.int64], signals: NDArray[np.float32]) -> None:
        begin = self._rows
        self._rows += len(time_ns)
        self._times[begin : self._rows], self._values[begin : self._rows] = time_ns, signals
        self.last_ns = int(time_ns[-1])

    def _breaks(self, kept: int, time_ns: NDArray[np.int64], valid: NDArray[np.bool_]) -> list[int]:
        """The new rows with which a run begins, where another run precedes them."""
        if kept:
            time_ns = np.concatenate([self._times[kept - 1 : kept], time_ns])
            valid = np.concatenate([[self.valid], valid])
        broken = (time_ns[1:] - time_ns[:-1] > self._specification.resampled_gap_ns) | (valid[1:] != valid[:-1])
        return [max(kept, 1) + row for row in np.flatnonzero(broken).tolist()]

    def _events(self, kept: int, new: int) -> list[Window | StretchEnd]:
        """The events of the rows from ``kept`` on. The run before each of the runs from number ``new`` on has ended."""
        events: list[Window | StretchEnd] = []
        length, hop = self._specification.length, self._specification.hop
        begins = [run.first - self._forgotten for run in self._runs]
        for number in range(new - 1, len(self._runs)):
            run, begin = self._runs[number], begins[number]
            if number >= new:
                events += self._ended(begin, self._runs[number - 1], int(self._times[begin]))
            if not run.valid:
                continue
            end = begins[number + 1] if number + 1 < len(begins) else self._rows
            # Windows end at a whole number of hops after the end of the first window.
            place = max(kept - begin, 0, length - 1)
            place += -(place - (length - 1)) % hop
            for row in range(begin + place, end, hop):
                events.append(self._window(row, run, int(self._times[row])))
        return events

    def _window(self, row: int, run: _Run, key_ns: int) -> Window:
        """The window of a run that ends with this row."""
        first = row - self._specification.length + 1
        return Window(
            key_ns,
            self._forgotten + first - run.first,
            int(self._times[first]),
            int(self._times[row]) + self._specification.interval_ns,
            self._values[first : row + 1],
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
        starts = [int(self._times[began + place]) for place in places]
        events.append(StretchEnd(key_ns, samples, starts, int(self._times[row - 1]) + self._specification.interval_ns))
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

    def follows(self, window: Window) -> bool:
        """Whether this window is a hop after the one before, so that it can be added by ``add_to_all``."""
        return bool(self._starts_ns) and window.place % self._specification.hop == 0

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


def add_to_all(
    averages: Sequence[RowAverages], windows: Sequence[Window], probabilities: NDArray[np.float32]
) -> list[TimelineRow]:
    """Add a window to each of these, with its line of ``probabilities``; returns the row that each of them gets final.

    The same as ``RowAverages.add`` of each, in one step. Every window must follow the one before (``follows``).
    """
    covered = averages[0]._specification.covered
    sums = np.stack([one._sums for one in averages])
    final = (sums[:, 0, :-1] / sums[:, 0, -1:]).astype(np.float32)
    sums[:, :-1] = sums[:, 1:]
    sums[:, -1] = 0
    sums[:, : len(covered), :-1] += covered[:, None] * probabilities[:, None, :]
    sums[:, : len(covered), -1] += covered
    rows = []
    for one, window, mine, shares in zip(averages, windows, sums, final, strict=True):
        one._sums[:] = mine
        one._first += 1
        one._starts_ns.append(window.start_ns)
        rows.append(TimelineRow(one._starts_ns.pop(0), window.start_ns, shares))
    return rows
