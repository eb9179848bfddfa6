"""The state of one watch in the server: its stream, an hour of labels, half a minute of samples, and its sockets.

A history takes little memory: samples are thinned for drawing, and labels are kept as runs of one label.
"""

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.watch import StreamSpecification, Update, Watch
from harken.support.arrays import Float32Array, Int16Array, Int64Array
from harken.web.limits import Limits, RefusedError
from harken.web.record.clock import WatchClock
from harken.web.sample_messages import DeviceSensors

if TYPE_CHECKING:
    from harken.web.clients import Client

Lot = tuple[Int64Array, Int16Array]
"""Times ``[n]`` in milliseconds since 1970, and signals ``[n, 3]`` in 1/1000 g."""
NO_LABEL = -1
DECIMALS = 4
MS = 10**6
SHOWN_S, SHOWN_HZ = 30, 50
SLOT_MS = 1000 // SHOWN_HZ
FINE = 1000
LARGEST = 32_767
HOUR_NS = 3600 * 10**9
MOST_LABELS = 3600
MOST_LOTS, MOST_NEW = 8, 512
"""Lots, and new samples in them, after which they are joined. Joining each message would take more time."""


class RecentSamples:
    """The samples of the latest half minute: the first to arrive for each fiftieth of a second."""

    def __init__(self) -> None:
        self._lots: list[Lot] = []
        self._new = 0

    def add(self, lot: Lot) -> None:
        """Add samples in any order."""
        self._lots.append(lot)
        self._new += len(lot[0])
        if len(self._lots) > MOST_LOTS or self._new > MOST_NEW:
            self._lots, self._new = [self.latest()], 0

    def latest(self) -> Lot:
        """The samples in order of time."""
        t_ms, values = thinned(self._lots)
        kept = t_ms // SLOT_MS > t_ms[-1:] // SLOT_MS - SHOWN_S * SHOWN_HZ
        return t_ms[kept], values[kept]


def lot_of(time_ns: Int64Array, signals: Float32Array) -> Lot:
    """Samples for drawing: those without a missing value, clipped to 32.767 g, which no wrist reaches."""
    if not np.isfinite(signals).all():
        kept = np.isfinite(signals).all(axis=1)
        time_ns, signals = time_ns[kept], signals[kept]
    return time_ns // MS, np.rint(signals.astype(np.float64) * FINE).clip(-LARGEST, LARGEST).astype(np.int16)


def thinned(lots: Sequence[Lot]) -> Lot:
    """Samples in order of time, at most about 50 a second: the first in ``lots`` for each fiftieth of a second."""
    t_ms = np.concatenate([times for times, _ in lots] or [np.empty(0, np.int64)])
    values = np.concatenate([values for _, values in lots] or [np.empty((0, 3), np.int16)])
    _, rows = np.unique(t_ms // SLOT_MS, return_index=True)
    return t_ms[rows], values[rows]


def drawn(lot: Lot) -> dict[str, list[Any]]:
    """Samples as the page gets them."""
    t_ms, values = lot
    return {"t_ms": t_ms.tolist()} | dict(zip("xyz", (values / FINE).T.tolist(), strict=True))


class RecentLabels:
    """The labels of the latest hour, stored as runs of one label, each label a hop after the one before.

    An hour of one label is one run; in the worst case, a label takes 12 bytes.

    Args:
        hop_ns: the usual time from one label to the next.
    """

    def __init__(self, hop_ns: int) -> None:
        self._hop_ns = hop_ns
        self._runs = self._firsts, self._counts, self._codes = array("q"), array("h"), array("h")

    def put(self, end_ns: int, code: int) -> None:
        """Add a label with the end of its window; it replaces those with this end or a later one."""
        while self._firsts and self._firsts[-1] >= end_ns:
            self._drop(-1)
        while self._firsts and self._firsts[0] + self._counts[0] * self._hop_ns < end_ns - HOUR_NS:
            self._drop(0)
        if self._firsts:
            hops, rest = divmod(end_ns - self._firsts[-1], self._hop_ns)
            self._counts[-1] = count = min(self._counts[-1], hops + (rest > 0))
            if rest == 0 and count == hops < MOST_LABELS and code == self._codes[-1]:
                self._counts[-1] = count + 1
                return
        for column, value in zip(self._runs, (end_ns, 1, code), strict=True):
            column.append(value)

    def _drop(self, run: int) -> None:
        for column in self._runs:
            column.pop(run)

    def ends_and_codes(self) -> Iterator[tuple[int, int]]:
        """The labels in order of time, those of the latest hour and perhaps some earlier ones."""
        for first, count, code in zip(*self._runs, strict=True):
            for hops in range(count):
                yield first + hops * self._hop_ns, code


class Session:
    """A watch that sends samples, or did until a while ago.

    Attributes:
        name: the name that its sender gave it.
        stream: the stream that labels its samples.
        label: the label of the present bout; None without a bout.
        viewers, senders: the sockets that receive its labels.
        since_ns, last_ns: the times of its first and latest sample.
        last_message_s: the time of its latest message, by the server's clock.
        clock: what the clock of the watch shows.
        sensors: those of a phone that pushes their values.
        waiting_since_s: the arrival of the first sample that no tick has labelled; None if there is none.
    """

    def __init__(self, name: str, specification: StreamSpecification, limits: Limits, now_s: float) -> None:
        self.name = name
        self.serve(specification)
        self.viewers: set[Client] = set()
        self.senders: set[Client] = set()
        self.since_ns = self.last_ns = 0
        self.last_message_s = now_s
        self.clock, self.sensors = WatchClock(), DeviceSensors()
        self._limits = limits
        self._allowed, self._allowed_s = limits.samples_burst, now_s
        self._recent = RecentSamples()
        self._unsent: list[Lot] = []  # to viewers

    def serve(self, specification: StreamSpecification) -> None:
        """Label with this model from the next sample on. The labels of another model are forgotten."""
        self.specification = specification
        self.stream = Watch(specification)
        self.label: str | None = None
        self.waiting_since_s: float | None = None
        self._labels = RecentLabels(round(specification.hop * 1e9 / specification.model.sample_rate_hz))
        self._last: Update | None = None

    def check_rate(self, samples: int, now_s: float) -> None:
        """Count these samples. Raises ``RefusedError`` when the watch sends more than its limit."""
        limits = self._limits
        self._allowed += max(0.0, now_s - self._allowed_s) * limits.samples_per_s
        self._allowed, self._allowed_s = min(self._allowed, limits.samples_burst), now_s
        if samples > self._allowed:
            raise RefusedError(
                429,
                f"a watch may send at most {limits.samples_per_s:g} samples per second; wait, and send fewer",
                reason="rate",
                retry_s=max(1, round((min(samples, limits.samples_burst) - self._allowed) / limits.samples_per_s)),
            )
        self._allowed -= samples

    def take(
        self,
        signals: NDArray[np.float32],
        time_ns: NDArray[np.int64],
        now_s: float,
        arrived_s: float | None = None,
    ) -> None:
        """Add samples that came at ``now_s``. Raises ``HarkenError`` as ``Watch.add``.

        Args:
            signals, time_ns: ``[n, 3]`` in g and ``[n]``.
            now_s: by ``time.monotonic``.
            arrived_s: when they came to an earlier server, by the same clock; None: at ``now_s``.
        """
        self.stream.add(signals, time_ns)
        first_ns, last_ns = int(time_ns[0]), int(time_ns.max())
        self.clock.add(last_ns, now_s if arrived_s is None else arrived_s)
        if self.last_ns == 0:
            self.since_ns = first_ns
        self.last_ns = max(self.last_ns, last_ns)
        self.last_message_s = now_s
        if self.waiting_since_s is None:
            self.waiting_since_s = now_s
        lot = lot_of(time_ns, signals)
        self._recent.add(lot)
        if self.viewers:
            self._unsent.append(lot)

    def remember(self, updates: Sequence[Update]) -> None:
        """Keep labels."""
        if not updates:
            return
        labels = self.specification.model.labels
        for update in updates:
            self.label = update.label
            self._labels.put(update.end_ns, NO_LABEL if update.label is None else labels.index(update.label))
        self._last = updates[-1]._replace(probabilities=updates[-1].probabilities.copy())

    def label_message(self, update: Update, probabilities: list[float]) -> dict[str, Any]:
        """The message about an update, with its probabilities rounded by ``rounded``."""
        return {
            "type": "label",
            "watch": self.name,
            "end_ms": update.end_ns // MS,
            "label": update.label,
            "probabilities": probabilities,
            "entered": update.entered,
            "left": update.left,
            **of_hands(update.hands),
        }

    def summary(self, now_s: float) -> dict[str, Any]:
        """An entry of ``/api/watches``. A watch that has sent nothing for a window's length has no label."""
        silent = now_s - self.last_message_s > self.specification.model.window_length_s
        return {
            "watch": self.name,
            "since_ms": self.since_ns // MS,
            "last_ms": self.last_ns // MS,
            "label": None if silent else self.label,
            "silent_since_ms": self.last_ns // MS if silent else None,
            "sample_rate_hz": self._rate_hz(),
        }

    def _rate_hz(self) -> float | None:
        """The rate of the latest samples."""
        time_ns = self.stream.time_ns
        if len(time_ns) < 2:
            return None
        return round((len(time_ns) - 1) * 1e9 / int(time_ns[-1] - time_ns[0]), 2)

    def history(self) -> dict[str, Any]:
        """The message for a new viewer: the last hour of labels and the last half minute of samples."""
        names = self.specification.model.labels
        labels: list[dict[str, Any]] = [
            {"end_ms": end_ns // MS, "label": None if code == NO_LABEL else names[code]}
            for end_ns, code in self._labels.ends_and_codes()
            if end_ns > self.last_ns - HOUR_NS
        ][-MOST_LABELS:]
        if labels and self._last is not None:
            labels[-1] |= {"probabilities": rounded([self._last])[0], **of_hands(self._last.hands)}
        return {"type": "history", "watch": self.name, "labels": labels, "samples": drawn(self._recent.latest())}

    def timeline(self) -> dict[str, Any]:
        """The answer of ``/api/timeline``: the latest final rows."""
        labels = self.specification.model.labels
        return {
            "watch": self.name,
            "labels": list(labels),
            "hop_s": self.specification.hop_s,
            "rows": [
                {
                    "start_ms": row.start_ns / MS,
                    "end_ms": row.end_ns / MS,
                    "label": labels[int(row.probabilities.argmax())],
                    "probabilities": [round(float(share), 7) for share in row.probabilities],
                    **of_hands(row.hands),
                }
                for row in self.stream.rows()
            ],
        }

    def take_unsent(self) -> dict[str, Any] | None:
        """The message with the samples since the last one, for viewers; None without new samples."""
        if not self._unsent:
            return None
        unsent, self._unsent = self._unsent, []
        return {"type": "samples", "watch": self.name, **drawn(thinned(unsent))}


def of_hands(probability: float | None) -> dict[str, float]:
    """The member ``hands`` of a message; nothing without a window, or if the model was not taught hands."""
    return {} if probability is None or math.isnan(probability) else {"hands": round(probability, DECIMALS)}


def rounded(updates: Sequence[Update]) -> list[list[float]]:
    """The probabilities of updates for JSON; an empty list where there is no window."""
    if not updates:
        return []
    probabilities = np.stack([update.probabilities for update in updates]).astype(np.float64).round(DECIMALS)
    missing = np.isnan(probabilities[:, 0]).tolist()
    return [[] if none else line for none, line in zip(missing, probabilities.tolist(), strict=True)]
