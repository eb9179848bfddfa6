"""Features against slow plain code, one window at a time, and against what a person knows of a signal."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import find_peaks

import harken
from harken.evaluation.baselines.features import window_features


def correlation(a: list[float], b: list[float]) -> float:
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    product = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b, strict=True))
    return product / math.sqrt(sum((p - mean_a) ** 2 for p in a) * sum((q - mean_b) ** 2 for q in b))


def still(value: float) -> float:
    return value if abs(value) > 1e-6 else 0.0


def quartiles(name: str, values: list[float]) -> dict[str, float]:
    ordered = sorted(values)

    def quantile(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = math.floor(place)
        return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])

    return {
        f"{name}_mean": sum(values) / len(values),
        f"{name}_sd": float(np.std(values)),
        f"{name}_minimum": ordered[0],
        f"{name}_lower_quartile": quantile(0.25),
        f"{name}_median": quantile(0.5),
        f"{name}_upper_quartile": quantile(0.75),
        f"{name}_maximum": ordered[-1],
    }


def spectrum(values: list[float], rate: float, *, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """Welch's method with median averages, written out: segments of 3 s every second, periodic Hann window."""
    n = min(len(values), round(3 * rate))
    step = n - min(n - 1, round(2 * rate))
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * i / n) for i in range(n)]
    powers = []
    for start in range(0, len(values) - n + 1, step):
        segment = values[start : start + n]
        mean = sum(segment) / n if centred else 0.0
        transformed = np.fft.rfft([(value - mean) * weight for value, weight in zip(segment, hann, strict=True)])
        density = np.abs(transformed) ** 2 / (rate * sum(weight**2 for weight in hann))
        density[1 : (n + 1) // 2] *= 2
        powers.append(density)
    # The median of exponentially distributed values is smaller than their mean by this sum.
    bias = sum((-1) ** (i + 1) / i for i in range(1, 2 * ((len(powers) - 1) // 2) + 2))
    return (np.arange(n // 2 + 1) * rate / n).round(9), np.median(powers, axis=0) / bias


def plain_spectrum_features(magnitude: list[float], rate: float) -> dict[str, float]:
    _, whole = spectrum(magnitude, rate, centred=False)
    hz, power = spectrum(magnitude, rate, centred=True)
    found: dict[str, float] = {"spectral_entropy": float(stats.entropy(whole + 1e-16))}
    found["power"] = math.log(sum(p for f, p in zip(hz, power, strict=True) if f >= 0.3) * hz[1] + 1e-8)
    peaks = sorted(find_peaks(power)[0], key=lambda peak: -power[peak])
    for name, peak in zip(("peak_1", "peak_2"), [*peaks, None, None], strict=False):
        found[f"{name}_hz"] = 0.0 if peak is None else hz[peak]
        found[f"{name}_power"] = math.log((0.0 if peak is None else power[peak]) + 1e-8)
    gait = [i for i, f in enumerate(hz) if 0.6 < f < 2.5]
    best = max(gait, key=lambda i: power[i])
    found["gait_hz"], found["gait_power"] = hz[best], math.log(power[best] + 1e-8)
    for band in range(10):
        inside = sum(p for f, p in zip(hz, power, strict=True) if band <= f < band + 1)
        found[f"power_{band}_to_{band + 1}_hz"] = math.log(inside * hz[1] + 1e-8)
    return found


def plain_features(window: np.ndarray, rate: float) -> dict[str, float]:
    x, y, z = (axis.tolist() for axis in window.astype(np.float64).T)
    axes = {"x": x, "y": y, "z": z}
    found: dict[str, float] = {}
    for name, axis in axes.items():
        found |= {f"{name}_mean": sum(axis) / len(axis), f"{name}_sd": float(np.std(axis))}
        found[f"{name}_range"] = max(axis) - min(axis)
    found |= {f"{a}{b}_correlation": correlation(axes[a], axes[b]) for a, b in ("xy", "yz", "zx")}

    magnitude = [math.sqrt(a * a + b * b + c * c) for a, b, c in zip(x, y, z, strict=True)]
    lag = round(rate)
    found |= quartiles("magnitude", magnitude)
    found |= {
        "magnitude_range": max(magnitude) - min(magnitude),
        "magnitude_mad": float(stats.median_abs_deviation(magnitude)),
        "magnitude_from_1g": sum(abs(value - 1) for value in magnitude) / len(magnitude),
        "magnitude_skewness": float(stats.skew(magnitude)),
        "magnitude_kurtosis": float(stats.kurtosis(magnitude)),
        "magnitude_autocorrelation_1s": correlation(magnitude[lag:], magnitude[:-lag]),
    }
    gravity = {name: sum(axis) / len(axis) for name, axis in axes.items()}
    rest = {name: [value - gravity[name] for value in axis] for name, axis in axes.items()}
    found |= quartiles("dynamic", [math.hypot(*values) for values in zip(*rest.values(), strict=True)])
    found |= plain_spectrum_features(magnitude, rate)
    for name, a, b in (("roll", "y", "z"), ("pitch", "z", "x"), ("yaw", "y", "x")):
        found[f"gravity_{name}"] = math.atan2(gravity[a], gravity[b])
        angles = [math.atan2(still(p), still(q)) for p, q in zip(rest[a], rest[b], strict=True)]
        found[f"{name}_mean"], found[f"{name}_sd"] = sum(angles) / len(angles), float(np.std(angles))
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
def test_features_are_those_of_slow_plain_code(seed: int, rate: float, seconds: float) -> None:
    windows = moving_windows(seed, 3, math.ceil(seconds * rate), rate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harken.evaluation.baselines.features.WINDOWS_AT_ONCE", 2)
        found = window_features(windows, sample_rate_hz=rate)
    assert found.values.dtype == np.float64
    for window, values in zip(windows, found.values, strict=True):
        expected = plain_features(window, rate)
        assert set(found.names) == set(expected)
        assert dict(zip(found.names, values.tolist(), strict=True)) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@given(gravity=st.tuples(*[st.floats(-1.25, 1.25, width=32)] * 3))
@settings(max_examples=50)
def test_a_watch_on_a_table_has_no_movement_and_no_rounding_errors(gravity: tuple[float, float, float]) -> None:
    windows = np.broadcast_to(np.array(gravity, dtype=np.float32), (1, 200, 3))
    values, names = window_features(windows, sample_rate_hz=20)
    found = dict(zip(names, values[0].tolist(), strict=True))
    assert np.isfinite(values).all()
    moving = [name for name in names if name.split("_")[-1] in {"correlation", "1s", "skewness", "kurtosis", "hz"}]
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
