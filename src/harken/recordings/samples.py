"""The part of a recording that changes from sample to sample, for steps that work on a stream."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording

__all__ = ["Samples", "joined"]


class Samples(NamedTuple):
    """Samples in the order of their times, as in a ``Recording``, but possibly none.

    ``time_ns`` int64 ``[n]``, ``signals`` float32 ``[n, channels]``, ``label_codes`` int16 ``[n]``, ``valid`` bool
    ``[n]``.
    """

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    label_codes: NDArray[np.int16]
    valid: NDArray[np.bool_]

    @classmethod
    def of(cls, recording: Recording) -> "Samples":
        """All samples of a recording."""
        return cls(recording.time_ns, recording.signals, recording.label_codes, recording.valid)

    def part(self, first: int, last: int) -> "Samples":
        """The samples ``first`` to ``last`` (exclusive)."""
        rows = slice(first, last)
        return Samples(self.time_ns[rows], self.signals[rows], self.label_codes[rows], self.valid[rows])

    def chosen(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Samples":
        """Copies of the samples that a mask ``[n]``, or row numbers, choose."""
        return Samples(self.time_ns[rows], self.signals[rows], self.label_codes[rows], self.valid[rows])


def joined(parts: Sequence[Samples]) -> Samples:
    """Samples that follow one another, in one; copies of them."""
    return Samples(
        np.concatenate([part.time_ns for part in parts]),
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.label_codes for part in parts]),
        np.concatenate([part.valid for part in parts]),
    )
