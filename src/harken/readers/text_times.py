"""Columns of times that are text, converted to datetimes by one pattern for all rows."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from harken.support.date_forms import chrono_patterns, match_time
from harken.support.errors import HarkenError
from harken.support.text_rows import CLOCK, YEARS

EXAMPLE = "'%d.%m.%Y %H:%M:%S%.f'"
INSTEAD = "or number the rows with --rate HZ instead of reading their times"
FRACTION = "%.f"
"""chrono's specifier for a fraction of a second with its point. Python has ``.%f``."""
PYTHONS_FRACTION = re.compile(r"(?<!%)((?:%%)*)[.,]%f")
NANOSECONDS = re.compile(r"(?<!%)(?:%%)*%f")
"""chrono reads digits after ``%f`` as a number of nanoseconds, so that ,500 would be 500 ns."""
DECIMAL_COMMA = r"([:.][0-9][0-9]?),([0-9])"
ROWS_LOOKED_AT = 1_000
"""A decimal comma is looked for in so many times."""
CLOCK_ALONE = re.compile(CLOCK, re.ASCII)
SHORT_YEAR = re.compile(r"(\d{1,2}[./]\d{1,2}[./])(\d\d)(?!\d)", re.ASCII)


class TimeForm(NamedTuple):
    """How the times of a column are written.

    Attributes:
        pattern: the pattern of chrono that reads them.
        first: the first time of the column, which has this form.
        decimal_comma: whether a comma is before the fraction of a second; the pattern has a point.
        zone_name: whether they end in UTC or GMT; the pattern has Z.
        stated: the user's pattern; None if the form was recognised.
    """

    pattern: str
    first: str
    decimal_comma: bool = False
    zone_name: bool = False
    stated: str | None = None


def recognise_time_form(
    path: Path, written: pl.Series, time_format: str | None, where: Callable[[int], str]
) -> TimeForm:
    """Recognise the form of the first time in a column. All others must have it.

    Args:
        path: the file, for messages.
        written: the column, or its beginning; at least one row is not null.
        time_format: the user's pattern; None: the form is recognised.
        where: a function of a row number that returns the position of the row in the file.

    Raises:
        HarkenError: for a form that is unknown or ambiguous.
    """
    first_row = int(written.is_not_null().arg_true()[0])
    first = written[first_row]
    if time_format is None:
        form = _recognise_form(path, where(first_row), first)
    else:
        form = TimeForm(_chrono_pattern(time_format), first, stated=time_format)
    beginning = written.slice(first_row, ROWS_LOOKED_AT)  # the first time may have no fraction
    has_comma = bool(beginning.str.contains(DECIMAL_COMMA).any())
    return form._replace(decimal_comma=FRACTION in form.pattern and has_comma)


def parse_time_text(path: Path, written: pl.Series, form: TimeForm, where: Callable[[int], str]) -> pl.Series:
    """Convert text to datetimes. ``path``, ``written`` and ``where``: as for ``recognise_time_form``.

    Raises:
        HarkenError: for a pattern that is not one of times, and for the first time that does not have the form.
    """
    column = written
    if form.decimal_comma:
        column = column.str.replace(DECIMAL_COMMA, "${1}.${2}")
    if form.zone_name:
        column = column.str.replace(r" ?(UTC|GMT)$", "Z")
    try:
        read = column.str.to_datetime(form.pattern, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        raise HarkenError(f"--time-format {form.stated!r} is not a pattern for times", path=path) from error
    failed = (read.is_null() & written.is_not_null()).arg_true()
    if len(failed):
        row = int(failed[0])
        raise HarkenError(_explain_misfit(written[row], form.first, form.stated), path=path, place=where(row))
    in_range = read.dt.year().is_between(YEARS[0], YEARS[-1]).all()
    if in_range and column.str.contains(r"\.\d{7}").any():
        read = column.str.to_datetime(form.pattern, time_unit="ns", strict=False)
    return read


def _recognise_form(path: Path, place: str, text: str) -> TimeForm:
    """Return the form of a time, or raise a HarkenError."""
    match = match_time(text)
    if match is None or match["second"] is None:
        raise HarkenError(_explain_unknown_form(text), path=path, place=place)
    patterns = chrono_patterns(match)
    if len(patterns) > 1:
        raise HarkenError(
            f"{text!r} may begin with the day or with the month; {_offer(patterns)}", path=path, place=place
        )
    if not patterns:
        raise HarkenError(_explain_unknown_form(text), path=path, place=place)
    return TimeForm(patterns[0], text, zone_name=match["zone"] in ("UTC", "GMT"))


def _chrono_pattern(time_format: str) -> str:
    """Return the user's pattern with Python's fraction of a second, as in ``%S.%f`` or ``%S,%f``, as chrono's."""
    pattern = PYTHONS_FRACTION.sub(rf"\1{FRACTION}", time_format)
    if NANOSECONDS.search(pattern):
        raise HarkenError(
            f"--time-format {time_format!r}: %f alone is not a fraction of a second; write {FRACTION} for a fraction "
            "with its point or comma, as in '%H:%M:%S%.f', or %3f for one of three digits"
        )
    return pattern


def _explain_misfit(text: str, first: str, time_format: str | None) -> str:
    """Explain why a time does not have the form of the column."""
    if time_format is None:
        return f"{text!r} is not written like the first time, {first!r}; correct it"
    if CLOCK_ALONE.fullmatch(text):
        return _explain_unknown_form(text)
    misfit = f"{text!r} is not a time in the form {time_format!r}"
    match = match_time(text)
    if match is None or match["second"] is None:
        return misfit
    patterns = chrono_patterns(match)
    if len(patterns) > 1:
        return f"{misfit}; {_offer(patterns)}"
    return f"{misfit}; it is read without --time-format" if patterns else misfit


def _explain_unknown_form(text: str) -> str:
    if CLOCK_ALONE.fullmatch(text):
        return f"{text!r} has no date; add the date, {INSTEAD}"
    if SHORT_YEAR.match(text):
        match = match_time(SHORT_YEAR.sub(r"\g<1>20\2", text, count=1))
        if match is not None and match["second"] is not None and chrono_patterns(match):
            patterns = [pattern.replace("%Y", "%y") for pattern in chrono_patterns(match)]
            offer = _offer(patterns) if len(patterns) > 1 else f"give --time-format '{patterns[0]}'"
            return f"{text!r} has a year of two digits; {offer}"
    if match_time(text + ":00") is not None:
        return f"{text!r} has no seconds; save the table with times such as '{text}:00.000', {INSTEAD}"
    return f"{text!r} is not a time in a known form; describe the form with --time-format, for example {EXAMPLE}"


def _offer(patterns: list[str]) -> str:
    day_first, month_first = patterns
    return f"give --time-format '{day_first}' if the day is first, or '{month_first}' if the month is"
