"""Times as people and programs write them, and the instants that they mean for a recording."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from harken.recordings.mending import EARLIEST_NS, LATEST_NS
from harken.recordings.recording import local_time
from harken.support.date_forms import DATES, SLASHES, match_time, possible_dates
from harken.support.errors import HarkenError
from harken.support.text_rows import CLOCK, hour_of

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
SLACK_NS = 60 * SECOND_NS
"""How far an interval may begin before a recording or end after it. Times on paper have minutes."""
EXAMPLES = "2024-03-09 10:05, 2024-03-09T10:05:00+01:00, 10:05, or 12.5 (seconds from the start)"
NEED_DATES = "times need a date, such as 2024-03-09 10:05"
LONGEST_TEXT = 60
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,2})?", re.ASCII)
CLOCK_TIME = re.compile(CLOCK, re.ASCII)
LIKE_CLOCK = re.compile(r"(?:[01]?\d|2[0-3])(?:[.,][0-5]\d?)?|(?:[01]\d|2[0-3])[0-5]\d", re.ASCII)
SURELY_LIKE_CLOCK = re.compile(r"\d{1,2}[.,]\d\d|0\d{3}", re.ASCII)
WITH_HALF = re.compile(r"[AaPp]\.?[Mm]\.?$")
UNITS = ((1e17, 1), (1e14, 10**3), (1e11, 10**6), (1e8, SECOND_NS))
"""Numbers of at least this size are times since 1970, in units of so many ns. Smaller ones are seconds from the start
of the recording, up to three years."""


class Kind(Enum):
    """What a written time refers to."""

    INSTANT = "an instant, in ns since 1970 (UTC)"
    ELAPSED = "ns from the start of the recording"
    LOCAL = "a date and a time of the wearer's clock, in ns since 1970 by that clock"
    CLOCK = "a time of the wearer's clock without a date, in ns since midnight"


@dataclass(frozen=True)
class Span:
    """The times of a recording, in ns since 1970 (UTC), and its time zone (an IANA name)."""

    start_ns: int
    end_ns: int
    timezone: str


@dataclass(frozen=True)
class Moment:
    """A time as it was written.

    Attributes:
        kind: what it refers to.
        ns: nanoseconds from there.
    """

    kind: Kind
    ns: int

    def instant_ns(self, span: Span, *, offset_ns: int = 0) -> int:
        """The instant for a recording, in ns since 1970 (UTC).

        Args:
            span: the recording.
            offset_ns: what is added to each time that was written.

        Raises:
            HarkenError: when the wearer's clock skipped the time or showed it twice, or a time without a date is for a
                recording of more than a day. The message has no file and no line.
        """
        if self.kind is Kind.INSTANT:
            return self.ns + offset_ns
        if self.kind is Kind.ELAPSED:
            return span.start_ns + self.ns + offset_ns
        local_ns = self.ns if self.kind is Kind.LOCAL else self._dated(span, offset_ns)
        return _in_zone(local_ns, span.timezone) + offset_ns

    def _dated(self, span: Span, offset_ns: int) -> int:
        """The first time from the start of the recording at which the clock of the notes shows this time; if that is
        after the recording, and the one before it is nearer, that one, so that a message has the day that was meant."""
        first_ns = wall_ns(span.start_ns - offset_ns, span.timezone)
        last_ns = wall_ns(span.end_ns - offset_ns, span.timezone)
        longest_ns = DAY_NS - 2 * SLACK_NS
        if span.end_ns - span.start_ns > longest_ns:
            raise HarkenError(f"the recording is a day long or longer, so {NEED_DATES}")
        if last_ns - first_ns > longest_ns:
            raise HarkenError(
                f"clocks went forward, and by them the recording is a day long or longer, so {NEED_DATES}"
            )
        earliest_ns = first_ns - SLACK_NS  # by the clock, which may have been changed right before the recording
        found_ns = earliest_ns + (self.ns - earliest_ns) % DAY_NS
        return found_ns if found_ns - last_ns <= first_ns - (found_ns - DAY_NS) else found_ns - DAY_NS


def number_moment(number: Decimal, *, unit_ns: int | None = None) -> Moment | None:
    """A number as a time: seconds from the start of the recording, or since 1970 in s, ms, us or ns, by its size.

    Args:
        number: the number.
        unit_ns: if given, the number is a time from the start of the recording in units of so many ns.

    Returns:
        The time, or None for a number that is none.
    """
    size = abs(number)
    if unit_ns is None:
        for least, unit in UNITS:
            if size >= least:
                return _instant(round(number * unit)) if size * unit < LATEST_NS else None
    elif size * unit_ns >= UNITS[-1][0] * SECOND_NS:
        return None
    return Moment(Kind.ELAPSED, round(number * (unit_ns or SECOND_NS)))


def text_moment(text: str, *, day: date | None = None) -> Moment | None:
    """Text as a time; None if it is none.

    Args:
        text: a number, a date with a time, or a time of the clock.
        day: the date of times of the clock, from ``read_date``; None if it is not known.
    """
    if len(text) > LONGEST_TEXT:
        return None
    text = " ".join(text.split())  # a phone puts a narrow blank before am and pm
    if NUMBER.fullmatch(text):
        return number_moment(Decimal(text.replace(",", ".")))
    if found := CLOCK_TIME.fullmatch(text):
        clock_ns = _clock_ns(found)
        return Moment(Kind.CLOCK, clock_ns) if day is None else Moment(Kind.LOCAL, _midnight_ns(day) + clock_ns)
    match = match_time(text)
    written_day = None if match is None else _date(match)
    if match is None or written_day is None:
        return None
    local_ns = _midnight_ns(written_day) + _clock_ns(match)
    if match["zone"] is None:
        return Moment(Kind.LOCAL, local_ns) if EARLIEST_NS <= local_ns < LATEST_NS else None
    return _instant(local_ns - _offset_ns(match))


def read_date(text: str) -> date | None:
    """Text such as 2024-03-09, 9.3.2024 or 9 Mar 2024 as a date; None if it is none, if day and month may be the other
    way round, or if no recording can be of that year."""
    found = next((_date(found) for pattern in DATES if (found := pattern.fullmatch(text))), None)
    return found if found is not None and EARLIEST_NS <= _midnight_ns(found) < LATEST_NS else None


def two_dates(text: str) -> str | None:
    """The two dates that text may begin with if it has slashes, as a clause of a refusal; None for other text."""
    found = re.match(SLASHES, text, re.ASCII)
    dates = possible_dates(found) if found is not None else []
    return f"may be of {dates[0]} or of {dates[1]}; write the date like these" if len(dates) > 1 else None


def find_clock_number(numbers: Iterable[str]) -> int | None:
    """Return the first number that looks like a time of the clock, such as 9.30 or 0930, if all numbers may be such
    times; else None.

    A spreadsheet makes 9.3 of 9.30, and 10 of 10.00.
    """
    likely = None
    for place, number in enumerate(numbers):
        if not LIKE_CLOCK.fullmatch(number):
            return None
        if likely is None and SURELY_LIKE_CLOCK.fullmatch(number):
            likely = place
    return likely


def clock_instead(number: str) -> str:
    """The time of the clock that a person may have meant by a number such as 10.05 or 1005; else an example of one."""
    if number.isdecimal() and len(number) == 4:
        number = f"{number[:2]}.{number[2:]}"
    colon = number.replace(",", ".").replace(".", ":", 1)
    return colon if CLOCK_TIME.fullmatch(colon) else "a time such as 10:05"


def _date(match: re.Match[str]) -> date | None:
    dates = possible_dates(match)
    return dates[0] if len(dates) == 1 else None


def _instant(ns: int) -> Moment | None:
    return Moment(Kind.INSTANT, ns) if EARLIEST_NS <= ns < LATEST_NS else None


def _midnight_ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def _clock_ns(found: re.Match[str]) -> int:
    minutes = 60 * hour_of(found) + int(found["minute"] or 0)
    seconds = 60 * minutes + int(found["second"] or 0)
    return seconds * SECOND_NS + int((found["fraction"] or "").ljust(9, "0"))


def _offset_ns(found: re.Match[str]) -> int:
    if found["sign"] is None:
        return 0
    minutes = 60 * int(found["zone_hour"]) + int(found["zone_minute"] or 0)
    sign = -1 if found["sign"] == "-" else 1
    return int(math.copysign(minutes * 60 * SECOND_NS, sign))


def wall_ns(time_ns: int, timezone: str) -> int:
    """The time that clocks in a zone show at an instant, in ns since 1970 by them, cut to microseconds."""
    wall = local_time(time_ns, timezone).replace(tzinfo=UTC)
    return (wall - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _in_zone(local_ns: int, timezone: str) -> int:
    """The instant at which clocks in a zone show a time.

    By PEP 495, the two folds of a time have the same offset unless clocks changed: the earlier offset is the smaller
    one if clocks skipped the time, and the larger one if they showed it twice.
    """
    wall = datetime(1970, 1, 1) + timedelta(microseconds=local_ns // 1000)
    zone = ZoneInfo(timezone)
    earlier = wall.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    later = wall.replace(tzinfo=zone, fold=1).utcoffset() or timedelta()
    if earlier < later:
        raise HarkenError(
            f"{wall:%H:%M:%S} on {wall:%Y-%m-%d} does not exist in {timezone}: clocks went forward then. Is the zone "
            "right (--timezone)? Write the time of a clock that was not changed with its zone, such as "
            f"{_example(wall, earlier)}"
        )
    if earlier > later:
        raise HarkenError(
            f"clocks in {timezone} showed {wall:%H:%M:%S} twice on {wall:%Y-%m-%d}; write the time with its zone: "
            f"{_example(wall, earlier)} for the first, {_example(wall, later)} for the second"
        )
    return local_ns - earlier // timedelta(microseconds=1) * 1000


def _example(wall: datetime, offset: timedelta) -> str:
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"{wall:%Y-%m-%dT%H:%M:%S}{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}"
