"""Resampling onto an even grid by the recording's times: curves between samples, then a low-pass filter.

The grid is counted from 1970: all pieces of a recording have the same grid, however it was cut. Between irregular
samples there are cubic curves, never across a gap or a marked sample, which are evaluated on a finer grid. The filter
is a windowed sinc, a sinc cut to length by a Kaiser window (Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd
ed., 7.5 and 7.6). It is short and symmetric. The result at one time depends only on a fraction of a second around it.
Therefore a recording in pieces, and a stream, give the same samples as the whole recording.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from harken.recordings.recording import Recording, gap_limit_ns
from harken.recordings.source import Samples, bytes_of_a_row, joined, joined_and_released
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.resources import need_memory

SECOND_NS = 10**9
LARGEST = 2**62
ROWS_AT_ONCE = 1 << 16
"""The number of times compared with the grid at once, so that memory does not grow with a recording's length."""
FINEST_FRACTION = 1000
"""Rates are fractions with at most this denominator: whole-number arithmetic on nanoseconds then fits in 64 bits."""


class Grid:
    """The times ``floor(number / rate)``, in whole nanoseconds since 1970, for every whole ``number``.

    All arithmetic is in whole numbers, because float64 cannot represent single nanoseconds at present-day times since
    1970. The rate is rounded to the nearest fraction with a denominator of at most 1000.

    Attributes:
        rate_hz: points per second, as an exact fraction.
        step_ns: the distance between two points in nanoseconds, a float.
        cycle_ns, cycle: the grid repeats every ``cycle_ns`` nanoseconds, after ``cycle`` points.
    """

    def __init__(self, rate_hz: float | Fraction) -> None:
        self.rate_hz = Fraction(rate_hz).limit_denominator(FINEST_FRACTION)
        step = SECOND_NS / self.rate_hz
        self.step_ns = float(step)
        self.cycle_ns, self.cycle = step.numerator, step.denominator

    def at_or_after(self, time_ns: Int64Array) -> Int64Array:
        """The number of the first point that is not before each time, int64 ``[n]``."""
        cycles = time_ns // self.cycle_ns
        within = time_ns - cycles * self.cycle_ns
        return cycles * self.cycle + (within * self.cycle + (self.cycle_ns - 1)) // self.cycle_ns

    def times_ns(self, numbers: Int64Array) -> Int64Array:
        """The times of the points with these numbers, int64 ``[n]``."""
        cycles = numbers // self.cycle
        within = numbers - cycles * self.cycle
        return cycles * self.cycle_ns + within * self.cycle_ns // self.cycle

    def holds(self, times: Iterable[Int64Array], *, longest_step_ns: int) -> bool:
        """Whether all times are points of the grid, and points are missing only in steps longer than a limit.

        Args:
            times: pieces of increasing times, in order.
            longest_step_ns: two times further apart than this have a hole between them.
        """
        last = np.empty(0, np.int64)
        for piece in times:
            for first in range(0, len(piece), ROWS_AT_ONCE):
                together = np.concatenate([last, piece[first : first + ROWS_AT_ONCE]])
                numbers = self.at_or_after(together)
                missing = (np.diff(numbers) > 1) & (np.diff(together) <= longest_step_ns)
                if (self.times_ns(numbers) != together).any() or missing.any():
                    return False
                last = together[-1:]
        return True

    def next_to(self, time_ns: Int64Array) -> tuple[Int64Array, Float32Array, BoolArray]:
        """For increasing times ``[n]``: the number of the first point that is not before each, int64; how much later
        it is, in steps, float32; and whether it is at that time, rounded down to nanoseconds."""
        cycles = time_ns[0] // self.cycle_ns
        scaled = time_ns - cycles * self.cycle_ns
        if scaled[-1] < LARGEST // self.cycle:
            # All three follow from the remainder of one division.
            scaled *= self.cycle
            numbers = scaled + (self.cycle_ns - 1)
            numbers //= self.cycle_ns
            late = np.subtract(numbers * self.cycle_ns, scaled, out=scaled)
            numbers += cycles * self.cycle
            return numbers, late.astype(np.float32) / np.float32(self.cycle_ns), late < self.cycle
        numbers = self.at_or_after(time_ns)
        late_ns = self.times_ns(numbers) - time_ns
        return numbers, (late_ns / self.step_ns).astype(np.float32), late_ns == 0


MISSING = 2.5
"""A step this many times longer than a neighbouring one has missing samples; it is bridged by a straight line."""
EVER_NS = 10**17
"""Three years: the assumed time from the last known sample to the next one."""


@dataclass(frozen=True, eq=False)
class Points:
    """The points of a fine grid among samples, in order.

    Attributes:
        begins: the number of the first point at or after each sample, int64 ``[n]``.
        firsts: the place of this point among all points, int64 ``[n]``.
        counts: the number of points from each sample to the next, int64 ``[n]``.
        late: the time from the sample to this point, in steps of the grid, float32 ``[n]``.
        lengths: the time from each sample to the next, in steps of the grid, float32 ``[n]``.
        bridged: whether there is a curve from each sample to the next, bool ``[n]``.
        hole: whether there is a hole after each sample, bool ``[n]``. A number of points represents it.
        on: whether each sample is good and at the time of its first point, bool ``[n]``.
        total: the number of points.
    """

    begins: Int64Array
    firsts: Int64Array
    counts: Int64Array
    late: Float32Array
    lengths: Float32Array
    bridged: BoolArray
    hole: BoolArray
    on: BoolArray
    total: int

    def made(self) -> BoolArray:
        """Which points can be computed from samples, bool ``[total]``.

        Either both neighbouring samples are good and close enough, or the point is on a good sample.
        """
        made = np.repeat(self.bridged, self.counts)
        made[self.firsts[self.on & (self.counts > 0)]] = True
        return made

    def read(self, signals: Float32Array, *, out: Float32Array) -> None:
        """The curves through finite ``signals`` ``[channels, n]`` at the points, into ``out`` ``[channels, total]``.
        Where no curve leads to the next sample, only the first point is written, from a line to the next sample.

        The curves are cubic Hermite curves with the slopes of Catmull and Rom for uneven samples. The slope at a sample
        is that of the parabola through it and both neighbours; with one neighbour, that of the line to it. The curve is
        the sum of the straight line and a bend. At a share ``s`` of a step of length ``h`` the bend is
        ``- s (1 - s) h² ((1 - s) b + s c)``, where ``b`` and ``c`` are the second divided differences at both ends.
        """
        channels, n = signals.shape
        per_step = np.reciprocal(self.lengths)
        good = self.lengths if self.bridged[:-1].all() else np.where(self.bridged, self.lengths, np.float32(np.inf))
        squared = self._squared(good)
        rises = np.empty((channels, n), np.float32)
        np.subtract(signals[:, 1:], signals[:, :-1], out=rises[:, :-1])
        rises[:, -1] = 0
        # The second divided difference at each sample, and after the last; 0 without a curve on both sides.
        slopes = rises * per_step
        bends = np.empty((channels, n + 1), np.float32)
        np.subtract(slopes[:, 1:], slopes[:, :-1], out=bends[:, 1:-1])
        bends[:, 1:-1] /= good[1:] + good[:-1]
        bends[:, 0] = 0
        bends[:, n - 1 :] = 0

        # One point after each sample. Where there is none, its place is the next sample's, which is written later.
        values = _on_curves(self.late * per_step, squared, signals, rises, bends[:, :-1], bends[:, 1:])
        for line, value in zip(out, values, strict=True):
            line[self.firsts] = value
        # Then a second one after those that have two, and so on.
        rows = np.flatnonzero((self.counts > 1) & self.bridged)
        place = 1
        while len(rows):
            share = (self.late[rows] + np.float32(place)) * per_step[rows]
            level = signals.take(rows, axis=1)
            rise = rises.take(rows, axis=1)
            start = bends.take(rows, axis=1)
            end = bends.take(rows + 1, axis=1)
            values = _on_curves(share, squared[rows], level, rise, start, end)
            points = self.firsts[rows] + place
            for line, value in zip(out, values, strict=True):
                line[points] = value
            place += 1
            rows = rows[self.counts[rows] > place]

    def _squared(self, good: Float32Array) -> Float32Array:
        """The square of each step's length, ``[n]``; 0 where the curve is to be a straight line. ``good`` holds the
        lengths; they are infinite where there is no curve."""
        squared = self.lengths * self.lengths
        most = good * np.float32(MISSING)
        straight = np.zeros(len(good), bool)
        np.greater(self.lengths[1:], most[:-1], out=straight[1:])
        straight[:-1] |= self.lengths[:-1] > most[1:]
        straight |= ~self.bridged
        squared[straight] = 0
        return squared


def _on_curves(
    share: Float32Array,
    squared: Float32Array,
    signals: Float32Array,
    rises: Float32Array,
    starts: Float32Array,
    ends: Float32Array,
) -> Float32Array:
    """See ``Points.read``: at a ``share [n]`` of steps with second differences at their ``starts`` and ``ends``."""
    bent = (1 - share) * share * squared
    late = bent * share
    return rises * share + signals - starts * (bent - late) - ends * late


def points_between(
    time_ns: Int64Array,
    valid: BoolArray,
    grid: Grid,
    *,
    bridged_ns: int,
    hole_ns: int,
    hole_points: int,
    every: int,
) -> Points:
    """The points of ``grid`` from the first sample on, and ``hole_points`` after the last.

    Args:
        time_ns: the times of the samples, strictly increasing, int64 ``[n]``.
        valid: which samples are good, bool ``[n]``.
        grid: the fine grid.
        bridged_ns: the longest step between two samples that a curve may bridge.
        hole_ns: a step that is not bridged and longer than this is a hole.
        hole_points: the number of points that represent a hole of any length. A few are added, so that the numbers of
            the points shift by a multiple of ``every``.
        every: see ``hole_points``.
    """
    steps = np.empty(len(time_ns), np.int64)
    np.subtract(time_ns[1:], time_ns[:-1], out=steps[:-1])
    steps[-1] = EVER_NS
    bridged = steps <= bridged_ns
    if not valid.all():
        bridged &= valid
        bridged[:-1] &= valid[1:]
    hole = ~bridged & (steps > hole_ns)
    begins, late, on = grid.next_to(time_ns)
    counts = np.empty(len(time_ns), np.int64)
    np.subtract(begins[1:], begins[:-1], out=counts[:-1])
    counts[-1] = hole_points
    holes = np.flatnonzero(hole)
    counts[holes] = hole_points + (counts[holes] - hole_points) % every
    # Without holes the points are numbered consecutively.
    ends = begins - begins[0] + counts if len(holes) == 1 and holes[0] == len(hole) - 1 else np.cumsum(counts)
    lengths = steps.astype(np.float32)
    lengths /= np.float32(grid.step_ns)
    return Points(begins, ends - counts, counts, late, lengths, bridged, hole, on & valid, int(ends[-1]))


SLOWEST_HZ, FASTEST_HZ = 1.0, 1000.0
LEAST_OVERSAMPLING = 4
"""Points of the fine grid for one sample of the new rate: enough for sensors up to 7 times the new rate."""
FASTEST_FINE_HZ = 8000.0
FINE_POINTS_AT_ONCE = 1 << 16
ROUNDING = 1e-6
"""How far the sum of the filter's weights may be from 1 because of rounding."""
EVER = np.iinfo(np.int64).max
HALF_WIDTH = 8
"""How far the filter reaches to either side, in points of the new grid."""
CUT_OFF = 0.4
"""The frequency at which the filter halves the amplitude, as a share of the new rate. The filter is flat up to 0.3 and
blocks frequencies from 0.5 on."""
KAISER_BETA = 5.0
TOGETHER = 16
"""Points that one row of a matrix product gives. With this many, the filter reaches only into the next row."""


def resample(recording: Recording, *, sample_rate_hz: float, largest_gap_s: float | None = None) -> Recording:
    """The recording at an even rate, by the times of its samples and not by its nominal rate.

    The new samples are at whole multiples of ``1 / sample_rate_hz`` since 1970, rounded down to nanoseconds. First, the
    signal is interpolated on a grid at least four times finer: by cubic curves (Catmull and Rom's, for uneven times),
    and by straight lines where samples are missing. Then a low-pass filter prevents aliasing. Frequencies below 0.3 of
    the new rate keep their amplitude (within 0.5 %). The amplitude is halved at 0.4, and is less than 1/300 (-50 dB) at
    0.5 and above.

    - There is no interpolation across a gap, or to or from a marked sample. Next to a gap, the filter uses only the
      samples on the same side of it. It leaves out marked samples.
    - A new sample between two old samples is marked if one of them is. It is then a copy of the nearest old sample.
    - A label is that of the nearest old sample.
    - A recording that is on this grid already is returned as it is.

    Args:
        recording: a mended recording.
        sample_rate_hz: the new rate, 1 to 1000.
        largest_gap_s: the longest step between two samples that is bridged; the recording's own limit
            (``Recording.gap_limit_ns``) if None. A longer step stays a gap if it is also a gap at the new rate;
            otherwise the new samples in it are marked.

    Raises:
        HarkenError: when the recording is ``as_found``, when the rate or gap is out of its range, or when no stretch is
            long enough to hold a sample of the new rate.
    """
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError("only a mended recording can be resampled; read it without as_found", path=name)
    if largest_gap_s is None:
        largest_gap_s = recording.gap_limit_ns / SECOND_NS
    resampler = Resampler(sample_rate_hz, source_rate_hz=recording.sample_rate_hz, largest_gap_s=largest_gap_s)
    if resampler.grid.holds([recording.time_ns], longest_step_ns=resampler.longest_step_ns):
        return recording
    new = _resampled(recording, resampler)
    if len(new.time_ns) == 0:
        raise HarkenError(
            f"no stretch without a gap is long enough for a sample at {sample_rate_hz:g} Hz; use "
            "a higher rate or a larger largest_gap_s",
            path=name,
        )
    note = (
        f"resampled from {recording.sample_rate_hz:.4g} Hz to {sample_rate_hz:.4g} Hz: "
        f"{len(recording):,} samples became {len(new.time_ns):,}"
    )
    return replace(recording, **new._asdict(), quality=recording.quality.noting(note))


def look_ahead_s(sample_rate_hz: float) -> float:
    """The seconds of later signal that a sample at the new rate needs: 8 intervals of the new rate.

    A new sample is known when two samples have come that are at least this much later, or at the end of the stretch.
    The curve that ends at the first of the two needs the second.
    """
    return HALF_WIDTH / sample_rate_hz


class Resampler:
    """``resample`` for a stream: each push takes some old samples and returns the new samples known by then.

    However the samples are cut into pushes, the new samples are those of ``resample`` on all samples together. They can
    differ by the rounding of float32 where the order of additions in a matrix product depends on its number of rows: on
    processors without AVX-512 (OpenBLAS 0.3.30), and everywhere in a product of one row. A fraction of a second of
    samples is kept between two pushes.

    Args:
        sample_rate_hz: the new rate, 1 to 1000.
        source_rate_hz: the approximate rate of the sensor. It matters only above 7 times the new rate.
        largest_gap_s: the longest step between two samples that is bridged.

    Attributes:
        grid: the times of the new samples.
        longest_step_ns: the longest step between two samples that is not a hole.
        rows_at_once: the best number of samples for one push: they fit into the processor's cache.

    Raises:
        HarkenError: when the rate or gap is out of its range.
    """

    def __init__(self, sample_rate_hz: float, *, source_rate_hz: float, largest_gap_s: float = 0.5) -> None:
        if not SLOWEST_HZ <= sample_rate_hz <= FASTEST_HZ:
            raise HarkenError(
                f"the new rate must be {SLOWEST_HZ:g} to {FASTEST_HZ:g} samples per second, got {sample_rate_hz:g}"
            )
        if not 0 < largest_gap_s < EVER / SECOND_NS:
            raise HarkenError(f"largest_gap_s must be above 0, got {largest_gap_s:g}")
        self.grid = Grid(sample_rate_hz)
        self.bridged_ns = round(largest_gap_s * SECOND_NS)
        self.hole_ns = gap_limit_ns(np.array([0, round(self.grid.step_ns)]))
        self.longest_step_ns = max(self.hole_ns, self.bridged_ns)
        self._low_pass = LowPass(_oversampling(sample_rate_hz, source_rate_hz))
        self.rows_at_once = max(256, FINE_POINTS_AT_ONCE // self._low_pass.every)
        self._fine = Grid(self.grid.rate_hz * self._low_pass.every)
        # Points are rounded down to nanoseconds, so a distance may be 1 ns more than the number of steps times their
        # length.
        self.reach_ns = int(HALF_WIDTH * self.grid.step_ns) + 2
        self._kept: Samples | None = None
        self._next = 0

    def push(self, samples: Samples) -> Samples:
        """Add samples, strictly increasing in time and later than all before; returns the new samples now known."""
        if len(samples.time_ns) == 0:
            return samples
        if self._kept is None:
            self._next = int(self.grid.at_or_after(samples.time_ns[:1])[0])
            self._kept = samples.part(0, 0)
        old = joined([self._kept, samples])
        # The curve that ends at a sample needs the next one.
        latest = old.time_ns[-2:][:1] - self.reach_ns
        known = int(self.grid.at_or_after(latest)[0])
        new = self.between(old, self._next, known) if known > self._next else samples.part(0, 0)
        self._next = max(known, self._next)
        # The curve at the earliest point begins at the sample before it, with a slope that needs one more.
        earliest = self.grid.times_ns(np.array([self._next]))[0] - self.reach_ns
        needed = int(np.searchsorted(old.time_ns, earliest, side="right")) - 2
        self._kept = joined([old.part(max(0, needed), len(old.time_ns))])  # a copy, so that `old` may go
        return new

    def flush(self) -> Samples | None:
        """The last samples, as if a gap followed; None without any push. The next push begins a new stream."""
        old, self._kept = self._kept, None
        return None if old is None else self.between(old, self._next, EVER)

    def stream(self, parts: Iterable[Samples]) -> Iterator[Samples]:
        """The new samples of consecutive parts, pushed ``rows_at_once`` at a time, to the last one."""
        for part in parts:
            yield from map(self.push, part.pieces(self.rows_at_once))
        last = self.flush()
        if last is not None:
            yield last

    def between(self, old: Samples, first: int, last: int) -> Samples:
        """The new samples numbered ``first`` to ``last`` (exclusive) within ``old``, as if there were gaps around it.
        The state of the stream is neither used nor changed."""
        every, reach = self._low_pass.every, self._low_pass.reach
        points = points_between(
            old.time_ns,
            old.valid,
            self._fine,
            bridged_ns=self.bridged_ns,
            hole_ns=self.hole_ns,
            hole_points=reach,
            # So that a sample always has the same place among those that are filtered together.
            every=every * TOGETHER,
        )
        # One fine point in `every` is a point of the new grid. The points in place of holes do not change this.
        start = int(-points.begins[0] % every)
        place_of_first = int((points.begins[0] + start) // every % TOGETHER)
        chosen = np.arange(start, points.total, every)
        behind = np.bincount((points.firsts + (every - 1 - start)) // every, minlength=len(chosen))
        row = np.cumsum(behind[: len(chosen)]) - 1
        place = chosen - points.firsts[row]
        number = (points.begins[row] + place) // every
        bridged = points.bridged[row]
        made = bridged | (points.on[row] & (place == 0))
        kept = _as_slice(np.flatnonzero((number >= first) & (number < last) & (made | ~points.hole[row])))
        row, place, number, made, chosen = row[kept], place[kept], number[kept], made[kept], chosen[kept]
        if len(row) == 0:
            return old.part(0, 0)
        nearest = row + ((points.late[row] + place) / points.lengths[row] > 0.5)
        # If all samples within the filter's reach are good and close, its weights add up to 1.
        inside = chosen[0] >= reach and chosen[-1] + reach < points.firsts[-1]
        whole = bool(points.bridged[:-1].all()) and inside
        filtered = self._filtered(old, points, start - every * place_of_first, whole=whole)
        filtered = filtered[:, place_of_first:][:, kept]
        if whole:
            new = np.ascontiguousarray(filtered.T)
        else:
            weights = filtered[-1]
            partly = made & (np.abs(weights - 1) > ROUNDING)  # others as if all points were made
            new = np.ascontiguousarray((filtered[:-1] / np.where(partly, weights, 1)).T)
            new[~made] = old.signals[nearest[~made]]
        return Samples(self.grid.times_ns(number), new, old.label_codes[nearest], made)

    def _filtered(self, old: Samples, points: Points, first: int, *, whole: bool) -> Float32Array:
        """Channels at one point in ``every`` from ``first`` on, ``[channels, n or more]``. Unless all of these points
        are made of samples (``whole``), one more row has the sum of the filter's weights over the points that are."""
        before = self._low_pass.reach - first
        after = before + points.total
        channels = old.signals.shape[1]
        shape = (channels if whole else channels + 1, self._low_pass.room(after))
        fine = np.empty(shape, np.float32)
        fine[:, :before] = 0
        fine[:, after:] = 0
        signals = old.signals.T.copy()
        if not old.valid.all():
            signals[:, ~old.valid] = 0  # may be NaN, which a weight of 0 would not remove
        points.read(signals, out=fine[:channels, before:after])
        if whole:  # points after the last sample are not used, and they are finite
            fine[:, before + int(points.firsts[-1]) : after] = 0
        else:
            made = points.made()
            fine[-1, before:after] = made
            fine[:-1, before + np.flatnonzero(~made)] = 0
        return self._low_pass(fine)


def _as_slice(rows: Int64Array) -> slice | Int64Array:
    """The same rows as a slice if they follow one another: no copy is needed then."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _oversampling(sample_rate_hz: float, source_rate_hz: float) -> int:
    """Points of the fine grid for one new sample. Frequencies up to half the sensor's rate must not alias to below half
    the new rate on the fine grid, before the filter."""
    every = LEAST_OVERSAMPLING
    while (2 * every - 1) * sample_rate_hz < source_rate_hz and 2 * every * sample_rate_hz <= FASTEST_FINE_HZ:
        every *= 2
    return every


def _resampled(recording: Recording, resampler: Resampler) -> Samples:
    """All new samples."""
    most = _most_samples(recording.time_ns, resampler)
    what = f"its {most:,} samples at {float(resampler.grid.rate_hz):g} Hz"
    name = recording.source or recording.subject
    need_memory(most * bytes_of_a_row(len(recording.channels)), what, "use a lower rate", path=name)
    return joined_and_released(list(resampler.stream([Samples.of(recording)])))


def _most_samples(time_ns: Int64Array, resampler: Resampler) -> int:
    """The number of new samples if no sample were marked: in ``n`` steps of the grid there are at most ``n + 1``."""
    steps = np.diff(time_ns)
    inside = steps[steps <= resampler.longest_step_ns]
    return int(int(inside.sum()) / resampler.grid.step_ns) + 2 * (1 + len(steps) - len(inside))


class LowPass:
    """A low-pass filter that keeps one point in ``every``.

    Attributes:
        every: the number of input points for one output point.
        reach: the number of points on either side that a filtered point is computed from.
        weights: the weights of those points, float64 ``[2 reach + 1]``, symmetric, with a sum of 1.
    """

    def __init__(self, every: int) -> None:
        self.every, self.reach = every, HALF_WIDTH * every
        away = np.arange(-self.reach, self.reach + 1) / every
        weights = np.sinc(2 * CUT_OFF * away) * np.kaiser(2 * self.reach + 1, KAISER_BETA)
        self.weights: Float64Array = weights / weights.sum()
        self._row = TOGETHER * every
        matrix = np.zeros((2 * self._row, TOGETHER), np.float32)
        for column in range(TOGETHER):
            matrix[column * every : column * every + len(weights), column] = self.weights
        # The matrices for a row of points and for the next row. The points are multiplied without a copy.
        self._own = matrix[: self._row]
        self._next = matrix[self._row : (TOGETHER - 1) * every + len(weights)].copy()

    def room(self, points: int) -> int:
        """The length of an array for filtering ``points`` points; the rest is filled with zeros."""
        return self._row * (-(-points // self._row) + 1)

    def __call__(self, points: Float32Array) -> Float32Array:
        """Points ``[channels, room]`` -> filtered ``[channels, n]``; the first is at point ``reach``."""
        rows = points.reshape(len(points), -1, self._row)
        product: Float32Array = rows[:, :-1] @ self._own
        product += rows[:, 1:, : len(self._next)] @ self._next
        return product.reshape(len(points), -1)
