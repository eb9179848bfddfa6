"""When the samples of pages were measured."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.readers.geneactiv.pages import LATE, Pages

__all__ = ["PageTimes", "page_times"]

EARLIEST = 0.8
"""A page that follows another this share of its length after it, or later, is squeezed rather than laid over it."""


@dataclass(frozen=True)
class PageTimes:
    """When the samples of pages were measured, by the watch's clock: each page begins with its time.

    Attributes:
        pages: the pages.
        step_ns: from sample to sample in each page, float64 ``[pages]``.
        rate_hz: samples a second, by the clock.
    """

    pages: Pages
    step_ns: NDArray[np.float64]
    rate_hz: float

    def of(self, first: int, last: int) -> NDArray[np.int64]:
        """The times in ns of the samples of the pages ``first`` to ``last`` (exclusive)."""
        pages, counts = self.pages, self.pages.samples
        whole = min(last, len(counts) - 1)  # all pages but the last are as long as one another
        local_ns = np.empty(int(counts[first:last].sum()), dtype=np.int64)
        before_last = int(counts[first:whole].sum())
        grid = local_ns[:before_last].reshape(max(0, whole - first), int(counts[0]) if whole > first else 0)
        steps = self.step_ns[first:whole, np.newaxis]
        np.multiply(steps, np.arange(grid.shape[1]), out=grid, casting="unsafe")  # without a copy
        grid += pages.time_ns[first:whole, np.newaxis]
        if last == len(counts):
            end = np.rint(self.step_ns[-1] * np.arange(counts[-1])).astype(np.int64)
            local_ns[before_last:] = pages.time_ns[-1] + end
        return local_ns


def page_times(pages: Pages) -> PageTimes:
    """The times of all pages, each spread up to the next where nothing is missing between the two."""
    counts = pages.samples
    length = counts[:-1] * (1e9 / pages.rate_hz[:-1])
    to_next = np.diff(pages.time_ns)
    lasting = (to_next >= EARLIEST * length) & (to_next <= (1 + LATE) * length) & (np.diff(pages.number) == 1)
    rate_hz = float(pages.rate_hz[0])
    if lasting.any():
        rate_hz = float(counts[:-1][lasting].sum()) / float(to_next[lasting].sum() / 1e9)
    step = np.full(len(counts), 1e9 / rate_hz)
    step[:-1][lasting] = to_next[lasting] / counts[:-1][lasting]
    return PageTimes(pages, step, rate_hz)
