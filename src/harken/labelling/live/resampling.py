"""One call of the resampler for many short streams, joined into one recording with gaps between them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.signals import Resampler, Samples
from harken.signals.low_pass import TOGETHER

__all__ = ["Part", "resampled"]

EVER = np.iinfo(np.int64).max


class Part(NamedTuple):
    """Samples without a long gap, and the range of the wanted new samples: from ``first_ns`` to before ``last_ns``."""

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    valid: NDArray[np.bool_]
    first_ns: int
    last_ns: int


def resampled(resampler: Resampler, parts: Sequence[Part]) -> list[tuple[NDArray[np.int64], Samples]]:
    """The new samples of each part: their true times, and the samples, whose own times are shifted.

    A call takes about as long for one sample as for a thousand, so all parts share one. The filter does not reach over
    a gap. Each part is therefore shifted in time to well after the one before, by a whole number of the grid's cycles
    (and of samples that are filtered together), which leaves its samples the same as in a call of its own.
    """
    if not parts:
        return []
    cycle = resampler.grid.cycle_ns * TOGETHER
    apart = max(resampler.hole_ns, resampler.bridged_ns) + cycle
    moves, ends, end = [], [], 0
    for part in parts:
        first, last = int(part.time_ns[0]), int(part.time_ns[-1])
        move = -(-(end + apart - first) // cycle) * cycle
        end = last + move
        moves.append(move)
        ends.append(end)
    lengths = [len(part.time_ns) for part in parts]
    time_ns = np.concatenate([part.time_ns for part in parts])
    time_ns += np.repeat(np.array(moves), lengths)
    old = Samples(
        time_ns,
        np.concatenate([part.signals for part in parts]),
        np.zeros(len(time_ns), dtype=np.int16),
        np.concatenate([part.valid for part in parts]),
    )
    new = resampler.between(old, 0, EVER)
    begins = [int(part.time_ns[0]) + move for part, move in zip(parts, moves, strict=True)]
    lowest = [max(part.first_ns + move, begin) for part, move, begin in zip(parts, moves, begins, strict=True)]
    highest = [min(part.last_ns + move, end + 1) for part, move, end in zip(parts, moves, ends, strict=True)]
    firsts = np.searchsorted(new.time_ns, np.array(lowest))
    lasts = np.maximum(np.searchsorted(new.time_ns, np.array(highest)), firsts)
    found = []
    for move, first, last in zip(moves, firsts.tolist(), lasts.tolist(), strict=True):
        piece = new.part(first, last)
        found.append((piece.time_ns - move, piece))
    return found
