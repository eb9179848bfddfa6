"""Reader of tidy tables with samples of several people: one row for each sample, and columns for the person.

Use it for your own study, or for a data set without a reader in harken. The public data set selfBACK is read from a
tidy table, or from its published layout, that of https://github.com/rgu-selfback/Datasets, ``raw/9_class``: a folder
for each sensor (``w`` or ``wrist34``, ``t`` or ``thigh34``), which contains a folder for each activity with a CSV file
for each person.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from harken.datasets.info import DatasetInfo, data_folder, files_of, info_of, of_first_copy, readable
from harken.readers import file_errors, open_source
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.parquet import open_frame, without_panics
from harken.readers.parquet_pages import check_pages
from harken.readers.table_recordings import read_sessions
from harken.readers.table_source import TableSource
from harken.recordings.recording import Placement, Recording
from harken.support.errors import HarkenError

ENDINGS = (".csv", ".csv.gz", ".parquet")
REQUIRED = ("subject", "session", "time", "x", "y", "z", "label")

SELFBACK = info_of("selfback")
SENSORS = {Placement.WRIST: ("w", "wrist", "wrist34"), Placement.THIGH: ("t", "thigh", "thigh34")}
"""The names of each sensor's folder in the published layout of selfBACK."""
TIME_FORMAT = "%Y-%m-%d %H:%M:%S%.f"


def read_tidy(
    path: str | Path,
    *,
    label_column: str | None = None,
    unit: AccelerationUnit | None = None,
    sensor_range_g: float | None = None,
    timezone: str | None = None,
    as_found: bool = False,
    reading: TableOptions | None = None,
) -> list[Recording]:
    """Read the mended recordings of a tidy table, one for each person and placement, sorted by person and placement.

    Columns, by name: ``subject``; ``session`` (one uninterrupted piece of recording); ``t``, in seconds from the
    session's start, or ``time`` in any form that ``harken.read`` accepts; ``x, y, z``; ``label``, which may be empty;
    and ``placement``, if one person wore several sensors. Other columns are ignored. Columns with other names than
    those that ``harken.read`` knows are named in ``reading``.

    Sessions with the column ``t``, or with numeric times without a date, are put one after another in the table's
    order, with a minute between them. Sessions with dates keep their times. This is done separately for each placement,
    so the sessions of two placements are simultaneous only if they are equally long.

    Args:
        path: a CSV (also ``.csv.gz``) or Parquet file, or a folder in which all CSV and Parquet files are tidy tables.
        label_column: the column of labels; by default ``label``.
        unit: the unit of acceleration; by default it is recognised from gravity, once for the whole table.
        sensor_range_g: the sensor's range in g; by default it is guessed for each recording (see
            ``harken.recordings.mending``).
        timezone: the wearers' time zone as an IANA name; by default UTC.
        as_found: return recordings with all rows in the file's order, without mending.
        reading: further options, as for ``harken.read``.

    Raises:
        HarkenError: when a column is missing or contains other data, a person or session has no name, or two sessions
            of one sensor overlap in time.
    """
    stated = {
        "label_column": label_column,
        "acceleration_unit": unit,
        "sensor_range_g": sensor_range_g,
        "timezone": timezone,
    }
    known: dict[str, Any] = {name: value for name, value in stated.items() if value is not None}
    options = replace(reading or TableOptions(), **known)
    path = Path(path)
    with file_errors(path):
        tables = [_open_tidy(file, options) for file in _files(path)]
        return read_sessions(tables, path, options, as_found=as_found)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise HarkenError("there is no such file or folder", path=path)
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(ENDINGS))
    if not files:
        raise HarkenError(f"there is no table in this folder; tables end in {', '.join(ENDINGS)}", path=path)
    return files


def _open_tidy(path: Path, options: TableOptions) -> TableSource:
    """Open a table, which must have all columns of a tidy table."""
    source = open_source(path, options)
    if not isinstance(source, TableSource):
        raise HarkenError("this is a recording of one person, not a tidy table", path=path)
    there = {*source.table.columns, *source.table.groups}
    missing = [role for role in REQUIRED if role not in there]
    if missing:
        raise HarkenError(
            f"a tidy table has columns named {', '.join(REQUIRED)} (or t for time); found none for "
            f"{', '.join(missing)} among {', '.join(source.table.header or ())}",
            path=path,
        )
    return source


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
        return read_study_table(path, read_table(path), SELFBACK, placement)
    return read_study_table(folder, _published(folder, placement), SELFBACK, placement)


def read_study_table(
    path: Path, table: pl.DataFrame, info: DatasetInfo, placement: Placement = Placement.WRIST
) -> list[Recording]:
    """Return the recordings of a data set's tidy table in g, with the set's own labels in ``label_orig``.

    ``subject`` begins with the data set's name, as in ``selfback_S026``.

    Args:
        path: where the table was read, for ``source`` and for errors.
        table: the table, with the columns that ``read_tidy`` needs.
        info: the data set.
        placement: where the sensor was worn.

    Raises:
        HarkenError: as ``read_tidy``.
    """
    options = TableOptions(label_column="label_orig", acceleration_unit="g", gravity_sign=info.gravity_sign)
    return [
        replace(
            recording,
            subject=f"{info.name}_{recording.subject}",
            quality=replace(recording.quality, placement=placement),
        )
        for recording in read_sessions([open_frame(path, table, options)], path, options)
    ]


def read_table(path: Path) -> pl.DataFrame:
    """Read a Parquet file of a data set. Raise a HarkenError when it is missing or damaged."""
    with readable(path, "cannot be read as a table"), without_panics():
        check_pages(path)
        return pl.read_parquet(path)


def _published(folder: Path, placement: Placement) -> pl.DataFrame:
    """The files of the published layout, all of one sensor's folder, as one tidy table."""
    files = files_of(SELFBACK, folder, *(f"{name}/*/[0-9]*.csv" for name in SENSORS[placement]))
    return pl.concat(map(_bout, of_first_copy(files, 1))).sort("subject", "time")


def _bout(path: Path) -> pl.DataFrame:
    """One activity of one person."""
    activity = path.parent.name
    if activity not in SELFBACK.label_map:
        raise HarkenError(
            f"{activity} is not an activity of the set, which has {', '.join(SELFBACK.labels)}", path=path
        )
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
