"""The page's JavaScript modules, run in a browser, agree with harken's Python."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from browser import Browser
from harken.support.printable import zone_in_words
from page_modules import said


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_times_are_the_wearers_all_year_and_days_begin_at_the_wearers_midnight(modules: Browser, zone: str) -> None:
    first = datetime(2026, 1, 1, 0, 7, 13, 250_000, tzinfo=UTC)
    times = [first + timedelta(minutes=15 * number) for number in range(4 * 24 * 365)]
    local = [time.astimezone(ZoneInfo(zone)) for time in times]
    milliseconds = [round(time.timestamp() * 1000) for time in times]
    wall, seconds, finer, midnights = said(
        modules,
        "clock.js",
        "((clock, t) => [t.map((ms) => clock.wall(ms)), t.map((ms) => clock.time(ms)), clock.time(t[0], 10),"
        " clock.ticks(t[0], t.at(-1), 800).filter((one) => one.midnight).map((one) => one.ms)])"
        "(new m.Clock(a[0]), a[1])",
        zone,
        milliseconds,
    )
    assert wall == [round(time.replace(tzinfo=UTC).timestamp() * 1000) for time in local]
    assert seconds == [f"{time:%H:%M:%S}" for time in local]
    assert finer == f"{local[0]:%H:%M:%S}.25"
    days = [local[0].replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day) for day in range(1, 367)]
    expected = [round(day.timestamp() * 1000) for day in days]
    assert midnights == [ms for ms in expected if milliseconds[0] <= ms <= milliseconds[-1]]


def test_times_are_computed_where_only_the_standard_form_of_a_date_is_read(modules: Browser) -> None:
    """As in Safari, which reads no date with a blank before the time."""
    expression = """((parse) => {
      Date.parse = (text) => (/^[-0-9]{10}T[:0-9]{8}Z$/.test(text) ? parse(text) : NaN);
      try { return new m.Clock("Asia/Kathmandu").time(0); } finally { Date.parse = parse; }
    })(Date.parse)"""
    assert said(modules, "clock.js", expression) == "05:30:00"


@pytest.mark.parametrize("span_ms", [500, 7_000, 60_000, 5_400_000, 86_400_000, 7 * 86_400_000, 31 * 86_400_000])
def test_ticks_are_even_and_no_more_than_fit(modules: Browser, span_ms: int) -> None:
    start = 1_770_000_000_123
    ticks = said(modules, "clock.js", "new m.Clock('UTC').ticks(a[0], a[0] + a[1], 12)", start, span_ms)
    at = np.array([tick["ms"] for tick in ticks])
    assert 2 <= len(at) <= 13
    assert len(set(np.diff(at))) == 1
    assert start <= at[0]
    assert at[-1] <= start + span_ms
    assert len({tick["text"] for tick in ticks}) == len(ticks) or span_ms > 86_400_000


def test_a_zone_of_a_fixed_offset_is_named_by_it_as_in_the_terminal(modules: Browser) -> None:
    zones = {"Etc/GMT+5": "UTC-05:00", "Etc/GMT-12": "UTC+12:00", "Europe/Athens": "Europe/Athens", "UTC": "UTC"}
    assert said(modules, "clock.js", "a[0].map(m.zoneInWords)", list(zones)) == list(zones.values())
    assert [zone_in_words(zone) for zone in zones] == list(zones.values())


def test_probabilities_never_round_to_certainty(modules: Browser) -> None:
    shares = [0, 0.001, 0.01, 0.5, 0.994, 0.996, 0.99999, 1]
    expected = ["0 %", "< 1 %", "1 %", "50 %", "99 %", "> 99 %", "> 99 %", "100 %"]
    assert said(modules, "text.js", "a[0].map(m.percent)", shares) == expected


def test_only_harkens_own_words_get_a_capital(modules: Browser) -> None:
    messages = [
        "there is no such watch",
        "junk.csv: not a table",
        "walking is being recorded",
        "anna’s watch is silent",
        "",
    ]
    expected = ["There is no such watch", *messages[1:]]
    assert said(modules, "text.js", "a[0].map(m.capitalised)", messages) == expected
    assert said(modules, "server.js", "a[0].map((error) => m.sentenceOf({error}))", messages) == expected


def test_durations_in_words(modules: Browser) -> None:
    seconds = [1, 59, 59.7, 90, 3599, 3600, 19_380]
    expected = ["1 s", "59 s", "1 min", "2 min", "1 h", "1 h", "5 h 23 min"]
    assert said(modules, "text.js", "a[0].map(m.duration)", seconds) == expected
