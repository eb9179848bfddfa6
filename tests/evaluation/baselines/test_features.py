"""Features against plain code, one window at a time, and against what a person knows of a signal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import find_peaks, welch

import harken
from harken.evaluation.baselines.features import window_features

QUARTILES = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")


def quartiles(name: str, values: np.ndarray) -> dict[str, float]:
    found = {f"{name}_{part}": np.quantile(values, place / 4) for place, part in enumerate(QUARTILES)}
    return {f"{name}_mean": values.mean(), f"{name}_sd": values.std()} | found


def spectrum_features(magnitude: np.ndarray, rate: float) -> dict[str, float]:
    """Of segments of 3 s every second."""
    length = min(len(magnitude), round(3 * rate))
    how = {"nperseg": length, "noverlap": min(length - 1, round(2 * rate)), "average": "median"}
    _, whole = welch(magnitude, rate, detrend=False, **how)
    hz, power = welch(magnitude, rate, detrend="constant", **how)
    hz = hz.round(9)
    found: dict[str, float] = {"spectral_entropy": stats.entropy(whole + 1e-16)}
    found["power"] = math.log(power[hz >= 0.3].sum() * hz[1] + 1e-8)
    peaks = sorted(find_peaks(power)[0], key=lambda peak: -power[peak])
    gait = np.flatnonzero((hz > 0.6) & (hz < 2.5))
    places = (*peaks, None, None)[:2]
    for name, place in (*zip(("peak_1", "peak_2"), places, strict=True), ("gait", gait[power[gait].argmax()])):
        found[f"{name}_hz"] = 0.0 if place is None else hz[place]
        found[f"{name}_power"] = math.log((0.0 if place is None else power[place]) + 1e-8)
    for band in range(10):
        inside = power[(hz >= band) & (hz < band + 1)].sum()
        found[f"power_{band}_to_{band + 1}_hz"] = math.log(inside * hz[1] + 1e-8)
    return found


def plain_features(window: np.ndarray, rate: float) -> dict[str, float]:
    axes = dict(zip("xyz", window.astype(np.float64).T, strict=True))
    found: dict[str, float] = {}
    for name, axis in axes.items():
        found |= {f"{name}_mean": axis.mean(), f"{name}_sd": axis.std(), f"{name}_range": axis.max() - axis.min()}
    found |= {f"{a}{b}_correlation": np.corrcoef(axes[a], axes[b])[0, 1] for a, b in ("xy", "yz", "zx")}

    magnitude = np.sqrt(sum(axis**2 for axis in axes.values()))
    lag = round(rate)
    found |= quartiles("magnitude", magnitude)
    found |= {
        "magnitude_range": magnitude.max() - magnitude.min(),
        "magnitude_mad": stats.median_abs_deviation(magnitude),
        "magnitude_from_1g": np.abs(magnitude - 1).mean(),
        "magnitude_skewness": stats.skew(magnitude),
        "magnitude_kurtosis": stats.kurtosis(magnitude),
        "magnitude_autocorrelation_1s": np.corrcoef(magnitude[lag:], magnitude[:-lag])[0, 1],
    }
    rest = {name: axis - axis.mean() for name, axis in axes.items()}
    found |= quartiles("dynamic", np.sqrt(sum(axis**2 for axis in rest.values())))
    found |= spectrum_features(magnitude, rate)
    rest = {name: np.where(np.abs(axis) > 1e-6, axis, 0.0) for name, axis in rest.items()}
    for name, a, b in (("roll", "y", "z"), ("pitch", "z", "x"), ("yaw", "y", "x")):
        found[f"gravity_{name}"] = math.atan2(axes[a].mean(), axes[b].mean())
        angles = np.arctan2(rest[a], rest[b])
        found[f"{name}_mean"], found[f"{name}_sd"] = angles.mean(), angles.std()
    return found


def moving_windows(seed: int, count: int, length: int, rate: float) -> np.ndarray:
    """Gravity, a swing of some frequency, and noise."""
    random = np.random.default_rng(seed)
    time = np.arange(length)[:, np.newaxis] / rate
    gravity = random.normal(size=(count, 1, 3))
    gravity /= np.linalg.norm(gravity, axis=2, keepdims=True)
    swing = random.uniform(0.05, 0.8, (count, 1, 3)) * np.sin(2 * np.pi * random.uniform(0.5, 4, (count, 1, 1)) * time)
    return np.asarray(gravity + swing + random.normal(0, 0.05, (count, length, 3)), dtype=np.float32)


@given(
    seed=st.integers(0, 2**31 - 1),
    rate=st.sampled_from([12.5, 20.0, 25.0, 30.0, 33.3, 50.0, 100.0]),
    seconds=st.floats(2, 12),
)
@settings(max_examples=25)
def test_features_are_those_of_plain_code(seed: int, rate: float, seconds: float) -> None:
    windows = moving_windows(seed, 3, math.ceil(seconds * rate), rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harken.evaluation.baselines.features.WINDOWS_AT_ONCE", 2)
        found = window_features(windows, sample_rate_hz=rate)
    for row, window in enumerate(windows):
        of_window = {name: float(values[row]) for name, values in found.items()}
        assert of_window == pytest.approx(plain_features(window, rate), rel=1e-7, abs=1e-7)


@given(gravity=st.tuples(*[st.floats(-1.25, 1.25, width=32)] * 3))
@settings(max_examples=50)
def test_a_watch_on_a_table_has_no_movement_and_no_rounding_errors(gravity: tuple[float, float, float]) -> None:
    windows = np.broadcast_to(np.array(gravity, dtype=np.float32), (1, 200, 3))
    found = {name: value for name, (value,) in window_features(windows, sample_rate_hz=20).items()}
    assert np.isfinite([*found.values()]).all()
    moving = [name for name in found if name.split("_")[-1] in {"correlation", "1s", "skewness", "kurtosis", "hz"}]
    assert all(found[name] == 0 for name in moving if "power" not in name)
    assert all(found[f"{angle}_sd"] == 0 for angle in ("roll", "pitch", "yaw"))
    for angle, a, b in (("roll", 1, 2), ("pitch", 2, 0), ("yaw", 1, 0)):
        off = found[f"gravity_{angle}"] - math.atan2(gravity[a], gravity[b])  # or a full turn more or less
        assert math.cos(off) == pytest.approx(1) or gravity[a] == gravity[b] == 0
    assert found["magnitude_mean"] == pytest.approx(math.hypot(*gravity), abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "rate", "says"),
    [
        ((4, 300), 30, r"\[windows, samples, 3\]"),
        ((4, 300, 6), 30, r"\[windows, samples, 3\]"),
        ((4, 59, 3), 30, "2 s"),
        ((4, 7, 3), 3, "8 samples"),
        ((4, 300, 3), 0, "rate"),
        ((4, 300, 3), math.nan, "rate"),
    ],
)
def test_other_windows_are_refused(shape: tuple[int, ...], rate: float, says: str) -> None:
    with pytest.raises(harken.HarkenError, match=says):
        window_features(np.zeros(shape, dtype=np.float32), sample_rate_hz=rate)
