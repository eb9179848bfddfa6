"""What a live recogniser answers: the label now, and the rows of the timeline that will not change any more."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Step", "Update"]


class Step(NamedTuple):
    """A row of the timeline, as ``harken.timelines`` gives it for the same samples.

    ``start_ns`` and ``end_ns`` in UTC since 1970; ``probabilities`` float32 ``[labels]``.
    """

    start_ns: int
    end_ns: int
    probabilities: NDArray[np.float32]


class Update(NamedTuple):
    """What has become known.

    Attributes:
        end_ns: the end of the window that this is about. It was told before where late samples have changed the
            window: then this replaces what was said of it and of all after it.
        label: of the bout that lasts at ``end_ns``; None where no label is probable enough, and where a stretch ended.
        probabilities: of each label in the window, float32 ``[labels]``: what an offline run would say of its last
            step if the samples ended there. NaN where a stretch ended: there is no window.
        entered: the label of a bout that began with this window.
        left: the label of a bout that ended before it.
        steps: rows of the timeline that have become final: averaged over all windows that cover them, and too old
            for late samples. They are some window's length behind.
    """

    end_ns: int
    label: str | None
    probabilities: NDArray[np.float32]
    entered: str | None
    left: str | None
    steps: tuple[Step, ...] = ()
