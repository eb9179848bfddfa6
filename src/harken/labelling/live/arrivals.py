"""Samples of one watch as they arrive: sorted by time, without repetitions."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.settings import StreamSpecification
from harken.signals.resampling import SECOND_NS
from harken.support.errors import HarkenError

LATE_NS = 2 * SECOND_NS
"""A sample is dropped as late when another one is later by more than this."""
NEVER_NS = -(1 << 62)
LATEST_NS = 4 * 10**18
"""The latest valid time, in the year 2096. Later times are mistakes, and 64 bits overflow in 2262."""
MOST_ROWS = 100_000
"""The largest number of rows. A minute at 1,000 Hz has fewer; more rows come only from a clock that hardly moves."""


class Arrivals:
    """The latest samples of a watch, in order. ``gathered`` joins those of many watches.

    Attributes:
        rows: the number of samples.
        latest_ns: the time of the latest sample.
        begun_ns: the time since which the sensor has had the values of the first row.
        changed: the first row that is new, or that follows a new row, since ``keep``.
        late, repeated: the numbers of samples dropped as late, and dropped as repeated.
    """

    def __init__(self, specification: StreamSpecification) -> None:
        self._specification = specification
        self.late = self.repeated = 0
        self._floor_ns = self.latest_ns = NEVER_NS
        self.forget()

    def forget(self) -> None:
        """Drop all samples. The next ones begin a new stretch and must be later."""
        self._floor_ns = self.latest_ns
        channels = len(self._specification.model.channels)
        self.keep(np.empty(0, dtype=np.int64), np.empty((0, channels), dtype=np.float32), NEVER_NS)

    def reset(self) -> None:
        """Drop all samples; the next ones may be of any time."""
        self.latest_ns = NEVER_NS
        self.forget()

    def keep(self, time_ns: NDArray[np.int64], signals: NDArray[np.float32], begun_ns: int) -> None:
        """Keep these samples instead of all others; they count as unchanged."""
        self._times, self._signals, self.begun_ns = [time_ns], [signals], begun_ns
        self.rows = self.changed = len(time_ns)

    @property
    def pieces(self) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
        """The samples in pieces: times ``[n]`` and signals ``[n, channels]``."""
        return self._times, self._signals

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """The times of all samples, int64 ``[rows]``."""
        self.join()
        return self._times[0]

    def add(self, signals: NDArray[np.floating], time_ns: NDArray[np.int64]) -> None:
        """Add samples ``[n, channels]`` with their times, in any order.

        Raises:
            HarkenError: when shapes or channels do not fit, for times outside 1970 to 2096, and for more samples in a
                minute than a sensor produces.
        """
        signals, time_ns = self._checked(signals, time_ns)
        if len(time_ns) == 0:
            return
        rising = len(time_ns) == 1 or bool((time_ns[1:] > time_ns[:-1]).all())
        first_ns, last_ns = (time_ns[0], time_ns[-1]) if rising else (time_ns.min(), time_ns.max())
        if not (first_ns >= 0 and last_ns < LATEST_NS):
            raise HarkenError("times are nanoseconds since 1970, before 2096")
        if self.rows + len(time_ns) > MOST_ROWS:
            raise HarkenError(f"there are more than {MOST_ROWS:,} samples within a minute; is the unit of times right?")
        if rising and first_ns > self.latest_ns:
            self.append(signals, time_ns, int(last_ns))
        else:
            self._sort_in(signals, time_ns)

    def append(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64], last_ns: int) -> None:
        """Add samples whose times are valid, rise, and are later than all before; the last is at ``last_ns``."""
        if self.rows == 0:
            self.begun_ns = int(time_ns[0])
        self.changed = min(self.changed, self.rows)
        self.rows += len(time_ns)
        self.latest_ns = last_ns
        self._times.append(time_ns)
        self._signals.append(signals)

    def join(self) -> None:
        """Copy all samples into one piece, so that no piece keeps a larger array in memory."""
        if len(self._times) > 1:
            self._times, self._signals = [np.concatenate(self._times)], [np.concatenate(self._signals)]

    def _checked(
        self, signals: NDArray[np.floating], time_ns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        signals, time_ns = np.asarray(signals, dtype=np.float32), np.asarray(time_ns)
        names = self._specification.model.channels
        if time_ns.dtype != np.int64 or signals.shape != (*time_ns.shape, len(names)) or time_ns.ndim != 1:
            raise HarkenError(
                f"samples are float [n, {len(names)}] ({', '.join(names)}) and int64 nanoseconds [n], not "
                f"{list(signals.shape)} and {time_ns.dtype} {list(time_ns.shape)}"
            )
        return signals, time_ns

    def _sort_in(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> None:
        """Merge the samples that are neither late nor repeated."""
        latest = np.maximum.accumulate(np.concatenate([[self.latest_ns], time_ns]))[:-1]
        kept = (time_ns >= latest - LATE_NS) & (time_ns > self._floor_ns)
        self.late += len(kept) - int(np.count_nonzero(kept))
        signals, time_ns = signals[kept], time_ns[kept]
        self.join()
        times = np.concatenate([self._times[0], time_ns])
        order = np.argsort(times, kind="stable")
        once = np.concatenate([[True], np.diff(times[order]) > 0]) if len(times) else np.empty(0, dtype=bool)
        order = order[once]
        self.repeated += len(times) - len(order)
        new = np.flatnonzero(order >= self.rows)
        if len(new) == 0:
            return
        self._times = [times[order]]
        self._signals = [np.concatenate([self._signals[0], signals])[order]]
        if new[0] == 0:
            self.begun_ns = int(self._times[0][0])
        self.changed = min(self.changed, int(new[0]))
        self.rows, self.latest_ns = len(order), max(self.latest_ns, int(self._times[0][-1]))
