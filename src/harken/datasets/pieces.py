"""Pieces with clocks of their own, one after another on one clock, so that no window spans two of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["PAUSE_NS", "offsets_in_turn", "offsets_where_they_overlap"]

PAUSE_NS = 60 * 10**9
"""Between two pieces that are laid one after another: a gap at any rate (see ``harken.recordings.recording.gap_limit_ns``)."""


def offsets_in_turn(lengths_ns: Sequence[int]) -> NDArray[np.int64]:
    """For pieces whose clocks begin at 0 and end at ``lengths_ns``: what to add to the times of each, int64
    ``[pieces]``, so that each begins a pause after the end of the one before it."""
    steps = np.array(lengths_ns, dtype=np.int64) + PAUSE_NS
    return np.cumsum(steps) - steps


def offsets_where_they_overlap(starts_ns: Sequence[int], ends_ns: Sequence[int]) -> NDArray[np.int64]:
    """For pieces in order of their starts: what to add to the times of each, int64 ``[pieces]``.

    A piece that would begin before the one before it has ended is moved to a pause after that end; every other
    piece keeps its times.
    """
    offsets = np.zeros(len(starts_ns), dtype=np.int64)
    last_end: int | None = None
    for piece, (start, end) in enumerate(zip(starts_ns, ends_ns, strict=True)):
        if last_end is not None and start <= last_end:
            offsets[piece] = last_end + PAUSE_NS - start
        last_end = end + int(offsets[piece])
    return offsets
