"""A recording of any length -> its timeline: overlapping windows, averaged into one probability a step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.recording import UNLABELLED, Recording
from harken.specification import Specification
from harken.timeline import Timeline
from harken.windows import Windows

__all__ = ["label_recording"]

WINDOWS_AT_ONCE = 2000
"""Windows are copied out of the recording so many at a time: memory does not grow with their number times length."""

NOTHING_TOLD, GAP = -1, -2


def label_recording(
    specification: Specification,
    recording: Recording,
    probabilities: Callable[[Windows], NDArray[np.float32]],
    *,
    unsure_below: float | None = None,
) -> Timeline:
    """Label a whole recording. Its own labels play no part in it.

    A *stretch* is a longest run of samples without a gap and without a marked sample. In every stretch windows of the
    model's length follow one another at its hop, and one more ends where the stretch does. Each stretch is cut into
    steps of a hop (the last one may be shorter); the probabilities of a step are the mean over the windows that cover
    it, each weighted by how much of the step it covers. No window spans a gap or a marked sample. Stretches shorter
    than a window, and marked samples, are rows without a label; so is each gap.

    Args:
        specification: of the model.
        recording: a mended recording, at any rate.
        probabilities: windows ``[n, length, channels]`` -> float32 ``[n, labels]``; called with a few at a time.
        unsure_below: see ``Timeline.with_unsure_below``.

    Raises:
        HarkenError: when the recording is ``as_found``, lacks a channel, cannot be resampled, or no stretch is as
            long as a window; or when ``unsure_below`` is no probability.
    """
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError(f"{name}: only a mended recording can be labelled; read it without as_found")
    recording = specification.prepare_recording(recording)
    plan = _Plan.of(
        recording,
        length=specification.window_length,
        hop=max(1, round(specification.hop_s * specification.sample_rate_hz)),
    )
    if len(plan.window_rows) == 0:
        raise HarkenError(
            f"{name}: nothing can be said of it: no stretch without gaps and marked samples is as long as a window, "
            f"{specification.window_length_s:g} s"
        )
    each = np.concatenate(
        [
            probabilities(_some_windows(recording, plan.window_rows[first : first + WINDOWS_AT_ONCE], plan.length))
            for first in range(0, len(plan.window_rows), WINDOWS_AT_ONCE)
        ]
    )
    start_ns, kinds, end_ns = _rows(recording, plan)
    # The row after the last step's stands for what nothing can be said of.
    steps = np.concatenate([plan.averaged(each), np.full((1, each.shape[1]), np.nan)])
    timeline = Timeline.of(
        start_ns,
        steps[np.where(kinds < 0, len(steps) - 1, kinds)],
        end_ns=end_ns,
        recorded=kinds != GAP,
        labels=specification.labels,
        subject=recording.subject,
        source=recording.source,
        timezone=recording.timezone,
    )
    return timeline if unsure_below is None else timeline.with_unsure_below(unsure_below)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Which rows of a recording become windows and steps.

    Attributes:
        length, hop: samples in a window and in a step.
        stretches: of every run without gaps and edges of marked samples the first row and the row after its last,
            int64 ``[runs, 2]``.
        told: which of these are long enough for a window and not of marked samples, bool ``[runs]``.
        window_rows, window_runs: the first row of each window, and its run, int64 ``[windows]``.
        step_rows, step_runs: the same of each step, int64 ``[steps]``.
    """

    length: int
    hop: int
    stretches: NDArray[np.int64]
    told: NDArray[np.bool_]
    window_rows: NDArray[np.int64]
    window_runs: NDArray[np.int64]
    step_rows: NDArray[np.int64]
    step_runs: NDArray[np.int64]

    @classmethod
    def of(cls, recording: Recording, *, length: int, hop: int) -> "_Plan":
        changes = np.flatnonzero(recording.valid[1:] != recording.valid[:-1]) + 1
        edges = np.unique(np.concatenate([[0], changes, recording.gap_rows, [len(recording)]]))
        stretches = np.stack([edges[:-1], edges[1:]], axis=1)
        samples = np.diff(edges)
        told = recording.valid[edges[:-1]] & (samples >= length)
        runs = np.arange(len(samples))
        window_runs, window = _numbered(runs, np.where(told, -((length - samples) // hop) + 1, 0))
        step_runs, step = _numbered(runs, np.where(told, -(-samples // hop), 0))
        return cls(
            length=length,
            hop=hop,
            stretches=stretches,
            told=told,
            # The last window of a stretch ends where the stretch does, so it may begin less than a hop after another.
            window_rows=np.minimum(edges[window_runs] + hop * window, edges[window_runs + 1] - length),
            window_runs=window_runs,
            step_rows=edges[step_runs] + hop * step,
            step_runs=step_runs,
        )

    def averaged(self, each: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of windows ``[windows, labels]`` -> of steps, float64 ``[steps, labels]``."""
        sums = np.zeros((len(self.step_rows), each.shape[1]))
        weights = np.zeros(len(self.step_rows))
        first_step = np.searchsorted(self.step_runs, self.window_runs)
        first = self.window_rows - self.stretches[self.window_runs, 0]
        ends = np.minimum(self.step_rows + self.hop, self.stretches[self.step_runs, 1])
        for later in range(-(-self.length // self.hop) + 1):
            step = first_step + first // self.hop + later
            inside = step < len(self.step_rows)
            step = np.where(inside, step, 0)
            inside &= self.step_runs[step] == self.window_runs
            covered = np.minimum(self.window_rows + self.length, ends[step])
            covered -= np.maximum(self.window_rows, self.step_rows[step])
            weight = np.where(inside, np.maximum(covered, 0), 0)
            np.add.at(sums, step, weight[:, None] * each)
            np.add.at(weights, step, weight)
        return np.asarray(sums / weights[:, None])


def _numbered(runs: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each run as often as its count says, and beside it 0, 1, 2 and so on within the run."""
    repeated = np.repeat(runs, counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return repeated, np.arange(len(repeated)) - np.repeat(before, counts)


def _some_windows(recording: Recording, rows: NDArray[np.int64], length: int) -> Windows:
    """The windows that begin at these rows, copied, without labels."""
    every = np.lib.stride_tricks.sliding_window_view(recording.signals, length, axis=0).swapaxes(1, 2)
    return Windows(
        signals=every[rows],
        label_codes=np.full(len(rows), UNLABELLED, dtype=np.int16),
        label_names=(),
        subjects=np.full(len(rows), recording.subject),
        starts_ns=recording.time_ns[rows],
        start_rows=rows,
        channels=recording.channels,
        sample_rate_hz=recording.sample_rate_hz,
    )


def _rows(recording: Recording, plan: _Plan) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The timeline's rows: where each begins, what it is (a step's number, NOTHING_TOLD or GAP), and where all ends."""
    interval_ns = round(1e9 / recording.sample_rate_hz)
    time_ns = recording.time_ns
    starts = np.concatenate(
        [
            time_ns[plan.step_rows],
            time_ns[plan.stretches[~plan.told, 0]],
            # A sample stands for one interval, then the gap begins.
            time_ns[recording.gap_rows - 1] + interval_ns,
        ]
    )
    kinds = np.concatenate(
        [
            np.arange(len(plan.step_rows)),
            np.full(np.count_nonzero(~plan.told), NOTHING_TOLD),
            np.full(len(recording.gap_rows), GAP),
        ]
    )
    order = np.argsort(starts, kind="stable")
    starts, kinds = starts[order], kinds[order]
    # Neighbours of which nothing can be said are one row.
    kept = np.concatenate([[True], (kinds[1:] != NOTHING_TOLD) | (kinds[:-1] != NOTHING_TOLD)])
    return starts[kept], kinds[kept], int(time_ns[-1]) + interval_ns
