"""A first look at all samples of a file, a piece at a time: order, gaps, rate, range, and where a sensor was stuck.

It finds what ``harken.mending.mend`` finds in a whole recording, in memory that does not grow with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.mending import MOST_REPEATED, RANGE_TOLERANCE, RARE, STANDARD_RANGES_G, STUCK_S
from harken.readers.parts.found import CannotStreamError
from harken.recording import INTERVALS_IN_A_GAP, MINIMUM_GAP_S
from harken.samples import Samples

__all__ = ["GAP_NS", "Survey", "Surveyed", "deduplicated", "largest_on_an_axis"]

GAP_NS = round(MINIMUM_GAP_S * 1e9)
STUCK_NS = round(STUCK_S * 1e9)
SLOW_STEP_NS = GAP_NS // INTERVALS_IN_A_GAP
"""A sensor whose typical step is longer has a longer gap limit, which only the whole recording tells."""
EMPTY = np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True)
class Surveyed:
    """What was found in all of the samples.

    Attributes:
        rows: samples, repeated times left out.
        repeated: samples whose time was the one before's.
        missing: samples with a missing value.
        out_of_range: samples beyond ``range_g``, the sensor's range.
        stuck: samples of a stuck sensor; ``stuck_ns`` int64 ``[k, 2]``, the first and last of each run.
        start_ns, end_ns: the first and the last sample.
        gaps_ns: int64 ``[gaps, 2]``, the samples before and after each.
        sample_rate_hz: samples per second inside gap-free stretches.
    """

    rows: int
    repeated: int
    missing: int
    out_of_range: int
    range_g: float
    stuck: int
    stuck_ns: NDArray[np.int64]
    start_ns: int
    end_ns: int
    gaps_ns: NDArray[np.int64]
    sample_rate_hz: float


class Survey:
    """Looks at the pieces of a file, in order.

    Args:
        acceleration_channels: how many leading channels are acceleration.
        range_g: the sensor's range where it is known; None: it is guessed as ``mend`` guesses it.
    """

    def __init__(self, *, acceleration_channels: int, range_g: float | None) -> None:
        self._axes = acceleration_channels
        self._range_g = range_g
        self._limits = STANDARD_RANGES_G if range_g is None else (range_g,)
        self._beyond = dict.fromkeys(self._limits, 0)
        self._outside = dict.fromkeys(self._limits, 0)
        self._between = dict.fromkeys(self._limits, False)
        self._rows = self._repeated = self._missing = self._stuck = 0
        self._start_ns = self._last_ns = 0
        self._inside_ns = self._inside = self._slow = 0
        self._gaps: list[NDArray[np.int64]] = []
        self._stuck_runs: list[tuple[int, int]] = []
        self._last_signals: NDArray[np.float32] | None = None
        self._run = (0, 0, 0)  # begin and end of the run of unchanged samples that may go on, and how many they are

    def push(self, samples: Samples) -> None:
        """Take in the next piece.

        Raises:
            CannotStreamError: when a time lies before the one before it.
        """
        if len(samples.time_ns) == 0:
            return
        steps = np.diff(samples.time_ns, prepend=self._last_ns if self._rows else samples.time_ns[0] - 1)
        if int(steps.min()) < 0:
            raise CannotStreamError("its rows are not in the order of their times")
        if int(steps.min()) == 0:
            kept = steps > 0
            self._repeated += int((~kept).sum())
            samples = samples.chosen(kept)
            steps = steps[kept]
            if len(steps) == 0:
                return
        if self._rows == 0:
            self._start_ns = int(samples.time_ns[0])
            steps = steps[1:]
        self._look_at_steps(samples.time_ns, steps)
        self._look_at_values(samples)
        self._rows += len(samples.time_ns)
        self._last_ns = int(samples.time_ns[-1])

    def finish(self) -> Surveyed:
        """What was found.

        Raises:
            CannotStreamError: when there is nothing, the sensor is slow, or times repeat too often.
        """
        steps = self._inside + sum(len(gaps) for gaps in self._gaps)
        if self._repeated > MOST_REPEATED * (self._rows + self._repeated) or steps == 0:
            raise CannotStreamError("its clock is too coarse for its rate, or it holds next to nothing")
        if 2 * self._slow >= steps:
            raise CannotStreamError("its sensor is slow")
        self._close_run()
        limit = self._limit()
        return Surveyed(
            rows=self._rows,
            repeated=self._repeated,
            missing=self._missing,
            out_of_range=self._outside[limit],
            range_g=limit,
            stuck=self._stuck,
            stuck_ns=np.array(self._stuck_runs, dtype=np.int64).reshape(-1, 2),
            start_ns=self._start_ns,
            end_ns=self._last_ns,
            gaps_ns=np.concatenate([EMPTY, *self._gaps]),
            sample_rate_hz=self._inside * 10**9 / self._inside_ns if self._inside else 0.0,
        )

    def _look_at_steps(self, time_ns: NDArray[np.int64], steps: NDArray[np.int64]) -> None:
        gap = steps > GAP_NS
        if gap.any():
            after = np.flatnonzero(gap) + len(time_ns) - len(steps)
            before_ns = time_ns[after] - steps[gap]
            self._gaps.append(np.stack([before_ns, time_ns[after]], axis=1))
        self._slow += int(np.count_nonzero(steps > SLOW_STEP_NS))
        self._inside += len(steps) - int(np.count_nonzero(gap))
        self._inside_ns += int(steps.sum()) - int(steps[gap].sum())

    def _look_at_values(self, samples: Samples) -> None:
        present = _finite(samples.signals)
        missing = len(present) - int(np.count_nonzero(present))
        self._missing += missing
        acceleration = samples.signals[:, : self._axes]
        if not self._axes:
            return
        largest = largest_on_an_axis(acceleration)
        self._look_at_range(largest, present if missing else None)
        self._look_for_stuck(samples.time_ns, acceleration)

    def _look_at_range(self, largest: NDArray[np.float32], present: NDArray[np.bool_] | None) -> None:
        most = float(largest.max())
        for limit in self._limits:
            if not most > limit * RANGE_TOLERANCE:
                continue
            beyond = largest > limit * RANGE_TOLERANCE
            finite = beyond & ~np.isinf(largest)
            self._beyond[limit] += int(np.count_nonzero(finite))
            self._between[limit] |= bool((finite & (largest <= 2 * limit)).any())
            self._outside[limit] += int(np.count_nonzero(beyond if present is None else beyond & present))

    def _limit(self) -> float:
        """As ``harken.mending.sensor_range_g``."""
        if self._range_g is not None:
            return self._range_g
        for limit in self._limits:
            wild = self._beyond[limit]
            if wild == 0 or (wild <= max(1.0, RARE * self._rows) and not self._between[limit]):
                return limit
        return self._limits[-1]

    def _look_for_stuck(self, time_ns: NDArray[np.int64], acceleration: NDArray[np.float32]) -> None:
        """As ``mend`` does: all axes keep one value, without a gap, for so long."""
        n = len(time_ns)
        same = np.empty(n, dtype=bool)  # as the sample before it, and no gap between
        same[1:] = np.diff(time_ns) <= GAP_NS
        for axis in range(acceleration.shape[1]):
            same[1:] &= acceleration[1:, axis] == acceleration[:-1, axis]
        before = self._last_signals
        same[0] = before is not None and bool((acceleration[0] == before).all())
        same[0] &= int(time_ns[0]) - self._last_ns <= GAP_NS
        if not same[0]:
            self._close_run()
        # A run from `begin` to `end` (exclusive) repeats the sample before it, which belongs to it.
        runs = np.flatnonzero(np.diff(same, prepend=False, append=False)).reshape(-1, 2)
        lasting_ns = time_ns[runs[:, 1] - 1] - time_ns[np.maximum(runs[:, 0] - 1, 0)]
        looked_at = (lasting_ns >= STUCK_NS) | (runs[:, 0] == 0) | (runs[:, 1] == n)
        for begin, end in runs[looked_at].tolist():
            first = self._run if begin == 0 else (int(time_ns[begin - 1]), 0, 1)
            self._run = first[0], int(time_ns[end - 1]), first[2] + end - begin
            if end < n:
                self._close_run()
        if not same[-1]:
            self._run = int(time_ns[-1]), int(time_ns[-1]), 1
        self._last_signals = acceleration[-1].copy()

    def _close_run(self) -> None:
        begin_ns, end_ns, samples = self._run
        if end_ns - begin_ns >= STUCK_NS:
            self._stuck_runs.append((begin_ns, end_ns))
            self._stuck += samples
        self._run = (0, 0, 0)


def deduplicated(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples without those whose time is that of the one before; the first stays."""
    last_ns: int | None = None
    for samples in pieces:
        if len(samples.time_ns) == 0:
            continue
        kept = np.diff(samples.time_ns, prepend=samples.time_ns[0] - 1 if last_ns is None else last_ns) > 0
        last_ns = int(samples.time_ns[-1])
        yield samples if kept.all() else samples.chosen(kept)


def largest_on_an_axis(acceleration: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest size on any axis, ``[n]``; NaN is ignored, and where all axes are NaN it is 0."""
    largest = np.zeros(len(acceleration), dtype=np.float32)
    for axis in range(acceleration.shape[1]):
        np.fmax(largest, np.abs(acceleration[:, axis]), out=largest)
    return largest


def _finite(signals: NDArray[np.float32]) -> NDArray[np.bool_]:
    present = np.isfinite(signals[:, 0])
    for channel in range(1, signals.shape[1]):
        present &= np.isfinite(signals[:, channel])
    return present
