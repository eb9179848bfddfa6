"""Broken axes: an axis of acceleration that stays at one value, but for noise, while the watch shows that it cannot.

A still wrist keeps an axis at one value for an hour. Therefore a steady axis alone is no fault. It is broken if
something contradicts it: it rests beyond gravity, the other axes move, or the watch is calm and does not measure 1 g.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from harken.recordings.recording import BrokenAxis, local_time
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, finite_rows

AXES = "xyz"
BLOCK_NS = 10 * 10**9
ROWS_IN_CACHE = 1 << 14
LEAST_SAMPLES = 10
"""A block with fewer samples is not looked at."""
STEADY_G = 0.010
"""An axis is steady in a block if its standard deviation is smaller than this,"""
NOISE_G = 0.060
"""or if it is smaller than this, and the samples follow each other like noise: the mean square of the steps between
samples, divided by the variance, is about 2 for noise and near 0 for slow movement (von Neumann, 1941)."""
NOISE_RATIO, RATIO_ERRORS = 2.0, 3.0
"""The ratio of noise, and how many of its standard errors, 2 / sqrt(samples), it may be smaller."""
LARGEST_STEP_G = 0.010
"""A run of steady blocks ends where the mean changes by more than this, or by more than noise can explain."""
NOISE_ERRORS = 4.0
BEYOND_GRAVITY_G, RANGE_END = 1.25, 0.9
"""No axis can rest beyond the first, and a broken one rests in the last part of the sensor's range. The gain and the
offset of a sensor add up to 0.1 g to gravity. A steady value elsewhere beyond gravity comes from a wrong unit."""
LEAST_BLOCKS = 3
"""The length of a run at the end of the range, at least."""
MOVES_G, TIMES_THE_NOISE = 0.10, 3.0
"""Another axis moves if its standard deviation is above both: this, and so many times that of the steady axis."""
CALM_G, OFF_GRAVITY_G = 0.10, 0.3
"""In a calm block all standard deviations are below the first. It contradicts gravity if its mean is further from 1 g
than the second."""
NO_GRAVITY_G, WRONG_UNIT_G = 0.3, 4.0
"""Calm means outside of these come from files without gravity, and from a wrong unit."""
LEAST_CONTRADICTIONS = 12
"""Blocks that contradict a run, at least: two minutes. In the recordings of 12 studies there are at most 8."""
MOST_STRETCHES = 20


class BrokenStretch(NamedTuple):
    """A stretch of time in which an axis is broken: its axis, its value, its times (without the end) and samples."""

    axis: str
    value_g: float
    start_ns: int
    end_ns: int
    samples: int


class BrokenStretches(NamedTuple):
    """All stretches with a broken axis, in the order of axes and times, and the number of samples in any of them."""

    stretches: list[BrokenStretch]
    samples: int

    def contain(self, time_ns: Int64Array) -> BoolArray:
        """At which of these times an axis is broken, bool ``[n]``."""
        starts = np.sort([stretch.start_ns for stretch in self.stretches])
        ends = np.sort([stretch.end_ns for stretch in self.stretches])
        begun = np.searchsorted(starts, time_ns, side="right")
        return np.asarray(begun > np.searchsorted(ends, time_ns, side="right"))


class AxisBlocks(NamedTuple):
    """Statistics of ten-second blocks: their start, the number of samples, and of each axis the mean, the standard
    deviation and von Neumann's ratio, float64 ``[n, 3]``."""

    start_ns: Int64Array
    samples: Int64Array
    mean: Float64Array
    deviation: Float64Array
    noise_ratio: Float64Array


class Run(NamedTuple):
    """Blocks ``first`` to ``end - 1``, in which an axis is broken."""

    axis: int
    first: int
    end: int
    value_g: float


class AxisSurvey:
    """Finds broken axes in a stream of samples. The result does not depend on how the stream is cut.

    Between two pushes, the samples of the open block are kept, and about a hundred bytes for each complete block.
    """

    def __init__(self) -> None:
        self._done: list[AxisBlocks] = []
        self._time_ns = np.empty(0, np.int64)  # of the open block
        self._acceleration = np.empty((3, 0), np.float32)

    def push(self, time_ns: Int64Array, acceleration_g: Float32Array) -> None:
        """Process the next samples: increasing times ``[n]`` and acceleration ``[n, 3]``."""
        for first in range(0, len(time_ns), ROWS_IN_CACHE):
            rows = slice(first, first + ROWS_IN_CACHE)
            self._push(time_ns[rows], acceleration_g[rows])

    def _push(self, time_ns: Int64Array, acceleration_g: Float32Array) -> None:
        self._time_ns = np.concatenate([self._time_ns, time_ns])
        self._acceleration = np.concatenate([self._acceleration, acceleration_g.T], axis=1)
        open_ns = self._time_ns[-1] // BLOCK_NS * BLOCK_NS
        self._end(int(np.searchsorted(self._time_ns, open_ns)))

    def finish(self, range_g: float) -> "BrokenStretches":
        """The stretches with a broken axis of a sensor with this range. Call it after the last ``push``."""
        self._end(len(self._time_ns))
        if not self._done:
            return BrokenStretches([], 0)
        blocks = AxisBlocks(*map(np.concatenate, zip(*self._done, strict=True)))
        filled = blocks.samples >= LEAST_SAMPLES
        looked_at = AxisBlocks(
            blocks.start_ns[filled],
            blocks.samples[filled],
            blocks.mean[filled],
            blocks.deviation[filled],
            blocks.noise_ratio[filled],
        )
        runs = [run for axis in range(3) for run in _find_runs(looked_at, axis, range_g)]
        runs = _without_contained(runs, len(looked_at.samples))
        stretches = []
        broken = np.zeros(len(blocks.samples), bool)
        for axis, value_g, start_ns, end_ns in _merge(runs, looked_at):
            first, end = np.searchsorted(blocks.start_ns, (start_ns, end_ns))
            broken[first:end] = True
            samples = int(blocks.samples[first:end].sum())
            stretches.append(BrokenStretch(AXES[axis], value_g, start_ns, end_ns, samples))
        return BrokenStretches(stretches, int(blocks.samples[broken].sum()))

    def _end(self, samples: int) -> None:
        """Compute the complete blocks, which are those of the first ``samples`` samples, and keep the others."""
        if samples == 0:
            return
        self._done.append(_compute_blocks(self._time_ns[:samples], self._acceleration[:, :samples]))
        self._time_ns = self._time_ns[samples:]
        self._acceleration = self._acceleration[:, samples:]


def _compute_blocks(time_ns: Int64Array, acceleration_g: Float32Array) -> AxisBlocks:
    finite = finite_rows(acceleration_g.T)
    if not finite.all():
        time_ns = time_ns[finite]
        acceleration_g = acceleration_g[:, finite]
    wide = acceleration_g.astype(np.float64)
    if len(time_ns) == 0:
        nothing = np.empty((0, 3))
        return AxisBlocks(time_ns, time_ns, nothing, nothing, nothing)
    number = time_ns // BLOCK_NS
    firsts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    samples = np.diff(firsts, append=len(time_ns))
    mean = np.add.reduceat(wide, firsts, axis=1) / samples
    steps = np.diff(wide, axis=1, prepend=wide[:, :1])
    steps[:, firsts] = 0
    np.multiply(steps, steps, out=steps)
    step_square = np.add.reduceat(steps, firsts, axis=1) / np.maximum(samples - 1, 1)
    np.multiply(wide, wide, out=wide)
    variance = np.maximum(np.add.reduceat(wide, firsts, axis=1) / samples - mean * mean, 0)
    ratio = step_square / np.maximum(variance, 1e-12)
    return AxisBlocks(number[firsts] * BLOCK_NS, samples, mean.T, np.sqrt(variance).T, ratio.T)


def _find_runs(blocks: AxisBlocks, axis: int, range_g: float) -> Iterator[Run]:
    """The runs of blocks in which this axis is steady, and something contradicts it."""
    if len(blocks.samples) == 0:
        return
    mean, deviation = blocks.mean[:, axis], blocks.deviation[:, axis]
    least_ratio = NOISE_RATIO - RATIO_ERRORS * 2 / np.sqrt(blocks.samples)
    like_noise = (deviation < NOISE_G) & (blocks.noise_ratio[:, axis] > least_ratio)
    steady = (deviation < STEADY_G) | like_noise
    by_noise = NOISE_ERRORS * deviation[1:] * np.sqrt(2 / blocks.samples[1:])
    near = np.abs(np.diff(mean)) < np.maximum(LARGEST_STEP_G, by_noise)
    goes_on = steady[1:] & steady[:-1] & near
    edges = np.flatnonzero(np.concatenate([[True], ~goes_on, [True]]))
    contradicted = np.concatenate([[0], np.cumsum(_contradict(blocks, axis))])
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if not steady[first] or end - first < LEAST_BLOCKS:
            continue
        value_g = float(np.median(mean[first:end]))
        contradictions = contradicted[end] - contradicted[first]
        at_range_end = RANGE_END * range_g < abs(value_g) < range_g / RANGE_END
        if (at_range_end and abs(value_g) > BEYOND_GRAVITY_G) or contradictions >= LEAST_CONTRADICTIONS:
            yield Run(axis, first, end, value_g)


def _contradict(blocks: AxisBlocks, axis: int) -> BoolArray:
    """Which blocks contradict that this axis, if it is steady, measures anything, bool ``[n]``."""
    others = np.delete(blocks.deviation, axis, axis=1).max(axis=1)
    others_move = others > np.maximum(MOVES_G, TIMES_THE_NOISE * blocks.deviation[:, axis])
    length = np.sqrt((blocks.mean**2).sum(axis=1))
    calm = blocks.deviation.max(axis=1) < CALM_G
    in_unit = (length > NO_GRAVITY_G) & (length < WRONG_UNIT_G)
    off_gravity = calm & in_unit & (np.abs(length - 1) > OFF_GRAVITY_G)
    return np.asarray(others_move | off_gravity)


def _without_contained(runs: Sequence[Run], blocks: int) -> list[Run]:
    """The runs without those that lie in a longer run of another axis. When the watch is still, all of its axes are
    steady, and a broken axis contradicts the two others, too."""
    run_at = np.full((3, blocks), -1)
    for number, run in enumerate(runs):
        run_at[run.axis, run.first : run.end] = number
    chosen = []
    for run in runs:
        beside = [runs[number] for number in run_at[:, run.first] if number >= 0]
        longer = [other for other in beside if other.end - other.first > run.end - run.first]
        if not any(other.end >= run.end for other in longer):
            chosen.append(run)
    return chosen


class _Time(NamedTuple):
    """The axis, the value and the times of a stretch."""

    axis: int
    value_g: float
    start_ns: int
    end_ns: int


def _merge(runs: Sequence[Run], blocks: AxisBlocks) -> list[_Time]:
    """The stretches of these runs, in order of axis and time. A stretch includes the two blocks beside its run, because
    the axis breaks within one of them. Stretches of an axis that touch become one, with the value of the longer one."""
    merged: list[_Time] = []
    for run in runs:
        start_ns = int(blocks.start_ns[run.first]) - BLOCK_NS
        end_ns = int(blocks.start_ns[run.end - 1]) + 2 * BLOCK_NS
        last = merged[-1] if merged else None
        if last is None or last.axis != run.axis or start_ns > last.end_ns:
            merged.append(_Time(run.axis, run.value_g, start_ns, end_ns))
        else:
            is_longer = end_ns - start_ns > last.end_ns - last.start_ns
            value_g = run.value_g if is_longer else last.value_g
            merged[-1] = _Time(run.axis, value_g, last.start_ns, end_ns)
    return merged


def group_by_axis(
    stretches: Sequence[BrokenStretch], timezone: str, *, start_ns: int, end_ns: int
) -> tuple[BrokenAxis, ...]:
    """The facts about each axis, with times by the wearer's clock, within the recording from ``start_ns`` to
    ``end_ns``."""
    axes = []
    for axis in AXES:
        own = [stretch for stretch in stretches if stretch.axis == axis]
        if not own:
            continue
        by_length = sorted(own, key=lambda stretch: stretch.start_ns - stretch.end_ns)
        shown = sorted(by_length[:MOST_STRETCHES], key=lambda stretch: stretch.start_ns)
        times = []
        for stretch in shown:
            first_ns, last_ns = max(stretch.start_ns, start_ns), min(stretch.end_ns, end_ns)
            times.append((_format(first_ns, timezone), _format(last_ns, timezone)))
        samples = sum(stretch.samples for stretch in own)
        axes.append(BrokenAxis(axis, round(by_length[0].value_g, 3), samples, len(own), tuple(times)))
    return tuple(axes)


def _format(time_ns: int, timezone: str) -> str:
    return local_time(time_ns, timezone).isoformat(timespec="milliseconds")
