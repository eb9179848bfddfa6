"""OMGUI's CSV export of an Axivity AX3 or AX6 -> a Recording.

Written by Open Movement's cwa-convert and omconvert: the time (text, or seconds since 1970), acceleration in g with six
decimals, on an AX6 rotation in degrees a second likewise, then what the user ticked: light, temperature, battery,
events. Usually there is no header. Both forms of time are the wall clock of the device, set by the computer of whoever
set it up: cwa-convert takes its digits as if they were UTC. So the rules are those for the watch's own file.

An AX6 may begin with its two sensors in one another's places, for some seconds (see ``axivity.interchange``). What
scale they then have an export does not say, so such samples are marked.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.clock import nanoseconds
from harken.readers.columns import Columns
from harken.readers.csv import layout_of, read_table
from harken.readers.device import DeviceSamples, device_recording
from harken.readers.exports import cut_short_note, first_look
from harken.readers.layout import Layout
from harken.readers.options import TableOptions
from harken.readers.units import acceleration_unit, magnitude_at_rest
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = [
    "GYRO",
    "LOOKED_AT",
    "about_samples",
    "layout_and_columns",
    "looks_like_omgui",
    "read_omgui",
    "rotation_in_radians",
    "time_unit_of",
    "wall_clock",
    "without_gravity",
]

UNIX_TIME = re.compile(r"\d{9,10}\.\d{4}")
TEXT_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")
MEASURED = re.compile(r"-?\d+\.\d{6}")
CELSIUS = re.compile(r"-?\d+\.\d\d")
TICKED = re.compile(r"-?\d+(\.\d+)?|[rsdeFBIX]*")
"""Light, temperature, battery, events."""
HEADER_STARTS = ("Time", "Accel-X (g)")

GYRO = ("gyro_x", "gyro_y", "gyro_z")
RADIANS = np.float32(np.pi / 180)
PIECE, MOST_PIECES = 40, 100
"""Samples in a block of an AX6's own file, and how many blocks of the beginning are looked at."""
LOOKED_AT = PIECE * (MOST_PIECES + 1)
"""What ``without_gravity`` says of as many samples it says of all."""
EXCHANGED = "Acceleration and rotation stand in one another's columns, as gravity shows, in the first"
SMALLEST_G = 1e-3
CERTAIN = 2.0
"""In halvings of half of gravity, over all pieces."""


def looks_like_omgui(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` is written as OMGUI writes."""
    layout = first_look(path, head)
    return layout is not None and _is_omgui(layout)


def read_omgui(path: Path, options: TableOptions) -> Recording:
    """Read a CSV export of OMGUI as it was found. See ``harken.readers.read``.

    Channels are ``x, y, z`` in g, from an AX6 ``gyro_x, gyro_y, gyro_z`` in rad/s, and ``temperature`` in degrees
    Celsius where it was exported.

    Raises:
        HarkenError: when the file is not written as OMGUI writes.
    """
    layout, columns = layout_and_columns(path)
    table = read_table(path, layout, columns)
    local_ns, timed, _ = wall_clock(path, pl.Series(table.time), table.where)
    signals = table.signals if timed.all() else table.signals[timed]
    rotation_in_radians(signals, table.channels)
    unusable = without_gravity(signals) if GYRO[0] in table.channels else 0
    at_rest = magnitude_at_rest(signals[unusable:, :3])
    notes = [*about_samples(path, unusable, at_rest), *cut_short_note(path)]
    samples = DeviceSamples(local_ns[timed], signals, table.channels, None, "", notes, [(0, unusable)])
    recording = device_recording(path, samples, options)
    dropped = {} if timed.all() else {"no time": int((~timed).sum())}
    quality = replace(recording.quality, rows=len(timed), dropped=dropped, time_unit=time_unit_of(layout))
    return replace(recording, quality=quality)


def layout_and_columns(path: Path) -> tuple[Layout, Columns]:
    """How the file is laid out, and what stands where.

    Raises:
        HarkenError: when the file is not written as OMGUI writes.
    """
    layout = layout_of(path)
    if not _is_omgui(layout):
        raise HarkenError(f"{path}: this is not an OMGUI export: a time and accelerations with six decimals")
    return layout, Columns(time=0, x=1, y=2, z=3, extra=_extra(layout))


def time_unit_of(layout: Layout) -> str:
    """The unit of the file's times."""
    return "s" if _written(layout, (0,), UNIX_TIME) else "date"


def rotation_in_radians(signals: NDArray[np.float32], channels: Sequence[str]) -> None:
    """Turn degrees a second into radians a second, in place."""
    if GYRO[0] in channels:
        signals[:, 3:6] *= RADIANS


def about_samples(path: Path, unusable: int, at_rest: float) -> list[str]:
    """What there is to say about samples whose sensors are mixed up, and about gravity in the others.

    Raises:
        HarkenError: when no row is whole.
    """
    notes = [f"{EXCHANGED} {unusable:,} samples; they are marked."] if unusable else []
    if math.isnan(at_rest) and not unusable:
        raise HarkenError(f"{path}: no row has all three of x, y and z")
    if acceleration_unit(at_rest) != "g" and not math.isnan(at_rest):
        notes.append(f"At rest the acceleration is {at_rest:.3g} g, which is not gravity.")
    return notes


def _extra(layout: Layout) -> tuple[tuple[str, int], ...]:
    """Where rotation and temperature stand, if they do."""
    gyro = tuple(zip(GYRO, (4, 5, 6), strict=True)) if _written(layout, (4, 5, 6), MEASURED) else ()
    celsius = [position for position in range(4 + len(gyro), layout.width) if _written(layout, (position,), CELSIUS)]
    return (*gyro, *((("temperature", celsius[0]),) if len(celsius) == 1 else ()))


def _is_omgui(layout: Layout) -> bool:
    if layout.separator != "," or layout.width < 4:
        return False
    if layout.header and tuple(layout.header[:2]) != HEADER_STARTS:
        return False
    timed = _written(layout, (0,), UNIX_TIME) or _written(layout, (0,), TEXT_TIME)
    return timed and _written(layout, (1, 2, 3), MEASURED) and _written(layout, range(4, layout.width), TICKED)


def _written(layout: Layout, positions: Sequence[int], form: re.Pattern[str]) -> bool:
    """Whether these columns are written in this form in the first rows, which a file cut short may end within."""
    if layout.width <= max(positions, default=-1):
        return False
    whole = [row for row in layout.rows if len(row) == layout.width]
    whole = whole[: max(1, len(whole) - 1)]
    return bool(whole) and all(form.fullmatch(row[position].strip()) for row in whole for position in positions)


def wall_clock(
    path: Path, time: pl.Series, where: Callable[[int], str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    """What the device's clock showed, in ns since 1970 ``[rows]``; for which rows it is known ``[rows]``; and the form
    it was written in, see ``Clock``."""
    clock = nanoseconds(path, time, TableOptions(time_unit="s"), where)
    known = clock.present if clock.present is not None else np.ones(len(clock.time_ns), dtype=bool)
    # Written to a ten-thousandth of a second, which is more than a float of that size keeps beyond it.
    local_ns = np.rint(clock.time_ns / 1e5).astype(np.int64) * 10**5 if time.dtype.is_numeric() else clock.time_ns
    return local_ns, known, clock.form


def without_gravity(signals: NDArray[np.float32]) -> int:
    """How many samples at the beginning are of an accelerometer that feels no gravity.

    The beginning ends where the size of acceleration speaks most clearly for its feeling less than half of gravity
    before and more after.
    """
    pieces = min(len(signals) // PIECE, MOST_PIECES)
    if pieces == 0:
        return 0
    acceleration = signals[: pieces * PIECE, :3].reshape(pieces, PIECE, 3).astype(np.float64)
    # What is missing, or was too large for float32, says nothing of gravity.
    acceleration[~np.isfinite(acceleration)] = 1.0
    size = np.median(np.linalg.norm(acceleration, axis=2), axis=1)
    score = np.cumsum(-1 - np.log2(np.maximum(size, SMALLEST_G)))
    best = int(np.argmax(score))
    end = (best + 1) * PIECE
    if score[best] <= CERTAIN:
        return 0
    return end if len(signals) - end >= PIECE else len(signals)
