"""The beginning of an AX6 recording, where the two sensors' values may stand in one another's places."""

import math

import numpy as np
from numpy.typing import NDArray

from harken.readers.axivity.blocks import Blocks

__all__ = ["BLOCKS_LOOKED_AT", "interchanged"]

BLOCKS_LOOKED_AT = 100
SMALLEST = 1e-3
CERTAIN = 2.0
"""In doublings of the size of gravity, over all blocks taken to be interchanged."""


def interchanged(signals: NDArray[np.float32], blocks: Blocks) -> int:
    """For how many samples at the beginning of a session the gyroscope's values feel gravity and the accelerometer's
    do not.

    Watches were seen to begin like this (firmware 53 and 54, both of the recordings at hand, for 1 and for 10 s).
    The beginning is cut where gravity speaks most clearly for the gyroscope's places before, and for the
    accelerometer's after.

    Args:
        signals: ``[n, channels]``, acceleration in g and rotation in rad/s.
        blocks: the first blocks of the session, ``BLOCKS_LOOKED_AT`` at most, which the signals come from, all with six
            axes or more.
    """
    ends = np.cumsum(blocks.samples)
    starts = ends - blocks.samples
    score = np.cumsum([_score(signals[starts[block] : ends[block]], blocks, block) for block in range(len(ends))])
    best = int(np.argmax(score))
    return int(ends[best]) if score[best] > CERTAIN else 0


def _score(signals: NDArray[np.float32], blocks: Blocks, block: int) -> float:
    """How much further from 1 g a block is as it stands than with its sensors interchanged, in doublings."""
    scales = int(blocks.start["scales"][block])
    counts_per_g = float(2 ** (8 + (scales >> 13)))
    radians_per_count = math.radians(8000 / 2 ** (scales >> 10 & 7)) / 2**15
    as_it_stands = float(np.median(np.linalg.norm(signals[:, :3], axis=1)))
    other_way = float(np.median(np.linalg.norm(signals[:, 3:6], axis=1)) / radians_per_count / counts_per_g)
    return abs(math.log2(max(as_it_stands, SMALLEST))) - abs(math.log2(max(other_way, SMALLEST)))
