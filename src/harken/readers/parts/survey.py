"""A first look at all samples of a file, a piece at a time: order, gaps, rate, range, and where a sensor was stuck.

It finds what ``harken.recordings.mending.mend`` finds in a whole recording, in memory that does not grow with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.readers.parts.found import CannotStreamError
from harken.recordings.mending import FAST_STEP_NS, MOST_REPEATED, is_time
from harken.recordings.recording import INTERVALS_IN_A_GAP, MINIMUM_GAP_S
from harken.recordings.samples import Samples
from harken.recordings.sensor_faults import RangeGuess, StuckRuns, extremes, largest_on_an_axis

__all__ = ["GAP_NS", "Survey", "Surveyed", "deduplicated"]

GAP_NS = round(MINIMUM_GAP_S * 1e9)
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
        self._range = RangeGuess(range_g)
        self._stuck = StuckRuns(gap_ns=GAP_NS)
        self._rows = self._repeated = self._missing = 0
        self._start_ns = self._last_ns = 0
        self._inside_ns = self._inside = self._slow = self._fast = 0
        self._gaps: list[NDArray[np.int64]] = []

    def push(self, samples: Samples) -> None:
        """Take in the next piece.

        Raises:
            CannotStreamError: when a time lies before the one before it, or cannot be.
        """
        if len(samples.time_ns) == 0:
            return
        steps = np.diff(samples.time_ns, prepend=self._last_ns if self._rows else samples.time_ns[0] - 1)
        if not is_time(int(samples.time_ns.min()), int(samples.time_ns.max())):
            raise CannotStreamError("some of its times cannot be")
        least = int(steps.min())
        if least < 0:
            raise CannotStreamError("its rows are not in the order of their times")
        if least == 0:
            kept = steps > 0
            self._repeated += int((~kept).sum())
            samples = samples.chosen(kept)
            steps = steps[kept]
            if len(steps) == 0:
                return
        if self._rows == 0:
            self._start_ns = int(samples.time_ns[0])
            steps = steps[1:]
        if least < FAST_STEP_NS:
            self._fast += int(np.count_nonzero(steps < FAST_STEP_NS))
        self._look_at_steps(samples.time_ns, steps)
        self._look_at_values(samples)
        self._rows += len(samples.time_ns)
        self._last_ns = int(samples.time_ns[-1])

    @property
    def missing(self) -> int:
        """How many samples so far have a missing value."""
        return self._missing

    def finish(self) -> Surveyed:
        """What was found.

        Raises:
            CannotStreamError: when there is nothing, the sensor is slow, its rate cannot be, or times repeat too often.
        """
        steps = self._inside + sum(len(gaps) for gaps in self._gaps)
        if self._repeated > MOST_REPEATED * (self._rows + self._repeated) or steps == 0:
            raise CannotStreamError("its clock is too coarse for its rate, or it holds next to nothing")
        if 2 * self._fast > steps:
            raise CannotStreamError("its rate cannot be")
        if 2 * self._slow >= steps:
            raise CannotStreamError("its sensor is slow")
        stuck = self._stuck.finish()
        return Surveyed(
            rows=self._rows,
            repeated=self._repeated,
            missing=self._missing,
            out_of_range=self._range.outside,
            range_g=self._range.range_g,
            stuck=stuck.samples,
            stuck_ns=stuck.times_ns,
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
        least, most = extremes(samples.signals)
        if np.isfinite(least).all() and np.isfinite(most).all():
            if self._axes:
                beyond = max(float(most[: self._axes].max()), -float(least[: self._axes].min()))
                if beyond > self._range.smallest_g:
                    self._range.push(largest_on_an_axis(samples.signals[:, : self._axes]))
                else:
                    self._range.pass_over(len(samples.time_ns))
                self._stuck.push(samples.time_ns, samples.signals[:, : self._axes])
            return
        present = _finite(samples.signals)
        missing = len(present) - int(np.count_nonzero(present))
        self._missing += missing
        acceleration = samples.signals[:, : self._axes]
        if self._axes:
            self._range.push(largest_on_an_axis(acceleration), present if missing else None)
            self._stuck.push(samples.time_ns, acceleration)


def deduplicated(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples without those whose time is that of the one before; the first stays."""
    last_ns: int | None = None
    for samples in pieces:
        if len(samples.time_ns) == 0:
            continue
        kept = np.diff(samples.time_ns, prepend=samples.time_ns[0] - 1 if last_ns is None else last_ns) > 0
        last_ns = int(samples.time_ns[-1])
        yield samples if kept.all() else samples.chosen(kept)


def _finite(signals: NDArray[np.float32]) -> NDArray[np.bool_]:
    present = np.isfinite(signals[:, 0])
    for channel in range(1, signals.shape[1]):
        present &= np.isfinite(signals[:, channel])
    return present
