"""The split of acceleration into gravity and body acceleration, as in the UCI-HAR data set."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import ACCELERATION, Recording
from harken.support.errors import HarkenError

ORDER = 3
ROWS_AT_ONCE = 1 << 18
SETTLED = 10.0
"""After this many periods of the cut-off, earlier samples have no effect on the filter: exp(-pi * 10) is 2e-14."""


def split_gravity(recording: Recording, cutoff_hz: float = 0.3) -> Recording:
    """The recording with ``gravity_x, gravity_y, gravity_z`` and ``body_x, body_y, body_z`` in g added.

    Gravity is the acceleration through a Butterworth low-pass filter, and the body's acceleration is the rest, so
    that the two add up. This is the split of the UCI-HAR data set (Anguita, Ghio, Oneto, Parra and Reyes-Ortiz,
    ESANN 2013), whose README says: "The gravitational force is assumed to have only low frequency components,
    therefore a filter with 0.3 Hz cutoff frequency was used." It gives the order, 3, only for the preceding noise
    filter at 20 Hz. It does not state whether the filter ran forward only. Here the order is 3, and the filter runs
    forward and backward, so that gravity has no delay. Its amplitude at the cut-off is therefore 0.5 instead of 0.71.
    This is not possible on a stream.

    Each stretch without a gap is filtered separately and mirrored at its ends. In a stretch shorter than a period of
    the cut-off (3.3 s), gravity is close to the mean. For the filter, marked samples are replaced by a straight line;
    they stay marked. Marked stretches longer than a gap are treated as a gap, and gravity is NaN there. The filter
    counts samples, so ``resample`` a recording with uneven times first.

    Args:
        recording: a mended recording with the channels ``x, y, z``.
        cutoff_hz: gravity is what is slower than this; above 0 and below half the recording's rate.

    Raises:
        HarkenError: when the recording is ``as_found``, has no acceleration or is already split, or when the cut-off
            is out of its range.
    """
    name = recording.source or recording.subject
    added = tuple(f"{part}_{axis}" for part in ("gravity", "body") for axis in ACCELERATION)
    if recording.as_found:
        raise HarkenError(f"{name}: only a mended recording can be split; read it without as_found")
    if present := [channel for channel in added if channel in recording.channels]:
        raise HarkenError(f"{name} already has {', '.join(present)}; leave them out with select_channels first")
    total = recording.select_channels(ACCELERATION).signals
    if not 0 < cutoff_hz < recording.sample_rate_hz / 2:
        raise HarkenError(
            f"{name}: a filter at {cutoff_hz:g} Hz needs a cut-off above 0 and below half the recording's rate of "
            f"{recording.sample_rate_hz:.4g} Hz"
        )
    n, channels = len(recording), len(recording.channels)
    signals = np.empty((n, channels + len(added)), dtype=np.float32)
    signals[:, :channels] = recording.signals
    gravity, body = signals[:, channels : channels + 3], signals[:, channels + 3 :]
    gravity[:] = np.nan
    for first, last in _stretches(recording):
        rows = slice(first, last)
        gravity[rows] = _slower_than(
            cutoff_hz, total[rows], recording.valid[rows], sample_rate_hz=recording.sample_rate_hz
        )
    np.subtract(total, gravity, out=body)
    note = f"gravity is the part below {cutoff_hz:g} Hz; the body's acceleration is the rest"
    return replace(
        recording, signals=signals, channels=(*recording.channels, *added), quality=recording.quality.noting(note)
    )


def _stretches(recording: Recording) -> list[tuple[int, int]]:
    """First and last row (exclusive) of stretches in which good samples are never further apart than a gap."""
    if recording.valid.all():
        edges = [0, *recording.gap_rows.tolist(), len(recording)]
        return list(pairwise(edges))
    good = np.flatnonzero(recording.valid)
    if len(good) == 0:
        return []
    cuts = np.flatnonzero(np.diff(recording.time_ns[good]) > recording.gap_limit_ns)
    firsts = good[np.concatenate([[0], cuts + 1])]
    lasts = good[np.concatenate([cuts, [-1]])] + 1
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _slower_than(
    cutoff_hz: float, total: NDArray[np.float32], valid: NDArray[np.bool_], *, sample_rate_hz: float
) -> NDArray[np.float32]:
    """One stretch ``[n, 3]`` low-passed in blocks, each with enough margin to give the result of the whole."""
    from scipy.signal import butter, sosfiltfilt  # takes a third of a second to import

    sections = butter(ORDER, cutoff_hz, fs=sample_rate_hz, output="sos")
    around = math.ceil(SETTLED * sample_rate_hz / cutoff_hz)
    slow = np.empty_like(total)
    for first in range(0, len(total), ROWS_AT_ONCE):
        begin, end = max(0, first - around), min(len(total), first + ROWS_AT_ONCE + around)
        block = _bridged(total[begin:end], valid[begin:end])
        mirrored = min(len(block) - 1, math.ceil(sample_rate_hz / cutoff_hz))
        filtered = sosfiltfilt(sections, block, axis=0, padtype="even", padlen=mirrored)
        slow[first : first + ROWS_AT_ONCE] = filtered[first - begin : first - begin + ROWS_AT_ONCE]
    return slow


def _bridged(total: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The samples ``[n, 3]`` with straight lines over the marked ones."""
    if valid.all():
        return total.astype(np.float64)
    rows, good = np.arange(len(total)), np.flatnonzero(valid)
    return np.stack([np.interp(rows, good, total[good, axis]) for axis in range(total.shape[1])], axis=1)
