"""Band powers by NumPy's Fourier transform, for tests of what the everyday network sees of a spectrum."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

EDGES_HZ_AT_30 = (0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5.0, 7.0, 10.0, 15.0)


def by_fourier(signals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same from a fast Fourier transform: ``[batch, BANDS, channels]``."""
    length = signals.shape[1]
    hann = np.hanning(length + 1)[:-1, None]
    spectrum = np.fft.rfft((signals - signals.mean(axis=1, keepdims=True)) * hann, axis=1)
    power = np.abs(spectrum) ** 2 / length
    hz = np.arange(length // 2 + 1) * 30 / length + 1e-7
    bands = [power[:, (hz >= low) & (hz < high)].sum(axis=1) for low, high in pairwise(EDGES_HZ_AT_30)]
    return np.log(np.stack(bands, axis=1) + 1e-5)
