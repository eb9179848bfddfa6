"""New samples of many watches -> resampled samples and windows, in one call of the resampler.

A call of NumPy takes about as long for one sample as for a thousand. The latest samples of all watches are therefore
put into one array (``gathering``), and every step is done once for all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import LATE_NS, NEVER_NS
from harken.labelling.live.gathering import Gathered, gathered, starts_of
from harken.labelling.live.settings import StreamSpecification
from harken.labelling.live.watch import Watch
from harken.labelling.live.windows import Window
from harken.signals import Resampler, Samples
from harken.signals.resampling import SECOND_NS, TOGETHER

LONG_GAP_NS = 10 * SECOND_NS
"""Samples after so long a gap do not change resampled samples before it; only late samples do."""
EVER = np.iinfo(np.int64).max


def advance(watches: Sequence[Watch], *, ended: bool = False) -> list[Window]:
    """Resample the new samples of these watches (of one specification), and return the windows that are due.

    Args:
        watches: the watches, with or without new samples.
        ended: end the stretch of each watch, as a gap would.

    Returns:
        The windows of each watch, one watch after the other. Call ``label`` next, with their probabilities.
    """
    active = [watch for watch in watches if watch.arrivals.rows]
    if active:
        _advance(active, ended=ended)
    if ended:
        for watch in watches:
            watch._finish()
    return [window for watch in watches for window in watch.due]


class _Parts(NamedTuple):
    """Samples without a long gap, and the range of the wanted new samples, for all parts of all watches.

    Attributes:
        time_ns, signals, valid: the samples of all parts, ``[n]``.
        begins, ends: the rows of each part, int64 ``[parts]``.
        watch: the number of its watch, int64 ``[parts]``.
        first_ns, last_ns: new samples are wanted from the first to before the last time, int64 ``[parts]``.
    """

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    valid: NDArray[np.bool_]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    watch: NDArray[np.int64]
    first_ns: NDArray[np.int64]
    last_ns: NDArray[np.int64]


class _New(NamedTuple):
    """Resampled samples of all watches, one watch after the other; ``counts`` int64 ``[watches]``."""

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    valid: NDArray[np.bool_]
    counts: NDArray[np.int64]


def _advance(watches: list[Watch], *, ended: bool) -> None:
    """``advance`` for watches with samples."""
    specification = watches[0].specification
    found = gathered([watch.arrivals for watch in watches], specification)
    rows = found.counts if ended else found.decided
    next_ns = _next_ns(watches, found, rows, specification.resampler)
    parts, known_ns = _parts(found, rows, next_ns, specification.resampler, ended=ended)
    new = _resampled(parts, len(watches), specification.resampler)
    _extend(watches, new, next_ns, specification)
    if ended:
        return
    next_ns = np.maximum(next_ns, known_ns)
    _forget(watches, found, rows, next_ns, specification.resampler)


def _next_ns(
    watches: list[Watch], found: Gathered, rows: NDArray[np.int64], resampler: Resampler | None
) -> NDArray[np.int64]:
    """The time from which resampled samples are not known yet, or are changed by new samples, int64 ``[watches]``."""
    next_ns = np.array([watch._next_ns for watch in watches], dtype=np.int64)
    changed = np.array([watch.arrivals.changed for watch in watches], dtype=np.int64)
    if resampler is None:
        from_ns = found.time_ns[found.begins + np.minimum(changed, found.counts - 1)]
    else:
        row = np.maximum(np.minimum(changed - 2, rows - 1), 0)
        from_ns = found.time_ns[found.begins + row] - resampler.reach_ns
    return np.where((changed < found.counts) & (rows > 0), np.minimum(next_ns, from_ns), next_ns)


def _parts(
    found: Gathered, rows: NDArray[np.int64], next_ns: NDArray[np.int64], resampler: Resampler | None, *, ended: bool
) -> tuple[_Parts, NDArray[np.int64]]:
    """The samples that new resampled ones depend on, cut at long gaps; and the time before which these are known,
    int64 ``[watches]``."""
    first = np.zeros_like(rows)
    if resampler is not None:
        first = np.maximum(np.minimum(found.before(next_ns - needs_ns(resampler)), rows) - 3, 0)
    counts = rows - first
    kept = np.repeat(found.begins + first - starts_of(counts), counts) + np.arange(counts.sum())
    time_ns = found.time_ns[kept]
    some = np.flatnonzero(counts)  # a watch without decided rows has no part
    begins, watch = starts_of(counts)[some], some
    gaps = np.flatnonzero(time_ns[1:] - time_ns[:-1] > LONG_GAP_NS) + 1
    if len(gaps):
        owner = np.repeat(np.arange(len(counts)), counts)
        begins = np.union1d(begins, gaps[owner[gaps] == owner[gaps - 1]])
        watch = owner[begins]
    ends = np.append(begins[1:], len(time_ns))[: len(begins)]
    last_ns = np.full(len(begins), EVER)
    known_ns = np.full(len(counts), NEVER_NS)
    if not ended and len(begins):
        last = np.append(np.flatnonzero(watch[1:] != watch[:-1]), len(watch) - 1)  # the last part of each watch
        if resampler is None:
            last_ns[last] = time_ns[ends[last] - 1] + 1
        else:
            last_ns[last] = time_ns[np.maximum(ends[last] - 2, begins[last])] - resampler.reach_ns
        known_ns[watch[last]] = last_ns[last]
    parts = _Parts(time_ns, found.signals[kept], found.valid[kept], begins, ends, watch, next_ns[watch], last_ns)
    return parts, known_ns


def _resampled(parts: _Parts, watches: int, resampler: Resampler | None) -> _New:
    """The new samples of all parts.

    The filter does not reach over a gap. Each part is therefore shifted in time to well after the one before, by a
    whole number of the grid's cycles (and of samples that are filtered together), which leaves its samples the same as
    in a call of its own.
    """
    if len(parts.begins) == 0:
        return _New(parts.time_ns, parts.signals, parts.valid, np.zeros(watches, dtype=np.int64))
    begin_ns, end_ns = parts.time_ns[parts.begins], parts.time_ns[parts.ends - 1]
    move_ns = np.zeros_like(begin_ns)
    old = Samples(parts.time_ns, parts.signals, np.zeros(len(parts.time_ns), dtype=np.int16), parts.valid)
    if resampler is None:
        firsts, lasts = parts.begins.copy(), parts.ends.copy()
        for number in range(len(firsts)):
            time_ns = parts.time_ns[firsts[number] : lasts[number]]
            edges = time_ns.searchsorted([parts.first_ns[number], parts.last_ns[number]])
            firsts[number], lasts[number] = parts.begins[number] + edges
        new = old
    else:
        cycle_ns = resampler.grid.cycle_ns * TOGETHER
        phase_ns = begin_ns % cycle_ns
        # In cycles: the place of each part, and how much later the next one begins.
        taken = -(-(phase_ns + end_ns - begin_ns + resampler.longest_step_ns + cycle_ns) // cycle_ns)
        place = starts_of(taken) + 1 + resampler.longest_step_ns // cycle_ns
        move_ns = place * cycle_ns + phase_ns - begin_ns
        shifted = old._replace(time_ns=old.time_ns + np.repeat(move_ns, parts.ends - parts.begins))
        new = resampler.between(shifted, 0, EVER)
        after_ns = end_ns + move_ns + 1
        firsts = np.searchsorted(new.time_ns, np.maximum(parts.first_ns, begin_ns) + move_ns)
        highest_ns = np.where(parts.last_ns <= end_ns, parts.last_ns + move_ns, after_ns)
        lasts = np.maximum(np.searchsorted(new.time_ns, highest_ns), firsts)
    counts = lasts - firsts
    kept = np.repeat(firsts - starts_of(counts), counts) + np.arange(counts.sum())
    return _New(
        new.time_ns[kept] - np.repeat(move_ns, counts),
        new.signals[kept],
        new.valid[kept],
        np.bincount(parts.watch, counts, minlength=watches).astype(np.int64),
    )


def _extend(watches: list[Watch], new: _New, next_ns: NDArray[np.int64], specification: StreamSpecification) -> None:
    """Add the new samples to the windows of each watch."""
    ends = np.cumsum(new.counts)
    begins = ends - new.counts
    last_ns = np.array([watch._windows.last_ns for watch in watches], dtype=np.int64)
    valid = np.array([watch._windows.valid for watch in watches], dtype=bool)
    # A new sample that is not simply the next one: the first of all, after a gap, or valid when the one before is not.
    odd = new.valid != np.repeat(valid, new.counts)
    odd[1:] |= new.time_ns[1:] - new.time_ns[:-1] > specification.resampled_gap_ns
    first = begins[new.counts > 0]
    odd[first] = new.time_ns[first] - last_ns[new.counts > 0] > specification.resampled_gap_ns
    odd[first] |= new.valid[first] != valid[new.counts > 0]
    odd_before = np.concatenate([[0], np.cumsum(odd)])
    general = (odd_before[ends] > odd_before[begins]) | (next_ns <= last_ns)
    for watch, from_ns, begin, end, other in zip(
        watches, next_ns.tolist(), begins.tolist(), ends.tolist(), general.tolist(), strict=True
    ):
        if other:
            watch._take_back(from_ns)
            piece = new.time_ns[begin:end], new.signals[begin:end], new.valid[begin:end]
            watch._due += watch._windows.extend(from_ns, *piece)
        elif begin < end:
            watch._take_back(from_ns)
            watch._due += watch._windows.append(new.time_ns[begin:end], new.signals[begin:end])


def _forget(
    watches: list[Watch],
    found: Gathered,
    rows: NDArray[np.int64],
    next_ns: NDArray[np.int64],
    resampler: Resampler | None,
) -> None:
    """Forget the samples that neither late samples nor later windows need."""
    newest_ns = found.time_ns[found.begins + found.counts - 1]
    late = found.before(newest_ns - LATE_NS)
    if resampler is None:
        safe_ns, first = np.minimum(newest_ns - LATE_NS, next_ns), np.minimum(late, rows)
    else:
        # A late sample can become the neighbour of the row before; at the beginning of a stream no row is safe.
        row = np.maximum(np.minimum(late, rows) - 2, 0)
        safe_ns = np.minimum(next_ns, found.time_ns[found.begins + row] - resampler.reach_ns)
        safe_ns = np.where(late >= 2, safe_ns, NEVER_NS)
        first = np.maximum(found.before(safe_ns - needs_ns(resampler)) - 3, 0)
    begins = found.begins + first
    begun_ns = found.since_ns[begins].tolist()
    edges = zip(begins.tolist(), (found.begins + found.counts).tolist(), strict=True)
    columns = zip(watches, edges, (rows > 0).tolist(), next_ns.tolist(), safe_ns.tolist(), begun_ns, strict=True)
    for watch, (begin, end), some, now_ns, sure_ns, since_ns in columns:
        if not some:
            watch.arrivals.join()
            continue
        watch._next_ns, watch._safe_ns = now_ns, sure_ns
        watch._windows.trim(sure_ns)
        # Copies, because a view would keep the samples of all watches.
        watch.arrivals.keep(found.time_ns[begin:end].copy(), found.signals[begin:end].copy(), since_ns)


def needs_ns(resampler: Resampler) -> int:
    """The time before a new sample from which its input begins; the three samples before that are needed, too."""
    return resampler.reach_ns + round(resampler.grid.step_ns)
