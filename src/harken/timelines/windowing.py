"""A stream of samples -> the windows and steps that lie in it. What is kept between two pushes is a window's length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.recordings.samples import Samples, joined
from harken.timelines.buffers import Gathered

__all__ = ["Plan", "WindowRows", "Windowing", "windows_joined"]

WINDOWS_AT_ONCE = 1 << 14
"""So many windows' probabilities are weighted at a time."""


class WindowRows(NamedTuple):
    """Windows that have become known: ``signals`` float32 ``[n, length, channels]`` (a copy), the first row of each in
    the stream, int64 ``[n]``, and its time."""

    signals: NDArray[np.float32]
    rows: NDArray[np.int64]
    starts_ns: NDArray[np.int64]

    def part(self, rows: slice) -> "WindowRows":
        """Some of the windows."""
        return WindowRows(self.signals[rows], self.rows[rows], self.starts_ns[rows])


def windows_joined(parts: Sequence[WindowRows]) -> WindowRows:
    """Windows that follow one another, in one."""
    if len(parts) == 1:
        return parts[0]
    return WindowRows(
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.starts_ns for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """Which rows of a stream became windows and steps.

    A *run* is a longest run of rows without a gap in which all samples are marked, or none.

    Attributes:
        length, hop: samples in a window and in a step.
        edges: the first row of each run, and the row after the last: int64 ``[runs + 1]``.
        told: which runs have windows: not of marked samples, and as long as one; bool ``[runs]``.
        start_ns: the first sample of each run, int64 ``[runs]``.
        end_ns: the last sample of each run, int64 ``[runs]``.
        after_gap: which runs have a gap before them, bool ``[runs]``.
        sums, counts: float64 and int64 ``[runs + 1]``: over all rows before a run, the sum of ``activity`` and the
            number of rows that it was summed over.
        window_rows, window_runs: the first row of each window, and its run, int64 ``[windows]``.
        step_rows, step_runs, step_ns, step_sums: the same of each step of the runs that are told, its time, and the sum
            of ``activity`` before it.
    """

    length: int
    hop: int
    edges: NDArray[np.int64]
    told: NDArray[np.bool_]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    after_gap: NDArray[np.bool_]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]
    window_rows: NDArray[np.int64]
    window_runs: NDArray[np.int64]
    step_rows: NDArray[np.int64]
    step_runs: NDArray[np.int64]
    step_ns: NDArray[np.int64]
    step_sums: NDArray[np.float64]

    def averaged(self, each: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of windows ``[windows, labels]`` -> of steps, float32 ``[steps, labels]``: the mean over the
        windows that cover a step, each weighted by how much of it it covers."""
        sums = np.zeros((len(self.step_rows), each.shape[1]))
        weights = np.zeros(len(self.step_rows))
        first_step = np.searchsorted(self.step_runs, self.window_runs)
        ends = np.minimum(self.step_rows + self.hop, self.edges[self.step_runs + 1])
        for later in range(-(-self.length // self.hop) + 1):
            for first_window in range(0, len(each), WINDOWS_AT_ONCE):
                some = slice(first_window, first_window + WINDOWS_AT_ONCE)
                rows, runs = self.window_rows[some], self.window_runs[some]
                step = first_step[some] + (rows - self.edges[runs]) // self.hop + later
                inside = step < len(self.step_rows)
                step = np.where(inside, step, 0)
                inside &= self.step_runs[step] == runs
                covered = np.minimum(rows + self.length, ends[step])
                covered -= np.maximum(rows, self.step_rows[step])
                weight = np.where(inside, np.maximum(covered, 0), 0)
                np.add.at(sums, step, weight[:, None] * each[some])
                np.add.at(weights, step, weight)
        sums /= weights[:, None]
        return sums.astype(np.float32)


class Windowing:
    """Cuts a stream of samples into windows.

    Args:
        length, hop: samples in a window and in a step.
        gap_limit_ns: two samples further apart than this have a gap between them.
        channels: how many there are.
        axes: of how many leading channels the length is taken, to tell how much they move; 0: of none.
    """

    def __init__(self, *, length: int, hop: int, gap_limit_ns: int, channels: int, axes: int = 3) -> None:
        self._length, self._hop, self._gap_ns, self._axes = length, hop, gap_limit_ns, axes
        none = np.empty(0, dtype=np.int64)
        self._kept = Samples(none, np.empty((0, channels), np.float32), none.astype(np.int16), none.astype(bool))
        self._rows = 0
        self._sum, self._count = 0.0, 0
        self._last = 0, False  # time and mark of the last sample
        self._runs = 0  # that have begun
        self._begin = 0  # row where the open run did
        self._windows_given = 0  # of the open run
        # Of each run, and of each step; which rows windows and steps begin at follows from the runs.
        self._edges, self._starts, self._ends = Gathered(np.int64), Gathered(np.int64), Gathered(np.int64)
        self._runs_valid, self._gaps = Gathered(np.bool_), Gathered(np.bool_)
        self._sums, self._counts = Gathered(np.float64), Gathered(np.int64)
        self._step_ns, self._step_sums = Gathered(np.int64), Gathered(np.float64)

    def push(self, samples: Samples) -> WindowRows:
        """Take more samples, later than all before, and give the windows that are now known."""
        time_ns, valid = samples.time_ns, samples.valid
        count = len(time_ns)
        if count == 0:
            return self._copied(np.empty(0, np.int64), self._kept, self._rows)
        begins = np.zeros(count, dtype=bool)
        gap = np.zeros(count, dtype=bool)
        gap[1:] = time_ns[1:] - time_ns[:-1] > self._gap_ns
        begins[1:] = gap[1:] | (valid[1:] != valid[:-1])
        if self._rows == 0:
            begins[0] = True
        else:
            gap[0] = int(time_ns[0]) - self._last[0] > self._gap_ns
            begins[0] = bool(gap[0]) or bool(valid[0]) != self._last[1]
        activity = np.concatenate([[self._sum], self._sum + np.cumsum(self._activity(samples))])
        present = np.concatenate([[self._count], self._count + np.cumsum(valid)])
        new = np.flatnonzero(begins)
        self._edges.add(new + self._rows)
        self._runs_valid.add(valid[new])
        self._starts.add(time_ns[new])
        self._gaps.add(gap[new])
        self._ends.add(np.where(new > 0, time_ns[new - 1], self._last[0])[0 if self._rows else 1 :])
        self._sums.add(activity[new])
        self._counts.add(present[new])

        # The open run, and those that begin here; all but the last of them have ended.
        opened = 1 if self._rows else 0
        edges = np.concatenate([[self._begin] * opened, new + self._rows, [self._rows + count]]).astype(np.int64)
        runs = self._runs - opened + np.arange(len(edges) - 1)
        usable = np.concatenate([[self._last[1]] * opened, valid[new]]).astype(bool)
        base = self._rows - len(self._kept.time_ns)
        every = joined([self._kept, samples]) if len(self._kept.time_ns) else samples
        self._take_steps(edges, runs, usable, time_ns, activity)
        found = self._take_windows(edges, runs, usable, every, base, ended=False)

        self._rows += count
        self._sum, self._count = float(activity[-1]), int(present[-1])
        self._last = int(time_ns[-1]), bool(valid[-1])
        self._runs = int(runs[-1]) + 1
        self._begin = int(edges[-2])
        # The last window of a run ends where the run does.
        first = max(self._begin, self._rows - self._length) if self._last[1] else self._rows
        self._kept = joined([every.part(first - base, len(every.time_ns))])
        return found

    def finish(self) -> tuple[WindowRows, Plan]:
        """The windows that become known as the stream ends, and what became of all rows. There must have been some."""
        edges = np.array([self._begin, self._rows])
        base = self._rows - len(self._kept.time_ns)
        last = self._take_windows(
            edges, np.array([self._runs - 1]), np.array([self._last[1]]), self._kept, base, ended=True
        )
        edges, valid = np.append(self._edges.all(), self._rows), self._runs_valid.all()
        samples = np.diff(edges)
        told = valid & (samples >= self._length)
        runs = np.arange(len(samples))
        window_runs, number = _numbered(runs, np.where(told, -(-(samples - self._length) // self._hop) + 1, 0))
        number *= self._hop
        number += edges[window_runs]
        window_rows = np.minimum(number, edges[window_runs + 1] - self._length, out=number)
        step_runs, number = _numbered(runs, np.where(valid, -(-samples // self._hop), 0))
        kept = told[step_runs]
        step_runs, step_ns, step_sums = step_runs[kept], self._step_ns.all()[kept], self._step_sums.all()[kept]
        step_rows = number[kept]
        step_rows *= self._hop
        step_rows += edges[step_runs]
        plan = Plan(
            length=self._length,
            hop=self._hop,
            edges=edges,
            told=told,
            start_ns=self._starts.all(),
            end_ns=np.append(self._ends.all(), self._last[0]),
            after_gap=self._gaps.all(),
            sums=np.append(self._sums.all(), self._sum),
            counts=np.append(self._counts.all(), self._count),
            window_rows=window_rows,
            window_runs=window_runs,
            step_rows=step_rows,
            step_runs=step_runs,
            step_ns=step_ns,
            step_sums=step_sums,
        )
        return last, plan

    def _activity(self, samples: Samples) -> NDArray[np.float64]:
        """How much longer than gravity each acceleration is, in g; 0 where it is shorter, or marked: ``[n]``."""
        if self._axes == 0:
            return np.zeros(len(samples.time_ns))
        with np.errstate(over="ignore", invalid="ignore"):  # a marked sample may be any number
            square = np.square(samples.signals[:, 0])
            for axis in range(1, self._axes):
                square += np.square(samples.signals[:, axis])
            longer = np.maximum(np.sqrt(square) - 1, 0)
        return np.where(samples.valid, longer, 0).astype(np.float64)

    def _take_steps(
        self,
        edges: NDArray[np.int64],
        runs: NDArray[np.int64],
        usable: NDArray[np.bool_],
        time_ns: NDArray[np.int64],
        activity: NDArray[np.float64],
    ) -> None:
        """Remember where steps begin in the new samples."""
        before = np.zeros(len(runs), dtype=np.int64)
        before[0] = -((edges[0] - self._rows) // self._hop) if edges[0] < self._rows else 0
        counts = np.where(usable, -(-np.diff(edges) // self._hop) - before, 0)
        place, number = _numbered(np.arange(len(runs)), counts)
        here = edges[place] + self._hop * (number + before[place]) - self._rows
        self._step_ns.add(time_ns[here])
        self._step_sums.add(activity[here])

    def _take_windows(
        self,
        edges: NDArray[np.int64],
        runs: NDArray[np.int64],
        usable: NDArray[np.bool_],
        every: Samples,
        base: int,
        *,
        ended: bool,
    ) -> WindowRows:
        """The windows that are known now and were not before, copied out of ``every``, whose first sample is row
        ``base``."""
        samples = np.diff(edges)
        whole = usable & (samples >= self._length)
        closed = np.ones(len(runs), dtype=bool)
        closed[-1] = ended
        spare = samples - self._length
        counts = np.where(whole, np.where(closed, -(-spare // self._hop), spare // self._hop) + 1, 0)
        before = np.zeros(len(runs), dtype=np.int64)
        if edges[0] < self._rows:
            before[0] = self._windows_given
        place, number = _numbered(np.arange(len(runs)), counts - before)
        rows = np.minimum(edges[place] + self._hop * (number + before[place]), edges[place + 1] - self._length)
        self._windows_given = int(counts[-1])
        return self._copied(rows, every, base)

    def _copied(self, rows: NDArray[np.int64], every: Samples, base: int) -> WindowRows:
        if len(rows) == 0:
            return WindowRows(np.empty((0, self._length, every.signals.shape[1]), np.float32), rows, rows)
        views = np.lib.stride_tricks.sliding_window_view(every.signals, self._length, axis=0).swapaxes(1, 2)
        return WindowRows(views[rows - base], rows, every.time_ns[rows - base])


def _numbered(runs: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each run as often as its count says, and beside it 0, 1, 2 and so on within the run."""
    repeated = np.repeat(runs, counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return repeated, np.arange(len(repeated)) - np.repeat(before, counts)
