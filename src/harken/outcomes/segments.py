"""Named segments of the day or of dates, such as work and school, which are read from a table."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.text_rows import file_content, line_error, named_rows

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COLUMNS = ("segment", "days", "start", "end")
SUBJECT = "subject"
WHAT = "table of segments"
DAY_MIN = 24 * 60


@dataclass(frozen=True)
class Segment:
    """A named stretch of some days, by the wearer's clock.

    >>> from datetime import date
    >>> from harken.outcomes.segments import Segment
    >>> work = Segment("work", "mon-thu 2024-03-09", "08:30", "17:00")
    >>> [work.falls_on(date(2024, 3, day)) for day in (7, 8, 9)]
    [True, False, True]

    Attributes:
        name: its name; several segments may have the same.
        days: the days on which it begins: weekdays (``mon``), ranges of them (``mon-fri``), dates (``2024-03-09``) and
            ranges of them (``2024-03-09/2024-03-12``), separated by spaces. Empty: all days.
        start, end: times of the clock, such as ``08:30``. If the end is not later than the start, it is on the next
            day.
        subject: the wearer; None: all wearers.

    Raises:
        HarkenError: when a field cannot be understood.
    """

    name: str
    days: str
    start: str
    end: str
    subject: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise HarkenError("a segment needs a name")
        _days(self.days)
        if _minutes(self.start) in (_minutes(self.end), DAY_MIN):
            raise HarkenError(
                f"the segment {printable(self.name)!r} from {self.start} to {self.end} has no length; a whole day is "
                "from 00:00 to 24:00"
            )

    def falls_on(self, day: date) -> bool:
        """Whether the segment begins on a day."""
        weekdays, ranges = _days(self.days)
        return day.weekday() in weekdays or any(first <= day <= last for first, last in ranges)

    def on_clock(self, day: date) -> tuple[datetime, datetime]:
        """When the segment of a day begins and ends, by the clock."""
        start, end = _minutes(self.start), _minutes(self.end)
        midnight = datetime.combine(day, time())
        return (
            midnight + timedelta(minutes=start),
            midnight + timedelta(minutes=end if end > start else end + DAY_MIN),
        )


def read_segments(path: str | Path) -> tuple[Segment, ...]:
    """Segments from a CSV file with the columns ``segment``, ``days``, ``start``, ``end`` and, if needed, ``subject``.

    Raises:
        HarkenError: when the file cannot be read or a line cannot be understood.
    """
    path = Path(path)
    segments = []
    for line, values in named_rows(path, file_content(path, what=WHAT), what=WHAT, needs=COLUMNS):
        try:
            name, days, start, end = (values[column] for column in COLUMNS)
            segments.append(Segment(name, days, start, end, values.get(SUBJECT) or None))
        except HarkenError as error:
            raise line_error(path, line, str(error)) from error
    if not segments:
        raise HarkenError("there is no segment in it", path=path)
    return tuple(segments)


@lru_cache(maxsize=1024)
def _days(text: str) -> tuple[frozenset[int], tuple[tuple[date, date], ...]]:
    """The weekdays (0: Monday) and the ranges of dates of ``Segment.days``."""
    weekdays: set[int] = set()
    ranges = []
    for word in text.lower().split() or ["mon-sun"]:
        first, _, last = word.partition("-")
        try:
            if first in WEEKDAYS:
                begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
                weekdays |= {(begin + day) % 7 for day in range((end - begin) % 7 + 1)}
                continue
            first, _, last = word.partition("/")
            ranges.append((date.fromisoformat(first), date.fromisoformat(last or first)))
        except ValueError as error:
            raise HarkenError(
                f"{printable(word)!r} is no day; write mon, mon-fri, 2024-03-09 or 2024-03-09/2024-03-12, separated by "
                "spaces"
            ) from error
        if ranges[-1][1] < ranges[-1][0]:
            raise HarkenError(f"the range of dates {word} ends before it begins")
    return frozenset(weekdays), tuple(ranges)


def _minutes(text: str) -> int:
    """Minutes since midnight of a time such as ``08:30``; ``24:00`` is the end of the day."""
    try:
        if text == "24:00":
            return DAY_MIN
        moment = datetime.strptime(text, "%H:%M")
    except ValueError as error:
        raise HarkenError(f"{printable(text)!r} is no time of the clock; write it as 08:30") from error
    return 60 * moment.hour + moment.minute
