"""The even samples of one watch: its stretches, the windows in them, and where each stretch ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.live.plan import Plan

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


class Windowing:
    """Even samples in; windows and ends of stretches out, as ``harken.labelling`` finds them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self._time_ns: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._signals: NDArray[np.float32] = np.empty((0, len(self._plan.specification.channels)), dtype=np.float32)
        self._valid: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._place: NDArray[np.int64] = self._time_ns  # of each sample in its stretch

    def extend(
        self, from_ns: int, time_ns: NDArray[np.int64], signals: NDArray[np.float32], valid: NDArray[np.bool_]
    ) -> list[Window | End]:
        """Take samples that follow those before ``from_ns``; what was there from then on is forgotten."""
        n = len(self._time_ns)
        kept = n if n == 0 or from_ns > self._time_ns[-1] else int(np.searchsorted(self._time_ns, from_ns))
        if kept == n and len(time_ns) == 0:
            return []
        times = np.concatenate([self._time_ns[:kept], time_ns])
        good = np.concatenate([self._valid[:kept], valid])
        last = max(kept - 1, 0)
        breaks = (
            last
            + 1
            + np.flatnonzero(
                (times[last + 1 :] - times[last:-1] > self._plan.resampled_gap_ns) | (good[last + 1 :] != good[last:-1])
            )
        )
        begun = np.zeros(len(time_ns), dtype=np.int64)  # the row that each new one's stretch begins with
        begun[: len(time_ns)] = kept - 1 - int(self._place[kept - 1]) if kept else 0
        for row in breaks.tolist():
            begun[row - kept :] = row
        self._place = np.concatenate([self._place[:kept], np.arange(kept, len(times)) - begun])
        self._time_ns, self._valid = times, good
        self._signals = np.concatenate([self._signals[:kept], signals])
        return self._events(kept, breaks.tolist())

    def finish(self) -> list[Window | End]:
        """As if a gap followed."""
        rows = len(self._time_ns)
        found = self._ended(rows, int(self._time_ns[-1]) + 1) if rows else []
        self.clear()
        return found

    def trim(self, safe_ns: int) -> None:
        """Forget what no window can need any more, if samples before ``safe_ns`` no longer change."""
        first = int(np.searchsorted(self._time_ns, safe_ns)) - self._plan.length - 1
        if first > 0:
            self._time_ns, self._signals = self._time_ns[first:].copy(), self._signals[first:].copy()
            self._valid, self._place = self._valid[first:].copy(), self._place[first:].copy()

    def _events(self, first: int, breaks: list[int]) -> list[Window | End]:
        length, hop = self._plan.length, self._plan.hop
        whole = self._place[first:] - (length - 1)
        due = first + np.flatnonzero((whole >= 0) & (whole % hop == 0) & self._valid[first:])
        if not breaks:
            return [self._window(row, int(self._time_ns[row])) for row in due.tolist()]
        events: list[Window | End] = []
        for row in sorted({*due.tolist(), *breaks}):
            if row in breaks:
                events += self._ended(row, int(self._time_ns[row]))
            if self._valid[row] and self._place[row] >= length - 1 and (self._place[row] - length + 1) % hop == 0:
                events.append(self._window(row, int(self._time_ns[row])))
        return events

    def _window(self, row: int, key_ns: int) -> Window:
        """The window that ends with a row."""
        first = row - self._plan.length + 1
        return Window(
            key_ns,
            int(self._place[row]) - self._plan.length + 1,
            int(self._time_ns[first]),
            int(self._time_ns[row]) + self._plan.interval_ns,
            self._signals[first : row + 1],
        )

    def _ended(self, row: int, key_ns: int) -> list[Window | End]:
        """What becomes known when the stretch before a row has ended."""
        length, hop = self._plan.length, self._plan.hop
        samples = int(self._place[row - 1]) + 1
        if not self._valid[row - 1] or samples < length:
            return []
        events: list[Window | End] = []
        if (samples - length) % hop:
            events.append(self._window(row - 1, key_ns))
        began = row - samples  # may have been forgotten
        steps = range(((samples - length) // hop + 1) * hop, samples, hop)
        starts = [int(self._time_ns[began + place]) for place in steps]
        events.append(End(key_ns, samples, starts, int(self._time_ns[row - 1]) + self._plan.interval_ns))
        return events
