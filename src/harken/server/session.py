"""One watch as the server knows it: its stream, the last hour of its labels, its last samples, who looks on."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live import Plan, Update, Watch
from harken.server.even_runs import EvenRuns
from harken.server.final_rows import FinalRows
from harken.server.limits import Limits, RefusedError
from harken.server.outbox import Outbox
from harken.server.trace import Trace, thinned

__all__ = ["HOUR_NS", "Session"]

HOUR_NS = 3600 * 10**9
MOST_TOLD = 3600
MOST_FINAL = 600
NO_LABEL = -1
DECIMALS = 4
MS = 10**6


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
        self._told = EvenRuns()  # ends in ns, codes of labels
        self._last: Update | None = None
        self._final = FinalRows(len(plan.specification.labels), most=MOST_FINAL)
        self._trace = Trace()
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
        self._trace.add(time_ns, signals)
        if self.viewers:
            self.fresh.append((time_ns, signals))

    def hear(self, updates: Iterable[Update]) -> None:
        """Remember what was told."""
        labels = self.plan.specification.labels
        for update in updates:
            self.label = update.label
            self._told.drop_from(update.end_ns)  # told anew
            self._told.append(update.end_ns, NO_LABEL if update.label is None else labels.index(update.label))
            for step in update.steps:
                self._final.append(step)
            self._last = update
        self._told.drop_up_to(self.last_ns - HOUR_NS)

    def message(self, update: Update) -> dict[str, Any]:
        """What is told of an update."""
        return {
            "type": "label",
            "watch": self.name,
            "end_ms": update.end_ns // MS,
            "label": update.label,
            "probabilities": rounded(update),
            "entered": update.entered,
            "left": update.left,
        }

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
        time_ns = self.stream.arrivals.time_ns
        return round((len(time_ns) - 1) * 1e9 / int(time_ns[-1] - time_ns[0]), 2) if len(time_ns) > 1 else None

    def history(self) -> dict[str, Any]:
        """The last hour of labels and the last seconds of samples, for somebody who begins to look."""
        names = self.plan.specification.labels
        ends_ns, codes = self._told.arrays()
        labels: list[dict[str, Any]] = [
            {"end_ms": end_ns // MS, "label": None if code == NO_LABEL else names[code]}
            for end_ns, code in zip(ends_ns[-MOST_TOLD:].tolist(), codes[-MOST_TOLD:].tolist(), strict=True)
        ]
        if labels and self._last is not None:
            labels[-1]["probabilities"] = rounded(self._last)
        return {"type": "history", "watch": self.name, "labels": labels, "samples": self._trace.samples()}

    def timeline(self) -> dict[str, Any]:
        """The latest rows that are final, as an offline run gives them."""
        labels = self.plan.specification.labels
        starts_ns, ends_ns, probabilities = self._final.arrays()
        return {
            "watch": self.name,
            "labels": list(labels),
            "hop_s": self.plan.offline.hop_s,
            "rows": [
                {
                    "start_ms": start_ns / MS,
                    "end_ms": end_ns / MS,
                    "label": labels[int(each.argmax())],
                    "probabilities": [round(float(share), 7) for share in each],
                }
                for start_ns, end_ns, each in zip(starts_ns.tolist(), ends_ns.tolist(), probabilities, strict=True)
            ],
        }

    def take_fresh(self) -> dict[str, Any] | None:
        """The samples since the last time, for those who look on."""
        if not self.fresh:
            return None
        fresh, self.fresh = self.fresh, []
        return {"type": "samples", "watch": self.name, **thinned(fresh)}


def rounded(update: Update) -> list[float]:
    """Probabilities for JSON; none where there is no window."""
    probabilities = update.probabilities.tolist()
    return [] if math.isnan(probabilities[0]) else [round(share, DECIMALS) for share in probabilities]
