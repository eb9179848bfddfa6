"""Intervals of the labels in a recording's own file, from its samples in pieces."""

import numpy as np

from harken.recordings.recording import UNLABELLED
from harken.recordings.source import Samples
from harken.support.arrays import Int64Array


class LabelColumn:
    """Takes a stream of samples, and gives the intervals of their labels.

    A bout goes from its first sample to the first sample with another label. Before a gap, and at the end, it lasts one
    step longer than to its last sample, so that this sample belongs to it, too.

    >>> import numpy as np
    >>> from harken.annotating.label_column import LabelColumn
    >>> from harken.recordings.source import Samples
    >>> column = LabelColumn(gap_ns=500)
    >>> codes = np.array([0, 0, 1, 1], np.int16)
    >>> column.push(Samples(np.array([0, 100, 200, 300]), np.zeros((4, 3), np.float32), codes, codes >= 0))
    >>> column.finish(("lying", "sitting"), step_ns=100)
    [(0, 200, 'lying'), (200, 400, 'sitting')]

    Args:
        gap_ns: two samples further apart than this have a gap between them.
    """

    def __init__(self, *, gap_ns: int) -> None:
        self._gap_ns = gap_ns
        self._runs: list[Int64Array] = []  # code, first time, last time

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before."""
        if len(samples.time_ns):
            rows = np.stack([samples.label_codes.astype(np.int64), samples.time_ns, samples.time_ns])
            self._runs.append(self._joined(rows))

    def finish(self, names: tuple[str, ...], *, step_ns: int) -> list[tuple[int, int, str]]:
        """The intervals (start, end, label) in order.

        Args:
            names: the labels of the codes.
            step_ns: the time from one sample to the next.
        """
        if not self._runs:
            return []
        code, first, last = self._joined(np.concatenate(self._runs, axis=1))
        following = np.append(first[1:], np.iinfo(np.int64).max)
        together = following - last <= self._gap_ns
        end = np.where(together, following, np.minimum(last + step_ns, following))
        bouts = zip(code.tolist(), first.tolist(), end.tolist(), strict=True)
        return [(start, stop, names[label]) for label, start, stop in bouts if label != UNLABELLED]

    def _joined(self, runs: Int64Array) -> Int64Array:
        """Runs ``[3, n]`` in which those with one label and no gap between them are one."""
        code, first, last = runs
        begins = (np.diff(code) != 0) | (first[1:] - last[:-1] > self._gap_ns)
        firsts = np.append(0, np.flatnonzero(begins) + 1)
        lasts = np.append(firsts[1:], len(code)) - 1
        return np.stack([code[firsts], first[firsts], last[lasts]])
