"""One watch as the server knows it: its stream, the last hour of its labels, its last samples, who looks on."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.live import Plan, Step, Update, Watch
from harken.server.limits import Limits, RefusedError
from harken.server.outbox import Outbox

__all__ = ["HOUR_NS", "Session"]

HOUR_NS = 3600 * 10**9
MOST_TOLD = 3600
MOST_FINAL = 600
FINE = 65535
"""What was told is kept as whole numbers: a page shows no more than four decimals of a probability."""
NO_BOUT, NO_WINDOW = -1, -2
SHOWN_NS = 30 * 10**9
SHOWN_HZ = 50
DECIMALS = 4
MS = 10**6


class Rows:
    """The latest rows of whole numbers and probabilities, in arrays that grow up to ``most`` rows."""

    def __init__(self, numbers: int, labels: int, *, most: int, kind: type[np.float32] | type[np.uint16]) -> None:
        self._numbers = np.empty((16, numbers), dtype=np.int64)
        self._probabilities = np.empty((16, labels), dtype=kind)
        self._most = most
        self._first = self._last = 0

    def append(self, numbers: tuple[int, ...], probabilities: NDArray[Any]) -> None:
        """One more row; the first goes when there are too many."""
        if self._last == len(self._numbers):
            kept = slice(max(self._first, self._last - self._most + 1), self._last)
            count = kept.stop - kept.start
            room = min(2 * count, self._most + self._most // 8) + 16
            for name in ("_numbers", "_probabilities"):
                old = getattr(self, name)
                new = np.empty((room, old.shape[1]), dtype=old.dtype)
                new[:count] = old[kept]
                setattr(self, name, new)
            self._first, self._last = 0, count
        self._numbers[self._last] = numbers
        self._probabilities[self._last] = probabilities
        self._last += 1
        self._first = max(self._first, self._last - self._most)

    def keep(self, column: int, *, below: int | None = None, above: int | None = None) -> None:
        """Drop rows at the end that are not ``below``, and at the beginning that are not ``above``."""
        numbers = self._numbers
        while below is not None and self._last > self._first and numbers[self._last - 1, column] >= below:
            self._last -= 1
        while above is not None and self._last > self._first and numbers[self._first, column] <= above:
            self._first += 1

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """All rows."""
        rows = slice(self._first, self._last)
        return self._numbers[rows], self._probabilities[rows]


class Session:
    """A watch that sends, or sent until a while ago.

    Attributes:
        name: what the watch is called by its sender.
        stream: its samples on their way to labels.
        label: of the bout that lasts; None where there is none.
        viewers, senders: the sockets that are told of it.
        since_ns, last_ns: its first and last sample.
        heard_s: when it last sent, by the server's clock.
    """

    def __init__(self, name: str, plan: Plan, limits: Limits, now_s: float) -> None:
        self.name, self.plan = name, plan
        self.stream = Watch(plan)
        self.label: str | None = None
        self.viewers: set[Outbox] = set()
        self.senders: set[Outbox] = set()
        self.since_ns = self.last_ns = 0
        self.heard_s = now_s
        self.came_s: float | None = None  # when the first sample came that no tick has seen
        self._limits = limits
        self._allowed, self._allowed_s = limits.samples_burst, now_s
        labels = len(plan.specification.labels)
        self._told = Rows(2, labels, most=MOST_TOLD, kind=np.uint16)  # end, code of the label
        self._final = Rows(2, labels, most=MOST_FINAL, kind=np.float32)  # start, end
        self._shown: deque[tuple[NDArray[np.int64], NDArray[np.float32]]] = deque()
        self.fresh: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []

    def allow(self, samples: int, now_s: float) -> None:
        """Raise ``RefusedError`` when the watch sends more samples than it may."""
        limits = self._limits
        self._allowed += (now_s - self._allowed_s) * limits.samples_per_s
        self._allowed, self._allowed_s = min(self._allowed, limits.samples_burst), now_s
        if samples > self._allowed:
            raise RefusedError(
                429,
                4429,
                f"a watch may send {limits.samples_per_s:g} samples a second; wait, and send fewer",
                reason="rate",
                retry_s=max(1, round((min(samples, limits.samples_burst) - self._allowed) / limits.samples_per_s)),
            )
        self._allowed -= samples

    def take(self, signals: NDArray[np.float32], time_ns: NDArray[np.int64], now_s: float) -> None:
        """Take samples; raises ``HarkenError`` for those that cannot be."""
        self.stream.add(signals, time_ns)
        first, last = int(time_ns[0]), int(time_ns[-1])
        if self.last_ns == 0:
            self.since_ns = first
        self.last_ns = max(self.last_ns, last)
        self.heard_s = now_s
        if self.came_s is None:
            self.came_s = now_s
        shown = time_ns, signals
        self._shown.append(shown)
        while self._shown and self._shown[0][0][-1] < self.last_ns - SHOWN_NS:
            self._shown.popleft()
        while len(self._shown) > SHOWN_HZ * SHOWN_NS // 10**9:
            self._shown.popleft()
        if self.viewers:
            self.fresh.append(shown)

    def hear(self, updates: Iterable[Update]) -> list[dict[str, Any]]:
        """Remember what was told, and give it as messages."""
        labels = self.plan.specification.labels
        messages = []
        for update in updates:
            self.label = update.label
            self._told.keep(0, below=update.end_ns)  # told anew
            window = bool(update.probabilities[0] == update.probabilities[0])
            code = labels.index(update.label) if update.label is not None else NO_BOUT if window else NO_WINDOW
            shares = np.rint(update.probabilities * FINE) if window else np.zeros(len(labels))
            self._told.append((update.end_ns, code), shares)
            for step in update.steps:
                self._remember(step)
            messages.append(
                {
                    "type": "label",
                    "watch": self.name,
                    "end_ms": update.end_ns // MS,
                    "label": update.label,
                    "probabilities": rounded(update.probabilities) if window else [],
                    "entered": update.entered,
                    "left": update.left,
                }
            )
        self._told.keep(0, above=self.last_ns - HOUR_NS)
        return messages

    def _remember(self, step: Step) -> None:
        self._final.append((step.start_ns, step.end_ns), step.probabilities)

    def about(self) -> dict[str, Any]:
        """A line of ``/api/watches``."""
        return {
            "watch": self.name,
            "since_ms": self.since_ns // MS,
            "last_ms": self.last_ns // MS,
            "label": self.label,
            "sample_rate_hz": self._rate_hz(),
        }

    def _rate_hz(self) -> float | None:
        """Samples a second, of the last seconds."""
        chunks = list(self._shown)[-10:]
        times = [chunk[0] for chunk in chunks]
        count = sum(map(len, times))
        if count < 2:
            return None
        span = int(max(time.max() for time in times)) - int(min(time.min() for time in times))
        return round((count - 1) * 1e9 / span, 2) if span > 0 else None

    def history(self) -> dict[str, Any]:
        """The last hour of labels and the last seconds of samples, for somebody who begins to look."""
        labels = self.plan.specification.labels
        numbers, probabilities = self._told.arrays()
        return {
            "type": "history",
            "watch": self.name,
            "labels": [
                {
                    "end_ms": end // MS,
                    "label": labels[code] if code >= 0 else None,
                    "probabilities": rounded(each / FINE) if code != NO_WINDOW else [],
                }
                for (end, code), each in zip(numbers.tolist(), probabilities, strict=True)
            ],
            "samples": thinned(list(self._shown)),
        }

    def timeline(self) -> dict[str, Any]:
        """The latest rows that are final, as an offline run gives them."""
        labels = self.plan.specification.labels
        numbers, probabilities = self._final.arrays()
        return {
            "watch": self.name,
            "labels": list(labels),
            "hop_s": self.plan.offline.hop_s,
            "rows": [
                {
                    "start_ms": start / MS,
                    "end_ms": end / MS,
                    "label": labels[int(each.argmax())],
                    "probabilities": [round(float(share), 7) for share in each],
                }
                for (start, end), each in zip(numbers.tolist(), probabilities, strict=True)
            ],
        }

    def take_fresh(self) -> dict[str, Any] | None:
        """The samples since the last time, for those who look on."""
        if not self.fresh:
            return None
        fresh, self.fresh = self.fresh, []
        return {"type": "samples", "watch": self.name, **thinned(fresh)}


def rounded(probabilities: NDArray[np.floating]) -> list[float]:
    """For JSON."""
    return [round(share, DECIMALS) for share in probabilities.tolist()]


def thinned(chunks: list[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> dict[str, list[Any]]:
    """Samples in order, at most some 50 a second; those without a value are left out."""
    if not chunks:
        return {"t_ms": [], "x": [], "y": [], "z": []}
    time_ns = np.concatenate([chunk[0] for chunk in chunks])
    signals = np.concatenate([chunk[1] for chunk in chunks])
    kept = np.isfinite(signals).all(axis=1)
    time_ns, signals = time_ns[kept], signals[kept]
    # One sample of each fiftieth of a second: the first.
    _, rows = np.unique(time_ns // (10**9 // SHOWN_HZ), return_index=True)
    x, y, z = np.round(signals[rows].astype(np.float64), 3).T.tolist() if len(rows) else ([], [], [])
    return {"t_ms": (time_ns[rows] // MS).tolist(), "x": x, "y": y, "z": z}
