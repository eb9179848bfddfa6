"""A watch's history in little memory: times with codes as run lengths, and samples thinned for drawing."""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.support.arrays import numbered

Lot = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Times ``[n]`` and signals ``[n, 3]`` in g."""
SHOWN_S = 30
SHOWN_HZ = 50
SLOTS = SHOWN_S * SHOWN_HZ
SLOT_NS = 10**9 // SHOWN_HZ
MS = 10**6
EMPTY = 255
FINE = 1000
LARGEST = 32_767
WAITING_LOTS, WAITING_SAMPLES = 8, 512
LONGEST = 2**15 - 1
"""The largest count that a run can store."""
NOTHING: dict[str, list[Any]] = {"t_ms": [], "x": [], "y": [], "z": []}


class RecentSamples:
    """A ring buffer with the first sample to arrive for each fiftieth of a second, in 1/1000 g, 7 bytes a sample.

    Values are clipped to 32.767 g, which no wrist reaches. Samples with a missing value are left out.
    """

    __slots__ = ("_last", "_late_ms", "_thousandths", "_waiting", "_waiting_samples")

    def __init__(self) -> None:
        self._last = -SLOTS  # the number of the latest fiftieth of a second, from 1970
        self._late_ms = np.full(SLOTS, EMPTY, dtype=np.uint8)  # after the beginning of the fiftieth
        self._thousandths = np.empty((SLOTS, 3), dtype=np.int16)
        self._waiting: list[Lot] = []
        self._waiting_samples = 0

    def add(self, time_ns: NDArray[np.int64], signals: NDArray[np.float32]) -> None:
        """Add samples in any order. A few lots are collected and written together, which takes less time."""
        # Copies, because the samples may be part of a larger array.
        self._waiting.append((time_ns.copy(), signals.copy()))
        self._waiting_samples += len(time_ns)
        if len(self._waiting) >= WAITING_LOTS or self._waiting_samples >= WAITING_SAMPLES:
            self._write()

    def samples(self) -> dict[str, list[Any]]:
        """The samples in order of time: ``t_ms``, ``x``, ``y``, ``z``."""
        self._write()
        numbers = np.arange(self._last - SLOTS + 1, self._last + 1)
        slots = numbers % SLOTS
        kept = self._late_ms[slots] != EMPTY
        numbers, slots = numbers[kept], slots[kept]
        return _message(numbers * (SLOT_NS // MS) + self._late_ms[slots], self._thousandths[slots])

    def _write(self) -> None:
        if not self._waiting:
            return
        time_ns, signals = _together(self._waiting)
        self._waiting, self._waiting_samples = [], 0
        if len(time_ns) == 0:
            return
        numbers = time_ns // SLOT_NS
        self._go_to(int(numbers.max()))
        slots = numbers % SLOTS
        free = np.flatnonzero((numbers > self._last - SLOTS) & (self._late_ms[slots] == EMPTY))
        free = free[::-1]  # of two samples for one slot, the first is written last
        slots = slots[free]
        self._late_ms[slots] = (time_ns[free] - numbers[free] * SLOT_NS) // MS
        self._thousandths[slots] = _thousandths(signals[free])

    def _go_to(self, last: int) -> None:
        """Empty the slots after the latest fiftieth, up to this one."""
        count = last - self._last
        if count >= SLOTS:
            self._late_ms[:] = EMPTY
        elif count > 0:
            first = (self._last + 1) % SLOTS
            self._late_ms[first : first + count] = EMPTY
            self._late_ms[: max(0, first + count - SLOTS)] = EMPTY
        self._last = max(self._last, last)


def thinned(lots: list[Lot]) -> dict[str, list[Any]]:
    """Samples in order of time, at most about 50 a second; those with a missing value are left out."""
    if not lots:
        return NOTHING
    time_ns, signals = _together(lots)
    _, rows = np.unique(time_ns // SLOT_NS, return_index=True)
    return _message(time_ns[rows] // MS, _thousandths(signals[rows]))


def _together(lots: list[Lot]) -> Lot:
    """All lots joined, without samples that have a missing value."""
    time_ns, signals = (np.concatenate(column) for column in zip(*lots, strict=True))
    if np.isfinite(signals).all():
        return time_ns, signals
    kept = np.isfinite(signals).all(axis=1)
    return time_ns[kept], signals[kept]


def _thousandths(signals: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.rint(signals.astype(np.float64) * FINE).clip(-LARGEST, LARGEST).astype(np.int16)


def _message(t_ms: NDArray[np.int64], thousandths: NDArray[np.int16]) -> dict[str, list[Any]]:
    x, y, z = (thousandths / FINE).T.tolist() if len(t_ms) else ([], [], [])
    return {"t_ms": t_ms.tolist(), "x": x, "y": y, "z": z}


class RunLengths:
    """Rising whole numbers with codes, stored as runs with one code and one step.

    An hour with a label every second is one run. The coding is lossless. In the worst case, when the code changes with
    every number, a number takes 26 bytes.
    """

    __slots__ = ("_codes", "_counts", "_firsts", "_steps", "_total")

    def __init__(self) -> None:
        self._firsts, self._steps, self._counts, self._codes = array("q"), array("q"), array("h"), array("h")
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def append(self, number: int, code: int = 0) -> None:
        """Append a number that is larger than all others."""
        self._total += 1
        if self._firsts and self._codes[-1] == code and self._counts[-1] < LONGEST:
            first, count = self._firsts[-1], self._counts[-1]
            if count == 1:
                self._steps[-1] = number - first
            if number == first + self._steps[-1] * count:
                self._counts[-1] = count + 1
                return
        self._firsts.append(number)
        self._steps.append(0)
        self._counts.append(1)
        self._codes.append(code)

    def drop_from(self, number: int) -> None:
        """Remove the numbers from this one on."""
        while self._firsts:
            first, count, step = self._firsts[-1], self._counts[-1], self._steps[-1]
            kept = 0 if first >= number else 1 if step == 0 else min(count, -(-(number - first) // step))
            self._total -= count - kept
            if kept:
                self._counts[-1] = kept
                return
            for column in (self._firsts, self._steps, self._counts, self._codes):
                column.pop()

    def drop_up_to(self, number: int) -> None:
        """Remove the numbers up to and including this one."""
        while self._firsts and self._firsts[0] <= number:
            step = self._steps[0]
            self.drop_first(1 if step == 0 else min(self._counts[0], (number - self._firsts[0]) // step + 1))

    def drop_first(self, count: int) -> None:
        """Remove the lowest numbers, this many."""
        while count > 0 and self._firsts:
            gone = min(count, self._counts[0])
            count -= gone
            self._total -= gone
            if gone < self._counts[0]:
                self._firsts[0] += gone * self._steps[0]
                self._counts[0] -= gone
                return
            for column in (self._firsts, self._steps, self._counts, self._codes):
                del column[0]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """All numbers and their codes, ``[n]``."""
        run, place = numbered(np.array(self._counts))
        return np.array(self._firsts)[run] + place * np.array(self._steps)[run], np.array(self._codes)[run]
