"""One watch's stream: all that is kept of it between two pushes. The network is asked for many watches at once."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import LATE_NS, Arrivals
from harken.labelling.live.averaging import Averaging
from harken.labelling.live.plan import SECOND_NS, Plan
from harken.labelling.live.resampling import EVER, Part, resampled
from harken.labelling.live.updates import Step, Update
from harken.labelling.live.windowing import End, Window, Windowing
from harken.signals import Resampler

__all__ = ["Watch", "advance"]

NEVER_NS = -(1 << 62)
LONG_GAP_NS = 10 * SECOND_NS
"""What is before so long a gap is no longer changed by what comes after it, and by nothing that is not too late."""


class _Told(NamedTuple):
    """What was told, but may still be changed by late samples."""

    event: Window | End
    probabilities: NDArray[np.float32]
    bout: str | None


class Watch:
    """A stream of one watch: ``add`` samples, ``advance``, ask the network for the windows, ``tell``.

    Attributes:
        plan: what it shares with other watches of the same model.
        arrivals: its latest samples; counts of late, repeated and marked ones.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.arrivals = Arrivals(plan)
        self._windowing = Windowing(plan)
        self._averaging = Averaging(plan)
        self._none = np.empty((0, len(plan.specification.channels)), dtype=np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget all samples and what was told; what comes next may be of any time."""
        self.arrivals.reset()
        self._begin_anew()
        self._steps: list[Step] = []

    def _begin_anew(self) -> None:
        self._windowing.clear()
        self._averaging.clear()
        self._next_ns = self._safe_ns = NEVER_NS
        self._told: list[_Told] = []
        self._due: list[Window | End] = []
        self._bout: str | None = None
        self._final_bout: str | None = None

    def add(self, signals: NDArray[np.floating], time_ns: NDArray[np.int64]) -> None:
        """Take samples ``[n, channels]`` (acceleration in g) with their times in nanoseconds since 1970, in any order.

        Raises:
            HarkenError: when they do not fit one another or the model, or cannot be a sensor's.
        """
        self.arrivals.add(signals, time_ns)

    @property
    def due(self) -> list[Window]:
        """The windows that the network has to be asked about."""
        return [event for event in self._due if isinstance(event, Window)]

    @property
    def due_count(self) -> int:
        """How many there are."""
        return sum(isinstance(event, Window) for event in self._due)

    def tell(self, probabilities: NDArray[np.float32]) -> list[Update]:
        """What has become known, from the probabilities ``[windows, labels]`` of the windows that ``advance`` gave."""
        updates: list[Update] = []
        number = 0
        for event in self._due:
            if isinstance(event, Window):
                updates.append(self._heard(event, probabilities[number]))
                event.signals = self._none  # a view would keep what is behind it
                number += 1
            else:
                updates.append(Update(event.end_ns, None, self.plan.nothing, None, self._bout))
                self._bout = None
                self._told.append(_Told(event, self.plan.nothing, None))
        self._due = []
        self._settle()
        if self._steps and not updates and self._safe_ns == EVER:  # no window will come to bring them
            updates.append(Update(self._steps[-1].end_ns, None, self.plan.nothing, None, None))
        if updates and self._steps:
            updates[-1] = updates[-1]._replace(steps=tuple(self._steps))
            self._steps = []
        return updates

    def _heard(self, window: Window, probabilities: NDArray[np.float32]) -> Update:
        """The bout after one more window."""
        labels, before = self.plan.specification.labels, self._bout
        bout = before
        if before is None or probabilities[labels.index(before)] < self.plan.leave_below:
            best = int(probabilities.argmax())
            bout = labels[best] if probabilities[best] >= self.plan.enter_at else None
        changed = bout != before
        self._bout = bout
        self._told.append(_Told(window, probabilities.copy(), bout))  # whoever hears of them may change them
        return Update(window.end_ns, bout, probabilities, bout if changed else None, before if changed else None)

    def _settle(self) -> None:
        """Average what no late sample can change any more."""
        while self._told and self._told[0].event.key_ns < self._safe_ns:
            event, probabilities, self._final_bout = self._told.pop(0)
            if isinstance(event, Window):
                self._steps += self._averaging.add(event, probabilities)
            else:
                self._steps += self._averaging.end(event)

    def _parts(self, *, ended: bool) -> list[Part]:
        """The samples from which new even ones can be made, cut at long gaps."""
        arrivals, resampler = self.arrivals, self.plan.resampler
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
            # As much as new samples are made of, and no more.
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
        """Even samples for each of ``_parts``."""
        from_ns = self._next_ns
        self._told_again_from(from_ns)
        if len(made) == 1:
            self._due += self._windowing.extend(from_ns, *made[0])
        elif made:
            self._due += self._windowing.extend(
                from_ns, *(np.concatenate(columns) for columns in zip(*made, strict=True))
            )

    def _told_again_from(self, from_ns: int) -> None:
        """Take back what was told of samples from then on."""
        if self._told and self._told[-1].event.key_ns >= from_ns:
            while self._told and self._told[-1].event.key_ns >= from_ns:
                self._told.pop()
            self._bout = self._told[-1].bout if self._told else self._final_bout

    def _advanced(self, known_ns: int) -> None:
        """Forget what neither late samples nor coming windows need."""
        arrivals, resampler = self.arrivals, self.plan.resampler
        time_ns, rows = arrivals.time_ns, arrivals.decided
        self._next_ns = max(self._next_ns, known_ns)
        late = int(time_ns.searchsorted(arrivals.latest_ns - LATE_NS))
        if resampler is None:
            first = min(late, rows)
            self._safe_ns = min(arrivals.latest_ns - LATE_NS, self._next_ns)
        else:
            row = max(0, min(late, rows) - 2)
            # The row before is the first that may be another's neighbour; at the very beginning none is safe.
            self._safe_ns = min(self._next_ns, int(time_ns[row]) - resampler.reach_ns) if late >= 2 else NEVER_NS
            first = int(time_ns.searchsorted(self._safe_ns - needs_ns(resampler))) - 3
        arrivals.settle(max(0, first))
        self._windowing.trim(self._safe_ns)

    def _finish(self) -> None:
        """As if a gap followed all samples."""
        self._due += self._windowing.finish()
        self._safe_ns = EVER
        self.arrivals.forget()


def needs_ns(resampler: Resampler) -> int:
    """How far before a new sample the old ones lie that it is made of; of those before three count as well."""
    return resampler.reach_ns + round(resampler.grid.step_ns)


def advance(watches: Sequence[Watch], *, ended: bool = False) -> list[Window]:
    """Resample what has come for these watches (of one plan), and give the windows that have become due.

    Args:
        watches: each with new samples, or not.
        ended: as if a gap followed the samples of all of them.

    Returns:
        The windows of each watch, one watch after the other; every watch then awaits ``tell`` with the probabilities
        of its own (``Watch.due`` says how many there are).
    """
    if not watches:
        return []
    resampler = watches[0].plan.resampler
    asked = [watch._parts(ended=ended) for watch in watches]
    flat = [part for parts in asked for part in parts]
    if resampler is None:
        made = []
        for part in flat:
            rows = slice(*np.searchsorted(part.time_ns, [part.first_ns, part.last_ns]).tolist())
            made.append((part.time_ns[rows], part.signals[rows], part.valid[rows]))
    else:
        made = [(times, new.signals, new.valid) for times, new in resampled(resampler, flat)]
    done = 0
    windows: list[Window] = []
    for watch, parts in zip(watches, asked, strict=True):
        if parts:
            watch._take(made[done : done + len(parts)])
            done += len(parts)
            if not ended:
                watch._advanced(parts[-1].last_ns)
        if ended:
            watch._finish()
        windows += watch.due
    return windows
