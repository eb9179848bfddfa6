"""Which unit a number is in, from what the world allows: gravity is 1 g, and wrists are sampled at 5 to 400 Hz."""

import math

import numpy as np
from numpy.typing import NDArray

from harken.readers.options import AccelerationUnit, TimeUnit
from harken.recording import STANDARD_GRAVITY

__all__ = [
    "BLOCK_ROWS",
    "G_PER_UNIT",
    "MOST_BLOCKS",
    "NS_PER_UNIT",
    "acceleration_unit",
    "magnitude_at_rest",
    "time_unit",
]

NS_PER_UNIT: dict[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS_PER_G: dict[AccelerationUnit, float] = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "g/64": 64.0, "mg": 1000.0}
G_PER_UNIT: dict[AccelerationUnit, float] = {unit: 1 / size for unit, size in UNITS_PER_G.items()}

UNIT_TOLERANCE = 1.35
"""At rest a watch reads gravity within this factor, offset and gain errors included."""
BLOCK_ROWS = 32
MOST_BLOCKS = 20_000

EPOCHS: tuple[tuple[float, TimeUnit], ...] = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""A time since 1970 of at least this size is in this unit: 1973 and later, for the next 3,000 years."""
STEPS_LOOKED_AT = 100_000
PLAUSIBLE_RATES_HZ = (5.0, 400.0)


def time_unit(times: NDArray[np.float64] | NDArray[np.int64]) -> TimeUnit | None:
    """The unit of numeric times ``[n]``: by their steps, else by their size when they count from 1970.

    Steps come first because they cannot mislead: the units are a thousand apart and the rates of watches
    (5 to 400 Hz) are not, so at most one unit fits; and a clock that counts nanoseconds since the watch was
    switched on has the size of microseconds since 1970. None when neither tells.
    """
    steps = np.diff(times[:STEPS_LOOKED_AT])
    if (steps < 0).any():  # rows in any order
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


def magnitude_at_rest(acceleration: NDArray[np.float32]) -> float:
    """The median length of the acceleration vector ``[n, 3]`` in the stillest half of the recording.

    The rows that are whole are cut into blocks of 32 (at most 20,000 of them, evenly spread); the half of the
    blocks with the smallest spread counts. NaN when no row is whole.
    """
    finite = np.isfinite(acceleration[:, 0]) & np.isfinite(acceleration[:, 1]) & np.isfinite(acceleration[:, 2])
    if not finite.all():
        acceleration = acceleration[finite]
    blocks = len(acceleration) // BLOCK_ROWS
    if blocks < 2:
        sample = np.linalg.norm(acceleration.astype(np.float64), axis=1)
        return float(np.median(sample)) if len(sample) else math.nan
    stride = max(1, blocks // MOST_BLOCKS)
    whole = acceleration[: blocks * BLOCK_ROWS].reshape(blocks, BLOCK_ROWS, -1)[::stride]
    lengths = np.linalg.norm(whole.astype(np.float64), axis=2)
    spread = lengths.std(axis=1)
    return float(np.median(lengths[spread <= np.median(spread)]))


def acceleration_unit(at_rest: float) -> AccelerationUnit | None:
    """The unit in which ``at_rest`` is one g, or None when there is no such unit (gravity removed, perhaps)."""
    for unit, size in UNITS_PER_G.items():
        if size / UNIT_TOLERANCE <= at_rest <= size * UNIT_TOLERANCE:
            return unit
    return None
