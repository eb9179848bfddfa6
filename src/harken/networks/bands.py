"""The frequency bands of ``everyday``'s glance, as two matrices: their products with a signal are powers in bands."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "NO_POWER", "window_matrices"]

BAND_EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""The edges of the bands, in cycles per sample. At 30 Hz they are 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and 15 Hz.
They are closest together at the frequencies of swinging arms."""
BANDS = len(BAND_EDGES) - 1
NO_POWER = 1e-5
"""Added to power before the logarithm, in g squared: a little more than a good sensor's noise in a band."""


def window_matrices(length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Hann-windowed cosines and sines ``[time, 2 x frequencies]`` of the frequencies that lie in a band, and the band
    of each, ``[2 x frequencies, BANDS]``. The power in a band is the sum of the squared products.

    The window is Hann's (Harris, Proc. IEEE 66(1):51, 1978).
    """
    frequencies = np.arange(length // 2 + 1) / length
    # A frequency on an edge belongs to the band that begins there. 1e-9 makes this independent of rounding.
    band = np.searchsorted(BAND_EDGES, frequencies + 1e-9) - 1
    inside = (band >= 0) & (band < BANDS)
    time = np.arange(length)[:, None]
    hann = (1 - np.cos(2 * math.pi * time / length)) / 2
    angle = 2 * math.pi * time * frequencies[inside]
    waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * hann / math.sqrt(length)
    bands = np.tile(np.eye(BANDS)[band[inside]], (2, 1))
    return waves.astype(np.float32), bands.astype(np.float32)
