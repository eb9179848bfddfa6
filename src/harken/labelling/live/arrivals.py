"""Samples of one watch as they arrive: sorted by time, without repetitions, invalid ones marked."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.settings import StreamSpecification
from harken.recordings.sensor_faults import RANGE_TOLERANCE, STUCK_S
from harken.signals.grid import SECOND_NS
from harken.support.errors import HarkenError

__all__ = ["LATE_NS", "Arrivals"]

LATE_NS = 2 * SECOND_NS
"""A sample is dropped as late when another one is later by more than this."""
STUCK_NS = round(STUCK_S * SECOND_NS)
EARLIEST_NS = -(1 << 62)
LATEST_NS = 4 * 10**18
"""The latest valid time, in the year 2096. Later times are mistakes, and 64 bits overflow in 2262."""
MOST_ROWS = 100_000
"""The largest number of rows. A minute at 1,000 Hz has fewer; more rows come only from a clock that hardly moves."""


class Arrivals:
    """The latest samples of a watch, in order.

    Attributes:
        time_ns, signals: int64 ``[n]``, float32 ``[n, channels]``.
        valid: bool ``[n]``; final for the rows before ``decided``.
        decided: the first row for which it is not known yet whether the sensor is stuck. It is known once the values
            change, or have been the same for so long that they count as stuck.
        changed: the first row that is new, or that follows a new row, since ``settle``.
        late, repeated, marked: the numbers of samples dropped as late, dropped as repeated, and marked invalid.
    """

    def __init__(self, specification: StreamSpecification) -> None:
        self._specification = specification
        self.late = self.repeated = self.marked = 0
        self._floor_ns = EARLIEST_NS
        self.forget()

    def forget(self) -> None:
        """Drop all samples. The next ones begin a new stretch and must be later."""
        channels = len(self._specification.model.channels)
        if hasattr(self, "time_ns") and len(self.time_ns):
            self._floor_ns = int(self.time_ns[-1])
        self.time_ns: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.signals: NDArray[np.float32] = np.empty((0, channels), dtype=np.float32)
        self._sound: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self.valid: NDArray[np.bool_] = self._sound
        self._run_ns: NDArray[np.int64] = self.time_ns  # the time since which the values are the same
        self.decided = self.changed = 0

    def reset(self) -> None:
        """Drop all samples; the next ones may be of any time."""
        self.forget()
        self._floor_ns = EARLIEST_NS

    @property
    def latest_ns(self) -> int:
        """The time of the latest sample."""
        return int(self.time_ns[-1]) if len(self.time_ns) else self._floor_ns

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
        rows = len(self.time_ns)
        if rows + len(time_ns) > MOST_ROWS:
            raise HarkenError(f"there are more than {MOST_ROWS:,} samples within a minute; is the unit of times right?")
        if rising and time_ns[0] > self.latest_ns:
            lively = self._run_ns is self.time_ns  # no two neighbours among the earlier samples are equal
            first = rows
            self.time_ns = np.concatenate([self.time_ns, time_ns])
            self.signals = np.concatenate([self.signals, signals])
            self._sound = np.concatenate([self._sound, self._sounds(signals)])
        else:
            lively = False
            first = self._sort_in(signals, time_ns)
        self.changed = min(self.changed, first)
        if first < len(self.time_ns):
            self._mark(first if lively else 0)

    def settle(self, first: int) -> None:
        """Drop the rows before ``first``; the rest counts as unchanged."""
        if first:
            # Copies, because a view would keep the whole array; arrays that were shared stay shared.
            even, whole = self._run_ns is self.time_ns, self.valid is self._sound
            self.time_ns, self.signals = self.time_ns[first:].copy(), self.signals[first:].copy()
            self._sound = self._sound[first:].copy()
            self.valid = self._sound if whole else self.valid[first:].copy()
            self._run_ns = self.time_ns if even else self._run_ns[first:].copy()
            self.decided -= first
        self.changed = len(self.time_ns)

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

    def _sounds(self, signals: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which samples are finite and within the sensor's range."""
        limit = np.float32(self._specification.settings.sensor_range_g * RANGE_TOLERANCE)
        if np.abs(signals).max() <= limit:  # the usual case
            return np.ones(len(signals), dtype=bool)
        with np.errstate(invalid="ignore"):
            sound = (np.abs(signals[:, : self._specification.acceleration_channels]) <= limit).all(axis=1)
        sound &= np.isfinite(signals).all(axis=1)
        self.marked += len(signals) - int(np.count_nonzero(sound))
        return np.asarray(sound)

    def _sort_in(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> int:
        """Merge the samples that are neither late nor repeated; returns the first new row."""
        latest = np.maximum.accumulate(np.concatenate([[self.latest_ns], time_ns]))[:-1]
        kept = (time_ns >= latest - LATE_NS) & (time_ns > self._floor_ns)
        self.late += len(kept) - int(np.count_nonzero(kept))
        signals, time_ns = signals[kept], time_ns[kept]
        rows = len(self.time_ns)
        times = np.concatenate([self.time_ns, time_ns])
        order = np.argsort(times, kind="stable")
        once = np.concatenate([[True], np.diff(times[order]) > 0]) if len(times) else np.empty(0, dtype=bool)
        order = order[once]
        self.repeated += len(times) - len(order)
        new = np.flatnonzero(order >= rows)
        if len(new) == 0:
            return rows
        self.time_ns = times[order]
        self.signals = np.concatenate([self.signals, signals])[order]
        self._sound = np.concatenate([self._sound, self._sounds(signals)])[order]
        # Only the value of the first row is used later; it is unknown when a new sample became the first row.
        self._run_ns = self._run_ns if new[0] and rows else self.time_ns
        return int(new[0])

    def _mark(self, lively: int) -> None:
        """Set ``valid`` and ``decided`` from runs of equal samples. There are none before the row ``lively``."""
        n = len(self.time_ns)
        axes = self._specification.acceleration_channels
        if axes == 0:
            self.valid, self.decided = self._sound, n
            return
        begun_ns = int(self._run_ns[0]) if len(self._run_ns) else int(self.time_ns[0])
        if begun_ns == self.time_ns[0] and not _repeats(self.signals[max(lively - 1, 0) :, :axes]):
            self.valid, self._run_ns, self.decided = self._sound, self.time_ns, n - 1
            return
        same = (self.signals[1:, :axes] == self.signals[:-1, :axes]).all(axis=1)
        same &= np.diff(self.time_ns) <= self._specification.gap_ns
        begins = np.flatnonzero(np.concatenate([[True], ~same]))
        run = np.cumsum(np.concatenate([[False], ~same]))
        since_ns = self.time_ns[begins]
        since_ns[0] = begun_ns
        until_ns = self.time_ns[np.append(begins[1:], n) - 1]
        stuck = until_ns - since_ns >= STUCK_NS
        self._run_ns = since_ns[run]
        self.valid = self._sound & ~stuck[run]
        # Late samples could still show a change.
        self.decided = n if until_ns[-1] - since_ns[-1] >= STUCK_NS + LATE_NS else int(begins[-1])


def _repeats(signals: NDArray[np.float32]) -> bool:
    """Whether a sample has the values of the one before it."""
    same = signals[1:, 0] == signals[:-1, 0]
    return bool(same.any() and (signals[1:][same] == signals[:-1][same]).all(axis=1).any())
