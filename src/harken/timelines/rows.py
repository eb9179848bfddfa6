"""Labelled rows, stretches without a label, and gaps -> all rows of a timeline."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.timelines.windowing import StreamLayout

__all__ = ["Rows", "rows_of"]

UNLABELLED, GAP = -1, -2


class Rows(NamedTuple):
    """Rows in order of time, each of which ends where the next begins; arrays ``[rows]``.

    ``start_ns`` int64; ``labelled`` int64, the number of the row among the labelled rows, or the number of all labelled
    rows where it has no label; ``recorded`` bool, False in gaps; ``activity_mg`` float32, the mean length of the
    acceleration minus gravity (0 where it is negative), in thousandths of g, NaN where there is no valid sample;
    ``wear`` bool, False where the watch was not worn for more than half of the row; ``end_ns`` of the last row.
    """

    start_ns: NDArray[np.int64]
    labelled: NDArray[np.int64]
    recorded: NDArray[np.bool_]
    activity_mg: NDArray[np.float32]
    wear: NDArray[np.bool_]
    end_ns: int


def rows_of(layout: StreamLayout, *, interval_ns: int, non_wear_ns: NDArray[np.int64] | None) -> Rows:
    """The rows of a stream.

    Args:
        layout: its runs and labelled rows.
        interval_ns: the time from a sample to the start of a gap after it.
        non_wear_ns: when the watch was not worn, int64 ``[k, 2]``, in order and apart; None: never.
    """
    unlabelled = np.flatnonzero(~layout.labelled)
    gaps = np.flatnonzero(layout.after_gap)
    starts = np.concatenate([layout.row_ns, layout.start_ns[unlabelled], layout.end_ns[gaps - 1] + interval_ns])
    kinds = np.concatenate(
        [np.arange(len(layout.row_firsts)), np.full(len(unlabelled), UNLABELLED), np.full(len(gaps), GAP)]
    )
    # The sums before each row, and the number of samples in them; a gap has the sums of the row after it.
    row_counts = layout.counts[layout.row_runs] + layout.row_firsts - layout.edges[layout.row_runs]
    sums = np.concatenate([layout.row_sums, layout.sums[unlabelled], layout.sums[gaps]])
    counts = np.concatenate([row_counts, layout.counts[unlabelled], layout.counts[gaps]])
    order = np.argsort(starts, kind="stable")
    starts, kinds, sums, counts = starts[order], kinds[order], sums[order], counts[order]
    # Neighbouring rows without a label become one.
    kept = np.concatenate([[True], (kinds[1:] != UNLABELLED) | (kinds[:-1] != UNLABELLED)])
    starts, kinds, sums, counts = starts[kept], kinds[kept], sums[kept], counts[kept]
    end_ns = int(layout.end_ns[-1]) + interval_ns
    summed, over = np.diff(sums, append=layout.sums[-1]), np.diff(counts, append=layout.counts[-1])
    activity = np.divide(1000 * summed, over, out=np.full(len(over), np.nan), where=over > 0)
    ends = np.append(starts[1:], end_ns)
    return Rows(
        start_ns=starts,
        labelled=np.where(kinds < 0, len(layout.row_firsts), kinds),
        recorded=kinds != GAP,
        activity_mg=activity.astype(np.float32),
        wear=2 * (_time_in(non_wear_ns, ends) - _time_in(non_wear_ns, starts)) <= ends - starts,
        end_ns=end_ns,
    )


def _time_in(stretches_ns: NDArray[np.int64] | None, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The total length of the stretches before each time, in nanoseconds, int64 ``[times]``."""
    if stretches_ns is None or len(stretches_ns) == 0:
        return np.zeros(len(times_ns), dtype=np.int64)
    lengths = stretches_ns[:, 1] - stretches_ns[:, 0]
    before = np.concatenate([[0], np.cumsum(lengths)])
    place = np.searchsorted(stretches_ns[:, 0], times_ns, side="right")
    inside = np.clip(times_ns - stretches_ns[place - 1, 0], 0, lengths[place - 1])
    return np.where(place > 0, before[place - 1] + inside, 0)
