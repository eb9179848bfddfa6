"""Time offsets that put pieces with separate clocks one after another on one clock. No window spans two pieces."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAUSE_NS = 60 * 10**9
"""The pause between two pieces. It counts as a gap (``harken.recordings.recording.gap_limit_ns``)."""


def offsets_in_turn(lengths_ns: Sequence[int]) -> NDArray[np.int64]:
    """The offsets to add to the times of pieces whose clocks begin at 0 and end at ``lengths_ns``, int64 ``[pieces]``.
    Each piece then begins one pause after the end of the previous piece."""
    steps = np.array(lengths_ns, dtype=np.int64) + PAUSE_NS
    return np.cumsum(steps) - steps


def offsets_where_they_overlap(starts_ns: Sequence[int], ends_ns: Sequence[int]) -> NDArray[np.int64]:
    """The offsets to add to the times of pieces that are sorted by their starts, int64 ``[pieces]``.

    A piece that begins before the end of the previous piece is moved to one pause after that end. All other pieces keep
    their times.
    """
    offsets = np.zeros(len(starts_ns), dtype=np.int64)
    last_end: int | None = None
    for piece, (start, end) in enumerate(zip(starts_ns, ends_ns, strict=True)):
        if last_end is not None and start <= last_end:
            offsets[piece] = last_end + PAUSE_NS - start
        last_end = end + int(offsets[piece])
    return offsets
