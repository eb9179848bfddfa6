"""Pieces of a recording with clocks of their own, one after another on one clock."""

import math
from collections.abc import Sequence

import numpy as np

from harken.support.arrays import Int64Array

PAUSE_NS = 60 * 10**9
"""The pause between two pieces. It counts as a gap (``harken.recordings.recording.gap_limit_ns``)."""


def offsets_in_turn(ends_ns: Sequence[int], starts_ns: Sequence[int] | None = None) -> Int64Array:
    """Compute the offsets to add to the times of pieces, so that they follow one another, int64 ``[pieces]``.

    A piece that begins before the end of the previous piece is moved to one pause after that end. All other pieces keep
    their times.

    Args:
        ends_ns: the last time of each piece, on its own clock.
        starts_ns: the first time of each piece, increasing; None if each clock begins at 0.
    """
    starts_ns = [0] * len(ends_ns) if starts_ns is None else starts_ns
    offsets = np.zeros(len(ends_ns), dtype=np.int64)
    last_end = -math.inf
    for piece, (start, end) in enumerate(zip(starts_ns, ends_ns, strict=True)):
        if start <= last_end:
            offsets[piece] = last_end + PAUSE_NS - start
        last_end = end + int(offsets[piece])
    return offsets
