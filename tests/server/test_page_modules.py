"""The page's JavaScript modules, run in a browser, agree with harken's Python."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from browser import Browser
from harken.reports.figures.style import label_colours
from harken.reports.wearer.days import colours_of
from harken.support.printable import zone_in_words
from page_modules import browser_with_modules, said


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    with browser_with_modules() as browser:
        yield browser


@pytest.mark.parametrize(
    "labels",
    [
        ["lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other"],
        ["Laying Down", "sitting", "größer", "ходьба", "x"],
        [f"label {number}" for number in range(30)],
    ],
)
def test_a_label_has_the_same_colour_as_in_every_picture_and_report(page: Browser, labels: list[str]) -> None:
    assert said(page, "colours.js", "Object.fromEntries(m.pictureColours(a[0]))", labels) == label_colours(labels)
    expected = {label: {"light": both.light, "dark": both.dark} for label, both in colours_of(tuple(labels)).items()}
    assert said(page, "colours.js", "Object.fromEntries(m.labelColours(a[0]))", labels) == expected


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_the_wall_clock_is_the_wearers_on_every_quarter_of_a_year(page: Browser, zone: str) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    times = [first + timedelta(minutes=15 * number) for number in range(4 * 24 * 365)]
    zoned = [time.astimezone(ZoneInfo(zone)) for time in times]
    expected = [round(time.replace(tzinfo=UTC).timestamp() * 1000) for time in zoned]
    got = said(page, "wallclock.js", "a[1].map(m.wallClock(a[0]))", zone, [round(t.timestamp() * 1000) for t in times])
    assert got == expected


def test_a_zone_of_a_fixed_offset_is_named_by_it_as_in_the_terminal(page: Browser) -> None:
    zones = {"Etc/GMT+5": "UTC-05:00", "Etc/GMT-12": "UTC+12:00", "Europe/Athens": "Europe/Athens", "UTC": "UTC"}
    assert said(page, "wallclock.js", "a[0].map(m.zoneInWords)", list(zones)) == list(zones.values())
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
    assert said(page, "connection.js", "a[0].map((error) => m.sentenceOf({error}))", messages) == expected


def test_durations_in_words(page: Browser) -> None:
    seconds = [1, 59, 59.7, 90, 3599, 3600, 19_380]
    expected = ["1 s", "59 s", "1 min", "2 min", "1 h", "1 h", "5 h 23 min"]
    assert said(page, "text.js", "a[0].map(m.duration)", seconds) == expected


ROWS: list[dict[str, object]] = [
    {"start_ms": 0, "end_ms": 1000, "label": "a", "wear": True, "activity_mg": 10, "probabilities": [0.9, 0.1]},
    {"start_ms": 1000, "end_ms": 1300, "label": "b", "wear": True, "activity_mg": 40, "probabilities": [0.2, 0.8]},
    {"start_ms": 1300, "end_ms": 3000, "label": None, "wear": None, "activity_mg": None, "probabilities": None},
    {"start_ms": 3000, "end_ms": 4000, "label": None, "wear": False, "activity_mg": 1, "probabilities": [0.5, 0.5]},
]


def test_a_pixel_shows_what_took_most_of_its_time(page: Browser) -> None:
    expression = (
        "(() => { const r = new m.Rows({rows: a[0], labels: ['a', 'b'], timezone: 'UTC'});"
        "const s = r.seen(0, 4000, a[1]);"
        "return [Array.from(s.codes), Array.from(s.activity, (v) => Number.isNaN(v) ? null : v)]; })()"
    )
    codes, activity = said(page, "rows.js", expression, ROWS, 4)
    assert codes == [0, 1, -3, -2]
    assert activity == [10, 40, None, 1]
    codes, activity = said(page, "rows.js", expression, ROWS, 2)
    assert codes == [0, -2]  # a gap is shown only where there is nothing else
    assert activity == [pytest.approx((10 + 0.3 * 40) / 1.3, abs=1e-4), 1]


def test_days_are_the_wearers_and_a_day_of_gaps_is_left_out(page: Browser) -> None:
    hour = 3_600_000
    said_rows = [
        {**ROWS[0], "start_ms": 22 * hour, "end_ms": 26 * hour},
        {**ROWS[2], "start_ms": 26 * hour, "end_ms": 74 * hour},
        {**ROWS[1], "start_ms": 74 * hour, "end_ms": 75 * hour},
    ]
    expression = (
        "(() => { const r = new m.Rows({rows: a[0], labels: ['a', 'b'], timezone: a[1]});"
        "return r.days.map((d) => [d / 3600000, [...r.secondsOn(d)]]); })()"
    )
    in_utc = said(page, "rows.js", expression, said_rows, "UTC")
    assert [day for day, _ in in_utc] == [0, 24, 72]
    assert dict(in_utc[1][1]) == {0: 7200, -3: 79_200}
    in_kathmandu = said(page, "rows.js", expression, said_rows, "Asia/Kathmandu")  # 5.5 hours ahead in 1970
    assert [day for day, _ in in_kathmandu] == [24, 72]
