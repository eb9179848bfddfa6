"""selfBACK: six everyday activities at nine paces with an Axivity AX3 on the dominant wrist and on the thigh.

The published layout is that of https://github.com/rgu-selfback/Datasets, ``raw/9_class``: a folder for each sensor
(``w`` or ``wrist34``, ``t`` or ``thigh34``), which contains a folder for each activity with a CSV file for each person.
"""

from pathlib import Path
from typing import Literal

import polars as pl

from harken.datasets.info import Archive, DatasetInfo, data_folder
from harken.datasets.tidy import read_study
from harken.readers.panics import without_panics
from harken.readers.table import POLARS_ERRORS, first_line
from harken.recordings.recording import Placement, Recording
from harken.support.errors import HarkenError

LABEL_MAP = {
    "downstairs": "stairs",
    "jogging": "running",
    "lying": "lying",
    "sitting": "sitting",
    "standing": "standing",
    "upstairs": "stairs",
    "walk_fast": "walking",
    "walk_mod": "walking",
    "walk_slow": "walking",
}

INFO = DatasetInfo(
    name="selfback",
    title="Everyday activities, some two minutes each, from Axivity AX3 on the dominant wrist and the thigh (selfBACK)",
    licence="CC BY 4.0 as UCI states for 33 of these 34 people",
    citation=(
        "S. Sani, S. Massie, N. Wiratunga, K. Cooper. Learning deep and shallow features for human activity "
        "recognition. Knowledge Science, Engineering and Management (KSEM), 469-482, 2017. Data: selfBACK, UCI Machine "
        "Learning Repository, number 521, and https://github.com/rgu-selfback/Datasets"
    ),
    url="https://archive.ics.uci.edu/dataset/521/selfback",
    how_to_get="harken datasets selfback --fetch DIR",
    people=34,
    sample_rate_hz=100.0,
    labels=tuple(sorted(LABEL_MAP)),
    placement="dominant wrist, y along the forearm; the thigh as well, for distinguishing placements",
    forearm_axis="-y",
    label_map=LABEL_MAP,
    checked_on_real_files=True,
    archives=(
        # The repository may repack the archive at any time, and states neither size nor checksum.
        Archive(url="https://archive.ics.uci.edu/static/public/521/selfback.zip", file_name="selfback_521.zip"),
    ),
    traps=(
        "At the wrist y points along the forearm, towards the hand, where most sets have x.",
        "The activities are scripted, some two and a half minutes each, and each file is cut to one of them: there is "
        "no passage from one activity to the next.",
        "There is one bout of each activity a person, so windows of one bout are alike.",
        "The rate runs from 98 to 102 Hz by the clock, from one sensor to another.",
        "Times are the wearers' local clock without a zone; harken takes them as UTC.",
        "Wrist and thigh were worn at the same time by the same people: the thigh is for distinguishing placements, "
        "never for activity scores beside the wrist.",
        "The licence was looked up at UCI, whose set has 33 people; the repository of its authors, which has 34, "
        "states none.",
    ),
)

SENSORS = {Placement.WRIST: ("w", "wrist", "wrist34"), Placement.THIGH: ("t", "thigh", "thigh34")}
"""The names of each sensor's folder in the published layout."""
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
    folder = data_folder(INFO, folder)
    table = folder / f"selfback_{placement}.parquet"
    if table.is_file():
        return read_study(table, INFO, placement=placement)
    return read_study(folder, INFO, placement=placement, frame=_published(folder, placement))


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
        f"To get the data set: {INFO.how_to_get}"
    )


def _bout(path: Path) -> pl.DataFrame:
    """One activity of one person."""
    activity = path.parent.name
    if activity not in LABEL_MAP:
        raise HarkenError(f"{path}: {activity} is not an activity of the set, which has {', '.join(INFO.labels)}")
    try:
        with without_panics():
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
    except (*POLARS_ERRORS, ValueError) as error:
        raise HarkenError(f"{path}: is not a table of time, x, y and z ({first_line(error)})") from error
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
