"""Samples of one watch as they arrive: sorted, each once, marked where no window may use them."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.plan import SECOND_NS, Plan
from harken.recordings.sensor_faults import RANGE_TOLERANCE, STUCK_S
from harken.support.errors import HarkenError

__all__ = ["LATE_NS", "Arrivals"]

LATE_NS = 2 * SECOND_NS
"""A sample is sorted in as long as no other one is so much later."""
STUCK_NS = round(STUCK_S * SECOND_NS)
EARLIEST_NS = -(1 << 62)
LATEST_NS = 4 * 10**18
"""Times after 2096 are a mistake, and near the end of what 64 bits hold."""
MOST_ROWS = 100_000
"""More are only there when a clock hardly moves: a minute at 1,000 Hz is less."""


class Arrivals:
    """The latest samples of a watch, in order.

    Attributes:
        time_ns, signals: int64 ``[n]``, float32 ``[n, channels]``.
        valid: bool ``[n]``. Of the rows from ``decided`` on it is not known yet.
        decided: rows before this one are told by a later sample to be neither stuck nor not: a sensor that repeats
            itself to the last bit is waited for until it changes, or until it counts as stuck.
        changed: the first row that came, or behind which one came, since ``settle``.
        late, repeated, marked: how many samples were dropped because they were late, or known; how many were marked.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.late = self.repeated = self.marked = 0
        self._floor_ns = EARLIEST_NS
        self.forget()

    def forget(self) -> None:
        """Drop all samples; the next ones are of a new stretch, and none may be older than those forgotten."""
        channels = len(self._plan.specification.channels)
        if hasattr(self, "time_ns") and len(self.time_ns):
            self._floor_ns = int(self.time_ns[-1])
        self.time_ns: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.signals: NDArray[np.float32] = np.empty((0, channels), dtype=np.float32)
        self._sound: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self.valid: NDArray[np.bool_] = self._sound
        self._run_ns: NDArray[np.int64] = self.time_ns  # since when each sample's values are the same
        self.decided = self.changed = 0

    def reset(self) -> None:
        """Begin anew, at any time."""
        self.forget()
        self._floor_ns = EARLIEST_NS

    @property
    def latest_ns(self) -> int:
        """The latest time that is known."""
        return int(self.time_ns[-1]) if len(self.time_ns) else self._floor_ns

    def add(self, signals: NDArray[np.floating], time_ns: NDArray[np.int64]) -> None:
        """Take samples ``[n, channels]`` with their times, in any order.

        Raises:
            HarkenError: when they do not fit one another or the model, for times that cannot be, and when there are
                more samples than a sensor makes.
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
            lively = self._run_ns is self.time_ns  # no two neighbours among the known ones are the same
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
        """All is read; rows before ``first`` are not needed any more."""
        if first:
            # Copies, so that what is behind the views may go; what is one array stays one.
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
        names = self._plan.specification.channels
        if time_ns.dtype != np.int64 or signals.shape != (*time_ns.shape, len(names)) or time_ns.ndim != 1:
            raise HarkenError(
                f"samples are float [n, {len(names)}] ({', '.join(names)}) and int64 nanoseconds [n], not "
                f"{list(signals.shape)} and {time_ns.dtype} {list(time_ns.shape)}"
            )
        return signals, time_ns

    def _sounds(self, signals: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which samples have values, within the sensor's range."""
        limit = np.float32(self._plan.sensor_range_g * RANGE_TOLERANCE)
        if np.abs(signals).max() <= limit:  # as nearly always
            return np.ones(len(signals), dtype=bool)
        with np.errstate(invalid="ignore"):
            sound = (np.abs(signals[:, : self._plan.acceleration_channels]) <= limit).all(axis=1)
        sound &= np.isfinite(signals).all(axis=1)
        self.marked += len(signals) - int(np.count_nonzero(sound))
        return np.asarray(sound)

    def _sort_in(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64]) -> int:
        """Sort in what is not too late, once each; gives the first new row."""
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
        # Only the first row's is read again, and of a row that comes before it nothing is known.
        self._run_ns = self._run_ns if new[0] and rows else self.time_ns
        return int(new[0])

    def _mark(self, lively: int) -> None:
        """Find runs of samples without any change: ``valid``, ``decided``. Before the row ``lively`` there are none."""
        n = len(self.time_ns)
        axes = self._plan.acceleration_channels
        if axes == 0:
            self.valid, self.decided = self._sound, n
            return
        begun_ns = int(self._run_ns[0]) if len(self._run_ns) else int(self.time_ns[0])
        if begun_ns == self.time_ns[0] and not _repeats(self.signals[max(lively - 1, 0) :, :axes]):
            self.valid, self._run_ns, self.decided = self._sound, self.time_ns, n - 1
            return
        same = (self.signals[1:, :axes] == self.signals[:-1, :axes]).all(axis=1)
        same &= np.diff(self.time_ns) <= self._plan.gap_ns
        begins = np.flatnonzero(np.concatenate([[True], ~same]))
        run = np.cumsum(np.concatenate([[False], ~same]))
        since_ns = self.time_ns[begins]
        since_ns[0] = begun_ns
        until_ns = self.time_ns[np.append(begins[1:], n) - 1]
        stuck = until_ns - since_ns >= STUCK_NS
        self._run_ns = since_ns[run]
        self.valid = self._sound & ~stuck[run]
        # Until late samples can no longer say otherwise.
        self.decided = n if until_ns[-1] - since_ns[-1] >= STUCK_NS + LATE_NS else int(begins[-1])


def _repeats(signals: NDArray[np.float32]) -> bool:
    """Whether a sample has the values of the one before it."""
    same = signals[1:, 0] == signals[:-1, 0]
    return bool(same.any() and (signals[1:][same] == signals[:-1][same]).all(axis=1).any())
