"""A recording as a stream of mended samples, which can be read several times."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.recordings.mending import MOST_REPEATED, are_times, mend, quality_with_counts
from harken.recordings.recording import Quality, Recording
from harken.recordings.source import RecordingSource, Samples, Source, SourceChangedError
from harken.recordings.survey import ClockSurvey, Faults, OutOfOrderError, ValueSurvey, deduplicated
from harken.support.threads import read_ahead

ROWS_AT_ONCE, MOST_ROWS = 1 << 18, 1 << 20
"""Longer pieces are cut, so that the arrays computed from a piece fit in memory."""

Observer = Callable[[tuple[str, ...]], Callable[[Samples], None]]
"""A function of the channels. It returns a function that is called with each piece while a file is read for the first
time."""


@dataclass(frozen=True, eq=False)
class MendedStream:
    """One wearer's mended recording, read in pieces. The memory does not grow with its length. Labels may be missing.

    Attributes:
        channels, subject, source, timezone, quality: as in a ``Recording``.
        sample_rate_hz: samples per second inside gap-free stretches.
        gap_limit_ns: two samples further apart than this have a gap between them.
        start_ns, end_ns: the first and the last sample.
        gaps_ns: int64 ``[gaps, 2]``, the samples before and after each gap.
        rows: samples in all pieces.
        streamed: False if the whole recording is in memory.
        read: the function that ``samples`` calls.
        label_names: the labels of the label codes; empty if the samples have no labels.
        observed: whether the observer (see ``mended_stream``) was called with exactly these samples.
    """

    channels: tuple[str, ...]
    subject: str
    source: str
    timezone: str
    quality: Quality
    sample_rate_hz: float
    gap_limit_ns: int
    start_ns: int
    end_ns: int
    gaps_ns: NDArray[np.int64]
    rows: int
    streamed: bool
    read: Callable[[], Iterator[Samples]]
    label_names: tuple[str, ...] = ()
    observed: bool = False

    def samples(self) -> Iterator[Samples]:
        """The samples from the beginning, in the order of their times. May be called several times."""
        return self.read()


def mended_stream(
    source: Source, *, sensor_range: float | None = None, observer: Observer | None = None
) -> MendedStream:
    """The samples of a source, mended as by ``mend``, as a stream.

    The source is read once to find what must be mended. A source that is not in the order of time, or slower than ten
    samples a second, is collected in memory.

    Args:
        source: the recording as found.
        sensor_range: the sensor's range in g, if it is known.
        observer: called with the channels. The function that it returns is called with all samples while the source is
            read for the first time, which saves a second reading. The observer is called again if the source must be
            read from its beginning again. The observed samples are those of the stream only if the stream is
            ``observed``: samples may be marked later, or the source may be collected.

    Raises:
        HarkenError: as ``mend``, and for errors in the file.
    """
    while True:
        try:
            stream = _surveyed(source, sensor_range, observer)
        except SourceChangedError:
            continue
        return stream if stream is not None else stream_of(mend(source.collect(), sensor_range=sensor_range))


def stream_of(recording: Recording, *, rows_at_once: int = ROWS_AT_ONCE) -> MendedStream:
    """A mended recording in memory as a stream of views, without copies.

    Raises:
        ValueError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise ValueError("only a mended recording is a mended stream")
    rows = recording.gap_rows
    return MendedStream(
        channels=recording.channels,
        subject=recording.subject,
        source=recording.source,
        timezone=recording.timezone,
        quality=recording.quality,
        sample_rate_hz=recording.sample_rate_hz,
        gap_limit_ns=recording.gap_limit_ns,
        start_ns=int(recording.time_ns[0]),
        end_ns=int(recording.time_ns[-1]),
        gaps_ns=np.stack([recording.time_ns[rows - 1], recording.time_ns[rows]], axis=1),
        rows=len(recording),
        streamed=False,
        read=RecordingSource(recording, rows_at_once=rows_at_once).samples,
        label_names=recording.label_names,
    )


def _surveyed(source: Source, sensor_range: float | None, observer: Observer | None) -> MendedStream | None:
    """A stream of a source that was read once; None if the source must be collected."""
    clock = ClockSurvey()
    values = ValueSurvey(source.channels, range_g=sensor_range or source.quality.sensor_range_g)
    observe = observer(source.channels) if observer is not None else None
    try:
        for samples in read_ahead(_cut(source.samples())):
            if len(samples.time_ns) and not are_times(int(samples.time_ns.min()), int(samples.time_ns.max())):
                return None
            kept = clock.push(samples.time_ns)
            values.push(samples if kept is None else samples.chosen(kept))
            if values.missing:  # these samples will be marked, so the stream differs from the observed samples
                observe = None
            if observe is not None:
                observe(samples)
    except OutOfOrderError:
        return None
    steps = clock.rows - 1
    too_coarse = clock.repeated > MOST_REPEATED * (clock.rows + clock.repeated)
    if steps <= 0 or too_coarse or 2 * clock.fast > steps or clock.most_are_slow:
        return None
    faults = values.finish()
    quality = source.quality
    rows = clock.rows + clock.repeated + sum(quality.dropped.values())
    marked = bool(source.unusable) or clock.repeated > 0 or faults.some
    return MendedStream(
        channels=source.channels,
        subject=source.subject,
        source=source.source,
        timezone=source.timezone,
        quality=replace(quality_with_counts(quality, clock, faults, source.timezone), rows=rows),
        sample_rate_hz=clock.sample_rate_hz,
        gap_limit_ns=clock.gap_ns,
        start_ns=clock.start_ns,
        end_ns=clock.end_ns,
        gaps_ns=clock.gaps_ns,
        rows=clock.rows,
        streamed=source.streamed,
        read=lambda: _mended(source, faults, repeated=clock.repeated > 0),
        observed=observe is not None and not marked,
    )


def _mended(source: Source, faults: Faults, *, repeated: bool) -> Iterator[Samples]:
    pieces = _cut(_without_unusable(source) if source.unusable else source.samples_without_labels())
    for samples in deduplicated(pieces) if repeated else pieces:
        yield samples._replace(valid=faults.valid(samples)) if faults.some else samples


def _without_unusable(source: Source) -> Iterator[Samples]:
    """The samples, with the source's ``unusable`` ranges marked as not valid."""
    edges = np.array(source.unusable, dtype=np.int64).ravel()
    done = 0
    for samples in source.samples_without_labels():
        rows = np.arange(done, done + len(samples.time_ns))
        done += len(rows)
        usable = np.searchsorted(edges, rows, side="right") % 2 == 0
        yield samples._replace(valid=samples.valid & usable)


def _cut(pieces: Iterator[Samples]) -> Iterator[Samples]:
    """The same samples in pieces of limited length."""
    for samples in pieces:
        rows = len(samples.time_ns)
        yield from samples.pieces(rows if rows <= MOST_ROWS else ROWS_AT_ONCE)
