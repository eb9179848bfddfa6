"""The even samples of one watch: its stretches, the windows in them, and where each stretch ends."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.plan import Plan

__all__ = ["End", "Window", "Windowing"]


@dataclass(slots=True, eq=False)
class Window:
    """A window that is due.

    Attributes:
        key_ns: the time of the sample that made it known.
        place: the number of its first sample in the stretch.
        start_ns, end_ns: of the window.
        signals: float32 ``[length, channels]``.
    """

    key_ns: int
    place: int
    start_ns: int
    end_ns: int
    signals: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class End:
    """The end of a stretch that held a window.

    Attributes:
        key_ns: the time of the sample after it.
        samples: how many samples the stretch has.
        starts_ns: when its last steps begin, those in which no window begins.
        end_ns: when it ends.
    """

    key_ns: int
    samples: int
    starts_ns: list[int]
    end_ns: int


class _Run(NamedTuple):
    """Samples without a gap, all valid or none: a stretch, or what lies between two.

    Attributes:
        first: the number of its first sample among all that came.
        valid: whether windows may use it.
    """

    first: int
    valid: bool


class Windowing:
    """Even samples in; windows and ends of stretches out, as ``harken.timelines`` finds them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self._time_ns: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._signals: NDArray[np.float32] = np.empty((0, len(self._plan.specification.channels)), dtype=np.float32)
        self._runs: list[_Run] = []
        self._forgotten = 0  # samples: the number of the first one that is still known

    def extend(
        self, from_ns: int, time_ns: NDArray[np.int64], signals: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> list[Window | End]:
        """Take samples that follow those before ``from_ns``; what was there from then on is forgotten."""
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

    def finish(self) -> list[Window | End]:
        """As if a gap followed."""
        rows = len(self._time_ns)
        found = self._ended(rows, self._runs[-1], int(self._time_ns[-1]) + 1) if rows else []
        self.clear()
        return found

    def trim(self, safe_ns: int) -> None:
        """Forget what no window can need any more, if samples before ``safe_ns`` no longer change."""
        first = int(self._time_ns.searchsorted(safe_ns)) - self._plan.length - 1
        if first > 0:
            self._time_ns, self._signals = self._time_ns[first:].copy(), self._signals[first:].copy()
            self._forgotten += first
            while len(self._runs) > 1 and self._runs[1].first <= self._forgotten:
                self._runs.pop(0)

    def _breaks(self, kept: int, valid: NDArray[np.bool_]) -> list[int]:
        """The new rows with which a run begins, if there is one before them."""
        last = max(kept - 1, 0)
        steps = self._time_ns[last + 1 :] - self._time_ns[last:-1]
        good = np.concatenate([[self._runs[-1].valid], valid]) if kept else valid
        if len(steps) and steps.max() <= self._plan.resampled_gap_ns and (good.all() or not good.any()):
            return []  # as nearly always
        broken = (steps > self._plan.resampled_gap_ns) | (good[1:] != good[:-1])
        return [last + 1 + row for row in np.flatnonzero(broken).tolist()]

    def _events(self, kept: int, new: int) -> list[Window | End]:
        """What the rows from ``kept`` on made known; with the run number ``new``, and those after it, one ended."""
        events: list[Window | End] = []
        length, hop = self._plan.length, self._plan.hop
        begins = [run.first - self._forgotten for run in self._runs]
        for number in range(new - 1, len(self._runs)):
            run, begin = self._runs[number], begins[number]
            if number >= new:
                events += self._ended(begin, self._runs[number - 1], int(self._time_ns[begin]))
            if not run.valid:
                continue
            end = begins[number + 1] if number + 1 < len(begins) else len(self._time_ns)
            # A window ends with each place that is a whole number of hops after the first window's last.
            place = max(max(kept, begin) - begin, length - 1)
            place += -(place - (length - 1)) % hop
            for row in range(begin + place, end, hop):
                events.append(self._window(row, run, int(self._time_ns[row])))
        return events

    def _window(self, row: int, run: _Run, key_ns: int) -> Window:
        """The window of a run that ends with a row."""
        first = row - self._plan.length + 1
        return Window(
            key_ns,
            self._forgotten + first - run.first,
            int(self._time_ns[first]),
            int(self._time_ns[row]) + self._plan.interval_ns,
            self._signals[first : row + 1],
        )

    def _ended(self, row: int, run: _Run, key_ns: int) -> list[Window | End]:
        """What becomes known when a run has ended before a row."""
        length, hop = self._plan.length, self._plan.hop
        samples = self._forgotten + row - run.first
        if not run.valid or samples < length:
            return []
        events: list[Window | End] = []
        if (samples - length) % hop:
            events.append(self._window(row - 1, run, key_ns))
        began = row - samples  # may have been forgotten
        steps = range(((samples - length) // hop + 1) * hop, samples, hop)
        starts = [int(self._time_ns[began + place]) for place in steps]
        events.append(End(key_ns, samples, starts, int(self._time_ns[row - 1]) + self._plan.interval_ns))
        return events
