"""Shared code of the readers of app exports: the layout of a file, notes, and gravity from a second file."""

import os
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.layout import SNIFFED_BYTES, Layout, recognise_layout
from harken.readers.options import TableOptions
from harken.readers.table import WholeTable
from harken.readers.units import nanoseconds
from harken.readers.unpacking import GZIPPED, plain_head, stem
from harken.support.errors import HarkenError

DESCRIBING = ("skip_rows", "time_format")
"""Options that describe a table of an unknown format, in addition to those that name columns."""

TURNED = (
    "The signs of all three axes of acceleration were reversed: at rest, Apple's values point "
    "down, and those of harken, Android and research watches point up."
)
NO_GRAVITY = "This is acceleration without gravity: it shows movements but not postures, so lying looks like standing."
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
    names = [field.name for field in fields(options) if field.name.endswith("_column")]
    return any(getattr(options, name) for name in (*names, *DESCRIBING))


def owner(path: Path, usual_stems: tuple[str, ...] = ()) -> str:
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


def with_gravity(table: WholeTable, gravity: WholeTable, options: TableOptions) -> tuple[WholeTable, list[str]]:
    """Add gravity to the first three channels. It is read from a file with its own times and interpolated.

    Samples without a sample of gravity nearby have no acceleration, and are counted in the notes.

    Raises:
        HarkenError: when the times of one of the tables cannot be read.
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
    notes = [f"{lost:,} of {len(far):,} samples have no sample of gravity near them."] if lost else []
    return table.with_signals(signals), notes


def _times(table: WholeTable, options: TableOptions) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times in ns ``[n]`` and which rows have one ``[n]``."""
    if table.time is None:
        raise ValueError("a table that gravity is to be added to needs times")
    clock = nanoseconds(table.path, table.time, options, table.where)
    present = clock.present if clock.present is not None else np.ones(len(clock.time_ns), dtype=bool)
    return clock.time_ns, present


def _distance_ns(time_ns: NDArray[np.int64], others_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The distance of each time to the nearest of the other times, which are sorted."""
    after = np.searchsorted(others_ns, time_ns).clip(1, max(1, len(others_ns) - 1))
    before = others_ns[after - 1]
    after_ns = others_ns[after.clip(max=len(others_ns) - 1)]
    nearest: NDArray[np.int64] = np.minimum(np.abs(time_ns - before), np.abs(time_ns - after_ns))
    return nearest
