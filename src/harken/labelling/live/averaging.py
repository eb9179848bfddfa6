"""Windows of one watch -> rows of its timeline: the mean over the windows that cover a step, as offline."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.plan import Plan
from harken.labelling.live.updates import Step
from harken.labelling.live.windowing import End, Window

__all__ = ["Averaging"]


class Averaging:
    """Sums over the windows that cover the steps of a stretch which are not final yet."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # A row for each step; its last column is how many samples of windows cover it.
        self._sums = np.zeros((len(plan.covered) + 2, len(plan.specification.labels) + 1))
        self.clear()

    def clear(self) -> None:
        """Before a stretch."""
        self._sums[:] = 0
        self._first = 0  # the step that the first row of sums is of
        self._starts_ns: list[int] = []  # of the steps from there on, as far as windows begin with them

    def add(self, window: Window, probabilities: NDArray[np.float32]) -> list[Step]:
        """Take the next window of the stretch; gives the steps that no later one can cover."""
        length, hop = self._plan.length, self._plan.hop
        step, off = divmod(window.place, hop)
        if off:  # the last one, which ends where the stretch does
            steps = np.arange(step, -(-(window.place + length) // hop))
            inside = np.minimum(window.place + length, (steps + 1) * hop) - np.maximum(window.place, steps * hop)
            self._count(step - self._first, inside, probabilities)
            return []
        final = self._take(window.start_ns) if self._starts_ns else []
        self._starts_ns.append(window.start_ns)
        self._count(0, self._plan.covered, probabilities)
        return final

    def _count(self, row: int, samples: NDArray[Any], probabilities: NDArray[np.float32]) -> None:
        """A window covers so many samples of the steps from a row on."""
        sums = self._sums[row : row + len(samples)]
        sums[:, :-1] += samples[:, None] * probabilities
        sums[:, -1] += samples

    def end(self, end: End) -> list[Step]:
        """The stretch has ended: all its steps that are left."""
        edges = [*self._starts_ns[1:], *end.starts_ns, end.end_ns]
        self._starts_ns += end.starts_ns
        steps = [self._take(edge)[0] for edge in edges]
        self.clear()
        return steps

    def _take(self, end_ns: int) -> list[Step]:
        """The first step, which ends then; the next one becomes the first."""
        probabilities = (self._sums[0, :-1] / self._sums[0, -1]).astype(np.float32)
        self._sums[:-1] = self._sums[1:]
        self._sums[-1] = 0
        self._first += 1
        return [Step(self._starts_ns.pop(0), end_ns, probabilities)]
