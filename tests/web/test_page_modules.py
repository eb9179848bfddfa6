"""The page's JavaScript modules, run in a browser, agree with harken's Python."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from browser import Browser
from harken.support.printable import zone_in_words
from page_modules import browser_with_modules, said


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser_with_modules() as browser:
        yield browser


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_the_wall_clock_is_the_wearers_on_every_quarter_of_a_year(page: Browser, zone: str) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    times = [first + timedelta(minutes=15 * number) for number in range(4 * 24 * 365)]
    zoned = [time.astimezone(ZoneInfo(zone)) for time in times]
    expected = [round(time.replace(tzinfo=UTC).timestamp() * 1000) for time in zoned]
    got = said(
        page,
        "clock.js",
        "((clock) => a[1].map((ms) => clock.wall(ms)))(new m.Clock(a[0]))",
        zone,
        [round(t.timestamp() * 1000) for t in times],
    )
    assert got == expected


def test_a_zone_of_a_fixed_offset_is_named_by_it_as_in_the_terminal(page: Browser) -> None:
    zones = {"Etc/GMT+5": "UTC-05:00", "Etc/GMT-12": "UTC+12:00", "Europe/Athens": "Europe/Athens", "UTC": "UTC"}
    assert said(page, "clock.js", "a[0].map(m.zoneInWords)", list(zones)) == list(zones.values())
    assert [zone_in_words(zone) for zone in zones] == list(zones.values())


def test_probabilities_never_round_to_certainty(page: Browser) -> None:
    shares = [0, 0.001, 0.01, 0.5, 0.994, 0.996, 0.99999, 1]
    expected = ["0 %", "< 1 %", "1 %", "50 %", "99 %", "> 99 %", "> 99 %", "100 %"]
    assert said(page, "text.js", "a[0].map(m.percent)", shares) == expected


def test_only_harkens_own_words_get_a_capital(page: Browser) -> None:
    messages = [
        "there is no such watch",
        "junk.csv: not a table",
        "walking is being recorded",
        "anna’s watch is silent",
        "",
    ]
    expected = ["There is no such watch", *messages[1:]]
    assert said(page, "text.js", "a[0].map(m.capitalised)", messages) == expected
    assert said(page, "server.js", "a[0].map((error) => m.sentenceOf({error}))", messages) == expected


def test_durations_in_words(page: Browser) -> None:
    seconds = [1, 59, 59.7, 90, 3599, 3600, 19_380]
    expected = ["1 s", "59 s", "1 min", "2 min", "1 h", "1 h", "5 h 23 min"]
    assert said(page, "text.js", "a[0].map(m.duration)", seconds) == expected
