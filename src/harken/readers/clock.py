"""A column of times, numeric or text, with a zone or without -> nanoseconds since 1970 in UTC."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.errors import HarkenError
from harken.readers.options import TableOptions
from harken.readers.units import NS_PER_UNIT, time_unit

__all__ = ["Clock", "check_timezone", "nanoseconds"]

Clock = tuple[NDArray[np.int64], NDArray[np.bool_], str, list[str]]
"""Times in ns ``[n]``, which rows have one ``[n]``, the unit they were in, and notes for the user."""

EARLIEST_DATE_NS = 10**17  # March 1973: an earlier clock has no date, it counts from its own start
HALF_AN_HOUR_NS = 30 * 60 * 10**9


def check_timezone(name: str) -> None:
    """Raise a HarkenError when ``name`` is not a zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise HarkenError(f"there is no time zone {name!r}; zones look like Europe/Athens or UTC") from error


def nanoseconds(path: Path, column: pl.Series, options: TableOptions) -> Clock:
    """Read a column of times.

    Raises:
        HarkenError: when the unit of numbers cannot be recognised, or text is not a time.
    """
    if column.dtype.is_temporal():
        return _from_datetimes(path, column, options)
    if column.dtype.is_numeric():
        return _from_numbers(path, column, options)
    return _from_text(path, column.cast(pl.String), options)


def _from_numbers(path: Path, column: pl.Series, options: TableOptions) -> Clock:
    if column.dtype.is_float():
        column = column.set(column.is_nan() | column.is_infinite(), None)
    present = column.is_not_null().to_numpy()
    if not present.any():
        raise HarkenError(f"{path}: no row has a time; --rate HZ numbers the rows instead")
    values = column.fill_null(0).to_numpy()
    known = values if present.all() else values[present]
    unit = options.time_unit or time_unit(known)
    if unit is None:
        raise HarkenError(
            f"{path}: cannot tell the unit of times that look like {known[0]:g}; "
            "say it with --time-unit s, ms, us or ns"
        )
    factor = NS_PER_UNIT[unit]
    largest = float(np.abs(known).max()) * factor
    if largest >= 2**63:
        raise HarkenError(f"{path}: times as large as {np.abs(known).max():g} {unit} are beyond the year 2262")
    if column.dtype.is_integer():
        time_ns = values.astype(np.int64) * factor
    else:
        # Whole and fractional part apart: seconds since 1970 times 1e9 in one product would lose 100 ns.
        whole = np.floor(values)
        time_ns = whole.astype(np.int64) * factor + np.rint((values - whole) * factor).astype(np.int64)
    notes = []
    if largest < EARLIEST_DATE_NS:
        notes.append("The clock has no date: it is shown as if it had started at the beginning of 1970.")
    return time_ns, present, unit, notes


def _from_text(path: Path, column: pl.Series, options: TableOptions) -> Clock:
    column = column.str.strip_chars()
    column = column.set(column == "", None)
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() == column.null_count() and options.time_format is None:
        whole = column.cast(pl.Int64, strict=False)
        return _from_numbers(path, whole if whole.null_count() == column.null_count() else numbers, options)
    first_written = column.drop_nulls()
    zoned = bool(first_written.head(1).str.contains(r"(Z|[+-]\d\d:?\d\d)$").any())
    text = column.str.replace(r"Z$", "+00:00") if zoned and options.time_format is None else column
    parsed: pl.Series | None = None
    for pattern in [options.time_format] if options.time_format else _patterns(zoned):
        try:
            attempt = text.str.to_datetime(pattern, time_unit="ns", strict=False)
        except pl.exceptions.PolarsError:
            continue
        if parsed is None or attempt.null_count() < parsed.null_count():
            parsed = attempt
        if parsed.null_count() == column.null_count():
            break
    if parsed is None or parsed.null_count() > column.null_count():
        bad = (column.is_not_null() & parsed.is_null()).arg_max() if parsed is not None else 0
        raise HarkenError(
            f"{path}: row {(bad or 0) + 1} of the data: {column[bad or 0]!r} is not a time harken knows; "
            "describe the form with --time-format, for example '%d/%m/%Y %H:%M:%S%.f'"
        )
    return _from_datetimes(path, parsed, options)


def _patterns(zoned: bool) -> list[str]:
    zone = "%z" if zoned else ""
    return [f"%Y{d}%m{d}%d{t}%H:%M:%S{f}{zone}" for d in "-/" for t in "T " for f in ("%.f", "")]


def _from_datetimes(path: Path, column: pl.Series, options: TableOptions) -> Clock:
    if column.dtype == pl.Date:
        raise HarkenError(f"{path}: the time column holds dates without a time of day")
    if not isinstance(column.dtype, pl.Datetime):
        raise HarkenError(f"{path}: the time column holds {column.dtype}; a date and a time of day are needed")
    present = column.is_not_null().to_numpy()
    if not present.any():
        raise HarkenError(f"{path}: no row has a time; --rate HZ numbers the rows instead")
    notes = []
    if column.dtype.time_zone is not None:
        instants = column.dt.convert_time_zone("UTC")
    elif options.timezone is None:
        instants = column
        notes.append("Times carry no zone and are taken as UTC; --timezone says where the wearer lived.")
    else:
        instants = _in_zone(path, column, options.timezone)
    time_ns = instants.cast(pl.Datetime("ns", instants.dtype.time_zone)).to_physical().fill_null(0).to_numpy()  # type: ignore[attr-defined]
    return time_ns.astype(np.int64), present, "date", notes


def _in_zone(path: Path, column: pl.Series, timezone: str) -> pl.Series:
    """Local wall-clock times of a zone -> instants, right on both change days.

    An hour that the clock ran through twice is told apart by the jump back between its two passes: rows
    before it are the first pass, rows after it the second. Where a stretch shows no jump, it is the first.
    """
    missing_hour = column.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    lost = missing_hour.is_null() & column.is_not_null()
    if lost.any():
        row = lost.arg_max() or 0
        raise HarkenError(
            f"{path}: row {row + 1} of the data: {column[row]} does not exist in {timezone}: the clock was put "
            "forward over it. Is the zone right? A watch that kept one time throughout wants a fixed zone "
            "such as Etc/GMT-2 (two hours east of Greenwich)"
        )
    later = column.dt.replace_time_zone(timezone, ambiguous="latest", non_existent="null")
    ambiguous = (missing_hour != later).fill_null(False).to_numpy()
    if not ambiguous.any():
        return missing_hour
    local = column.cast(pl.Datetime("ns")).to_physical().fill_null(strategy="forward").fill_null(0).to_numpy()
    jumped_back = np.concatenate([[False], np.diff(local) < -HALF_AN_HOUR_NS])
    # Count the jumps since the ambiguous stretch began; the row that ends the first pass is itself ambiguous.
    stretch_start = ambiguous & ~np.concatenate([[False], ambiguous[:-1]])
    jumps = np.cumsum(jumped_back & ~stretch_start)
    at_start = np.maximum.accumulate(np.where(stretch_start, jumps, 0))
    second_pass = ambiguous & (jumps > at_start)
    return pl.select(pl.when(pl.Series(second_pass)).then(later).otherwise(missing_hour)).to_series()
