"""A survey of all samples of a recording, in pieces: gaps, rate, range, missing values, and a stuck sensor.

Its memory does not depend on the length of the recording. ``harken.recordings.mending`` uses its results.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import INTERVALS_IN_A_GAP, MINIMUM_GAP_S, acceleration_channels
from harken.recordings.sensor_faults import RANGE_TOLERANCE, RangeGuess, Stuck, StuckRuns, extremes, largest_on_an_axis
from harken.recordings.source import Samples

GAP_NS = round(MINIMUM_GAP_S * 1e9)
SLOW_STEP_NS = GAP_NS // INTERVALS_IN_A_GAP
"""A sensor with a longer typical step has a longer gap limit, which is computed from the median of all steps."""
FASTEST_HZ = 10_000
"""Wrist accelerometers give at most 3,200 samples a second."""
FAST_STEP_NS = 10**9 // FASTEST_HZ
RARE_STEP_NS = 60 * 10**9
"""Movement cannot be recognised from less than one sample a minute."""
EMPTY = np.empty((0, 2), dtype=np.int64)


class OutOfOrderError(Exception):
    """Raised when a sample is earlier than the sample before it."""


class ClockSurvey:
    """A survey of the times of samples, which must not decrease.

    Args:
        gap_ns: two samples further apart than this have a gap between them.

    Attributes:
        rows: samples so far, repeated times left out.
        repeated: samples with the same time as the sample before.
        fast, slow, rare: steps shorter than 0.1 ms, longer than a tenth of a second, longer than a minute.
        start_ns, end_ns: the first and the last sample.
    """

    def __init__(self, gap_ns: int = GAP_NS) -> None:
        self.gap_ns = gap_ns
        self.rows = self.repeated = self.fast = self.slow = self.rare = 0
        self.start_ns = self.end_ns = 0
        self._inside = self._inside_ns = 0
        self._gaps: list[NDArray[np.int64]] = []

    def push(self, time_ns: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Process the next times ``[n]``.

        Returns:
            Which of them differ from the time before, bool ``[n]``; None: all.

        Raises:
            OutOfOrderError: when a time is earlier than the time before it.
        """
        if len(time_ns) == 0:
            return None
        steps = np.empty(len(time_ns), dtype=np.int64)
        steps[0] = time_ns[0] - self.end_ns if self.rows else 1
        np.subtract(time_ns[1:], time_ns[:-1], out=steps[1:])
        least, kept = int(steps.min()), None
        if least < 0:
            raise OutOfOrderError
        if least == 0:
            kept = steps > 0
            self.repeated += len(kept) - int(np.count_nonzero(kept))
            time_ns, steps = time_ns[kept], steps[kept]
            if len(steps) == 0:
                return kept
        if self.rows == 0:
            self.start_ns = int(time_ns[0])
            steps = steps[1:]
        self.rows += len(time_ns)
        self.end_ns = int(time_ns[-1])
        self._look_at(time_ns, steps, least)
        return kept

    def _look_at(self, time_ns: NDArray[np.int64], steps: NDArray[np.int64], least: int) -> None:
        if least < FAST_STEP_NS:
            self.fast += int(np.count_nonzero(steps < FAST_STEP_NS))
        most = int(steps.max(initial=0))
        if len(steps):
            self._inside += len(steps)
            self._inside_ns += int(time_ns[-1] - time_ns[-len(steps)] + steps[0])  # their sum
        if most <= min(SLOW_STEP_NS, self.gap_ns):
            return
        long = np.flatnonzero(steps > min(SLOW_STEP_NS, self.gap_ns))  # the lines below process only these few steps
        lengths = steps[long]
        self.slow += int(np.count_nonzero(lengths > SLOW_STEP_NS))
        self.rare += int(np.count_nonzero(lengths > RARE_STEP_NS))
        gap = lengths > self.gap_ns
        if gap.any():
            after = time_ns[long[gap] + len(time_ns) - len(steps)]
            self._gaps.append(np.stack([after - lengths[gap], after], axis=1))
            self._inside -= len(after)
            self._inside_ns -= int(lengths[gap].sum())

    @property
    def most_are_slow(self) -> bool:
        """Whether the median step may be longer than a tenth of a second, which gives another gap limit."""
        return 2 * self.slow >= self.rows - 1

    @property
    def gaps_ns(self) -> NDArray[np.int64]:
        """The times of the samples before and after each gap, int64 ``[gaps, 2]``."""
        return np.concatenate([EMPTY, *self._gaps])

    @property
    def sample_rate_hz(self) -> float:
        """Samples per second inside gap-free stretches; 0 for a single sample."""
        return self._inside * 10**9 / self._inside_ns if self._inside else 0.0


class Faults(NamedTuple):
    """Samples that windows must not contain.

    Attributes:
        missing: samples with a missing value.
        out_of_range: samples without missing values that exceed ``range_g``, the sensor's range.
        stuck: runs in which all axes keep one value.
        axes: how many leading channels are acceleration.
    """

    missing: int
    out_of_range: int
    range_g: float
    stuck: Stuck
    axes: int

    @property
    def some(self) -> bool:
        """Whether there are any."""
        return bool(self.missing or self.out_of_range or self.stuck.samples)

    def valid(self, samples: Samples) -> NDArray[np.bool_]:
        """Which of these samples windows may contain, bool ``[n]``."""
        valid = samples.valid
        if self.missing:
            valid = valid & _finite(samples.signals)
        if self.out_of_range:
            largest = largest_on_an_axis(samples.signals[:, : self.axes])
            valid = valid & (largest <= self.range_g * RANGE_TOLERANCE)
        edges = self.stuck.times_ns.ravel()
        if len(edges):
            after = np.searchsorted(edges, samples.time_ns, side="left")  # odd: within a run
            valid = valid & ~((after % 2 == 1) | np.isin(samples.time_ns, edges))
        return valid


class ValueSurvey:
    """Finds missing values, values beyond the sensor's range, and a stuck sensor.

    Args:
        channels: the channels of the samples.
        range_g: the sensor's range in g; if None, it is guessed. See ``RangeGuess``.
        gap_ns: two samples further apart than this have a gap between them.

    Attributes:
        missing: how many samples so far have a missing value.
    """

    def __init__(self, channels: tuple[str, ...], *, range_g: float | None, gap_ns: int = GAP_NS) -> None:
        self._axes = acceleration_channels(channels)
        self._range = RangeGuess(range_g)
        self._stuck = StuckRuns(gap_ns=gap_ns)
        self.missing = 0

    def push(self, samples: Samples) -> None:
        """Process the next samples, whose times increase."""
        if len(samples.time_ns) == 0:
            return
        least, most = extremes(samples.signals)
        acceleration = samples.signals[:, : self._axes]
        if self._axes:
            self._stuck.push(samples.time_ns, acceleration)
        if np.isfinite(least).all() and np.isfinite(most).all():
            beyond = max((float(most[: self._axes].max()), -float(least[: self._axes].min())) if self._axes else (0.0,))
            if self._axes and beyond > self._range.smallest_g:
                self._range.push(largest_on_an_axis(acceleration))
            else:
                self._range.pass_over(len(samples.time_ns))
            return
        present = _finite(samples.signals)
        self.missing += len(present) - int(np.count_nonzero(present))
        if self._axes:
            self._range.push(largest_on_an_axis(acceleration), present)

    def finish(self) -> Faults:
        """All faults. Call it after the last ``push``."""
        return Faults(self.missing, self._range.outside, self._range.range_g, self._stuck.finish(), self._axes)


def deduplicated(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples without repeated times; the first sample of each time stays."""
    last_ns: int | None = None
    for samples in pieces:
        if len(samples.time_ns) == 0:
            continue
        kept = np.diff(samples.time_ns, prepend=samples.time_ns[0] - 1 if last_ns is None else last_ns) > 0
        last_ns = int(samples.time_ns[-1])
        yield samples if kept.all() else samples.chosen(kept)


def _finite(signals: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which samples have no missing values, bool ``[n]``. Computed channel by channel, five times faster than row by
    row."""
    present = np.isfinite(signals[:, 0])
    for channel in range(1, signals.shape[1]):
        present &= np.isfinite(signals[:, channel])
    return present
