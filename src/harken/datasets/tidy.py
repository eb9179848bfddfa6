"""Reader of tidy tables with samples of several people: one row for each sample, and columns for the person.

Use it for your own study, or for a data set without a reader in harken. Seven public data sets are tidy tables in
``HARKEN_DATA`` (``harken.datasets.registry``). One of them, selfBACK, is also read from its published layout, that of
https://github.com/rgu-selfback/Datasets, ``raw/9_class``: a folder for each sensor (``w`` or ``wrist34``, ``t`` or
``thigh34``), which contains a folder for each activity with a CSV file for each person.
"""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from harken.datasets.info import DatasetInfo, data_folder, files_of, info_of, of_first_copy, offsets_in_turn, readable
from harken.readers.csv import refuse_other_encoding
from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.parquet import without_panics
from harken.readers.parquet_pages import check_pages
from harken.readers.time_columns import EARLIEST_DATE_NS, nanoseconds
from harken.readers.units import AXES_REVERSED, G_PER_UNIT, recognise_unit, time_unit
from harken.recordings.mending import mend
from harken.recordings.recording import UNLABELLED, Placement, Quality, Recording
from harken.support.arrays import Float32Array, Int16Array, Int64Array
from harken.support.errors import HarkenError

ENDINGS = (".csv", ".csv.gz", ".parquet")
REQUIRED = ("subject", "session", "time", "x", "y", "z", "label")
NO_LABEL = ("", "null", "nan")
IN_TURN = "Sessions count their times from their own starts: they stand one after another, a minute apart, from 1970."


SELFBACK = info_of("selfback")
WEARINGS = {"wearable_exercise": "^[a-z]+", "exam_stress": ".+", "pebble_steps": ".+"}
"""Data set -> the part of a session's name that differs between two wearings of a watch, which may have turned it."""

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
) -> list[Recording]:
    """Read the mended recordings of a tidy table, one for each person and placement, sorted by person and placement.

    Columns, by name: ``subject``; ``session`` (one uninterrupted piece of recording); ``t``, in seconds from the
    session's start, or ``time`` in any form that ``harken.read`` accepts; ``x, y, z``; ``label``, which may be empty;
    and ``placement``, if one person wore several sensors. Other columns are ignored.

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

    Raises:
        HarkenError: when a column is missing or contains other data, a person or session has no name, or two sessions
            of one sensor overlap in time.
    """
    options = TableOptions(
        label_column=label_column, acceleration_unit=unit, sensor_range_g=sensor_range_g, timezone=timezone
    )
    return recordings_of_tables(Path(path), options, as_found=as_found)


def recordings_of_tables(
    path: Path, options: TableOptions, *, as_found: bool = False, table: pl.DataFrame | None = None
) -> list[Recording]:
    """``read_tidy`` by the options for its arguments, or the recordings of a ``table`` that was read from ``path``."""
    tables = ((file, read_table(file)) for file in _files(path)) if table is None else [(path, table)]
    frame = pl.concat([_roles(file, each, options) for file, each in tables])
    signals = frame.select("x", "y", "z").to_numpy()
    unit = options.acceleration_unit or recognise_unit(signals)
    if unit is None:
        raise HarkenError(f"{path}: gravity is in an unknown unit; state the unit of x, y and z with unit=")
    reversed_axes = options.gravity_sign == "negative"
    sign = -1 if reversed_axes else 1
    signals = signals * np.float32(sign * G_PER_UNIT[unit])
    groups = frame.select("subject", "placement").with_row_index("row").group_by("subject", "placement").agg("row")
    recordings = []
    for subject, placement, rows in groups.sort("subject", "placement").iter_rows():
        mine = np.array(rows, dtype=np.int64)
        recording = _recording(frame[mine], signals[mine], subject=subject, placement=placement, path=path, unit=unit)
        if reversed_axes:
            recording = replace(recording, quality=recording.quality.noting(AXES_REVERSED))
        recording = replace(recording, timezone=options.timezone or "UTC")
        recordings.append(recording if as_found else mend(recording, sensor_range=options.sensor_range_g))
    return recordings


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise HarkenError(f"{path}: there is no such file or folder")
    files = sorted(file for file in path.iterdir() if file.name.lower().endswith(ENDINGS))
    if not files:
        raise HarkenError(f"{path}: there is no table in this folder; tables end in {', '.join(ENDINGS)}")
    return files


def read_table(path: Path) -> pl.DataFrame:
    """A CSV or Parquet file as it is.

    Raises:
        HarkenError: when it cannot be read.
    """
    with readable(path, "cannot be read as a table"), without_panics():
        if _is_parquet(path):
            check_pages(path)
            return pl.read_parquet(path)
        try:
            return pl.read_csv(path, infer_schema_length=None)
        except pl.exceptions.ComputeError:
            refuse_other_encoding(path)
            raise


def _roles(path: Path, frame: pl.DataFrame, options: TableOptions) -> pl.DataFrame:
    """One table: names as text, ``time_ns`` (from the session's start, or a date: ``dated``), x, y, z as float32."""
    if len(frame) == 0:
        raise HarkenError(f"{path}: there are no rows of data in it")
    column = _columns(path, frame.columns, options.label_column)
    names = {role: frame[column[role]].cast(pl.String).str.strip_chars() for role in ("subject", "session", "label")}
    for role in ("subject", "session"):
        nameless = names[role].fill_null("").eq("").arg_true()
        if len(nameless):
            raise HarkenError(f"{path}, row {int(nameless[0]) + 1}: the {role} has no name")
    time_ns, dated = _times(path, frame[column["time"]], names["session"], options.timezone)
    placement = frame[column["placement"]].cast(pl.String) if "placement" in column else None
    return pl.DataFrame(
        {
            "subject": names["subject"],
            "session": names["session"],
            "placement": pl.repeat("", len(frame), eager=True) if placement is None else placement.fill_null(""),
            "label": names["label"].fill_null(""),
            "time_ns": time_ns,
            "dated": np.full(len(frame), dated),
            **{axis: _numbers(path, frame[column[axis]]) for axis in "xyz"},
        }
    )


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _columns(path: Path, header: list[str], label_column: str | None) -> dict[str, str]:
    """The name of each role's column in this table."""
    named = {name.strip().lower(): name for name in header}
    columns = {role: named[role] for role in (*REQUIRED, "placement") if role in named}
    time = named.get("t", named.get("time"))
    if time is not None:
        columns["time"] = time
    if label_column is not None:
        columns.pop("label", None)
        if label_column in header:
            columns["label"] = label_column
    missing = [role for role in REQUIRED if role not in columns]
    if missing:
        raise HarkenError(
            f"{path}: a tidy table has columns named {', '.join(REQUIRED)} (or t for time); found none for "
            f"{', '.join(missing)} among {', '.join(header)}"
        )
    return columns


def _times(path: Path, column: pl.Series, session: pl.Series, timezone: str | None) -> tuple[Int64Array, bool]:
    """Times in ns ``[n]``, and whether they have a date."""
    seconds = column.name.strip().lower() == "t"
    unit: TimeUnit | None = "s" if seconds else None
    if unit is None and column.dtype.is_numeric():
        # Only of one session, because times from the start of several sessions overlap.
        first = column.filter(session == session[0]).drop_nulls()
        unit = time_unit(first.to_numpy())
    clock = nanoseconds(path, column, TableOptions(time_unit=unit, timezone=timezone), lambda row: f"row {row + 1}")
    if not clock.timed.all():
        raise HarkenError(f"{path}, row {int(np.argmin(clock.timed)) + 1}: has no time")
    return clock.time_ns, not seconds and bool(np.abs(clock.time_ns).max() >= EARLIEST_DATE_NS)


def _numbers(path: Path, column: pl.Series) -> pl.Series:
    if not column.dtype.is_numeric():
        raise HarkenError(f"{path}, column {column.name}: holds {column.dtype}, not numbers")
    return column.cast(pl.Float32).fill_null(float("nan"))


def _recording(
    rows: pl.DataFrame,
    signals: Float32Array,
    *,
    subject: str,
    placement: str,
    path: Path,
    unit: AccelerationUnit,
) -> Recording:
    """The recording of one sensor on one person, as found."""
    time_ns = rows["time_ns"].to_numpy()
    dated = rows["dated"].to_numpy()
    time = pl.col("time_ns")
    spans = rows.group_by("session", maintain_order=True).agg(start=time.min(), end=time.max())
    if dated.any() and not dated.all():
        raise HarkenError(f"{path}: of {subject}, some sessions have dates and others count from their start")
    notes: tuple[str, ...] = ()
    if dated.all():
        _refuse_overlap(spans, f"{path}, {subject} {placement}".rstrip())
    else:
        starts = np.minimum(spans["start"].to_numpy(), 0)
        offsets = offsets_in_turn((spans["end"].to_numpy() - starts).tolist()) - starts
        moved = rows["session"].replace_strict(spans["session"], pl.Series(offsets), return_dtype=pl.Int64)
        time_ns, notes = time_ns + moved.to_numpy(), (IN_TURN,)
    label_names, codes = _coded(rows["label"])
    return Recording(
        time_ns=time_ns,
        signals=signals,
        channels=("x", "y", "z"),
        label_codes=codes,
        label_names=label_names,
        subject=subject,
        source=f"{path}, {subject}" + (f", {placement.replace('_', ' ')}" if placement else ""),
        quality=Quality(rows=len(rows), acceleration_unit=unit, notes=notes),
        as_found=True,
    )


def _refuse_overlap(spans: pl.DataFrame, where: str) -> None:
    """Raise a HarkenError when two sessions (``session, start, end``) overlap in time, because their samples would be
    mixed."""
    for (earlier, _, end), (later, start, _) in pairwise(spans.sort("start", "end", "session").iter_rows()):
        if start <= end:
            raise HarkenError(
                f"{where}: the sessions {earlier} and {later} overlap in time; if they are of two sensors, a column "
                "named placement distinguishes them"
            )


def _coded(column: pl.Series) -> tuple[tuple[str, ...], Int16Array]:
    """The labels that occur, sorted, and a code for each row; -1 if it has no label."""
    names = tuple(sorted(name for name in column.unique().to_list() if name.lower() not in NO_LABEL))
    codes = column.replace_strict(
        {name: code for code, name in enumerate(names)}, default=UNLABELLED, return_dtype=pl.Int16
    )
    return names, codes.to_numpy()


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
        return _of_study(path, read_table(path), SELFBACK, placement)
    return _of_study(folder, _published(folder, placement), SELFBACK, placement)


def read_study(info: DatasetInfo, folder: Path | None = None) -> list[Recording]:
    """The acceleration in g of a tidy table, one recording for each person, or for each of their wearings.

    ``subject`` begins with the data set's name: ``stress_predict_S01``, ``hawthorne_S0``.

    Args:
        info: the data set.
        folder: the folder of its table, ``stress_predict.parquet``; by default that of its name in ``HARKEN_DATA``.

    Raises:
        HarkenError: when there is no such folder, or the file is missing or damaged.
    """
    path = data_folder(info, folder) / f"{info.name}.parquet"
    table = read_table(path)
    if info.name in WEARINGS:  # these make recordings of their own, as placements do
        wearing = pl.col("session").cast(pl.String).str.extract(f"({WEARINGS[info.name]})")
        table = table.with_columns(placement=wearing)
    return _of_study(path, table, info)


def _of_study(
    path: Path, table: pl.DataFrame, info: DatasetInfo, placement: Placement = Placement.WRIST
) -> list[Recording]:
    """The recordings of a tidy table in g, with the set's own labels in ``label_orig``."""
    options = TableOptions(label_column="label_orig", acceleration_unit="g", gravity_sign=info.gravity_sign)
    return [
        replace(
            recording,
            subject=f"{info.name}_{recording.subject}",
            quality=replace(recording.quality, placement=placement),
        )
        for recording in recordings_of_tables(path, options, table=table)
    ]


def _published(folder: Path, placement: Placement) -> pl.DataFrame:
    """The files of the published layout, all of one sensor's folder, as one tidy table."""
    files = files_of(SELFBACK, folder, *(f"{name}/*/[0-9]*.csv" for name in SENSORS[placement]))
    return pl.concat(map(_bout, of_first_copy(files, 1))).sort("subject", "time")


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
