"""The stream of one watch: its latest samples, and the history of its windows with their labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np

from harken.labelling.live.watch_mounting import NEVER_NS, UNKNOWN_TRAINED, TrainedMounting, WatchMounting
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import MINIMUM_GAP_S
from harken.recordings.source import Samples
from harken.recordings.survey import GAP_NS
from harken.signals import Resampler
from harken.signals.movement import BLOCK_NS
from harken.signals.resampling import SECOND_NS
from harken.support.arrays import AnyArray, BoolArray, Float32Array, FloatArray, Int64Array
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.windows.stream_windows import averaged_over_windows

LATE_NS = 2 * SECOND_NS
"""A sample is dropped as late when another one is later by more than this."""
EVER_NS = np.iinfo(np.int64).max
LATEST_NS = 4 * 10**18
"""The latest valid time, in the year 2096. Later times are mistakes, and 64 bits overflow in 2262."""
MOST_SAMPLES = 100_000
"""The most samples that wait. A minute at 1,000 Hz has fewer; more come only from a clock that hardly moves."""
WINDOW, LAST_WINDOW, ROW, END = range(4)
"""What an entry of a watch's history is: a window at a whole number of hops; the last window, which ends with its
stretch; a row of the timeline with which no window begins; the end of a stretch."""
NO_BOUT = -1


@dataclass(frozen=True)
class LiveSettings:
    """How a stream is labelled.

    Attributes:
        hop_s: seconds between two windows; the model's own if None.
        enter_at: a bout of the most probable label begins when its probability is at least this.
        leave_below: the bout ends when its probability is below this. Two thresholds prevent labels that change back
            and forth.
        sensor_range_g: samples with an acceleration beyond it are marked invalid, as ``mending.mend`` does.
        sensor_rate_hz: approximate rate of the sensors. It is needed only for sensors more than 7 times as fast as the
            model's rate, and for a model trained without an even grid that should take samples as they come.
        kept_rows: how many rows of the timeline are kept.
        forearm_axis: the axis of the sensor that points along the forearm towards the elbow; None to find it by
            walking.

    Raises:
        HarkenError: for thresholds outside 0 to 1 or in the wrong order, and another value that is not above 0.
    """

    hop_s: float | None = None
    enter_at: float = 0.6
    leave_below: float = 0.4
    sensor_range_g: float = 16.0
    sensor_rate_hz: float | None = None
    kept_rows: int = 600
    forearm_axis: ForearmAxis | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.leave_below <= self.enter_at <= 1:
            raise HarkenError(
                "enter_at and leave_below must be probabilities from 0 to 1, and enter_at at least "
                f"leave_below; got {self.enter_at:g} and {self.leave_below:g}"
            )
        for name in ("sensor_range_g", "sensor_rate_hz", "kept_rows"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise HarkenError(f"{name} must be above 0, got {value:g}")
        if self.forearm_axis is not None and self.forearm_axis not in get_args(ForearmAxis):
            raise HarkenError(f"forearm_axis must be x, y, -x or -y, got {printable(str(self.forearm_axis))}")


class StreamSpecification:
    """A model's specification and the settings of its streams, with the values that all its watches share.

    Attributes:
        model: the model's specification.
        settings: how streams are labelled.
        trained: how the watches of the model's training data sat.
        length: samples in a window.
        kept: samples at the model's rate that are kept behind the final ones: a window and a ten-second block.
        hop_s, hop, hop_ns: from one window to the next, and of a row of the timeline, in seconds, samples and
            nanoseconds.
        interval_ns: the time between two samples at the model's rate.
        resampler: the resampler to that rate; None if samples are not resampled.
        reach_ns: how far around a resampled sample the samples lie that it depends on.
        gap_ns: the largest time between two samples at the model's rate without a gap.
        needs_ns: the time before a new sample from which its input begins; the three samples before that are needed,
            too.
        entry: an entry of a watch's history (see ``Watch``).
        most_entries: the most entries that are kept.

    Raises:
        HarkenError: for a hop that is shorter than a sample or longer than a window.
    """

    def __init__(
        self,
        model: Specification,
        settings: LiveSettings | None = None,
        trained: TrainedMounting = UNKNOWN_TRAINED,
    ) -> None:
        self.model, self.settings, self.trained = model, settings or LiveSettings(), trained
        rate_hz, longest_s = model.sample_rate_hz, model.window_length_s
        self.length = model.window_length
        self.kept = max(self.length, math.ceil(BLOCK_NS / SECOND_NS * rate_hz)) + 1
        self.hop_s = model.hop_s if self.settings.hop_s is None else self.settings.hop_s
        if self.settings.hop_s is not None and not 1 / rate_hz <= self.hop_s <= longest_s:
            raise HarkenError(
                f"a hop must be at least one sample and at most one window, {longest_s:g} s; got {self.hop_s:g} s"
            )
        self.hop = max(1, round(self.hop_s * rate_hz))
        self.interval_ns = round(SECOND_NS / rate_hz)
        self.hop_ns = round(self.hop * SECOND_NS / rate_hz)
        self.resampler: Resampler | None = None
        self.reach_ns, self.needs_ns, self.gap_ns = 0, 0, GAP_NS
        source_hz = self.settings.sensor_rate_hz
        as_they_come = source_hz is not None and not model.even_grid and abs(source_hz / rate_hz - 1) <= RATE_TOLERANCE
        if not as_they_come:
            resampler = Resampler(rate_hz, source_rate_hz=source_hz or rate_hz, largest_gap_s=MINIMUM_GAP_S)
            self.resampler, self.reach_ns, self.gap_ns = resampler, resampler.reach_ns, resampler.hole_ns
            self.needs_ns = resampler.reach_ns + round(resampler.grid.step_ns)
        times = [(name, np.int64) for name in ("key_ns", "start_ns", "end_ns", "place")]
        shares = ("probabilities", np.float32, (model.outputs,))
        self.entry = np.dtype([*times, ("kind", np.int8), ("bout", np.int16), shares])
        # Rows are averaged over windows, and are final when no late sample changes them: keep some entries more.
        late = -(-(LATE_NS + self.reach_ns) // self.hop_ns) + 2
        self.most_entries = self.settings.kept_rows + 2 * -(-self.length // self.hop) + late

    def choose_room(self, entries: int) -> int:
        """Return the size of an array that holds these entries, at most ``most_entries``, and some later ones.

        There are only three sizes, so that a watch's array fits where another watch's array was.
        """
        largest = self.most_entries * 17 // 16 + 1
        for size in (largest // 16, largest // 4):
            if entries < size:
                return size
        return largest


class Update(NamedTuple):
    """The new results after samples were added.

    Attributes:
        end_ns: the end of the window that this update describes. If an earlier update has the same ``end_ns``, late
            samples have changed the window: this update replaces that one and all after it.
        label: the label of the bout at ``end_ns``; None if no label is probable enough, or if a stretch has ended.
        probabilities: the probability of each label in the window, float32 ``[labels]``, as in the last row of an
            offline run whose samples end there. NaN if a stretch has ended, because there is no window.
        entered: the label of a bout that began with this window.
        left: the label of a bout that ended before it.
        hands: the probability that the hands are busy in the window; NaN if a stretch has ended, None if the model was
            not taught that.
    """

    end_ns: int
    label: str | None
    probabilities: Float32Array
    entered: str | None
    left: str | None
    hands: float | None = None


class TimelineRow(NamedTuple):
    """A row of the timeline, as ``harken.timelines`` gives it for the same samples.

    ``start_ns`` and ``end_ns`` in UTC since 1970; ``probabilities`` float32 ``[labels]``; ``hands``, the probability
    that the hands are busy, None if the model was not taught that.
    """

    start_ns: int
    end_ns: int
    probabilities: Float32Array
    hands: float | None = None


class Watch:
    """The stream of one watch: ``add`` samples, ``advance`` some watches, and ask the result for ``updates``.

    A *stretch* is a longest run of valid samples without a gap, at the model's rate. The history has an entry for each
    of its windows and one for its end: ``key_ns``, the time of the sample that completed it; ``place``, the number of
    its first sample in the stretch (of an end: the number of all samples); and the code of the ``bout`` at its end.

    Attributes:
        specification: shared with other watches of the same model.
        time_ns: the times of the samples of the last seconds, int64 ``[n]``.
        dropped: the numbers of dropped samples by reason: ``late`` and ``repeated``.
        mounting: how the watch sits on the arm.
        newest_end_ns: the end of the latest window; ``NEVER_NS`` before the first one.
    """

    def __init__(self, specification: StreamSpecification) -> None:
        self.specification = specification
        self.dropped = {"late": 0, "repeated": 0}
        settings = specification.settings
        self.mounting = WatchMounting(specification.model, specification.trained, settings.forearm_axis)
        self.reset()

    def reset(self) -> None:
        """Forget all samples and labels; the next samples may be of any time."""
        self._latest_ns = self.newest_end_ns = NEVER_NS
        self.mounting.forget()
        self._history = self._room = np.empty(0, self.specification.entry)
        self._history_is_cut = False
        self._forget()

    def _forget(self) -> None:
        """Drop all samples. The next ones begin a new stretch and must be later."""
        channels = len(self.specification.model.channels)
        self._floor_ns = self._latest_ns
        self._keep(np.empty(0, np.int64), np.empty((0, channels), np.float32), NEVER_NS)
        self._even = Samples.empty(0, channels)  # the latest resampled samples
        self._place = 0  # of the first of these in its stretch
        # Resampled samples are known before the first time, and final before the second.
        self._known_ns = self._safe_ns = self._floor_ns + 1

    def _keep(self, time_ns: Int64Array, signals: Float32Array, since_ns: int) -> None:
        """Keep these samples instead of all others; the sensor has had the first values since ``since_ns``."""
        self.time_ns, self._signals, self._since_ns = time_ns, signals, since_ns
        self._unchanged = len(time_ns)  # of these, the first that is new or follows a new one

    def add(self, signals: FloatArray, time_ns: Int64Array) -> None:
        """Add samples ``[n, channels]`` (acceleration in g) with their times in nanoseconds since 1970, in any order.

        Raises:
            HarkenError: when shapes or channels do not fit, for times outside 1970 to 2096, and for more samples in a
                minute than a sensor produces.
        """
        signals = np.asarray(signals, dtype=np.float32)
        time_ns = np.asarray(time_ns)
        names = self.specification.model.channels
        if time_ns.dtype != np.int64 or signals.shape != (*time_ns.shape, len(names)) or time_ns.ndim != 1:
            raise HarkenError(
                f"samples are float [n, {len(names)}] ({', '.join(names)}) and int64 nanoseconds [n], not "
                f"{list(signals.shape)} and {time_ns.dtype} {list(time_ns.shape)}"
            )
        if len(time_ns) == 0:
            return
        rising = bool((time_ns[1:] > time_ns[:-1]).all())
        first_ns, last_ns = (time_ns[0], time_ns[-1]) if rising else (time_ns.min(), time_ns.max())
        if not (first_ns >= 0 and last_ns < LATEST_NS):
            raise HarkenError("times are nanoseconds since 1970, before 2096")
        if len(self.time_ns) + len(time_ns) > MOST_SAMPLES:
            raise HarkenError(
                f"there are more than {MOST_SAMPLES:,} samples within a minute; is the unit of times right?"
            )
        if not rising or first_ns <= self._latest_ns:
            self._sort_in(signals, time_ns)
            return
        if len(self.time_ns) == 0:
            self._since_ns = int(first_ns)
        self._latest_ns = int(last_ns)
        self.time_ns = np.concatenate([self.time_ns, time_ns])
        self._signals = np.concatenate([self._signals, signals])

    def _sort_in(self, signals: Float32Array, time_ns: Int64Array) -> None:
        """Merge the samples that are neither late nor repeated."""
        latest = np.maximum.accumulate(np.concatenate([[self._latest_ns], time_ns]))[:-1]
        kept = (time_ns >= latest - LATE_NS) & (time_ns > self._floor_ns)
        self.dropped["late"] += len(kept) - int(np.count_nonzero(kept))
        times = np.concatenate([self.time_ns, time_ns[kept]])
        order = np.argsort(times, kind="stable")
        order = order[np.diff(times[order], prepend=NEVER_NS) > 0]
        self.dropped["repeated"] += len(times) - len(order)
        new = np.flatnonzero(order >= len(self.time_ns))
        if len(new) == 0:
            return
        self.time_ns = times[order]
        self._signals = np.concatenate([self._signals, signals[kept]])[order]
        if new[0] == 0:
            self._since_ns = int(self.time_ns[0])
        self._unchanged = min(self._unchanged, int(new[0]))
        self._latest_ns = max(self._latest_ns, int(self.time_ns[-1]))

    def _take_back(self, from_ns: int) -> None:
        """Remove the entries from this time on; new ones replace them."""
        self._history = self._history[: self._history["key_ns"].searchsorted(from_ns)]

    def _label(self, entries: AnyArray) -> list[Update]:
        """Add entries to the history, with their bouts; returns their updates."""
        names = (*self.specification.model.labels, None)
        settings = self.specification.settings
        shares_of, hands_of = self._answers(entries["probabilities"])
        # Rounded as probabilities are, to float32.
        enter_at = float(np.float32(settings.enter_at))
        leave_below = float(np.float32(settings.leave_below))
        bout = int(self._history["bout"][-1]) if len(self._history) else NO_BOUT
        bouts: list[int] = []
        updates: list[Update] = []
        turns_here = self._begin_turns(entries).tolist()
        ends_ns = entries["end_ns"].tolist()
        columns = entries["kind"].tolist(), ends_ns, turns_here, shares_of, shares_of.tolist(), hands_of
        for kind, end_ns, turns, exact, shares, hands in zip(*columns, strict=True):
            before = bout
            if turns:
                bout = NO_BOUT
            if kind == END:
                bout = NO_BOUT
            elif kind != ROW and (bout == NO_BOUT or shares[bout] < leave_below):
                most = max(shares)
                bout = shares.index(most) if most >= enter_at else NO_BOUT
            bouts.append(bout)
            if kind != ROW:
                changed = bout != before
                entered, left = (names[bout], names[before]) if changed else (None, None)
                updates.append(Update(end_ns, names[bout], exact, entered, left, hands))
        entries["bout"] = bouts
        self._remember(entries)
        return updates

    def _begin_turns(self, entries: AnyArray) -> BoolArray:
        """Find the new entries with which another turn of the watch begins, bool ``[entries]``."""
        before = self._history["end_ns"][-1:]
        places = self.mounting.turns_at(np.concatenate([before, entries["end_ns"]]))
        turns = np.diff(places) != 0
        return turns if len(before) else np.concatenate([[False], turns])

    def _remember(self, entries: AnyArray) -> None:
        """Add entries to the history. When there is no room for them, forget the oldest."""
        before = len(self._history)
        count = before + len(entries)
        if count > len(self._room):
            most = self.specification.most_entries
            self._history_is_cut |= count > most
            entries = np.concatenate([self._history, entries])[-most:]
            before, count = 0, len(entries)
            room = self.specification.choose_room(count)
            if room != len(self._room):
                self._room = np.empty(room, self.specification.entry)
        self._history = self._room[:count]
        self._history[before:] = entries

    def _answers(self, outputs: Float32Array) -> tuple[Float32Array, Sequence[float | None]]:
        """The probabilities of labels ``[n, labels]``, and of busy hands ``[n]``, from both ``[n, outputs]``."""
        shares, hands = self.specification.model.labels_and_hands(outputs)
        return shares, [None] * len(outputs) if hands is None else hands.tolist()

    def rows(self) -> list[TimelineRow]:
        """The latest rows of the timeline that are final, averaged over all windows that cover them.

        They follow the labels by a window's length. There are at most ``settings.kept_rows``.
        """
        length, hop = self.specification.length, self.specification.hop
        entries = self._history[self._history["key_ns"] < self._safe_ns]
        kind, place, start_ns, end_ns = (entries[name] for name in ("kind", "place", "start_ns", "end_ns"))
        ended = kind == END
        stretch = np.cumsum(ended) - ended
        samples = np.append(place[ended], EVER_NS // 2)  # of each stretch; the last one may go on
        edges = np.concatenate([[0], np.cumsum(samples[:-1]), [EVER_NS]])
        number = edges[stretch] + place
        # A row ends where the next one begins, or with its stretch; without either it is not final.
        later = np.flatnonzero(kind != LAST_WINDOW)
        begins, following = later[:-1], later[1:]
        rows = ~ended[begins]
        begins, following = begins[rows], following[rows]
        if len(begins) == 0:
            return []
        windows = kind <= LAST_WINDOW
        firsts = number[begins]
        probabilities = averaged_over_windows(
            entries["probabilities"][windows],
            number[windows],
            firsts,
            np.minimum(firsts + hop, edges[stretch[begins] + 1]),
            length=length,
            hop=hop,
        )
        row_ends_ns = np.where(ended[following], end_ns[following], start_ns[following])
        answers = self._answers(probabilities)
        lines = list(map(TimelineRow, start_ns[begins].tolist(), row_ends_ns.tolist(), *answers))
        # Windows over the first rows have been forgotten.
        lines = lines[-(-length // hop) :] if self._history_is_cut else lines
        return lines[-self.specification.settings.kept_rows :]
