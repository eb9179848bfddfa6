"""The wearer's calendar: where its days begin, and when its clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

__all__ = ["CalendarDay", "calendar_days", "clock", "offsets", "span_words"]

NS = 10**9
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class CalendarDay:
    """A day from midnight to midnight by the wearer's clocks, so 23 or 25 hours long where they change.

    ``without_data`` is a sentence about the days without data that lie just before it; empty where there are none.
    """

    date: date
    start_ns: int
    end_ns: int
    zone: ZoneInfo
    without_data: str = ""

    @property
    def seconds(self) -> int:
        return (self.end_ns - self.start_ns) // NS

    @property
    def words(self) -> str:
        return f"{WEEKDAYS[self.date.weekday()]} {self.date.day} {MONTHS[self.date.month - 1]}"

    @property
    def short(self) -> str:
        return f"{WEEKDAYS[self.date.weekday()][:3]} {self.date.day} {MONTHS[self.date.month - 1][:3]}"

    @property
    def clocks_change(self) -> str:
        """That the day is longer or shorter than others, in words; nothing of most days."""
        hours = self.seconds / 3600
        if hours == 24:
            return ""
        return f"{hours:g} hours: clocks went {'forward' if hours < 24 else 'back'}"

    def hours(self, every: int) -> list[tuple[float, str]]:
        """Where in the day (0 to 1) each ``every``-th full hour by the clock stands, with its name; midnights too.

        An hour that the day has twice is named where it comes first; one that it does not have is left out.
        """
        marks = []
        for hour in range(0, 24, every):
            local = datetime(self.date.year, self.date.month, self.date.day, hour, tzinfo=self.zone)
            moment = round(local.timestamp())
            if datetime.fromtimestamp(moment, self.zone).hour == hour:
                marks.append(((moment - self.start_ns // NS) / self.seconds, f"{hour:02d}"))
        return [*marks, (1.0, "24")]


def calendar_days(stretches_ns: list[tuple[int, int]], timezone: str) -> list[CalendarDay]:
    """The days that hold any of the time from the begin to the end, exclusive, of each stretch; these are in order."""
    zone = ZoneInfo(timezone)
    days: list[CalendarDay] = []
    for first_ns, last_ns in stretches_ns:
        at = _moment(first_ns, zone).date()
        while not days or days[-1].end_ns < last_ns:
            if days and at <= days[-1].date:
                at = days[-1].date + timedelta(days=1)
            without = _without_data(days[-1].date, at) if days else ""
            days.append(CalendarDay(at, _midnight(at, zone), _midnight(at + timedelta(days=1), zone), zone, without))
            at += timedelta(days=1)
    return days


def offsets(days: list[CalendarDay], timezone: str) -> list[tuple[int, int]]:
    """From which second since 1970 on the wearer's clocks are how many seconds ahead of UTC, first to last; between
    days that are apart the changes are left out."""
    zone = ZoneInfo(timezone)

    def ahead(second: int) -> int:
        offset = datetime.fromtimestamp(second, zone).utcoffset()
        return round(offset.total_seconds()) if offset else 0

    found: list[tuple[int, int]] = []
    high = days[0].start_ns // NS - 86_400
    for day in days:
        first, last = max(high, day.start_ns // NS - 86_400), day.end_ns // NS + 86_400
        if not found or ahead(first) != found[-1][1]:
            found.append((first, ahead(first)))
        for low in range(first, last, 3600):
            high = low + 3600
            if ahead(high) == found[-1][1]:
                continue
            before, after = low, high
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if ahead(middle) == found[-1][1] else (before, middle)
            found.append((after, ahead(after)))
    return found


def clock(moment_ns: int, timezone: str, *, seconds: bool = False) -> str:
    """The time of day by the wearer's clocks."""
    return _moment(moment_ns, ZoneInfo(timezone)).strftime("%H:%M:%S" if seconds else "%H:%M")


def span_words(first_ns: int, last_ns: int, timezone: str) -> str:
    """From when to when, with the dates and the zone."""
    first, last = (_moment(moment, ZoneInfo(timezone)) for moment in (first_ns, last_ns))
    both = [
        f"{WEEKDAYS[one.weekday()]} {one.day} {MONTHS[one.month - 1]} {one.year}, {one:%H:%M}" for one in (first, last)
    ]
    return f"{both[0]} to {both[1]}"


def _moment(moment_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment_ns // NS, UTC).astimezone(zone)


def _without_data(before: date, after: date) -> str:
    """How many days lie between two others, and which."""
    first, last = before + timedelta(days=1), after - timedelta(days=1)
    count = (last - first).days + 1
    if count < 1:
        return ""
    return f"1 day without data: {first}" if count == 1 else f"{count:,} days without data: {first} to {last}"


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Where a day begins. Where clocks skip midnight, it is the moment at which they do."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NS
