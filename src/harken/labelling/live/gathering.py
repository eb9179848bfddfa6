"""The latest samples of many watches in one array, one watch after the other, with invalid samples marked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live.arrivals import LATE_NS, Arrivals
from harken.labelling.live.settings import StreamSpecification
from harken.recordings.survey import RANGE_TOLERANCE, STUCK_S
from harken.signals.resampling import SECOND_NS

STUCK_NS = round(STUCK_S * SECOND_NS)


@dataclass(frozen=True, eq=False)
class Gathered:
    """The samples of some watches, each of which has at least one.

    Attributes:
        time_ns, signals: int64 ``[n]``, float32 ``[n, channels]``; the times rise within each watch.
        begins, counts: the first row of each watch, and the number of its rows, int64 ``[watches]``.
        valid: bool ``[n]``; final for the rows of a watch before ``decided``.
        since_ns: the time since which the sensor has had the values of each row, int64 ``[n]``.
        decided: how many rows of each watch there are before the first for which it is not known yet whether the sensor
            is stuck, int64 ``[watches]``. It is known once the values change, or have been the same for so long that
            they count as stuck.
    """

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    begins: NDArray[np.int64]
    counts: NDArray[np.int64]
    valid: NDArray[np.bool_]
    since_ns: NDArray[np.int64]
    decided: NDArray[np.int64]

    def before(self, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many samples of each watch are before its time ``[watches]``, int64 ``[watches]``."""
        earlier = self.time_ns < np.repeat(time_ns, self.counts)
        return np.add.reduceat(earlier, self.begins, dtype=np.int64)


def starts_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of consecutive pieces of these lengths starts, int64 ``[n]``."""
    return np.cumsum(counts) - counts


def gathered(arrivals: Sequence[Arrivals], specification: StreamSpecification) -> Gathered:
    """The samples of these watches, each of which must have at least one."""
    times: list[NDArray[np.int64]] = []
    signals: list[NDArray[np.float32]] = []
    for one in arrivals:
        some_times, some_signals = one.pieces
        times += some_times
        signals += some_signals
    time_ns, all_signals = np.concatenate(times), np.concatenate(signals)
    counts = np.array([one.rows for one in arrivals], dtype=np.int64)
    begins = starts_of(counts)
    begun_ns = np.array([one.begun_ns for one in arrivals], dtype=np.int64)
    valid = _sound(all_signals, specification)
    found = Gathered(time_ns, all_signals, begins, counts, valid, time_ns, counts)
    return _marked(found, begun_ns, specification) if specification.acceleration_channels else found


def _sound(signals: NDArray[np.float32], specification: StreamSpecification) -> NDArray[np.bool_]:
    """Which samples are finite and within the sensor's range, bool ``[n]``."""
    limit = np.float32(specification.settings.sensor_range_g * RANGE_TOLERANCE)
    if np.abs(signals).max() <= limit:  # the usual case
        return np.ones(len(signals), dtype=bool)
    with np.errstate(invalid="ignore"):
        sound = (np.abs(signals[:, : specification.acceleration_channels]) <= limit).all(axis=1)
    return np.asarray(sound & np.isfinite(signals).all(axis=1))


def _marked(found: Gathered, begun_ns: NDArray[np.int64], specification: StreamSpecification) -> Gathered:
    """Mark samples of stuck sensors, from runs of equal samples. ``begun_ns`` is of each watch's first sample."""
    time_ns, begins, axes = found.time_ns, found.begins, specification.acceleration_channels
    same = found.signals[1:, 0] == found.signals[:-1, 0]
    same[begins[1:] - 1] = False
    rows = np.flatnonzero(same)  # usually few
    same[rows] = (found.signals[rows + 1, :axes] == found.signals[rows, :axes]).all(axis=1)
    same[rows] &= time_ns[rows + 1] - time_ns[rows] <= specification.gap_ns
    if not same.any() and (begun_ns == time_ns[begins]).all():
        return replace(found, decided=found.counts - 1)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    run = np.cumsum(np.concatenate([[False], ~same]))
    since_ns = time_ns[starts]
    since_ns[run[begins]] = begun_ns
    until_ns = time_ns[np.append(starts[1:], len(time_ns)) - 1]
    same_ns = until_ns - since_ns
    last = run[begins + found.counts - 1]
    # Late samples could still show a change.
    decided = np.where(same_ns[last] >= STUCK_NS + LATE_NS, found.counts, starts[last] - begins)
    return replace(found, valid=found.valid & (same_ns < STUCK_NS)[run], since_ns=since_ns[run], decided=decided)
