"""Parts of a recording that may be walking, from which the mounting of the watch is detected."""

import numpy as np
from numpy.typing import NDArray

from harken.signals.movement import Epochs

__all__ = ["WalkingMoments"]

LEAST_G, MOST_G = 0.1, 0.6
"""Movement of an arm in walking: the standard deviation over an epoch, of all axes together."""
MOST_SLOW = 0.35
"""A footstep takes half a second, so the means of whole seconds hardly change: their standard deviation is at most this
share of the epoch's."""
MOST = 400
"""The most moments that are kept."""


class WalkingMoments:
    """A listener of ``EpochStatistics`` that keeps the samples of epochs that may be walking.

    Of more than 400 moments every second one is kept, then every fourth, and so on. They are therefore spread over the
    recording and take at most 5 MB at 100 Hz. The result does not depend on how the stream is cut. Clapping, brushing
    teeth and sawing are similar to walking by these criteria, so a recogniser has to decide.
    """

    def __init__(self) -> None:
        self.moments: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        """For each moment the times, int64 ``[n]``, and the acceleration in g, float32 ``[n, 3]``."""
        self._found, self._every = 0, 1

    def __call__(self, epochs: Epochs, time_ns: NDArray[np.int64], acceleration: NDArray[np.float32]) -> None:
        """See ``EpochStatistics``."""
        moved = np.sqrt((epochs.standard_deviation**2).sum(axis=1))
        slowly = np.sqrt(epochs.second_variance.sum(axis=1))
        likely = (moved > LEAST_G) & (moved < MOST_G) & (slowly < MOST_SLOW * moved) & (slowly > 0)
        ends = np.cumsum(epochs.samples)
        for number in np.flatnonzero(likely).tolist():
            if self._found % self._every == 0:
                if len(self.moments) == MOST:
                    self.moments = self.moments[::2]
                    self._every *= 2
                rows = slice(int(ends[number] - epochs.samples[number]), int(ends[number]))
                self.moments.append((time_ns[rows].copy(), acceleration[:, rows].T.copy()))
            self._found += 1
