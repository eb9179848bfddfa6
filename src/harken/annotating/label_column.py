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
        self._last: Int64Array | None = None

    def push(self, samples: Samples) -> None:
        """Add samples, later than all before."""
        if len(samples.time_ns) == 0:
            return
        time_ns, codes = samples.time_ns, samples.label_codes.astype(np.int64)
        new = (np.diff(codes) != 0) | (np.diff(time_ns) > self._gap_ns)
        firsts = np.concatenate([[0], np.flatnonzero(new) + 1])
        lasts = np.append(firsts[1:], len(codes)) - 1
        runs = np.stack([codes[firsts], time_ns[firsts], time_ns[lasts]], axis=1)
        if self._last is not None:
            if self._last[0] == runs[0, 0] and runs[0, 1] - self._last[2] <= self._gap_ns:
                runs[0, 1] = self._last[1]
            else:
                self._runs.append(self._last[None])
        self._runs.append(runs[:-1])
        self._last = runs[-1]

    def finish(self, names: tuple[str, ...], *, step_ns: int) -> list[tuple[int, int, str]]:
        """The intervals (start, end, label) in order.

        Args:
            names: the labels of the codes.
            step_ns: the time from one sample to the next.
        """
        if self._last is None:
            return []
        code, first, last = np.concatenate([*self._runs, self._last[None]]).T
        following = np.append(first[1:], np.iinfo(np.int64).max)
        together = following - last <= self._gap_ns
        end = np.where(together, following, np.minimum(last + step_ns, following))
        chosen = code != UNLABELLED
        labels = [names[each] for each in code[chosen].tolist()]
        return list(zip(first[chosen].tolist(), end[chosen].tolist(), labels, strict=True))
