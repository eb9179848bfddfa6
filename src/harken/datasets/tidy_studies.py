"""Data sets that are tidy tables in ``HARKEN_DATA``: selfBACK, Stress-Predict and Hawthorne.

selfBACK is also read from its published layout, that of https://github.com/rgu-selfback/Datasets, ``raw/9_class``: a
folder for each sensor (``w`` or ``wrist34``, ``t`` or ``thigh34``), which contains a folder for each activity with a
CSV file for each person.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import polars as pl

from harken.datasets.info import DatasetInfo, data_folder, info_of
from harken.datasets.loading import readable
from harken.datasets.tidy import read_table, recordings_of_tables
from harken.readers.parquet import without_panics
from harken.recordings.recording import Placement, Recording
from harken.support.errors import HarkenError

SELFBACK = info_of("selfback")
STRESS_PREDICT = info_of("stress_predict")
HAWTHORNE = info_of("hawthorne")

SENSORS = {Placement.WRIST: ("w", "wrist", "wrist34"), Placement.THIGH: ("t", "thigh", "thigh34")}
"""The names of each sensor's folder in the published layout of selfBACK."""
TIME_FORMAT = "%Y-%m-%d %H:%M:%S%.f"


def read_selfback(
    folder: Path | None = None, *, placement: Literal[Placement.WRIST, Placement.THIGH] = Placement.WRIST
) -> list[Recording]:
    """One sensor's acceleration in g, one recording for each person; ``subject`` is ``selfback_S026`` and so on.

    Args:
        folder: the published set, or the folder of ``selfback_wrist.parquet``; by default ``selfback`` in the folder
            ``HARKEN_DATA``.
        placement: which of the two sensors.

    Raises:
        HarkenError: when there is no such folder, it contains neither of the two, or a file in it is damaged.
    """
    folder = data_folder(SELFBACK, folder)
    path = folder / f"selfback_{placement}.parquet"
    if path.is_file():
        return _recordings(path, read_table(path), SELFBACK, placement)
    return _recordings(folder, _published(folder, placement), SELFBACK, placement)


def read_stress_predict(folder: Path | None = None) -> list[Recording]:
    """The watch's acceleration in g, one recording for each person; ``subject`` is ``stress_predict_S01`` and so on.

    Args:
        folder: the folder of ``stress_predict.parquet``; by default ``stress_predict`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    path = data_folder(STRESS_PREDICT, folder) / "stress_predict.parquet"
    return _recordings(path, read_table(path), STRESS_PREDICT)


def read_hawthorne(folder: Path | None = None) -> list[Recording]:
    """The sensor's acceleration in g, one recording for each person; ``subject`` is ``hawthorne_S0`` and so on.

    Args:
        folder: the folder of ``hawthorne.parquet``; by default ``hawthorne`` in the folder ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    path = data_folder(HAWTHORNE, folder) / "hawthorne.parquet"
    return _recordings(path, read_table(path), HAWTHORNE)


def _recordings(
    path: Path, table: pl.DataFrame, info: DatasetInfo, placement: Placement = Placement.WRIST
) -> list[Recording]:
    """The recordings of a tidy table in g, with the set's own labels in ``label_orig``."""
    return [
        replace(
            recording,
            subject=f"{info.name}_{recording.subject}",
            quality=replace(recording.quality, placement=placement),
        )
        for recording in recordings_of_tables(path, [(path, table)], label_column="label_orig", unit="g")
    ]


def _published(folder: Path, placement: Placement) -> pl.DataFrame:
    """The files of the published layout, in ``folder`` or at most two levels below, as one tidy table."""
    levels = (folder, *(path for depth in ("*", "*/*") for path in sorted(folder.glob(depth)) if path.is_dir()))
    roots = [level / name for level in levels for name in SENSORS[placement]]
    for root in roots:
        files = sorted(root.glob("*/[0-9]*.csv"))
        if files:
            return pl.concat([_bout(path) for path in files]).sort("subject", "time")
    raise HarkenError(
        f"{folder}: found neither selfback_{placement}.parquet nor {SENSORS[placement][0]}/lying/026.csv and its like. "
        f"To get the data set: {SELFBACK.how_to_get}"
    )


def _bout(path: Path) -> pl.DataFrame:
    """One activity of one person."""
    activity = path.parent.name
    if activity not in SELFBACK.label_map:
        raise HarkenError(f"{path}: {activity} is not an activity of the set, which has {', '.join(SELFBACK.labels)}")
    with readable(path, "is not a table of time, x, y and z"), without_panics():
        frame = pl.read_csv(path, schema_overrides=dict.fromkeys("xyz", pl.Float32))
        return frame.select(
            subject=pl.lit(f"S{int(path.stem):03d}"),
            session=pl.lit(activity),
            time=pl.col("time").str.to_datetime(TIME_FORMAT, time_unit="ns"),
            x="x",
            y="y",
            z="z",
            label_orig=pl.lit(activity),
        )
