"""From a recording as found in its file to one whose clock can be trusted: sort, deduplicate, mark.

Nothing is interpolated and no sample's value is changed; what is dropped or marked is counted in ``quality``.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import INTERVALS_IN_A_GAP, MINIMUM_GAP_S, Recording, gap_limit_ns
from harken.recordings.sensor_faults import RANGE_TOLERANCE, RangeGuess, StuckRuns, extremes, largest_on_an_axis
from harken.support.errors import HarkenError

__all__ = [
    "EARLIEST_NS",
    "FASTEST_HZ",
    "FAST_STEP_NS",
    "JUMP_NS",
    "LATEST_NS",
    "MOST_REPEATED",
    "check_clock",
    "is_time",
    "jump_notes",
    "mend",
    "sensor_range_g",
]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_NS = 86_400 * 10**9
EARLIEST_NS = -DAY_NS
"""The earliest time that is read. Clocks without a date, and some that were reset, begin with 1970 (others with 2000 or
2009); by UTC that is up to 14 hours earlier in zones east of Greenwich."""
LATEST_NS = 4_102_444_800 * 10**9
"""The first time that is not read: 2100. Axivity's clock ends with 2063. The difference of any two times that are read
fits 64 bits."""
FASTEST_HZ = 10_000
"""Accelerometers for wrists give at most 3,200 samples a second."""
FAST_STEP_NS = 10**9 // FASTEST_HZ
SLOW_STEP_NS = 60 * 10**9
"""What is measured less than once a minute says nothing about movement."""
JUMP_NS = 90 * DAY_NS
"""No watch is left off for so long within one recording: its clock was set, or reset, or recordings were joined."""
SET_BACK_NS = 5 * 60 * 10**9
"""More than rows out of order, less than the smallest change of a time zone."""
JUMPS_NAMED = 3
MOST_REPEATED = 0.5
GAP_NS = round(MINIMUM_GAP_S * 1e9)
ROWS_AT_ONCE = 1 << 16


def mend(recording: Recording, *, sensor_range: float | None = None) -> Recording:
    """Sort by time, drop repeated times (the first stays), and mark samples that no window may use.

    Marked as not ``valid`` are samples with a missing value, with an acceleration outside the sensor's
    range (``sensor_range`` in g, else guessed by ``sensor_range_g``), and those of a stuck sensor.

    Where the clock jumped by more than 90 days, or was set back by more than 5 minutes, a note says so.

    Raises:
        HarkenError: as ``check_clock``; and when more than half of the times repeat another (the clock is then too
            coarse for the rate, and dropping would throw most of the recording away).
    """
    time_ns = recording.time_ns
    order, steps, found_steps = _ordered(recording)
    backward, repeated = found_steps.backward, steps.repeated
    if repeated > MOST_REPEATED * len(time_ns):
        raise HarkenError(
            f"{recording.source or recording.subject}: {repeated} of {len(time_ns)} rows repeat the time of another "
            "row, so the clock is too coarse for the rate; --rate HZ numbers the rows instead of reading their times"
        )
    _refuse_rate(recording, steps, order)
    rows: NDArray[np.int64] | slice = slice(None) if order is None else order
    if repeated:
        first = np.flatnonzero(np.concatenate([[True], np.diff(time_ns[rows]) > 0]))
        rows = first if order is None else order[first]
    signals = recording.signals[rows]
    kept_time = time_ns[rows]

    acceleration = signals[:, : _acceleration_channels(recording.channels)]
    least, most = extremes(signals)
    missing = None
    if not (np.isfinite(least).all() and np.isfinite(most).all()):
        missing = ~_every_channel(np.isfinite(signals))
    found = recording.quality
    size = np.maximum(np.abs(least), np.abs(most))[: acceleration.shape[1]]
    limit, outside = _outside(acceleration, missing, size, sensor_range or found.sensor_range_g)
    # Where most steps are short, nobody need look for the median of all.
    short = 2 * steps.slow < len(kept_time) - 1
    stuck = _stuck(kept_time, acceleration, GAP_NS if short else gap_limit_ns(kept_time))
    valid = recording.valid[rows]
    for marked in (missing, outside, stuck):
        if marked is not None:
            valid = valid & ~marked

    dropped = dict(found.dropped)
    if repeated:
        dropped["repeated time"] = dropped.get("repeated time", 0) + repeated
    quality = replace(
        found,
        dropped=dropped,
        backward_times=found.backward_times + backward,
        repeated_times=found.repeated_times + repeated,
        missing=_count(missing),
        out_of_range=_count(outside),
        stuck=_count(stuck),
        sensor_range_g=limit,
    ).noting(
        *(_set_back_notes(time_ns, recording.timezone) if found_steps.set_back else ()),
        *(jump_notes(_gaps(kept_time, JUMP_NS), int(kept_time[0]), recording.timezone) if steps.jumps else ()),
    )
    return replace(
        recording,
        time_ns=kept_time,
        signals=signals,
        label_codes=recording.label_codes[rows],
        valid=valid,
        quality=quality,
        as_found=False,
    )


def check_clock(recording: Recording) -> None:
    """Check that the times and the rate of a recording can be those of a worn sensor.

    Raises:
        HarkenError: for a time before 1970 or after 2099, or when most samples follow one another faster than
            10,000 times a second or more slowly than once a minute.
    """
    order, steps, _ = _ordered(recording)
    _refuse_rate(recording, steps, order)


def is_time(first_ns: int, last_ns: int) -> bool:
    """Whether all times from the first to the last, in ns since 1970, are times that are read."""
    return first_ns >= EARLIEST_NS and last_ns < LATEST_NS


def jump_notes(gaps_ns: NDArray[np.int64], start_ns: int, timezone: str) -> list[str]:
    """Sentences about jumps of the clock by more than 90 days.

    Args:
        gaps_ns: the last sample before and the first one after each gap, int64 ``[gaps, 2]``, in the order of time.
        start_ns: the first sample.
        timezone: of the times in the sentences.
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


def sensor_range_g(acceleration_g: NDArray[np.float32]) -> float:
    """Guess a sensor's range from its samples ``[n, axes]``: 2, 4, 8 or 16 g.

    The range is the smallest standard one beyond which there is nothing, or only rare values (at most one
    sample in 10,000) that lie far off: beyond twice the range, with nothing between. A real impact leaves
    samples in between on its way up; a bit lost in transmission does not. Where no standard range fits,
    16 g is answered, the most that wrist sensors are built for.
    """
    return _range_g(largest_on_an_axis(acceleration_g))


def _range_g(largest: NDArray[np.float32]) -> float:
    guess = RangeGuess()
    guess.push(largest)
    return guess.range_g


def _acceleration_channels(channels: tuple[str, ...]) -> int:
    """How many leading channels are acceleration."""
    return 3 if channels[:3] == ("x", "y", "z") else 0


def _every_channel(holds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``holds.all(axis=1)`` for ``[n, few]``, a column at a time: five times faster than NumPy's row by row."""
    result = np.ones(len(holds), dtype=bool)
    for channel in range(holds.shape[1]):
        result &= holds[:, channel]
    return result


def _outside(
    acceleration: NDArray[np.float32],
    missing: NDArray[np.bool_] | None,
    size: NDArray[np.float32],
    said_g: float | None,
) -> tuple[float, NDArray[np.bool_] | None]:
    """The sensor's range, and which samples lie beyond it, ``[n]``, None: none; ``size`` is each axis's largest."""
    guess = RangeGuess(said_g)
    if missing is None and not (size > guess.smallest_g).any():
        return guess.range_g, None
    largest = largest_on_an_axis(acceleration)
    guess.push(largest)
    limit = guess.range_g
    outside = largest > limit * RANGE_TOLERANCE
    return limit, outside if missing is None else outside & ~missing


def _stuck(time_ns: NDArray[np.int64], acceleration: NDArray[np.float32], gap_ns: int) -> NDArray[np.bool_] | None:
    """Where all axes keep one value for ``STUCK_S`` or longer without a gap, ``[n]``; None: nowhere."""
    runs = StuckRuns(gap_ns=gap_ns)
    runs.push(time_ns, acceleration)
    rows = runs.finish().rows
    if not len(rows):
        return None
    marked = np.zeros(len(time_ns), dtype=bool)
    for first, last in rows:
        marked[first : last + 1] = True
    return marked


class _Steps(NamedTuple):
    """How many steps from one time to the next are backward, by more than 5 minutes (set back), zero (repeated),
    shorter than 0.1 ms (fast), late for a sensor of 10 Hz (slow), longer than a minute (rare), or than 90 days (jumps).
    """

    backward: int = 0
    set_back: int = 0
    repeated: int = 0
    fast: int = 0
    slow: int = 0
    rare: int = 0
    jumps: int = 0


def _steps(time_ns: NDArray[np.int64]) -> _Steps:
    total = np.zeros(len(_Steps._fields), dtype=np.int64)
    for first in range(0, len(time_ns) - 1, ROWS_AT_ONCE):
        steps = np.diff(time_ns[first : first + ROWS_AT_ONCE + 1])
        least, most = int(steps.min()), int(steps.max())
        total += _Steps(
            backward=int(np.count_nonzero(steps < 0)) if least < 0 else 0,
            set_back=int(np.count_nonzero(steps < -SET_BACK_NS)) if least < -SET_BACK_NS else 0,
            repeated=int(np.count_nonzero(steps == 0)) if least <= 0 else 0,
            fast=int(np.count_nonzero((steps > 0) & (steps < FAST_STEP_NS))) if least < FAST_STEP_NS else 0,
            slow=int(np.count_nonzero(steps > GAP_NS // INTERVALS_IN_A_GAP)),
            rare=int(np.count_nonzero(steps > SLOW_STEP_NS)) if most > SLOW_STEP_NS else 0,
            jumps=int(np.count_nonzero(steps > JUMP_NS)) if most > JUMP_NS else 0,
        )
    return _Steps(*total.tolist())


def _ordered(recording: Recording) -> tuple[NDArray[np.int64] | None, _Steps, _Steps]:
    """The order of the times (None: they are in order), the steps in this order, and those as found.

    Raises:
        HarkenError: for a time that cannot be.
    """
    time_ns = recording.time_ns
    first, last = int(time_ns.min()), int(time_ns.max())
    if not is_time(first, last):
        zone = recording.timezone
        raise HarkenError(
            f"{recording.source or recording.subject}: its times go from {_shown(first, zone)} to "
            f"{_shown(last, zone)}, and a recording lies between 1970 and 2100; --rate HZ numbers the rows instead of "
            "reading their times"
        )
    found = _steps(time_ns)
    if not found.backward:
        return None, found, found
    order = np.argsort(time_ns, kind="stable")
    return order, _steps(time_ns[order]), found


def _refuse_rate(recording: Recording, steps: _Steps, order: NDArray[np.int64] | None) -> None:
    """Raise a HarkenError when most samples follow one another too fast or too slowly for a worn sensor."""
    count = len(recording) - 1 - steps.repeated
    if 2 * steps.fast <= count and 2 * steps.rare <= count:
        return
    time_ns = recording.time_ns if order is None else recording.time_ns[order]
    typical = np.diff(time_ns)
    rate_hz = 1e9 / float(np.median(typical[typical > 0]))
    limit = f"at most {FASTEST_HZ:,} a second" if 2 * steps.fast > count else "at least one a minute"
    raise HarkenError(
        f"{recording.source or recording.subject}: by its times from {_shown(int(time_ns[0]), recording.timezone)} on "
        f"there are {rate_hz:.3g} samples a second, and a worn sensor gives {limit}; --time-unit says in which unit "
        "times are, --rate HZ numbers the rows instead of reading their times"
    )


def _gaps(time_ns: NDArray[np.int64], longer_ns: int) -> NDArray[np.int64]:
    """The times before and after each step that is longer, int64 ``[gaps, 2]``."""
    after = np.flatnonzero(np.diff(time_ns) > longer_ns) + 1
    return np.stack([time_ns[after - 1], time_ns[after]], axis=1)


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
    """A time to the second by the clocks of a zone."""
    return f"{(EPOCH + timedelta(seconds=time_ns // 10**9)).astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}"


def _length(length_ns: int) -> str:
    for unit_ns, name in ((DAY_NS, "days"), (3600 * 10**9, "hours")):
        if length_ns >= 2 * unit_ns:
            return f"{length_ns / unit_ns:,.0f} {name}"
    return f"{length_ns / 60e9:,.0f} minutes"


def _count(marked: NDArray[np.bool_] | None) -> int:
    return 0 if marked is None else int(np.count_nonzero(marked))
