"""What the readers of loggers' exports share: a first look at a file, notes, and gravity that lies in a second file."""

import os
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.readers.blocks import GZIPPED, stem
from harken.readers.clock import nanoseconds
from harken.readers.device import plain_head
from harken.readers.layout import SNIFFED_BYTES, Layout, recognise_layout
from harken.readers.options import TableOptions
from harken.readers.table import WholeTable
from harken.support.errors import HarkenError

__all__ = [
    "NO_GRAVITY",
    "TURNED",
    "cut_short_note",
    "describes_columns",
    "first_look",
    "never_run",
    "owner",
    "with_gravity",
]

DESCRIBING = ("skip_rows", "time_format")
"""Options, beside those that name columns, that say how to read a table of a form harken does not know."""

TURNED = (
    "All three axes of acceleration were turned round: Apple's gravity points down, and what harken, Android and "
    "research watches measure holds against it and points up."
)
NO_GRAVITY = (
    "This is acceleration without gravity: movements can be told from it, but postures cannot, and lying looks like "
    "standing."
)
FURTHEST_NS = 250_000_000
"""Gravity turns with the wearer, slowly; a sample of it is good for a quarter of a second."""


@lru_cache(maxsize=1)  # half a dozen readers look at the same beginning, one after the other
def first_look(path: Path, head: bytes) -> Layout | None:
    """The layout of the table that begins with ``head`` (64 KiB of it, gzipped or not); None when there is none."""
    try:
        return recognise_layout(path, plain_head(head)[:SNIFFED_BYTES], 0)
    except HarkenError:
        return None


def describes_columns(options: TableOptions) -> bool:
    """Whether the user says how the table is to be read: then no reader should know better."""
    names = [field.name for field in fields(options) if field.name.endswith("_column")]
    return any(getattr(options, name) for name in (*names, *DESCRIBING))


def owner(path: Path, usual_stems: tuple[str, ...] = ()) -> str:
    """Whose recording a file or folder is: its name without ``.csv``, ``.zip`` or ``.gz``.

    A file that has one of the ``usual_stems``, which an app gives to everybody's file, goes by its folder's name.
    """
    own = stem(path)
    return path.absolute().parent.name or own if own in usual_stems else own


def never_run(kind: str) -> str:
    """The note of a reader that was written without a file to try it on."""
    return (
        f"harken's reader of {kind} was written from documentation and was never run on a real file: "
        "look at the result before you rely on it."
    )


def cut_short_note(path: Path) -> list[str]:
    """A note where a file's last line is not ended, so that its last number may have lost digits.

    What is packed has a checksum, so that it would not have been read.
    """
    if not path.is_file():  # it lies in an archive
        return []
    with path.open("rb") as file:
        packed = file.read(len(GZIPPED)) == GZIPPED
        file.seek(-1, os.SEEK_END)
        if packed or file.read(1) == b"\n":
            return []
    return ["The file does not end with its last line's end: if it was cut short, its last number has lost digits."]


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
