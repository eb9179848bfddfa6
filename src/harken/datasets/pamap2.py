"""Eighteen activities of nine people with an inertial sensor at the wrist of the dominant arm: UCI's PAMAP2.

The set's ``readme.pdf`` documents the columns, their units and the numbers of the activities, and recommends the
accelerometer of +-16 g. UCI repeats it on its page (``INFO.url``).
"""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.datasets.info import data_folder, info_of
from harken.datasets.pieces import offsets_in_turn
from harken.recordings.mending import mend
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED, Quality, Recording
from harken.support.errors import HarkenError

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")

ACTIVITIES = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    9: "watching TV",
    10: "computer work",
    11: "car driving",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    18: "folding laundry",
    19: "house cleaning",
    20: "playing soccer",
    24: "rope jumping",
}
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
CLOCK = "The clock of a file starts with its session and names no day: it is shown as if that had been in 1970."
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
    folder = data_folder(INFO, folder)
    people: dict[int, list[Path]] = defaultdict(list)
    for session in SESSIONS:
        for path in sorted(folder.rglob(f"{session}/subject*.dat")):
            named = FILE_NAME.fullmatch(path.name)
            if named and "__MACOSX" not in path.parts:
                people[int(named[1])].append(path)
    if not people:
        raise HarkenError(
            f"{folder}: there is no Protocol/subject101.dat or the like in it, so it is not the data set pamap2. "
            f"To get it: {INFO.how_to_get}"
        )
    return [_recording(person, paths) for person, paths in sorted(people.items())]


class _Session(NamedTuple):
    """One file: times from the start of its clock, signals ``[n, 6]`` in g and rad/s, and activity numbers."""

    time_ns: NDArray[np.int64]
    signals: NDArray[np.float32]
    activities: NDArray[np.int64]


def _session(path: Path) -> _Session:
    table = _table(path)
    time_s, activities = (table[name].fill_null(np.nan).to_numpy() for name in (TIME, ACTIVITY))
    known = np.isfinite(time_s) & np.isin(activities, [TRANSIENT, *ACTIVITIES])
    if not known.all():
        raise HarkenError(
            f"{path}, line {int(np.argmin(known)) + 1}: the first number must be a time and the second one an activity "
            f"among {TRANSIENT}, {', '.join(map(str, ACTIVITIES))}"
        )
    signals = np.stack([table[name].fill_null(np.nan).to_numpy() for name in HAND], axis=1)
    signals[:, :3] /= STANDARD_GRAVITY
    return _Session(np.rint(time_s * 1e9).astype(np.int64), signals.astype(np.float32), activities.astype(np.int64))


def _table(path: Path) -> pl.DataFrame:
    """The required columns as numbers; an incomplete row has nulls at its end."""
    needs = f"{path}: there must be {COLUMNS} numbers (or NaN) a row with one space between two"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise HarkenError(f"{path} cannot be read: {error.strerror}") from error
    columns = len(text.partition(b"\n")[0].split())
    if columns != COLUMNS:
        raise HarkenError(f"{needs}; the first row has {columns}")
    try:
        table = pl.read_csv(
            text,
            has_header=False,
            separator=" ",
            schema={f"column_{number}": pl.Float64 for number in range(1, COLUMNS + 1)},
            columns=[TIME, ACTIVITY, *HAND],
        )
    except pl.exceptions.PolarsError as error:
        raise HarkenError(f"{needs}; {next(iter(str(error).splitlines()), type(error).__name__)}") from error
    # polars only reads up to the last required column.
    if text.count(b" ") > (COLUMNS - 1) * len(table):
        raise HarkenError(f"{needs}; a row has more")
    return table


def _recording(person: int, paths: list[Path]) -> Recording:
    """A person's sessions, one after another on one artificial clock."""
    sessions = [_session(path) for path in paths]
    offsets = offsets_in_turn([int(session.time_ns.max()) for session in sessions])
    activities = np.concatenate([session.activities for session in sessions])
    label_names = tuple(sorted(ACTIVITIES[number] for number in np.unique(activities).tolist() if number != TRANSIENT))
    codes = np.full(max(ACTIVITIES) + 1, UNLABELLED, dtype=np.int16)
    for number, name in ACTIVITIES.items():
        if name in label_names:
            codes[number] = label_names.index(name)
    recording = Recording(
        time_ns=np.concatenate([offset + session.time_ns for offset, session in zip(offsets, sessions, strict=True)]),
        signals=np.concatenate([session.signals for session in sessions]),
        channels=CHANNELS,
        label_codes=codes[activities],
        label_names=label_names,
        subject=f"{INFO.name}_{person}",
        source=", ".join(map(str, paths)),
        quality=Quality(rows=len(activities), sensor_range_g=SENSOR_RANGE_G, acceleration_unit="m/s2", time_unit="s"),
        as_found=True,
    )
    mended = mend(recording)
    optional = any(path.parent.name == "Optional" for path in paths) and len(paths) > 1
    return replace(mended, quality=mended.quality.noting(CLOCK, *[OPTIONAL] if optional else []))
