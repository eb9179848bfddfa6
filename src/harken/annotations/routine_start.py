"""When a routine really began: the start in a table may be wrong by up to a minute, and the samples show it.

Every start within a minute is compared. Three things count: the signal changes where a step begins or ends; within a
step it stays alike, but for a wearer who begins late and takes seconds to change position; and walking differs from
lying, sitting and standing, however the watch is mounted. Changes alone do not do: where steps are equally long, a
shift by a whole step fits nearly as well.

The weights and the least advantage were chosen on WISDM and DSADS (``benchmarks.recognition.routine_starts``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.annotations.bouts import Annotations, span_of
from harken.annotations.spelling import spelling
from harken.annotations.table import Entry
from harken.annotations.times import SECOND_NS
from harken.recordings.recording import Recording, acceleration_channels
from harken.support.arrays import BoolArray, Float64Array, Int64Array
from harken.support.printable import printable
from harken.support.text_rows import line_error

FARTHEST_S = 60
"""A start may be so much too early or too late."""
SHIFTS_S = np.arange(-FARTHEST_S, FARTHEST_S + 1)
NEAR_S = 8
"""Shifts that differ by no more are one place."""
LEAST_ADVANTAGE = 12.0
"""By so much, the best shift must be better than any other place."""
LEAST_LIKENESS = 1.5
"""Log likelihood of a step, beside that of any seconds, which the steps have on average. Without a routine within a
minute, one shift may be far better than the others, and still fit badly."""
LEAST_RECORDED = 0.9
"""Share of the seconds of the steps of which there must be samples. With fewer, a shift that lays steps over samples
fits better than the right one."""
AROUND_CHANGE_S = 12
"""A change is looked for by comparing so many seconds before it and after it."""
SMOOTHING_S = 1.5
"""People change a little early or late: the standard deviation of a Gaussian over the changes."""
LATES_S = np.arange(-1, 6)
"""A wearer begins to change position so long after the step should begin."""
LATE_LOG_WEIGHTS = np.log([0.1, 1.0, 1.0, 1.0, 1.0, 0.4, 0.1])
CHANGING_S = np.arange(10)
"""A wearer takes so long to change position."""
CHANGING_LOG_WEIGHTS = np.log([0.2, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
CHANGE_WEIGHT = 8.0
ALIKE_WEIGHT = 0.1
WALKING_WEIGHT = 0.6
SEEN_CHANGE = 0.25
"""The change from which a border of a step counts as seen, for the sentence."""
ON_FOOT = ("walking", "stairs", "running")
AT_REST = ("lying", "sitting", "standing")
ON_FOOT_WEIGHTS = np.array([1.79, -6.81, 4.60, 4.67, -1.32])
"""Log odds that somebody walks, runs or climbs stairs: a constant, and the weights of the log movement of the arm,
the log movement of the vector's length, the rhythm, and the first one's square."""
LEAST_LOG_PROBABILITY = -4.0
UNKNOWN_LOG_PROBABILITY = float(np.log(0.5))
"""Of a second without samples."""
LEAST_MOVEMENT_G = 0.01
LEAST_VARIANCE = np.array([0.02, 0.02, 0.02, 0.4])
"""What is added to the variances of x, y, z and of the log movement, so that noise makes no change."""
LEAST_STEP_VARIANCE = np.array([0.05, 0.05, 0.05, 1.0])
"""The same within a step."""
RHYTHM_HZ = 10
"""The length of the vector is averaged to this rate, the slowest of a watch."""
RHYTHM_S = 5
"""Seconds in which a rhythm is looked for."""
RHYTHM_LAGS = slice(4, 15)
"""Times after which walking repeats itself, in samples at ``RHYTHM_HZ``: 0.4 to 1.4 s."""


@dataclass(frozen=True)
class SoughtStep:
    """A step of a routine, with its whole length.

    Attributes:
        start_s, end_s: from the written start of the routine, in whole seconds.
        label: its label.
    """

    start_s: int
    end_s: int
    label: str


@dataclass(frozen=True, eq=False)
class Seconds:
    """What the samples show in each second.

    Attributes:
        place: the mean acceleration in g and the log movement, float64 ``[seconds, 4]``.
        log_odds: that the wearer walks, runs or climbs stairs, float64 ``[seconds]``.
        recorded: bool ``[seconds]``.
    """

    place: Float64Array
    log_odds: Float64Array
    recorded: BoolArray

    @classmethod
    def of(cls, time_s: Float64Array, acceleration: Float64Array, seconds: int) -> "Seconds":
        """Measure each second.

        Args:
            time_s: the times of the samples, ``[n]``, from 0 to ``seconds``, in any order.
            acceleration: in g, ``[n, 3]``.
            seconds: how many seconds to measure.
        """
        second = time_s.astype(np.int64)
        counts = np.bincount(second, minlength=seconds)
        mean = _average(second, acceleration, counts)
        movement_g2 = _average(second, (acceleration - mean[second]) ** 2, counts).sum(axis=1)
        movement = np.log(np.sqrt(movement_g2) + LEAST_MOVEMENT_G)
        length = _sample_length(time_s, acceleration, seconds)
        bounce, rhythm = _measure_rhythm(length, seconds)
        terms = np.column_stack([np.ones(seconds), movement, bounce, rhythm, movement**2])
        usual = float(np.median(counts[counts > 0]))
        recorded = counts >= max(3.0, usual / 2)
        return cls(np.column_stack([mean, movement]), terms @ ON_FOOT_WEIGHTS, recorded)


class RoutineStart(NamedTuple):
    """When a routine began, as the samples show it.

    Attributes:
        shift_s: by how many seconds it began later than it is written, -60 to 60.
        other_shift_s: the best shift at another place.
        advantage: by how much the first one fits better.
        likeness: how well the steps are alike and have their labels there, on average.
        seen, borders: at how many borders of steps the signal changes, of how many.
        recorded: the share of the seconds of the steps of which there are samples.
    """

    shift_s: int
    other_shift_s: int
    advantage: float
    likeness: float
    seen: int
    borders: int
    recorded: float

    @property
    def is_clear(self) -> bool:
        """Whether the start can be believed."""
        fits = self.advantage >= LEAST_ADVANTAGE and self.likeness >= LEAST_LIKENESS
        return fits and self.recorded >= LEAST_RECORDED


def correct_starts(
    annotations: Annotations, recording: Recording, *, offset_s: float = 0.0
) -> tuple[Annotations, list[str]]:
    """Return the labels of a recording with the starts of routines that its samples show, and a sentence on each start.

    Steps of which there is no sample are left out.

    Args:
        annotations: the rows for this recording.
        recording: the recording, mended or as found.
        offset_s: seconds added to each time of the file.

    Raises:
        HarkenError: when the samples do not show clearly when a routine began; the message has the line.
    """
    span = span_of(recording)
    offset_ns = round(offset_s * SECOND_NS)
    sought: dict[int, list[Entry]] = {}
    for entry in annotations.entries:
        if entry.find_start:
            sought.setdefault(entry.line, []).append(entry)
    shifts_ns = {}
    sentences = []
    who = printable(recording.subject)
    for line, entries in sought.items():
        begun_ns = annotations.instant_ns(entries[0], entries[0].start, span, offset_ns)
        start = find_start(recording, begun_ns, [_sought_step(entry) for entry in entries])
        if start is None or not start.is_clear:
            annotations.intervals(span, offset_s=offset_s)  # raises when they lie outside the recording, and says more
            raise line_error(annotations.path, line, _describe_unclear(start, who))
        shifts_ns[line] = start.shift_s * SECOND_NS
        sentences.append(f"{_describe_clear(start, who)} ({annotations.path.name}, line {line}).")
    corrected = []
    for entry in annotations.entries:
        if entry.find_start:
            entry = replace(entry, after_ns=entry.after_ns + shifts_ns[entry.line])
            start_ns = annotations.instant_ns(entry, entry.start, span, offset_ns) + entry.after_ns
            if start_ns > span.end_ns or start_ns + (entry.duration_ns or 0) <= span.start_ns:
                continue
        corrected.append(entry)
    return replace(annotations, entries=tuple(corrected)), sentences


def find_start(recording: Recording, begun_ns: int, steps: Sequence[SoughtStep]) -> RoutineStart | None:
    """Find when a routine began, up to a minute before or after its written start.

    Args:
        recording: the recording, mended or as found.
        begun_ns: the written start, ns since 1970.
        steps: the steps that have a label, in their order.

    Returns:
        The start, which may be unclear; None if there are no samples.
    """
    axes = acceleration_channels(recording.channels)
    if not axes:
        return None
    seconds = max(step.end_s for step in steps) + 2 * FARTHEST_S
    after_ns = recording.time_ns - (begun_ns - FARTHEST_S * SECOND_NS)
    near = np.flatnonzero((after_ns >= 0) & (after_ns < seconds * SECOND_NS) & recording.valid)
    acceleration = recording.signals[near, :axes].astype(np.float64)
    finite = np.isfinite(acceleration).all(axis=1)
    if not finite.any():
        return None
    measured = Seconds.of(after_ns[near][finite] / SECOND_NS, acceleration[finite], seconds)
    return compare_starts(measured, steps)


def compare_starts(measured: Seconds, steps: Sequence[SoughtStep]) -> RoutineStart:
    """Compare all starts within a minute.

    Args:
        measured: the seconds from a minute before the written start until a minute after the written end.
        steps: the steps that have a label, in their order.
    """
    changes = _find_changes(measured)
    borders = np.array(sorted({step.start_s for step in steps} | {step.end_s for step in steps})) + FARTHEST_S
    likeness = _measure_steps(measured, steps)
    fit = CHANGE_WEIGHT * np.sqrt(changes)[borders[:, None] + SHIFTS_S].sum(axis=0) + likeness
    best = int(fit.argmax())
    elsewhere = np.abs(SHIFTS_S - SHIFTS_S[best]) > NEAR_S
    other = int(np.where(elsewhere, fit, -np.inf).argmax())
    shift_s = int(SHIFTS_S[best])
    changing = borders[:, None] + shift_s + np.arange(-1, NEAR_S + 1)
    largest = changes[np.clip(changing, 0, len(changes) - 1)].max(axis=1)
    inside = np.zeros(len(measured.recorded), bool)
    for step in steps:
        inside[FARTHEST_S + step.start_s + shift_s : FARTHEST_S + step.end_s + shift_s] = True
    return RoutineStart(
        shift_s=shift_s,
        other_shift_s=int(SHIFTS_S[other]),
        advantage=float(fit[best] - fit[other]),
        likeness=float(likeness[best] / len(steps)),
        seen=int((largest >= SEEN_CHANGE).sum()),
        borders=len(borders),
        recorded=float(measured.recorded[inside].mean()),
    )


def _sought_step(entry: Entry) -> SoughtStep:
    start_ns = entry.after_ns - entry.cut_ns
    end_ns = entry.after_ns + (entry.duration_ns or 0) + entry.cut_ns
    return SoughtStep(round(start_ns / SECOND_NS), round(end_ns / SECOND_NS), entry.label)


def _describe_shift(shift_s: int) -> str:
    if not shift_s:
        return "at this start"
    return f"{abs(shift_s)} s {'later' if shift_s > 0 else 'earlier'}"


def _describe_seen(start: RoutineStart) -> str:
    return f"the signal changes at {start.seen} of the {start.borders} borders of its steps"


def _describe_clear(start: RoutineStart, who: str) -> str:
    when = f"{_describe_shift(start.shift_s)} than written" if start.shift_s else "as written"
    return (
        f"The routine of {who} began {when}: no other start within {FARTHEST_S} s fits nearly as well, and "
        f"{_describe_seen(start)}"
    )


def _describe_unclear(start: RoutineStart | None, who: str) -> str:
    seen = f"there are no samples within {FARTHEST_S} s of its steps"
    advice = "Find the start with harken annotate, correct it, and write yes in a column exact"
    if start is not None and start.recorded < LEAST_RECORDED:
        seen = f"only {start.recorded:.0%} of its steps is recorded (write steps that are not in the column skipped)"
    elif start is not None and start.likeness < LEAST_LIKENESS:
        seen = f"no start within {FARTHEST_S} s fits its steps"
        advice = f"Are its date and the time zone (--timezone) right? {advice}"
    elif start is not None:
        shifts = f"{_describe_shift(start.shift_s)} and {_describe_shift(start.other_shift_s)}"
        seen = f"{shifts} fit about equally well, and {_describe_seen(start)}"
    return f"the samples do not show clearly when the routine of {who} began: {seen}. {advice}"


def _average(place: Int64Array, values: Float64Array, counts: Int64Array) -> Float64Array:
    """Return the means of ``values[n, k]`` at each place; 0 where there are none."""
    sums = [np.bincount(place, column, len(counts)) for column in values.T]
    return np.asarray(np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None], np.float64)


def _sample_length(time_s: Float64Array, acceleration: Float64Array, seconds: int) -> Float64Array:
    """Return the length of the vector in g at ``RHYTHM_HZ``, float64 ``[seconds * RHYTHM_HZ]``."""
    place = (time_s * RHYTHM_HZ).astype(np.int64)
    counts = np.bincount(place, minlength=seconds * RHYTHM_HZ)
    lengths = _average(place, np.sqrt((acceleration**2).sum(axis=1, keepdims=True)), counts)[:, 0]
    there = np.flatnonzero(counts)
    return np.asarray(np.interp(np.arange(len(lengths)), there, lengths[there]), np.float64)


def _measure_rhythm(length: Float64Array, seconds: int) -> tuple[Float64Array, Float64Array]:
    """Return the log movement of the vector's length around each second, and how well it repeats itself (up to 1)."""
    samples = RHYTHM_S * RHYTHM_HZ
    padded = np.pad(length, samples // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, samples)[RHYTHM_HZ // 2 :: RHYTHM_HZ][:seconds]
    taper = np.hanning(samples).astype(np.float64)
    windows = (windows - windows.mean(axis=1, keepdims=True)) * taper
    # The taper itself makes later times less alike.
    alike = _autocorrelate(windows) / _autocorrelate(taper[None])
    return np.log(np.sqrt((windows**2).mean(axis=1)) + LEAST_MOVEMENT_G), alike[:, RHYTHM_LAGS].max(axis=1)


def _autocorrelate(windows: Float64Array) -> Float64Array:
    """Return the autocorrelation of each window at the times before the last of ``RHYTHM_LAGS``; 1 at time 0."""
    length = 1 << (2 * windows.shape[1] - 1).bit_length()  # long enough that no end meets the beginning
    spectrum = np.abs(np.fft.rfft(windows, length)) ** 2
    products = np.fft.irfft(spectrum)[:, : RHYTHM_LAGS.stop]
    return np.asarray(products / np.maximum(products[:, :1], 1e-9))


def _find_changes(measured: Seconds) -> Float64Array:
    """Return how much the signal changes at the beginning of each second, float64 ``[seconds + 1]``.

    It is the gain in mean log likelihood when the seconds before and after have Gaussians of their own.
    """
    sums = _Sums.of(measured)
    edges = np.arange(len(measured.recorded) + 1)
    first = np.maximum(edges - AROUND_CHANGE_S, 0)
    last = np.minimum(edges + AROUND_CHANGE_S, len(measured.recorded))
    counts_before, before = sums.measure(first, edges)
    counts_after, after = sums.measure(edges, last)
    counts, together = sums.measure(first, last)
    before, after, together = (np.log(variance + LEAST_VARIANCE) for variance in (before, after, together))
    apart = (before * counts_before[:, None] + after * counts_after[:, None]) / np.maximum(counts, 1)[:, None]
    gain = (together - apart).mean(axis=1)
    gain[np.minimum(counts_before, counts_after) < 0.6 * AROUND_CHANGE_S] = 0.0
    reach = round(4 * SMOOTHING_S)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTHING_S) ** 2)
    return np.maximum(np.convolve(gain, weights / weights.sum(), mode="same"), 0.0)


class _Sums(NamedTuple):
    """Sums over the first 0, 1, 2 and so on of the seconds.

    Attributes:
        counts: how many are recorded, float64 ``[seconds + 1]``.
        values, squares: of ``Seconds.place``, float64 ``[seconds + 1, 4]``.
    """

    counts: Float64Array
    values: Float64Array
    squares: Float64Array

    @classmethod
    def of(cls, measured: Seconds) -> "_Sums":
        values = np.where(measured.recorded[:, None], measured.place, 0.0)
        return cls(_sum_up(measured.recorded.astype(np.float64)), _sum_up(values), _sum_up(values**2))

    def measure(self, first: Int64Array, last: Int64Array) -> tuple[Float64Array, Float64Array]:
        """Return how many seconds from ``first`` until before ``last`` are recorded, and the variances in them."""
        counts = np.maximum(self.counts[last] - self.counts[first], 0.0)
        divisor = np.maximum(counts, 1.0)[..., None]
        mean = (self.values[last] - self.values[first]) / divisor
        return counts, np.maximum((self.squares[last] - self.squares[first]) / divisor - mean**2, 0.0)


def _measure_steps(measured: Seconds, steps: Sequence[SoughtStep]) -> Float64Array:
    """Return how well the seconds of each step are alike and have its label, a log likelihood, float64 ``[shifts]``.

    How late the wearer begins to change position, and how long that takes, is unknown at each border: what they may be
    is summed over, as in a hidden Markov model.
    """
    sums = _Sums.of(measured)
    _, variance = sums.measure(np.zeros(1, np.int64), np.full(1, len(measured.recorded)))
    usual = (variance + LEAST_STEP_VARIANCE)[0]
    begins_s = np.arange(LATES_S[0] + CHANGING_S[0], LATES_S[-1] + CHANGING_S[-1] + 1)
    total = np.zeros(len(SHIFTS_S))
    late = np.broadcast_to(LATE_LOG_WEIGHTS, (len(SHIFTS_S), len(LATES_S)))
    for number, step in enumerate(steps):
        if number and steps[number - 1].end_s != step.start_s:  # a step between them was skipped
            total += _sum_of_logs(late, axis=1)
            late = np.broadcast_to(LATE_LOG_WEIGHTS, (len(SHIFTS_S), len(LATES_S)))
        begun = np.full((len(SHIFTS_S), len(begins_s)), -np.inf)
        for place in range(len(LATES_S)):
            through = begun[:, place : place + len(CHANGING_S)]
            through[:] = np.logaddexp(through, late[:, place, None] + CHANGING_LOG_WEIGHTS)
        shifted_s = FARTHEST_S + SHIFTS_S[:, None, None]
        first = shifted_s + step.start_s + begins_s[:, None]
        last = shifted_s + step.end_s + LATES_S
        fit = _measure_step(measured, sums, usual, step.label, _within(first, measured), _within(last, measured))
        late = _sum_of_logs(begun[:, :, None] + fit, axis=1) + LATE_LOG_WEIGHTS
    return np.asarray(total + _sum_of_logs(late, axis=1))


def _measure_step(
    measured: Seconds, sums: _Sums, usual: Float64Array, label: str, first: Int64Array, last: Int64Array
) -> Float64Array:
    """Return the log likelihood of a step from ``first`` until before ``last``, beside that of any seconds."""
    counts, variance = sums.measure(first, last)
    alike = -0.5 * counts * np.log((variance + LEAST_STEP_VARIANCE) / usual).sum(axis=-1)
    if not (sign := _sign_of_walking(label)):
        return np.asarray(ALIKE_WEIGHT * alike)
    of_seconds = np.maximum(-np.logaddexp(0.0, -sign * measured.log_odds), LEAST_LOG_PROBABILITY)
    labelled = _sum_up(np.where(measured.recorded, of_seconds, UNKNOWN_LOG_PROBABILITY))
    return np.asarray(ALIKE_WEIGHT * alike + WALKING_WEIGHT * (labelled[last] - labelled[first]))


def _within(second: Int64Array, measured: Seconds) -> Int64Array:
    return np.clip(second, 0, len(measured.recorded))


def _sign_of_walking(label: str) -> int:
    """Return 1 for a label of walking, -1 for one of rest, and 0 for another one."""
    known = spelling(label)
    if known in map(spelling, ON_FOOT):
        return 1
    return -1 if known in map(spelling, AT_REST) else 0


def _sum_of_logs(values: Float64Array, *, axis: int) -> Float64Array:
    """Return the logarithm of the sum of what has these logarithms."""
    most = values.max(axis=axis, keepdims=True)
    return np.asarray(np.squeeze(most, axis) + np.log(np.exp(values - most).sum(axis=axis)))


def _sum_up(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sums of the first 0, 1, 2 and so on of the values, along the first axis."""
    sums = np.cumsum(values, axis=0)
    return np.concatenate([np.zeros_like(sums[:1]), sums])
