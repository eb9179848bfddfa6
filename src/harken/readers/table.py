"""Columns of a table -> a Recording as found: units, labels, subject, clock. Shared by every table's reader."""

import math
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.readers.clock import check_timezone, nanoseconds
from harken.readers.columns import Columns
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.units import G_PER_UNIT, acceleration_unit, magnitude_at_rest
from harken.recording import UNLABELLED, Quality, Recording

__all__ = ["recording_from_table"]

NO_LABEL = ("", "null", "nan")
"""What stands for "no label", in small letters."""
MOST_LABELS = 1_000
MOST_SUBJECTS_SHOWN = 10


def recording_from_table(
    path: Path,
    frame: pl.DataFrame,
    columns: Columns,
    names: dict[int, str],
    options: TableOptions,
) -> Recording:
    """Build a recording as found. ``names`` gives the frame's column for each position in ``columns``.

    Raises:
        HarkenError: for several people in one file, an unknown unit, a time that cannot be read, too many labels.
    """
    if options.timezone is not None:
        check_timezone(options.timezone)
    rows = frame.height
    subject, frame = _one_subject(path, frame, columns, names, options)
    dropped = {"another subject": rows - frame.height} if frame.height < rows else {}

    if options.sample_rate_hz is not None:
        time_ns, present, unit, notes = _numbered(path, frame, columns, names, options)
    elif columns.time is None:
        raise HarkenError(f"{path}: found no column for time; --time-column says which, --rate HZ numbers the rows")
    else:
        time_ns, present, unit, notes = nanoseconds(path, frame[names[columns.time]], options)
    if not present.all():
        dropped["no time"] = int((~present).sum())
        frame, time_ns = frame.filter(pl.Series(present)), time_ns[present]

    positions = [columns.x, columns.y, columns.z] + ([columns.accuracy] if columns.accuracy is not None else [])
    signals = np.empty((frame.height, len(positions)), dtype=np.float32)
    for channel, position in enumerate(positions):
        signals[:, channel] = frame[names[position]].cast(pl.Float32).fill_null(math.nan).to_numpy()
    acceleration, unit_notes = _acceleration_unit(path, signals[:, :3], options)
    if acceleration != "g":
        signals[:, :3] *= np.float32(G_PER_UNIT[acceleration])

    codes, label_names = _labels(path, frame[names[columns.label]] if columns.label is not None else None, frame.height)
    return Recording(
        time_ns=time_ns,
        signals=signals,
        channels=("x", "y", "z", *(["P"] if columns.accuracy is not None else [])),
        label_codes=codes,
        label_names=label_names,
        subject=subject,
        source=str(path),
        timezone=options.timezone or "UTC",
        quality=Quality(
            rows=rows,
            dropped=dropped,
            acceleration_unit=acceleration,
            time_unit=unit,
            notes=(*notes, *unit_notes),
        ),
        as_found=True,
    )


def _numbered(
    path: Path, frame: pl.DataFrame, columns: Columns, names: dict[int, str], options: TableOptions
) -> tuple[NDArray[np.int64], NDArray[np.bool_], str, list[str]]:
    """Times from row numbers and the rate that the user gave, from the file's first time on."""
    rate = options.sample_rate_hz
    if rate is None or not 0 < rate <= 100_000:
        raise HarkenError(f"{path}: a rate of {rate} Hz cannot be; give --rate in samples per second")
    start, unit = 0, "rows"
    notes = [f"Times were not read: the rows were numbered at {rate:g} Hz, as asked."]
    if columns.time is not None:
        first = frame[names[columns.time]].drop_nulls().head(1)
        if len(first):
            times, _, unit, _ = nanoseconds(path, first, options)
            start = int(times[0])
    time_ns = start + np.rint(np.arange(frame.height) * (1e9 / rate)).astype(np.int64)
    return time_ns, np.ones(frame.height, dtype=bool), unit, notes


def _one_subject(
    path: Path, frame: pl.DataFrame, columns: Columns, names: dict[int, str], options: TableOptions
) -> tuple[str, pl.DataFrame]:
    """Who wore the watch, and the rows that are theirs."""
    if columns.subject is None:
        return options.subject or _stem(path), frame
    column = frame[names[columns.subject]].cast(pl.String)
    people = sorted(column.drop_nulls().unique().to_list())
    if options.subject is not None and options.subject in people:
        return options.subject, frame.filter(column == options.subject)
    if len(people) > 1:
        shown = ", ".join(people[:MOST_SUBJECTS_SHOWN]) + (", ..." if len(people) > MOST_SUBJECTS_SHOWN else "")
        raise HarkenError(
            f"{path}: holds {len(people)} people ({shown}) and a recording is of one; choose with --subject NAME"
        )
    if options.subject is not None and people:
        raise HarkenError(f"{path}: has no subject {options.subject!r}; it holds {people[0]!r}")
    return options.subject or (people[0] if people else _stem(path)), frame


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _acceleration_unit(
    path: Path, acceleration: NDArray[np.float32], options: TableOptions
) -> tuple[AccelerationUnit, list[str]]:
    """The unit by the user's word, else from gravity; and what to say about it."""
    at_rest = magnitude_at_rest(acceleration)
    detected = acceleration_unit(at_rest)
    said = options.acceleration_unit
    if said is None:
        if detected is None:
            raise HarkenError(
                f"{path}: at rest the acceleration is {at_rest:.3g}, which is gravity in no unit harken knows (1 g, "
                "9.81 m/s2, 64 g/64, 1000 mg). Say the unit with --unit; a value near 0 means that gravity was "
                "removed, and with it the posture"
            )
        notes = [] if detected == "g" else [f"Acceleration is in {detected} (at rest {at_rest:.4g}), converted to g."]
        return detected, notes
    in_g = at_rest * G_PER_UNIT[said]
    if detected != said:
        return said, [
            f"Taken as {said}, as asked, although at rest the acceleration is then {in_g:.3g} g"
            + (" (gravity seems to have been removed)." if in_g < 0.5 else ".")
        ]
    return said, []


def _labels(path: Path, column: pl.Series | None, rows: int) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Codes ``[rows]`` and the sorted names they point into."""
    if column is None:
        return np.full(rows, UNLABELLED, dtype=np.int16), ()
    categories = column.cast(pl.String).cast(pl.Categorical) if column.dtype != pl.Categorical else column
    distinct = categories.unique().drop_nulls()
    written = distinct.cast(pl.String).to_list()
    plain = {name: name.strip() for name in written}
    names = sorted({name for name in plain.values() if name.lower() not in NO_LABEL})
    if len(names) > MOST_LABELS:
        raise HarkenError(
            f"{path}: {len(names)} different labels, such as {names[0]!r}: is this the label column? --label-column"
        )
    # One look-up by the category's own number: no text is touched per row.
    position = {name: code for code, name in enumerate(names)}
    numbers = distinct.to_physical().to_numpy().astype(np.int64)
    lookup = np.full(int(numbers.max(initial=-1)) + 2, UNLABELLED, dtype=np.int16)
    lookup[numbers] = [position.get(plain[name], UNLABELLED) for name in written]
    codes = categories.to_physical().cast(pl.Int64).fill_null(len(lookup) - 1).to_numpy()
    return lookup[codes], tuple(names)
