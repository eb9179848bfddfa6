"""A data set as files of recordings, which every command reads."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from harken.recordings.recording import STANDARD_GRAVITY, Recording
from harken.support.files import make_folder, write_text


def write_recordings(recordings: Sequence[Recording], folder: Path) -> list[Path]:
    """Write each recording's acceleration, labels and subject as CSV, in the notebook's format without ``P``.

    The files are ``SUBJECT.csv``, and for further recordings of a person ``SUBJECT_2.csv`` and so on. An existing file
    is left as it is. Returns the paths in the order of the recordings.

    Raises:
        HarkenError: when ``folder`` cannot be made.
        OSError: when a file cannot be written.
    """
    make_folder(folder)
    written: dict[Path, None] = {}
    for recording in recordings:
        numbers = ("", *(f"_{number}" for number in range(2, len(recordings) + 1)))
        names = (folder / Path(f"{recording.subject}{number}.csv").name for number in numbers)
        path = next(name for name in names if name not in written)
        written[path] = None
        if not path.exists():
            write_text(path, _as_table(recording).write_csv())
    return list(written)


def _as_table(recording: Recording) -> pl.DataFrame:
    """A row for each sample: ms since 1970, m/s², label and subject."""
    labels = np.array([*recording.label_names, ""])
    acceleration = (recording.signals[:, :3].astype(np.float64) * STANDARD_GRAVITY).round(5)
    return pl.DataFrame(
        {
            "Timestamp": recording.time_ns // 10**6,
            **{axis.upper(): acceleration[:, i] for i, axis in enumerate("xyz")},
            "Label": labels[recording.label_codes],
            "Subject": np.full(len(recording), recording.subject),
        }
    )
