"""The messages of a tick -> arrays. Usual messages are converted together, all others one by one (``samples_of``)."""

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.labelling.live.watch import LATEST_NS
from harken.recordings.recording import STANDARD_GRAVITY
from harken.server.limits import RefusedError
from harken.server.sample_messages import milliseconds_to_ns, samples_of

COLUMNS = 4
"""Time, x, y and z."""
PER_G = {"g": 1.0, "m/s2": STANDARD_GRAVITY}


class Lot(NamedTuple):
    """The samples of a message.

    Attributes:
        signals, time_ns: float32 ``[n, 3]`` in g, int64 ``[n]``: parts of the arrays of all messages.
        latest_ns: the latest time; 0 without samples.
        span_ns: the first and last time, if the times are valid and rise; else None.
    """

    signals: NDArray[np.float32]
    time_ns: NDArray[np.int64]
    latest_ns: int
    span_ns: tuple[int, int] | None


class _UsualMessages:
    """Messages with ``time_ms``, packed as doubles: all times of a message, then all x, all y, and all z."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._counts: list[int] = []
        self._per_g: list[float] = []

    def add(self, text: bytes) -> int:
        """Add a message; returns the number of its samples. Of an unusual message nothing is added, and it is -1:
        of one with other values than numbers, or with an error."""
        if b"true" in text or b"false" in text:  # which would be packed as numbers
            return -1
        try:
            message = orjson.loads(text)
            times, x, y, z = message["time_ms"], message["x"], message["y"], message["z"]
            per_g = PER_G[message.get("unit", "g")]
            count = len(times)
            if not (type(times) is type(x) is type(y) is type(z) is list) or "time_ns" in message:
                return -1
            if not (len(x) == len(y) == len(z) == count):
                return -1
            packed = struct.pack(f"{COLUMNS * count}d", *times, *x, *y, *z)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, OverflowError, struct.error):
            return -1
        self._packed.append(packed)
        self._counts.append(count)
        self._per_g.append(per_g)
        return count

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Signals in g, float32 ``[n, 3]``, and times in milliseconds, float64 ``[n]``, of all messages."""
        values = np.frombuffer(b"".join(self._packed), dtype=np.float64)
        counts = np.array(self._counts, dtype=np.int64)
        column = np.repeat(counts, counts)  # how far apart the values of a sample are
        row = np.arange(len(column)) + np.repeat((COLUMNS - 1) * (np.cumsum(counts) - counts), counts)
        signals = np.empty((len(row), COLUMNS - 1), dtype=np.float32)
        with np.errstate(over="ignore"):
            for axis in range(COLUMNS - 1):
                signals[:, axis] = values[row + (axis + 1) * column]
        if max(self._per_g, default=1.0) > 1:
            signals /= np.repeat(np.array(self._per_g, dtype=np.float32), counts)[:, None]
        return signals, values[row]


def read_messages(texts: Sequence[bytes]) -> list[Lot | RefusedError]:
    """The samples of each message as ``samples_of`` gives them, or why it cannot be read."""
    usual = _UsualMessages()
    counts = [usual.add(text) for text in texts]
    signals, time_ms = usual.arrays()
    time_ns, possible = milliseconds_to_ns(time_ms)
    ends = list(accumulate(max(count, 0) for count in counts))
    if min(counts, default=0) >= 0 and possible.all():  # the usual case
        return list(_lots(signals, time_ns, ends))
    lots = iter(_lots(signals, time_ns, ends))
    found: list[Lot | RefusedError] = []
    for text, count, end, lot in zip(texts, counts, ends, lots, strict=True):
        if count >= 0 and possible[end - count : end].all():
            found.append(lot)
            continue
        try:
            other = samples_of(text)
            found += _lots(*other, [len(other[1])])
        except RefusedError as refusal:
            found.append(refusal)
    return found


def _lots(signals: NDArray[np.float32], time_ns: NDArray[np.int64], ends: Sequence[int]) -> list[Lot]:
    """The samples cut into messages that end at these rows."""
    end = np.array(ends, dtype=np.int64)
    begin = np.append(0, end)[:-1]
    first_ns, last_ns, latest_ns = np.zeros((3, len(end)), dtype=np.int64)
    rising = np.zeros(len(end), dtype=bool)
    some = np.flatnonzero(end > begin)
    if len(some):
        first_ns[some], last_ns[some] = time_ns[begin[some]], time_ns[end[some] - 1]
        latest_ns[some] = np.maximum.reduceat(time_ns, begin[some])
        falls = np.concatenate([[False], time_ns[1:] <= time_ns[:-1]])
        falls[begin[some]] = False
        rising[some] = ~np.logical_or.reduceat(falls, begin[some])
        rising &= (first_ns >= 0) & (last_ns < LATEST_NS)
    columns = begin.tolist(), ends, latest_ns.tolist(), first_ns.tolist(), last_ns.tolist(), rising.tolist()
    return [
        Lot(signals[first:last], time_ns[first:last], latest, (earliest, newest) if rises else None)
        for first, last, latest, earliest, newest, rises in zip(*columns, strict=True)
    ]
