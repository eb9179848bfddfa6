"""Moments that look like walking, kept while a recording goes by: what tells how the watch sits on the arm."""

import numpy as np
from numpy.typing import NDArray

from harken.signals.movement import MovementBlocks

__all__ = ["Walks"]

LEAST_G, MOST_G = 0.1, 0.6
"""How much an arm moves in walking: the standard deviation of a block, all axes together."""
MOST_SLOW = 0.35
"""A step takes half a second, so the means of whole seconds hardly move: their standard deviation is at most this
share of the block's."""
MOST = 400
"""So many moments are kept at most."""


class Walks:
    """A listener of ``MovementStatistics``: keeps the samples of blocks in which somebody may be walking.

    Of more than 400 every second one is kept, then every fourth, and so on: they stay spread over the recording, and
    take at most 5 MB at 100 Hz. What is kept does not depend on how the stream is cut. Clapping, brushing teeth and
    sawing look like walking, too: whether it is must be asked of somebody who knows.
    """

    def __init__(self) -> None:
        self.moments: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        """Of each moment the times, int64 ``[n]``, and acceleration in g, float32 ``[n, 3]``."""
        self._found, self._every = 0, 1

    def __call__(self, blocks: MovementBlocks, time_ns: NDArray[np.int64], acceleration: NDArray[np.float32]) -> None:
        """See ``MovementStatistics``."""
        moved = np.sqrt((blocks.standard_deviation**2).sum(axis=1))
        slowly = np.sqrt(blocks.second_variance.sum(axis=1))
        likely = (moved > LEAST_G) & (moved < MOST_G) & (slowly < MOST_SLOW * moved) & (slowly > 0)
        ends = np.cumsum(blocks.samples)
        for number in np.flatnonzero(likely).tolist():
            if self._found % self._every == 0:
                if len(self.moments) == MOST:
                    self.moments = self.moments[::2]
                    self._every *= 2
                rows = slice(int(ends[number] - blocks.samples[number]), int(ends[number]))
                self.moments.append((time_ns[rows].copy(), acceleration[:, rows].T.copy()))
            self._found += 1
