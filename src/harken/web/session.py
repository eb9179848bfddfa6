"""The state of one watch in the server: its stream, an hour of labels, half a minute of samples, and its sockets.

A history takes little memory: samples are thinned for drawing, and a label that repeats is stored once.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.watch import StreamSpecification, Update, Watch
from harken.labelling.live.watch_mounting import NEVER_NS
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.arrays import Float32Array, Int16Array, Int64Array
from harken.web.limits import Limits, RefusedError
from harken.web.sample_messages import FEWEST_TIMED, DeviceSensors, check_pace

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
BUCKET_S = 300.0
"""The largest difference of the last five to ten minutes counts. A clock that is set forward counts at once, one that
is set back after this time. In ten minutes two quartz clocks drift apart by less than 0.1 s."""
UNKNOWN = -(1 << 62)
UNKNOWN_ORIENTATION = {
    "known": False,
    "source": "none",
    "turned_degrees": 0,
    "gravity_reversed": False,
    "since_ms": None,
    "reason": "not turned: how it sits on the arm is not known yet",
}


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
    """The labels of the latest hour, each with the end of its window.

    They are stored as runs. A run is one label at ends that are a hop apart. The arrays change in place: if each label
    made a new array, free pieces of memory would stay between them that are too small for later arrays.

    Args:
        hop_ns: the time from one window to the next.
    """

    def __init__(self, hop_ns: int) -> None:
        self._hop_ns = hop_ns
        self._first_ends_ns, self._last_ends_ns, self._codes = array("q"), array("q"), array("h")

    def put(self, end_ns: int, code: int) -> None:
        """Add a label; it replaces those with this end or a later one."""
        self._take_back(end_ns)
        if self._codes and self._codes[-1] == code and end_ns - self._last_ends_ns[-1] == self._hop_ns:
            self._last_ends_ns[-1] = end_ns
        else:
            self._first_ends_ns.append(end_ns)
            self._last_ends_ns.append(end_ns)
            self._codes.append(code)
        self._forget_older(end_ns - HOUR_NS)

    def _forget_older(self, oldest_ns: int) -> None:
        """Remove the labels with this end or an earlier one, also those at the beginning of a run."""
        old = bisect_right(self._last_ends_ns, oldest_ns)
        old = max(old, len(self._codes) - MOST_LABELS)
        for column in (self._first_ends_ns, self._last_ends_ns, self._codes):
            del column[:old]
        beyond_ns = oldest_ns - self._first_ends_ns[0]
        if beyond_ns >= 0:
            self._first_ends_ns[0] += (beyond_ns // self._hop_ns + 1) * self._hop_ns

    def _take_back(self, end_ns: int) -> None:
        """Remove the labels with this end or a later one."""
        kept = bisect_left(self._first_ends_ns, end_ns)
        for column in (self._first_ends_ns, self._last_ends_ns, self._codes):
            del column[kept:]
        if self._codes and self._last_ends_ns[-1] >= end_ns:
            first_ns = self._first_ends_ns[-1]
            hops = (end_ns - 1 - first_ns) // self._hop_ns
            self._last_ends_ns[-1] = first_ns + hops * self._hop_ns

    def ends_and_codes(self) -> list[tuple[int, int]]:
        """The labels in order of time, at most ``MOST_LABELS``."""
        labels: list[tuple[int, int]] = []
        for first_ns, last_ns, code in zip(self._first_ends_ns, self._last_ends_ns, self._codes, strict=True):
            labels += [(end_ns, code) for end_ns in range(first_ns, last_ns + 1, self._hop_ns)]
        return labels[-MOST_LABELS:]


class WatchClock:
    """Estimates what the clock of a watch shows, at the moment when somebody presses a button.

    Samples have the times of the clock of the watch or phone, which may differ from the server's by minutes. A label
    lies on the clock of the samples. The difference of the two clocks is known from each message only up to the
    message's delay: the time of its newest sample minus the time when it came is the difference less the delay. The
    largest of the latest messages is therefore nearest to the difference. It is the estimate of the clock filter of NTP
    (RFC 5905, section 10), with messages in one direction only, so that the smallest delay of the latest minutes
    remains in it.

    >>> from harken.web.session import WatchClock
    >>> clock = WatchClock()
    >>> clock.add(last_ns=300_000_000_000, arrived_s=10.2)  # its clock is 5 minutes off, less 10 s; 0.2 s on the way
    >>> clock.add(last_ns=301_000_000_000, arrived_s=14.0)  # 3 s on the way
    >>> clock.now_ns(15.0) / 1e9
    304.8
    """

    __slots__ = ("_ahead_ns", "_before_ns", "_since_s")

    def __init__(self) -> None:
        self._ahead_ns = self._before_ns = UNKNOWN
        self._since_s = -float("inf")

    def add(self, last_ns: int, arrived_s: float) -> None:
        """A message has come.

        Args:
            last_ns: the time of its newest sample, by the clock of the watch.
            arrived_s: when it came, by a clock of the server that is never set (``time.monotonic``).
        """
        ahead_ns = last_ns - int(arrived_s * 1e9)
        age_s = arrived_s - self._since_s
        if age_s > BUCKET_S:
            self._before_ns = self._ahead_ns if age_s < 2 * BUCKET_S else UNKNOWN
            self._ahead_ns, self._since_s = ahead_ns, arrived_s
        elif ahead_ns > self._ahead_ns:
            self._ahead_ns = ahead_ns

    @property
    def known(self) -> bool:
        """Whether a message has come."""
        return self._ahead_ns != UNKNOWN

    def now_ns(self, now_s: float) -> int:
        """What the clock of the watch shows at ``now_s`` of the server's clock, ns since 1970."""
        return max(self._ahead_ns, self._before_ns) + int(now_s * 1e9)


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
        self._begin(specification)
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
        earlier = self.stream.mounting
        self._begin(specification)
        self.stream.mounting.take_evidence(earlier)

    def _begin(self, specification: StreamSpecification) -> None:
        self.specification = specification
        self.stream = Watch(specification)
        self.label: str | None = None
        self.waiting_since_s: float | None = None
        self._labels = RecentLabels(specification.hop_ns)
        self._last: Update | None = None

    def check_rate(self, samples: int, now_s: float) -> None:
        """Count these samples. Raises ``RefusedError`` when the watch sends more than its limit."""
        limits = self._limits
        self._allowed += max(0.0, now_s - self._allowed_s) * limits.samples_per_s
        self._allowed = min(self._allowed, limits.samples_burst)
        self._allowed_s = now_s
        if samples > self._allowed:
            sentence = f"a watch may send at most {limits.samples_per_s:g} samples per second; wait, and send fewer"
            wait_s = (min(samples, limits.samples_burst) - self._allowed) / limits.samples_per_s
            raise RefusedError(429, sentence, reason="rate", retry_s=max(1, round(wait_s)))
        self._allowed -= samples

    def check_pace(self, time_ns: Int64Array) -> None:
        """Raise ``RefusedError`` when these samples and the latest follow each other too fast, by their times."""
        check_pace(np.concatenate([self.stream.time_ns[-FEWEST_TIMED:], time_ns]))

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
        first_ns = int(time_ns[0])
        last_ns = int(time_ns.max())
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

    def state_axis(self, forearm_axis: ForearmAxis) -> bool:
        """Turn the watch by this axis, from the next window on. Return whether no window was turned so before."""
        mounting = self.stream.mounting
        if mounting.stated == forearm_axis:
            return False
        mounting.state(forearm_axis, self.stream.newest_end_ns)
        return True

    def orientation(self) -> dict[str, Any] | None:
        """How the watch sits on the arm; None if the model cannot find it and nobody states it."""
        turn = self.stream.mounting.turn
        if turn is None:
            return UNKNOWN_ORIENTATION if self.stream.mounting.can_be_found else None
        since_ns, mounting = turn
        return {
            "known": True,
            "source": mounting.source.value,
            "turned_degrees": mounting.turn.degrees,
            "gravity_reversed": mounting.turn.gravity_reversed,
            "since_ms": None if since_ns == NEVER_NS else since_ns / MS,
            "reason": mounting.reason,
        }

    def orientation_message(self) -> dict[str, Any]:
        """The message that the orientation has changed."""
        return {"type": "orientation", "watch": self.name, "orientation": self.orientation()}

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
            "orientation": self.orientation(),
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
        ]
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
