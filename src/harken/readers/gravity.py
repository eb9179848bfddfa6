"""Acceleration without gravity, and gravity apart -> acceleration as a sensor feels it. For exports with two files."""

import numpy as np
from numpy.typing import NDArray

from harken.readers.clock import nanoseconds
from harken.readers.options import TableOptions
from harken.readers.table import WholeTable

__all__ = ["NO_GRAVITY", "with_gravity"]

NO_GRAVITY = (
    "This is acceleration without gravity: movements can be told from it, but postures cannot, and lying looks like "
    "standing."
)
FURTHEST_NS = 250_000_000
"""Gravity turns with the wearer, slowly; a sample of it is good for a quarter of a second."""


def with_gravity(table: WholeTable, gravity: WholeTable, options: TableOptions) -> tuple[WholeTable, list[str]]:
    """Add gravity, read from a file with times of its own and interpolated, to the first three channels.

    Samples that no sample of gravity is near have no acceleration then, and are counted in the notes.

    Raises:
        HarkenError: when the times of either cannot be read.
    """
    time_ns, timed = _times(table, options)
    gravity_ns, present = _times(gravity, options)
    gravity_ns, gravities = gravity_ns[present], gravity.signals[present, :3]
    order = np.argsort(gravity_ns, kind="stable")
    gravity_ns, gravities = gravity_ns[order], gravities[order]
    far = _distance_ns(time_ns, gravity_ns) > FURTHEST_NS
    start = gravity_ns[0]
    signals = table.signals.copy()
    with np.errstate(invalid="ignore", over="ignore"):  # damaged numbers may be infinite
        for axis in range(3):
            added = np.interp((time_ns - start) / 1e9, (gravity_ns - start) / 1e9, gravities[:, axis])
            signals[:, axis] += np.where(far, np.nan, added).astype(np.float32)
    lost = int((far & timed).sum())
    notes = [f"Of {len(far):,} samples {lost:,} have no sample of gravity near them."] if lost else []
    return table.with_signals(signals), notes


def _times(table: WholeTable, options: TableOptions) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times in ns ``[n]`` and which rows have one ``[n]``."""
    if table.time is None:
        raise ValueError("a table that gravity is to be added to needs times")
    clock = nanoseconds(table.path, table.time, options, table.where)
    present = clock.present if clock.present is not None else np.ones(len(clock.time_ns), dtype=bool)
    return clock.time_ns, present


def _distance_ns(time_ns: NDArray[np.int64], others_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """How far each time is from the nearest of the others, which are sorted."""
    after = np.searchsorted(others_ns, time_ns).clip(1, max(1, len(others_ns) - 1))
    before = others_ns[after - 1]
    after_ns = others_ns[after.clip(max=len(others_ns) - 1)]
    nearest: NDArray[np.int64] = np.minimum(np.abs(time_ns - before), np.abs(time_ns - after_ns))
    return nearest
