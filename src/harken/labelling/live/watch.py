"""The stream of one watch, from its samples to its labels; the labels of many watches are made in one step."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import MOST_ROWS, NEVER_NS, Arrivals
from harken.labelling.live.settings import StreamSpecification
from harken.labelling.live.windows import LiveWindows, RowAverages, StretchEnd, TimelineRow, Window, add_to_all

EVER = np.iinfo(np.int64).max


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
        self._next_ns = self._safe_ns = (
            NEVER_NS  # resampled samples are known before the first, final before the second
        )
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

    def add_next(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64], first_ns: int, last_ns: int) -> bool:
        """Add samples whose times are valid and rise from ``first_ns`` to ``last_ns``, if they are later than all
        before and are not too many; returns whether they were added."""
        arrivals = self.arrivals
        if first_ns <= arrivals.latest_ns or arrivals.rows + len(time_ns) > MOST_ROWS:
            return False
        arrivals.append(signals, time_ns, last_ns)
        return True

    @property
    def due(self) -> list[Window]:
        """The windows whose probabilities ``label`` needs."""
        return [event for event in self._due if isinstance(event, Window)]

    @property
    def due_count(self) -> int:
        """The number of windows whose probabilities ``label`` needs."""
        return sum([type(event) is Window for event in self._due])

    def label(self, probabilities: NDArray[np.float32]) -> list[Update]:
        """The updates that follow from the probabilities ``[windows, labels]`` of the windows from ``advance``."""
        return label([self], probabilities)[0]

    def _updated(self, probabilities: NDArray[np.float32], first: int, shares: list[list[float]]) -> list[Update]:
        """The updates of the events that are due, whose probabilities begin at line ``first``."""
        updates: list[Update] = []
        for event in self._due:
            if isinstance(event, Window):
                updates.append(self._labelled(event, probabilities[first], shares[first]))
                event.signals = self._none  # a view would keep the whole array in memory
                first += 1
            else:
                updates.append(Update(event.end_ns, None, self.specification.unknown, None, self._bout))
                self._bout = None
                self._provisional.append(_Provisional(event, self.specification.unknown, None))
        self._due = []
        return updates

    def _labelled(self, window: Window, probabilities: NDArray[np.float32], shares: list[float]) -> Update:
        """The update for one more window; ``shares`` are its probabilities as Python's numbers."""
        specification, before = self.specification, self._bout
        labels, bout = specification.model.labels, before
        if before is None or shares[labels.index(before)] < specification.leave_below:
            most = max(shares)
            bout = labels[shares.index(most)] if most >= specification.enter_at else None
        changed = bout != before
        self._bout = bout
        self._provisional.append(_Provisional(window, probabilities.copy(), bout))  # the caller may change its own
        return Update(window.end_ns, bout, probabilities, bout if changed else None, before if changed else None)

    def _settled(self) -> list[_Provisional]:
        """Remove the events that no late sample can change any more."""
        found: list[_Provisional] = []
        while self._provisional and self._provisional[0].event.key_ns < self._safe_ns:
            found.append(self._provisional.pop(0))
            self._final_bout = found[-1].bout
        return found

    def _average(self, settled: _Provisional) -> None:
        if isinstance(settled.event, Window):
            self._rows += self._averages.add(settled.event, settled.probabilities)
        else:
            self._rows += self._averages.end(settled.event)

    def _with_rows(self, updates: list[Update]) -> list[Update]:
        """The updates with the rows that have become final."""
        if self._rows and not updates and self._safe_ns == EVER:  # no later window has an update for them
            updates.append(Update(self._rows[-1].end_ns, None, self.specification.unknown, None, None))
        if updates and self._rows:
            updates[-1] = updates[-1]._replace(rows=tuple(self._rows))
            self._rows = []
        return updates

    def _take_back(self, from_ns: int) -> None:
        """Remove the events from this time on; new ones replace them."""
        if self._provisional and self._provisional[-1].event.key_ns >= from_ns:
            while self._provisional and self._provisional[-1].event.key_ns >= from_ns:
                self._provisional.pop()
            self._bout = self._provisional[-1].bout if self._provisional else self._final_bout

    def _finish(self) -> None:
        """End the stretch, as a gap would."""
        self._due += self._windows.finish()
        self._safe_ns = EVER
        self.arrivals.forget()


def label(watches: Sequence[Watch], probabilities: NDArray[np.float32]) -> list[list[Update]]:
    """The updates of each watch, from the probabilities ``[windows, labels]`` of the windows from ``advance``."""
    shares: list[list[float]] = probabilities.tolist()
    all_updates, first = [], 0
    for watch in watches:
        count = watch.due_count
        all_updates.append(watch._updated(probabilities, first, shares))
        first += count
    settled = [(watch, events) for watch in watches if (events := watch._settled())]
    for number in range(max((len(events) for _, events in settled), default=0)):
        _average([(watch, events[number]) for watch, events in settled if len(events) > number])
    return [watch._with_rows(updates) for watch, updates in zip(watches, all_updates, strict=True)]


def _average(settled: Sequence[tuple[Watch, _Provisional]]) -> None:
    """Add an event of each watch to its rows, those of usual windows in one step."""
    together: list[tuple[Watch, Window, NDArray[np.float32]]] = []
    for watch, one in settled:
        if isinstance(one.event, Window) and watch._averages.follows(one.event):
            together.append((watch, one.event, one.probabilities))
        else:
            watch._average(one)
    if together:
        watches, windows, probabilities = zip(*together, strict=True)
        rows = add_to_all([watch._averages for watch in watches], windows, np.stack(probabilities))
        for watch, row in zip(watches, rows, strict=True):
            watch._rows.append(row)
