"""The stream of one watch, from its samples to its labels; one call of the resampler and of the network serves many."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import LATE_NS, Arrivals
from harken.labelling.live.settings import StreamSpecification
from harken.labelling.live.windows import LiveWindows, RowAverages, StretchEnd, TimelineRow, Window
from harken.signals import Resampler, Samples
from harken.signals.grid import SECOND_NS
from harken.signals.resampling import TOGETHER

__all__ = ["Part", "Update", "Watch", "advance", "resampled"]

NEVER_NS = -(1 << 62)
LONG_GAP_NS = 10 * SECOND_NS
"""Samples after so long a gap do not change resampled samples before it; only late samples do."""
EVER = np.iinfo(np.int64).max


class Part(NamedTuple):
    """Samples without a long gap, and the range of the wanted new samples: from ``first_ns`` to before ``last_ns``."""

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    valid: NDArray[np.bool_]
    first_ns: int
    last_ns: int


class Update(NamedTuple):
    """The new results after samples were added.

    Attributes:
        end_ns: the end of the window that this update describes. If an earlier update has the same ``end_ns``, late
            samples have changed the window: this update replaces that one and all after it.
        label: the label of the bout at ``end_ns``; None if no label is probable enough, or if a stretch has ended.
        probabilities: the probability of each label in the window, float32 ``[labels]``, as in the last row of an
            offline run whose samples end there. NaN if a stretch has ended, because there is no window.
        entered: the label of a bout that began with this window.
        left: the label of a bout that ended before it.
        rows: rows of the timeline that have become final: averaged over all windows that cover them, and too old for
            late samples. They follow about a window's length later.
    """

    end_ns: int
    label: str | None
    probabilities: NDArray[np.float32]
    entered: str | None
    left: str | None
    rows: tuple[TimelineRow, ...] = ()


class _Provisional(NamedTuple):
    """An event that is in an update already and may still be changed by late samples."""

    event: Window | StretchEnd
    probabilities: NDArray[np.float32]
    bout: str | None


class Watch:
    """A stream of one watch: ``add`` samples, ``advance``, compute the windows' probabilities, ``label``.

    Attributes:
        specification: shared with other watches of the same model.
        arrivals: its latest samples; counts of late, repeated and marked ones.
    """

    def __init__(self, specification: StreamSpecification) -> None:
        self.specification = specification
        self.arrivals = Arrivals(specification)
        self._windows = LiveWindows(specification)
        self._averages = RowAverages(specification)
        self._none = np.empty((0, len(specification.model.channels)), dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget all samples and labels; the next samples may be of any time."""
        self.arrivals.reset()
        self._windows.clear()
        self._averages.clear()
        self._next_ns = self._safe_ns = NEVER_NS
        self._provisional: list[_Provisional] = []
        self._due: list[Window | StretchEnd] = []
        self._bout: str | None = None
        self._final_bout: str | None = None
        self._rows: list[TimelineRow] = []

    def add(self, signals: NDArray[np.floating], time_ns: NDArray[np.int64]) -> None:
        """Add samples ``[n, channels]`` (acceleration in g) with their times in nanoseconds since 1970, in any order.

        Raises:
            HarkenError: when shapes, channels or times do not fit one another, the model, or a sensor.
        """
        self.arrivals.add(signals, time_ns)

    @property
    def due(self) -> list[Window]:
        """The windows whose probabilities ``label`` needs."""
        return [event for event in self._due if isinstance(event, Window)]

    @property
    def due_count(self) -> int:
        """The number of windows whose probabilities ``label`` needs."""
        return sum(isinstance(event, Window) for event in self._due)

    def label(self, probabilities: NDArray[np.float32]) -> list[Update]:
        """The updates that follow from the probabilities ``[windows, labels]`` of the windows from ``advance``."""
        updates: list[Update] = []
        number = 0
        for event in self._due:
            if isinstance(event, Window):
                updates.append(self._labelled(event, probabilities[number]))
                event.signals = self._none  # a view would keep the whole array in memory
                number += 1
            else:
                updates.append(Update(event.end_ns, None, self.specification.unknown, None, self._bout))
                self._bout = None
                self._provisional.append(_Provisional(event, self.specification.unknown, None))
        self._due = []
        self._settle()
        if self._rows and not updates and self._safe_ns == EVER:  # no later window has an update for them
            updates.append(Update(self._rows[-1].end_ns, None, self.specification.unknown, None, None))
        if updates and self._rows:
            updates[-1] = updates[-1]._replace(rows=tuple(self._rows))
            self._rows = []
        return updates

    def _labelled(self, window: Window, probabilities: NDArray[np.float32]) -> Update:
        """The update for one more window."""
        labels, before = self.specification.model.labels, self._bout
        bout = before
        if before is None or probabilities[labels.index(before)] < self.specification.settings.leave_below:
            best = int(probabilities.argmax())
            bout = labels[best] if probabilities[best] >= self.specification.settings.enter_at else None
        changed = bout != before
        self._bout = bout
        self._provisional.append(_Provisional(window, probabilities.copy(), bout))  # the caller may change its own
        return Update(window.end_ns, bout, probabilities, bout if changed else None, before if changed else None)

    def _settle(self) -> None:
        """Average the windows that no late sample can change any more."""
        while self._provisional and self._provisional[0].event.key_ns < self._safe_ns:
            event, probabilities, self._final_bout = self._provisional.pop(0)
            if isinstance(event, Window):
                self._rows += self._averages.add(event, probabilities)
            else:
                self._rows += self._averages.end(event)

    def _parts(self, *, ended: bool) -> list[Part]:
        """The samples from which new resampled ones can be computed, cut at long gaps."""
        arrivals, resampler = self.arrivals, self.specification.resampler
        rows = len(arrivals.time_ns) if ended else arrivals.decided
        if rows == 0:
            return []
        time_ns = arrivals.time_ns[:rows]
        reach = 0
        if resampler is not None:
            reach = resampler.reach_ns
            if arrivals.changed < len(arrivals.time_ns):
                self._next_ns = min(self._next_ns, int(time_ns[min(max(arrivals.changed - 2, 0), rows - 1)]) - reach)
        elif arrivals.changed < len(arrivals.time_ns):
            self._next_ns = min(self._next_ns, int(arrivals.time_ns[arrivals.changed]))
        first = 0
        if resampler is not None:
            # Only the samples that new resampled ones depend on.
            first = max(0, int(time_ns.searchsorted(self._next_ns - needs_ns(resampler))) - 3)
        edges = [first, rows]
        if time_ns[-1] - time_ns[first] > LONG_GAP_NS:
            edges[1:1] = (first + 1 + np.flatnonzero(np.diff(time_ns[first:]) > LONG_GAP_NS)).tolist()
        known_ns = EVER
        if not ended:
            known_ns = int(time_ns[max(rows - 2, edges[-2])]) - reach if resampler is not None else int(time_ns[-1]) + 1
        return [
            Part(
                time_ns[first:last],
                arrivals.signals[first:last],
                arrivals.valid[first:last],
                self._next_ns,
                known_ns if last == rows else EVER,
            )
            for first, last in pairwise(edges)
        ]

    def _take(self, made: Sequence[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]]) -> None:
        """Take the resampled samples of each of ``_parts``."""
        from_ns = self._next_ns
        self._take_back(from_ns)
        if len(made) == 1:
            self._due += self._windows.extend(from_ns, *made[0])
        elif made:
            self._due += self._windows.extend(
                from_ns, *(np.concatenate(columns) for columns in zip(*made, strict=True))
            )

    def _take_back(self, from_ns: int) -> None:
        """Remove the events from this time on; new ones replace them."""
        if self._provisional and self._provisional[-1].event.key_ns >= from_ns:
            while self._provisional and self._provisional[-1].event.key_ns >= from_ns:
                self._provisional.pop()
            self._bout = self._provisional[-1].bout if self._provisional else self._final_bout

    def _advanced(self, known_ns: int) -> None:
        """Forget the samples that neither late samples nor later windows need."""
        arrivals, resampler = self.arrivals, self.specification.resampler
        time_ns, rows = arrivals.time_ns, arrivals.decided
        self._next_ns = max(self._next_ns, known_ns)
        late = int(time_ns.searchsorted(arrivals.latest_ns - LATE_NS))
        if resampler is None:
            first = min(late, rows)
            self._safe_ns = min(arrivals.latest_ns - LATE_NS, self._next_ns)
        else:
            row = max(0, min(late, rows) - 2)
            # A late sample can become the neighbour of the row before; at the beginning of a stream no row is safe.
            self._safe_ns = min(self._next_ns, int(time_ns[row]) - resampler.reach_ns) if late >= 2 else NEVER_NS
            first = int(time_ns.searchsorted(self._safe_ns - needs_ns(resampler))) - 3
        arrivals.settle(max(0, first))
        self._windows.trim(self._safe_ns)

    def _finish(self) -> None:
        """End the stretch, as a gap would."""
        self._due += self._windows.finish()
        self._safe_ns = EVER
        self.arrivals.forget()


def needs_ns(resampler: Resampler) -> int:
    """The time before a new sample from which its input begins; the three samples before that are needed, too."""
    return resampler.reach_ns + round(resampler.grid.step_ns)


def advance(watches: Sequence[Watch], *, ended: bool = False) -> list[Window]:
    """Resample the new samples of these watches (of one specification), and return the windows that are due.

    Args:
        watches: the watches, with or without new samples.
        ended: end the stretch of each watch, as a gap would.

    Returns:
        The windows of each watch, one watch after the other. Call ``Watch.label`` of every watch next, with the
        probabilities of its own windows (``Watch.due_count`` of them).
    """
    if not watches:
        return []
    resampler = watches[0].specification.resampler
    parts_by_watch = [watch._parts(ended=ended) for watch in watches]
    flat = [part for parts in parts_by_watch for part in parts]
    if resampler is None:
        made = []
        for part in flat:
            rows = slice(*np.searchsorted(part.time_ns, [part.first_ns, part.last_ns]).tolist())
            made.append((part.time_ns[rows], part.signals[rows], part.valid[rows]))
    else:
        made = [(times, new.signals, new.valid) for times, new in resampled(resampler, flat)]
    done = 0
    windows: list[Window] = []
    for watch, parts in zip(watches, parts_by_watch, strict=True):
        if parts:
            watch._take(made[done : done + len(parts)])
            done += len(parts)
            if not ended:
                watch._advanced(parts[-1].last_ns)
        if ended:
            watch._finish()
        windows += watch.due
    return windows


def resampled(resampler: Resampler, parts: Sequence[Part]) -> list[tuple[NDArray[np.int64], Samples]]:
    """The new samples of each part: their true times, and the samples, whose own times are shifted.

    A call takes about as long for one sample as for a thousand, so all parts share one. The filter does not reach over
    a gap. Each part is therefore shifted in time to well after the one before, by a whole number of the grid's cycles
    (and of samples that are filtered together), which leaves its samples the same as in a call of its own.
    """
    if not parts:
        return []
    cycle = resampler.grid.cycle_ns * TOGETHER
    apart = resampler.longest_step_ns + cycle
    moves, ends, end = [], [], 0
    for part in parts:
        first, last = int(part.time_ns[0]), int(part.time_ns[-1])
        move = -(-(end + apart - first) // cycle) * cycle
        end = last + move
        moves.append(move)
        ends.append(end)
    lengths = [len(part.time_ns) for part in parts]
    time_ns = np.concatenate([part.time_ns for part in parts])
    time_ns += np.repeat(np.array(moves), lengths)
    old = Samples(
        time_ns,
        np.concatenate([part.signals for part in parts]),
        np.zeros(len(time_ns), dtype=np.int16),
        np.concatenate([part.valid for part in parts]),
    )
    new = resampler.between(old, 0, EVER)
    begins = [int(part.time_ns[0]) + move for part, move in zip(parts, moves, strict=True)]
    lowest = [max(part.first_ns + move, begin) for part, move, begin in zip(parts, moves, begins, strict=True)]
    highest = [min(part.last_ns + move, end + 1) for part, move, end in zip(parts, moves, ends, strict=True)]
    firsts = np.searchsorted(new.time_ns, np.array(lowest))
    lasts = np.maximum(np.searchsorted(new.time_ns, np.array(highest)), firsts)
    found = []
    for move, first, last in zip(moves, firsts.tolist(), lasts.tolist(), strict=True):
        piece = new.part(first, last)
        found.append((piece.time_ns - move, piece))
    return found
