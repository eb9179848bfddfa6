"""Columns of a table -> a Recording as found: units, labels, subject, clock. Shared by every table's reader."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.blocks import stem
from harken.readers.clock import Clock, nanoseconds
from harken.readers.coded import CodedColumn
from harken.readers.columns import Columns
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.several import ANOTHER_SUBJECT, SeveralRecordingsError
from harken.readers.units import G_PER_UNIT, acceleration_unit, magnitude_at_rest
from harken.recordings.recording import UNLABELLED, Quality, Recording
from harken.support.errors import HarkenError

__all__ = [
    "POLARS_ERRORS",
    "Table",
    "TableBuilder",
    "channels_of",
    "first_line",
    "recording_from_table",
    "signals_of",
    "unit_and_notes",
]

POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
MOST_SUBJECTS_SHOWN = 10
MOST_JITTER_NS = 10**9
"""Rows out of order go back by less than this; a session that begins anew goes back by more."""

Coded = tuple[NDArray[np.int16], tuple[str, ...]]
"""Codes ``[rows]``, -1 for none, and the sorted names that they point into."""


@dataclass(frozen=True)
class Table:
    """The columns of a whole file.

    ``where`` says where in the file a row (from 0) stands, for error messages. ``signals`` are float32 ``[rows,
    channels]``, of which the first three are acceleration. ``unit`` is the unit of acceleration where the format
    says which; None: gravity decides.
    """

    path: Path
    where: Callable[[int], str]
    time: pl.Series | None
    signals: NDArray[np.float32]
    channels: tuple[str, ...]
    label: Coded | None
    subject: Coded | None
    unit: AccelerationUnit | None = None
    tidy: tuple[str, ...] = ()


class TableBuilder:
    """Gathers a table from frames whose columns are named by their roles, in as little memory as will do."""

    def __init__(self, path: Path, columns: Columns, where: Callable[[int], str]) -> None:
        roles = columns.roles()
        self._path = path
        self._where = where
        self._tidy = columns.tidy
        self._numeric = columns.numeric()
        self._times: list[pl.Series] | None = [] if "time" in roles else None
        self._signals: list[NDArray[np.float32]] = []
        self._named = {role: CodedColumn(path, role, where) for role in ("label", "subject") if role in roles}
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Take in the next rows."""
        self._signals.append(signals_of(frame, self._numeric))
        for role, coded in self._named.items():
            coded.add(frame[role])
        if self._times is not None:
            self._times.append(frame["time"])
        self.rows += frame.height

    def finish(self) -> Table:
        """The whole table.

        Raises:
            HarkenError: when it has no rows.
        """
        if self.rows == 0:
            raise HarkenError(f"{self._path}: there are no rows of data in it")
        signals = np.concatenate(self._signals)
        self._signals.clear()
        return Table(
            path=self._path,
            where=self._where,
            time=pl.concat(self._times) if self._times is not None else None,
            signals=signals,
            channels=channels_of(self._numeric),
            label=self._named["label"].finish() if "label" in self._named else None,
            subject=self._named["subject"].finish() if "subject" in self._named else None,
            tidy=self._tidy,
        )


def recording_from_table(table: Table, options: TableOptions) -> Recording:
    """Build a recording as found.

    Raises:
        HarkenError: for several people in one file, an unknown unit, or a time that cannot be read.
    """
    subject, kept = _one_subject(table, options)
    rows = len(table.signals)
    dropped: dict[str, int] = {}
    if kept is not None:
        dropped[ANOTHER_SUBJECT] = rows - len(kept)
    clock = _clock(table, kept, options)
    if clock.present is not None:
        dropped["no time"] = int((~clock.present).sum())
        kept = np.flatnonzero(clock.present) if kept is None else kept[clock.present]

    _refuse_sessions(table, clock)
    signals = table.signals if kept is None else table.signals[kept]
    acceleration, notes = unit_and_notes(table.path, magnitude_at_rest(signals[:, :3]), options, table.unit)
    if acceleration != "g":
        with np.errstate(invalid="ignore", over="ignore"):  # bytes that were flipped may be any number
            signals[:, :3] *= np.float32(G_PER_UNIT[acceleration])
    codes, label_names = table.label or (np.full(rows, UNLABELLED, dtype=np.int16), ())
    return Recording(
        time_ns=clock.time_ns if clock.present is None else clock.time_ns[clock.present],
        signals=signals,
        channels=table.channels,
        label_codes=codes if kept is None else codes[kept],
        label_names=label_names,
        subject=subject,
        source=str(table.path),
        timezone=options.timezone or "UTC",
        quality=Quality(
            rows=rows,
            dropped=dropped,
            acceleration_unit=acceleration,
            time_unit=clock.unit,
            notes=(*clock.notes, *notes),
        ),
        as_found=True,
    )


def signals_of(frame: pl.DataFrame, numeric: Sequence[str]) -> NDArray[np.float32]:
    """The columns of these roles, float32 ``[rows, roles]``; NaN where there is no number."""
    signals = np.empty((frame.height, len(numeric)), dtype=np.float32)
    for channel, role in enumerate(numeric):
        signals[:, channel] = frame[role].cast(pl.Float32).fill_null(math.nan).to_numpy()
    return signals


def channels_of(numeric: Sequence[str]) -> tuple[str, ...]:
    """The names of the channels that columns of these roles become."""
    return tuple("P" if role == "accuracy" else role for role in numeric)


def first_line(error: BaseException) -> str:
    """What polars says is wrong, without the pages that may follow."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _clock(table: Table, kept: NDArray[np.int64] | None, options: TableOptions) -> Clock:
    """The times of the kept rows, read or (where the user gave a rate) numbered."""

    def where(row: int) -> str:
        return table.where(row if kept is None else int(kept[row]))

    time = table.time if table.time is None or kept is None else table.time.gather(kept)
    if options.sample_rate_hz is None:
        if time is None:
            raise HarkenError(
                f"{table.path}: found no column for time; --time-column says which, --rate HZ numbers the rows"
            )
        return nanoseconds(table.path, time, options, where)
    notes = [f"Times were not read: the rows were numbered at {options.sample_rate_hz:g} Hz, as asked."]
    start, unit = 0, "rows"
    if time is not None and time.null_count() < len(time):
        try:
            clock = nanoseconds(table.path, time.drop_nulls().head(1), options, where)
            start, unit = int(clock.time_ns[0]), clock.unit
        except HarkenError:
            notes.append("The first time could not be read; the recording is shown as if it began with 1970.")
    rows = len(table.signals) if kept is None else len(kept)
    steps = np.rint(np.arange(rows) * (1e9 / options.sample_rate_hz)).astype(np.int64)
    return Clock(start + steps, None, unit, notes)


def _one_subject(table: Table, options: TableOptions) -> tuple[str, NDArray[np.int64] | None]:
    """Who wore the watch, and the rows that are theirs (None: all)."""
    said = options.subject
    if table.subject is None:
        return said or stem(table.path), None
    codes, people = table.subject
    if said in people:
        mine = np.flatnonzero(codes == people.index(said))
        return said, mine if len(mine) < len(codes) else None
    if len(people) > 1:
        shown = ", ".join(people[:MOST_SUBJECTS_SHOWN]) + (", ..." if len(people) > MOST_SUBJECTS_SHOWN else "")
        raise SeveralRecordingsError(
            f"{table.path}: holds {len(people)} people ({shown}) and a recording is of one; choose with --subject NAME"
            + (f". {_tidy_advice(table)}" if table.tidy else ""),
            people=people,
            tidy=table.tidy,
        )
    if said is not None and people:
        raise HarkenError(f"{table.path}: has no subject {said!r}; it holds {people[0]!r}")
    return said or (people[0] if people else stem(table.path)), None


def _refuse_sessions(table: Table, clock: Clock) -> None:
    """Raise a HarkenError where times of a table with sessions begin anew: they would be merged into one another."""
    back = int(np.diff(clock.time_ns).min(initial=0))
    if table.tidy and -back > MOST_JITTER_NS:
        raise SeveralRecordingsError(
            f"{table.path}: its times go back by as much as {-back / 1e9:g} s: this is more than one recording. "
            f"{_tidy_advice(table)}",
            people=table.subject[1] if table.subject is not None else (),
            tidy=table.tidy,
        )


def _tidy_advice(table: Table) -> str:
    columns = "columns" if len(table.tidy) > 1 else "column"
    return (
        f"By its {columns} {' and '.join(table.tidy)} this is a table of several recordings; "
        "harken.datasets.tidy.read_tidy(PATH) reads them all, each apart"
    )


def unit_and_notes(
    path: Path, at_rest: float, options: TableOptions, unit: AccelerationUnit | None = None
) -> tuple[AccelerationUnit, list[str]]:
    """The unit of acceleration by the user's word, else by the format's (``unit``), else from gravity, of which
    ``at_rest`` is the size (see ``magnitude_at_rest``); and what to say about it.

    Raises:
        HarkenError: when no row is whole, or the unit cannot be recognised.
    """
    if math.isnan(at_rest):
        raise HarkenError(f"{path}: no row has all three of x, y and z")
    detected = acceleration_unit(at_rest)
    said = options.acceleration_unit or unit
    converted = f"Acceleration is in {said or detected} (at rest {at_rest:.4g}), converted to g."
    if said is None:
        if detected is None:
            raise HarkenError(
                f"{path}: at rest the acceleration is {at_rest:.3g}, which is gravity in no unit harken knows "
                "(1 g, 9.81 m/s2, 64 g/64, 1000 mg). Say the unit with --unit; a value near 0 means that gravity was "
                "removed, and with it the posture"
            )
        return detected, [] if detected == "g" else [converted]
    in_g = at_rest * G_PER_UNIT[said]
    if detected != said:
        by = "as asked" if options.acceleration_unit else "as this format has it"
        return said, [
            f"Taken as {said}, {by}, although at rest the acceleration is then {in_g:.3g} g"
            + (" (gravity seems to have been removed)." if in_g < 0.5 else ".")
        ]
    return said, [] if options.acceleration_unit or said == "g" else [converted]
