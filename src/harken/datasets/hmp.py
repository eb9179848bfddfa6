"""Fourteen everyday movements at the right wrist: UCI's data set for ADL recognition (Human Motion Primitives).

Layout, coding, rate and axes are documented in the set's ``MANUAL.txt`` (version 1, 11/02/2014). For windows used by
others, see https://github.com/OxWearables/ssl-wearables, ``data_parsing/make_adl.py``.
"""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.datasets.info import data_folder, info_of
from harken.datasets.loading import Piece, joined, numbered_ns, offsets_where_they_overlap
from harken.recordings.recording import Quality, Recording
from harken.support.errors import HarkenError

INFO = info_of("hmp")

FULL_SCALE_G = 1.5
LARGEST_CODE = 63
FILE_NAME = re.compile(
    r"Accelerometer-(?P<start>\d{4}(?:-\d\d){5})-(?P<label>[a-z_]+)-(?P<person>[mf]\d+)(?:_(?P<piece>\d+))?\.txt"
)
COPIES = "MODEL"
LEAST_PAUSE_NS = 10**9
CLOCK = (
    "The files have no clock but the second in their names: each begins then (as if it were UTC) and its samples are "
    "numbered at 32 Hz."
)
MOVED = "By their names, {} files began before the one before them was over; they were moved behind it."


def read_hmp(folder: Path | None = None) -> list[Recording]:
    """The trials, one recording for each person: 16 recordings, sorted by the codes of the people (f1, f2, ..., m11).

    Channels are ``x, y, z`` in g. Each file is a separate bout, with a gap of a second or more to the next, so no
    window spans two files. Files are in the order of the times in their names; ``subject`` is ``hmp_f1`` and so on.

    Args:
        folder: where the set was unpacked (the folder of ``Climb_stairs`` or one above); by default ``hmp`` in the
            folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when the folder or its files are missing, or a file does not have three codes 0..63 in each row.
    """
    folder = data_folder(INFO, folder)
    people: dict[str, list[_Trial]] = defaultdict(list)
    for path in sorted(folder.rglob("Accelerometer-*.txt")):
        # Models are cut copies of trials. __MACOSX contains metadata of the archiver.
        if not any(part.endswith(COPIES) or part == "__MACOSX" for part in path.relative_to(folder).parts[:-1]):
            trial = _trial(path)
            people[trial.person].append(trial)
    if not people:
        raise HarkenError(
            f"{folder}: there is no Accelerometer-*.txt in it, so it is not the data set hmp. "
            f"To get it: {INFO.how_to_get}"
        )
    return [_recording(person, trials, folder) for person, trials in sorted(people.items(), key=_by_number)]


class _Trial(NamedTuple):
    """One file: its start, activity and person, and its signals ``[n, 3]`` in g."""

    start_ns: int
    piece: int
    label: str
    person: str
    signals: NDArray[np.float32]


def _by_number(entry: tuple[str, list[_Trial]]) -> tuple[str, int]:
    return entry[0][0], int(entry[0][1:])


def _trial(path: Path) -> _Trial:
    named = FILE_NAME.fullmatch(path.name)
    if named is None or named["label"] not in INFO.label_map:
        raise HarkenError(
            f"{path}: the name is not Accelerometer-YEAR-MONTH-DAY-HOUR-MINUTE-SECOND-MOVEMENT-PERSON.txt with a "
            f"movement among {', '.join(INFO.label_map)}"
        )
    try:
        start = datetime.strptime(named["start"], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=UTC)
    except ValueError:
        raise HarkenError(f"{path}: {named['start']} in the name is not a time") from None
    signals = _decoded(path)
    return _Trial(int(start.timestamp()) * 10**9, int(named["piece"] or 0), named["label"], named["person"], signals)


def _decoded(path: Path) -> NDArray[np.float32]:
    """A file's rows of three codes 0..63, converted to g: ``-1.5 + code / 63 * 3`` (MANUAL.txt, 4.2)."""
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    try:
        # The file is read here, because loadtxt only warns about an empty file.
        codes = np.loadtxt(lines, dtype=np.float64, ndmin=2) if any(map(str.strip, lines)) else np.empty((0, 3))
    except ValueError as error:
        raise HarkenError(f"{path}: {error}") from None
    fits = codes.shape[1] == 3 and len(codes) > 0
    if not fits or not ((codes >= 0) & (codes <= LARGEST_CODE) & (codes == np.round(codes))).all():
        raise HarkenError(f"{path}: expected rows of three whole numbers from 0 to {LARGEST_CODE}")
    return (codes / LARGEST_CODE * (2 * FULL_SCALE_G) - FULL_SCALE_G).astype(np.float32)


def _recording(person: str, trials: list[_Trial], folder: Path) -> Recording:
    """A person's trials in the order of their times, one after another."""
    trials = sorted(trials, key=lambda trial: (trial.start_ns, trial.piece))
    times = [trial.start_ns + numbered_ns(len(trial.signals), INFO) for trial in trials]
    ends_ns = [int(time_ns[-1]) + LEAST_PAUSE_NS for time_ns in times]
    offsets = offsets_where_they_overlap([trial.start_ns for trial in trials], ends_ns)
    moved = int(np.count_nonzero(offsets))
    return joined(
        [
            Piece(trial.label, time_ns + offset, trial.signals)
            for trial, time_ns, offset in zip(trials, times, offsets, strict=True)
        ],
        person,
        INFO,
        source=f"{folder}, person {person}",
        quality=Quality(sensor_range_g=FULL_SCALE_G),
        notes=(CLOCK, MOVED.format(moved)) if moved else (CLOCK,),
    )
