"""Reader of CSV files of SensorLog (Bernd Thomas' app for iPhone and Apple Watch). Never run on a real file.

Source: the descriptive names of its columns, and programs that read them. The user chooses the columns, so they are
found by name. ``loggingTime(txt)`` is the time at which a row was written, and
``accelerometerTimestamp_sinceReboot(s)`` the time of the measurement. Acceleration is in g, with Apple's signs.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.csv import CsvTable, layout_of
from harken.readers.exports import TURNED, cut_short_note, first_look, never_run
from harken.readers.layout import Columns, Layout, is_number
from harken.readers.options import TableOptions
from harken.readers.table import TableSource, WholeTable
from harken.readers.units import nanoseconds
from harken.recordings.source import Source
from harken.support.errors import HarkenError

TOTAL = tuple(f"accelerometerAcceleration{axis}(G)" for axis in "XYZ")
MOVEMENT = tuple(f"motionUserAcceleration{axis}(G)" for axis in "XYZ")
GRAVITY = tuple(f"motionGravity{axis}(G)" for axis in "XYZ")
ROTATIONS = tuple(
    tuple(f"{sensor}{axis}(rad/s)" for axis in "XYZ") for sensor in ("motionRotationRate", "gyroRotation")
)
APART, GYRO = (tuple(f"{what}_{axis}" for axis in "xyz") for what in ("gravity", "gyro"))
LOGGED = "loggingTime(txt)"
CLOCKS = {TOTAL: "accelerometerTimestamp_sinceReboot(s)", MOVEMENT: "motionTimestamp_sinceReboot(s)"}
LABEL = "label(N)"

MOST_WANDER_NS = 10**9
"""Rows are written within a second of their measurement. With a larger difference, the two clocks do not agree."""
NOT_STEADY = "more than half of the sensor's own times repeat the previous one."


def recognises(path: Path, head: bytes) -> bool:
    """Whether a file that begins with ``head`` has the column names of SensorLog."""
    layout = first_look(path, head)
    return layout is not None and _acceleration(layout) is not None


def open_source(path: Path, options: TableOptions) -> Source:
    """Open a CSV file of SensorLog. See ``harken.readers.read``.

    Acceleration is that of the accelerometer, else the sum of gravity and movement. If the file has rotation, it is
    ``gyro_x, gyro_y, gyro_z`` in rad/s. ``label(N)`` is the label. Signs are converted to those of Android. Times are
    those of the sensor; the writing times give their date. If the two clocks do not agree, only the writing times are
    used.

    Raises:
        HarkenError: when the file has no acceleration or no time.
    """
    layout = layout_of(path)
    axes = _acceleration(layout)
    if axes is None:
        raise HarkenError(f"{path}: has none of SensorLog's columns of acceleration, such as {TOTAL[0]}")
    clocks = [name for name in (LOGGED, CLOCKS[axes]) if _filled(layout, (name,), numbers=name != LOGGED)]
    if not clocks and not options.sample_rate_hz:
        raise HarkenError(f"{path}: has no column {LOGGED} nor {CLOCKS[axes]}; number the rows with --rate HZ")
    table = _table(path, layout, axes, *clocks[:1])
    notes = [TURNED]
    if len(clocks) == 2 and not options.sample_rate_hz:
        sensor = CsvTable(path, layout, _columns(layout, axes, CLOCKS[axes])).whole().time
        time, more = _measured(table, sensor, options)
        notes += more
        if time is not None:
            table, options = table.with_time(time), replace(options, time_unit="ns")
    elif clocks == [CLOCKS[axes]]:
        options = replace(options, time_unit=options.time_unit or "s")
    return TableSource(table, options, notes=[*notes, never_run("SensorLog's files"), *cut_short_note(path)])


def _acceleration(layout: Layout) -> tuple[str, ...] | None:
    """The columns of acceleration: total acceleration if these columns have values, else movement, to be added to
    gravity."""
    there = [names for names in (TOTAL, MOVEMENT) if set(names) <= set(layout.header or ())]
    if MOVEMENT in there and not set(GRAVITY) <= set(layout.header or ()):
        there.remove(MOVEMENT)
    return next((names for names in there if _filled(layout, names)), there[0] if there else None)


def _filled(layout: Layout, names: tuple[str, ...], *, numbers: bool = True) -> bool:
    """Whether these columns exist and have numbers (or any text) in the first rows."""
    header = layout.header or []
    first = [layout.column(header.index(name)) if name in header else [] for name in names]
    return all(any(map(is_number, column)) if numbers else bool(column) for column in first)


def _columns(layout: Layout, axes: tuple[str, ...], *time: str) -> Columns:
    x, y, z = (_position(layout, name) for name in axes)
    return Columns(x=x, y=y, z=z, time=_position(layout, time[0]) if time else None)


def _position(layout: Layout, name: str) -> int:
    return (layout.header or []).index(name)


def _table(path: Path, layout: Layout, axes: tuple[str, ...], *time: str) -> WholeTable:
    """Total acceleration with the signs of Android, rotation, and labels."""
    rotation = next((names for names in ROTATIONS if _filled(layout, names)), ())
    apart = GRAVITY if axes == MOVEMENT else ()
    channels = (*APART[: len(apart)], *GYRO[: len(rotation)])
    extra = tuple(zip(channels, (_position(layout, name) for name in (*apart, *rotation)), strict=True))
    label = _position(layout, LABEL) if LABEL in (layout.header or ()) else None
    table = CsvTable(path, layout, replace(_columns(layout, axes, *time), label=label, extra=extra)).whole()
    total, others = table.signals[:, :3], table.signals[:, 3 + len(apart) :]
    if apart:
        with np.errstate(invalid="ignore"):  # damaged numbers may be infinite
            total = total + table.signals[:, 3:6]
    channels = ("x", "y", "z", *GYRO[: len(rotation)])
    return replace(table.with_signals(np.hstack([-total, others]), channels), unit="g")


def _measured(table: WholeTable, sensor: pl.Series | None, options: TableOptions) -> tuple[pl.Series | None, list[str]]:
    """The measurement time of each row, in ns since 1970, or None if the writing times must be used; and notes."""
    if table.time is None or sensor is None:
        return None, []
    written = nanoseconds(table.path, table.time, options, table.where)
    measured = nanoseconds(table.path, sensor, replace(options, time_unit="s"), table.where)
    every = np.ones(len(table.signals), dtype=bool)
    timed = every if measured.present is None else measured.present
    both = timed if written.present is None else timed & written.present
    if both.sum() < 2:
        return None, []
    if (np.diff(measured.time_ns[both]) == 0).mean() > 0.5:
        return None, [f"Times are those at which rows were written: {NOT_STEADY}"]
    apart = written.time_ns[both] - measured.time_ns[both]
    if np.ptp(apart) > MOST_WANDER_NS:
        wander = np.ptp(apart) / 1e9
        return None, [
            f"Times are those at which rows were written: the sensor's clock differs from them by up to {wander:.3g} s."
        ]
    offset = int(apart[0]) + round(float(np.median(apart - apart[0])))
    time = pl.Series(measured.time_ns + offset).set(pl.Series(~timed), None)
    return time, ["Times are the sensor's own, dated by the times at which rows were written.", *written.notes]
