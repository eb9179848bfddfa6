"""Cubic curves between irregular samples, evaluated on a fine even grid, without gaps and marked samples."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.signals.grid import Grid

MISSING = 2.5
"""A step this many times longer than a neighbouring one has missing samples; it is bridged by a straight line."""
EVER_NS = 10**17
"""Three years: the assumed time from the last known sample to the next one."""


class Room:
    """Arrays by name that are used again, because allocating new memory takes longer than the computation in it."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[np.float32]] = {}

    def array(self, name: str, *shape: int) -> NDArray[np.float32]:
        """A float32 array of this shape with arbitrary content. It is valid until the next call with this name."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            kept = self._kept[name] = np.empty(size + size // 8, dtype=np.float32)
        return kept[:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a fine grid among samples, in order.

    Attributes:
        begins: the number of the first point at or after each sample, int64 ``[n]``.
        firsts: the place of this point among all points, int64 ``[n]``.
        counts: the number of points from each sample to the next, int64 ``[n]``.
        late: the time from the sample to this point, in steps of the grid, float32 ``[n]``.
        lengths: the time from each sample to the next, in steps of the grid, float32 ``[n]``.
        bridged: whether there is a curve from each sample to the next, bool ``[n]``.
        hole: whether there is a hole after each sample, bool ``[n]``. A number of points represents it.
        on: whether each sample is good and at the time of its first point, bool ``[n]``.
        total: the number of points.
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
        """Which points can be computed from samples, bool ``[total]``.

        Either both neighbouring samples are good and close enough, or the point is on a good sample.
        """
        made = np.repeat(self.bridged, self.counts)
        made[self.firsts[self.on & (self.counts > 0)]] = True
        return made

    def read(self, signals: NDArray[np.float32], *, out: NDArray[np.float32], room: Room) -> None:
        """The curves through finite ``signals`` ``[channels, n]`` at the points, into ``out`` ``[channels, total]``.
        Where no curve leads to the next sample, only the first point is written, from a line to the next sample.

        The curves are cubic Hermite curves with the slopes of Catmull and Rom for uneven samples. The slope at a sample
        is that of the parabola through it and both neighbours; with one neighbour, that of the line to it. The curve is
        the sum of the straight line and a bend. At a share ``s`` of a step of length ``h`` the bend is
        ``- s (1 - s) h² ((1 - s) b + s c)``, where ``b`` and ``c`` are the second divided differences at both ends.
        """
        channels, n = signals.shape
        per_step = np.reciprocal(self.lengths)
        good = self.lengths if self.bridged[:-1].all() else np.where(self.bridged, self.lengths, np.float32(np.inf))
        squared = self._squared(good)
        rises = room.array("rises", channels, n)
        np.subtract(signals[:, 1:], signals[:, :-1], out=rises[:, :-1])
        rises[:, -1] = 0
        # The second divided difference at each sample, and after the last; 0 without a curve on both sides.
        slopes, bends = room.array("slopes", channels, n), room.array("bends", channels, n + 1)
        np.multiply(rises, per_step, out=slopes)
        np.subtract(slopes[:, 1:], slopes[:, :-1], out=bends[:, 1:-1])
        bends[:, 1:-1] /= good[1:] + good[:-1]
        bends[:, 0] = 0
        bends[:, n - 1 :] = 0

        # One point after each sample. Where there is none, its place is the next sample's, which is written later.
        values, part = room.array("values", channels, n), room.array("part", channels, n)
        _on_curves(self.late * per_step, squared, signals, rises, bends[:, :-1], bends[:, 1:], values=values, part=part)
        for line, value in zip(out, values, strict=True):
            line[self.firsts] = value
        # Then a second one after those that have two, and so on.
        rows = np.flatnonzero((self.counts > 1) & self.bridged)
        place = 1
        while len(rows):
            share = (self.late[rows] + np.float32(place)) * per_step[rows]
            level, rise = signals.take(rows, axis=1), rises.take(rows, axis=1)
            start, end = bends.take(rows, axis=1), bends.take(rows + 1, axis=1)
            values = np.empty_like(level)
            _on_curves(share, squared[rows], level, rise, start, end, values=values, part=np.empty_like(level))
            points = self.firsts[rows] + place
            for line, value in zip(out, values, strict=True):
                line[points] = value
            place += 1
            rows = rows[self.counts[rows] > place]

    def _squared(self, good: NDArray[np.float32]) -> NDArray[np.float32]:
        """The square of each step's length, ``[n]``; 0 where the curve is to be a straight line. ``good`` holds the
        lengths; they are infinite where there is no curve."""
        squared = self.lengths * self.lengths
        most = good * np.float32(MISSING)
        straight = np.zeros(len(good), dtype=bool)
        np.greater(self.lengths[1:], most[:-1], out=straight[1:])
        straight[:-1] |= self.lengths[:-1] > most[1:]
        straight |= ~self.bridged
        squared[straight] = 0
        return squared


def _on_curves(
    share: NDArray[np.float32],
    squared: NDArray[np.float32],
    signals: NDArray[np.float32],
    rises: NDArray[np.float32],
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    *,
    values: NDArray[np.float32],
    part: NDArray[np.float32],
) -> None:
    """See ``Points.read``: at a ``share [n]`` of steps with second differences at their ``starts`` and ``ends``,
    into ``values``."""
    bent = 1 - share
    bent *= share
    bent *= squared
    late = bent * share
    bent -= late
    np.multiply(rises, share, out=values)
    values += signals
    np.multiply(starts, bent, out=part)
    values -= part
    np.multiply(ends, late, out=part)
    values -= part


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
        time_ns: the times of the samples, strictly increasing, int64 ``[n]``.
        valid: which samples are good, bool ``[n]``.
        grid: the fine grid.
        bridged_ns: the longest step between two samples that a curve may bridge.
        hole_ns: a step that is not bridged and longer than this is a hole.
        hole_points: the number of points that represent a hole of any length. A few are added, so that the numbers of
            the points shift by a multiple of ``every``.
        every: see ``hole_points``.
    """
    steps = np.empty(len(time_ns), dtype=np.int64)
    np.subtract(time_ns[1:], time_ns[:-1], out=steps[:-1])
    steps[-1] = EVER_NS
    bridged = steps <= bridged_ns
    if not valid.all():
        bridged &= valid
        bridged[:-1] &= valid[1:]
    hole = ~bridged & (steps > hole_ns)
    begins, late, on = grid.next_to(time_ns)
    counts = np.empty(len(time_ns), dtype=np.int64)
    np.subtract(begins[1:], begins[:-1], out=counts[:-1])
    counts[-1] = hole_points
    holes = np.flatnonzero(hole)
    counts[holes] = hole_points + (counts[holes] - hole_points) % every
    # Without holes the points are numbered consecutively.
    ends = begins - begins[0] + counts if len(holes) == 1 and holes[0] == len(hole) - 1 else np.cumsum(counts)
    lengths = steps.astype(np.float32)
    lengths /= np.float32(grid.step_ns)
    return Points(begins, ends - counts, counts, late, lengths, bridged, hole, on & valid, int(ends[-1]))
