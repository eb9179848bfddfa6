"""Cuts a stream of samples into windows, and lays the probabilities of windows over rows of time.

At most a window's length of samples is kept between two parts of a stream.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.recordings.source import Samples, joined
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, numbered

UNLABELLED, GAP = -1, -2
WEIGHTED_AT_ONCE = 1 << 14
"""The probabilities of this many windows are weighted at a time."""


class StreamWindows(NamedTuple):
    """Complete windows: ``signals`` float32 ``[n, length, channels]`` (a copy); the number, in the stream, of the first
    sample of each, int64 ``[n]``; and the time of that sample."""

    signals: Float32Array
    firsts: Int64Array
    starts_ns: Int64Array

    def part(self, numbers: slice | BoolArray) -> "StreamWindows":
        """Some of the windows."""
        return StreamWindows(self.signals[numbers], self.firsts[numbers], self.starts_ns[numbers])


class TimelineRows(NamedTuple):
    """Rows in order of time; each ends where the next begins; arrays ``[rows]``.

    ``start_ns`` int64; ``kind`` int64, the number of the row among those with a label, ``UNLABELLED`` or ``GAP``;
    ``activity_mg`` float32, the mean length of the acceleration minus gravity (0 where it is negative), in thousandths
    of g, NaN where there is no valid sample; ``end_ns`` of the last row; ``probabilities`` float32, of the rows with a
    label.
    """

    start_ns: Int64Array
    kind: Int64Array
    activity_mg: Float32Array
    end_ns: int
    probabilities: Float32Array


class Windowing:
    """Cuts a stream of samples into windows, and lays their probabilities over rows.

    Samples are numbered from the beginning of the stream. A *run* is a longest sequence of samples without a gap that
    are all valid or all invalid. Valid runs that are at least as long as a window have windows.

    Args:
        length, hop: samples in a window and in a row of the timeline.
        gap_limit_ns: two samples further apart than this have a gap between them.
        channels: the number of channels.
        axes: the number of leading channels that are acceleration, for the activity; 0 if there are none.
    """

    def __init__(self, *, length: int, hop: int, gap_limit_ns: int, channels: int, axes: int) -> None:
        self._length, self._hop, self._gap_ns, self._axes = length, hop, gap_limit_ns, axes
        self._kept = Samples.empty(0, channels)
        self._total, self._begin = 0, 0  # samples so far, and the first of the open run
        self._last_ns, self._last_valid = 0, False
        self._sum, self._count = 0.0, 0  # of the activity and of the valid samples so far
        self._window_firsts: list[Int64Array] = []
        # Arrays of each push, of its rows; an invalid run is one row. The first sample, the times of that and of the
        # sample before, whether it is valid, and whether a gap is before it; over all samples before, the sum of the
        # activity and the number of valid ones; and whether the row begins a run.
        self._rows: list[tuple[NDArray[Any], ...]] = []

    def push(self, samples: Samples) -> StreamWindows:
        """Add samples, at least one, later than all before; returns the windows that they complete."""
        time_ns, valid, total = samples.time_ns, samples.valid, self._total
        if total == 0:
            self._last_ns = int(time_ns[0])
            self._last_valid = not valid[0]
        before_ns = np.concatenate([[self._last_ns], time_ns[:-1]])
        gap = time_ns - before_ns > self._gap_ns
        new = np.flatnonzero(gap | (valid != np.concatenate([[self._last_valid], valid[:-1]])))
        activity = np.concatenate([[self._sum], self._sum + np.cumsum(self._activity(samples))])
        present = np.concatenate([[self._count], self._count + np.cumsum(valid)])
        # The open run and those that begin here; all but the last have ended.
        opened = 1 if total else 0
        ends = [total + len(time_ns)]
        edges = np.concatenate([[self._begin] * opened, new + total, ends]).astype(np.int64)
        usable = np.concatenate([[self._last_valid] * opened, valid[new]]).astype(bool)
        rows = np.where(usable, -(-np.diff(edges) // self._hop), 1)
        begun = np.zeros_like(rows)
        begun[0] = -((edges[0] - total) // self._hop) if usable[0] else opened  # rows of the open run so far
        run, number = numbered_after(rows, begun)
        here = edges[run] + self._hop * number - total
        columns = (time_ns, before_ns, valid, gap, activity, present)
        self._rows.append((here + total, *(column[here] for column in columns), number == 0))
        every = joined([self._kept, samples]) if len(self._kept.time_ns) else samples
        windows = self._windows(edges, usable, every, ended=False)

        self._total = total + len(time_ns)
        self._begin = int(edges[-2])
        self._sum = float(activity[-1])
        self._count = int(present[-1])
        self._last_ns = int(time_ns[-1])
        self._last_valid = bool(valid[-1])
        # The last window of a run ends where the run does.
        kept = min(self._total - self._begin, self._length) if self._last_valid else 0
        self._kept = joined([every.part(len(every.time_ns) - kept, len(every.time_ns))])
        return windows

    def windows(self, stream: Iterable[Samples], rows: int) -> Iterator[StreamWindows]:
        """The windows of a whole stream, whose samples are added so many at a time."""
        for samples in stream:
            yield from map(self.push, samples.pieces(rows))
        yield self.finish()

    def finish(self) -> StreamWindows:
        """The windows that the end of the stream completes."""
        edges = np.array([self._begin, self._total])
        usable = np.array([self._last_valid])
        return self._windows(edges, usable, self._kept, ended=True)

    def rows(self, probabilities: Float32Array, *, interval_ns: int) -> TimelineRows:
        """The rows of the stream, which has ended and had windows.

        Args:
            probabilities: the probabilities of all windows, ``[windows, labels]``.
            interval_ns: the time from a sample to the start of a gap after it.
        """
        firsts, begins_ns, before_ns, valid, gap, sums, counts, opens = (
            np.concatenate(arrays) for arrays in zip(*self._rows, strict=True)
        )
        edges = np.append(firsts[opens], self._total)
        run = np.cumsum(opens) - 1
        long = valid[opens] & (np.diff(edges) >= self._length)
        labelled = long[run]
        # A run without labels is one row, and is joined to one right before it.
        kept = labelled.copy()
        kept[opens] |= gap[opens] | np.append(True, long[:-1])
        # A gap is a row, too: it has the place of the row after it, and so no samples.
        row = np.repeat(np.flatnonzero(kept), 1 + gap[kept])
        is_gap = gap[row] & (np.diff(row, prepend=-1) > 0)
        kind = np.where(labelled[row], np.cumsum(labelled)[row] - 1, UNLABELLED)
        over = np.diff(counts[row], append=self._count)
        summed = 1000 * np.diff(sums[row], append=self._sum)
        activity = np.divide(summed, over, out=np.full(len(over), np.nan), where=over > 0)
        return TimelineRows(
            start_ns=np.where(is_gap, before_ns[row] + interval_ns, begins_ns[row]),
            kind=np.where(is_gap, GAP, kind),
            activity_mg=activity.astype(np.float32),
            end_ns=self._last_ns + interval_ns,
            probabilities=averaged_over_windows(
                probabilities,
                np.concatenate(self._window_firsts),
                firsts[labelled],
                np.minimum(firsts[labelled] + self._hop, edges[run[labelled] + 1]),
                length=self._length,
                hop=self._hop,
            ),
        )

    def _activity(self, samples: Samples) -> Float64Array:
        """The length of each acceleration minus gravity, in g; 0 where negative or the sample is invalid: ``[n]``."""
        if self._axes == 0:
            return np.zeros(len(samples.time_ns))
        with np.errstate(over="ignore", invalid="ignore"):  # an invalid sample may have any value
            square = np.square(samples.signals[:, 0])
            for axis in range(1, self._axes):
                square += np.square(samples.signals[:, axis])
            longer = np.maximum(np.sqrt(square) - 1, 0)
        return np.where(samples.valid, longer, 0).astype(np.float64)

    def _windows(self, edges: Int64Array, usable: BoolArray, every: Samples, *, ended: bool) -> StreamWindows:
        """The windows of the runs with these edges that are newly complete, copied out of the kept and new samples."""
        samples = np.where(usable, np.diff(edges), 0)
        closed = np.append(np.ones(len(samples) - 1, dtype=bool), ended)
        given = np.zeros_like(samples)
        if usable[0]:
            given[0] = max((self._total - edges[0] - self._length) // self._hop + 1, 0)
        run, place = window_places(samples, closed, given, length=self._length, hop=self._hop)
        firsts = edges[run] + place
        self._window_firsts.append(firsts)
        if len(firsts) == 0:
            return StreamWindows(np.empty((0, self._length, every.signals.shape[1]), np.float32), firsts, firsts)
        views = np.lib.stride_tricks.sliding_window_view(every.signals, self._length, axis=0).swapaxes(1, 2)
        here = firsts - (edges[-1] - len(every.time_ns))
        return StreamWindows(views[here], firsts, every.time_ns[here])


def window_places(
    samples: Int64Array, closed: BoolArray, given: Int64Array, *, length: int, hop: int
) -> tuple[Int64Array, Int64Array]:
    """The windows of some runs, one run after the other.

    Args:
        samples: the number of samples in each run; 0 for one without windows.
        closed: whether a run has ended. Its last window ends where the run does.
        given: the number of windows at the beginning of each run that are left out.
        length, hop: samples in a window, and from one to the next.

    Returns:
        The number of each window's run, and of its first sample in the run, int64 ``[windows]``.
    """
    spare = samples - length
    counts = spare // hop + 1
    counts += closed & (spare % hop > 0)
    run, number = numbered_after(np.where(spare >= 0, counts, 0), given)
    return run, np.minimum(hop * number, spare[run])


def numbered_after(counts: Int64Array, given: Int64Array) -> tuple[Int64Array, Int64Array]:
    """``numbered`` without the first ``given`` of each run."""
    run, number = numbered(np.maximum(counts - given, 0))
    return run, number + given[run]


def averaged_over_windows(
    probabilities: Float32Array,
    window_firsts: Int64Array,
    row_firsts: Int64Array,
    row_ends: Int64Array,
    *,
    length: int,
    hop: int,
) -> Float32Array:
    """Probabilities of windows ``[windows, labels]`` -> of rows, float32 ``[rows, labels]``: the mean over the windows
    that cover a row, weighted by the number of its samples that each covers.

    Args:
        probabilities: the probabilities of the windows.
        window_firsts: the number of each window's first sample.
        row_firsts, row_ends: the numbers of each row's first sample and of the sample after its last one, rising.
        length, hop: samples in a window and, at most, in a row.
    """
    sums = np.zeros((len(row_firsts), probabilities.shape[1]))
    weights = np.zeros(len(row_firsts))
    first_row = np.searchsorted(row_firsts, window_firsts, side="right") - 1
    for later in range(-(-length // hop) + 1):
        for first_window in range(0, len(probabilities), WEIGHTED_AT_ONCE):
            some = slice(first_window, first_window + WEIGHTED_AT_ONCE)
            firsts = window_firsts[some]
            row = first_row[some] + later
            inside = (row >= 0) & (row < len(row_firsts))
            row = np.where(inside, row, 0)
            covered = np.minimum(firsts + length, row_ends[row]) - np.maximum(firsts, row_firsts[row])
            weight = np.where(inside, np.maximum(covered, 0), 0)
            np.add.at(sums, row, weight[:, None] * probabilities[some])
            np.add.at(weights, row, weight)
    sums /= weights[:, None]
    return sums.astype(np.float32)
