"""Recognition of units from two facts: gravity is 1 g, and wrists are sampled at 5 to 400 Hz."""

import math

import numpy as np
from numpy.typing import NDArray

from harken.readers.options import AccelerationUnit, TimeUnit
from harken.recordings.recording import STANDARD_GRAVITY

NS_PER_UNIT: dict[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS_PER_G: dict[AccelerationUnit, float] = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "g/64": 64.0, "mg": 1000.0}
G_PER_UNIT: dict[AccelerationUnit, float] = {unit: 1 / size for unit, size in UNITS_PER_G.items()}

UNIT_TOLERANCE = 1.35
"""The tolerance of gravity measured at rest, as a factor, including offset and gain errors."""
BLOCK_ROWS = 32
MOST_BLOCKS = 40_000
ROWS_AT_ONCE = BLOCK_ROWS << 14

EPOCHS: tuple[tuple[float, TimeUnit], ...] = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""Times since 1970 of at least this size are in this unit. This holds from 1973 on, for the next 3,000 years."""
STEPS_LOOKED_AT = 100_000
PLAUSIBLE_RATES_HZ = (5.0, 400.0)


def time_unit(times: NDArray[np.float64] | NDArray[np.int64]) -> TimeUnit | None:
    """The unit of numeric times ``[n]``: by their steps, else by their size if they count from 1970. None if unknown.

    Steps have priority because they are unambiguous: units differ by factors of 1,000, and the rates of watches (5 to
    400 Hz) by less, so at most one unit fits. The size is ambiguous: nanoseconds since the watch was switched on look
    like microseconds since 1970.
    """
    steps = np.diff(times[:STEPS_LOOKED_AT])
    if (steps < 0).any():  # rows out of order
        steps = np.diff(np.unique(times))
    steps = steps[steps > 0]
    if len(steps):
        step = float(np.median(steps))
        slowest, fastest = PLAUSIBLE_RATES_HZ
        for unit, nanoseconds in NS_PER_UNIT.items():
            if slowest <= 1e9 / (step * nanoseconds) <= fastest:
                return unit
    size = float(np.median(np.abs(times)))
    return next((unit for smallest, unit in EPOCHS if size >= smallest), None)


def plausible_step(step_ns: float) -> bool:
    """Whether a step is a possible sampling interval of a watch, so that it determines the unit of times."""
    slowest, fastest = PLAUSIBLE_RATES_HZ
    return step_ns > 0 and slowest <= 1e9 / step_ns <= fastest


class AtRest:
    """``magnitude_at_rest`` of samples that arrive in pieces. The result does not depend on the division into
    pieces."""

    def __init__(self) -> None:
        self._rest = np.empty((0, 3), dtype=np.float32)
        self._kept: list[NDArray[np.float32]] = []  # blocks 0, stride, 2 * stride and so on
        self._stride = 1
        self._blocks = 0

    def push(self, acceleration: NDArray[np.float32]) -> None:
        """Process the next samples ``[n, 3]``."""
        for first in range(0, len(acceleration), ROWS_AT_ONCE):
            self._push(acceleration[first : first + ROWS_AT_ONCE])

    def magnitude(self) -> float:
        """See ``magnitude_at_rest``."""
        if self._blocks < 2:
            every = np.concatenate([*(block[0] for block in self._kept), self._rest])
            sample = np.linalg.norm(every.astype(np.float64), axis=1)
            return float(np.median(sample)) if len(sample) else math.nan
        lengths = np.linalg.norm(np.concatenate(self._kept).astype(np.float64), axis=2)
        spread = lengths.std(axis=1)
        return float(np.median(lengths[spread <= np.median(spread)]))

    def _push(self, acceleration: NDArray[np.float32]) -> None:
        finite = np.isfinite(acceleration[:, 0]) & np.isfinite(acceleration[:, 1]) & np.isfinite(acceleration[:, 2])
        if not finite.all():
            acceleration = acceleration[finite]
        acceleration = np.concatenate([self._rest, acceleration])
        blocks = len(acceleration) // BLOCK_ROWS
        self._rest = acceleration[blocks * BLOCK_ROWS :]
        stride = self._stride
        while -(-(self._blocks + blocks) // stride) > MOST_BLOCKS:
            stride *= 2
        if stride > self._stride:
            self._kept = [np.concatenate(self._kept)[:: stride // self._stride]] if self._kept else []
            self._stride = stride
        whole = acceleration[: blocks * BLOCK_ROWS].reshape(blocks, BLOCK_ROWS, 3)
        chosen = whole[-self._blocks % stride :: stride]
        if len(chosen):
            self._kept.append(chosen.copy())
        self._blocks += blocks


def magnitude_at_rest(acceleration: NDArray[np.float32]) -> float:
    """The median length of the acceleration vector ``[n, 3]`` in the stillest half of the recording.

    Complete rows are divided into blocks of 32. All blocks are used, or every second, fourth and so on, so that there
    are at most 40,000, evenly spread. The median is over the half of these blocks with the smallest variation. NaN if
    no row is complete.
    """
    at_rest = AtRest()
    at_rest.push(acceleration)
    return at_rest.magnitude()


def acceleration_unit(at_rest: float) -> AccelerationUnit | None:
    """The unit in which ``at_rest`` is one g, or None if there is no such unit (for example without gravity)."""
    for unit, size in UNITS_PER_G.items():
        if size / UNIT_TOLERANCE <= at_rest <= size * UNIT_TOLERANCE:
            return unit
    return None
