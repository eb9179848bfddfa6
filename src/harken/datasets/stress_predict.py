"""Stress-Predict: an hour at a desk with an Empatica E4 on the wrist. Posture was not annotated."""

from pathlib import Path

from harken.datasets.info import data_folder, info_of
from harken.datasets.tidy import read_study
from harken.recordings.recording import Recording

TIDY_FILE = "stress_predict.parquet"

INFO = info_of("stress_predict")


def read_stress_predict(folder: Path | None = None) -> list[Recording]:
    """The watch's acceleration in g, one recording for each person; ``subject`` is ``stress_predict_S01`` and so on.

    Args:
        folder: the folder of ``stress_predict.parquet``; by default ``stress_predict`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    return read_study(data_folder(INFO, folder) / TIDY_FILE, INFO)
