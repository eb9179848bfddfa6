"""The frequency bands of ``everyday``'s glance, and two matrices: their products with a signal are powers in bands."""

import math

import numpy as np
from numpy.typing import NDArray

from harken.support.resources import need_memory

BAND_EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""The edges of the bands, in cycles per sample. At 30 Hz they are 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and 15 Hz.
They are closest together at the frequencies of swinging arms."""
BANDS = len(BAND_EDGES) - 1
NO_POWER = 1e-5
"""Added to power before the logarithm, in g squared: a little more than a good sensor's noise in a band."""

LONGEST_BY_MATRICES = 2048
"""The networks use a fast Fourier transform for longer windows: the matrices grow with the square of the length."""


def hann_window(length: int) -> NDArray[np.float64]:
    """Hann's window (Harris, Proc. IEEE 66(1):51, 1978)."""
    return np.asarray((1 - np.cos(2 * math.pi * np.arange(length) / length)) / 2)


def band_starts(length: int) -> list[int]:
    """The first frequency of each band, and the first one after all bands, in cycles per window."""
    # A frequency on an edge belongs to the band that begins there. 1e-9 makes this independent of rounding.
    frequencies = np.arange(length // 2 + 1) / length + 1e-9
    return [int(start) for start in np.searchsorted(frequencies, BAND_EDGES, side="right")]


def window_matrices(length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hann-windowed cosines and sines ``[time, 2 x frequencies]`` of the frequencies that lie in a band, and the band
    of each, ``[2 x frequencies, BANDS]``. The power in a band is the sum of the squared products.

    Raises:
        HarkenError: when there is not enough memory for them.
    """
    need_memory(20 * length**2, f"The Fourier transform of windows of {length:,} samples", "use shorter windows")
    starts = band_starts(length)
    angle = 2 * math.pi * np.arange(length)[:, None] * (np.arange(starts[0], starts[-1]) / length)
    waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * hann_window(length)[:, None] / math.sqrt(length)
    bands = np.tile(np.repeat(np.eye(BANDS), np.diff(starts), axis=0), (2, 1))
    return waves.astype(np.float32), bands.astype(np.float32)
