"""A watch's history in little memory: its samples, thinned for drawing, and its labels as runs of one label."""

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from harken.support.arrays import Float32Array, Int16Array, Int64Array

Lot = tuple[Int64Array, Int16Array]
"""Times ``[n]`` in milliseconds since 1970, and signals ``[n, 3]`` in 1/1000 g."""
MS = 10**6
SHOWN_S, SHOWN_HZ = 30, 50
SLOT_MS = 1000 // SHOWN_HZ
FINE = 1000
LARGEST = 32_767
HOUR_NS = 3600 * 10**9
MOST_LABELS = 3600
MOST_LOTS, MOST_NEW = 8, 512
"""Lots, and new samples in them, after which they are joined. Joining each message would take more time."""


class RecentSamples:
    """The samples of the latest half minute: the first to arrive for each fiftieth of a second."""

    def __init__(self) -> None:
        self._lots: list[Lot] = []
        self._new = 0

    def add(self, lot: Lot) -> None:
        """Add samples in any order."""
        self._lots.append(lot)
        self._new += len(lot[0])
        if len(self._lots) > MOST_LOTS or self._new > MOST_NEW:
            self._lots, self._new = [self.latest()], 0

    def latest(self) -> Lot:
        """The samples in order of time."""
        t_ms, values = thinned(self._lots)
        kept = t_ms // SLOT_MS > t_ms[-1:] // SLOT_MS - SHOWN_S * SHOWN_HZ
        return t_ms[kept], values[kept]


def lot_of(time_ns: Int64Array, signals: Float32Array) -> Lot:
    """Samples for drawing: those without a missing value, clipped to 32.767 g, which no wrist reaches."""
    if not np.isfinite(signals).all():
        kept = np.isfinite(signals).all(axis=1)
        time_ns, signals = time_ns[kept], signals[kept]
    return time_ns // MS, np.rint(signals.astype(np.float64) * FINE).clip(-LARGEST, LARGEST).astype(np.int16)


def thinned(lots: Sequence[Lot]) -> Lot:
    """Samples in order of time, at most about 50 a second: the first in ``lots`` for each fiftieth of a second."""
    t_ms = np.concatenate([times for times, _ in lots] or [np.empty(0, np.int64)])
    values = np.concatenate([values for _, values in lots] or [np.empty((0, 3), np.int16)])
    _, rows = np.unique(t_ms // SLOT_MS, return_index=True)
    return t_ms[rows], values[rows]


def drawn(lot: Lot) -> dict[str, list[Any]]:
    """Samples as the page gets them."""
    t_ms, values = lot
    return {"t_ms": t_ms.tolist()} | dict(zip("xyz", (values / FINE).T.tolist(), strict=True))


class RecentLabels:
    """The labels of the latest hour, stored as runs of one label, each label a hop after the one before.

    An hour of one label is one run; in the worst case, a label takes 12 bytes.

    Args:
        hop_ns: the usual time from one label to the next.
    """

    def __init__(self, hop_ns: int) -> None:
        self._hop_ns = hop_ns
        self._runs = self._firsts, self._counts, self._codes = array("q"), array("h"), array("h")

    def put(self, end_ns: int, code: int) -> None:
        """Add a label with the end of its window; it replaces those with this end or a later one."""
        while self._firsts and self._firsts[-1] >= end_ns:
            self._drop(-1)
        while self._firsts and self._firsts[0] + self._counts[0] * self._hop_ns < end_ns - HOUR_NS:
            self._drop(0)
        if self._firsts:
            hops, rest = divmod(end_ns - self._firsts[-1], self._hop_ns)
            self._counts[-1] = count = min(self._counts[-1], hops + (rest > 0))
            if rest == 0 and count == hops < MOST_LABELS and code == self._codes[-1]:
                self._counts[-1] = count + 1
                return
        for column, value in zip(self._runs, (end_ns, 1, code), strict=True):
            column.append(value)

    def _drop(self, run: int) -> None:
        for column in self._runs:
            column.pop(run)

    def ends_and_codes(self) -> Iterator[tuple[int, int]]:
        """The labels in order of time, those of the latest hour and perhaps some earlier ones."""
        for first, count, code in zip(*self._runs, strict=True):
            for hops in range(count):
                yield first + hops * self._hop_ns, code
