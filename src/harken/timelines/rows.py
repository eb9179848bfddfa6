"""Steps, stretches of which nothing can be said, and gaps -> the rows of a timeline."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.timelines.windowing import Plan

__all__ = ["Rows", "rows_of"]

NOTHING_TOLD, GAP = -1, -2


class Rows(NamedTuple):
    """Rows in the order of time, each of which ends where the next begins; arrays ``[rows]``.

    ``start_ns`` int64; ``steps`` int64, the number of the step that a row is, the number of steps where nothing can be
    said; ``recorded`` bool, False in gaps; ``activity_mg`` float32, the mean over the row of how much longer the
    acceleration is than gravity (0 where it is shorter), in thousandths of g, NaN where there is no sample that is not
    marked; ``wear`` bool, False where the watch was not worn for more than half of the row; ``end_ns`` of the last row.
    """

    start_ns: NDArray[np.int64]
    steps: NDArray[np.int64]
    recorded: NDArray[np.bool_]
    activity_mg: NDArray[np.float32]
    wear: NDArray[np.bool_]
    end_ns: int


def rows_of(plan: Plan, *, interval_ns: int, non_wear_ns: NDArray[np.int64] | None) -> Rows:
    """The rows of a plan.

    Args:
        plan: what became of the samples.
        interval_ns: for how long a sample stands; then a gap begins.
        non_wear_ns: when the watch was not worn, int64 ``[k, 2]``, in order and apart; None: never.
    """
    untold = np.flatnonzero(~plan.told)
    gaps = np.flatnonzero(plan.after_gap)
    starts = np.concatenate([plan.step_ns, plan.start_ns[untold], plan.end_ns[gaps - 1] + interval_ns])
    kinds = np.concatenate(
        [np.arange(len(plan.step_rows)), np.full(len(untold), NOTHING_TOLD), np.full(len(gaps), GAP)]
    )
    # What was summed before each row, and over how many samples; a gap has the sums of what follows it.
    step_counts = plan.counts[plan.step_runs] + plan.step_rows - plan.edges[plan.step_runs]
    sums = np.concatenate([plan.step_sums, plan.sums[untold], plan.sums[gaps]])
    counts = np.concatenate([step_counts, plan.counts[untold], plan.counts[gaps]])
    order = np.argsort(starts, kind="stable")
    starts, kinds, sums, counts = starts[order], kinds[order], sums[order], counts[order]
    # Neighbours of which nothing can be said are one row.
    kept = np.concatenate([[True], (kinds[1:] != NOTHING_TOLD) | (kinds[:-1] != NOTHING_TOLD)])
    starts, kinds, sums, counts = starts[kept], kinds[kept], sums[kept], counts[kept]
    end_ns = int(plan.end_ns[-1]) + interval_ns
    summed, over = np.diff(sums, append=plan.sums[-1]), np.diff(counts, append=plan.counts[-1])
    activity = np.divide(1000 * summed, over, out=np.full(len(over), np.nan), where=over > 0)
    ends = np.append(starts[1:], end_ns)
    return Rows(
        start_ns=starts,
        steps=np.where(kinds < 0, len(plan.step_rows), kinds),
        recorded=kinds != GAP,
        activity_mg=activity.astype(np.float32),
        wear=2 * (_time_in(non_wear_ns, ends) - _time_in(non_wear_ns, starts)) <= ends - starts,
        end_ns=end_ns,
    )


def _time_in(stretches_ns: NDArray[np.int64] | None, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """How much of the stretches lies before each time, in nanoseconds, int64 ``[times]``."""
    if stretches_ns is None or len(stretches_ns) == 0:
        return np.zeros(len(times_ns), dtype=np.int64)
    lengths = stretches_ns[:, 1] - stretches_ns[:, 0]
    before = np.concatenate([[0], np.cumsum(lengths)])
    place = np.searchsorted(stretches_ns[:, 0], times_ns, side="right")
    inside = np.clip(times_ns - stretches_ns[place - 1, 0], 0, lengths[place - 1])
    return np.where(place > 0, before[place - 1] + inside, 0)
