"""Mending of a recording: sort by time, remove repeated times, and mark unusable samples.

Mending never interpolates or changes the value of a sample. Dropped and marked samples are counted in ``quality``.
``harken.recordings.survey`` finds what must be mended, both here and in a stream.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Quality, Recording, gap_limit_ns, local_time
from harken.recordings.sensor_faults import RangeGuess, largest_on_an_axis
from harken.recordings.source import IN_PARTS, Samples, bytes_of_a_row
from harken.recordings.survey import FASTEST_HZ, ClockSurvey, Faults, OutOfOrderError, ValueSurvey
from harken.support.errors import HarkenError
from harken.support.resources import need_memory

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
ROWS_AT_ONCE = 1 << 16


def mend(recording: Recording, *, sensor_range: float | None = None) -> Recording:
    """Sort by time, drop repeated times (the first stays), and mark samples that no window may use.

    Marked as not ``valid`` are samples with a missing value, with an acceleration outside the sensor's
    range (``sensor_range`` in g, else guessed by ``sensor_range_g``), and those of a stuck sensor.

    A note is added if the clock jumped by more than 90 days or was set back by more than 5 minutes.

    Raises:
        HarkenError: as ``check_clock``, and when more than half of the times repeat another time. The clock is then too
            coarse for the rate, and most of the recording would be dropped.
    """
    time_ns, order, clock, backward, notes = _in_order(recording)
    if clock.repeated > MOST_REPEATED * len(recording):
        raise HarkenError(
            f"{recording.source or recording.subject}: {clock.repeated} of {len(recording)} rows repeat the time of "
            "another row, so the clock is too coarse for the rate; --rate HZ numbers the rows instead of reading their "
            "times"
        )
    _refuse_rate(recording, time_ns, clock)
    if clock.repeated:
        first = np.flatnonzero(np.diff(time_ns, prepend=time_ns[0] - 1) > 0)
        order = first if order is None else order[first]
    del time_ns
    samples = Samples.of(recording) if order is None else _copied(recording, order)
    quality = recording.quality
    limit_ns = gap_limit_ns(samples.time_ns) if clock.most_are_slow else clock.gap_ns
    survey = ValueSurvey(recording.channels, range_g=sensor_range or quality.sensor_range_g, gap_ns=limit_ns)
    for part in _parts(samples):
        survey.push(part)
    faults = survey.finish()
    valid = np.concatenate([faults.valid(part) for part in _parts(samples)]) if faults.some else samples.valid
    return replace(
        recording,
        time_ns=samples.time_ns,
        signals=samples.signals,
        label_codes=samples.label_codes,
        valid=valid,
        quality=replace(
            quality_with_counts(quality, clock, faults, recording.timezone, notes),
            backward_times=quality.backward_times + backward,
        ),
        as_found=False,
    )


def check_clock(recording: Recording) -> None:
    """Check that the times and the rate of a recording are possible for a worn sensor.

    Raises:
        HarkenError: for a time before 1970 or after 2099, or when most steps between samples are shorter than 0.1 ms or
            longer than a minute.
    """
    time_ns, _, clock, _, _ = _in_order(recording)
    _refuse_rate(recording, time_ns, clock)


def sensor_range_g(acceleration_g: NDArray[np.float32]) -> float:
    """Guess a sensor's range from its samples ``[n, axes]``: 2, 4, 8 or 16 g.

    The guess is the smallest standard range that no sample exceeds, apart from rare outliers. Outliers are at most one
    sample in 10,000, and all exceed twice the range. A real impact has samples between the range and twice the range; a
    transmission error has none. If no standard range fits, the guess is 16 g, the largest range of wrist sensors.
    """
    guess = RangeGuess()
    guess.push(largest_on_an_axis(acceleration_g))
    return guess.range_g


def quality_with_counts(
    quality: Quality, clock: ClockSurvey, faults: Faults, timezone: str, notes: tuple[str, ...] = ()
) -> Quality:
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
        stuck=faults.stuck.samples,
        sensor_range_g=faults.range_g,
    ).noting(*notes, *_jump_notes(clock.gaps_ns, clock.start_ns, timezone))


def _parts(samples: Samples) -> Iterator[Samples]:
    return (samples.part(first, first + ROWS_AT_ONCE) for first in range(0, len(samples.time_ns), ROWS_AT_ONCE))


def _copied(recording: Recording, rows: NDArray[np.int64]) -> Samples:
    """The samples in these rows.

    Raises:
        HarkenError: when there is not enough memory for the copy.
    """
    what = f"{recording.source or recording.subject}: the copy of {len(rows):,} samples in the order of their times"
    need_memory(len(rows) * bytes_of_a_row(len(recording.channels)), what, IN_PARTS)
    return Samples.of(recording).chosen(rows)


def _in_order(
    recording: Recording,
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, ClockSurvey, int, tuple[str, ...]]:
    """The times in their order, the rows in that order (None: that of the file), the survey of the clock, the number of
    rows that were out of order in the file, and notes on the order.

    Raises:
        HarkenError: for a time outside the accepted times.
    """
    time_ns = recording.time_ns
    first, last = int(time_ns.min()), int(time_ns.max())
    if not are_times(first, last):
        zone = recording.timezone
        raise HarkenError(
            f"{recording.source or recording.subject}: its times go from {_shown(first, zone)} to "
            f"{_shown(last, zone)}, but times must be between 1970 and 2100; --rate HZ numbers the rows "
            "instead of reading their times"
        )
    try:
        return time_ns, None, _clock_of(time_ns), 0, ()
    except OutOfOrderError:
        pass
    steps = np.diff(time_ns)
    backward, set_back = int(np.count_nonzero(steps < 0)), bool((steps < -SET_BACK_NS).any())
    notes = _set_back_notes(time_ns, recording.timezone) if set_back else []
    del steps
    order = np.argsort(time_ns, kind="stable")
    time_ns = time_ns[order]
    return time_ns, order, _clock_of(time_ns), backward, tuple(notes)


def _clock_of(time_ns: NDArray[np.int64]) -> ClockSurvey:
    clock = ClockSurvey()
    for first in range(0, len(time_ns), ROWS_AT_ONCE):
        clock.push(time_ns[first : first + ROWS_AT_ONCE])
    return clock


def are_times(first_ns: int, last_ns: int) -> bool:
    """Whether all times from the first to the last, in ns since 1970, are accepted times."""
    return first_ns >= EARLIEST_NS and last_ns < LATEST_NS


def _refuse_rate(recording: Recording, time_ns: NDArray[np.int64], clock: ClockSurvey) -> None:
    """Raise a HarkenError when most steps between samples, in the order of time, are too short or too long for a worn
    sensor."""
    steps = clock.rows - 1
    if 2 * clock.fast <= steps and 2 * clock.rare <= steps:
        return
    typical = np.diff(time_ns)
    rate_hz = 1e9 / float(np.median(typical[typical > 0]))
    limit = f"at most {FASTEST_HZ:,} a second" if 2 * clock.fast > steps else "at least one a minute"
    raise HarkenError(
        f"{recording.source or recording.subject}: its times from "
        f"{_shown(int(time_ns[0]), recording.timezone)} on give {rate_hz:.3g} samples per second, but "
        f"a worn sensor records {limit}; give the unit of times with --time-unit, or number the rows "
        "with --rate HZ instead of reading their times"
    )


def _jump_notes(gaps_ns: NDArray[np.int64], start_ns: int, timezone: str) -> list[str]:
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


def _set_back_notes(time_ns: NDArray[np.int64], timezone: str) -> list[str]:
    """A sentence about the largest step back in the order of the file."""
    steps = np.diff(time_ns)
    row = int(steps.argmin())
    others = int(np.count_nonzero(steps < -SET_BACK_NS)) - 1
    more = f" {others:,} more steps back are longer than 5 minutes." if others else ""
    return [
        f"The clock goes back by {_length(-int(steps[row]))} after {_shown(int(time_ns[row]), timezone)}: the part "
        f"before begins at {_shown(int(time_ns[0]), timezone)}, the part after at "
        f"{_shown(int(time_ns[row + 1]), timezone)}. Rows were sorted by time; where both parts show the same time, "
        f"their samples are mixed.{more}"
    ]


def _shown(time_ns: int, timezone: str) -> str:
    """A time as text, to the second, in a time zone."""
    return f"{local_time(time_ns, timezone):%Y-%m-%d %H:%M:%S}"


def _length(length_ns: int) -> str:
    for unit_ns, name in ((DAY_NS, "days"), (3600 * 10**9, "hours")):
        if length_ns >= 2 * unit_ns:
            return f"{length_ns / unit_ns:,.0f} {name}"
    return f"{length_ns / 60e9:,.0f} minutes"
