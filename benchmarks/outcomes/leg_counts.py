"""Strides counted at a leg: the truth for steps at the wrist."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt

__all__ = ["counts_of_leg", "middle"]

Floats = NDArray[np.float64]
RATE_HZ = 100
WINDOW_S = 6
SHORTEST_S, LONGEST_S = 0.6, 2.0
"""The limits of a stride."""
NEARLY = 0.12


def counts_of_leg(signals: Floats) -> list[int]:
    """Four counts of the strides in acceleration of a thigh or knee ``[n, 3]`` at 100 Hz.

    The leg swings once a stride. Its acceleration is filtered around the stride frequency of the whole session (from
    the mean autocorrelation of windows of six seconds), and reduced to its first principal component. The counts are
    those of the maxima and of the minima, of all axes, and of the two directions across gravity.
    """
    stride_hz = _stride_hz(signals)
    down = signals.mean(axis=0) / np.linalg.norm(signals.mean(axis=0))
    found = []
    for each in (signals, signals - np.outer(signals @ down, down)):
        band = [0.3 * stride_hz, 1.8 * stride_hz]
        filtered = sosfiltfilt(butter(2, band, btype="band", fs=RATE_HZ, output="sos"), each, axis=0)
        swing = filtered @ np.linalg.svd(filtered - filtered.mean(axis=0), full_matrices=False)[2][0]
        for side in (swing, -swing):
            peaks, _ = find_peaks(side, distance=int(0.55 * RATE_HZ / stride_hz), prominence=0.4 * side.std())
            found.append(len(peaks))
    return found


def middle(counts: list[int]) -> tuple[float, float]:
    """The median of counts, and how far the two in the middle lie apart, as a share of it."""
    ordered = sorted(counts)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (low + high) / 2, 2 * (high - low) / (low + high)


def _stride_hz(signals: Floats) -> float:
    filtered = sosfiltfilt(butter(2, [0.4, 6], btype="band", fs=RATE_HZ, output="sos"), signals, axis=0)
    length = WINDOW_S * RATE_HZ
    lags = np.arange(int(LONGEST_S * RATE_HZ))
    each = []
    for first in range(0, len(filtered) - length + 1, length // 2):
        part = filtered[first : first + length]
        power = np.square(np.abs(np.fft.rfft(part - part.mean(axis=0), 2 * length, axis=0))).sum(axis=1)
        correlation = np.fft.irfft(power)[lags]
        each.append(correlation / correlation[0] * length / (length - lags))
    shortest = int(SHORTEST_S * RATE_HZ)
    mean = np.mean(each, axis=0)[shortest:]
    peaks, _ = find_peaks(mean)
    first_high = peaks[mean[peaks] >= mean[peaks].max() - NEARLY * abs(mean[peaks].max())][0]
    return RATE_HZ / (shortest + int(first_high))
