"""Counts for Prometheus, in its text format."""

from collections import Counter
from collections.abc import Mapping

__all__ = ["Metrics"]

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5)
HELP = {
    "harken_messages_total": "Messages of samples taken.",
    "harken_samples_total": "Samples taken.",
    "harken_windows_total": "Windows that the network was asked about.",
    "harken_labels_total": "Updates told.",
    "harken_dropped_frames_total": "Frames that slow readers did not get.",
    "harken_dropped_samples_total": "Samples that came too late, or again.",
    "harken_refused_total": "Requests refused, by reason.",
    "harken_failed_ticks_total": "Ticks that failed; their watches began anew.",
    "harken_forgotten_total": "Watches forgotten because they sent nothing.",
}


class Metrics:
    """Counters, and how long samples waited for their labels."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self._waits = [0] * (len(BOUNDS_S) + 1)
        self._waited_s = 0.0

    def add(self, name: str, count: int = 1, *, reason: str = "") -> None:
        """Count."""
        self.counts[name, reason] += count

    def waited(self, seconds: float) -> None:
        """A label was told so long after the samples that it was waiting for had come."""
        self._waits[next((n for n, bound in enumerate(BOUNDS_S) if seconds <= bound), len(BOUNDS_S))] += 1
        self._waited_s += seconds

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Everything, in Prometheus' text format."""
        lines = []
        for name, about in HELP.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} counter"]
            found = sorted((reason, count) for (of, reason), count in self.counts.items() if of == name)
            lines += [
                f'{name}{{reason="{reason}"}} {count}' if reason else f"{name} {count}" for reason, count in found
            ]
            lines += [] if found else [f"{name} 0"]
        for name, (about, value) in gauges.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        name = "harken_label_wait_seconds"
        lines += [f"# HELP {name} From the arrival of samples to their label.", f"# TYPE {name} histogram"]
        total = 0
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), self._waits, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        lines += [f"{name}_sum {self._waited_s:.6f}", f"{name}_count {total}"]
        return "\n".join(lines) + "\n"
