"""Dates and times as people and programs write them, in label files and in tables of samples."""

import re
from contextlib import suppress
from datetime import date

from harken.support.text_rows import CLOCK

ISO_DATE = r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})"
DAY_FIRST = r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"
SLASHES = r"(?P<day>\d{1,2})(?P<slash>/)(?P<month>\d{1,2})/(?P<year>\d{4})"
NAMED = r"(?P<day>\d{1,2})[. -] ?(?P<month>[A-Za-z]{3,9})\.?[ -](?P<year>\d{4})"
NAME_FIRST = r"(?P<month>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})"
DATE_FORMS = (ISO_DATE, DAY_FIRST, SLASHES, NAMED, NAME_FIRST)
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|(?P<sign>[+-])(?P<zone_hour>\d\d)(?::?(?P<zone_minute>\d\d))?))?"
DATES = [re.compile(form, re.ASCII) for form in DATE_FORMS]
TIMES = [re.compile(rf"{form}(?:T|,? ) ?{CLOCK}{ZONE}", re.ASCII) for form in DATE_FORMS]
REST_OF_HALF = re.compile(r"\.?[Mm]\.?")
"""What follows the a or p of am and pm."""
SPECIFIERS = {
    "year": "%Y",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S%.f",
    "fraction": "",
    "half": "%p",
    "zone": "%#z",
}
"""The specifiers of chrono, by the groups of ``TIMES``. ``%.f`` also reads seconds without a fraction."""


def match_time(text: str) -> re.Match[str] | None:
    """Match text that is a date with a time; None for other text. The date may be one that no calendar has."""
    for form in TIMES:
        match = form.fullmatch(text)
        if match is not None:
            return match
    return None


def possible_dates(match: re.Match[str]) -> list[date]:
    """Return the dates that may be meant, sorted: two if day and month, with slashes, may be the other way round."""
    return sorted(set(_dates_by_order(match).values()))


def chrono_patterns(match: re.Match[str]) -> list[str]:
    """Return chrono's patterns that read times in this form: first the one in which the day is before the month, if
    both are possible, as in 05/05/2024."""
    return [_pattern(match, *order) for order in _dates_by_order(match)]


def _dates_by_order(match: re.Match[str]) -> dict[tuple[str, str], date]:
    """Return the possible dates by the groups that are their day and their month."""
    orders = [("day", "month")]
    if match.groupdict().get("slash"):
        orders.append(("month", "day"))
    dates = {}
    for day, month in orders:
        with suppress(ValueError):
            dates[day, month] = date(int(match["year"]), _month_number(match[month]), int(match[day]))
    return dates


def _month_number(text: str) -> int:
    """Return the number of a month, given as a number or by the beginning of its name; 0 for other text."""
    if text.isdecimal():
        return int(text)
    names = [number for number, name in enumerate(MONTHS, 1) if name.startswith(text.lower())]
    return names[0] if names else 0


def _pattern(match: re.Match[str], day: str, month: str) -> str:
    specifiers = SPECIFIERS | {day: "%d", month: "%m" if match[month].isdecimal() else "%B"}
    if match["half"]:
        specifiers["hour"] = "%I"
    groups = sorted((match.span(group), group) for group in specifiers if match[group] is not None)
    pattern, end = "", 0
    for (start, group_end), group in groups:
        literal = "" if group == "fraction" else match.string[end:start]
        pattern += literal + specifiers[group]
        end = group_end
        if group == "half":
            rest = REST_OF_HALF.match(match.string, end)
            end = rest.end() if rest is not None else end
    return pattern + match.string[end:]
