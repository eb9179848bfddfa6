"""Eighteen activities of nine people with an inertial sensor at the wrist of the dominant arm: UCI's PAMAP2.

The set's ``readme.pdf`` documents the columns, their units and the numbers of the activities, and recommends the
accelerometer of +-16 g. UCI repeats it on its page (``INFO.url``).
"""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import polars as pl

from harken.datasets.info import Piece, codes_of, files_of, info_of, joined, readable
from harken.recordings.recording import STANDARD_GRAVITY, Quality, Recording
from harken.recordings.sessions import offsets_in_turn
from harken.support.errors import HarkenError

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")

ACTIVITIES = {int(number): activity for number, activity in codes_of("pamap2").items()}
"""The numbers in the files, and their activities. 0 is the transition between two activities."""

TRANSIENT = 0


INFO = info_of("pamap2")

COLUMNS = 54
TIME, ACTIVITY = "column_1", "column_2"
HAND = tuple(f"column_{number}" for number in (5, 6, 7, 11, 12, 13))
"""Columns of the hand's sensor (4 to 20): the acceleration of +-16 g, which follows the temperature, and the
rotation."""
SENSOR_RANGE_G = 16.0
FILE_NAME = re.compile(r"subject(\d+)\.dat")
SESSIONS = ("Protocol", "Optional")
OPTIONAL = "The optional activities have a clock of their own; they are set a minute behind the end of the protocol's."


def read_pamap2(folder: Path | None = None) -> list[Recording]:
    """The hand's sensor, one recording for each person, sorted by the people's numbers.

    Channels are ``x, y, z`` in g (the accelerometer of +-16 g) and ``gyro_x, gyro_y, gyro_z`` in rad/s. A person's
    optional activities follow those of the protocol in the same recording, after a gap. ``subject`` is ``pamap2_101``
    to ``pamap2_109``.

    Args:
        folder: where the set was unpacked (the folder of ``Protocol`` or one above); by default ``pamap2`` in the
            folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when the folder or its files are missing, or a file does not have the documented layout.
    """
    people: dict[int, list[Path]] = defaultdict(list)
    for path in files_of(INFO, folder, *(f"{session}/subject[0-9]*.dat" for session in SESSIONS)):
        named = FILE_NAME.fullmatch(path.name)
        if named:
            people[int(named[1])].append(path)
    return [_recording(person, paths) for person, paths in sorted(people.items())]


def _pieces(path: Path) -> list[Piece]:
    """A file, in g and rad/s, cut where the activity changes; times are from the start of its clock."""
    table = _table(path)
    time_s, activities = (table[name].fill_null(np.nan).to_numpy() for name in (TIME, ACTIVITY))
    known = np.isfinite(time_s) & np.isin(activities, [TRANSIENT, *ACTIVITIES])
    if not known.all():
        raise HarkenError(
            "the first number must be a time and the second one an activity "
            f"among {TRANSIENT}, {', '.join(map(str, ACTIVITIES))}",
            path=path,
            place=f"line {int(np.argmin(known)) + 1}",
        )
    time_ns = np.rint(time_s * 1e9).astype(np.int64)
    signals = np.stack([table[name].fill_null(np.nan).to_numpy() for name in HAND], axis=1)
    signals[:, :3] /= STANDARD_GRAVITY
    changes = np.flatnonzero(np.diff(activities)) + 1
    parts = (np.split(array, changes) for array in (activities, time_ns, signals.astype(np.float32)))
    return [Piece(ACTIVITIES.get(int(number[0])), *samples) for number, *samples in zip(*parts, strict=True)]


def _table(path: Path) -> pl.DataFrame:
    """The required columns as numbers; an incomplete row has nulls at its end."""
    needs = f"there must be {COLUMNS} numbers (or NaN) a row with one space between two"
    with readable(path, needs):
        text = path.read_bytes()
        columns = len(text.partition(b"\n")[0].split())
        if columns != COLUMNS:
            raise HarkenError(f"{needs}; the first row has {columns}", path=path)
        schema = {f"column_{number}": pl.Float64 for number in range(1, COLUMNS + 1)}
        table = pl.read_csv(text, has_header=False, separator=" ", schema=schema, columns=[TIME, ACTIVITY, *HAND])
    # polars only reads up to the last required column.
    if text.count(b" ") > (COLUMNS - 1) * len(table):
        raise HarkenError(f"{needs}; a row has more", path=path)
    return table


def _recording(person: int, paths: list[Path]) -> Recording:
    """A person's sessions, one after another on one artificial clock."""
    sessions = [_pieces(path) for path in paths]
    offsets = offsets_in_turn([max(int(piece.time_ns.max()) for piece in pieces) for pieces in sessions])
    optional = any(path.parent.name == "Optional" for path in paths) and len(paths) > 1
    return joined(
        [piece.moved(offset) for pieces, offset in zip(sessions, offsets, strict=True) for piece in pieces],
        f"{person}",
        INFO,
        source=", ".join(map(str, paths)),
        quality=Quality(sensor_range_g=SENSOR_RANGE_G, acceleration_unit="m/s2", time_unit="s"),
        notes=(OPTIONAL,) if optional else (),
        channels=CHANNELS,
    )
