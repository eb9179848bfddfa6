"""Hawthorne: workouts of five exercises with a sensor on the wrist, on several days."""

from pathlib import Path

from harken.datasets.info import data_folder, info_of
from harken.datasets.tidy import read_study
from harken.recordings.recording import Recording

TIDY_FILE = "hawthorne.parquet"

INFO = info_of("hawthorne")


def read_hawthorne(folder: Path | None = None) -> list[Recording]:
    """The sensor's acceleration in g, one recording for each person; ``subject`` is ``hawthorne_S0`` and so on.

    Args:
        folder: the folder of ``hawthorne.parquet``; by default ``hawthorne`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    return read_study(data_folder(INFO, folder) / TIDY_FILE, INFO)
