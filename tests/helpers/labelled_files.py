"""Recordings of invented people with their labels in a file beside them, as ``harken serve --keep`` stores them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

import people
from harken.annotations.labelled_files import read_people
from harken.readers.options import TableOptions
from harken.recordings.recording import UNLABELLED, Recording


def write_labelled(
    folder: Path,
    name: str,
    seed: int,
    *,
    rename: Mapping[str, str] | None = None,
    **options: Unpack[people.PersonOptions],
) -> Path:
    """Write ``NAME.csv`` without labels, and ``NAME.labels.csv``; ``options`` are those of ``people.person_rows``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = people.person_rows(seed, **options)
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["Timestamp,X,Y,Z", *(",".join(map(str, row[:4])) for row in rows)]) + "\n")
    step_ms = round(1000 / options.get("rate_hz", people.RATE_HZ))
    bouts: list[tuple[int, int, str]] = []
    for row in rows:
        label = (rename or {}).get(row[5], row[5])
        if bouts and bouts[-1][2] == label and row[0] - bouts[-1][1] <= 2 * step_ms:
            bouts[-1] = bouts[-1][0], row[0], label
        else:
            bouts.append((row[0], row[0], label))
    lines = [f"{start},{end + step_ms},{label}" for start, end, label in bouts]
    path.with_name(f"{name}.labels.csv").write_text("\n".join(["start,end,label", *lines]) + "\n")
    return path


def move_times(path: Path, by_ms: int) -> None:
    """Change the times of a recording and of its labels."""
    for file in (path, path.with_suffix(".labels.csv")):
        file.write_text(re.sub(r"\b15\d{11}\b", lambda found: str(int(found[0]) + by_ms), file.read_text()))


def read_labelled(path: Path, subject: str | None = None) -> Recording:
    """Read a recording with its labels in the file beside it."""
    (recording,) = read_people(path, TableOptions(subject=subject))
    return recording


def labelled_ns(recording: Recording) -> NDArray[np.int64]:
    """The times of labelled valid samples."""
    return np.asarray(recording.time_ns[recording.valid & (recording.label_codes != UNLABELLED)])
