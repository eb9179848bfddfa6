"""The cadence of footsteps in rows of five seconds, from the stride with which the arm's movement repeats."""

import numpy as np
from numpy.typing import NDArray

GRID_HZ = 20
WINDOW = 100
"""Points in a row."""
ROW_NS = WINDOW * 10**9 // GRID_HZ
"""The length of a row."""
TRANSFORM = 256
"""The length of the Fourier transform: at least twice a row, so that the correlation does not wrap around."""
LOWEST_HZ, HIGHEST_HZ = 0.6, 5.0
"""Slower movement is posture, faster movement is impacts."""
WALKING_STRIDE_S, RUNNING_STRIDE_S = (0.75, 2.0), (0.56, 1.0)
"""The limits of a stride (two steps) in walking and on stairs, and in running."""
NEARLY_HIGHEST = 0.95
"""The first peak that reaches this share of the highest one is the stride: later ones are two strides or three."""
LEAST_MAD_MG = 20.0
"""Rows with less movement have no cadence: the arm is still."""
DECIMALS = 2
Floats = NDArray[np.float64]


def cadences(
    time_ns: NDArray[np.int64], signals: NDArray[np.float32], counts: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The cadence of each row if the wearer walks, and if they run, in steps a minute, float32 ``[rows]`` each.

    The movement of an arm repeats with every stride, and less well with every step. The stride is the lag at which the
    autocorrelation of the acceleration, all axes together, from 0.6 to 5 Hz, has its first high peak. It is searched
    from 0.75 to 2 s (60 to 160 steps a minute) in walking, and from 0.56 to 1 s (120 to 200) in running. Without a peak
    the cadence is NaN. The limits were chosen on half of the people of selfBACK; ``docs/intensity.md`` has the errors
    on the other half, beside the peaks of Verisense.

    Args:
        time_ns: the times of the samples of all rows, int64 ``[n]``, in order.
        signals: their acceleration in g, ``[n, 3]``.
        counts: the number of samples in each row, at least 2, int64 ``[rows]``.
    """
    points = _on_grid(time_ns, signals, counts)
    points -= points.mean(axis=2, keepdims=True)
    spectrum = np.fft.rfft(points, TRANSFORM)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)).sum(axis=0)
    frequency_hz = np.fft.rfftfreq(TRANSFORM, 1 / GRID_HZ)
    power[:, (frequency_hz < LOWEST_HZ) | (frequency_hz > HIGHEST_HZ)] = 0
    lags = np.arange(int(WALKING_STRIDE_S[1] * GRID_HZ) + 2)
    correlation = np.fft.irfft(power, TRANSFORM, axis=1)[:, lags] / (WINDOW - lags)
    return _cadence(correlation, WALKING_STRIDE_S), _cadence(correlation, RUNNING_STRIDE_S)


def _on_grid(time_ns: NDArray[np.int64], signals: NDArray[np.float32], counts: NDArray[np.int64]) -> Floats:
    """The mean acceleration of each twentieth of a second, float64 ``[3, rows, 100]``.

    The acceleration is taken as linear between two samples of a row. Each row depends on its own samples alone.
    """
    lasts = np.cumsum(counts) - 1
    firsts = lasts + 1 - counts
    time_s = (time_ns - time_ns[0]) / 1e9
    begins_s = (time_ns[firsts] // ROW_NS * ROW_NS - time_ns[0]) / 1e9
    edges_s = begins_s[:, None] + np.arange(WINDOW + 1) / GRID_HZ
    within_s = np.clip(edges_s, time_s[firsts][:, None], time_s[lasts][:, None])
    covered_s = np.diff(within_s, axis=1)
    outside = covered_s <= 0  # before the first and after the last sample of a row
    covered_s[outside] = np.inf
    points = np.empty((3, len(counts), WINDOW))
    for axis in range(3):
        values = signals[:, axis].astype(np.float64)
        area = np.concatenate([[0.0], np.cumsum(np.diff(time_s) * (values[1:] + values[:-1]) / 2)])
        points[axis] = np.diff(np.interp(within_s, time_s, area), axis=1) / covered_s
        points[axis][outside] = np.interp(within_s[:, 1:][outside], time_s, values)
    return points


def _cadence(correlation: Floats, stride_s: tuple[float, float]) -> NDArray[np.float32]:
    """Steps a minute from the autocorrelation ``[rows, lags]``, by its peaks within the limits of a stride."""
    first, last = int(np.ceil(stride_s[0] * GRID_HZ)), int(stride_s[1] * GRID_HZ)
    before, here, after = (correlation[:, first + shift : last + 1 + shift] for shift in (-1, 0, 1))
    height = np.where((here > before) & (here >= after), here, -np.inf)
    highest = height.max(axis=1)
    known = highest > 0
    best = (height >= NEARLY_HIGHEST * highest[:, None]).argmax(axis=1)
    rows = np.arange(len(best))
    left, top, right = before[rows, best], here[rows, best], after[rows, best]
    bend = np.where(known, left - 2 * top + right, -1.0)  # the parabola through the three points
    lag = first + best + (left - right) / (2 * bend)
    cadence = 2 * 60 * GRID_HZ / lag
    # Rounded, so that the order in which areas were summed up does not matter.
    return np.where(known, np.round(cadence, DECIMALS), np.nan).astype(np.float32)
