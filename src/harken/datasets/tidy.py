"""Reader of tidy tables with samples of several people: one row for each sample, and columns for the person.

Use it for your own study, or for a data set without a reader in harken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.datasets.loading import offsets_in_turn, readable
from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.parquet import without_panics
from harken.readers.units import (
    EARLIEST_DATE_NS,
    G_PER_UNIT,
    acceleration_unit,
    magnitude_at_rest,
    nanoseconds,
    time_unit,
)
from harken.recordings.mending import mend
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.support.errors import HarkenError

ENDINGS = (".csv", ".csv.gz", ".parquet")
REQUIRED = ("subject", "session", "time", "x", "y", "z", "label")
NO_LABEL = ("", "null", "nan")
IN_TURN = "Sessions count their times from their own starts: they stand one after another, a minute apart, from 1970."


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
    path = Path(path)
    TableOptions(timezone=timezone)  # checks the zone before anything is read
    tables = [(file, read_table(file)) for file in _files(path)]
    return recordings_of_tables(
        path,
        tables,
        label_column=label_column,
        unit=unit,
        sensor_range_g=sensor_range_g,
        timezone=timezone,
        as_found=as_found,
    )


def recordings_of_tables(
    path: Path,
    tables: Sequence[tuple[Path, pl.DataFrame]],
    *,
    label_column: str | None = None,
    unit: AccelerationUnit | None = None,
    sensor_range_g: float | None = None,
    timezone: str | None = None,
    as_found: bool = False,
) -> list[Recording]:
    """The recordings of tidy tables that were read from files in ``path``. See ``read_tidy``."""
    frame = pl.concat([_roles(file, table, label_column, timezone) for file, table in tables])
    signals = frame.select("x", "y", "z").to_numpy()
    found = unit or acceleration_unit(magnitude_at_rest(signals))
    if found is None:
        raise HarkenError(f"{path}: gravity is in an unknown unit; state the unit of x, y and z with unit=")
    signals = signals * np.float32(G_PER_UNIT[found])
    groups = frame.select("subject", "placement").with_row_index("row").group_by("subject", "placement").agg("row")
    recordings = []
    for subject, placement, rows in groups.sort("subject", "placement").iter_rows():
        mine = np.array(rows, dtype=np.int64)
        recording = _recording(frame[mine], signals[mine], subject=subject, placement=placement, path=path, unit=found)
        recording = replace(recording, timezone=timezone or "UTC")
        recordings.append(recording if as_found else mend(recording, sensor_range=sensor_range_g))
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
        return pl.read_parquet(path) if _is_parquet(path) else pl.read_csv(path, infer_schema_length=None)


def _roles(path: Path, frame: pl.DataFrame, label_column: str | None, timezone: str | None) -> pl.DataFrame:
    """One table: names as text, ``time_ns`` (from the session's start, or a date: ``dated``), x, y, z as float32."""
    if len(frame) == 0:
        raise HarkenError(f"{path}: there are no rows of data in it")
    column = _columns(path, frame.columns, label_column)
    names = {role: frame[column[role]].cast(pl.String).str.strip_chars() for role in ("subject", "session", "label")}
    for role in ("subject", "session"):
        nameless = names[role].fill_null("").eq("").arg_true()
        if len(nameless):
            raise HarkenError(f"{path}, row {int(nameless[0]) + 1}: the {role} has no name")
    time_ns, dated = _times(path, frame[column["time"]], names["session"], timezone)
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
    found = {role: named[role] for role in (*REQUIRED, "placement") if role in named}
    time = named.get("t", named.get("time"))
    if time is not None:
        found["time"] = time
    if label_column is not None:
        found.pop("label", None)
        if label_column in header:
            found["label"] = label_column
    missing = [role for role in REQUIRED if role not in found]
    if missing:
        raise HarkenError(
            f"{path}: a tidy table has columns named {', '.join(REQUIRED)} (or t for time); found none for "
            f"{', '.join(missing)} among {', '.join(header)}"
        )
    return found


def _times(path: Path, column: pl.Series, session: pl.Series, timezone: str | None) -> tuple[NDArray[np.int64], bool]:
    """Times in ns ``[n]``, and whether they have a date."""
    seconds = column.name.strip().lower() == "t"
    unit: TimeUnit | None = "s" if seconds else None
    if unit is None and column.dtype.is_numeric():
        # Only of one session, because times from the start of several sessions overlap.
        first = column.filter(session == session[0]).drop_nulls()
        unit = time_unit(first.to_numpy())
    clock = nanoseconds(path, column, TableOptions(time_unit=unit, timezone=timezone), lambda row: f"row {row + 1}")
    if clock.present is not None and not clock.present.all():
        raise HarkenError(f"{path}, row {int(np.argmin(clock.present)) + 1}: has no time")
    return clock.time_ns, not seconds and bool(np.abs(clock.time_ns).max() >= EARLIEST_DATE_NS)


def _numbers(path: Path, column: pl.Series) -> pl.Series:
    if not column.dtype.is_numeric():
        raise HarkenError(f"{path}, column {column.name}: holds {column.dtype}, not numbers")
    return column.cast(pl.Float32).fill_null(float("nan"))


def _recording(
    rows: pl.DataFrame,
    signals: NDArray[np.float32],
    *,
    subject: str,
    placement: str,
    path: Path,
    unit: AccelerationUnit,
) -> Recording:
    """The recording of one sensor on one person, as found."""
    sessions = list(_sessions(rows["session"]))
    time_ns = rows["time_ns"].to_numpy()
    dated = rows["dated"].to_numpy()
    if dated.any() and not dated.all():
        raise HarkenError(f"{path}: of {subject}, some sessions have dates and others count from their start")
    notes: tuple[str, ...] = ()
    if dated.all():
        _refuse_overlap(sessions, time_ns, f"{path}, {subject} {placement}".rstrip())
    else:
        time_ns, notes = _laid_in_turn(sessions, time_ns), (IN_TURN,)
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


def _sessions(column: pl.Series) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """The name and the rows of each session, in the order of first occurrence."""
    rows = pl.DataFrame({"session": column}).with_row_index("row")
    for name, mine in rows.group_by("session", maintain_order=True).agg("row").iter_rows():
        yield name, np.array(mine, dtype=np.int64)


def _laid_in_turn(sessions: list[tuple[str, NDArray[np.int64]]], time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    laid = time_ns.copy()
    for _, rows in sessions:
        laid[rows] -= min(0, int(time_ns[rows].min()))
    offsets = offsets_in_turn([int(laid[rows].max()) for _, rows in sessions])
    for (_, rows), offset in zip(sessions, offsets.tolist(), strict=True):
        laid[rows] += offset
    return laid


def _refuse_overlap(sessions: list[tuple[str, NDArray[np.int64]]], time_ns: NDArray[np.int64], where: str) -> None:
    """Raise a HarkenError when two sessions overlap in time, because their samples would be mixed."""
    spans = sorted((int(time_ns[rows].min()), int(time_ns[rows].max()), name) for name, rows in sessions)
    for (_, end, earlier), (start, _, later) in pairwise(spans):
        if start <= end:
            raise HarkenError(
                f"{where}: the sessions {earlier} and {later} overlap in time; if they are of two sensors, a column "
                "named placement distinguishes them"
            )


def _coded(column: pl.Series) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    """The labels that occur, sorted, and a code for each row; -1 if it has no label."""
    names = tuple(sorted(name for name in column.unique().to_list() if name.lower() not in NO_LABEL))
    codes = column.replace_strict(
        {name: code for code, name in enumerate(names)}, default=UNLABELLED, return_dtype=pl.Int16
    )
    return names, codes.to_numpy()
