"""Where a watch that slept, or the software that filled its gaps, wrote one value over and over."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["held_stretches"]


def held_stretches(values: NDArray[np.int16] | NDArray[np.float32], rate_hz: float) -> list[tuple[int, int]]:
    """Where samples ``[n, 3]`` only repeat the one before them for a second or longer: ``[start, end)``, ascending.

    The noise of a sensor that measures forbids that: in 13 hours on a wrist at 30 Hz, the longest run of equal samples
    was of four. Watches sleep for whole seconds, so a stretch is of as many as there are up to the last of the equal
    samples; the first of them was measured. Zeros are what ActiLife writes for a second that it has nothing for: there
    none was.
    """
    same = np.ones(max(0, len(values) - 1), dtype=bool)
    for axis in range(values.shape[1]):
        same &= values[1:, axis] == values[:-1, axis]
    first, last = np.flatnonzero(np.diff(same, prepend=False, append=False)).reshape(-1, 2).T
    zero = ~values[first].any(axis=1)
    second = max(2, round(rate_hz))
    repeated = (last - first + zero) // second * second
    start, end = (last + 1 - repeated)[repeated > 0], (last + 1)[repeated > 0]
    return list(zip(start.tolist(), end.tolist(), strict=True))
