"""Gravity: a sensor's offset and gain from the blocks in which it was still, and the split of acceleration."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from harken.recordings.recording import ACCELERATION, Recording, find_temperature
from harken.recordings.source import Samples
from harken.signals.movement import MovementBlocks, movement_of
from harken.support.arrays import BoolArray, Float32Array, Float64Array, FloatArray
from harken.support.errors import HarkenError

STILL_G = 0.013
"""A block is still if its standard deviation is below this on all axes (van Hees 2014)."""
NEAREST_G, FURTHEST_G = 0.5, 1.5
"""Still vectors outside these lengths come from a broken or falling sensor, not from an error of offset and gain."""
COVERED_G = 0.3
"""The sphere is covered if still blocks lie beyond this on either side of each axis (GGIR's ``spherecrit``)."""
FEWEST_EPOCHS = 50
GOOD_G = 0.002
"""No calibration is applied where the error is below this already. Sensors cannot measure a smaller error."""
WORST_AFTER_G = 0.010
"""A fit with a larger remaining error is not applied (GGIR's limit)."""
CELL_G, CELL_DEGREES = 0.02, 1.0
"""Still blocks this near to one another count as one, so that a night in one posture weighs no more than a minute."""
LEAST_DISTANCE_G = 0.01
"""Points nearer to the sphere have a larger weight; all points nearer than this have the same one (GGIR)."""
MOST_ITERATIONS = 1000
CONVERGED = 1e-9
LEAST_DEGREES = 2.0
"""The effect of temperature is not fitted when its standard deviation is below this."""


@dataclass(frozen=True, eq=False)
class GravityCalibration:
    """Calibrated = measured * ``gain`` + ``offset_g`` + ``temperature_slope`` * (temperature - ``temperature_mean``).

    Attributes:
        offset_g, gain: float64 ``[3]``.
        temperature_slope: in g per degree, float64 ``[3]``; 0 if temperature was not recorded or hardly changed.
        temperature_mean: in degrees; 0 where the slope is 0.
        error_before_mg, error_after_mg: the mean distance of still blocks from 1 g, in thousandths of a g. Blocks in
            one posture count once. NaN without still blocks. Both are equal when no calibration is applied.
        blocks_used: the number of still blocks.
        applied: whether a calibration is applied. If not, ``apply`` leaves the signals unchanged.
        reason: a sentence that describes what was done, or why no calibration was applied.
    """

    offset_g: Float64Array
    gain: Float64Array
    temperature_slope: Float64Array
    temperature_mean: float
    error_before_mg: float
    error_after_mg: float
    blocks_used: int
    applied: bool
    reason: str

    def apply(self, signals: Float32Array, temperature: FloatArray | None = None) -> Float32Array:
        """Signals ``[n, channels]``, acceleration first -> calibrated signals; other channels are unchanged.

        ``temperature`` is ``[n]``; the mean temperature is used where it is None or NaN. Calibration and resampling
        give the same result in either order. After resampling, fewer samples have to be calibrated.
        """
        if not self.applied:
            return signals
        calibrated = signals.copy()
        for axis in range(3):
            column = calibrated[:, axis]
            column *= np.float32(self.gain[axis])
            column += np.float32(self.offset_g[axis])
        if temperature is not None and self.temperature_slope.any():
            away = np.nan_to_num(temperature - np.float32(self.temperature_mean)).astype(np.float32)
            calibrated[:, :3] += away[:, None] * self.temperature_slope.astype(np.float32)
        return calibrated


def gravity_calibration(blocks: MovementBlocks) -> GravityCalibration:
    """Offset and gain of each axis (and the effect of temperature), from the blocks in which the sensor was still.

    The method is that of van Hees, Fang, Langford and others (Journal of Applied Physiology 117, 2014). Without errors
    of offset and gain, the means of still blocks are points on a sphere of 1 g. Each point is paired with the nearest
    point of the sphere, and a line is fitted for each axis. This is repeated until it converges. Points far from the
    sphere have a smaller weight, as in GGIR. There is one difference from GGIR: blocks within 0.02 g (and a degree) of
    one another count as one, so that a night in one posture does not outweigh all other postures.

    No calibration is applied in four cases; ``reason`` names the one:

    - There are fewer than 50 still blocks.
    - They do not cover the sphere: each axis needs a block beyond +0.3 g and one beyond -0.3 g.
    - The error is below 2 mg already.
    - The fit does not reduce the error, or leaves an error of 10 mg or more.
    """
    still = (blocks.standard_deviation < STILL_G).all(axis=1)
    length = np.linalg.norm(blocks.mean, axis=1)
    still &= (length > NEAREST_G) & (length < FURTHEST_G)
    temperature = blocks.temperature[still]
    warm = len(temperature) > 0 and bool(np.isfinite(temperature).all()) and float(temperature.std()) >= LEAST_DEGREES
    mean = float(temperature.mean()) if warm else 0.0
    points, away = _thinned(blocks.mean[still], temperature - mean if warm else np.zeros(len(temperature)))
    before, used = _error_g(points), int(still.sum())

    if used < FEWEST_EPOCHS:
        still_ones = "no block is" if used == 0 else f"only {used} {'block is' if used == 1 else 'blocks are'}"
        return _refused(f"{still_ones} still; at least {FEWEST_EPOCHS} are needed", before, used)
    reached = [("+", points.max(axis=0)), ("-", -points.min(axis=0))]
    short = [f"{sign}{'xyz'[axis]}" for sign, most in reached for axis in range(3) if most[axis] <= COVERED_G]
    if short:
        reason = f"the still blocks do not cover the sphere: none lies beyond {COVERED_G} g towards {', '.join(short)}"
        return _refused(reason, before, used)
    if before < GOOD_G:
        return _refused(
            f"gravity is right within {1000 * before:.1f} mg already, so no calibration is needed", before, used
        )
    offset, gain, slope = _fitted(points, away, with_temperature=warm)
    after = _error_g(points * gain + offset + away[:, None] * slope)
    if not (after < before and after < WORST_AFTER_G):
        reason = f"after the fit, the error is still {1000 * after:.1f} mg (before: {1000 * before:.1f} mg)"
        return _refused(reason, before, used)
    reason = (
        f"the error of gravity at rest was {1000 * before:.1f} mg before calibration and is "
        f"{1000 * after:.1f} mg after it"
    )
    return GravityCalibration(offset, gain, slope, mean, 1000 * before, 1000 * after, used, True, reason)


def calibrate_gravity(recording: Recording) -> Recording:
    """The recording with its acceleration calibrated by ``gravity_calibration``.

    A note describes what was done, or why no calibration was applied.

    Raises:
        HarkenError: when the recording is ``as_found`` or does not begin with ``x, y, z``.
    """
    calibration = gravity_calibration(movement_of(recording))
    if not calibration.applied:
        return replace(recording, quality=recording.quality.noting(f"not calibrated: {calibration.reason}"))
    (samples,) = calibrate_samples([Samples.of(recording)], calibration, recording.channels)
    return replace(
        recording,
        signals=samples.signals,
        quality=recording.quality.noting(calibration.reason),
    )


def calibrate_samples(
    parts: Iterable[Samples], calibration: GravityCalibration | None, channels: tuple[str, ...]
) -> Iterator[Samples]:
    """Yield the samples, calibrated if there is a calibration."""
    temperature_channel = find_temperature(channels)
    for samples in parts:
        if calibration is None:
            yield samples
            continue
        temperature = None
        if temperature_channel is not None:
            temperature = samples.signals[:, temperature_channel]
        yield samples._replace(signals=calibration.apply(samples.signals, temperature))


def _error_g(points: Float64Array) -> float:
    """The mean distance of points ``[n, 3]`` from the sphere."""
    if not len(points):
        return float("nan")
    return float(np.abs(np.linalg.norm(points, axis=1) - 1).mean())


def _refused(reason: str, error_g: float, used: int) -> GravityCalibration:
    error = 1000 * error_g
    return GravityCalibration(np.zeros(3), np.ones(3), np.zeros(3), 0.0, error, error, used, False, reason)


def _thinned(points: Float64Array, away: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The mean point (and temperature) of each cell that has any."""
    cells = np.column_stack([np.floor(points / CELL_G), np.floor(away / CELL_DEGREES)]).astype(np.int64)
    _, of_point, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    of_point = of_point.reshape(-1)
    means = [np.bincount(of_point, weights=column) / counts for column in (*points.T, away)]
    return np.stack(means[:3], axis=1), means[3]


def _fitted(
    points: Float64Array, away: Float64Array, *, with_temperature: bool
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Offset, gain and temperature's slope, ``[3]`` each, by closest points."""
    offset, gain, slope = np.zeros(3), np.ones(3), np.zeros(3)
    ones = np.ones(len(points))
    for _ in range(MOST_ITERATIONS):
        current = points * gain + offset + away[:, None] * slope
        length = np.linalg.norm(current, axis=1)
        target = current / length[:, None]
        weights = 1 / np.maximum(np.abs(length - 1), LEAST_DISTANCE_G)
        change = 0.0
        for axis in range(3):
            columns = [ones, points[:, axis], away] if with_temperature else [ones, points[:, axis]]
            design = np.stack(columns, axis=1)
            weighted = design * weights[:, None]
            solved = np.linalg.solve(weighted.T @ design, weighted.T @ target[:, axis])
            new = np.array([*solved, 0.0])[:3]
            change = max(change, float(np.abs(new - (offset[axis], gain[axis], slope[axis])).max()))
            offset[axis], gain[axis], slope[axis] = new
        if change < CONVERGED:
            break
    return offset, gain, slope


ORDER = 3
ROWS_AT_ONCE = 1 << 18
SETTLED = 10.0
"""After this many periods of the cut-off, earlier samples have no effect on the filter: exp(-pi * 10) is 2e-14."""


def split_gravity(recording: Recording, cutoff_hz: float = 0.3) -> Recording:
    """The recording with ``gravity_x, gravity_y, gravity_z`` and ``body_x, body_y, body_z`` in g added.

    Gravity is the acceleration through a Butterworth low-pass filter, and the body's acceleration is the rest, so
    that the two add up. This is the split of the UCI-HAR data set (Anguita, Ghio, Oneto, Parra and Reyes-Ortiz,
    ESANN 2013), whose README says: "The gravitational force is assumed to have only low frequency components,
    therefore a filter with 0.3 Hz cutoff frequency was used." It gives the order, 3, only for the preceding noise
    filter at 20 Hz. It does not state whether the filter ran forward only. Here the order is 3, and the filter runs
    forward and backward, so that gravity has no delay. Its amplitude at the cut-off is therefore 0.5 instead of 0.71.
    This is not possible on a stream.

    Each stretch without a gap is filtered separately and mirrored at its ends. In a stretch shorter than a period of
    the cut-off (3.3 s), gravity is close to the mean. For the filter, marked samples are replaced by a straight line;
    they stay marked. Marked stretches longer than a gap are treated as a gap, and gravity is NaN there. The filter
    counts samples, so ``resample`` a recording with uneven times first.

    Args:
        recording: a mended recording with the channels ``x, y, z``.
        cutoff_hz: gravity is what is slower than this; above 0 and below half the recording's rate.

    Raises:
        HarkenError: when the recording is ``as_found``, has no acceleration or is already split, or when the cut-off
            is out of its range.
    """
    name = recording.source or recording.subject
    added = tuple(f"{part}_{axis}" for part in ("gravity", "body") for axis in ACCELERATION)
    if recording.as_found:
        raise HarkenError("only a mended recording can be split; read it without as_found", path=name)
    if present := [channel for channel in added if channel in recording.channels]:
        raise HarkenError(
            f"already has {', '.join(present)}; leave them out with select_channels first", path=name, colon=False
        )
    total = recording.select_channels(ACCELERATION).signals
    if not 0 < cutoff_hz < recording.sample_rate_hz / 2:
        raise HarkenError(
            f"a filter at {cutoff_hz:g} Hz needs a cut-off above 0 and below half the recording's rate of "
            f"{recording.sample_rate_hz:.4g} Hz",
            path=name,
        )
    n, channels = len(recording), len(recording.channels)
    signals = np.empty((n, channels + len(added)), np.float32)
    signals[:, :channels] = recording.signals
    gravity = signals[:, channels : channels + 3]
    body = signals[:, channels + 3 :]
    gravity[:] = np.nan
    for first, last in _stretches(recording):
        rows = slice(first, last)
        gravity[rows] = _slower_than(
            cutoff_hz, total[rows], recording.valid[rows], sample_rate_hz=recording.sample_rate_hz
        )
    np.subtract(total, gravity, out=body)
    note = f"gravity is the part below {cutoff_hz:g} Hz; the body's acceleration is the rest"
    return replace(
        recording, signals=signals, channels=(*recording.channels, *added), quality=recording.quality.noting(note)
    )


def _stretches(recording: Recording) -> list[tuple[int, int]]:
    """First and last row (exclusive) of stretches in which good samples are never further apart than a gap."""
    if recording.valid.all():
        edges = [0, *recording.gap_rows.tolist(), len(recording)]
        return list(pairwise(edges))
    good = np.flatnonzero(recording.valid)
    if len(good) == 0:
        return []
    cuts = np.flatnonzero(np.diff(recording.time_ns[good]) > recording.gap_limit_ns)
    firsts = good[np.concatenate([[0], cuts + 1])]
    lasts = good[np.concatenate([cuts, [-1]])] + 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _slower_than(cutoff_hz: float, total: Float32Array, valid: BoolArray, *, sample_rate_hz: float) -> Float32Array:
    """One stretch ``[n, 3]`` low-passed in blocks, each with enough margin to give the result of the whole."""
    from scipy.signal import butter, sosfiltfilt  # takes a third of a second to import

    sections = butter(ORDER, cutoff_hz, fs=sample_rate_hz, output="sos")
    around = math.ceil(SETTLED * sample_rate_hz / cutoff_hz)
    slow = np.empty_like(total)
    for first in range(0, len(total), ROWS_AT_ONCE):
        begin = max(0, first - around)
        end = min(len(total), first + ROWS_AT_ONCE + around)
        block = _bridged(total[begin:end], valid[begin:end])
        mirrored = min(len(block) - 1, math.ceil(sample_rate_hz / cutoff_hz))
        filtered = sosfiltfilt(sections, block, axis=0, padtype="even", padlen=mirrored)
        slow[first : first + ROWS_AT_ONCE] = filtered[first - begin : first - begin + ROWS_AT_ONCE]
    return slow


def _bridged(total: Float32Array, valid: BoolArray) -> Float64Array:
    """The samples ``[n, 3]`` with straight lines over the marked ones."""
    if valid.all():
        return total.astype(np.float64)
    rows = np.arange(len(total))
    good = np.flatnonzero(valid)
    return np.stack([np.interp(rows, good, values) for values in total[good].T], axis=1)
