"""Units and times of tables.

Units are recognised from two facts: gravity is 1 g, and wrists are sampled at 5 to 400 Hz. Columns of times, numeric or
text, with or without time zone, are converted to nanoseconds since 1970 in UTC.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from harken.readers.options import AccelerationUnit, TableOptions, TimeUnit
from harken.readers.text_times import parse_time_text
from harken.recordings.mending import EARLIEST_NS, LATEST_NS, SET_BACK_NS
from harken.recordings.recording import READ_AS_UTC, STANDARD_GRAVITY
from harken.support.arrays import BoolArray, Float32Array, Float64Array, Int64Array, finite_rows, runs_of_true
from harken.support.errors import HarkenError

NS_PER_UNIT: dict[TimeUnit, int] = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
UNITS_PER_G: dict[AccelerationUnit, float] = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "g/64": 64.0, "mg": 1000.0}
G_PER_UNIT: dict[AccelerationUnit, float] = {unit: 1 / size for unit, size in UNITS_PER_G.items()}

AXES_REVERSED = "The signs of all three axes of acceleration were reversed, as stated."
"""The note of a recording whose gravity was stated to have the opposite sign."""

UNIT_TOLERANCE = 1.35
"""The tolerance of gravity measured at rest, as a factor, including offset and gain errors."""
MOVEMENT_RANGE = (0.5, 2.5)
"""The range of ``AtRest.magnitude`` of a wearer who never rests, in g. In 79 recordings of nothing but running, of
selfBACK and WISDM, it is .74 to 1.93 g."""
STEADY_RANGE = (0.5, 1.7)
"""The range of gravity as ``AtRest.steady`` in a recording without rest, in g: .56 to 1.59 g in the same recordings."""
LEAST_STEADY_SHARE = 1 / 3
"""The least share of gravity, as ``AtRest.steady``, in the magnitude at rest: .36 in the same recordings. Without
gravity the share is at most .29, also in walking."""
BLOCK_ROWS = 32
STEADY_BLOCKS = 8
MOST_BLOCKS = 40_000
ROWS_AT_ONCE = BLOCK_ROWS << 14

EPOCHS: tuple[tuple[float, TimeUnit], ...] = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
"""Times since 1970 of at least this size are in this unit. This holds from 1973 on, for the next 3,000 years."""
STEPS_LOOKED_AT = 100_000
PLAUSIBLE_RATES_HZ = (5.0, 400.0)


def time_unit(times: Float64Array | Int64Array) -> TimeUnit | None:
    """The unit of numeric times ``[n]``: by their steps, else by their size if they count from 1970. None if unknown.

    Steps have priority because they are unambiguous: units differ by factors of 1,000, and the rates of watches (5 to
    400 Hz) by less, so at most one unit fits. The size is ambiguous: nanoseconds since the watch was switched on look
    like microseconds since 1970.
    """
    steps = np.diff(times[:STEPS_LOOKED_AT])
    if (steps < 0).any():  # rows out of order
        steps = np.diff(np.unique(times))
    steps = steps[steps > 0]
    if len(steps):
        step = float(np.median(steps))
        for unit, nanoseconds in NS_PER_UNIT.items():
            if plausible_step(step * nanoseconds):
                return unit
    size = float(np.median(np.abs(times)))
    return next((unit for smallest, unit in EPOCHS if size >= smallest), None)


def plausible_step(step_ns: float) -> bool:
    """Whether a step is a possible sampling interval of a watch, so that it determines the unit of times."""
    slowest, fastest = PLAUSIBLE_RATES_HZ
    return step_ns > 0 and slowest <= 1e9 / step_ns <= fastest


class AtRest:
    """The length of the acceleration vector in the stillest part of a recording, which arrives in pieces.

    Complete rows are divided into blocks of 32. All blocks are used, or every second, fourth and so on, so that there
    are at most 40,000, evenly spread. The result does not depend on the division into pieces.
    """

    def __init__(self) -> None:
        self._rest = np.empty((0, 3), np.float32)
        self._kept: list[Float32Array] = []  # blocks 0, stride, 2 * stride and so on
        self._stride = 1
        self._blocks = 0

    def push(self, acceleration: Float32Array) -> None:
        """Process the next samples ``[n, 3]``."""
        for first in range(0, len(acceleration), ROWS_AT_ONCE):
            self._push(acceleration[first : first + ROWS_AT_ONCE])

    def magnitude(self) -> float:
        """Return the median length of the vector in the half of the blocks with the smallest variation. NaN if no row
        is complete."""
        if self._blocks < 2:
            every = np.concatenate([*(blocks.reshape(-1, 3) for blocks in self._kept), self._rest])
            sample = np.linalg.norm(every.astype(np.float64), axis=1)
            return float(np.median(sample)) if len(sample) else math.nan
        lengths = np.linalg.norm(np.concatenate(self._kept).astype(np.float64), axis=2)
        spread = lengths.std(axis=1)
        return float(np.median(lengths[spread <= np.median(spread)]))

    def steady(self) -> float:
        """Return the median length of the mean vector over some seconds (8 blocks). A body does not get faster and
        faster, so over seconds the mean acceleration is gravity, also in running. NaN without 8 blocks."""
        if self._blocks < STEADY_BLOCKS:
            return math.nan
        means = np.concatenate(self._kept).mean(axis=1, dtype=np.float64)
        whole = len(means) // STEADY_BLOCKS * STEADY_BLOCKS
        vectors = means[:whole].reshape(-1, STEADY_BLOCKS, 3).mean(axis=1)
        return float(np.median(np.linalg.norm(vectors, axis=1)))

    def unit(self) -> AccelerationUnit | None:
        """Return the unit in which gravity is 1 g at rest, or on average if the wearer never rests; None if there is no
        such unit (for example without gravity)."""
        at_rest = self.magnitude()
        return acceleration_unit(at_rest) or _unit_without_rest(at_rest, self.steady())

    def _push(self, acceleration: Float32Array) -> None:
        finite = finite_rows(acceleration)
        if not finite.all():
            acceleration = acceleration[finite]
        acceleration = np.concatenate([self._rest, acceleration])
        blocks = len(acceleration) // BLOCK_ROWS
        self._rest = acceleration[blocks * BLOCK_ROWS :]
        whole = acceleration[: blocks * BLOCK_ROWS].reshape(blocks, BLOCK_ROWS, 3)
        self._kept.append(whole[-self._blocks % self._stride :: self._stride].copy())
        self._blocks += blocks
        while self._blocks > MOST_BLOCKS * self._stride:
            self._kept = [np.concatenate(self._kept)[::2]]
            self._stride = 2 * self._stride


def recognise_unit(acceleration: Float32Array) -> AccelerationUnit | None:
    """Return the unit of acceleration ``[n, 3]``. See ``AtRest.unit``."""
    at_rest = AtRest()
    at_rest.push(acceleration)
    return at_rest.unit()


def acceleration_unit(at_rest: float) -> AccelerationUnit | None:
    """The unit in which ``at_rest`` is one g, or None if there is no such unit (for example without gravity)."""
    for unit, size in UNITS_PER_G.items():
        if size / UNIT_TOLERANCE <= at_rest <= size * UNIT_TOLERANCE:
            return unit
    return None


def _unit_without_rest(magnitude: float, steady: float) -> AccelerationUnit | None:
    """Return the unit in which a magnitude and a steady part are those of a wearer who never rests, or None."""
    if not steady > LEAST_STEADY_SHARE * magnitude:
        return None
    for unit, size in UNITS_PER_G.items():
        moves = MOVEMENT_RANGE[0] <= magnitude / size <= MOVEMENT_RANGE[1]
        if moves and STEADY_RANGE[0] <= steady / size <= STEADY_RANGE[1]:
            return unit
    return None


EARLIEST_DATE_NS = 10**17  # March 1973: clocks with earlier times have no date and count from their start
NO_TIMES = ("", "null", "nan", "none", "na", "n/a")


@dataclass(frozen=True)
class TimeColumn:
    """A converted column of times.

    Attributes:
        time_ns: times in ns ``[n]``.
        timed: which rows have a time, bool ``[n]``.
        unit: the unit in the file.
        notes: sentences for the user.
        form: the format of text; empty for other columns. If all pieces of a column have the same format, reading them
            separately is the same as reading the whole column.
        cut: whether a repeated hour (end of daylight saving) includes the column's first or last row. Rows before or
            after may then change the result.
    """

    time_ns: Int64Array
    timed: BoolArray
    unit: str
    notes: list[str]
    form: str = ""
    cut: bool = False


Where = Callable[[int], str]
"""A function of a row number of the column. It returns the position of the row in the file, as text."""


def nanoseconds(path: Path, column: pl.Series, options: TableOptions, where: Where) -> TimeColumn:
    """Read a column of times.

    Raises:
        HarkenError: when the unit of numbers cannot be recognised, text is not a time, or a time is outside the years
            1970 to 2099.
    """
    if not (column.dtype.is_temporal() or column.dtype.is_numeric()):
        column = column.cast(pl.String).str.strip_chars()
        column = column.set(column.str.to_lowercase().is_in(NO_TIMES), None)
    elif column.dtype.is_numeric() and not column.dtype.is_integer():
        column = column.cast(pl.Float64)
        column = column.set(column.is_nan() | column.is_infinite(), None)
    if column.null_count() == len(column):
        raise HarkenError(f"{path}: no row has a time; number the rows with --rate HZ")
    if column.dtype.is_temporal():
        return _from_datetimes(path, column, options, where)
    return (_from_numbers if column.dtype.is_numeric() else _from_text)(path, column, options, where)


def numbered_ns(first: int, count: int, rate_hz: float) -> Int64Array:
    """Times of ``count`` samples at an even rate, from number ``first`` on, in ns after sample 0, int64 ``[count]``."""
    return np.asarray(np.rint(np.arange(first, first + count) * (1e9 / rate_hz)).astype(np.int64))


def _from_numbers(path: Path, column: pl.Series, options: TableOptions, where: Where) -> TimeColumn:
    timed = column.is_not_null().to_numpy()
    values = column.fill_null(0).to_numpy()
    known = values[timed]
    unit = options.time_unit or time_unit(known)
    if unit is None:
        raise HarkenError(
            f"{path}: the unit of times such as {known[0]:g} is not known; give it with --time-unit s, ms, us or ns"
        )
    factor = NS_PER_UNIT[unit]
    least = float(known.min())
    most = float(known.max())
    if least * factor < EARLIEST_NS or most * factor >= LATEST_NS:
        outside = (values < EARLIEST_NS // factor) | (values >= LATEST_NS // factor)
        row = int(np.flatnonzero(outside)[0])
        raise _outside_error(path, where(row), f"{values[row]:.17g} {unit} since 1970")
    if column.dtype.is_integer():
        time_ns = values.astype(np.int64)
        time_ns *= factor
    else:
        # Whole and fractional part separately: one product of seconds since 1970 and 1e9 has errors of about 100 ns.
        whole = np.floor(values)
        time_ns = whole.astype(np.int64) * factor + np.rint((values - whole) * factor).astype(np.int64)
    notes = []
    if max(-least, most) * factor < EARLIEST_DATE_NS:
        notes.append("The times have no date; the recording is shown as if it started at the beginning of 1970.")
    return TimeColumn(time_ns, timed, unit, notes)


def _from_text(path: Path, column: pl.Series, options: TableOptions, where: Where) -> TimeColumn:
    if options.time_format is None:
        numbers = column.cast(pl.Float64, strict=False)
        written = len(column) - column.null_count()
        if len(column) - numbers.null_count() > written // 2:
            return _from_written_numbers(path, column, numbers, options, where)
    read, form = parse_time_text(path, column, options.time_format, where)
    clock = _from_datetimes(path, read, options, where, written=column)
    return replace(clock, form=" ".join(map(str, form)))


def _from_written_numbers(
    path: Path, column: pl.Series, numbers: pl.Series, options: TableOptions, where: Where
) -> TimeColumn:
    failed = (numbers.is_null() & column.is_not_null()).arg_true()
    if len(failed):
        row = int(failed[0])
        raise HarkenError(f"{path}, {where(row)}: {column[row]!r} is not a number, as the other times are")
    whole = column.cast(pl.Int64, strict=False)
    integral = whole.null_count() == column.null_count()
    clock = nanoseconds(path, whole if integral else numbers, options, where)
    return replace(clock, form="whole numbers" if integral else "numbers")


def _outside(column: pl.Series) -> pl.Series:
    """Which of these datetimes lie outside 1970 to 2099; null for missing datetimes."""
    ns = NS_PER_UNIT[column.dtype.time_unit]  # type: ignore[attr-defined]
    return ~column.to_physical().is_between(EARLIEST_NS // ns, LATEST_NS // ns, closed="left")


def _outside_error(path: Path, place: str, time: str) -> HarkenError:
    return HarkenError(
        f"{path}, {place}: the time {time} is not between 1970 and 2100; give the column or the unit of times with "
        "--time-column or --time-unit, or number the rows with --rate HZ instead of reading their times"
    )


def _from_datetimes(
    path: Path, column: pl.Series, options: TableOptions, where: Where, *, written: pl.Series | None = None
) -> TimeColumn:
    """Convert datetimes. ``written`` is the text that they were read from, if the file has text."""
    declared = column.dtype
    if not isinstance(declared, pl.Datetime):
        raise HarkenError(f"{path}: the time column contains {declared}; a date and a time of day are needed")
    outside = _outside(column).arg_true()
    may_be_declared_wrongly = len(outside) > 0 and written is None
    if may_be_declared_wrongly and options.time_unit in ("ms", "us", "ns"):
        column = column.to_physical().cast(pl.Datetime(options.time_unit, declared.time_zone))
        outside = _outside(column).arg_true()
    if len(outside):
        row = int(outside[0])
        time = _format_any_year(column, row) if written is None else written[row]
        raise _outside_error(path, where(row), time)
    notes, cut = [], False
    if declared.time_zone is not None:
        instants = column.dt.convert_time_zone("UTC")
    elif options.timezone is None:
        instants = column
        notes.append(READ_AS_UTC)
    else:
        instants, cut = _in_zone(path, column, options.timezone, where)
    timed = column.is_not_null().to_numpy()
    time_ns = instants.dt.cast_time_unit("ns").to_physical().fill_null(0).to_numpy()
    return TimeColumn(time_ns.astype(np.int64, copy=False), timed, "date", notes, cut=cut)


def _format_any_year(column: pl.Series, row: int) -> str:
    """Format the datetime of a row. Neither polars nor Python can do this for years above 9999."""
    number = column.to_physical()[row]
    unit: TimeUnit = column.dtype.time_unit  # type: ignore[attr-defined]
    seconds = np.datetime64(number, unit).astype("datetime64[s]")
    return f"{str(seconds).replace('T', ' ')} ({number} {unit} since 1970)"


def _in_zone(path: Path, column: pl.Series, timezone: str, where: Where) -> tuple[pl.Series, bool]:
    """Convert local times of a time zone to UTC, including the days when daylight saving begins and ends; and
    ``TimeColumn.cut``.

    In a repeated hour, rows before the jump back of the clock belong to the first pass, and rows after it to the
    second. If there is no jump, only one of the passes was recorded. The missing pass is assumed on the side with the
    longer step between rows. It is usually before a recording that begins in the second pass, or after one that ends in
    the first.
    """
    earliest = column.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    lost = (earliest.is_null() & column.is_not_null()).arg_true()
    if len(lost):
        row = int(lost[0])
        raise HarkenError(
            f"{path}, {where(row)}: {column[row]} does not exist in {timezone}, because clocks were put "
            "forward at this time. Is the zone right? For a watch whose clock was not changed for summer "
            "time, give a fixed zone such as Etc/GMT-2 (two hours east of Greenwich)"
        )
    latest = column.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    ambiguous = (earliest != latest).fill_null(False).to_numpy()
    if not ambiguous.any():
        return earliest, False
    rows = np.flatnonzero(column.is_not_null().to_numpy())  # rows without a time are ignored
    local = column.drop_nulls().dt.cast_time_unit("ns").to_physical().to_numpy()
    second_pass = np.zeros(len(column), bool)
    second_pass[rows] = _second_pass(local, ambiguous[rows])
    instants = pl.select(pl.when(pl.Series(second_pass)).then(latest).otherwise(earliest)).to_series()
    return instants, bool(ambiguous[rows[0]] or ambiguous[rows[-1]])


def _second_pass(local_ns: Int64Array, ambiguous: BoolArray) -> BoolArray:
    """Which of the ``ambiguous`` rows belong to the second pass of the repeated hour, bool ``[n]``."""
    second = np.zeros(len(local_ns), bool)
    for first, end in runs_of_true(ambiguous):
        jumps = np.flatnonzero(np.diff(local_ns[first:end]) < -SET_BACK_NS)
        if len(jumps):
            second[first + jumps[0] + 1 : end] = True
        else:
            before = local_ns[first] - local_ns[first - 1] if first > 0 else np.inf
            after = local_ns[end] - local_ns[end - 1] if end < len(local_ns) else np.inf
            second[first:end] = after < before
    return second
