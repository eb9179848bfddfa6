"""A survey of all samples of a recording, in pieces: gaps, rate, range, missing values, a stuck sensor, and
broken axes.

Its memory hardly grows with the length of the recording. ``harken.recordings.mending`` uses its results.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from harken.recordings.broken_axes import AxisSurvey, BrokenStretches
from harken.recordings.recording import INTERVALS_IN_A_GAP, MINIMUM_GAP_S, acceleration_channels
from harken.recordings.source import Samples
from harken.support.arrays import AnyArray, BoolArray, Float32Array, Int64Array, finite_rows, runs_of_true

STANDARD_RANGES_G = (2.0, 4.0, 8.0, 16.0)
RANGE_TOLERANCE = 1.05
"""A sensor's true range may exceed its nominal range by a few per cent (offset and gain errors)."""
RARE = 1e-4
"""Outliers are at most this share of the samples; more of them are signal."""
STUCK_S = 60.0
"""A sensor is stuck when all axes keep exactly the same value for this long. The noise of a working sensor prevents
it."""


def largest_on_an_axis(acceleration_g: Float32Array) -> Float32Array:
    """The largest absolute value of all axes, ``[n]``. NaN is ignored; it is 0 if all axes are NaN."""
    largest = np.zeros(len(acceleration_g), np.float32)
    for axis in range(acceleration_g.shape[1]):
        np.fmax(largest, np.abs(acceleration_g[:, axis]), out=largest)
    return largest


def extremes(signals: Float32Array) -> tuple[Float32Array, Float32Array]:
    """The smallest and the largest value of each channel of ``[n, channels]``, n > 0; NaN if the channel has a NaN."""
    columns = np.ascontiguousarray(signals.T)  # many times faster than row by row
    return columns.min(axis=1), columns.max(axis=1)


class RangeGuess:
    """Guesses a sensor's range from its samples: 2, 4, 8 or 16 g, unless it is given.

    The guess is the smallest standard range that no sample exceeds, apart from rare outliers. Outliers are at most one
    sample in 10,000, and all exceed twice the range. A real impact has samples between the range and twice the range; a
    transmission error has none. If no standard range fits, the guess is 16 g, the largest range of wrist sensors.

    Args:
        range_g: the range in g, if it is known.

    Attributes:
        rows: the number of samples so far; those that lie within ``smallest_g`` may be added here alone.
        smallest_g: the smallest possible range, with its tolerance.
    """

    def __init__(self, range_g: float | None = None) -> None:
        self._stated_range_g = range_g
        self._limits = STANDARD_RANGES_G if range_g is None else (range_g,)
        # Samples beyond each limit: finite ones, finite ones within twice the limit, those without missing values.
        self._beyond = {limit: np.zeros(3, np.int64) for limit in self._limits}
        self.rows = 0
        self.smallest_g = self._limits[0] * RANGE_TOLERANCE

    def push(self, largest: Float32Array, present: BoolArray | None = None) -> None:
        """Process the next samples.

        Args:
            largest: the result of ``largest_on_an_axis``, ``[n]``.
            present: which samples have no missing values, bool ``[n]``; None: all.
        """
        self.rows += len(largest)
        most = float(largest.max(initial=0))
        for limit in self._limits:
            if not most > limit * RANGE_TOLERANCE:
                continue
            beyond = largest > limit * RANGE_TOLERANCE
            finite = beyond & ~np.isinf(largest)
            counted = finite, finite & (largest <= 2 * limit), beyond if present is None else beyond & present
            self._beyond[limit] += [np.count_nonzero(which) for which in counted]

    @property
    def range_g(self) -> float:
        """The range according to all samples so far."""
        if self._stated_range_g is not None:
            return self._stated_range_g
        for limit in self._limits:
            wild, between, _ = self._beyond[limit]
            if wild == 0 or (wild <= max(1.0, RARE * self.rows) and not between):
                return limit
        return self._limits[-1]

    @property
    def outside(self) -> int:
        """How many samples without missing values lie beyond the range."""
        return int(self._beyond[self.range_g][2])


class StuckRuns:
    """Finds runs in which all axes keep one value for a while without a gap.

    Args:
        gap_ns: two samples further apart than this have a gap between them.
        least_ns: the shortest time from the first to the last sample of a run.
    """

    def __init__(self, *, gap_ns: int, least_ns: int = round(STUCK_S * 1e9)) -> None:
        self._gap_ns, self._least_ns = gap_ns, least_ns
        # A run has at least eight times as many rows, so samples at this distance show where no run can be.
        self._stride = max(1, least_ns // gap_ns // 8)
        self._rows = 0
        self._last: tuple[Int64Array, AnyArray] | None = None  # time and values of the last sample
        # Those that last long, and those at the edges of what was looked at, as in ``finish``.
        self._runs: list[list[int]] = []

    def push(self, time_ns: Int64Array, values: AnyArray) -> None:
        """Process the next samples: increasing times ``[n]`` and values ``[n, axes]``."""
        if len(time_ns) == 0 or values.shape[1] == 0:
            return
        if self._last is not None:
            before_ns, before = self._last
            self._add(np.append(before_ns, time_ns[0]), np.concatenate([before, values[:1]]), self._rows - 1)
        for begin, end in self._suspects(time_ns, values):
            self._add(time_ns[begin:end], values[begin:end], self._rows + begin)
        self._rows += len(time_ns)
        self._last = time_ns[-1:], values[-1:]

    def _suspects(self, time_ns: Int64Array, values: AnyArray) -> list[tuple[int, int]]:
        """Row ranges ``[begin, end)`` that may contain a run; they may overlap. The first and the last rows are always
        included, because a run may continue from earlier samples or into later ones."""
        n, stride = len(time_ns), self._stride
        few = values[::stride]
        begins, ends = runs_of_true((few[1:] == few[:-1]).all(axis=1)).T
        # A run may extend almost one stride beyond the samples that were compared.
        firsts = np.maximum(begins - 1, 0) * stride
        lasts = np.minimum((ends + 1) * stride, n - 1)
        chosen = time_ns[lasts] - time_ns[firsts] >= self._least_ns
        chosen |= (begins == 0) | (ends == len(few) - 1)
        found = zip(firsts[chosen].tolist(), (lasts[chosen] + 1).tolist(), strict=True)
        return [(0, 2 * stride), *found, (max(0, n - 2 * stride), n)]

    def finish(self) -> Int64Array:
        """All runs, int64 ``[runs, 5]``: the first and the last row, their times in ns, and whether all values are 0.
        Call it after the last ``push``."""
        whole: list[list[int]] = []
        for run in sorted(self._runs):
            if not whole or run[0] > whole[-1][1]:
                whole.append(run.copy())
            elif run[1] > whole[-1][1]:  # the same run goes on
                whole[-1][1::2] = run[1::2]
        lasting = [run for run in whole if run[3] - run[2] >= self._least_ns]
        return np.array(lasting, np.int64).reshape(-1, 5)

    def _add(self, time_ns: Int64Array, values: AnyArray, row: int) -> None:
        """Add the runs of samples, the first of which has the number ``row``."""
        same = np.flatnonzero(values[1:, 0] == values[:-1, 0])  # usually few
        same = same[time_ns[same + 1] - time_ns[same] <= self._gap_ns]
        same = same[(values[same] == values[same + 1]).all(axis=1)]
        begins = np.diff(same, prepend=-2) > 1
        ends = np.diff(same, append=len(time_ns)) > 1
        firsts, lasts = same[begins], same[ends] + 1
        begin_ns, end_ns = time_ns[firsts], time_ns[lasts]
        kept = end_ns - begin_ns >= self._least_ns
        kept |= (firsts == 0) | (lasts == len(time_ns) - 1)
        zero = ~values[firsts].any(axis=1)
        runs = np.stack([firsts + row, lasts + row, begin_ns, end_ns, zero], axis=1)
        self._runs += runs[kept].tolist()


GAP_NS = round(MINIMUM_GAP_S * 1e9)
SLOW_STEP_NS = GAP_NS // INTERVALS_IN_A_GAP
"""A sensor with a longer typical step has a longer gap limit, which is computed from the median of all steps."""
FASTEST_HZ = 10_000
"""Wrist accelerometers give at most 3,200 samples a second."""
FAST_STEP_NS = 10**9 // FASTEST_HZ
RARE_STEP_NS = 60 * 10**9
"""Movement cannot be recognised from less than one sample a minute."""


class OutOfOrderError(Exception):
    """Raised when a sample is earlier than the sample before it."""


class ClockSurvey:
    """A survey of the times of samples, which must not decrease. Between two further apart than ``GAP_NS`` is a gap.

    Attributes:
        rows: samples so far, repeated times left out.
        repeated: samples with the same time as the sample before.
        fast, slow, rare: steps shorter than 0.1 ms, longer than a tenth of a second, longer than a minute.
        start_ns, end_ns: the first and the last sample.
    """

    def __init__(self) -> None:
        self.rows = self.repeated = self.fast = self.slow = self.rare = 0
        self.start_ns = self.end_ns = 0
        self._inside = self._inside_ns = 0
        self._gaps: list[Int64Array] = []

    def push(self, time_ns: Int64Array) -> BoolArray | None:
        """Process the next times ``[n]``.

        Returns:
            Which of them differ from the time before, bool ``[n]``; None: all.

        Raises:
            OutOfOrderError: when a time is earlier than the time before it.
        """
        if len(time_ns) == 0:
            return None
        begins = self.rows == 0
        if begins:
            self.start_ns = int(time_ns[0])
        steps = np.diff(time_ns, prepend=time_ns[0] - 1 if begins else self.end_ns)
        least, kept = steps.min(), None
        if least < 0:
            raise OutOfOrderError
        if least == 0:
            kept = steps > 0
            self.repeated += len(kept) - int(np.count_nonzero(kept))
            time_ns, steps = time_ns[kept], steps[kept]
        if len(time_ns):
            self.rows += len(time_ns)
            self.end_ns = int(time_ns[-1])
            self._count(time_ns[begins:], steps[begins:])
        return kept

    def _count(self, time_ns: Int64Array, steps: Int64Array) -> None:
        """Count the steps before these times."""
        self._inside += len(steps)
        self._inside_ns += int(steps.sum())
        self.fast += int(np.count_nonzero(steps < FAST_STEP_NS))
        long = np.flatnonzero(steps > SLOW_STEP_NS)  # the lines below process only these few steps
        lengths, after = steps[long], time_ns[long]
        gap = lengths > GAP_NS
        self.slow += len(long)
        self.rare += int(np.count_nonzero(lengths > RARE_STEP_NS))
        self._gaps.append(np.stack([after - lengths, after], axis=1)[gap])
        self._inside -= int(np.count_nonzero(gap))
        self._inside_ns -= int(lengths[gap].sum())

    @property
    def most_are_slow(self) -> bool:
        """Whether the median step may be longer than a tenth of a second, which gives another gap limit."""
        return 2 * self.slow >= self.rows - 1

    @property
    def gaps_ns(self) -> Int64Array:
        """The times of the samples before and after each gap, int64 ``[gaps, 2]``."""
        return np.concatenate([np.empty((0, 2), np.int64), *self._gaps])

    @property
    def sample_rate_hz(self) -> float:
        """Samples per second inside gap-free stretches; 0 for a single sample."""
        return self._inside * 10**9 / self._inside_ns if self._inside else 0.0


class Faults(NamedTuple):
    """Samples that windows must not contain.

    Attributes:
        missing: samples with a missing value.
        out_of_range: samples without missing values that exceed ``range_g``, the sensor's range.
        stuck: samples of runs in which all axes keep one value.
        stuck_ns: the times of the first and the last sample of each run, int64 ``[runs, 2]``.
        broken: the stretches in which an axis is broken.
        axes: how many leading channels are acceleration.
    """

    missing: int
    out_of_range: int
    range_g: float
    stuck: int
    stuck_ns: Int64Array
    broken: BrokenStretches
    axes: int

    @property
    def some(self) -> bool:
        """Whether there are any."""
        return bool(self.missing or self.out_of_range or self.stuck or self.broken.samples)

    def valid(self, samples: Samples) -> BoolArray:
        """Which of these samples windows may contain, bool ``[n]``."""
        valid = samples.valid
        if self.missing:
            valid = valid & finite_rows(samples.signals)
        if self.out_of_range:
            largest = largest_on_an_axis(samples.signals[:, : self.axes])
            valid = valid & (largest <= self.range_g * RANGE_TOLERANCE)
        if self.stuck:
            edges = self.stuck_ns.ravel()
            after = np.searchsorted(edges, samples.time_ns, side="left")  # odd: within a run
            valid = valid & ~((after % 2 == 1) | np.isin(samples.time_ns, edges))
        if self.broken.samples:
            valid = valid & ~self.broken.contain(samples.time_ns)
        return valid


class ValueSurvey:
    """Finds missing values, values beyond the sensor's range, a stuck sensor, and broken axes.

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
        self._broken = AxisSurvey()
        self.missing = 0

    def push(self, samples: Samples) -> None:
        """Process the next samples, whose times increase."""
        if len(samples.time_ns) == 0:
            return
        least, most = extremes(samples.signals)
        acceleration = samples.signals[:, : self._axes]
        if self._axes:
            self._stuck.push(samples.time_ns, acceleration)
            self._broken.push(samples.time_ns, acceleration)
        if np.isfinite(least).all() and np.isfinite(most).all():
            beyond = max((float(most[: self._axes].max()), -float(least[: self._axes].min())) if self._axes else (0.0,))
            if self._axes and beyond > self._range.smallest_g:
                self._range.push(largest_on_an_axis(acceleration))
            else:
                self._range.rows += len(samples.time_ns)
            return
        present = finite_rows(samples.signals)
        self.missing += len(present) - int(np.count_nonzero(present))
        if self._axes:
            self._range.push(largest_on_an_axis(acceleration), present)

    def finish(self) -> Faults:
        """All faults. Call it after the last ``push``."""
        runs = self._stuck.finish()
        stuck = int((runs[:, 1] - runs[:, 0] + 1).sum())
        broken = self._broken.finish(self._range.range_g)
        return Faults(self.missing, self._range.outside, self._range.range_g, stuck, runs[:, 2:4], broken, self._axes)


def deduplicated(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples without repeated times; the first sample of each time stays."""
    last_ns: int | None = None
    for samples in pieces:
        if len(samples.time_ns) == 0:
            continue
        kept = np.diff(samples.time_ns, prepend=samples.time_ns[0] - 1 if last_ns is None else last_ns) > 0
        last_ns = int(samples.time_ns[-1])
        yield samples if kept.all() else samples.chosen(kept)
