"""Labels a recording of any length: a network recognises batches of overlapping windows, and a row of the timeline is
the mean over the windows that cover it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from harken.networks import inference
from harken.networks.specification import RATE_TOLERANCE, Specification
from harken.recordings.mending import MendedStream, stream_of
from harken.recordings.recording import Recording, acceleration_channels
from harken.recordings.source import Samples
from harken.signals import Resampler
from harken.support.arrays import BoolArray, Float32Array, Int64Array, between, sums_in
from harken.support.errors import HarkenError
from harken.support.resources import hand_back, need_memory, read_ahead
from harken.timelines.timeline import Timeline
from harken.windows.stream_windows import GAP, StreamWindows, TimelineRows, Windowing
from harken.windows.windows import Windows

WINDOWS_AT_ONCE = 2000
"""Windows in a batch. Their samples are copied out of the recording, so this number limits the memory."""
MOST_BYTES_AT_ONCE = 1 << 27
"""The most bytes of windows in a batch: fewer of very long windows are processed at once."""

Probabilities = Callable[[Windows], Float32Array]
"""Windows ``[n, length, channels]`` -> float32 ``[n, outputs]``, see ``networks.inference.answers``."""


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
        raise HarkenError("only a mended recording can be labelled; read it without as_found", path=name)
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
            f"has no channel {', '.join(missing)}; it has {', '.join(recording.channels)}",
            path=recording.source or recording.subject,
            colon=False,
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
    need_memory(16 * values, "the probabilities of its labels", "use a model with longer hops", path=name)
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
            f"it cannot be labelled: no stretch without gaps and invalid samples is as long as a window, "
            f"{specification.window_length_s:g} s",
            path=name,
        )
    rows = windowing.rows(probabilities_of_windows, interval_ns=round(1e9 / facts.sample_rate_hz))
    del probabilities_of_windows
    return _timeline(specification, facts, rows, off_ns)


def _computed(probabilities: Probabilities, facts: MendedStream, windows: StreamWindows) -> Float32Array:
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


def _timeline(specification: Specification, facts: MendedStream, rows: TimelineRows, off_ns: Int64Array) -> Timeline:
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
