"""Mending of a recording, whole or as a stream: sort by time, remove repeated times, and mark unusable samples.

Mending never interpolates or changes the value of a sample. Dropped and marked samples are counted in ``quality``.
``harken.recordings.survey`` finds what must be mended, both here and in a stream.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from harken.recordings.broken_axes import group_by_axis
from harken.recordings.recording import Quality, Recording, gap_edges_ns, gap_limit_ns, local_time
from harken.recordings.source import (
    IN_PARTS,
    ROWS_AT_ONCE,
    RecordingSource,
    Samples,
    Source,
    SourceChangedError,
    bytes_of_a_row,
    shared_facts,
)
from harken.recordings.survey import (
    FASTEST_HZ,
    GAP_NS,
    ClockSurvey,
    Faults,
    OutOfOrderError,
    ValueSurvey,
    deduplicated,
)
from harken.support.arrays import Int64Array
from harken.support.errors import HarkenError
from harken.support.resources import need_memory, read_ahead

DAY_NS = 86_400 * 10**9
EARLIEST_NS = -DAY_NS
"""The earliest accepted time. Clocks without a date, and some clocks after a reset, begin in 1970 (others in 2000 or
2009). In zones east of Greenwich that is up to 14 hours earlier in UTC."""
LATEST_NS = 4_102_444_800 * 10**9
"""The first time after the accepted ones: the year 2100. Axivity's clock ends in 2063. The difference of any two
accepted times fits in 64 bits."""
JUMP_NS = 90 * DAY_NS
"""A longer step is a jump of the clock: the clock was set or reset, or recordings were joined."""
SET_BACK_NS = 5 * 60 * 10**9
"""A larger step back is a change of the clock. Rows out of order step back less; changes of a time zone step back
more."""
JUMPS_NAMED = 3
MOST_REPEATED = 0.5
ROWS_IN_CACHE = 1 << 16
MOST_ROWS = 1 << 20
"""Longer pieces are cut, so that the arrays computed from a piece fit in memory."""

Observer = Callable[[tuple[str, ...]], Callable[[Samples], None]]
"""A function of the channels. It returns a function that is called with each piece while a file is read for the first
time."""


def mend(recording: Recording, *, sensor_range: float | None = None) -> Recording:
    """Sort by time, drop repeated times (the first stays), and mark samples that no window may use.

    Marked as not ``valid`` are samples with a missing value, with an acceleration outside the sensor's
    range (``sensor_range`` in g, else guessed by ``RangeGuess``), those of a stuck sensor, and those of a broken axis
    (``harken.recordings.broken_axes``).

    A note is added if the clock jumped by more than 90 days or was set back by more than 5 minutes.

    Raises:
        HarkenError: as ``check_clock``; when there is not enough memory for a sorted copy; and when more than half of
            the times repeat another time. The clock is then too coarse for the rate, and most of the recording would be
            dropped.
    """
    time_ns, order, clock, quality = _in_order(recording)
    if clock.repeated > MOST_REPEATED * len(recording):
        raise HarkenError(
            f"{clock.repeated} of {len(recording)} rows repeat the time of "
            "another row, so the clock is too coarse for the rate; --rate HZ numbers the rows instead of reading their "
            "times",
            path=recording.source or recording.subject,
        )
    _refuse_rate(recording, time_ns, clock)
    if clock.repeated:
        first = np.flatnonzero(np.diff(time_ns, prepend=time_ns[0] - 1) > 0)
        order = first if order is None else order[first]
    del time_ns
    samples = Samples.of(recording)
    if order is not None:
        what = f"the copy of {len(order):,} samples in the order of their times"
        name = recording.source or recording.subject
        need_memory(len(order) * bytes_of_a_row(len(recording.channels)), what, IN_PARTS, path=name)
        samples = samples.chosen(order)
    limit_ns = gap_limit_ns(samples.time_ns) if clock.most_are_slow else GAP_NS
    survey = ValueSurvey(recording.channels, range_g=sensor_range or quality.sensor_range_g, gap_ns=limit_ns)
    for part in samples.pieces(ROWS_IN_CACHE):
        survey.push(part)
    faults = survey.finish()
    valid = (
        np.concatenate([faults.valid(part) for part in samples.pieces(ROWS_IN_CACHE)]) if faults.some else samples.valid
    )
    return replace(
        recording,
        **samples._replace(valid=valid)._asdict(),
        quality=_with_counts(quality, clock, faults, recording.timezone),
        as_found=False,
    )


def check_clock(recording: Recording) -> None:
    """Check that the times and the rate of a recording are possible for a worn sensor.

    Raises:
        HarkenError: for a time before 1970 or after 2099, or when most steps between samples are shorter than 0.1 ms or
            longer than a minute.
    """
    time_ns, _, clock, _ = _in_order(recording)
    _refuse_rate(recording, time_ns, clock)


def _with_counts(quality: Quality, clock: ClockSurvey, faults: Faults, timezone: str) -> Quality:
    """The quality with the counts of all samples."""
    dropped = dict(quality.dropped)
    if clock.repeated:
        dropped["repeated time"] = dropped.get("repeated time", 0) + clock.repeated
    return replace(
        quality,
        dropped=dropped,
        repeated_times=quality.repeated_times + clock.repeated,
        missing=faults.missing,
        out_of_range=faults.out_of_range,
        stuck=faults.stuck,
        broken=faults.broken.samples,
        broken_axes=group_by_axis(faults.broken.stretches, timezone, start_ns=clock.start_ns, end_ns=clock.end_ns),
        sensor_range_g=faults.range_g,
    ).noting(*_jump_notes(clock.gaps_ns, clock.start_ns, timezone))


def _in_order(
    recording: Recording,
) -> tuple[Int64Array, Int64Array | None, ClockSurvey, Quality]:
    """The times in their order, the rows in that order (None: that of the file), the survey of the clock, and the
    quality with the rows that are out of order in the file.

    Raises:
        HarkenError: for a time outside the accepted times.
    """
    time_ns = recording.time_ns
    first = int(time_ns.min())
    last = int(time_ns.max())
    if not _are_times(first, last):
        zone = recording.timezone
        raise HarkenError(
            f"its times go from {_shown(first, zone)} to "
            f"{_shown(last, zone)}, but times must be between 1970 and 2100; --rate HZ numbers the rows "
            "instead of reading their times",
            path=recording.source or recording.subject,
        )
    try:
        return time_ns, None, _clock_of(time_ns), recording.quality
    except OutOfOrderError:
        quality = _with_steps_back(recording)
    order = np.argsort(time_ns, kind="stable")
    time_ns = time_ns[order]
    return time_ns, order, _clock_of(time_ns), quality


def _clock_of(time_ns: Int64Array) -> ClockSurvey:
    clock = ClockSurvey()
    for first in range(0, len(time_ns), ROWS_IN_CACHE):
        clock.push(time_ns[first : first + ROWS_IN_CACHE])
    return clock


def _are_times(first_ns: int, last_ns: int) -> bool:
    """Whether all times from the first to the last, in ns since 1970, are accepted times."""
    return first_ns >= EARLIEST_NS and last_ns < LATEST_NS


def _refuse_rate(recording: Recording, time_ns: Int64Array, clock: ClockSurvey) -> None:
    """Raise a HarkenError when most steps between samples, in the order of time, are too short or too long for a worn
    sensor."""
    steps = clock.rows - 1
    if 2 * clock.fast <= steps and 2 * clock.rare <= steps:
        return
    typical = np.diff(time_ns)
    rate_hz = 1e9 / float(np.median(typical[typical > 0]))
    limit = f"at most {FASTEST_HZ:,} a second" if 2 * clock.fast > steps else "at least one a minute"
    raise HarkenError(
        f"its times from {_shown(int(time_ns[0]), recording.timezone)} on give {rate_hz:.3g} samples per second, but "
        f"a worn sensor records {limit}; give the unit of times with --time-unit, or number the rows "
        "with --rate HZ instead of reading their times",
        path=recording.source or recording.subject,
    )


def _jump_notes(gaps_ns: Int64Array, start_ns: int, timezone: str) -> list[str]:
    """Sentences about jumps of the clock by more than 90 days.

    Args:
        gaps_ns: times of the last sample before and the first sample after each gap, int64 ``[gaps, 2]``, ascending.
        start_ns: the time of the first sample.
        timezone: the time zone of the times in the sentences.
    """
    jumps = gaps_ns[gaps_ns[:, 1] - gaps_ns[:, 0] > JUMP_NS].tolist()
    notes = []
    for number, (before, after) in enumerate(jumps[:JUMPS_NAMED]):
        begin = jumps[number - 1][1] if number else start_ns
        notes.append(
            f"The clock jumps forward by {_length(after - before)} after {_shown(before, timezone)}: the part before "
            f"begins at {_shown(begin, timezone)}, the part after at {_shown(after, timezone)}. "
            "If the clock was reset, the times of one part are wrong."
        )
    if len(jumps) > JUMPS_NAMED:
        notes.append(f"The clock jumps forward by more than 90 days {len(jumps) - JUMPS_NAMED} more times.")
    return notes


def _with_steps_back(recording: Recording) -> Quality:
    """The quality with the number of steps back in the order of the file, and a sentence about the largest one."""
    steps = np.diff(recording.time_ns)
    quality = recording.quality
    quality = replace(quality, backward_times=quality.backward_times + int(np.count_nonzero(steps < 0)))
    row = int(steps.argmin())
    others = int(np.count_nonzero(steps < -SET_BACK_NS)) - 1
    if others < 0:
        return quality
    begin, before, after = (_shown(int(recording.time_ns[at]), recording.timezone) for at in (0, row, row + 1))
    more = f" {others:,} more steps back are longer than 5 minutes." if others else ""
    return quality.noting(
        f"The clock goes back by {_length(-int(steps[row]))} after {before}: the part before begins at {begin}, the "
        f"part after at {after}. Rows were sorted by time; where both parts show the same time, their samples are "
        f"mixed.{more}"
    )


def _shown(time_ns: int, timezone: str) -> str:
    """A time as text, to the second, in a time zone."""
    return f"{local_time(time_ns, timezone):%Y-%m-%d %H:%M:%S}"


def _length(length_ns: int) -> str:
    for unit_ns, name in ((DAY_NS, "days"), (3600 * 10**9, "hours")):
        if length_ns >= 2 * unit_ns:
            return f"{length_ns / unit_ns:,.0f} {name}"
    return f"{length_ns / 60e9:,.0f} minutes"


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
        samples: gives the samples from the beginning, in the order of their times. May be called several times.
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
    gaps_ns: Int64Array
    rows: int
    streamed: bool
    samples: Callable[[], Iterator[Samples]]
    label_names: tuple[str, ...] = ()
    observed: bool = False


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
    return MendedStream(
        **shared_facts(recording),
        quality=recording.quality,
        sample_rate_hz=recording.sample_rate_hz,
        gap_limit_ns=recording.gap_limit_ns,
        start_ns=int(recording.time_ns[0]),
        end_ns=int(recording.time_ns[-1]),
        gaps_ns=gap_edges_ns(recording),
        rows=len(recording),
        streamed=False,
        samples=RecordingSource(recording, rows_at_once=rows_at_once).samples,
        label_names=recording.label_names,
    )


def _surveyed(source: Source, sensor_range: float | None, observer: Observer | None) -> MendedStream | None:
    """A stream of a source that was read once; None if the source must be collected."""
    clock = ClockSurvey()
    values = ValueSurvey(source.channels, range_g=sensor_range or source.quality.sensor_range_g)
    observe = observer(source.channels) if observer is not None else None
    try:
        for samples in read_ahead(_cut(source.samples())):
            if len(samples.time_ns) and not _are_times(int(samples.time_ns.min()), int(samples.time_ns.max())):
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
        **shared_facts(source),
        quality=replace(_with_counts(quality, clock, faults, source.timezone), rows=rows),
        sample_rate_hz=clock.sample_rate_hz,
        gap_limit_ns=GAP_NS,
        start_ns=clock.start_ns,
        end_ns=clock.end_ns,
        gaps_ns=clock.gaps_ns,
        rows=clock.rows,
        streamed=source.streamed,
        samples=lambda: _mended(source, faults, repeated=clock.repeated > 0),
        observed=observe is not None and not marked,
    )


def _mended(source: Source, faults: Faults, *, repeated: bool) -> Iterator[Samples]:
    pieces = _cut(_without_unusable(source) if source.unusable else source.samples_without_labels())
    for samples in deduplicated(pieces) if repeated else pieces:
        yield samples._replace(valid=faults.valid(samples)) if faults.some else samples


def _without_unusable(source: Source) -> Iterator[Samples]:
    """The samples, with the source's ``unusable`` ranges marked as not valid."""
    edges = np.array(source.unusable, np.int64).ravel()
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
