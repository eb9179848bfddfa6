"""The usual hand-made features of a window of acceleration.

They are the features of two random forests that are the usual baselines for wrist accelerometers. One is
the baseline of ssl-wearables (Yuan et al., npj Digital Medicine 7:91, 2024: moments, ranges, correlations, the two
highest peaks of the spectrum and its entropy). The other is biobankAccelerometerAnalysis (Willetts et al., Scientific
Reports 8:7961, 2018; Walmsley et al., British Journal of Sports Medicine 56:1008, 2022), which took its
features from Ellis et al., Medicine & Science in Sports & Exercise 48:933, 2016 (quartiles, autocorrelation,
angles) and Zhang et al., ibid. 44:742, 2012 (dominant frequencies and their powers).

If the two differ (normalisation, the length of a spectrum), the features follow ssl-wearables. Gravity is the mean of a
window, because ten seconds are too short for a slow moving average. Plateaus do not count as peaks.
"""

import numpy as np
from scipy.signal import welch

from harken.support.arrays import BoolArray, Float32Array, Float64Array
from harken.support.errors import HarkenError

AXES = ("x", "y", "z")
SHORTEST_WINDOW_S = 2.0
"""The shortest window for the autocorrelation at one second and for a spectrum of gait."""
FEWEST_SAMPLES = 8

WINDOWS_AT_ONCE = 4096
STILL_G = 1e-6
"""A smaller variation counts as none: it is below the resolution of sensors, and consists of rounding errors."""
STILL_MAGNITUDE_G = 0.01
"""Below this, skewness and kurtosis of the magnitude describe the noise of the sensor, and are set to 0."""
SEGMENT_S, SEGMENT_OVERLAP_S = 3.0, 2.0
GAIT_HZ = (0.6, 2.5)
SLOWEST_MOVEMENT_HZ = 0.3
BANDS_HZ = 10
LEAST_POWER = 1e-8
"""Power that is added before the logarithm. It is well below the noise of any sensor."""


def check_signals(signals: Float32Array, *, time: int | None = None) -> None:
    """Check that signals are windows ``[n, time, 3]`` of finite numbers.

    Raises:
        HarkenError: for another shape, another number of samples than ``time``, or a missing value.
    """
    if signals.ndim != 3 or signals.shape[1:] != (time or max(1, signals.shape[1]), len(AXES)):
        raise HarkenError(
            "a baseline reads windows of three axes of acceleration, as long as those that it was trained on: "
            f"[windows, {time or 'samples'}, 3]; these are {signals.shape}"
        )
    if not np.isfinite(signals).all():
        window, sample, axis = np.argwhere(~np.isfinite(signals))[0]
        raise HarkenError(
            f"window {window} has the value {signals[window, sample, axis]} at sample {sample}, axis {AXES[axis]}; "
            "leave out windows with missing values"
        )


Columns = dict[str, Float64Array]


def window_features(signals: Float32Array, *, sample_rate_hz: float) -> Columns:
    """Features of windows ``[n, time, 3]`` in g, float64 ``[n]`` each, by name; always finite, the same features in the
    same order for every rate and length.

    Raises:
        HarkenError: when the windows have another shape, missing values, less than 2 s or fewer than 8 samples; when
            the rate is not a positive number.
    """
    check_signals(signals)
    most_hz = signals.shape[1] / SHORTEST_WINDOW_S
    if signals.shape[1] < FEWEST_SAMPLES or not 0 < sample_rate_hz <= most_hz:
        raise HarkenError(
            f"windows of {signals.shape[1]} samples at {sample_rate_hz:g} Hz are too short for features; "
            f"they must have {SHORTEST_WINDOW_S:g} s and {FEWEST_SAMPLES} samples or more, at a rate above 0"
        )
    some = signals if len(signals) else np.zeros((1, *signals.shape[1:]))  # for the names, since SciPy needs a row
    blocks = [
        _features(some[start : start + WINDOWS_AT_ONCE].astype(np.float64), sample_rate_hz)
        for start in range(0, len(some), WINDOWS_AT_ONCE)
    ]
    return {name: np.concatenate([block[name] for block in blocks])[: len(signals)] for name in blocks[0]}


def _features(xyz: Float64Array, rate: float) -> Columns:
    magnitude = np.linalg.norm(xyz, axis=2)  # [n, time]
    gravity = xyz.mean(axis=1)  # [n, 3]
    dynamic = xyz - gravity[:, np.newaxis]  # [n, time, 3]
    return {
        **_axes(xyz),
        **_magnitude(magnitude, rate),
        **_quartiles("dynamic", np.linalg.norm(dynamic, axis=2)),
        **_peaks(magnitude, rate),
        **_angles(gravity, dynamic),
    }


def _axes(xyz: Float64Array) -> Columns:
    """Features of each axis, and of each pair of axes."""
    columns: Columns = {}
    for axis, values in zip(AXES, np.moveaxis(xyz, 2, 0), strict=True):
        columns[f"{axis}_mean"] = values.mean(axis=1)
        columns[f"{axis}_sd"] = values.std(axis=1)
        columns[f"{axis}_range"] = np.ptp(values, axis=1)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        columns[f"{AXES[a]}{AXES[b]}_correlation"] = _correlation(xyz[..., a], xyz[..., b])
    return columns


def _magnitude(magnitude: Float64Array, rate: float) -> Columns:
    """Features of the length of the acceleration vector: its distribution, and its autocorrelation at one second."""
    sd = magnitude.std(axis=1)
    median = np.median(magnitude, axis=1, keepdims=True)
    standard = (magnitude - magnitude.mean(axis=1, keepdims=True)) / np.maximum(sd, STILL_MAGNITUDE_G)[:, np.newaxis]
    moves = sd > STILL_MAGNITUDE_G
    lag = max(1, round(rate))
    return {
        **_quartiles("magnitude", magnitude),
        "magnitude_range": np.ptp(magnitude, axis=1),
        "magnitude_mad": np.median(np.abs(magnitude - median), axis=1),
        "magnitude_from_1g": np.abs(magnitude - 1).mean(axis=1),
        "magnitude_skewness": np.where(moves, (standard**3).mean(axis=1), 0),
        "magnitude_kurtosis": np.where(moves, (standard**4).mean(axis=1) - 3, 0),
        "magnitude_autocorrelation_1s": _correlation(magnitude[:, lag:], magnitude[:, :-lag]),
    }


def _quartiles(name: str, values: Float64Array) -> Columns:
    """Mean, standard deviation and quartiles of values ``[n, time]``."""
    columns = {f"{name}_mean": values.mean(axis=1), f"{name}_sd": values.std(axis=1)}
    quartiles = np.percentile(values, (0, 25, 50, 75, 100), axis=1)
    parts = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")
    return columns | {f"{name}_{part}": quartile for part, quartile in zip(parts, quartiles, strict=True)}


def _peaks(magnitude: Float64Array, rate: float) -> Columns:
    """The magnitude's spectrum by Welch's method, its peaks, and its power in bands of 1 Hz."""
    length = min(magnitude.shape[1], round(SEGMENT_S * rate))
    overlap = min(length - 1, round(SEGMENT_OVERLAP_S * rate))
    # With the mean, the spectrum shows the share of movement in the acceleration; without it, the kind of movement.
    _, whole = welch(magnitude, rate, nperseg=length, noverlap=overlap, detrend=False, average="median")
    hz, power = welch(magnitude, rate, nperseg=length, noverlap=overlap, detrend="constant", average="median")
    hz = hz.round(9)  # 0.9999999999999999 would fall into the band below
    share = (whole + 1e-16) / (whole + 1e-16).sum(axis=1, keepdims=True)
    columns = {"spectral_entropy": -(share * np.log(share)).sum(axis=1)}

    step_hz = hz[1] - hz[0]
    moving = power * (hz >= SLOWEST_MOVEMENT_HZ)
    columns["power"] = _log(moving.sum(axis=1) * step_hz)
    inner = power[:, 1:-1]
    is_peak = (inner > power[:, :-2]) & (inner > power[:, 2:])
    columns |= _highest("peak_1", hz[1:-1], inner, is_peak)
    second = is_peak & (hz[1:-1] != columns["peak_1_hz"][:, np.newaxis])
    columns |= _highest("peak_2", hz[1:-1], inner, second)
    gait = (hz > GAIT_HZ[0]) & (hz < GAIT_HZ[1])
    columns |= _highest("gait", hz, power, np.broadcast_to(gait, power.shape))
    for band in range(BANDS_HZ):
        inside = (hz >= band) & (hz < band + 1)
        columns[f"power_{band}_to_{band + 1}_hz"] = _log(power[:, inside].sum(axis=1) * step_hz)
    return columns


def _highest(name: str, hz: Float64Array, power: Float64Array, among: BoolArray) -> Columns:
    """Frequency and power of the maximum of ``power`` ``[n, frequencies]`` inside ``among``; 0 if that is empty."""
    candidates = np.where(among & (power > STILL_G**2), power, 0.0)
    place = candidates.argmax(axis=1)
    found = candidates[np.arange(len(place)), place]
    return {f"{name}_hz": np.where(found > 0, hz[place], 0), f"{name}_power": _log(found)}


def _angles(gravity: Float64Array, dynamic: Float64Array) -> Columns:
    """The directions of gravity and of the rest of the acceleration, as angles in the three planes, in rad."""
    columns: Columns = {}
    dynamic = np.where(np.abs(dynamic) > STILL_G, dynamic, 0.0)
    for name, a, b in (("roll", 1, 2), ("pitch", 2, 0), ("yaw", 1, 0)):
        columns[f"gravity_{name}"] = np.arctan2(gravity[:, a], gravity[:, b])
        angle = np.arctan2(dynamic[..., a], dynamic[..., b])
        columns[f"{name}_mean"] = angle.mean(axis=1)
        columns[f"{name}_sd"] = angle.std(axis=1)
    return columns


def _correlation(a: Float64Array, b: Float64Array) -> Float64Array:
    """Pearson's correlation along time of ``[n, time]`` with ``[n, time]``; 0 if one of them is constant."""
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    sd_a = np.sqrt((a * a).mean(axis=1))
    sd_b = np.sqrt((b * b).mean(axis=1))
    moves = (sd_a > STILL_G) & (sd_b > STILL_G)
    return np.where(moves, (a * b).mean(axis=1) / np.where(moves, sd_a * sd_b, 1), 0)


def _log(power: Float64Array) -> Float64Array:
    return np.asarray(np.log(power + LEAST_POWER))
