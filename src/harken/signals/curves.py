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
        row: the sample at or before each point, int64 ``[points]``.
        place: of each point among those that follow the same sample, whole numbers from 0, float32 ``[points]``.
        share: how far it is on the way to the next sample, float32 ``[points]``.
        made: whether it can be made of samples: both are good and close enough, or it stands on a good one.
        bridged: whether a curve leads from each sample to the next, bool ``[n]``.
        hole: whether there is a hole after each sample, bool ``[n]``. Some points stand for it.
        steps: from each sample to the next, in nanoseconds, float32 ``[n]``.
    """

    begins: NDArray[np.int64]
    row: NDArray[np.int64]
    place: NDArray[np.float32]
    share: NDArray[np.float32]
    made: NDArray[np.bool_]
    bridged: NDArray[np.bool_]
    hole: NDArray[np.bool_]
    steps: NDArray[np.float32]

    def read(self, signals: NDArray[np.float32], *, out: NDArray[np.float32]) -> None:
        """The curves through finite ``signals`` ``[channels, n]`` at the points, into ``out`` ``[channels, points]``.

        Cubic Hermite curves with the slopes of Catmull and Rom for uneven samples: at each sample the slope of the
        parabola through it and both its neighbours; where there is only one neighbour, that of the line to it.
        """
        rises = np.diff(signals, axis=1, append=signals[:, -1:])
        earlier, later = self._beside()
        # The slopes at both ends of each step, in units of one such step.
        start = rises / (1 + earlier)
        start[:, 1:] += (earlier * earlier / (1 + earlier))[1:] * rises[:, :-1]
        end = rises / (1 + later)
        end[:, :-1] += (later * later / (1 + later))[:-1] * rises[:, 1:]
        cubic = start + end - 2 * rises
        square = rises - start - cubic
        for line, *terms in zip(out, cubic, square, start, signals, strict=True):
            line[:] = terms[0][self.row]
            for term in terms[1:]:
                line *= self.share
                line += term[self.row]

    def _beside(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How many times longer each step is than the one before it, and than the one after it, ``[n]`` each; 0
        where there is none, and where the curve shall be a straight line."""
        good = np.where(self.bridged, self.steps, np.float32(np.inf))
        earlier, later = np.zeros_like(good), np.zeros_like(good)
        np.divide(self.steps[1:], good[:-1], out=earlier[1:])
        np.divide(self.steps[:-1], good[1:], out=later[:-1])
        straight = np.maximum(earlier, later) > MISSING
        earlier[straight] = 0
        later[straight] = 0
        return earlier, later


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
    bridged = (steps <= bridged_ns) & valid & np.append(valid[1:], False)
    hole = ~bridged & (steps > hole_ns)
    begins = grid.at_or_after(time_ns)
    counts = np.diff(begins, append=begins[-1] + hole_points)
    counts = np.where(hole, hole_points + (counts - hole_points) % every, counts)
    firsts = np.cumsum(counts) - counts

    row = np.repeat(np.arange(len(time_ns)), counts)
    place = np.arange(len(row), dtype=np.float32)
    place -= firsts.astype(np.float32)[row]
    late_ns = grid.times_ns(begins) - time_ns
    length_ns = steps.astype(np.float32)
    share = (np.float32(grid.step_ns) / length_ns)[row]
    share *= place
    share += (late_ns / length_ns)[row]
    made = bridged[row]
    made[firsts[(late_ns == 0) & valid]] = True
    return Points(begins, row, place, share, made, bridged, hole, length_ns)
