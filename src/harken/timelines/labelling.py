"""The timeline of a recording of any length: the probabilities of overlapping windows, averaged for each row."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.networks import inference
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.mended_stream import MendedStream, stream_of
from harken.recordings.recording import Recording, acceleration_channels
from harken.recordings.source import Samples
from harken.signals import Resampler
from harken.support.errors import HarkenError
from harken.support.resources import hand_back, need_memory
from harken.timelines.timeline import Timeline
from harken.timelines.windowing import GrowingArray, StreamLayout, StreamWindows, Windowing, windows_joined
from harken.windows.windows import Windows

WINDOWS_AT_ONCE = 2000
"""Windows in a batch. Their samples are copied out of the recording, so this number limits the memory."""
MOST_BYTES_AT_ONCE = 1 << 27
"""The most bytes of windows in a batch: fewer of very long windows are processed at once."""

Calibrate = Callable[[NDArray[np.float32], NDArray[np.float32] | None], NDArray[np.float32]]
"""Signals ``[n, channels]`` and the temperature ``[n]`` (or None) -> calibrated signals."""
Probabilities = Callable[[Windows], NDArray[np.float32]]
"""Windows ``[n, length, channels]`` -> float32 ``[n, labels]``."""
UNLABELLED, GAP = -1, -2


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
        probabilities: windows ``[n, length, channels]`` -> float32 ``[n, labels]``; called with a few at a time.
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
    calibrate: Calibrate | None = None,
    non_wear_ns: NDArray[np.int64] | None = None,
    listener: Callable[[Samples], None] | None = None,
    lanes: int = 0,
) -> Timeline:
    """Label a stream in the way of ``label_recording``, with limited memory.

    Args:
        specification: the model's specification.
        recording: the stream, see ``harken.readers.open_stream``.
        probabilities: as for ``label_recording``.
        calibrate: calibrates the signals first.
        non_wear_ns: the times of non-wear, int64 ``[k, 2]``, in order and apart; rows in them have no label and no
            probabilities. None: always worn.
        listener: called with each part of the calibrated samples, with all channels, before they are resampled.
        lanes: the number of threads that compute probabilities at the same time; 0: this thread computes them, after
            the other work. The timeline does not depend on it.

    Raises:
        HarkenError: as ``label_recording``.
    """
    columns = _columns(recording, specification.channels)
    prepared = _chosen(recording, columns, calibrate, listener)
    rate_hz = recording.sample_rate_hz
    limit_ns = recording.gap_limit_ns
    if specification.even_grid or abs(rate_hz / specification.sample_rate_hz - 1) > RATE_TOLERANCE:
        resampler = Resampler(
            specification.sample_rate_hz, source_rate_hz=rate_hz, largest_gap_s=recording.gap_limit_ns / 1e9
        )
        times = (samples.time_ns for samples in recording.samples())
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
    non_wear_ns: NDArray[np.int64] | None,
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
    skipped_ns = None if non_wear_ns is None else _surely_not_worn(specification, non_wear_ns)
    most = max(1, MOST_BYTES_AT_ONCE // (4 * len(facts.channels) * specification.window_length))
    length_s = (facts.end_ns - facts.start_ns - int(np.diff(facts.gaps_ns).sum())) / 1e9
    values = int(length_s / specification.hop_s * len(specification.labels))
    need_memory(16 * values, f"{name}: the probabilities of its labels", "use a model with longer hops")
    with BatchedProbabilities(facts, probabilities, len(specification.labels), skipped_ns, lanes, most) as batches:
        some = False
        for samples in stream:
            some |= len(samples.time_ns) > 0
            for part in samples.pieces(hop * most):
                batches.add(windowing.push(part))
        if some:
            last, layout = windowing.finish()
            batches.add(last)
        each = batches.finish()
    hand_back()
    if each is None:
        raise HarkenError(
            f"{name}: it cannot be labelled: no stretch without gaps and invalid samples is as long as a window, "
            f"{specification.window_length_s:g} s"
        )
    rows = rows_of(layout, interval_ns=round(1e9 / facts.sample_rate_hz), non_wear_ns=non_wear_ns)
    labelled = layout.averaged(each)
    del each
    unlabelled = (rows.labelled == len(labelled)) | ~rows.wear
    probabilities_of_rows = labelled[np.where(unlabelled, 0, rows.labelled)]
    probabilities_of_rows[unlabelled] = np.nan
    del labelled
    return Timeline.of(
        rows.start_ns,
        probabilities_of_rows,
        end_ns=rows.end_ns,
        recorded=rows.recorded,
        labels=specification.labels,
        subject=facts.subject,
        source=facts.source,
        timezone=facts.timezone,
        wear=rows.wear,
        activity_mg=rows.activity_mg if axes else None,
    )


def _surely_not_worn(specification: Specification, non_wear_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times at which windows begin that reach only rows in non-wear, int64 ``[k, 2]``, both ends included."""
    row_ns = round(specification.hop_s * 1e9)
    window_ns = round(specification.window_length_s * 1e9)
    # A window that begins between two rows reaches up to a row's length beyond its ends.
    inside = np.stack([non_wear_ns[:, 0] + row_ns, non_wear_ns[:, 1] - window_ns - row_ns], axis=1)
    return np.asarray(inside[inside[:, 0] <= inside[:, 1]])


def _columns(recording: MendedStream, channels: tuple[str, ...]) -> list[int]:
    missing = [name for name in channels if name not in recording.channels]
    if missing:
        raise HarkenError(
            f"{recording.source or recording.subject} has no channel {', '.join(missing)}; it has "
            f"{', '.join(recording.channels)}"
        )
    return [recording.channels.index(name) for name in channels]


def _chosen(
    recording: MendedStream,
    columns: list[int],
    calibrate: Calibrate | None,
    listener: Callable[[Samples], None] | None,
) -> Iterator[Samples]:
    """The samples with the model's channels, calibrated."""
    heat = recording.channels.index("temperature") if "temperature" in recording.channels else None
    same = columns == list(range(len(recording.channels)))
    for samples in recording.samples():
        signals = samples.signals
        if calibrate is not None:
            signals = calibrate(signals, None if heat is None else signals[:, heat])
        if listener is not None:
            listener(samples._replace(signals=signals))
        yield samples._replace(signals=signals if same else np.ascontiguousarray(signals[:, columns]))


class Rows(NamedTuple):
    """Rows in order of time; each ends where the next begins; arrays ``[rows]``.

    ``start_ns`` int64; ``labelled`` int64, the number of the row among the labelled rows (for a row without a label,
    the count of all labelled rows); ``recorded`` bool, False in gaps; ``activity_mg`` float32, the mean length of the
    acceleration minus gravity (0 where it is negative), in thousandths of g, NaN where there is no valid sample;
    ``wear`` bool, False where more than half of the row is non-wear; ``end_ns`` of the last row.
    """

    start_ns: NDArray[np.int64]
    labelled: NDArray[np.int64]
    recorded: NDArray[np.bool_]
    activity_mg: NDArray[np.float32]
    wear: NDArray[np.bool_]
    end_ns: int


def rows_of(layout: StreamLayout, *, interval_ns: int, non_wear_ns: NDArray[np.int64] | None) -> Rows:
    """The rows of a stream.

    Args:
        layout: its runs and labelled rows.
        interval_ns: the time from a sample to the start of a gap after it.
        non_wear_ns: the times of non-wear, int64 ``[k, 2]``, in order and apart; None: always worn.
    """
    unlabelled = np.flatnonzero(~layout.labelled)
    gaps = np.flatnonzero(layout.after_gap)
    starts = np.concatenate([layout.row_ns, layout.start_ns[unlabelled], layout.end_ns[gaps - 1] + interval_ns])
    kinds = np.concatenate(
        [np.arange(len(layout.row_firsts)), np.full(len(unlabelled), UNLABELLED), np.full(len(gaps), GAP)]
    )
    # The sums before each row, and the number of samples in them; a gap has the sums of the row after it.
    row_counts = layout.counts[layout.row_runs] + layout.row_firsts - layout.edges[layout.row_runs]
    sums = np.concatenate([layout.row_sums, layout.sums[unlabelled], layout.sums[gaps]])
    counts = np.concatenate([row_counts, layout.counts[unlabelled], layout.counts[gaps]])
    order = np.argsort(starts, kind="stable")
    starts, kinds, sums, counts = starts[order], kinds[order], sums[order], counts[order]
    # Neighbouring rows without a label are joined.
    kept = np.concatenate([[True], (kinds[1:] != UNLABELLED) | (kinds[:-1] != UNLABELLED)])
    starts, kinds, sums, counts = starts[kept], kinds[kept], sums[kept], counts[kept]
    end_ns = int(layout.end_ns[-1]) + interval_ns
    summed, over = np.diff(sums, append=layout.sums[-1]), np.diff(counts, append=layout.counts[-1])
    activity = np.divide(1000 * summed, over, out=np.full(len(over), np.nan), where=over > 0)
    ends = np.append(starts[1:], end_ns)
    return Rows(
        start_ns=starts,
        labelled=np.where(kinds < 0, len(layout.row_firsts), kinds),
        recorded=kinds != GAP,
        activity_mg=activity.astype(np.float32),
        wear=2 * (_time_in(non_wear_ns, ends) - _time_in(non_wear_ns, starts)) <= ends - starts,
        end_ns=end_ns,
    )


def _time_in(stretches_ns: NDArray[np.int64] | None, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The total length of the stretches before each time, in nanoseconds, int64 ``[times]``."""
    if stretches_ns is None or len(stretches_ns) == 0:
        return np.zeros(len(times_ns), dtype=np.int64)
    lengths = stretches_ns[:, 1] - stretches_ns[:, 0]
    before = np.concatenate([[0], np.cumsum(lengths)])
    place = np.searchsorted(stretches_ns[:, 0], times_ns, side="right")
    inside = np.clip(times_ns - stretches_ns[place - 1, 0], 0, lengths[place - 1])
    return np.where(place > 0, before[place - 1] + inside, 0)


class BatchedProbabilities:
    """Collects windows while a stream is read, and computes their probabilities in batches.

    Args:
        facts: the recording's description, for the windows.
        probabilities: computes a batch.
        labels: the number of labels.
        skipped_ns: windows that begin in these times are not computed, int64 ``[k, 2]``, both ends included; None:
            all are computed.
        lanes: the number of threads that compute while this thread collects the next windows; 0: this thread computes.
            At most ``most`` windows wait for each, which limits the memory.
        most: the largest number of windows in a batch, besides ``WINDOWS_AT_ONCE``.
    """

    def __init__(
        self,
        facts: MendedStream,
        probabilities: Probabilities,
        labels: int,
        skipped_ns: NDArray[np.int64] | None,
        lanes: int,
        most: int,
    ) -> None:
        self._facts, self._probabilities, self._lanes = facts, probabilities, lanes
        self._labels, self._most = labels, min(most, WINDOWS_AT_ONCE)
        # The network computes a larger number on several threads, which lanes do already.
        self._at_once = min(self._most, inference.WINDOWS_AT_ONCE) if lanes else self._most
        self._skipped_ns = np.empty((0, 2), np.int64) if skipped_ns is None else skipped_ns
        self._computed = GrowingArray(np.bool_)
        self._waiting: list[StreamWindows] = []
        self._waiting_count = 0
        self._running: deque[Future[NDArray[np.float32]]] = deque()
        self._done: GrowingArray[np.float32] | None = None
        self._executor = ThreadPoolExecutor(lanes, thread_name_prefix="harken-batches") if lanes else None

    def __enter__(self) -> "BatchedProbabilities":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def add(self, windows: StreamWindows) -> None:
        """Add windows."""
        # A window is skipped if more stretches have begun before it than have ended.
        begun = np.searchsorted(self._skipped_ns[:, 0], windows.starts_ns, side="right")
        ended = np.searchsorted(self._skipped_ns[:, 1], windows.starts_ns, side="left")
        computed = begun == ended
        self._computed.add(computed)
        if computed.any():
            self._waiting.append(windows if computed.all() else windows.part(computed))
            self._waiting_count += int(computed.sum())
        while self._waiting_count >= self._at_once:
            self._compute()

    def finish(self) -> NDArray[np.float32] | None:
        """Probabilities of all windows, in their order, ``[windows, labels]``, 0 of skipped ones; None without
        windows."""
        while self._waiting:
            self._compute()
        while self._running:
            self._keep(self._running.popleft().result())
        computed = self._computed.all()
        if computed.all():
            return None if self._done is None else self._done.all()
        every = np.zeros((len(computed), self._labels), np.float32)
        if self._done is not None:
            every[computed] = self._done.all()
        return every

    def _keep(self, probabilities: NDArray[np.float32]) -> None:
        if self._done is None:
            self._done = GrowingArray(np.float32, probabilities.shape[1])
        self._done.add(probabilities)

    def _compute(self) -> None:
        every = windows_joined(self._waiting)
        now, rest = every.part(slice(self._at_once)), every.part(slice(self._at_once, None))
        self._waiting = [rest] if len(rest.firsts) else []
        self._waiting_count = len(rest.firsts)
        windows = Windows.unlabelled(
            now.signals,
            channels=self._facts.channels,
            sample_rate_hz=self._facts.sample_rate_hz,
            subject=self._facts.subject,
            starts_ns=now.starts_ns,
            start_rows=now.firsts,
        )
        if self._executor is None:
            self._keep(self._probabilities(windows))
            return
        self._running.append(self._executor.submit(self._probabilities, windows))
        # So many windows wait that lanes have work while this thread reads the next part of a file.
        while len(self._running) * self._at_once > self._lanes * self._most:
            self._keep(self._running.popleft().result())
