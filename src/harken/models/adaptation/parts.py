"""Labelled time in a few parts for a cross-validation, a window's length between any two of them."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PARTS", "NOWHERE", "far_from", "time_parts"]

MOST_PARTS = 3
NOWHERE = -1
"""The part of a window that stands in the gap between two parts."""


def time_parts(
    starts_ns: NDArray[np.int64], codes: NDArray[np.int64], *, duration_ns: int, slack_ns: int
) -> NDArray[np.int64]:
    """The part of each window, int64 ``[n]``: 0, 1, 2, or ``NOWHERE``.

    Each label's time is cut by itself, so that every part has some of each label that lasts long enough: three
    windows' lengths in one piece, or two bouts a window's length apart. Others stand in one part as a whole.

    Args:
        starts_ns, codes: when windows begin, and their labels, ``[n]``.
        duration_ns: of a window.
        slack_ns: by which a gap may fall short, since clocks are rounded.
    """
    gap = 2 * duration_ns - slack_ns  # between the starts of two windows that are a window's length apart
    result = np.full(len(codes), NOWHERE, dtype=np.int64)
    for rank, code in enumerate(np.unique(codes)):
        mine = np.flatnonzero(codes == code)
        mine = mine[np.argsort(starts_ns[mine], kind="stable")]
        # A break between two bouts counts as a gap and no more: it is one already.
        time = np.cumsum(np.minimum(np.diff(starts_ns[mine], prepend=starts_ns[mine[0]]), gap))
        span = int(time[-1])
        if span < gap:
            result[mine] = rank % MOST_PARTS
            continue
        # As many parts as leave each of them two windows' lengths, but two at least.
        parts = int(np.clip((span + 2 * duration_ns) // (3 * duration_ns), 2, MOST_PARTS))
        width = (span - (parts - 1) * gap) / parts
        slack = slack_ns + 1  # a width is no whole number of nanoseconds
        part = np.minimum(((time + slack) / (width + gap)).astype(np.int64), parts - 1)
        result[mine] = np.where(time - part * (width + gap) <= width + slack, part, NOWHERE)
    return result


def far_from(
    tests_ns: NDArray[np.int64], starts_ns: NDArray[np.int64], *, duration_ns: int, slack_ns: int
) -> NDArray[np.bool_]:
    """Which windows end a window's length before every tested one or begin so long after it, bool ``[n]``.

    ``time_parts`` keeps a label's own windows apart; this does so for those of two labels, too.

    Args:
        tests_ns: when the tested windows begin, one or more of them, in any order.
        starts_ns: when the windows in question begin, ``[n]``.
        duration_ns, slack_ns: as for ``time_parts``.
    """
    tests = np.sort(tests_ns)
    after = np.searchsorted(tests, starts_ns)
    before_it, behind_it = tests[np.maximum(after - 1, 0)], tests[np.minimum(after, len(tests) - 1)]
    nearest = np.minimum(np.abs(starts_ns - before_it), np.abs(behind_it - starts_ns))
    return np.asarray(nearest >= 2 * duration_ns - 4 * slack_ns)
