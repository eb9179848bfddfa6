"""The new samples of many watches -> windows and labels.

A call of NumPy takes about as long for one sample as for a thousand. The samples of all watches therefore go through
every step together, one watch after the other in one array: marked where the sensor is stuck, resampled, cut into
windows as in an offline run, and labelled by one call of the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np

from harken.labelling.live.watch import (
    END,
    EVER_NS,
    LAST_WINDOW,
    LATE_NS,
    ROW,
    WINDOW,
    LiveSettings,
    StreamSpecification,
    TimelineRow,
    Update,
    Watch,
)
from harken.labelling.live.watch_mounting import NEVER_NS, MountingSince, TrainedMounting, collect, turn_windows
from harken.models.recogniser import Recogniser
from harken.recordings.recording import acceleration_channels
from harken.recordings.source import Samples, joined
from harken.recordings.survey import GAP_NS, RANGE_TOLERANCE, STUCK_S
from harken.signals.resampling import SECOND_NS, TOGETHER
from harken.support.arrays import AnyArray, BoolArray, Float32Array, FloatArray, Int64Array, numbered
from harken.windows.stream_windows import numbered_after, window_places
from harken.windows.windows import Windows

STUCK_NS = round(STUCK_S * SECOND_NS)
LONG_GAP_NS = 10 * SECOND_NS
"""Samples after so long a gap do not change resampled samples before it; only late samples do."""


class LiveRecogniser:
    """Labels a stream as its samples arrive.

    ``push`` takes any number of samples at the sensor's own irregular rate and returns the new results: the
    probabilities of each window as soon as it is complete (an ``Update``). ``rows`` are the latest rows of the
    timeline whose windows are all complete. However the samples are divided into calls, the probabilities are, within
    1e-6, those of ``Recogniser.label_prepared`` for the same samples with the same range and hop, turned as the watch
    sits.

    The watch is turned by the axis that the settings state. Without a statement, nothing is turned until walking has
    shown how the watch sits; from that moment on (``turn``), the windows are turned as wholes.

    A window is complete when three samples have come that are at least 8 intervals of the model later than its last
    sample (0.27 s at 30 Hz, ``harken.signals.look_ahead_s``): two for the resampler, and a third that shows that the
    sensor is not stuck. Samples up to 2 s older than the latest are sorted in, and new updates replace those of the
    windows that they change. Older samples, and samples with a time that has already arrived, are dropped and counted.
    A step of more than half a second is a gap. Memory use does not grow with the length of the stream.

    Samples that are on an even grid already are filtered, too. (Offline, a recording is not resampled if all its
    samples are on the model's grid.) While the values of a sensor do not change at all, there are no updates. After a
    minute these samples are marked invalid, as ``mending.mend`` does.

    Args:
        recogniser: a trained recogniser.
        settings: hop, thresholds, the sensor's range and rate; the defaults if None.

    Raises:
        HarkenError: when the recogniser is not trained, or the hop does not fit its windows.
    """

    def __init__(self, recogniser: Recogniser, settings: LiveSettings | None = None) -> None:
        self._recogniser = recogniser
        trained = TrainedMounting.of(recogniser)
        self.specification = StreamSpecification(recogniser.specification_, settings, trained)
        self._watch = Watch(self.specification)

    @property
    def dropped(self) -> dict[str, int]:
        """The numbers of dropped samples by reason: ``late`` and ``repeated``."""
        return self._watch.dropped

    def push(self, samples: FloatArray, time_ns: Int64Array) -> list[Update]:
        """Add samples ``[n, channels]``, acceleration in g, with their times ``[n]``, int64 ns UTC since 1970.

        Raises:
            HarkenError: when shapes, channels or times do not fit one another, the model, or a sensor.
        """
        self._watch.add(samples, time_ns)
        return self._advance(ended=False)

    def flush(self) -> list[Update]:
        """End the stretch, as a gap would: the last updates. The next samples begin a new stretch and must be later."""
        return self._advance(ended=True)

    def rows(self) -> list[TimelineRow]:
        """The latest rows of the timeline that are final. They follow the labels by a window's length."""
        return self._watch.rows()

    def reset(self) -> None:
        """Forget all samples, and what walking has shown; the next ones may be of any time."""
        self._watch.reset()

    @property
    def turn(self) -> MountingSince | None:
        """How the watch sits on the arm, and since when its windows are turned; None while it is not known."""
        return self._watch.mounting.turn

    def _advance(self, *, ended: bool) -> list[Update]:
        watch = self._watch
        due = advance([watch], ended=ended)
        updates = due.updates(due.probabilities(self._recogniser))[0]
        if watch.mounting.is_due:
            found = watch.mounting.find(self._recogniser.predict_proba)
            watch.mounting.apply(found, watch.newest_end_ns)
        return updates


@dataclass(frozen=True, eq=False)
class Due:
    """What some watches have due: windows that wait for their probabilities.

    Attributes:
        signals: float32 ``[windows, length, channels]``, one watch after the other.
    """

    signals: Float32Array
    _watches: Sequence[Watch]
    _entries: AnyArray
    _counts: Int64Array

    def probabilities(self, recogniser: Recogniser) -> Float32Array:
        """Probabilities ``[windows, outputs]``, from one call of the network."""
        specification = recogniser.specification_
        if len(self.signals) == 0:
            return np.empty((0, specification.outputs), dtype=np.float32)
        channels, rate_hz = specification.channels, specification.sample_rate_hz
        return recogniser.predict_answers(Windows.unlabelled(self.signals, channels=channels, sample_rate_hz=rate_hz))

    def updates(self, probabilities: Float32Array) -> list[list[Update]]:
        """The updates of each watch, from the probabilities ``[windows, outputs]``."""
        entries = self._entries
        entries["probabilities"] = np.nan
        entries["probabilities"][entries["kind"] <= LAST_WINDOW] = probabilities
        parts = np.split(entries, np.cumsum(self._counts)[:-1])
        return [watch._label(part) if len(part) else [] for watch, part in zip(self._watches, parts, strict=True)]


class _Raw(NamedTuple):
    """The latest samples of some watches, each of which has at least one.

    Attributes:
        time_ns, signals, valid: the samples ``[n]``; the times rise within each watch. ``valid`` is final for the rows
            of a watch before ``decided``.
        since_ns: the time since which the sensor has had the values of each row, int64 ``[n]``.
        begins, counts: the first row of each watch, and the number of its rows, int64 ``[watches]``.
        decided: how many rows of each watch there are before the first for which it is not known yet whether the sensor
            is stuck, int64 ``[watches]``. It is known once the values change, or have been the same for so long that
            they count as stuck.
    """

    time_ns: Int64Array
    signals: Float32Array
    valid: BoolArray
    since_ns: Int64Array
    begins: Int64Array
    counts: Int64Array
    decided: Int64Array

    def before(self, time_ns: Int64Array) -> Int64Array:
        """How many samples of each watch are before its time ``[watches]``, int64 ``[watches]``."""
        earlier = self.time_ns < np.repeat(time_ns, self.counts)
        return np.add.reduceat(earlier, self.begins, dtype=np.int64)


_Even: TypeAlias = tuple[Samples, Int64Array]
"""Samples at the model's rate, one watch after the other, and their number for each watch, int64 ``[watches]``."""


def advance(watches: Sequence[Watch], *, ended: bool = False) -> Due:
    """Resample the new samples of these watches (of one specification, at least one), and cut windows out of them.

    Args:
        watches: the watches, with or without new samples.
        ended: end the stretch of each watch, as a gap would.

    Returns:
        The windows that are due. Call ``updates`` of it next, with their probabilities, before the watches are advanced
        again.
    """
    specification = watches[0].specification
    active = [number for number, watch in enumerate(watches) if len(watch.time_ns)]
    counts = np.zeros(len(watches), np.int64)
    if not active:
        none = np.empty((0, specification.length, len(specification.model.channels)), np.float32)
        return Due(none, watches, np.empty(0, specification.entry), counts)
    signals, entries, counts[active] = _advanced([watches[number] for number in active], specification, ended=ended)
    return Due(signals, watches, entries, counts)


def _advanced(
    watches: list[Watch], specification: StreamSpecification, *, ended: bool
) -> tuple[Float32Array, AnyArray, Int64Array]:
    """``advance`` for watches with samples: signals of windows, entries, and the number of entries of each watch."""
    raw = _gathered(watches, specification)
    rows = raw.counts if ended else raw.decided
    known_ns, unchanged, safe_ns = np.array(
        [(watch._known_ns, watch._unchanged, watch._safe_ns) for watch in watches]
    ).T
    # Samples that new ones change.
    row = unchanged if specification.resampler is None else np.maximum(np.minimum(unchanged - 2, rows - 1), 0)
    from_ns = raw.time_ns[raw.begins + np.minimum(row, raw.counts - 1)] - specification.reach_ns
    next_ns = np.where((unchanged < raw.counts) & (rows > 0), np.minimum(known_ns, from_ns), known_ns)
    # A late sample that closes a gap can leave it open again whether the sensor is stuck; what is final stays.
    next_ns = np.maximum(next_ns, safe_ns)
    new, known_ns = _resampled(raw, rows, next_ns, specification, ended=ended)
    even = _with_kept(watches, new, next_ns)
    for watch, before_ns in zip(watches, next_ns.tolist(), strict=True):
        watch._take_back(before_ns)
    runs = _runs(watches, even, specification, ended=ended)
    due = _turned(watches, _cut(even, runs, next_ns, specification), specification)
    if ended:
        for watch in watches:
            watch._forget()
    else:
        _keep(watches, raw, rows, even, runs, np.maximum(next_ns, known_ns), specification)
        final_ns = np.array([watch._safe_ns for watch in watches])
        collect([watch.mounting for watch in watches], *even, final_ns)
    return due


def _starts_of(counts: Int64Array) -> Int64Array:
    """Where each of consecutive pieces of these lengths starts, int64 ``[n]``."""
    return np.cumsum(counts) - counts


def _pieces(cut: BoolArray, count: int) -> tuple[Int64Array, Int64Array]:
    """Where pieces of ``count`` rows begin and end (exclusive), int64 ``[pieces]``; ``cut``: whether there is an edge
    after each row but the last."""
    edges = np.flatnonzero(np.concatenate([[True], cut, [True]])) if count else np.zeros(1, np.int64)
    return edges[:-1], edges[1:]


def _rows_of(firsts: Int64Array, counts: Int64Array) -> Int64Array:
    """The rows of pieces with these first rows and lengths, int64 ``[sum of counts]``."""
    piece, place = numbered(counts)
    return firsts[piece] + place


def _gathered(watches: Sequence[Watch], specification: StreamSpecification) -> _Raw:
    """The samples of these watches, those beyond the sensor's range or of a stuck sensor marked."""
    time_ns = np.concatenate([watch.time_ns for watch in watches])
    signals = np.concatenate([watch._signals for watch in watches])
    counts = np.array([len(watch.time_ns) for watch in watches])
    begins, axes = _starts_of(counts), acceleration_channels(specification.model.channels)
    limit = np.float32(specification.settings.sensor_range_g * RANGE_TOLERANCE)
    valid = np.ones(len(signals), bool)
    if not np.abs(signals).max() <= limit:  # seldom; also true for NaN
        with np.errstate(invalid="ignore"):
            in_range = (np.abs(signals[:, :axes]) <= limit).all(axis=1)
            valid = in_range & np.isfinite(signals).all(axis=1)
    if not axes:  # only acceleration shows that a sensor is stuck
        return _Raw(time_ns, signals, valid, time_ns, begins, counts, counts)
    same = signals[1:, 0] == signals[:-1, 0]
    same[begins[1:] - 1] = False
    rows = np.flatnonzero(same)  # usually few
    same[rows] = (signals[rows + 1, :axes] == signals[rows, :axes]).all(axis=1)
    same[rows] &= time_ns[rows + 1] - time_ns[rows] <= GAP_NS
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    run = np.cumsum(np.concatenate([[False], ~same]))
    since_ns = time_ns[starts]
    since_ns[run[begins]] = [watch._since_ns for watch in watches]
    same_ns = time_ns[np.append(starts[1:], len(time_ns)) - 1] - since_ns
    last = run[begins + counts - 1]
    # Late samples could still show a change.
    decided = np.where(same_ns[last] >= STUCK_NS + LATE_NS, counts, starts[last] - begins)
    return _Raw(time_ns, signals, valid & (same_ns < STUCK_NS)[run], since_ns[run], begins, counts, decided)


def _resampled(
    raw: _Raw, rows: Int64Array, next_ns: Int64Array, specification: StreamSpecification, *, ended: bool
) -> tuple[_Even, Int64Array]:
    """The samples at the model's rate from ``next_ns`` on, and the time before which they are known, ``[watches]``.

    Only the first ``rows`` of each watch are used. The filter does not reach over a gap. The parts between long gaps
    are therefore shifted in time, each to well after the one before, by a whole number of the grid's cycles (and of
    samples that are filtered together), which leaves their samples the same as in a call of their own.
    """
    resampler = specification.resampler
    first = np.maximum(np.minimum(raw.before(next_ns - specification.needs_ns), rows) - 3, 0)
    counts = rows - first
    chosen = _rows_of(raw.begins + first, counts)
    unlabelled = np.zeros(len(chosen), np.int16)
    old = Samples(raw.time_ns[chosen], raw.signals[chosen], unlabelled, raw.valid[chosen])
    time_ns = old.time_ns
    watch = np.repeat(np.arange(len(counts)), counts)
    begins, ends = _pieces((np.diff(time_ns) > LONG_GAP_NS) | (np.diff(watch) > 0), len(time_ns))
    watch = watch[begins]
    # Of the last part of a watch, the latest samples are not known yet.
    last_ns = np.full(len(begins), EVER_NS)
    known_ns = np.full(len(counts), NEVER_NS)
    if not ended:
        last = np.flatnonzero(np.diff(watch, append=len(counts)))
        enough = ends[last] - (1 if resampler is None else 2)
        last_ns[last] = time_ns[np.maximum(enough, begins[last])] - specification.reach_ns + (resampler is None)
        known_ns[watch[last]] = last_ns[last]
    if len(begins) == 0:
        return (old, np.zeros(len(counts), np.int64)), known_ns
    cycle_ns, longest_ns = 1, 0
    if resampler is not None:
        cycle_ns, longest_ns = resampler.grid.cycle_ns * TOGETHER, resampler.longest_step_ns
    begin_ns, end_ns = time_ns[begins], time_ns[ends - 1]
    phase_ns = begin_ns % cycle_ns
    # In cycles: the place of each part, and how much later the next one begins.
    taken = -(-(phase_ns + end_ns - begin_ns + longest_ns + cycle_ns) // cycle_ns)
    place = _starts_of(taken) + 1 + longest_ns // cycle_ns
    moved_ns = place * cycle_ns + phase_ns - begin_ns
    new = old._replace(time_ns=time_ns + np.repeat(moved_ns, ends - begins))
    if resampler is not None:
        new = resampler.between(new, 0, EVER_NS)
    firsts = np.searchsorted(new.time_ns, np.maximum(next_ns[watch], begin_ns) + moved_ns)
    lasts = np.searchsorted(new.time_ns, np.minimum(last_ns, end_ns + 1) + moved_ns)
    new_counts = np.maximum(lasts - firsts, 0)
    new = new.chosen(_rows_of(firsts, new_counts))
    new = new._replace(time_ns=new.time_ns - np.repeat(moved_ns, new_counts))
    return (new, np.bincount(watch, new_counts, minlength=len(counts)).astype(np.int64)), known_ns


def _with_kept(watches: Sequence[Watch], new: _Even, next_ns: Int64Array) -> _Even:
    """The samples that each watch has kept from before its time ``next_ns``, and the new ones from there on."""
    pieces: list[Samples] = []
    samples, counts = new
    ends = np.cumsum(counts)
    for watch, before_ns, begin, end in zip(watches, next_ns.tolist(), ends - counts, ends, strict=True):
        kept = watch._even.part(0, int(watch._even.time_ns.searchsorted(before_ns)))
        pieces += [kept, samples.part(begin, end)]
    lengths = [len(piece.time_ns) for piece in pieces]
    return joined(pieces), np.add.reduceat(lengths, range(0, len(pieces), 2))


class _Runs(NamedTuple):
    """Samples of one watch without a gap, all valid or all invalid: arrays ``[runs]``.

    Attributes:
        begins: the first row of each run.
        forgotten: the number of its samples before that row.
        samples: the number of all its samples; 0 if they are invalid.
        watch: the number of its watch.
        closed: whether it has ended.
        cut: whether it has ended because its watch has.
        close_ns: the time of the sample after it, or of its last one.
    """

    begins: Int64Array
    forgotten: Int64Array
    samples: Int64Array
    watch: Int64Array
    closed: BoolArray
    cut: BoolArray
    close_ns: Int64Array


def _runs(watches: Sequence[Watch], even: _Even, specification: StreamSpecification, *, ended: bool) -> _Runs:
    """The runs in these samples."""
    samples, counts = even
    owner = np.repeat(np.arange(len(watches)), counts)
    gap = np.diff(samples.time_ns) > specification.gap_ns
    begins, ends = _pieces((np.diff(owner) > 0) | gap | np.diff(samples.valid), len(owner))
    watch = owner[begins]
    first = np.diff(watch, prepend=-1) > 0
    last = np.diff(watch, append=len(watches)) > 0
    forgotten = np.where(first, np.array([watch._place for watch in watches])[watch], 0)
    return _Runs(
        begins=begins,
        forgotten=forgotten,
        samples=np.where(samples.valid[begins], ends - begins + forgotten, 0),
        watch=watch,
        closed=~last | ended,
        cut=last & ended,
        close_ns=samples.time_ns[ends - last],
    )


def _cut(
    even: _Even, runs: _Runs, next_ns: Int64Array, specification: StreamSpecification
) -> tuple[Float32Array, AnyArray, Int64Array]:
    """The signals of the windows that are due, the entries, and the number of entries of each watch."""
    samples, counts = even
    length, hop, time_ns = specification.length, specification.hop, samples.time_ns
    first_ns = next_ns[runs.watch]
    run, place = window_places(runs.samples, runs.closed, -(-runs.forgotten // hop), length=length, hop=hop)
    rows = runs.begins[run] + place - runs.forgotten[run]
    last_window = place % hop > 0
    key_ns = np.where(last_window, runs.close_ns[run], time_ns[np.minimum(rows + length, len(time_ns)) - 1])
    due = (place >= runs.forgotten[run]) & ((key_ns >= first_ns[run]) | (last_window & runs.cut[run]))
    run, rows = run[due], rows[due]
    windows = np.zeros(len(run), specification.entry)
    windows["kind"] = np.where(last_window[due], LAST_WINDOW, WINDOW)
    windows["key_ns"], windows["place"] = key_ns[due], place[due]
    windows["start_ns"] = time_ns[rows]
    windows["end_ns"] = time_ns[rows + length - 1] + specification.interval_ns
    closing = runs.closed & (runs.samples >= length) & ((runs.close_ns >= first_ns) | runs.cut)
    closing_run, ends = _ends(time_ns, runs, closing, specification)
    owner = np.concatenate([run, closing_run])
    order = np.argsort(owner, kind="stable")
    entries = np.concatenate([windows, ends])[order]
    numbers = np.bincount(runs.watch[owner], minlength=len(counts))
    return samples.signals[rows[:, None] + np.arange(length)], entries, numbers


def _turned(
    watches: Sequence[Watch], due: tuple[Float32Array, AnyArray, Int64Array], specification: StreamSpecification
) -> tuple[Float32Array, AnyArray, Int64Array]:
    """The same with the windows turned as each watch sits. A window is turned as a whole, or not at all."""
    signals, entries, counts = due
    turns = np.zeros(len(entries), np.int64)
    begin = 0
    for watch, count in zip(watches, counts.tolist(), strict=True):
        if count:
            ends_ns = entries["end_ns"][begin : begin + count]
            turns[begin : begin + count] = watch.mounting.turns_at(ends_ns)
            watch.newest_end_ns = max(watch.newest_end_ns, int(ends_ns[-1]))
            begin += count
    windows = entries["kind"] <= LAST_WINDOW
    return turn_windows(signals, specification.model.channels, turns[windows]), entries, counts


def _ends(
    time_ns: Int64Array, runs: _Runs, closing: BoolArray, specification: StreamSpecification
) -> tuple[Int64Array, AnyArray]:
    """The rows of stretches that end in which no window begins, and the ends, with the run of each."""
    hop = specification.hop
    with_windows = (runs.samples - specification.length) // hop + 1
    rows_of_runs = -(-runs.samples // hop)
    run, number = numbered_after(np.where(closing, rows_of_runs, 0), np.where(closing, with_windows, 0))
    closed = np.flatnonzero(closing)
    owner = np.concatenate([run, closed])
    entries = np.zeros(len(owner), specification.entry)
    entries["kind"] = np.repeat([ROW, END], [len(run), len(closed)])
    entries["place"] = np.concatenate([hop * number, runs.samples[closed]])
    entries["key_ns"] = runs.close_ns[owner]
    here = runs.begins[owner] + entries["place"] - runs.forgotten[owner]  # the first sample of a row, or after the end
    entries["start_ns"] = time_ns[here - (entries["kind"] == END)]
    entries["end_ns"] = time_ns[here - 1] + specification.interval_ns
    return owner, entries


def _keep(
    watches: Sequence[Watch],
    raw: _Raw,
    rows: Int64Array,
    even: _Even,
    runs: _Runs,
    known_ns: Int64Array,
    specification: StreamSpecification,
) -> None:
    """Keep the samples that late samples or later windows need, and forget the others."""
    samples, counts = even
    newest_ns = raw.time_ns[raw.begins + raw.counts - 1]
    late = raw.before(newest_ns - LATE_NS)
    if specification.resampler is None:
        safe_ns, first = np.minimum(newest_ns - LATE_NS, known_ns), np.minimum(late, rows)
    else:
        # A late sample can become the neighbour of the row before; at the beginning of a stream no row is safe.
        row = np.maximum(np.minimum(late, rows) - 2, 0)
        safe_ns = np.minimum(known_ns, raw.time_ns[raw.begins + row] - specification.reach_ns)
        safe_ns = np.where(late >= 2, safe_ns, NEVER_NS)
        first = np.maximum(raw.before(safe_ns - specification.needs_ns) - 3, 0)
    raw_begins, raw_ends = raw.begins + first, raw.begins + raw.counts
    owner = np.repeat(np.arange(len(watches)), counts)
    safe = np.bincount(owner[samples.time_ns < safe_ns[owner]], minlength=len(watches))
    even_ends = np.cumsum(counts)
    even_begins = even_ends - counts + np.maximum(safe - specification.kept, 0)
    run = np.searchsorted(runs.begins, even_begins, side="right") - 1
    edges = np.stack([raw_begins, raw_ends, even_begins, even_ends, known_ns, safe_ns, run], axis=1)
    for watch, (begin, end, even_begin, even_end, known, final, number) in zip(watches, edges.tolist(), strict=True):
        if even_begin == even_end:
            continue
        # Copies, because a view would keep the samples of all watches.
        time_ns = raw.time_ns[begin:end].copy()
        signals = raw.signals[begin:end].copy()
        watch._keep(time_ns, signals, int(raw.since_ns[begin]))
        watch._even = joined([samples.part(even_begin, even_end)])
        watch._known_ns, watch._safe_ns = known, max(final, watch._safe_ns)
        watch._place = int(runs.forgotten[number] + even_begin - runs.begins[number])
