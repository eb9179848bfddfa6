"""The time axis of a whole recording, with long gaps cut short and round local times of the wearer below."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from harken.recordings.recording import Recording, local_time
from harken.support.printable import zone_in_words

COLUMNS = 1500
"""The number of columns in which signals are drawn: about the width of the panels in pixels."""

CUT_SHARE = 0.25
"""A gap longer than this share of the recorded time is cut out of the time axis."""
CUT_WIDTH = 0.04
MOST_CUT = 0.3
"""The width of a cut, and the largest width of all cuts together, as shares of the shown time."""

DATED_FROM_NS = 10**17
"""March 1973: a clock with an earlier time has no date (``harken.readers.units``)."""
MOST_TICKS = 13
CLOSEST_TICKS = 0.055
STEPS_S = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3_600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86_400 * days for days in (1, 2, 7, 14, 28, 91)),
)
DAY_S = 86_400
DAY = timedelta(days=1)


class TimeAxis:
    """The position of a time in the figure, in seconds from the left edge, with long gaps cut short.

    Times are seconds after the first sample, as float64, which is exact to the microsecond for centuries.
    """

    def __init__(self, recording: Recording) -> None:
        self.time_ns = recording.time_ns
        self.start_ns = int(recording.time_ns[0])
        self.interval_s = 1 / recording.sample_rate_hz if recording.sample_rate_hz else 1.0
        after = recording.gap_rows
        begins = self.seconds(recording.time_ns[np.concatenate([[0], after])])
        ends = self.seconds(recording.time_ns[np.concatenate([after - 1, [len(recording) - 1]])]) + self.interval_s
        gaps = begins[1:] - ends[:-1]
        recorded = float((ends - begins).sum())
        cut = gaps > CUT_SHARE * recorded
        shown = recorded + float(gaps[~cut].sum())
        width = min(CUT_WIDTH, MOST_CUT / max(1, int(cut.sum()))) * shown
        # Between two knots the axis is linear. Each cut has a knot at its start and one at its end.
        self.knots_s = np.concatenate([[0.0], np.stack([ends[:-1][cut], begins[1:][cut]], 1).ravel(), [ends[-1]]])
        steps = np.diff(self.knots_s)
        steps[1::2] = width
        self.knots = np.concatenate([[0.0], np.cumsum(steps)])
        self.gap_lengths_s = gaps[cut]

    def seconds(self, time_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        return (time_ns - self.start_ns) / 1e9

    def place(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.interp(seconds, self.knots_s, self.knots))

    @property
    def width(self) -> float:
        return float(self.knots[-1])

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """The edges of the columns of pixels in the figure, ``[COLUMNS + 1]``."""
        return np.linspace(0.0, self.width, COLUMNS + 1)

    @cached_property
    def edges_s(self) -> NDArray[np.float64]:
        """The times of ``edges``."""
        return np.asarray(np.interp(self.edges, self.knots, self.knots_s))

    @cached_property
    def first_rows(self) -> NDArray[np.int64]:
        """The first row at or after each of ``edges``; the last is the number of rows."""
        edges_ns = self.start_ns + np.rint(self.edges_s * 1e9).astype(np.int64)
        edges_ns[-1] = self.time_ns[-1] + 1
        return np.searchsorted(self.time_ns, edges_ns)

    @property
    def stretches_s(self) -> list[tuple[float, float]]:
        """The first and last time of each stretch between two cuts."""
        return [(float(a), float(b)) for a, b in self.knots_s.reshape(-1, 2)]

    @property
    def cuts(self) -> list[tuple[float, float]]:
        """The start and end of each cut in the figure."""
        return [(float(a), float(b)) for a, b in self.knots[1:-1].reshape(-1, 2)]


def has_dates(recording: Recording) -> bool:
    """Whether the recording's clock has a date, instead of counting from its own start."""
    return int(recording.time_ns[-1]) >= DATED_FROM_NS


def draw_times(panel: Axes, recording: Recording, axis: TimeAxis) -> None:
    """Draw round local times of the wearer below the figure, with the day where it changes."""
    dated = has_dates(recording)
    zone = recording.timezone if dated else "UTC"
    # The times of a clock without a date are counted from the first sample: midnight of a day that is not shown.
    origin_ns = axis.start_ns if dated else 0
    shown_s = axis.width - sum(right - left for left, right in axis.cuts)
    step_s = next((step for step in STEPS_S if shown_s / step <= MOST_TICKS), STEPS_S[-1])
    places: list[float] = []
    texts: list[str] = []
    day = None
    for first_s, last_s in axis.stretches_s:
        first, last = (local_time(origin_ns + round(s * 1e9), zone) for s in (first_s, last_s))
        ticks = list(_round_times(first, last, step_s)) or [first]
        for tick in ticks:
            seconds = tick.timestamp() - origin_ns / 1e9
            place = float(axis.place(np.array([seconds]))[0])
            if places and place - places[-1] < CLOSEST_TICKS * axis.width:
                continue
            places.append(place)
            texts.append(_tick_text(tick, step_s, new_day=tick.date() != day) if dated else _elapsed(seconds, step_s))
            day = tick.date()
    panel.set_xticks(places, texts)
    panel.set_xlabel(f"local time, {zone_in_words(recording.timezone)}" if dated else "time since the recording began")


def _round_times(first: datetime, last: datetime, step_s: float) -> Iterator[datetime]:
    """Local times between two times of one zone that are whole steps after midnight (or whole days)."""
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    # In Python, the difference of two times of one zone is that of their local times.
    steps = -((midnight - first) // timedelta(seconds=step_s)) if step_s < DAY_S else -((midnight - first) // DAY)
    tick = midnight + steps * min(timedelta(seconds=step_s), DAY)
    while tick <= last:
        yield tick
        tick += timedelta(seconds=step_s)


def _tick_text(tick: datetime, step_s: float, *, new_day: bool) -> str:
    if step_s >= DAY_S:
        return f"{tick:%a}\n{tick.day} {tick:%b}"
    pattern = "%H:%M" if step_s >= 60 else "%H:%M:%S"
    tenths = f".{tick.microsecond // 100_000}" if step_s < 1 else ""
    return f"{tick:{pattern}}{tenths}" + (f"\n{tick:%a} {tick.day} {tick:%b}" if new_day else "")


def _elapsed(seconds: float, step_s: float) -> str:
    if step_s < 1:
        return f"{seconds:.1f} s"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{left:02d}"
