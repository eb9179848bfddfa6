"""A Parquet file in pieces."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.readers.blocks import stem
from harken.readers.clock import Clock, nanoseconds
from harken.readers.columns import Columns, find_columns
from harken.readers.options import AccelerationUnit, TableOptions
from harken.readers.parquet import check_types, parquet_errors
from harken.readers.parts.found import CannotStreamError, Found
from harken.readers.table import channels_of, signals_of, unit_and_notes
from harken.readers.units import G_PER_UNIT, AtRest, magnitude_at_rest, time_unit
from harken.recordings.recording import UNLABELLED, Quality
from harken.recordings.samples import Samples
from harken.support.errors import HarkenError

__all__ = ["found_parquet", "unit_or_whole"]

ROWS_AT_ONCE = 1 << 20
"""As many as are in a group of rows of the files that ``harken simulate`` writes."""


def found_parquet(path: Path, options: TableOptions) -> Found:
    """Look at the beginning of a Parquet file.

    Raises:
        CannotStreamError: when times are text, local to a zone, missing or counted by rows; or the file holds
            several people, or a subject was asked for.
        HarkenError: when the file is damaged, or its columns cannot be what they are said to be.
    """
    return _Reading(path, options).found()


class _Reading:
    def __init__(self, path: Path, options: TableOptions) -> None:
        self._path = path
        self._options = options
        with parquet_errors(path) as plain:
            schema = pl.read_parquet_schema(plain)
        header = list(schema)
        first_row = ["0" if dtype.is_numeric() else "" for dtype in schema.values()]
        self._columns: Columns = find_columns(path, header, first_row, options)
        used = {role: header[position] for role, position in self._columns.roles().items()}
        check_types(path, used, schema)
        self._names = {role: used[role] for role in ("time", *self._columns.numeric()) if role in used}
        self._subject_name = used.get("subject")
        if "time" not in self._names or self._columns.tidy:
            raise CannotStreamError("it has no column of times, or holds several recordings")
        dtype = schema[self._names["time"]]
        naive = isinstance(dtype, pl.Datetime) and dtype.time_zone is None and options.timezone is not None
        if naive or not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, pl.Datetime)):
            raise CannotStreamError("its times must be looked at together")
        with parquet_errors(path) as plain:
            self._rows = pl.scan_parquet(plain, glob=False).select(pl.len()).collect().item()
        if self._rows == 0:
            raise CannotStreamError("it is empty")
        self._at_rest: AtRest | None = None
        self._time_options = options
        self._unit: AccelerationUnit = "g"

    def found(self) -> Found:
        options, path = self._options, self._path
        first = self._frame(0, min(self._rows, ROWS_AT_ONCE))
        if first["time"].dtype.is_numeric() and options.time_unit is None:
            times = first["time"].drop_nulls().to_numpy()
            unit = time_unit(times) if len(times) > 1 and (times[1:] >= times[:-1]).all() else None
            if unit is None:
                raise CannotStreamError("the unit of its times must be looked for in all of them")
            self._time_options = replace(options, time_unit=unit)
        clock = self._read_clock(first["time"])
        self._unit, _ = unit_or_whole(path, magnitude_at_rest(self._signals(first)[:, :3]), options)
        quality = Quality(acceleration_unit=self._unit, time_unit=clock.unit, notes=tuple(clock.notes))

        def concluded() -> Quality:
            unit, notes = unit_or_whole(path, (self._at_rest or AtRest()).magnitude(), options)
            if unit != self._unit:
                raise CannotStreamError("its beginning seems to be in another unit than the rest")
            return replace(quality, notes=(*clock.notes, *notes))

        return Found(
            pieces=self._pieces,
            channels=channels_of(self._columns.numeric()),
            subject=self._subject(),
            source=str(path),
            timezone=options.timezone or "UTC",
            quality=quality,
            concluded=concluded,
        )

    def _pieces(self) -> Iterator[Samples]:
        at_rest = AtRest()
        for first in range(0, self._rows, ROWS_AT_ONCE):
            count = min(ROWS_AT_ONCE, self._rows - first)
            frame = self._frame(first, count)
            if frame.height != count or frame["time"].null_count():
                raise CannotStreamError("some rows have no time")
            clock = self._read_clock(frame["time"])
            if clock.present is not None:
                raise CannotStreamError("some rows have no time")
            signals = self._signals(frame)
            if self._at_rest is None:
                at_rest.push(signals[:, :3])
            if self._unit != "g":
                with np.errstate(invalid="ignore", over="ignore"):  # bytes that were flipped may be any number
                    signals[:, :3] *= np.float32(G_PER_UNIT[self._unit])
            yield Samples(clock.time_ns, signals, np.full(count, UNLABELLED, np.int16), np.ones(count, dtype=bool))
        self._at_rest = self._at_rest or at_rest

    def _signals(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        return signals_of(frame, self._columns.numeric())

    def _frame(self, first: int, count: int) -> pl.DataFrame:
        columns = [pl.col(name).alias(role) for role, name in self._names.items()]
        with parquet_errors(self._path) as plain:
            return pl.scan_parquet(plain, glob=False).slice(first, count).select(columns).collect()

    def _subject(self) -> str:
        said = self._options.subject
        if self._subject_name is None:
            return said or stem(self._path)
        with parquet_errors(self._path) as plain:
            column = pl.scan_parquet(plain, glob=False).select(pl.col(self._subject_name).unique()).collect()
        people = {str(name).strip() for name in column.to_series().drop_nulls().to_list()}
        if len(people) != 1 or said not in (None, *people):
            raise CannotStreamError("it may hold several people")
        return next(iter(people))

    def _read_clock(self, time: pl.Series) -> Clock:
        try:
            return nanoseconds(self._path, time, self._time_options, lambda row: f"row {row + 1}")
        except HarkenError as error:
            raise CannotStreamError("its times must be looked at together") from error


def unit_or_whole(path: Path, at_rest: float, options: TableOptions) -> tuple[AccelerationUnit, list[str]]:
    """As ``unit_and_notes``.

    Raises:
        CannotStreamError: where that refuses.
    """
    try:
        return unit_and_notes(path, at_rest, options)
    except HarkenError as error:
        raise CannotStreamError("the unit must be looked for in all of it") from error
