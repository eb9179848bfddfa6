"""The timeline of a recording of any length: samples are cut into overlapping windows, of which batches are recognised,
and the probabilities of the windows that cover a row are averaged.

At most a window's length of samples is kept between two parts of a stream.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.networks import inference
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.mending import MendedStream, stream_of
from harken.recordings.recording import Recording, acceleration_channels
from harken.recordings.source import Samples, joined
from harken.signals import Resampler
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, between, numbered, sums_in
from harken.support.errors import HarkenError
from harken.support.resources import hand_back, need_memory, read_ahead
from harken.timelines.timeline import Timeline
from harken.windows.windows import Windows

WINDOWS_AT_ONCE = 2000
"""Windows in a batch. Their samples are copied out of the recording, so this number limits the memory."""
MOST_BYTES_AT_ONCE = 1 << 27
"""The most bytes of windows in a batch: fewer of very long windows are processed at once."""

Probabilities = Callable[[Windows], Float32Array]
"""Windows ``[n, length, channels]`` -> float32 ``[n, outputs]``, see ``networks.inference.answers``."""
UNLABELLED, GAP = -1, -2
WEIGHTED_AT_ONCE = 1 << 14
"""The probabilities of this many windows are weighted at a time."""


def label_recording(
    specification: Specification,
    recording: Recording,
    probabilities: Probabilities,
    *,
    unsure_below: float | None = None,
) -> Timeline:
    """Label a whole recording. The labels that it contains are not used.

    A *stretch* is a longest run of samples without a gap and without a marked sample. In each stretch there is a window
    of the model's length at every hop, and one more that ends with the stretch. Each stretch is cut into rows of a hop
    (the last one may be shorter). The probabilities of a row are the mean over the windows that cover it, each weighted
    by the part of the row that it covers. No window spans a gap or a marked sample. Stretches shorter than a window,
    marked samples, and gaps are rows without a label. The activity of a row is a mean over its samples at the model's
    rate: of the length of the acceleration minus gravity, and 0 where this is negative.

    Args:
        specification: the model's specification.
        recording: a mended recording, at any rate.
        probabilities: windows ``[n, length, channels]`` -> float32 ``[n, outputs]``: of each label, and of busy hands
            if the specification has ``hands``; called with a few at a time.
        unsure_below: see ``Timeline.with_unsure_below``.

    Raises:
        HarkenError: when the recording is ``as_found``, lacks a channel, cannot be resampled, or no stretch is as
            long as a window; or when ``unsure_below`` is not a probability.
    """
    if recording.as_found:
        name = recording.source or recording.subject
        raise HarkenError(f"{name}: only a mended recording can be labelled; read it without as_found")
    prepared = stream_of(specification.prepare_recording(recording))
    timeline = _labelled(specification, prepared, prepared.samples(), probabilities, None)
    return timeline if unsure_below is None else timeline.with_unsure_below(unsure_below)


def label_stream(
    specification: Specification,
    recording: MendedStream,
    probabilities: Probabilities,
    *,
    samples: Iterable[Samples] | None = None,
    non_wear_ns: Int64Array | None = None,
    lanes: int = 0,
) -> Timeline:
    """Label a stream in the way of ``label_recording``, with limited memory.

    Args:
        specification: the model's specification.
        recording: the stream, see ``harken.readers.open_stream``.
        probabilities: as for ``label_recording``.
        samples: the samples to label in place of those of the stream: the same times and channels, but calibrated, for
            example. They are read once.
        non_wear_ns: the times of non-wear, int64 ``[k, 2]``, in order and apart; rows in them have no label and no
            probabilities. None: always worn.
        lanes: the number of threads that compute probabilities at the same time, while another one reads and prepares
            samples; 0: this thread does all work. The timeline does not depend on it.

    Raises:
        HarkenError: as ``label_recording``.
    """
    missing = [name for name in specification.channels if name not in recording.channels]
    if missing:
        raise HarkenError(
            f"{recording.source or recording.subject} has no channel {', '.join(missing)}; it has "
            f"{', '.join(recording.channels)}"
        )
    if samples is None:
        samples = recording.samples()
    prepared = _select_channels(samples, recording.channels, specification.channels)
    if lanes:
        prepared = read_ahead(prepared)
    rate_hz = recording.sample_rate_hz
    limit_ns = recording.gap_limit_ns
    if specification.even_grid or abs(rate_hz / specification.sample_rate_hz - 1) > RATE_TOLERANCE:
        resampler = Resampler(
            specification.sample_rate_hz, source_rate_hz=rate_hz, largest_gap_s=recording.gap_limit_ns / 1e9
        )
        times = (part.time_ns for part in recording.samples())
        if not resampler.grid.holds(times, longest_step_ns=resampler.longest_step_ns):
            prepared = resampler.stream(prepared)
            rate_hz, limit_ns = specification.sample_rate_hz, resampler.hole_ns
    recording = replace(recording, channels=specification.channels, sample_rate_hz=rate_hz, gap_limit_ns=limit_ns)
    return _labelled(specification, recording, prepared, probabilities, non_wear_ns, lanes)


def _labelled(
    specification: Specification,
    facts: MendedStream,
    stream: Iterable[Samples],
    probabilities: Probabilities,
    non_wear_ns: Int64Array | None,
    lanes: int = 0,
) -> Timeline:
    """Label a stream of samples with the model's channels and rate. The samples of ``facts`` are not used."""
    name = facts.source or facts.subject
    axes = acceleration_channels(facts.channels)
    hop = max(1, round(specification.hop_s * specification.sample_rate_hz))
    windowing = Windowing(
        length=specification.window_length,
        hop=hop,
        gap_limit_ns=facts.gap_limit_ns,
        channels=len(facts.channels),
        axes=axes,
    )
    off_ns = np.empty((0, 2), np.int64) if non_wear_ns is None else non_wear_ns
    most = max(1, MOST_BYTES_AT_ONCE // (4 * len(facts.channels) * specification.window_length))
    length_s = (facts.end_ns - facts.start_ns - int(np.diff(facts.gaps_ns).sum())) / 1e9
    values = int(length_s / specification.hop_s * specification.outputs)
    need_memory(16 * values, f"{name}: the probabilities of its labels", "use a model with longer hops")
    probabilities_of_windows = in_batches(
        windowing.windows(stream, hop * most),
        partial(_computed, probabilities, facts),
        outputs=specification.outputs,
        skipped_ns=_surely_not_worn(specification, off_ns),
        lanes=lanes,
        most=min(most, WINDOWS_AT_ONCE),
    )
    hand_back()
    if probabilities_of_windows is None:
        raise HarkenError(
            f"{name}: it cannot be labelled: no stretch without gaps and invalid samples is as long as a window, "
            f"{specification.window_length_s:g} s"
        )
    rows = windowing.rows(probabilities_of_windows, interval_ns=round(1e9 / facts.sample_rate_hz))
    del probabilities_of_windows
    return _timeline(specification, facts, rows, off_ns)


def _computed(probabilities: Probabilities, facts: MendedStream, windows: "StreamWindows") -> Float32Array:
    """The probabilities of some windows, ``[n, outputs]``."""
    return probabilities(
        Windows.unlabelled(
            windows.signals,
            channels=facts.channels,
            sample_rate_hz=facts.sample_rate_hz,
            subject=facts.subject,
            starts_ns=windows.starts_ns,
            start_rows=windows.firsts,
        )
    )


def _timeline(specification: Specification, facts: MendedStream, rows: "TimelineRows", off_ns: Int64Array) -> Timeline:
    """The timeline of these rows; most of a row must lie outside of non-wear to have a label."""
    spans_ns = between(np.append(rows.start_ns, rows.end_ns))
    not_worn_ns = sums_in(spans_ns, off_ns, np.diff(off_ns)[:, 0])
    wear = 2 * not_worn_ns <= np.diff(spans_ns)[:, 0]
    unlabelled = (rows.kind < 0) | ~wear
    probabilities_of_rows = rows.probabilities[np.where(unlabelled, 0, rows.kind)]
    probabilities_of_rows[unlabelled] = np.nan
    shares, hands = specification.labels_and_hands(probabilities_of_rows)
    return Timeline.of(
        rows.start_ns,
        shares,
        end_ns=rows.end_ns,
        recorded=rows.kind != GAP,
        labels=specification.labels,
        subject=facts.subject,
        source=facts.source,
        timezone=facts.timezone,
        wear=wear,
        activity_mg=rows.activity_mg if acceleration_channels(facts.channels) else None,
        hands=hands,
    )


def _surely_not_worn(specification: Specification, non_wear_ns: Int64Array) -> Int64Array:
    """The times at which windows begin that reach only rows in non-wear, int64 ``[k, 2]``, both ends included."""
    row_ns = round(specification.hop_s * 1e9)
    window_ns = round(specification.window_length_s * 1e9)
    # A window that begins between two rows reaches up to a row's length beyond its ends.
    inside = np.stack([non_wear_ns[:, 0] + row_ns, non_wear_ns[:, 1] - window_ns - row_ns], axis=1)
    return np.asarray(inside[inside[:, 0] <= inside[:, 1]])


def _select_channels(parts: Iterable[Samples], channels: tuple[str, ...], chosen: tuple[str, ...]) -> Iterator[Samples]:
    """Yield the samples with the chosen channels. Free memory, which the allocator would keep, is returned to the
    system after each part."""
    columns = [channels.index(name) for name in chosen]
    unchanged = columns == list(range(len(channels)))
    for samples in parts:
        if unchanged:
            yield samples
        else:
            yield samples._replace(signals=np.ascontiguousarray(samples.signals[:, columns]))
        hand_back()


class StreamWindows(NamedTuple):
    """Complete windows: ``signals`` float32 ``[n, length, channels]`` (a copy); the number, in the stream, of the first
    sample of each, int64 ``[n]``; and the time of that sample."""

    signals: Float32Array
    firsts: Int64Array
    starts_ns: Int64Array

    def part(self, numbers: slice | BoolArray) -> "StreamWindows":
        """Some of the windows."""
        return StreamWindows(self.signals[numbers], self.firsts[numbers], self.starts_ns[numbers])


class TimelineRows(NamedTuple):
    """Rows in order of time; each ends where the next begins; arrays ``[rows]``.

    ``start_ns`` int64; ``kind`` int64, the number of the row among those with a label, ``UNLABELLED`` or ``GAP``;
    ``activity_mg`` float32, the mean length of the acceleration minus gravity (0 where it is negative), in thousandths
    of g, NaN where there is no valid sample; ``end_ns`` of the last row; ``probabilities`` float32, of the rows with a
    label.
    """

    start_ns: Int64Array
    kind: Int64Array
    activity_mg: Float32Array
    end_ns: int
    probabilities: Float32Array


class Windowing:
    """Cuts a stream of samples into windows, and lays their probabilities over rows.

    Samples are numbered from the beginning of the stream. A *run* is a longest sequence of samples without a gap that
    are all valid or all invalid. Valid runs that are at least as long as a window have windows.

    Args:
        length, hop: samples in a window and in a row of the timeline.
        gap_limit_ns: two samples further apart than this have a gap between them.
        channels: the number of channels.
        axes: the number of leading channels that are acceleration, for the activity; 0 if there are none.
    """

    def __init__(self, *, length: int, hop: int, gap_limit_ns: int, channels: int, axes: int) -> None:
        self._length, self._hop, self._gap_ns, self._axes = length, hop, gap_limit_ns, axes
        self._kept = Samples.empty(0, channels)
        self._total, self._begin = 0, 0  # samples so far, and the first of the open run
        self._last_ns, self._last_valid = 0, False
        self._sum, self._count = 0.0, 0  # of the activity and of the valid samples so far
        self._window_firsts: list[Int64Array] = []
        # Arrays of each push, of its rows; an invalid run is one row. The first sample, the times of that and of the
        # sample before, whether it is valid, and whether a gap is before it; over all samples before, the sum of the
        # activity and the number of valid ones; and whether the row begins a run.
        self._rows: list[tuple[NDArray[Any], ...]] = []

    def push(self, samples: Samples) -> StreamWindows:
        """Add samples, at least one, later than all before; returns the windows that they complete."""
        time_ns, valid, total = samples.time_ns, samples.valid, self._total
        if total == 0:
            self._last_ns = int(time_ns[0])
            self._last_valid = not valid[0]
        before_ns = np.concatenate([[self._last_ns], time_ns[:-1]])
        gap = time_ns - before_ns > self._gap_ns
        new = np.flatnonzero(gap | (valid != np.concatenate([[self._last_valid], valid[:-1]])))
        activity = np.concatenate([[self._sum], self._sum + np.cumsum(self._activity(samples))])
        present = np.concatenate([[self._count], self._count + np.cumsum(valid)])
        # The open run and those that begin here; all but the last have ended.
        opened = 1 if total else 0
        ends = [total + len(time_ns)]
        edges = np.concatenate([[self._begin] * opened, new + total, ends]).astype(np.int64)
        usable = np.concatenate([[self._last_valid] * opened, valid[new]]).astype(bool)
        rows = np.where(usable, -(-np.diff(edges) // self._hop), 1)
        begun = np.zeros_like(rows)
        begun[0] = -((edges[0] - total) // self._hop) if usable[0] else opened  # rows of the open run so far
        run, number = numbered_after(rows, begun)
        here = edges[run] + self._hop * number - total
        columns = (time_ns, before_ns, valid, gap, activity, present)
        self._rows.append((here + total, *(column[here] for column in columns), number == 0))
        every = joined([self._kept, samples]) if len(self._kept.time_ns) else samples
        windows = self._windows(edges, usable, every, ended=False)

        self._total = total + len(time_ns)
        self._begin = int(edges[-2])
        self._sum = float(activity[-1])
        self._count = int(present[-1])
        self._last_ns = int(time_ns[-1])
        self._last_valid = bool(valid[-1])
        # The last window of a run ends where the run does.
        kept = min(self._total - self._begin, self._length) if self._last_valid else 0
        self._kept = joined([every.part(len(every.time_ns) - kept, len(every.time_ns))])
        return windows

    def windows(self, stream: Iterable[Samples], rows: int) -> Iterator[StreamWindows]:
        """The windows of a whole stream, whose samples are added so many at a time."""
        for samples in stream:
            yield from map(self.push, samples.pieces(rows))
        yield self.finish()

    def finish(self) -> StreamWindows:
        """The windows that the end of the stream completes."""
        edges = np.array([self._begin, self._total])
        usable = np.array([self._last_valid])
        return self._windows(edges, usable, self._kept, ended=True)

    def rows(self, probabilities: Float32Array, *, interval_ns: int) -> TimelineRows:
        """The rows of the stream, which has ended and had windows.

        Args:
            probabilities: the probabilities of all windows, ``[windows, labels]``.
            interval_ns: the time from a sample to the start of a gap after it.
        """
        firsts, begins_ns, before_ns, valid, gap, sums, counts, opens = (
            np.concatenate(arrays) for arrays in zip(*self._rows, strict=True)
        )
        edges = np.append(firsts[opens], self._total)
        run = np.cumsum(opens) - 1
        long = valid[opens] & (np.diff(edges) >= self._length)
        labelled = long[run]
        # A run without labels is one row, and is joined to one right before it.
        kept = labelled.copy()
        kept[opens] |= gap[opens] | np.append(True, long[:-1])
        # A gap is a row, too: it has the place of the row after it, and so no samples.
        row = np.repeat(np.flatnonzero(kept), 1 + gap[kept])
        is_gap = gap[row] & (np.diff(row, prepend=-1) > 0)
        kind = np.where(labelled[row], np.cumsum(labelled)[row] - 1, UNLABELLED)
        over = np.diff(counts[row], append=self._count)
        summed = 1000 * np.diff(sums[row], append=self._sum)
        activity = np.divide(summed, over, out=np.full(len(over), np.nan), where=over > 0)
        return TimelineRows(
            start_ns=np.where(is_gap, before_ns[row] + interval_ns, begins_ns[row]),
            kind=np.where(is_gap, GAP, kind),
            activity_mg=activity.astype(np.float32),
            end_ns=self._last_ns + interval_ns,
            probabilities=averaged_over_windows(
                probabilities,
                np.concatenate(self._window_firsts),
                firsts[labelled],
                np.minimum(firsts[labelled] + self._hop, edges[run[labelled] + 1]),
                length=self._length,
                hop=self._hop,
            ),
        )

    def _activity(self, samples: Samples) -> Float64Array:
        """The length of each acceleration minus gravity, in g; 0 where negative or the sample is invalid: ``[n]``."""
        if self._axes == 0:
            return np.zeros(len(samples.time_ns))
        with np.errstate(over="ignore", invalid="ignore"):  # an invalid sample may have any value
            square = np.square(samples.signals[:, 0])
            for axis in range(1, self._axes):
                square += np.square(samples.signals[:, axis])
            longer = np.maximum(np.sqrt(square) - 1, 0)
        return np.where(samples.valid, longer, 0).astype(np.float64)

    def _windows(self, edges: Int64Array, usable: BoolArray, every: Samples, *, ended: bool) -> StreamWindows:
        """The windows of the runs with these edges that are newly complete, copied out of the kept and new samples."""
        samples = np.where(usable, np.diff(edges), 0)
        closed = np.append(np.ones(len(samples) - 1, dtype=bool), ended)
        given = np.zeros_like(samples)
        if usable[0]:
            given[0] = max((self._total - edges[0] - self._length) // self._hop + 1, 0)
        run, place = window_places(samples, closed, given, length=self._length, hop=self._hop)
        firsts = edges[run] + place
        self._window_firsts.append(firsts)
        if len(firsts) == 0:
            return StreamWindows(np.empty((0, self._length, every.signals.shape[1]), np.float32), firsts, firsts)
        views = np.lib.stride_tricks.sliding_window_view(every.signals, self._length, axis=0).swapaxes(1, 2)
        here = firsts - (edges[-1] - len(every.time_ns))
        return StreamWindows(views[here], firsts, every.time_ns[here])


def window_places(
    samples: Int64Array, closed: BoolArray, given: Int64Array, *, length: int, hop: int
) -> tuple[Int64Array, Int64Array]:
    """The windows of some runs, one run after the other.

    Args:
        samples: the number of samples in each run; 0 for one without windows.
        closed: whether a run has ended. Its last window ends where the run does.
        given: the number of windows at the beginning of each run that are left out.
        length, hop: samples in a window, and from one to the next.

    Returns:
        The number of each window's run, and of its first sample in the run, int64 ``[windows]``.
    """
    spare = samples - length
    counts = spare // hop + 1
    counts += closed & (spare % hop > 0)
    run, number = numbered_after(np.where(spare >= 0, counts, 0), given)
    return run, np.minimum(hop * number, spare[run])


def numbered_after(counts: Int64Array, given: Int64Array) -> tuple[Int64Array, Int64Array]:
    """``numbered`` without the first ``given`` of each run."""
    run, number = numbered(np.maximum(counts - given, 0))
    return run, number + given[run]


def averaged_over_windows(
    probabilities: Float32Array,
    window_firsts: Int64Array,
    row_firsts: Int64Array,
    row_ends: Int64Array,
    *,
    length: int,
    hop: int,
) -> Float32Array:
    """Probabilities of windows ``[windows, labels]`` -> of rows, float32 ``[rows, labels]``: the mean over the windows
    that cover a row, weighted by the number of its samples that each covers.

    Args:
        probabilities: the probabilities of the windows.
        window_firsts: the number of each window's first sample.
        row_firsts, row_ends: the numbers of each row's first sample and of the sample after its last one, rising.
        length, hop: samples in a window and, at most, in a row.
    """
    sums = np.zeros((len(row_firsts), probabilities.shape[1]))
    weights = np.zeros(len(row_firsts))
    first_row = np.searchsorted(row_firsts, window_firsts, side="right") - 1
    for later in range(-(-length // hop) + 1):
        for first_window in range(0, len(probabilities), WEIGHTED_AT_ONCE):
            some = slice(first_window, first_window + WEIGHTED_AT_ONCE)
            firsts = window_firsts[some]
            row = first_row[some] + later
            inside = (row >= 0) & (row < len(row_firsts))
            row = np.where(inside, row, 0)
            covered = np.minimum(firsts + length, row_ends[row]) - np.maximum(firsts, row_firsts[row])
            weight = np.where(inside, np.maximum(covered, 0), 0)
            np.add.at(sums, row, weight[:, None] * probabilities[some])
            np.add.at(weights, row, weight)
    sums /= weights[:, None]
    return sums.astype(np.float32)


def in_batches(
    windows: Iterable[StreamWindows],
    compute: Callable[[StreamWindows], Float32Array],
    *,
    outputs: int,
    skipped_ns: Int64Array,
    lanes: int,
    most: int,
) -> Float32Array | None:
    """The probabilities of all windows in their order, float32 ``[n, outputs]``, 0 of skipped ones; None without any.

    Args:
        windows: the windows, which are taken while others are computed.
        compute: windows -> their probabilities.
        outputs: the number of probabilities of a window.
        skipped_ns: windows that begin in these times are not computed, int64 ``[k, 2]``, both ends included.
        lanes: the number of threads that compute at the same time; 0: this thread computes each batch before the next
            windows are taken. At most ``most`` windows wait for each, which limits the memory.
        most: the largest number of windows in a batch.
    """
    # The network computes a larger number on several threads, which lanes do already.
    at_once = min(most, inference.WINDOWS_AT_ONCE) if lanes else most
    # So many batches wait that lanes have work while the next part of a file is read.
    ahead = lanes * most // at_once
    computed: list[BoolArray] = []
    batches: list[Future[Float32Array]] = []
    waiting: list[StreamWindows] = []
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="harken-batches") if lanes else None

    def start(least: int) -> None:
        """Compute batches until fewer than ``least`` windows wait."""
        while sum(len(some.firsts) for some in waiting) >= least:
            if len(waiting) > 1:
                waiting[:] = [StreamWindows(*(np.concatenate(arrays) for arrays in zip(*waiting, strict=True)))]
            (every,) = waiting
            waiting[:] = [every.part(slice(at_once, None))]
            batch = every.part(slice(at_once))
            batches.append(_computed_here(compute, batch) if pool is None else pool.submit(compute, batch))
            if len(batches) > ahead:
                batches[-1 - ahead].result()

    try:
        for some in windows:
            # A window is skipped if more stretches have begun before it than have ended.
            begun = np.searchsorted(skipped_ns[:, 0], some.starts_ns, side="right")
            computed.append(begun == np.searchsorted(skipped_ns[:, 1], some.starts_ns, side="left"))
            waiting.append(some if computed[-1].all() else some.part(computed[-1]))
            start(at_once)
        start(1)
        chosen = np.concatenate(computed)
        found = np.zeros((len(chosen), outputs), np.float32)
        if batches:
            found[chosen] = np.concatenate([batch.result() for batch in batches])
        return found if len(found) else None
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _computed_here(compute: Callable[[StreamWindows], Float32Array], windows: StreamWindows) -> Future[Float32Array]:
    """The probabilities, computed by this thread, whose settings (such as ``torch.no_grad``) a new one lacks."""
    done: Future[Float32Array] = Future()
    done.set_result(compute(windows))
    return done
