"""Six activities of thirty people with a smartphone at the waist: UCI's Human Activity Recognition Using Smartphones.

Harken began with a notebook, which was based on notebooks for this data set. The recordings are reconstructed from the
published windows. Layout, units and filters are documented in the set's ``README.txt`` and ``features_info.txt``, which
UCI repeats on its page (``INFO.url``).
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

from harken.datasets.info import files_of, info_of, joined, numbered_in_turn, numbers_in
from harken.recordings.recording import Quality, Recording
from harken.support.arrays import Float32Array, Int64Array
from harken.support.errors import HarkenError

CHANNELS = ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z", "body_x", "body_y", "body_z")
"""Acceleration, rotation, and the acceleration without frequencies below 0.3 Hz, the set's ``body_acc``."""

WINDOW_LENGTH = 128
"""Samples in a published window: 2.56 s at 50 Hz. The next window begins half a window later."""

TEST_PEOPLE = tuple(f"uci_har_{person}" for person in (2, 4, 9, 10, 12, 13, 18, 20, 24))
"""The authors' test people; the other 21 are training people."""


INFO = info_of("uci_har")

SIGNALS = tuple(f"{kind}_{axis}" for kind in ("total_acc", "body_gyro", "body_acc") for axis in "xyz")
PARTS = ("train", "test")


def read_uci_har(folder: Path | None = None) -> list[Recording]:
    """The phone at the waist, one recording for each person, sorted by the people's numbers.

    Channels are ``x, y, z`` in g, ``gyro_x, gyro_y, gyro_z`` in rad/s, and ``body_x, body_y, body_z`` in g, which
    is the acceleration without gravity. Windows of 2.56 s every 1.28 s of a recording (``sliding_windows``) are the
    published windows, in the same order. ``subject`` is ``uci_har_1`` to ``uci_har_30``; see ``TEST_PEOPLE``.

    Args:
        folder: where the set was unpacked (``UCI HAR Dataset`` or a folder above it); by default ``uci_har`` in the
            folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when the folder or a file of the set is missing, or the files do not match.
    """
    found = files_of(INFO, folder, "activity_labels.txt")
    root = min(found, key=lambda path: len(path.parts)).parent
    names = _activity_names(root / "activity_labels.txt")
    parts = [_windows(root, part, names) for part in PARTS]
    signals, activities, people = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    recordings = []
    for person in np.unique(people).tolist():
        theirs = people == person
        bouts = _bouts(signals[theirs], [names[number] for number in activities[theirs].tolist()])
        recordings.append(
            joined(
                numbered_in_turn(bouts, INFO),
                f"{person}",
                INFO,
                source=f"{root}, person {person}",
                quality=Quality(),
                channels=CHANNELS,
            )
        )
    return recordings


def _activity_names(path: Path) -> dict[int, str]:
    """The names of the numbered activities, from rows such as ``1 WALKING``."""
    rows = [line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if any(len(row) != 2 or not row[0].isdecimal() or row[1] not in INFO.label_map for row in rows):
        raise HarkenError(f"expected rows of a number and one of {', '.join(INFO.label_map)}", path=path)
    return {int(number): name for number, name in rows}


def _windows(root: Path, part: str, names: dict[int, str]) -> tuple[Float32Array, Int64Array, Int64Array]:
    """The windows of one part, ``train`` or ``test``: signals ``[n, 128, 9]`` in the order of ``CHANNELS``, and the
    numbers of each window's activity and person, ``[n]``."""
    inertial = root / part / "Inertial Signals"
    files = [inertial / f"{signal}_{part}.txt" for signal in SIGNALS]
    signals = [numbers_in(file, INFO, columns=WINDOW_LENGTH).astype(np.float32) for file in files]
    activities, people = (
        numbers_in(root / part / f"{kind}_{part}.txt", INFO, columns=1)[:, 0].astype(np.int64)
        for kind in ("y", "subject")
    )
    counts = {*map(len, signals), len(activities), len(people)}
    if len(counts) > 1:
        raise HarkenError(f"its files have {sorted(counts)} rows; all must have one for each window", path=root / part)
    if not np.isin(activities, list(names)).all():
        raise HarkenError(f"y_{part}.txt has activities that activity_labels.txt does not name", path=root / part)
    return np.stack(signals, axis=2), activities, people


def _bouts(signals: Float32Array, activities: list[str]) -> list[tuple[str, Float32Array]]:
    """A person's activities and their signals ``[samples, 9]``: windows that overlap are joined, without the repeated
    samples."""
    half = WINDOW_LENGTH // 2
    same = (signals[:-1, half:] == signals[1:, :half]).all(axis=(1, 2))
    goes_on = same & [before == after for before, after in pairwise(activities)]
    bouts = []
    for window in np.split(np.arange(len(signals)), np.flatnonzero(~goes_on) + 1):
        # A window that continues the previous one adds only its second half.
        joined_up = np.concatenate([signals[window[0], :half], *signals[window, half:]])
        bouts.append((activities[window[0]], joined_up))
    return bouts
