"""What readers of exports of apps and manufacturers share."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from harken.readers.layout import SNIFFED_BYTES, Columns, Layout, recognise_layout
from harken.readers.options import TableOptions, changed
from harken.readers.table import Table
from harken.readers.time_columns import TimeColumn, nanoseconds
from harken.readers.unpacking import GZIPPED, plain_head, stem
from harken.recordings.recording import ROTATION
from harken.support.arrays import Float32Array, Int64Array, nearest_distance_ns
from harken.support.errors import HarkenError

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
    time: str,
) -> Columns:
    """The columns with these names in a header, which has all of them. ``axes``, ``gravity`` and ``rotation`` are x, y
    and z of acceleration, of the channels ``GRAVITY``, and of ``gyro_x, gyro_y, gyro_z``."""
    position = {name: number for number, name in reversed(list(enumerate(layout.header or ())))}
    names = {"time": time}
    for roles, columns in (("xyz", axes), (GRAVITY, gravity), (ROTATION, rotation)):
        names |= dict(zip(roles, columns, strict=False))
    return {role: position[name] for role, name in names.items()}


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
    """The times of all rows of a table that has times."""
    time = table.whole().time
    assert time is not None
    return nanoseconds(table.path, time, options, table.where)
