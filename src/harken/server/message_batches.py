"""The messages of a tick -> arrays. Usual messages are converted together, all others one by one (``samples_of``)."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import orjson
from numpy.typing import NDArray

from harken.labelling.live.arrivals import LATEST_NS
from harken.recordings.recording import STANDARD_GRAVITY
from harken.server.limits import RefusedError
from harken.server.sample_messages import milliseconds_to_ns, samples_of

__all__ = ["MessageBatch", "read_messages"]

COLUMNS = 4
"""Time, x, y and z."""
PER_G = {"g": 1.0, "m/s2": STANDARD_GRAVITY}


@dataclass(frozen=True, eq=False)
class MessageBatch:
    """The samples of messages.

    Attributes:
        signals, time_ns: the samples of all messages, float32 ``[n, 3]`` in g, int64 ``[n]``.
        begins, ends: the rows of each message.
        refusals: why a message cannot be read; None if it can.
        first_ns, last_ns, latest_ns: the times of the first and last sample of each message, and its latest time.
        rising: whether the times of each message are valid and rise.
    """

    signals: NDArray[np.float32]
    time_ns: NDArray[np.int64]
    begins: list[int]
    ends: list[int]
    refusals: list[RefusedError | None]
    first_ns: list[int]
    last_ns: list[int]
    latest_ns: list[int]
    rising: list[bool]


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


def read_messages(texts: Sequence[bytes]) -> MessageBatch:
    """The samples of messages, as ``samples_of`` gives them for each."""
    usual = _UsualMessages()
    counts = [usual.add(text) for text in texts]
    signals, time_ms = usual.arrays()
    time_ns, possible = milliseconds_to_ns(time_ms)
    others = [(signals, time_ns)]
    begins, ends, refusals, end, other_end = [], [], list[RefusedError | None](), 0, len(time_ns)
    all_possible = bool(possible.all())
    for text, count in zip(texts, counts, strict=True):
        refusal, begin = None, end
        end += max(count, 0)
        if count < 0 or not (all_possible or possible[begin:end].all()):
            try:
                others.append(samples_of(text))
            except RefusedError as error:
                refusal = error
                others.append((signals[:0], time_ns[:0]))
            begins.append(other_end)
            other_end += len(others[-1][1])
            ends.append(other_end)
        else:
            begins.append(begin)
            ends.append(end)
        refusals.append(refusal)
    if len(others) > 1:
        signals, time_ns = np.concatenate([each for each, _ in others]), np.concatenate([each for _, each in others])
    return _described(signals, time_ns, begins, ends, refusals)


def _described(
    signals: NDArray[np.float32],
    time_ns: NDArray[np.int64],
    begins: list[int],
    ends: list[int],
    refusals: list[RefusedError | None],
) -> MessageBatch:
    """The batch with the times of each message."""
    first_ns, last_ns, latest_ns = np.zeros((3, len(begins)), dtype=np.int64)
    rising = np.zeros(len(begins), dtype=bool)
    begin, end = np.array(begins, dtype=np.int64), np.array(ends, dtype=np.int64)
    some = np.flatnonzero(end > begin)
    if len(some):
        first, last = begin[some], end[some] - 1
        first_ns[some], last_ns[some] = time_ns[first], time_ns[last]
        edges = np.stack([first, last + 1], axis=1).ravel()  # every second piece is between two messages
        latest_ns[some] = np.maximum.reduceat(np.append(time_ns, 0), edges)[::2]
        falls = np.concatenate([[False], time_ns[1:] <= time_ns[:-1], [False]])
        falls[first] = False
        rising[some] = ~np.logical_or.reduceat(falls, edges)[::2]
        rising &= (first_ns >= 0) & (last_ns < LATEST_NS)
    times = first_ns.tolist(), last_ns.tolist(), latest_ns.tolist()
    return MessageBatch(signals, time_ns, begins, ends, refusals, *times, rising.tolist())
