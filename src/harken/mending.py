"""From a recording as found in its file to one whose clock can be trusted: sort, deduplicate, mark.

Nothing is interpolated and no sample's value is changed; what is dropped or marked is counted in ``quality``.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.recording import Recording, gap_limit_ns
from harken.sensor_faults import RANGE_TOLERANCE, RangeGuess, StuckRuns, largest_on_an_axis

__all__ = ["MOST_REPEATED", "mend", "sensor_range_g"]

MOST_REPEATED = 0.5
NO_GAP_NS = int(np.iinfo(np.int64).max)


def mend(recording: Recording, *, sensor_range: float | None = None) -> Recording:
    """Sort by time, drop repeated times (the first stays), and mark samples that no window may use.

    Marked as not ``valid`` are samples with a missing value, with an acceleration outside the sensor's
    range (``sensor_range`` in g, else guessed by ``sensor_range_g``), and those of a stuck sensor.

    Raises:
        HarkenError: when more than half of the times repeat another (the clock is then too coarse for the
            rate, and dropping would throw most of the recording away).
    """
    time_ns = recording.time_ns
    steps = np.diff(time_ns)
    backward = int((steps < 0).sum())
    order: NDArray[np.int64] | None = None
    if backward:
        order = np.argsort(time_ns, kind="stable")
        steps = np.diff(time_ns[order])
    first = np.concatenate([[True], steps > 0])
    repeated = len(time_ns) - int(first.sum())
    if repeated > MOST_REPEATED * len(time_ns):
        raise HarkenError(
            f"{recording.source or recording.subject}: {repeated} of {len(time_ns)} rows repeat the time of another "
            "row, so the clock is too coarse for the rate; --rate HZ numbers the rows instead of reading their times"
        )
    rows = order[first] if order is not None else (np.flatnonzero(first) if repeated else slice(None))
    del steps, order, first
    signals = recording.signals[rows]
    kept_time = time_ns[rows]

    acceleration = signals[:, : _acceleration_channels(recording.channels)]
    missing = ~_every_channel(np.isfinite(signals))
    largest = largest_on_an_axis(acceleration)
    found = recording.quality
    limit = sensor_range or found.sensor_range_g or _range_g(largest)
    outside = (largest > limit * RANGE_TOLERANCE) & ~missing
    stuck = _stuck(kept_time, acceleration)

    dropped = dict(found.dropped)
    if repeated:
        dropped["repeated time"] = dropped.get("repeated time", 0) + repeated
    quality = replace(
        found,
        dropped=dropped,
        backward_times=found.backward_times + backward,
        repeated_times=found.repeated_times + repeated,
        missing=int(missing.sum()),
        out_of_range=int(outside.sum()),
        stuck=int(stuck.sum()),
        sensor_range_g=limit,
    )
    return replace(
        recording,
        time_ns=kept_time,
        signals=signals,
        label_codes=recording.label_codes[rows],
        valid=recording.valid[rows] & ~missing & ~outside & ~stuck,
        quality=quality,
        as_found=False,
    )


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


def _stuck(time_ns: NDArray[np.int64], acceleration: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where all axes keep one value for ``STUCK_S`` or longer without a gap, ``[n]``."""
    marked = np.zeros(len(time_ns), dtype=bool)
    # Rarely is there one: only then is it worth looking for what is a gap.
    if len(_stuck_rows(time_ns, acceleration, NO_GAP_NS)):
        for first, last in _stuck_rows(time_ns, acceleration, gap_limit_ns(time_ns)):
            marked[first : last + 1] = True
    return marked


def _stuck_rows(time_ns: NDArray[np.int64], acceleration: NDArray[np.float32], gap_ns: int) -> NDArray[np.int64]:
    runs = StuckRuns(gap_ns=gap_ns)
    runs.push(time_ns, acceleration)
    return runs.finish().rows
