"""Moments of ten seconds that are kept while a recording is read: possible walking, and movement of any kind.

They are used to find how the watch is worn on the arm (``harken.models.mounting``), and whether it is worn on an arm
(``harken.models.wrist_check``).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED, Recording
from harken.recordings.source import Samples
from harken.signals.movement import MovementBlocks, MovementStatistics
from harken.signals.resampling import resample

LEAST_WALKING_G, MOST_WALKING_G = 0.1, 0.6
"""The limits of arm movement in walking: the standard deviation of a block, all axes together."""
MOST_SLOW = 0.35
"""In walking, the standard deviation of the means of whole seconds is at most this share of the block's. A footstep
takes half a second, so these means vary little."""
LEAST_MOVING_G = 0.08
MOST = 400
"""The largest number of moments that are kept."""
MOST_MISSING = 3
"""The number of samples that may be missing at the end of a moment."""


def like_walking(blocks: MovementBlocks) -> NDArray[np.bool_]:
    """Which blocks may be walking, bool ``[n]``. Clapping, brushing teeth and sawing look like it, too."""
    moved = np.sqrt((blocks.standard_deviation**2).sum(axis=1))
    slowly = np.sqrt(blocks.second_variance.sum(axis=1))
    walking: NDArray[np.bool_] = (
        (moved > LEAST_WALKING_G) & (moved < MOST_WALKING_G) & (slowly < MOST_SLOW * moved) & (slowly > 0)
    )
    return walking


def moving(blocks: MovementBlocks) -> NDArray[np.bool_]:
    """Which blocks have movement, bool ``[n]``."""
    movement: NDArray[np.bool_] = np.sqrt((blocks.standard_deviation**2).sum(axis=1)) > LEAST_MOVING_G
    return movement


class Moments:
    """A listener of ``MovementStatistics`` that keeps the samples of chosen blocks.

    Beyond 400 blocks, every second one is kept, then every fourth, and so on. They stay spread over the recording and
    take at most 5 MB at 100 Hz. The kept blocks do not depend on how the stream is cut.

    Args:
        chosen: returns which blocks to keep, bool ``[n]``.
    """

    def __init__(self, chosen: Callable[[MovementBlocks], NDArray[np.bool_]]) -> None:
        self.moments: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        """The times of each moment, int64 ``[n]``, and its acceleration in g, float32 ``[n, 3]``."""
        self._chosen = chosen
        self._found, self._every = 0, 1

    @classmethod
    def of(cls, recording: Recording, chosen: Callable[[MovementBlocks], NDArray[np.bool_]]) -> "Moments":
        """The moments of a mended recording in memory, whose first channels are ``x, y, z``."""
        moments = cls(chosen)
        statistics = MovementStatistics(listeners=(moments,))
        statistics.push(Samples.of(recording))
        statistics.finish()
        return moments

    def __call__(self, blocks: MovementBlocks, time_ns: NDArray[np.int64], acceleration: NDArray[np.float32]) -> None:
        """See ``MovementStatistics``."""
        ends = np.cumsum(blocks.samples)
        for number in np.flatnonzero(self._chosen(blocks)).tolist():
            if self._found % self._every == 0:
                if len(self.moments) == MOST:
                    self.moments = self.moments[::2]
                    self._every *= 2
                rows = slice(int(ends[number] - blocks.samples[number]), int(ends[number]))
                self.moments.append((time_ns[rows].copy(), acceleration[:, rows].T.copy()))
            self._found += 1

    def resampled(self, *, sample_rate_hz: float, length: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The beginnings, at another rate, of the moments that are long enough.

        Args:
            sample_rate_hz: the rate.
            length: the length of a moment in samples.

        Returns:
            The times of the first samples, int64 ``[n]``, and acceleration in g, float32 ``[n, length, 3]``.
        """
        nothing = np.empty(0, np.int64), np.empty((0, length, 3), np.float32)
        if not self.moments:
            return nothing
        times, signals = (np.concatenate(each) for each in zip(*self.moments, strict=True))
        together = Recording(
            time_ns=times,
            signals=signals,
            channels=("x", "y", "z"),
            label_codes=np.full(len(times), UNLABELLED, dtype=np.int16),
            label_names=(),
            subject="somebody",
        )
        even = resample(together, sample_rate_hz=sample_rate_hz)
        firsts = np.searchsorted(even.time_ns, [moment[0] for moment, _ in self.moments])
        ends = np.searchsorted(even.time_ns, [moment[-1] for moment, _ in self.moments], side="right")
        whole = ends - firsts >= length - MOST_MISSING
        if not whole.any():
            return nothing
        rows = np.minimum(firsts[whole, None] + np.arange(length), ends[whole, None] - 1)
        return even.time_ns[rows[:, 0]], even.signals[rows]
