"""Fourteen everyday movements at the right wrist: UCI's data set for ADL recognition (Human Motion Primitives).

Layout, coding, rate and axes are documented in the set's ``MANUAL.txt`` (version 1, 11/02/2014). For windows used by
others, see https://github.com/OxWearables/ssl-wearables, ``data_parsing/make_adl.py``.
"""

import re
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from harken.datasets.info import (
    Piece,
    data_folder,
    files_of,
    info_of,
    joined,
    numbered_ns,
    numbers_in,
)
from harken.recordings.recording import Quality, Recording
from harken.recordings.sessions import offsets_in_turn
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError

INFO = info_of("hmp")

FULL_SCALE_G = 1.5
LARGEST_CODE = 63
FILE_NAME = re.compile(
    r"Accelerometer-(?P<start>\d{4}(?:-\d\d){5})-(?P<label>[a-z_]+)-(?P<person>[mf]\d+)(?:_(?P<piece>\d+))?\.txt"
)
Trial = tuple[int, int, Piece]
"""A file's start, its number among files with one start, and its samples."""
COPIES = "MODEL"
"""The end of the names of folders with cut copies of trials."""
LEAST_PAUSE_NS = 10**9
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
    people: dict[str, list[Trial]] = defaultdict(list)
    for path in files_of(INFO, folder, "Accelerometer-*.txt", left_out=COPIES):
        person, trial = _trial(path)
        people[person].append(trial)
    return [
        _recording(person, people[person], data_folder(INFO, folder))
        for person in sorted(people, key=lambda code: (code[0], int(code[1:])))
    ]


def _trial(path: Path) -> tuple[str, Trial]:
    """A file's person, and its trial."""
    named = FILE_NAME.fullmatch(path.name)
    if named is None or named["label"] not in INFO.label_map:
        raise HarkenError(
            "the name is not Accelerometer-YEAR-MONTH-DAY-HOUR-MINUTE-SECOND-MOVEMENT-PERSON.txt with a "
            f"movement among {', '.join(INFO.label_map)}",
            path=path,
        )
    try:
        start = datetime.strptime(named["start"], "%Y-%m-%d-%H-%M-%S").replace(tzinfo=UTC)
    except ValueError:
        raise HarkenError(f"{named['start']} in the name is not a time", path=path) from None
    signals = _decoded(path)
    start_ns = int(start.timestamp()) * 10**9
    piece = Piece(named["label"], start_ns + numbered_ns(len(signals), INFO), signals)
    return named["person"], (start_ns, int(named["piece"] or 0), piece)


def _decoded(path: Path) -> Float32Array:
    """A file's rows of three codes 0..63, converted to g: ``-1.5 + code / 63 * 3`` (MANUAL.txt, 4.2)."""
    codes = numbers_in(path, INFO, columns=3)
    if not ((codes >= 0) & (codes <= LARGEST_CODE) & (codes == np.round(codes))).all():
        raise HarkenError(f"expected rows of three whole numbers from 0 to {LARGEST_CODE}", path=path)
    return (codes / LARGEST_CODE * (2 * FULL_SCALE_G) - FULL_SCALE_G).astype(np.float32)


def _recording(person: str, trials: list[Trial], folder: Path) -> Recording:
    """A person's trials in the order of their times, one after another."""
    starts, _, pieces = zip(*sorted(trials, key=lambda trial: trial[:2]), strict=True)
    ends_ns = [int(piece.time_ns[-1]) + LEAST_PAUSE_NS for piece in pieces]
    offsets = offsets_in_turn(ends_ns, starts)
    moved = int(np.count_nonzero(offsets))
    return joined(
        [piece.moved(offset) for piece, offset in zip(pieces, offsets, strict=True)],
        person,
        INFO,
        source=f"{folder}, person {person}",
        quality=Quality(sensor_range_g=FULL_SCALE_G),
        notes=(MOVED.format(moved),) if moved else (),
    )
