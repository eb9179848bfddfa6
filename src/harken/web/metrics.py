"""Counters and a histogram for Prometheus, in its text format."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
HELP = {
    "harken_messages_total": "Messages of samples that were accepted.",
    "harken_samples_total": "Samples taken.",
    "harken_windows_total": "Windows whose probabilities were computed.",
    "harken_labels_total": "Updates of labels.",
    "harken_dropped_frames_total": "Frames that were not sent to slow readers.",
    "harken_dropped_samples_total": "Samples dropped as late or repeated.",
    "harken_refused_total": "Requests refused, by reason.",
    "harken_failed_ticks_total": "Ticks that failed; their watches started again.",
    "harken_model_changes_total": "Times that another model was chosen.",
    "harken_forgotten_total": "Watches that were removed because they sent nothing.",
}

GAUGES = {
    "harken_watches": "Watches that send, or sent a while ago.",
    "harken_viewers": "Sockets that view a watch.",
    "harken_tick_seconds": "From the beginning of the latest tick to its labels.",
    "harken_wait_seconds": "From the arrival of samples to the end of their tick, the longest of the latest tick.",
    "harken_waiting_messages": "Messages that wait for a tick.",
    "process_resident_memory_bytes": "Memory in use.",
}
WAITS = "harken_label_wait_seconds"
WAITS_HELP = "From the arrival of samples to their label, once for each watch and tick with a label."


class Metrics:
    """Counters, and a histogram of the time from samples to their labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._waits = [0] * (len(BOUNDS_S) + 1)
        self._waited_s = 0.0

    def add(self, name: str, count: int = 1, *, reason: str = "") -> None:
        """Add to a counter."""
        self.counts[name, reason] += count

    def observe_waits(self, seconds: Sequence[float]) -> None:
        """Count times from the arrival of samples to the label that they complete, one for each watch and tick."""
        for wait_s in seconds:
            self._waits[bisect_left(BOUNDS_S, wait_s)] += 1
        self._waited_s += sum(seconds)

    def text(self, gauges: Mapping[str, float]) -> str:
        """All counters, these gauges (one for each of ``GAUGES``), and the histogram."""
        lines: list[str] = []
        for name, about in HELP.items():
            counts = sorted((reason, count) for (of, reason), count in self.counts.items() if of == name)
            lines += _head(name, about, "counter")
            lines += [
                f'{name}{{reason="{reason}"}} {count}' if reason else f"{name} {count}" for reason, count in counts
            ]
            lines += [] if counts else [f"{name} 0"]
        for name, about in GAUGES.items():
            lines += [*_head(name, about, "gauge"), f"{name} {gauges[name]:g}"]
        lines += _head(WAITS, WAITS_HELP, "histogram")
        bounds = (*map(str, BOUNDS_S), "+Inf")
        totals = list(accumulate(self._waits))
        lines += [f'{WAITS}_bucket{{le="{bound}"}} {total}' for bound, total in zip(bounds, totals, strict=True)]
        lines += [f"{WAITS}_sum {self._waited_s:.6f}", f"{WAITS}_count {totals[-1]}"]
        return "\n".join(lines) + "\n"


def _head(name: str, about: str, kind: str) -> list[str]:
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
