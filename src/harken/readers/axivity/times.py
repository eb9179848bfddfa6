"""When the samples of whole blocks were taken, as Open Movement's own converter tells it.

A block says at what time which of its samples was taken, and how fast it was set to record. Its beginning and end
follow. The sensor is a few per cent slower or faster than it was set, so the end of one block and the beginning of the
next do not meet; a block that follows another begins where that one ended, and its samples are spread evenly over the
time up to its own end.
"""

import numpy as np
from numpy.typing import NDArray

from harken.readers.axivity.blocks import Blocks

__all__ = ["block_starts", "sample_times", "spans"]

SECOND_NS = 10**9
LONGEST_STRETCH_NS = SECOND_NS
"""After a longer gap a block begins at its own time."""
MONTHS_TO_2000 = 360
BLOCKS_AT_ONCE = 1 << 14


def spans(blocks: Blocks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """From when to when the samples of each whole block last, int64 ``[whole]`` ns on the watch's own wall clock.

    Where something is missing before a block it begins at its own time, even after a short gap, and so it does where
    the clock was set back: the maker's converter would spread its samples over the gap, or backwards.
    """
    period_ns = np.rint(SECOND_NS / blocks.header_rates_hz).astype(np.int64)
    count = blocks.samples
    own = _wall_clock_ns(blocks.start["time"]) - blocks.start["offset"].astype(np.int64) * period_ns
    ends = own + count * period_ns
    starts = own.copy()
    glued = own[1:] - ends[:-1] < LONGEST_STRETCH_NS
    lasting = ends[1:] - ends[:-1]
    glued &= (lasting > 0) & (blocks.follows | (lasting <= count[1:] * period_ns[1:]))
    starts[1:][glued] = ends[:-1][glued]
    return starts, ends


def block_starts(blocks: Blocks) -> NDArray[np.int64]:
    """The time of the first sample of each whole block, int64 ``[whole]`` ns on the watch's own wall clock."""
    count = len(blocks.rows)
    starts = np.empty(count, np.int64)
    for first in range(0, count, BLOCKS_AT_ONCE):
        last = min(first + BLOCKS_AT_ONCE, count)
        some, _ = spans(blocks.part(max(0, first - 1), last))
        starts[first:last] = some[first - last :]
    return starts


def sample_times(
    starts_ns: NDArray[np.int64], ends_ns: NDArray[np.int64], counts: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """The times of blocks' samples, spread evenly over their ``spans``, into ``out [counts.sum()]``."""
    step_ns = (ends_ns - starts_ns) / counts
    count = int(counts[0])
    if (counts == count).all():
        late = step_ns[:, np.newaxis] * np.arange(count)
        table = out.reshape(len(counts), count)
        np.rint(late, out=late)
        table[:] = late
        table += starts_ns[:, np.newaxis]
        return
    number = np.arange(len(out)) - np.repeat(np.cumsum(counts) - counts, counts)
    out[:] = np.rint(number * np.repeat(step_ns, counts))
    out += np.repeat(starts_ns, counts)


def _wall_clock_ns(packed: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Six bits of years since 2000, four of month, then day, hour, minute, second, as nanoseconds since 1970."""
    bits = packed.astype(np.int64)
    months = (MONTHS_TO_2000 + 12 * (bits >> 26) + (bits >> 22 & 15) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + (bits >> 17 & 31) - 1
    seconds = 86_400 * days + 3600 * (bits >> 12 & 31) + 60 * (bits >> 6 & 63) + (bits & 63)
    return np.asarray(seconds * SECOND_NS)
