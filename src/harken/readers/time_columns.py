"""Columns of times, numeric or text, with or without time zone, as nanoseconds since 1970 in UTC."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from harken.readers.options import TableOptions, TimeUnit
from harken.readers.text_times import TimeForm, parse_time_text, recognise_time_form
from harken.readers.units import NS_PER_UNIT, time_unit, unit_of_rising_times
from harken.recordings.mending import EARLIEST_NS, LATEST_NS, SET_BACK_NS
from harken.recordings.recording import READ_AS_UTC
from harken.support.arrays import BoolArray, Float64Array, Int64Array, runs_of_true
from harken.support.errors import HarkenError

EARLIEST_DATE_NS = 10**17  # March 1973: clocks with earlier times have no date and count from their start
NO_TIMES = ("", "null", "nan", "none", "na", "n/a")
NO_DATE = "The times have no date; the recording is shown as if it started at the beginning of 1970."
DATES = "date"
"""The unit of times that are dates."""

Where = Callable[[int], str]
"""A function of a row number of the column. It returns the position of the row in the file, as text."""
Numbers = Int64Array | Float64Array


@dataclass(frozen=True)
class TimeColumn:
    """A converted column of times.

    Attributes:
        time_ns: times in ns ``[n]``.
        timed: which rows have a time, bool ``[n]``.
        unit: the unit in the file.
        notes: sentences for the user.
    """

    time_ns: Int64Array
    timed: BoolArray
    unit: str
    notes: list[str]


class StatedTimes(NamedTuple):
    """Times as a piece of a column states them.

    Attributes:
        values: the numbers in the column, or of dates the ns since 1970 in UTC, ``[n]``; 0 for a missing time.
        timed: which rows have a time, bool ``[n]``.
        last_local_ns: the last time before its conversion from a local time; None if it was none.
        ends_in_repeated_hour: whether the last time may have occurred twice (end of daylight saving). Which of the two
            it is may depend on the rows after it.
    """

    values: Numbers
    timed: BoolArray
    last_local_ns: int | None = None
    ends_in_repeated_hour: bool = False


def nanoseconds(path: Path, column: pl.Series, options: TableOptions, where: Where) -> TimeColumn:
    """Read a whole column of times.

    Raises:
        HarkenError: as ``TimeSurvey``.
    """
    survey = TimeSurvey(path, options)
    stated = survey.read(column, where)
    survey.settle(lambda: stated.values[stated.timed])
    if not survey.are_in_range:
        survey.read(column, where)  # raises the error, now that the unit is known
    return TimeColumn(survey.nanoseconds(stated.values), stated.timed, survey.unit, survey.notes)


def numbered_ns(first: int, count: int, rate_hz: float) -> Int64Array:
    """Times of ``count`` samples at an even rate, from number ``first`` on, in ns after sample 0, int64 ``[count]``."""
    return np.asarray(np.rint(np.arange(first, first + count) * (1e9 / rate_hz)).astype(np.int64))


class TimeSurvey:
    """Finds how a column of times is written, while its pieces are read in the order of the file.

    The first piece with a time settles whether times are numbers or dates, and the form of dates. It must have more
    than ``units.STEPS_LOOKED_AT`` rows, or be the whole column. The unit of numbers may depend on all of them.

    Args:
        path: the file.
        options: the user's options.

    Attributes:
        unit: the unit of the times, ``date`` for dates; empty before it is known.
    """

    def __init__(self, path: Path, options: TableOptions) -> None:
        self.unit: TimeUnit | str = ""
        self._path, self._options = path, options
        self._numeric: bool | None = None
        self._form: TimeForm | None = None
        self._notes: set[str] = set()
        self._least = self._most = 0.0

    def read(self, column: pl.Series, where: Where, before_ns: int | None = None) -> StatedTimes:
        """Read the next piece of the column, or one again.

        Args:
            column: the piece.
            where: a function of a row number of the piece.
            before_ns: ``last_local_ns`` of the piece before; None: there is none.

        Raises:
            HarkenError: when text is not a time, or a time is outside the years 1970 to 2099.
        """
        column = _without_words(column)
        if column.null_count() == len(column):
            return StatedTimes(np.zeros(len(column), np.int64), np.zeros(len(column), bool))
        if column.dtype.is_temporal():
            return self._read_dates(column, where, before_ns)
        if column.dtype.is_numeric():
            return self._read_numbers(column, where)
        return self._read_text(column, where, before_ns)

    def settle(self, all_times: Callable[[], Numbers]) -> None:
        """Settle the unit, after all pieces were read.

        Args:
            all_times: returns the ``values`` of all pieces, without missing times.

        Raises:
            HarkenError: when there is no time, or the unit of numbers cannot be recognised.
        """
        if self._numeric is None:
            raise HarkenError("no row has a time; number the rows with --rate HZ", path=self._path)
        if self.unit:
            return
        times = all_times()
        unit = time_unit(times)
        if unit is None:
            raise HarkenError(
                f"the unit of times such as {times[0]:g} is not known; give it with --time-unit s, ms, us or ns",
                path=self._path,
            )
        self.unit = unit

    @property
    def notes(self) -> list[str]:
        """Sentences for the user, once the times are settled."""
        if self._numeric and max(-self._least, self._most) * self._factor < EARLIEST_DATE_NS:
            return [NO_DATE]
        return sorted(self._notes)

    @property
    def are_in_range(self) -> bool:
        """Whether all numbers that were read are times from 1970 to 2099, once their unit is settled. If not,
        ``read`` refuses the first one that is not."""
        if not self._numeric:
            return True
        return self._least * self._factor >= EARLIEST_NS and self._most * self._factor < LATEST_NS

    def nanoseconds(self, values: Numbers) -> Int64Array:
        """Convert the ``values`` of a piece, once the times are settled."""
        if not self._numeric:
            return np.asarray(values, np.int64)
        factor = self._factor
        if np.issubdtype(values.dtype, np.integer):
            time_ns = values.astype(np.int64, copy=factor != 1)
            if factor != 1:
                time_ns *= factor
            return time_ns
        # Whole and fractional part separately: one product of seconds since 1970 and 1e9 has errors of about 100 ns.
        whole = np.floor(values)
        fraction = np.rint((values - whole) * factor).astype(np.int64)
        return np.asarray(whole.astype(np.int64) * factor + fraction)

    @property
    def _factor(self) -> int:
        return NS_PER_UNIT[self.unit]  # type: ignore[index]  # numbers have one of these units

    def _read_text(self, column: pl.Series, where: Where, before_ns: int | None) -> StatedTimes:
        if self._numeric is None and self._options.time_format is None:
            numbers = column.cast(pl.Float64, strict=False)
            written = len(column) - column.null_count()
            if len(column) - numbers.null_count() > written // 2:
                return self._read_written_numbers(column, where)
        if self._numeric:
            return self._read_written_numbers(column, where)
        if self._form is None:
            self._form = recognise_time_form(self._path, column, self._options.time_format, where)
        dates = parse_time_text(self._path, column, self._form, where)
        return self._read_dates(dates, where, before_ns, written=column)

    def _read_written_numbers(self, column: pl.Series, where: Where) -> StatedTimes:
        numbers = column.cast(pl.Float64, strict=False)
        failed = (numbers.is_null() & column.is_not_null()).arg_true()
        if len(failed):
            row = int(failed[0])
            raise HarkenError(
                f"{column[row]!r} is not a number, as the other times are", path=self._path, place=where(row)
            )
        whole = column.cast(pl.Int64, strict=False)
        all_whole = whole.null_count() == column.null_count()
        return self._read_numbers(whole if all_whole else _without_words(numbers), where)

    def _read_numbers(self, column: pl.Series, where: Where) -> StatedTimes:
        timed = column.is_not_null().to_numpy()
        values = column.fill_null(0).to_numpy()
        known = values if timed.all() else values[timed]
        if not len(known):
            return StatedTimes(values, timed)
        if self._numeric is None:
            self._numeric = True
            self.unit = self._options.time_unit or unit_of_rising_times(known) or ""
            self._least, self._most = float(known.min()), float(known.max())
        self._least = min(self._least, float(known.min()))
        self._most = max(self._most, float(known.max()))
        if self.unit and not self.are_in_range:
            factor = self._factor
            outside = (values < EARLIEST_NS // factor) | (values >= LATEST_NS // factor)
            if outside.any():
                row = int(np.flatnonzero(outside)[0])
                raise _outside_error(self._path, where(row), f"{values[row]:.17g} {self.unit} since 1970")
        return StatedTimes(values, timed)

    def _read_dates(
        self, column: pl.Series, where: Where, before_ns: int | None, *, written: pl.Series | None = None
    ) -> StatedTimes:
        """Convert datetimes. ``written`` is the text that they were read from, if the file has text."""
        self._numeric, self.unit = False, DATES
        path, options, declared = self._path, self._options, column.dtype
        if not isinstance(declared, pl.Datetime):
            raise HarkenError(f"the time column contains {declared}; a date and a time of day are needed", path=path)
        outside = _outside(column).arg_true()
        may_be_declared_wrongly = len(outside) > 0 and written is None
        if may_be_declared_wrongly and options.time_unit in ("ms", "us", "ns"):
            column = column.to_physical().cast(pl.Datetime(options.time_unit, declared.time_zone))
            outside = _outside(column).arg_true()
        if len(outside):
            row = int(outside[0])
            time = _format_any_year(column, row) if written is None else written[row]
            raise _outside_error(path, where(row), time)
        timed = column.is_not_null().to_numpy()
        if declared.time_zone is not None:
            return StatedTimes(_physical_ns(column.dt.convert_time_zone("UTC")), timed)
        if options.timezone is None:
            self._notes.add(READ_AS_UTC)
            return StatedTimes(_physical_ns(column), timed)
        instants, ends_in_repeated_hour = self._in_zone(column, options.timezone, where, before_ns)
        last_local_ns = int(_physical_ns(column.drop_nulls().tail(1))[0])
        return StatedTimes(_physical_ns(instants), timed, last_local_ns, ends_in_repeated_hour)

    def _in_zone(self, column: pl.Series, timezone: str, where: Where, before_ns: int | None) -> tuple[pl.Series, bool]:
        """Convert local times of a time zone to UTC, including the days when daylight saving begins and ends; and
        ``StatedTimes.ends_in_repeated_hour``.

        In a repeated hour, rows before the jump back of the clock belong to the first pass, and rows after it to the
        second. If there is no jump, only one of the passes was recorded. The missing pass is assumed on the side with
        the longer step between rows. It is usually before a recording that begins in the second pass, or after one
        that ends in the first.
        """
        earliest = column.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
        lost = (earliest.is_null() & column.is_not_null()).arg_true()
        if len(lost):
            row = int(lost[0])
            raise HarkenError(
                f"{column[row]} does not exist in {timezone}, because clocks were put "
                "forward at this time. Is the zone right? For a watch whose clock was not changed for summer "
                "time, give a fixed zone such as Etc/GMT-2 (two hours east of Greenwich)",
                path=self._path,
                place=where(row),
            )
        latest = column.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
        ambiguous = (earliest != latest).fill_null(False).to_numpy()
        if not ambiguous.any():
            return earliest, False
        rows = np.flatnonzero(column.is_not_null().to_numpy())  # rows without a time are ignored
        second_pass = np.zeros(len(column), bool)
        second_pass[rows] = _second_pass(_physical_ns(column.drop_nulls()), ambiguous[rows], before_ns)
        instants = pl.select(pl.when(pl.Series(second_pass)).then(latest).otherwise(earliest)).to_series()
        return instants, bool(ambiguous[rows[-1]])


def find_missing(column: pl.Series) -> Int64Array:
    """Find the rows of a column of times that have no time."""
    return _without_words(column).is_null().arg_true().to_numpy()


def _without_words(column: pl.Series) -> pl.Series:
    """Replace the words and numbers that stand for a missing time."""
    if not (column.dtype.is_temporal() or column.dtype.is_numeric()):
        column = column.cast(pl.String).str.strip_chars()
        return column.set(column.str.to_lowercase().is_in(NO_TIMES), None)
    if column.dtype.is_numeric() and not column.dtype.is_integer():
        column = column.cast(pl.Float64)
        return column.set(column.is_nan() | column.is_infinite(), None)
    return column


def _physical_ns(column: pl.Series) -> Int64Array:
    """Nanoseconds since 1970 of datetimes; 0 for a missing one."""
    return column.dt.cast_time_unit("ns").to_physical().fill_null(0).to_numpy().astype(np.int64, copy=False)


def _outside(column: pl.Series) -> pl.Series:
    """Which of these datetimes lie outside 1970 to 2099; null for missing datetimes."""
    ns = NS_PER_UNIT[column.dtype.time_unit]  # type: ignore[attr-defined]
    return ~column.to_physical().is_between(EARLIEST_NS // ns, LATEST_NS // ns, closed="left")


def _outside_error(path: Path, place: str, time: str) -> HarkenError:
    return HarkenError(
        f"the time {time} is not between 1970 and 2100; give the column or the unit of times with "
        "--time-column or --time-unit, or number the rows with --rate HZ instead of reading their times",
        path=path,
        place=place,
    )


def _format_any_year(column: pl.Series, row: int) -> str:
    """Format the datetime of a row. Neither polars nor Python can do this for years above 9999."""
    number = column.to_physical()[row]
    unit: TimeUnit = column.dtype.time_unit  # type: ignore[attr-defined]
    seconds = np.datetime64(number, unit).astype("datetime64[s]")
    return f"{str(seconds).replace('T', ' ')} ({number} {unit} since 1970)"


def _second_pass(local_ns: Int64Array, ambiguous: BoolArray, before_ns: int | None) -> BoolArray:
    """Which of the ``ambiguous`` rows belong to the second pass of the repeated hour, bool ``[n]``. ``before_ns`` is
    the local time before the first row."""
    second = np.zeros(len(local_ns), bool)
    for first, end in runs_of_true(ambiguous):
        jumps = np.flatnonzero(np.diff(local_ns[first:end]) < -SET_BACK_NS)
        if len(jumps):
            second[first + jumps[0] + 1 : end] = True
            continue
        previous_ns = local_ns[first - 1] if first > 0 else before_ns
        before = np.inf if previous_ns is None else local_ns[first] - previous_ns
        after = local_ns[end] - local_ns[end - 1] if end < len(local_ns) else np.inf
        second[first:end] = after < before
    return second
