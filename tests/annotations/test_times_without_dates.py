"""Times of the clock without a date: the day that they get by the recording."""

from contextlib import suppress
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from harken.annotations.bouts import Annotations
from harken.annotations.table import Entry
from harken.annotations.times import Kind, Moment, Span, text_moment
from harken.support.errors import HarkenError

SECOND = 10**9
START = 1_709_978_400 * SECOND  # 2024-03-09 10:00:00 UTC
ZONES = ("UTC", "Europe/Athens", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


@given(
    st.integers(1_600_000_000, 1_800_000_000), st.integers(0, 86_000), st.integers(0, 86_000), st.sampled_from(ZONES)
)
def test_a_time_without_a_date_is_found_in_the_recording(start: int, length: int, at: int, zone: str) -> None:
    at = min(at, length)
    span = Span(start * SECOND, (start + length) * SECOND, zone)
    local = datetime.fromtimestamp(start + at, ZoneInfo(zone))
    moment = text_moment(f"{local:%H:%M:%S}")
    assert moment is not None
    assert moment.kind is Kind.CLOCK
    offsets = {datetime.fromtimestamp(start + s, ZoneInfo(zone)).utcoffset() for s in (-7200, 0, length, length + 7200)}
    if len(offsets) == 1 and length < 86_400 - 120:
        assert moment.instant_ns(span) == (start + at) * SECOND
        shifted_ns = moment.instant_ns(span, offset_ns=-30 * SECOND)
        assert shifted_ns // SECOND in (start + at - 30, start + at + 86_370)


@given(st.integers(1_600_000_000, 1_800_000_000), st.integers(0, 86_000), st.times(), st.integers(-3000, 3000))
def test_a_time_without_a_date_is_on_the_day_nearest_to_the_recording(
    start: int, length: int, clock: time, offset: int
) -> None:
    moment = text_moment(f"{clock:%H:%M:%S}")
    assert moment is not None
    end = start + length
    seconds = moment.instant_ns(Span(start * SECOND, end * SECOND, "UTC"), offset_ns=offset * SECOND) / SECOND
    assert (seconds - offset) % 86_400 == moment.ns / SECOND
    away = [max(start - each, each - end, 0) for each in (seconds - 86_400, seconds, seconds + 86_400)]
    assert min(away) == away[1]


@given(st.integers(0, 86_399), st.integers(0, 86_000), st.integers(0, 86_399), st.integers(1, 86_399))
@example(8 * 3600, 20 * 3600, 3 * 3600, 7 * 1800)  # 8:00 to 4:00; the interval goes from 3:00 to 6:30
@example(23 * 3600, 2 * 3600, 1800, 25 * 1800)  # 23:00 to 1:00, and 0:30 to 13:00
@example(23 * 3600, 2 * 3600, 10 * 3600, 10 * 3600)  # the same recording, and 10:00 to 20:00
@example(23 * 3600, 2 * 3600, 11 * 3600, 25 * 1800)  # the same recording, and 11:00 to 23:30
@example(8 * 3600, 14 * 3600, 21 * 3600, 10 * 3600)  # 8:00 to 22:00, and 21:00 to 7:00
@example(9 * 3600, 2 * 3600, 36_300, 86_100)  # 9:00 to 11:00, and 10:05 to 10:00
def test_an_interval_without_a_date_that_runs_past_the_recording_is_refused(
    first: int, length: int, on: int, lasts: int
) -> None:
    """The recording begins at ``first`` on 9 March 2024 and the interval at ``on``, both in seconds of the day."""
    off, last = (on + lasts) % 86_400, first + length
    days = (-86_400, 0, 86_400, 2 * 86_400)
    near = [day + on for day in days if first - 60 <= day + on and day + on + lasts <= last + 60]
    entry = Entry(Moment(Kind.CLOCK, on * SECOND), Moment(Kind.CLOCK, off * SECOND), "lying", 2)
    midnight = START - 36_000 * SECOND
    span = Span(midnight + first * SECOND, midnight + last * SECOND, "UTC")
    refusal = ""
    try:
        Annotations(Path("notes.csv"), "plain table", (entry,)).intervals(span)
    except HarkenError as refused:
        refusal = str(refused)
    if any(begins <= last and begins + lasts > first for begins in near):
        assert not refusal
    else:
        assert "lies outside the recording" in refusal


@given(
    st.sampled_from(("2024-03-31", "2024-10-27", "2024-07-01")),
    st.integers(-90_000, 3600),
    st.one_of(st.integers(0, 90_000), st.integers(82_000, 87_000)),
    st.one_of(st.integers(0, 90_000), st.integers(0, 7200)),
)
@example("2024-03-31", 0, 82_740, 82_740)  # a minute before the recording, clocks showed the same time
def test_a_time_that_a_recording_has_twice_is_refused(day: str, before: int, length: int, at: int) -> None:
    """In Athens, where clocks change at 1:00 UTC on two of the days."""
    start = int(datetime.fromisoformat(f"{day}T01:00:00Z").timestamp()) + before
    at = start + min(at, length)

    def shown(second: int) -> str:
        return f"{datetime.fromtimestamp(second, ZoneInfo('Europe/Athens')):%H:%M:%S}"

    moment = text_moment(shown(at))
    assert moment is not None
    others = (at + sign * hours * 3600 for hours in (1, 23, 24, 25) for sign in (-1, 1))
    twice = any(start <= other <= start + length and shown(other) == shown(at) for other in others)
    found = None
    with suppress(HarkenError):
        found = moment.instant_ns(Span(start * SECOND, (start + length) * SECOND, "Europe/Athens")) // SECOND
    if found is not None and not start - 60 <= found <= start + length + 60:
        found = None  # this is refused, too
    assert found in ((None,) if twice else (None, at))
    assert found is not None or length > 80_000 or day != "2024-07-01"
