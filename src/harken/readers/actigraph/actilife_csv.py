"""ActiLife's CSV export of raw acceleration -> a Recording.

Ten lines of header between two rows of dashes: the first says which device, firmware, date format and rate, the others
serial number, start and download. Then a line of column names, or none; then ``x,y,z`` in g with three decimals, with a
time before them where the user asked for it. An export of the Link's second sensor (IMU) has more columns.

Two things in it were never measured. For the time that the watch slept (idle sleep mode), ActiLife repeats the last
value; for seconds that it has nothing for, such as those in the dock, it writes zeros. A ``.gt3x`` of the same
recording holds nothing for either. Here both are kept and marked as not ``valid``.

Exports of *counts* begin with the same header. Counts are sums over seconds and no acceleration: they are refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.actigraph.export_header import ExportHeader, begins_like_an_export, read_export_header
from harken.readers.actigraph.info import range_of
from harken.readers.actigraph.repeats import RepeatedValues
from harken.readers.clock import Clock, nanoseconds
from harken.readers.columns import Columns
from harken.readers.csv import layout_of, open_source, read_table
from harken.readers.device import DeviceSamples, device_recording, plain_head
from harken.readers.exports import cut_short_note, describes_columns, never_run
from harken.readers.layout import Layout
from harken.readers.options import TableOptions
from harken.readers.table import WholeTable
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError

__all__ = [
    "about_export",
    "about_start",
    "columns_of",
    "looks_like_actilife_csv",
    "numbered_times",
    "read_actilife_csv",
    "read_times",
    "rotation_in_radians",
]

AXES = ("accelerometer x", "accelerometer y", "accelerometer z")
TIME = "timestamp"
EXTRA = {
    "temperature": "temperature",
    "gyroscope x": "gyro_x",
    "gyroscope y": "gyro_y",
    "gyroscope z": "gyro_z",
}
"""Columns of an export of the IMU that become channels; rotation is in degrees a second in the file."""
RADIANS = np.float32(np.pi / 180)
CLOCKS = ("%H:%M:%S%.f", "%I:%M:%S%.f %p")


def looks_like_actilife_csv(path: Path, head: bytes) -> bool:  # noqa: ARG001 - all readers are asked alike
    """Whether a file that begins with ``head`` (gzipped or not) has ActiLife's header, of acceleration or of counts."""
    return begins_like_an_export(plain_head(head))


def read_actilife_csv(path: Path, options: TableOptions) -> Recording:
    """Read ActiLife's CSV export of raw acceleration as it was found, also gzipped.

    Where the file has no times, samples are numbered from the header's start at the header's rate. The dates of the
    header are read in the format that it names, or in another order where that one cannot be (there are such files; a
    note says so). Times are the watch's clock, which knows of no daylight saving: ``options.timezone`` says where it
    was set, else it is taken as UTC. Whoever describes columns or skips lines reads the file as any other table.

    Returns:
        Channels ``x, y, z`` in g; from an IMU's export also ``temperature`` in degrees Celsius and
        ``gyro_x, gyro_y, gyro_z`` in rad/s. The subject is ``options.subject``, else the file's stem.

    Raises:
        HarkenError: for an export of counts, a header cut short, or a row that is not what the others are.
    """
    if describes_columns(options):
        return open_source(path, options).collect()
    header = read_export_header(path)
    layout = layout_of(path, header.lines)
    columns = columns_of(path, header, layout)
    table = read_table(path, layout, columns)
    local_ns, of_times = _times(path, header, table, options)
    rate = options.sample_rate_hz or header.rate_hz or _rate_of(local_ns)
    repeats = RepeatedValues(rate)
    repeats.push(table.signals[:, :3])
    held = repeats.finish()
    rotation_in_radians(table.signals, table.channels)
    notes = [*header.notes, *of_times, *about_export(held, rate, table.channels, timed=table.time is not None)]
    samples = DeviceSamples(
        local_ns=local_ns,
        signals=table.signals,
        channels=table.channels,
        range_g=range_of(header.serial_number),
        subject="",
        notes=[*notes, *cut_short_note(path)],
        unusable=held,
        stated_rate_hz=header.rate_hz,
        worn_on=header.limb,
    )
    return device_recording(path, samples, options)


def rotation_in_radians(signals: NDArray[np.float32], channels: Sequence[str]) -> None:
    """Turn degrees a second into radians a second, in place."""
    for channel, name in enumerate(channels):
        if name.startswith("gyro"):
            signals[:, channel] *= RADIANS


def about_export(held: list[tuple[int, int]], rate_hz: float, channels: Sequence[str], *, timed: bool) -> list[str]:
    """What there is to say about values that are only repeated, and about exports that nobody had."""
    notes = []
    if held:
        seconds = sum(end - begin for begin, end in held) / rate_hz
        notes.append(
            f"{round(seconds):,} s only repeat a value, or are zero, which ActiLife writes where the watch slept (idle "
            "sleep mode) or was in its dock. They are marked."
        )
    if len(channels) > 3:
        notes.append(never_run("ActiLife's exports of the IMU"))
    elif timed:
        notes.append(never_run("ActiLife's exports of acceleration with times"))
    return notes


def columns_of(path: Path, header: ExportHeader, layout: Layout) -> Columns:
    """Where time and acceleration are.

    Raises:
        HarkenError: when the columns are of something else, such as counts.
    """
    names = [name.lower() for name in layout.header or ()]
    if not names and layout.width in (3, 4) and header.raw:
        first = layout.width - 3
        return Columns(x=first, y=first + 1, z=first + 2, time=0 if first else None)
    if not header.raw or not set(AXES) <= set(names):
        there = f"its columns are {', '.join(layout.header)}" if layout.header else f"it has {layout.width} columns"
        raise HarkenError(
            f"{path}: this export of ActiLife's holds counts over {header.period or 'some time'} ({there}), and counts "
            "cannot be made into acceleration again: export the raw data, or read the .gt3x file itself"
        )
    x, y, z = (names.index(name) for name in AXES)
    extra = tuple((channel, names.index(name)) for name, channel in EXTRA.items() if name in names)
    return Columns(x=x, y=y, z=z, time=names.index(TIME) if TIME in names else None, extra=extra)


def numbered_times(header: ExportHeader, first: int, count: int, rate_hz: float) -> NDArray[np.int64]:
    """Times by the watch's clock of the samples from number ``first`` on, int64 ``[count]``."""
    since_start = np.rint(np.arange(first, first + count) * (1e9 / rate_hz)).astype(np.int64)
    return np.asarray(_start_ns(header) + since_start)


def read_times(
    path: Path, header: ExportHeader, time: pl.Series, options: TableOptions, where: Callable[[int], str]
) -> Clock:
    """The times that stand in the file, by the watch's clock; all of them must be there."""
    time = time.cast(pl.String).str.strip_chars().str.replace(r",(\d+)$", ".$1")
    first = time.drop_nulls().head(1)
    form = None if first.str.contains(r"^\d{4}-\d\d-\d\dT").any() else _form(first, header.date_order)
    # Some exports write a Z behind what is the watch's clock all the same.
    local = replace(options, timezone=None, sample_rate_hz=None, time_unit=None, time_format=form)
    clock = nanoseconds(path, time, local, where)
    if clock.present is not None:
        raise HarkenError(f"{path}, {where(int(np.argmin(clock.present)))}: there is no time")
    return clock


def about_start(header: ExportHeader, first_ns: int) -> list[str]:
    """What there is to say about the first time, if the header says another."""
    away = abs(first_ns - _start_ns(header)) // 10**9
    return [f"The first time is {away:,} s away from the header's start; the times count."] if away > 1 else []


def _start_ns(header: ExportHeader) -> int:
    return int((header.start - datetime(1970, 1, 1)).total_seconds()) * 10**9


def _times(
    path: Path, header: ExportHeader, table: WholeTable, options: TableOptions
) -> tuple[NDArray[np.int64], list[str]]:
    """The times of the samples by the watch's clock, int64 ``[n]``, and what to say about them."""
    if table.time is None:
        rate = options.sample_rate_hz or header.rate_hz
        if rate is None:
            raise HarkenError(f"{path}: it has no times and its header no rate; say it with --rate HZ")
        return numbered_times(header, 0, len(table.signals), rate), []
    clock = read_times(path, header, table.time, options, table.where)
    return np.require(clock.time_ns, requirements="W"), about_start(header, int(clock.time_ns[0]))


def _form(first: pl.Series, order: str) -> str | None:
    """The pattern of a time that begins with a date in this order, such as 9/17/2019 18:40:00.000; None: unknown."""
    date = first.str.extract(r"^(\d+\D\d+\D\d+) ", 1).to_list()
    if not date or date[0] is None:
        return None
    order = "yMd" if re.match(r"\d{4}", date[0]) else order
    letters = {"d": "%d", "M": "%m", "y": "%Y" if re.search(r"\d{4}", date[0]) else "%y"}
    separators = [*re.findall(r"\D", date[0]), ""]
    pattern = "".join(letters[letter] + separator for letter, separator in zip(order, separators, strict=True))
    clock = CLOCKS[bool(first.str.contains(r"(?i)[ap]m$").any())]
    return f"{pattern} {clock}"


def _rate_of(time_ns: NDArray[np.int64]) -> float:
    steps = np.diff(time_ns)
    return 1e9 / max(1.0, float(np.median(steps))) if len(steps) else 1.0
