"""Statistics of ten-second blocks of the raw acceleration, from a stream, and moments of it that are kept.

The blocks are the input of calibration and non-wear. The moments, possible walking and movement of any kind, are used
to find how the watch is worn on the arm (``harken.mounting.estimate``), and whether it is worn on an arm
(``harken.mounting.wrist_check``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from harken.recordings.recording import UNLABELLED, Recording, acceleration_channels, find_temperature
from harken.recordings.source import Samples
from harken.signals.resampling import SECOND_NS, resample
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from harken.support.errors import HarkenError

BLOCK_NS = 10 * SECOND_NS
"""The length of a block. Block ``k`` covers ``[k, k + 1) * BLOCK_NS`` since 1970."""
HALF_NS = SECOND_NS // 2
ROWS_AT_ONCE = 1 << 16
"""Samples per call: enough that the call's overhead is small beside the computation."""
LOOKED_AT = 32
"""The number of samples of each block in which the smallest step is searched."""
AXES = 3


@dataclass(frozen=True, eq=False)
class MovementBlocks:
    """Statistics of the acceleration in blocks of ten seconds; only blocks with a valid sample are included.

    Attributes:
        start_ns: the start of each block, int64 ``[n]``, increasing.
        samples: the number of valid samples in each block, int64 ``[n]``.
        mean, standard_deviation: of the samples in g (divided by their number), float64 ``[n, 3]``.
        lowest, highest: the extremes of the samples in g, float32 ``[n, 3]``.
        second_variance: the variance of the means of whole seconds with samples in both halves, in g², float64
            ``[n, 3]``. Breathing is slow and appears here. This and the next two are 0 with fewer than two seconds.
        noise_by_samples, noise_by_halves: two estimates of the noise in ``second_variance``, float64 ``[n, 3]`` each.
            The first takes all differences between the samples of a second as noise, the second all differences between
            its two halves. Without movement both are right. Movement makes them too large, each by a different kind.
        step: the smallest difference between two neighbouring samples that differ, on any axis, in g, float32
            ``[n]``; NaN where none differ. Only the first 32 samples of a block are compared.
        temperature: the mean temperature, float64 ``[n]``; NaN where none was recorded.
    """

    start_ns: Int64Array
    samples: Int64Array
    mean: Float64Array
    standard_deviation: Float64Array
    lowest: Float32Array
    highest: Float32Array
    second_variance: Float64Array
    noise_by_samples: Float64Array
    noise_by_halves: Float64Array
    step: Float32Array
    temperature: Float64Array

    def __len__(self) -> int:
        return len(self.start_ns)


class MovementStatistics:
    """Takes a stream of samples in the order of their times, and gives the statistics of its blocks.

    The blocks are the same to the bit however the stream is cut. Between two pushes, the samples of the open block are
    kept, and about a hundred bytes for each complete block: 6 MB a week.

    Args:
        temperature_channel: the column of the signals with the temperature, if there is one.
        listeners: called in order with complete blocks and their valid samples: times, int64 ``[n]``, and acceleration
            in g, float32 ``[3, n]``. The acceleration must be copied to be kept.
    """

    def __init__(
        self,
        *,
        temperature_channel: int | None = None,
        listeners: Sequence[Callable[[MovementBlocks, Int64Array, Float32Array], None]] = (),
    ) -> None:
        self._channels = [*range(AXES), *([] if temperature_channel is None else [temperature_channel])]
        self._done: list[MovementBlocks] = []
        self._listeners = listeners
        self._time_ns = np.empty(0, np.int64)  # of the open block, as its signals
        self._signals = np.empty((len(self._channels), 0), np.float32)

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before. Acceleration in g is the first three channels."""
        for part in samples.pieces(ROWS_AT_ONCE):
            self._push(part if part.valid.all() else part.chosen(part.valid))

    def finish(self) -> MovementBlocks:
        """The blocks of all pushed samples; the last one may be incomplete."""
        if len(self._time_ns):
            self._end(len(self._time_ns))
        if not self._done:
            some = _blocks_of(np.zeros(1, np.int64), np.zeros((AXES, 1), np.float32))
            return MovementBlocks(*(array[:0] for array in vars(some).values()))
        columns = zip(*(vars(part).values() for part in self._done), strict=True)
        return MovementBlocks(*map(np.concatenate, columns))

    def _push(self, samples: Samples) -> None:
        if len(samples.time_ns) == 0:
            return
        kept = len(self._time_ns)
        self._time_ns = np.concatenate([self._time_ns, samples.time_ns])
        signals = np.empty((len(self._channels), len(self._time_ns)), np.float32)
        signals[:, :kept] = self._signals
        for line, channel in zip(signals, self._channels, strict=True):
            line[kept:] = samples.signals[:, channel]
        self._signals = signals
        over = int(np.searchsorted(self._time_ns, samples.time_ns[-1] // BLOCK_NS * BLOCK_NS))
        if over:
            self._end(over)

    def _end(self, samples: int) -> None:
        """Compute the blocks that are complete, those of the first ``samples`` samples, and keep the others."""
        time_ns = self._time_ns[:samples]
        signals = self._signals[:, :samples]
        blocks = _blocks_of(time_ns, signals)
        self._done.append(blocks)
        for listener in self._listeners:
            listener(blocks, time_ns, signals[:AXES])
        self._time_ns = self._time_ns[samples:]
        self._signals = self._signals[:, samples:]


def _blocks_of(time_ns: Int64Array, signals: Float32Array) -> MovementBlocks:
    """The blocks of samples: acceleration ``[3, n]``, or with temperature ``[4, n]``."""
    samples, narrow = len(time_ns), signals[:AXES]
    half, firsts = _halves_of_seconds(time_ns)
    counts = np.diff(firsts, append=samples)
    block = half // (BLOCK_NS // HALF_NS)
    groups = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
    edges = firsts[groups]
    samples_in = np.diff(edges, append=samples)

    # In float64: beside the square of 1 g, float32 would round off the square of a breath.
    wide = signals.astype(np.float64)
    sums = np.add.reduceat(wide, firsts, axis=1)
    means = np.add.reduceat(sums, groups, axis=1) / samples_in
    sums, mean = sums[:AXES], means[:AXES]
    acceleration = wide[:AXES]
    np.multiply(acceleration, acceleration, out=acceleration)
    variance = np.maximum(np.add.reduceat(acceleration, edges, axis=1) / samples_in - mean * mean, 0)
    seconds = _of_seconds(half, sums, counts, groups, variance)
    return MovementBlocks(
        start_ns=block[groups] * BLOCK_NS,
        samples=samples_in,
        mean=mean.T,
        standard_deviation=np.sqrt(variance).T,
        lowest=np.minimum.reduceat(narrow, edges, axis=1).T,
        highest=np.maximum.reduceat(narrow, edges, axis=1).T,
        second_variance=seconds[0].T,
        noise_by_samples=seconds[1].T,
        noise_by_halves=seconds[2].T,
        step=_smallest_step(narrow, edges, samples_in),
        temperature=means[AXES] if len(means) > AXES else np.full(len(groups), np.nan),
    )


def movement_of(recording: Recording) -> MovementBlocks:
    """The blocks of a mended recording's valid samples.

    Raises:
        HarkenError: when the recording is ``as_found`` or does not begin with the channels ``x, y, z``.
    """
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError("only a mended recording has blocks; read it without as_found", path=name)
    if not acceleration_channels(recording.channels):
        raise HarkenError("blocks need acceleration as the first channels, x, y, z", path=name)
    statistics = MovementStatistics(temperature_channel=find_temperature(recording.channels))
    statistics.push(Samples.of(recording))
    return statistics.finish()


def _halves_of_seconds(time_ns: Int64Array) -> tuple[Int64Array, Int64Array]:
    """The numbers of the half seconds since 1970 that have any sample, and the first sample of each."""
    first = int(time_ns[0]) // HALF_NS
    last = int(time_ns[-1]) // HALF_NS
    if last - first < len(time_ns):
        begins = np.searchsorted(time_ns, np.arange(first + 1, last + 1) * HALF_NS)
        firsts = np.concatenate([[0], begins[np.diff(begins, append=len(time_ns)) > 0]])
        firsts = firsts[np.diff(firsts, prepend=-1) > 0]
        return time_ns[firsts] // HALF_NS, firsts
    half = time_ns // HALF_NS  # years may lie between two samples
    firsts = np.flatnonzero(np.diff(half, prepend=half[0] - 1))
    return half[firsts], firsts


def _of_seconds(
    half: Int64Array,
    sums: Float64Array,
    counts: Int64Array,
    groups: Int64Array,
    variance: Float64Array,
) -> Float64Array:
    """``MovementBlocks.second_variance``, ``noise_by_samples`` and ``noise_by_halves``, ``[3, 3 axes, blocks]``.

    Args:
        half: the numbers of the half seconds, ``[halves]``.
        sums, counts: of the samples in each half second, ``[3, halves]`` and ``[halves]``.
        groups: the first half second of each block, ``[blocks]``.
        variance: of each block, ``[3, blocks]``.
    """
    result = np.zeros((3, *variance.shape))
    even = half[:-1] % 2 == 0
    early = np.flatnonzero(even & (half[1:] == half[:-1] + 1))
    seconds = np.bincount(np.searchsorted(groups, early, side="right") - 1, minlength=len(groups))
    early = early[np.repeat(seconds > 1, seconds)]
    known = np.flatnonzero(seconds > 1)
    if len(known) == 0:
        return result
    number = seconds[known]
    begins = np.cumsum(number) - number
    samples = counts[early] + counts[early + 1]
    means = (sums[:, early] + sums[:, early + 1]) / samples
    apart = sums[:, early] / counts[early] - sums[:, early + 1] / counts[early + 1]
    away = means - np.repeat(np.add.reduceat(means, begins, axis=1) / number, number, axis=1)
    between = np.add.reduceat(away * away, begins, axis=1) / (number - 1)
    # The variance within seconds, estimated from the whole block, and the part of it that remains in a mean of samples.
    within = np.maximum(variance[:, known] - between * (number - 1) / number, 0)
    each = np.add.reduceat(samples, begins) / number
    result[0][:, known] = between
    result[1][:, known] = within / np.maximum(each - 1, 1)
    result[2][:, known] = np.add.reduceat(apart * apart, begins, axis=1) / (4 * number)
    return result


def _smallest_step(narrow: Float32Array, edges: Int64Array, samples_in: Int64Array) -> Float32Array:
    """See ``MovementBlocks.step``, from the samples ``[3, n]``."""
    rows = edges[:, None] + np.minimum(np.arange(LOOKED_AT), samples_in[:, None] - 1)
    steps = np.abs(np.diff(narrow[:, rows], axis=2))
    steps[steps == 0] = np.inf
    smallest = steps.min(axis=(0, 2))
    return np.where(np.isinf(smallest), np.float32(np.nan), smallest)


LEAST_WALKING_G, MOST_WALKING_G = 0.1, 0.6
"""The limits of arm movement in walking: the standard deviation of a block, all axes together."""
MOST_SLOW = 0.35
"""In walking, the standard deviation of the means of whole seconds is at most this share of the block's. A footstep
takes half a second, so these means vary little."""
LEAST_MOVING_G = 0.08
MOST_MOMENTS = 400
"""The largest number of moments that are kept."""
PHASES_NS = (2_500_000_000, 5_000_000_000, 7_500_000_000)
"""How long before a block a moment of walking may begin, besides with it."""
MANY_WALKS = 100
HALF_WALKING_G = 0.7 * LEAST_WALKING_G
"""The least movement of one of two blocks between which a moment of walking can lie."""
MOST_MISSING = 3
"""The number of samples that may be missing at the end of a moment."""


def like_walking(blocks: MovementBlocks) -> BoolArray:
    """Which blocks may be walking, bool ``[n]``. Clapping, brushing teeth and sawing look like it, too."""
    moved = np.sqrt((blocks.standard_deviation**2).sum(axis=1))
    slowly = np.sqrt(blocks.second_variance.sum(axis=1))
    walking: BoolArray = (
        (moved > LEAST_WALKING_G) & (moved < MOST_WALKING_G) & (slowly < MOST_SLOW * moved) & (slowly > 0)
    )
    return walking


def moving(blocks: MovementBlocks) -> BoolArray:
    """Which blocks have movement, bool ``[n]``."""
    moved = np.sqrt((blocks.standard_deviation**2).sum(axis=1))
    return np.asarray(moved > LEAST_MOVING_G)


class Moments:
    """A listener of ``MovementStatistics`` that keeps the samples of chosen blocks.

    Beyond ``most`` blocks, every second one is kept, then every fourth, and so on. They stay spread over the recording;
    400 take at most 5 MB at 100 Hz. The kept blocks do not depend on how the stream is cut.

    Args:
        chosen: returns which blocks to keep, bool ``[n]``.
        most: the largest number of blocks that are kept.
    """

    def __init__(self, chosen: Callable[[MovementBlocks], BoolArray], *, most: int = MOST_MOMENTS) -> None:
        self.moments: list[tuple[Int64Array, Float32Array]] = []
        """The times of each moment, int64 ``[n]``, and its acceleration in g, float32 ``[n, 3]``."""
        self._chosen, self._most = chosen, most
        self._found, self._every = 0, 1

    @classmethod
    def of(cls, recording: Recording, chosen: Callable[[MovementBlocks], BoolArray]) -> "Moments":
        """The moments of a mended recording in memory, whose first channels are ``x, y, z``."""
        moments = cls(chosen)
        statistics = MovementStatistics(listeners=(moments,))
        statistics.push(Samples.of(recording))
        statistics.finish()
        return moments

    def __call__(self, blocks: MovementBlocks, time_ns: Int64Array, acceleration: Float32Array) -> None:
        """See ``MovementStatistics``."""
        ends = np.cumsum(blocks.samples)
        for number in np.flatnonzero(self._chosen(blocks)).tolist():
            if self._found % self._every == 0:
                if len(self.moments) == self._most:
                    self.moments = self.moments[::2]
                    self._every *= 2
                rows = slice(int(ends[number] - blocks.samples[number]), int(ends[number]))
                self.moments.append((time_ns[rows].copy(), acceleration[:, rows].T.copy()))
            self._found += 1

    def resampled(self, *, sample_rate_hz: float, length: int) -> tuple[Int64Array, Float32Array]:
        """The beginnings, at another rate, of the moments that are long enough.

        Args:
            sample_rate_hz: the rate.
            length: the length of a moment in samples.

        Returns:
            The times of the first samples, int64 ``[n]``, and acceleration in g, float32 ``[n, length, 3]``.
        """
        nothing = np.empty(0, np.int64), np.empty((0, length, 3), np.float32)
        if not self.moments:
            return nothing
        times, signals = (np.concatenate(each) for each in zip(*self.moments, strict=True))
        together = Recording(
            time_ns=times,
            signals=signals,
            channels=("x", "y", "z"),
            label_codes=np.full(len(times), UNLABELLED, np.int16),
            label_names=(),
            subject="somebody",
        )
        even = resample(together, sample_rate_hz=sample_rate_hz)
        firsts = np.searchsorted(even.time_ns, [moment[0] for moment, _ in self.moments])
        ends = np.searchsorted(even.time_ns, [moment[-1] for moment, _ in self.moments], side="right")
        whole = ends - firsts >= length - MOST_MISSING
        if not whole.any():
            return nothing
        rows = np.minimum(firsts[whole, None] + np.arange(length), ends[whole, None] - 1)
        return even.time_ns[rows[:, 0]], even.signals[rows]


class Walks:
    """A listener of ``MovementStatistics`` that keeps the moments of ten seconds that look like walking.

    One begins every 2.5 s, so a walk of 12.5 s has a moment of nothing else. If there are a hundred that are whole
    blocks, these alone are kept, at most 400 as by ``Moments``: so much walking needs no more.
    """

    def __init__(self) -> None:
        self._blocks = Moments(like_walking)
        self._between = {phase_ns: Moments(like_walking, most=MANY_WALKS) for phase_ns in PHASES_NS}
        # The samples of the last block: a moment that began in it ends in the next one.
        self._time_ns, self._acceleration = np.empty(0, np.int64), np.empty((AXES, 0), np.float32)
        self._moved = np.empty(0, np.int64)
        self._found, self._last_searched = 0, np.iinfo(np.int64).max

    def __call__(self, blocks: MovementBlocks, time_ns: Int64Array, acceleration: Float32Array) -> None:
        """See ``MovementStatistics``."""
        self._blocks(blocks, time_ns, acceleration)
        if self._found >= MANY_WALKS:
            return
        numbers = blocks.start_ns // BLOCK_NS
        found = self._found + np.cumsum(like_walking(blocks))
        if found[-1] >= MANY_WALKS:
            self._last_searched = int(numbers[np.argmax(found >= MANY_WALKS)])
        self._found = int(found[-1])
        spread = np.sqrt((blocks.standard_deviation**2).sum(axis=1))
        moved = np.concatenate([self._moved[-1:], numbers[spread > HALF_WALKING_G]])
        first = int(self._time_ns[0] // BLOCK_NS) if len(self._time_ns) else -1
        # Moment k begins in block k - 1 and ends in block k. The last block's are completed by the next call.
        candidates = np.unique(np.concatenate([moved, moved + 1]))
        candidates = candidates[(candidates > first) & (candidates <= min(int(numbers[-1]), self._last_searched))]
        if len(candidates):
            times = np.concatenate([self._time_ns, time_ns])
            self._search(candidates, times, np.concatenate([self._acceleration, acceleration], axis=1))
        last = len(time_ns) - int(blocks.samples[-1])
        self._time_ns, self._acceleration, self._moved = time_ns[last:].copy(), acceleration[:, last:].copy(), moved

    def _search(self, candidates: Int64Array, time_ns: Int64Array, acceleration: Float32Array) -> None:
        """Keep those of the moments with these numbers that look like walking."""
        for phase_ns, moments in self._between.items():
            begins = np.searchsorted(time_ns, candidates * BLOCK_NS - phase_ns)
            ends = np.searchsorted(time_ns, (candidates + 1) * BLOCK_NS - phase_ns)
            rows = np.concatenate([np.arange(begin, end) for begin, end in zip(begins, ends, strict=True)])
            if len(rows):
                times, part = time_ns[rows], acceleration[:, rows]
                moments(_blocks_of(times + phase_ns, part), times, part)

    def resampled(self, *, sample_rate_hz: float, length: int) -> tuple[Int64Array, Float32Array]:
        """As ``Moments.resampled``, in the order of their times."""
        every = [self._blocks] if self._found >= MANY_WALKS else [self._blocks, *self._between.values()]
        parts = [moments.resampled(sample_rate_hz=sample_rate_hz, length=length) for moments in every]
        starts_ns, signals = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.argsort(starts_ns, kind="stable")
        return starts_ns[order], signals[order]
