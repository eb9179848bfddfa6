"""The windows of a stream of samples, and the rows of its timeline.

At most a window's length of samples is kept between two pushes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from harken.recordings.source import Samples, joined

WINDOWS_AT_ONCE = 1 << 14
"""The probabilities of this many windows are weighted at a time."""
ROWS_AT_ONCE = 1 << 13
Kind = TypeVar("Kind", bound=np.generic)


class StreamWindows(NamedTuple):
    """Complete windows: ``signals`` float32 ``[n, length, channels]`` (a copy); the number, in the stream, of the first
    sample of each, int64 ``[n]``; and the time of that sample."""

    signals: NDArray[np.float32]
    firsts: NDArray[np.int64]
    starts_ns: NDArray[np.int64]

    def part(self, numbers: slice | NDArray[np.bool_]) -> "StreamWindows":
        """Some of the windows."""
        return StreamWindows(self.signals[numbers], self.firsts[numbers], self.starts_ns[numbers])


def windows_joined(parts: Sequence[StreamWindows]) -> StreamWindows:
    """Consecutive windows, joined."""
    if len(parts) == 1:
        return parts[0]
    return StreamWindows(
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.firsts for part in parts]),
        np.concatenate([part.starts_ns for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class StreamLayout:
    """Where the windows, and the labelled rows of the timeline, are in a stream.

    Samples are numbered from the beginning of the stream. A *run* is a longest sequence of samples without a gap that
    are all valid or all invalid.

    Attributes:
        length, hop: samples in a window and in a row.
        edges: the first sample of each run, and the number of samples: int64 ``[runs + 1]``.
        labelled: which runs have windows: valid ones at least as long as a window; bool ``[runs]``.
        start_ns, end_ns: the times of the first and last sample of each run, int64 ``[runs]``.
        after_gap: which runs have a gap before them, bool ``[runs]``.
        sums, counts: float64 and int64 ``[runs + 1]``: the sum of ``activity`` over all samples before a run, and the
            number of valid ones.
        window_firsts, window_runs: the first sample of each window, and its run, int64 ``[windows]``.
        row_firsts, row_runs, row_ns, row_sums: the first sample of each row of the labelled runs, its run, the time of
            its first sample, and the sum of ``activity`` before it; ``[rows]``.
    """

    length: int
    hop: int
    edges: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    after_gap: NDArray[np.bool_]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    window_firsts: NDArray[np.int64]
    window_runs: NDArray[np.int64]
    row_firsts: NDArray[np.int64]
    row_runs: NDArray[np.int64]
    row_ns: NDArray[np.int64]
    row_sums: NDArray[np.float64]

    def averaged(self, each: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of windows ``[windows, labels]`` -> of rows, float32 ``[rows, labels]``: the mean over the
        windows that cover a row, weighted by the number of its samples that each covers."""
        sums = np.zeros((len(self.row_firsts), each.shape[1]))
        weights = np.zeros(len(self.row_firsts))
        first_row = np.searchsorted(self.row_runs, self.window_runs)
        ends = np.minimum(self.row_firsts + self.hop, self.edges[self.row_runs + 1])
        for later in range(-(-self.length // self.hop) + 1):
            for first_window in range(0, len(each), WINDOWS_AT_ONCE):
                some = slice(first_window, first_window + WINDOWS_AT_ONCE)
                firsts, runs = self.window_firsts[some], self.window_runs[some]
                row = first_row[some] + (firsts - self.edges[runs]) // self.hop + later
                inside = row < len(self.row_firsts)
                row = np.where(inside, row, 0)
                inside &= self.row_runs[row] == runs
                covered = np.minimum(firsts + self.length, ends[row])
                covered -= np.maximum(firsts, self.row_firsts[row])
                weight = np.where(inside, np.maximum(covered, 0), 0)
                np.add.at(sums, row, weight[:, None] * each[some])
                np.add.at(weights, row, weight)
        sums /= weights[:, None]
        return sums.astype(np.float32)


class Windowing:
    """Cuts a stream of samples into windows.

    Args:
        length, hop: samples in a window and in a row of the timeline.
        gap_limit_ns: two samples further apart than this have a gap between them.
        channels: the number of channels.
        axes: the number of leading channels that are acceleration, for ``activity``; 0 if there are none.
    """

    def __init__(self, *, length: int, hop: int, gap_limit_ns: int, channels: int, axes: int = 3) -> None:
        self._length, self._hop, self._gap_ns, self._axes = length, hop, gap_limit_ns, axes
        none = np.empty(0, dtype=np.int64)
        self._kept = Samples(none, np.empty((0, channels), np.float32), none.astype(np.int16), none.astype(bool))
        self._total = 0
        self._sum, self._count = 0.0, 0
        self._last = 0, False  # time and mark of the last sample
        self._runs = 0  # runs that have begun
        self._begin = 0  # the first sample of the open run
        self._windows_given = 0  # windows of the open run
        # Values of each run and each row; the first samples of windows and rows follow from the runs.
        self._edges, self._starts, self._ends = GrowingArray(np.int64), GrowingArray(np.int64), GrowingArray(np.int64)
        self._runs_valid, self._gaps = GrowingArray(np.bool_), GrowingArray(np.bool_)
        self._sums, self._counts = GrowingArray(np.float64), GrowingArray(np.int64)
        self._row_ns, self._row_sums = GrowingArray(np.int64), GrowingArray(np.float64)

    def push(self, samples: Samples) -> StreamWindows:
        """Add samples, later than all before; returns the windows that they complete."""
        time_ns, valid = samples.time_ns, samples.valid
        count = len(time_ns)
        if count == 0:
            return self._copied(np.empty(0, np.int64), self._kept, self._total)
        begins = np.zeros(count, dtype=bool)
        gap = np.zeros(count, dtype=bool)
        gap[1:] = time_ns[1:] - time_ns[:-1] > self._gap_ns
        begins[1:] = gap[1:] | (valid[1:] != valid[:-1])
        if self._total == 0:
            begins[0] = True
        else:
            gap[0] = int(time_ns[0]) - self._last[0] > self._gap_ns
            begins[0] = bool(gap[0]) or bool(valid[0]) != self._last[1]
        activity = np.concatenate([[self._sum], self._sum + np.cumsum(self._activity(samples))])
        present = np.concatenate([[self._count], self._count + np.cumsum(valid)])
        new = np.flatnonzero(begins)
        self._edges.add(new + self._total)
        self._runs_valid.add(valid[new])
        self._starts.add(time_ns[new])
        self._gaps.add(gap[new])
        self._ends.add(np.where(new > 0, time_ns[new - 1], self._last[0])[0 if self._total else 1 :])
        self._sums.add(activity[new])
        self._counts.add(present[new])

        # The open run and those that begin here; all but the last have ended.
        opened = 1 if self._total else 0
        edges = np.concatenate([[self._begin] * opened, new + self._total, [self._total + count]]).astype(np.int64)
        runs = self._runs - opened + np.arange(len(edges) - 1)
        usable = np.concatenate([[self._last[1]] * opened, valid[new]]).astype(bool)
        base = self._total - len(self._kept.time_ns)
        every = joined([self._kept, samples]) if len(self._kept.time_ns) else samples
        self._take_rows(edges, runs, usable, time_ns, activity)
        found = self._take_windows(edges, runs, usable, every, base, ended=False)

        self._total += count
        self._sum, self._count = float(activity[-1]), int(present[-1])
        self._last = int(time_ns[-1]), bool(valid[-1])
        self._runs = int(runs[-1]) + 1
        self._begin = int(edges[-2])
        # The last window of a run ends where the run does.
        first = max(self._begin, self._total - self._length) if self._last[1] else self._total
        self._kept = joined([every.part(first - base, len(every.time_ns))])
        return found

    def finish(self) -> tuple[StreamWindows, StreamLayout]:
        """The windows that the end of the stream completes, and the layout. There must have been samples."""
        edges = np.array([self._begin, self._total])
        base = self._total - len(self._kept.time_ns)
        last = self._take_windows(
            edges, np.array([self._runs - 1]), np.array([self._last[1]]), self._kept, base, ended=True
        )
        edges, valid = np.append(self._edges.all(), self._total), self._runs_valid.all()
        samples = np.diff(edges)
        labelled = valid & (samples >= self._length)
        runs = np.arange(len(samples))
        window_runs, number = _numbered(runs, np.where(labelled, -(-(samples - self._length) // self._hop) + 1, 0))
        number *= self._hop
        number += edges[window_runs]
        window_firsts = np.minimum(number, edges[window_runs + 1] - self._length, out=number)
        row_runs, number = _numbered(runs, np.where(valid, -(-samples // self._hop), 0))
        kept = labelled[row_runs]
        row_runs, row_ns, row_sums = row_runs[kept], self._row_ns.all()[kept], self._row_sums.all()[kept]
        row_firsts = number[kept]
        row_firsts *= self._hop
        row_firsts += edges[row_runs]
        layout = StreamLayout(
            length=self._length,
            hop=self._hop,
            edges=edges,
            labelled=labelled,
            start_ns=self._starts.all(),
            end_ns=np.append(self._ends.all(), self._last[0]),
            after_gap=self._gaps.all(),
            sums=np.append(self._sums.all(), self._sum),
            counts=np.append(self._counts.all(), self._count),
            window_firsts=window_firsts,
            window_runs=window_runs,
            row_firsts=row_firsts,
            row_runs=row_runs,
            row_ns=row_ns,
            row_sums=row_sums,
        )
        return last, layout

    def _activity(self, samples: Samples) -> NDArray[np.float64]:
        """The length of each acceleration minus gravity, in g; 0 where negative or the sample is invalid: ``[n]``."""
        if self._axes == 0:
            return np.zeros(len(samples.time_ns))
        with np.errstate(over="ignore", invalid="ignore"):  # an invalid sample may have any value
            square = np.square(samples.signals[:, 0])
            for axis in range(1, self._axes):
                square += np.square(samples.signals[:, axis])
            longer = np.maximum(np.sqrt(square) - 1, 0)
        return np.where(samples.valid, longer, 0).astype(np.float64)

    def _take_rows(
        self,
        edges: NDArray[np.int64],
        runs: NDArray[np.int64],
        usable: NDArray[np.bool_],
        time_ns: NDArray[np.int64],
        activity: NDArray[np.float64],
    ) -> None:
        """Keep the times and sums where rows begin in the new samples."""
        before = np.zeros(len(runs), dtype=np.int64)
        before[0] = -((edges[0] - self._total) // self._hop) if edges[0] < self._total else 0
        counts = np.where(usable, -(-np.diff(edges) // self._hop) - before, 0)
        place, number = _numbered(np.arange(len(runs)), counts)
        here = edges[place] + self._hop * (number + before[place]) - self._total
        self._row_ns.add(time_ns[here])
        self._row_sums.add(activity[here])

    def _take_windows(
        self,
        edges: NDArray[np.int64],
        runs: NDArray[np.int64],
        usable: NDArray[np.bool_],
        every: Samples,
        base: int,
        *,
        ended: bool,
    ) -> StreamWindows:
        """The windows that are newly complete, copied out of ``every``, whose first sample has the number ``base``."""
        samples = np.diff(edges)
        whole = usable & (samples >= self._length)
        closed = np.ones(len(runs), dtype=bool)
        closed[-1] = ended
        spare = samples - self._length
        counts = np.where(whole, np.where(closed, -(-spare // self._hop), spare // self._hop) + 1, 0)
        before = np.zeros(len(runs), dtype=np.int64)
        if edges[0] < self._total:
            before[0] = self._windows_given
        place, number = _numbered(np.arange(len(runs)), counts - before)
        firsts = np.minimum(edges[place] + self._hop * (number + before[place]), edges[place + 1] - self._length)
        self._windows_given = int(counts[-1])
        return self._copied(firsts, every, base)

    def _copied(self, firsts: NDArray[np.int64], every: Samples, base: int) -> StreamWindows:
        if len(firsts) == 0:
            return StreamWindows(np.empty((0, self._length, every.signals.shape[1]), np.float32), firsts, firsts)
        views = np.lib.stride_tricks.sliding_window_view(every.signals, self._length, axis=0).swapaxes(1, 2)
        return StreamWindows(views[firsts - base], firsts, every.time_ns[firsts - base])


def _numbered(runs: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each run repeated by its count, and beside it 0, 1, 2 and so on within the run."""
    repeated = np.repeat(runs, counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return repeated, np.arange(len(repeated)) - np.repeat(before, counts)


class GrowingArray(Generic[Kind]):
    """Rows of one kind.

    Args:
        dtype: the type of the numbers.
        columns: the number of columns; 0: a row is a number.
    """

    def __init__(self, dtype: type[Kind], columns: int = 0) -> None:
        shape = (ROWS_AT_ONCE, columns) if columns else (ROWS_AT_ONCE,)
        self._full: list[NDArray[Kind]] = []
        self._open: NDArray[Kind] = np.empty(shape, dtype)
        self._used = 0

    def add(self, rows: NDArray[Kind]) -> None:
        """Add a copy of more rows."""
        while len(rows):
            some = rows[: ROWS_AT_ONCE - self._used]
            self._open[self._used : self._used + len(some)] = some
            self._used += len(some)
            rows = rows[len(some) :]
            if self._used == ROWS_AT_ONCE:
                self._full.append(self._open)
                self._open, self._used = np.empty_like(self._open), 0

    def all(self) -> NDArray[Kind]:
        """All rows, in order. Afterwards there are none left."""
        every: NDArray[Kind] = np.concatenate([*self._full, self._open[: self._used]])
        self._full, self._used = [], 0
        return every
