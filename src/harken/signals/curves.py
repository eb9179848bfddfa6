"""Cubic curves between irregular samples, read at a fine even grid; gaps and marked samples left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.signals.grid import Grid

__all__ = ["MISSING", "Points", "points_between"]

MISSING = 2.5
"""A step this many times longer than one beside it has missing samples in it, and a straight line over it."""
EVER_NS = 10**17
"""Nothing comes for three years after the last sample that is known."""


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a fine grid among samples, in order.

    Attributes:
        begins: the number of the first point at or after each sample, int64 ``[n]``.
        firsts: its place among all points, int64 ``[n]``.
        counts: how many points there are from each sample to the next, int64 ``[n]``.
        late: how much later than the sample its first point is, in steps of the grid, float32 ``[n]``.
        lengths: from each sample to the next, in steps of the grid, float32 ``[n]``.
        bridged: whether a curve leads from each sample to the next, bool ``[n]``.
        hole: whether there is a hole after each sample, bool ``[n]``. Some points stand for it.
        on: whether each sample is good and stands on its first point, bool ``[n]``.
        total: how many points there are.
    """

    begins: NDArray[np.int64]
    firsts: NDArray[np.int64]
    counts: NDArray[np.int64]
    late: NDArray[np.float32]
    lengths: NDArray[np.float32]
    bridged: NDArray[np.bool_]
    hole: NDArray[np.bool_]
    on: NDArray[np.bool_]
    total: int

    def made(self) -> NDArray[np.bool_]:
        """Which points can be made of samples: both beside it are good and close enough, or it stands on a good
        one; bool ``[total]``."""
        made = np.repeat(self.bridged, self.counts)
        made[self.firsts[self.on & (self.counts > 0)]] = True
        return made

    def read(self, signals: NDArray[np.float32], *, out: NDArray[np.float32]) -> None:
        """The curves through finite ``signals`` ``[channels, n]`` at the points, into ``out`` ``[channels, total]``.
        Where no curve leads to the next sample only the first point is written: a line to whatever comes next.

        Cubic Hermite curves with the slopes of Catmull and Rom for uneven samples: at each sample the slope of the
        parabola through it and both its neighbours; where there is only one neighbour, that of the line to it. Such
        a curve is the straight line, and what it bends away from it: at a share ``s`` of a step of length ``h``,
        ``- s (1 - s) h² ((1 - s) b + s c)`` if ``b`` and ``c`` are the second divided differences at both ends.
        """
        rises = np.diff(signals, axis=1, append=signals[:, -1:])
        bends = self._bends(rises)
        per_step = 1 / self.lengths
        squared = self._squared()
        rows: slice | NDArray[np.int64] = slice(None)
        left = np.where(self.bridged, self.counts, np.minimum(self.counts, 1))
        for place in range(int(left.max(initial=0))):
            # One point after each sample, then the second one after those that have two, and so on.
            if place == 0 and left.min() > 0:
                chosen: slice | NDArray[np.int64] = slice(None)
            else:
                chosen = rows = np.flatnonzero(left > place) if place < 2 else rows[left[rows] > place]  # type: ignore[index]
            share = self.late[chosen] + np.float32(place)
            share *= per_step[chosen]
            rest = 1 - share
            bent = share * rest
            bent *= squared[chosen]
            end = bent * share
            bent -= end
            points = self.firsts[chosen] + place
            later = slice(1, None) if isinstance(chosen, slice) else chosen + 1
            for line, signal, rise, bend in zip(out, signals, rises, bends, strict=True):
                value = share * rise[chosen]
                value += signal[chosen]
                value -= bent * bend[:-1][chosen]
                value -= end * bend[later]
                line[points] = value

    def _bends(self, rises: NDArray[np.float32]) -> NDArray[np.float32]:
        """The second divided difference at each sample and, 0, after the last, ``[channels, n + 1]``; 0 where no
        curve leads on to both sides."""
        good = self.lengths if self.bridged.all() else np.where(self.bridged, self.lengths, np.float32(np.inf))
        slopes = rises / self.lengths
        bends = np.zeros((len(rises), len(good) + 1), dtype=np.float32)
        np.subtract(slopes[:, 1:], slopes[:, :-1], out=bends[:, 1:-1])
        bends[:, 1:-1] /= good[1:] + good[:-1]
        return bends

    def _squared(self) -> NDArray[np.float32]:
        """The square of each step's length, ``[n]``; 0 where the curve shall be a straight line."""
        good = np.where(self.bridged, self.lengths, np.float32(np.inf)) * np.float32(MISSING)
        straight = np.zeros(len(good), dtype=bool)
        np.greater(self.lengths[1:], good[:-1], out=straight[1:])
        straight[:-1] |= self.lengths[:-1] > good[1:]
        squared = self.lengths * self.lengths
        squared[straight | ~self.bridged] = 0
        return squared


def points_between(
    time_ns: NDArray[np.int64],
    valid: NDArray[np.bool_],
    grid: Grid,
    *,
    bridged_ns: int,
    hole_ns: int,
    hole_points: int,
    every: int,
) -> Points:
    """The points of ``grid`` from the first sample on, and ``hole_points`` after the last.

    Args:
        time_ns: of the samples, strictly increasing, int64 ``[n]``.
        valid: which of them are good, bool ``[n]``.
        grid: the fine grid.
        bridged_ns: the longest step between two samples that a curve may bridge.
        hole_ns: a step that is not bridged and longer than this is a hole.
        hole_points: how many points stand for a hole, whatever its length; a few more, so that their number is off
            by a multiple of ``every``.
        every: see ``hole_points``.
    """
    steps = np.diff(time_ns, append=time_ns[-1] + EVER_NS)
    bridged = steps <= bridged_ns
    if not valid.all():
        bridged &= valid
        bridged[:-1] &= valid[1:]
    hole = ~bridged & (steps > hole_ns)
    begins, late, on = grid.next_to(time_ns)
    counts = np.diff(begins, append=begins[-1] + hole_points)
    holes = np.flatnonzero(hole)
    counts[holes] = hole_points + (counts[holes] - hole_points) % every
    # Without holes points follow one another as their numbers do.
    ends = begins - begins[0] + counts if len(holes) == 1 and holes[0] == len(hole) - 1 else np.cumsum(counts)
    lengths = steps.astype(np.float32)
    lengths /= np.float32(grid.step_ns)
    return Points(begins, ends - counts, counts, late, lengths, bridged, hole, on & valid, int(ends[-1]))
