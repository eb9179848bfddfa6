"""The wearer's calendar: the starts of days, and the clock changes."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from harken.recordings.recording import local_time

NS = 10**9
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class CalendarDay:
    """A day from midnight to midnight in the wearer's time zone. It has 23 or 25 hours if the clocks change.

    ``without_data`` is a sentence about the days without data just before it; empty if there are none.
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
        return short_date(self.date)

    @property
    def clocks_change(self) -> str:
        """A note that the day is longer or shorter than others; empty for most days."""
        hours = self.seconds / 3600
        if hours == 24:
            return ""
        return f"{hours:g} hours: clocks went {'forward' if hours < 24 else 'back'}"

    def hours(self, every: int) -> list[tuple[float, str]]:
        """The position in the day (0 to 1) and the name of each ``every``-th full hour, including both midnights.

        For an hour that the day has twice, the first position is given. An hour that the day does not have is left out.
        """
        marks = []
        for hour in range(0, 24, every):
            local = datetime(self.date.year, self.date.month, self.date.day, hour, tzinfo=self.zone)
            moment = round(local.timestamp())
            if datetime.fromtimestamp(moment, self.zone).hour == hour:
                marks.append(((moment - self.start_ns // NS) / self.seconds, f"{hour:02d}"))
        return [*marks, (1.0, "24")]


def calendar_days(stretches_ns: list[tuple[int, int]], timezone: str) -> list[CalendarDay]:
    """The days that overlap the stretches, each from its start to its end (exclusive). The stretches are in order."""
    zone = ZoneInfo(timezone)
    days: list[CalendarDay] = []
    for first_ns, last_ns in stretches_ns:
        at = local_time(first_ns, timezone).date()
        while not days or days[-1].end_ns < last_ns:
            if days and at <= days[-1].date:
                at = days[-1].date + timedelta(days=1)
            without = _without_data(days[-1].date, at) if days else ""
            days.append(
                CalendarDay(at, midnight_ns(at, zone), midnight_ns(at + timedelta(days=1), zone), zone, without)
            )
            at += timedelta(days=1)
    return days


def offsets(days: list[CalendarDay], timezone: str) -> list[tuple[int, int]]:
    """The offsets of the wearer's time zone: pairs of a second since 1970, and the seconds ahead of UTC from then on.
    Changes in a pause between the days are left out."""
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
    """The time of day in the wearer's time zone."""
    return local_time(moment_ns, timezone).strftime("%H:%M:%S" if seconds else "%H:%M")


def short_date(day: date) -> str:
    """A date such as ``Mon 1 Jan``."""
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]}"


def span_words(first_ns: int, last_ns: int, timezone: str) -> str:
    """The first and the last time as text, with the dates and the time zone."""
    first, last = (local_time(moment, timezone) for moment in (first_ns, last_ns))
    both = [
        f"{WEEKDAYS[one.weekday()]} {one.day} {MONTHS[one.month - 1]} {one.year}, {one:%H:%M}" for one in (first, last)
    ]
    return f"{both[0]} to {both[1]}"


def _without_data(before: date, after: date) -> str:
    """A sentence with the number and the dates of the days between two others."""
    first, last = before + timedelta(days=1), after - timedelta(days=1)
    count = (last - first).days + 1
    if count < 1:
        return ""
    return f"1 day without data: {first}" if count == 1 else f"{count:,} days without data: {first} to {last}"


def midnight_ns(day: date, zone: ZoneInfo) -> int:
    """The start of a day. If the clocks skip midnight, it is the time of that change."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NS
