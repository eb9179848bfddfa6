"""The latest rows of a watch's timeline that are final."""

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live import Step
from harken.server.even_runs import EvenRuns

__all__ = ["FinalRows"]


class FinalRows:
    """Up to ``most`` rows: when each begins and ends, and the probabilities of ``labels`` labels."""

    __slots__ = ("_ends", "_labels", "_most", "_probabilities", "_starts")

    def __init__(self, labels: int, *, most: int) -> None:
        self._labels, self._most = labels, most
        self._starts, self._ends = EvenRuns(), EvenRuns()
        self._probabilities = bytearray()  # a row's float32 after the other's

    def append(self, step: Step) -> None:
        """One more row; the first goes when there are too many."""
        self._starts.append(step.start_ns)
        self._ends.append(step.end_ns)
        self._probabilities += step.probabilities.tobytes()
        if len(self._starts) > self._most:
            self._starts.drop_first(1)
            self._ends.drop_first(1)
            del self._probabilities[: 4 * self._labels]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Starts and ends ``[n]``, probabilities ``[n, labels]``."""
        # A copy, since a bytearray that is looked into cannot grow.
        probabilities = np.frombuffer(bytes(self._probabilities), dtype=np.float32).reshape(-1, self._labels)
        return self._starts.arrays()[0], self._ends.arrays()[0], probabilities
