"""Units of tables. They are recognised from two facts: gravity is 1 g, and wrists are sampled at 5 to 400 Hz."""

import math

import numpy as np

from harken.readers.options import AccelerationUnit, TimeUnit
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.arrays import Float32Array, Float64Array, Int64Array, finite_rows

NS_PER_UNIT: dict[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS_PER_G: dict[AccelerationUnit, float] = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "g/64": 64.0, "mg": 1000.0}
G_PER_UNIT: dict[AccelerationUnit, float] = {unit: 1 / size for unit, size in UNITS_PER_G.items()}

AXES_REVERSED = "The signs of all three axes of acceleration were reversed, as stated."
"""The note of a recording whose gravity was stated to have the opposite sign."""

UNIT_TOLERANCE = 1.35
"""The tolerance of gravity measured at rest, as a factor, including offset and gain errors."""
MOVEMENT_RANGE = (0.5, 2.5)
"""The range of ``AtRest.magnitude`` of a wearer who never rests, in g. In 79 recordings of nothing but running, of
selfBACK and WISDM, it is .74 to 1.93 g."""
STEADY_RANGE = (0.5, 1.7)
"""The range of gravity as ``AtRest.steady`` in a recording without rest, in g: .56 to 1.59 g in the same recordings."""
LEAST_STEADY_SHARE = 1 / 3
"""The least share of gravity, as ``AtRest.steady``, in the magnitude at rest: .36 in the same recordings. Without
gravity the share is at most .29, also in walking."""
BLOCK_ROWS = 32
STEADY_BLOCKS = 8
MOST_BLOCKS = 40_000
ROWS_AT_ONCE = BLOCK_ROWS << 14

EPOCHS: tuple[tuple[float, TimeUnit], ...] = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""Times since 1970 of at least this size are in this unit. This holds from 1973 on, for the next 3,000 years."""
STEPS_LOOKED_AT = 100_000
PLAUSIBLE_RATES_HZ = (5.0, 400.0)


def time_unit(times: Float64Array | Int64Array) -> TimeUnit | None:
    """The unit of numeric times ``[n]``: by their steps, else by their size if they count from 1970. None if unknown.

    Steps have priority because they are unambiguous: units differ by factors of 1,000, and the rates of watches (5 to
    400 Hz) by less, so at most one unit fits. The size is ambiguous: nanoseconds since the watch was switched on look
    like microseconds since 1970.
    """
    steps = np.diff(times[:STEPS_LOOKED_AT])
    if (steps < 0).any():  # rows out of order
        steps = np.diff(np.unique(times))
    unit = _unit_of_steps(steps)
    if unit is not None:
        return unit
    size = float(np.median(np.abs(times)))
    return next((unit for smallest, unit in EPOCHS if size >= smallest), None)


def unit_of_rising_times(times: Float64Array | Int64Array) -> TimeUnit | None:
    """The unit of numeric times, at least ``STEPS_LOOKED_AT`` unless there are no more, which later times cannot
    change. None if it depends on all times, because they do not rise or their steps fit no unit."""
    steps = np.diff(times[:STEPS_LOOKED_AT])
    return None if (steps < 0).any() else _unit_of_steps(steps)


def _unit_of_steps(steps: Float64Array | Int64Array) -> TimeUnit | None:
    steps = steps[steps > 0]
    if not len(steps):
        return None
    step = float(np.median(steps))
    for unit, nanoseconds in NS_PER_UNIT.items():
        if plausible_step(step * nanoseconds):
            return unit
    return None


def plausible_step(step_ns: float) -> bool:
    """Whether a step is a possible sampling interval of a watch, so that it determines the unit of times."""
    slowest, fastest = PLAUSIBLE_RATES_HZ
    return step_ns > 0 and slowest <= 1e9 / step_ns <= fastest


class AtRest:
    """The length of the acceleration vector in the stillest part of a recording, which arrives in pieces.

    Complete rows are divided into blocks of 32. All blocks are used, or every second, fourth and so on, so that there
    are at most 40,000, evenly spread. The result does not depend on the division into pieces.
    """

    def __init__(self) -> None:
        self._rest = np.empty((0, 3), np.float32)
        self._kept: list[Float32Array] = []  # blocks 0, stride, 2 * stride and so on
        self._stride = 1
        self._blocks = 0

    def push(self, acceleration: Float32Array) -> None:
        """Process the next samples ``[n, 3]``."""
        for first in range(0, len(acceleration), ROWS_AT_ONCE):
            self._push(acceleration[first : first + ROWS_AT_ONCE])

    def magnitude(self) -> float:
        """Return the median length of the vector in the half of the blocks with the smallest variation. NaN if no row
        is complete."""
        if self._blocks < 2:
            every = np.concatenate([*(blocks.reshape(-1, 3) for blocks in self._kept), self._rest])
            sample = np.linalg.norm(every.astype(np.float64), axis=1)
            return float(np.median(sample)) if len(sample) else math.nan
        lengths = np.linalg.norm(np.concatenate(self._kept).astype(np.float64), axis=2)
        spread = lengths.std(axis=1)
        return float(np.median(lengths[spread <= np.median(spread)]))

    def steady(self) -> float:
        """Return the median length of the mean vector over some seconds (8 blocks). A body does not get faster and
        faster, so over seconds the mean acceleration is gravity, also in running. NaN without 8 blocks."""
        if self._blocks < STEADY_BLOCKS:
            return math.nan
        means = np.concatenate(self._kept).mean(axis=1, dtype=np.float64)
        whole = len(means) // STEADY_BLOCKS * STEADY_BLOCKS
        vectors = means[:whole].reshape(-1, STEADY_BLOCKS, 3).mean(axis=1)
        return float(np.median(np.linalg.norm(vectors, axis=1)))

    def unit(self) -> AccelerationUnit | None:
        """Return the unit in which gravity is 1 g at rest, or on average if the wearer never rests; None if there is no
        such unit (for example without gravity)."""
        at_rest = self.magnitude()
        return acceleration_unit(at_rest) or _unit_without_rest(at_rest, self.steady())

    def _push(self, acceleration: Float32Array) -> None:
        finite = finite_rows(acceleration)
        if not finite.all():
            acceleration = acceleration[finite]
        acceleration = np.concatenate([self._rest, acceleration])
        blocks = len(acceleration) // BLOCK_ROWS
        self._rest = acceleration[blocks * BLOCK_ROWS :]
        whole = acceleration[: blocks * BLOCK_ROWS].reshape(blocks, BLOCK_ROWS, 3)
        self._kept.append(whole[-self._blocks % self._stride :: self._stride].copy())
        self._blocks += blocks
        while self._blocks > MOST_BLOCKS * self._stride:
            self._kept = [np.concatenate(self._kept)[::2]]
            self._stride = 2 * self._stride


def recognise_unit(acceleration: Float32Array) -> AccelerationUnit | None:
    """Return the unit of acceleration ``[n, 3]``. See ``AtRest.unit``."""
    at_rest = AtRest()
    at_rest.push(acceleration)
    return at_rest.unit()


def acceleration_unit(at_rest: float) -> AccelerationUnit | None:
    """The unit in which ``at_rest`` is one g, or None if there is no such unit (for example without gravity)."""
    for unit, size in UNITS_PER_G.items():
        if size / UNIT_TOLERANCE <= at_rest <= size * UNIT_TOLERANCE:
            return unit
    return None


def _unit_without_rest(magnitude: float, steady: float) -> AccelerationUnit | None:
    """Return the unit in which a magnitude and a steady part are those of a wearer who never rests, or None."""
    if not steady > LEAST_STEADY_SHARE * magnitude:
        return None
    for unit, size in UNITS_PER_G.items():
        moves = MOVEMENT_RANGE[0] <= magnitude / size <= MOVEMENT_RANGE[1]
        if moves and STEADY_RANGE[0] <= steady / size <= STEADY_RANGE[1]:
            return unit
    return None
