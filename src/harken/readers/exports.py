"""Readers of the CSV files of Physics Toolbox and Empatica, and what readers of all apps' exports share.

A reader finds an app's columns in the layout of a table, and then opens the table. The declarations below say what
the columns are called, in which unit and with which signs their values are, and how their times are dated.

**Empatica E4** (``ACC.csv``). Source: the manufacturer's description (support.empatica.com, "Data export and formatting
from E4 connect" and "Session start time"). There is no header. The first row is the start in seconds since 1970 in UTC,
and the second row is the rate, both written three times. Integers follow, in units of 1/64 g, from a sensor of +-2 g.
There are no times, so gaps cannot be detected.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import polars as pl

from harken.readers.csv import CsvTable, layout_of
from harken.readers.layout import SNIFFED_BYTES, Columns, Layout, is_integer, is_number, recognise_layout
from harken.readers.options import FASTEST_HZ, TableOptions, changed
from harken.readers.table import Table, TableSource
from harken.readers.units import TimeColumn, nanoseconds, numbered_ns
from harken.readers.unpacking import GZIPPED, plain_head, stem
from harken.recordings.recording import ROTATION, Make
from harken.recordings.source import RecordingSource, Source
from harken.support.arrays import Float32Array, Int64Array, nearest_distance_ns
from harken.support.errors import HarkenError

Found = TypeVar("Found")

DESCRIBING = ("skip_rows", "time_format")
"""Options that describe a table of an unknown format, in addition to those that name columns."""
GRAVITY = ("gravity_x", "gravity_y", "gravity_z")
"""Channels that are added to acceleration."""

TURNED = (
    "The signs of all three axes of acceleration were reversed: at rest, Apple's values point "
    "down, and those of harken, Android and research watches point up."
)
FURTHEST_NS = 250_000_000
"""The largest distance in time to a sample of gravity, a quarter of a second. The direction of gravity changes
slowly."""


@dataclass(frozen=True)
class LoggerReader(Generic[Found]):
    """Reader of the CSV files of an app.

    Attributes:
        find: what the app's files hold, found in a layout; None if it is another table.
        open: opens a file with this layout in which this was found.
        kind: what a file is expected to be, for an error message.
    """

    find: Callable[[Layout], Found | None]
    open: Callable[[Path, Layout, Found, TableOptions], Source]
    kind: str

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether a file that begins with ``head`` is one of the app."""
        layout = first_look(path, head)
        return layout is not None and self.find(layout) is not None

    def open_source(self, path: Path, options: TableOptions) -> Source:
        """Open a file of the app. See ``harken.readers.read``.

        Raises:
            HarkenError: when it is another table, or a value that is needed is missing.
        """
        layout = layout_of(path)
        found = self.find(layout)
        if found is None:
            raise HarkenError(f"{path}: this is not {self.kind}")
        return self.open(path, layout, found, options)


@lru_cache(maxsize=1)  # several readers inspect the same beginning, one after another
def first_look(path: Path, head: bytes) -> Layout | None:
    """The layout of the table that begins with ``head`` (64 KiB, gzipped or not); None if it is not a table."""
    try:
        return recognise_layout(path, plain_head(head)[:SNIFFED_BYTES], 0)
    except HarkenError:
        return None


def describes_columns(options: TableOptions) -> bool:
    """Whether the options describe the table's columns. Then the readers of known formats are not used."""
    return any(name.endswith("_column") or name in DESCRIBING for name in changed(options))


def owner(path: Path, usual_stems: Sequence[str] = ()) -> str:
    """The subject of a file or folder: its name without ``.csv``, ``.zip`` or ``.gz``.

    If the file's stem is one of the ``usual_stems``, which an app gives to all files, the folder's name is used.
    """
    own = stem(path)
    return path.absolute().parent.name or own if own in usual_stems else own


def never_run(kind: str) -> str:
    """The note of a reader that was never run on a real file."""
    return (
        f"harken's reader of {kind} was written from documentation and was never run on a real file: "
        "check the result before you rely on it."
    )


def cut_short_note(path: Path) -> list[str]:
    """A note if a file's last line has no newline, so that digits of its last number may be missing.

    Packed files do not need it, because their checksum detects this.
    """
    if not path.is_file():  # it is in an archive
        return []
    with path.open("rb") as file:
        packed = file.read(len(GZIPPED)) == GZIPPED
        file.seek(-1, os.SEEK_END)
        if packed or file.read(1) == b"\n":
            return []
    return ["The file does not end with a line end: if it was cut short, its last number may have lost digits."]


def columns_named(
    layout: Layout,
    axes: Sequence[str],
    gravity: Sequence[str] = (),
    rotation: Sequence[str] = (),
    *,
    time: str | None,
    label: str | None = None,
) -> Columns:
    """The columns with these names in a header, which has all of them. ``axes``, ``gravity`` and ``rotation`` are x, y
    and z of acceleration, of the channels ``GRAVITY``, and of ``gyro_x, gyro_y, gyro_z``."""
    position = {name: number for number, name in reversed(list(enumerate(layout.header or ())))}
    names: dict[str, str | None] = {"time": time, "label": label}
    for roles, columns in (("xyz", axes), (GRAVITY, gravity), (ROTATION, rotation)):
        names |= dict(zip(roles, columns, strict=False))
    return {role: position[name] for role, name in names.items() if name is not None}


def add_gravity(table: Table) -> None:
    """Add the channels ``GRAVITY`` of a table, if it has them, to its acceleration, in memory."""
    rows, channels = table.whole(), table.channels
    if not set(GRAVITY) <= set(channels):
        return
    signals = np.delete(rows.signals, np.s_[3:6], axis=1)
    with np.errstate(invalid="ignore"):  # damaged numbers may be infinite
        signals[:, :3] += rows.signals[:, 3:6]
    table.keep(rows._replace(signals=signals), (*channels[:3], *channels[6:]))


def add_gravity_of(table: Table, gravity: Table, options: TableOptions) -> list[str]:
    """Add gravity to the first three channels, in memory. It is read from a file with its own times and interpolated.

    Samples without a sample of gravity nearby have no acceleration, and are counted in the notes that are returned.

    Raises:
        HarkenError: when the times of one of the tables cannot be read.
    """
    signals = table.whole().signals
    clock, of_gravity = _clock(table, options), _clock(gravity, options)
    time_ns, gravity_ns = clock.time_ns, of_gravity.time_ns[of_gravity.timed]
    gravities = gravity.whole().signals[of_gravity.timed, :3]
    order = np.argsort(gravity_ns, kind="stable")
    gravity_ns, gravities = gravity_ns[order], gravities[order]
    with np.errstate(invalid="ignore", over="ignore"):  # damaged numbers may be infinite
        signals[:, :3] += gravity_at(time_ns, gravities, gravity_ns)
    far = nearest_distance_ns(time_ns, gravity_ns) > FURTHEST_NS
    lost = int((far & clock.timed).sum())
    return [f"{lost:,} of {len(far):,} samples have no sample of gravity near them."] if lost else []


def gravity_at(time_ns: Int64Array, gravities: Float32Array, gravity_ns: Int64Array) -> Float32Array:
    """Gravity at these times, interpolated, float32 ``[n, 3]``; NaN without a sample of gravity nearby.

    Args:
        time_ns: int64 ``[n]``.
        gravities, gravity_ns: samples of gravity ``[m, 3]`` in order of their times ``[m]``, at least one.
    """
    start = gravity_ns[0]
    far = nearest_distance_ns(time_ns, gravity_ns) > FURTHEST_NS
    columns = [np.interp((time_ns - start) / 1e9, (gravity_ns - start) / 1e9, axis) for axis in gravities.T]
    return np.where(far[:, None], np.nan, np.stack(columns, axis=1)).astype(np.float32)


def _clock(table: Table, options: TableOptions) -> TimeColumn:
    """The times of all rows."""
    return nanoseconds(table.path, time_of(table), options, table.where)


def time_of(table: Table) -> pl.Series:
    """The column of times of a table that has one, in memory."""
    time = table.whole().time
    assert time is not None
    return time


HEADER_ROWS = 2
SENSOR_RANGE_G = 2.0
STARTS_S = (10**9, 10**10)
"""The accepted starts, years 2001 to 2286. The E4 was released in 2015."""


def _find_empatica(layout: Layout) -> tuple[int, float] | None:
    """The start in ns since 1970 and the rate in Hz; None if the first rows are not those of an ``ACC.csv``."""
    if layout.header or layout.width != 3 or len(layout.rows) < HEADER_ROWS:
        return None
    starts, rates, *samples = ([field.strip() for field in row] for row in layout.rows)
    if len({*starts}) > 1 or len({*rates}) > 1:
        return None
    if not (is_number(starts[0]) and is_number(rates[0])):
        return None
    if not all(is_integer(field) for row in samples for field in row):
        return None
    start, rate = Decimal(starts[0]), float(rates[0])
    if not (STARTS_S[0] <= start < STARTS_S[1] and 1 <= rate <= FASTEST_HZ):
        return None
    return int(start * 10**9), rate


def _open_empatica(path: Path, layout: Layout, found: tuple[int, float], options: TableOptions) -> Source:
    start_ns, rate_hz = found
    samples = replace(layout_of(path, HEADER_ROWS), width=layout.width)
    table = CsvTable(path, samples, {"x": 0, "y": 1, "z": 2}, "g/64")
    rows = table.whole()
    table.keep(rows._replace(time=pl.Series(start_ns + numbered_ns(0, len(rows.signals), rate_hz))))
    notes = [
        f"Times were computed from the start and the rate in the header, {rate_hz:g} Hz, because this "
        "format has no times. Gaps and errors of the clock cannot be detected.",
        *cut_short_note(path),
    ]
    subject = options.subject or owner(path, ("ACC",))
    recording = TableSource(table, replace(options, time_unit="ns", subject=subject), notes=notes).collect()
    quality = replace(
        recording.quality,
        sensor_range_g=SENSOR_RANGE_G,
        stated_rate_hz=rate_hz,
        make=Make.EMPATICA,
        time_unit="rows" if options.sample_rate_hz else "s",
    )
    return RecordingSource(replace(recording, quality=quality))


EMPATICA = LoggerReader(
    _find_empatica,
    _open_empatica,
    "an Empatica ACC.csv: its first row must be a start, and its second row a rate",
)
