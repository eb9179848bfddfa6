"""The page as people see it: at a desk, on a phone, on paper, by keyboard, without JavaScript."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from browser import DESKTOP, PHONE, Browser, chromium
from example_timelines import timeline
from harken.labelling.settings import LabelSettings
from harken.outcomes.outcomes import Outcomes
from harken.reports.wearer import write_wearer_report
from harken.timelines import Timeline
from wearers_week import MODEL_CARD, labelled_week, quality_of

pytestmark = pytest.mark.second_stage

HOUR_MS = 3_600_000
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


@pytest.fixture
def page(shared: Browser, week_page: Path) -> Browser:
    """The week's report, just opened at a desk."""
    shared.resize(DESKTOP)
    shared.prefer()
    shared.open(week_page)
    shared.wait("return document.querySelector('#chart canvas')")
    return shared


def shown(page: Browser) -> tuple[float, float]:
    """From when to when the picture goes, in milliseconds since 1970."""
    first, last = page.run("const at = document.getElementById('chart').dataset; return [at.from, at.to]")
    return float(first), float(last)


def test_dragging_shows_minutes(page: Browser) -> None:
    chains = pytest.importorskip("selenium.webdriver").ActionChains
    before = shown(page)
    assert before[1] - before[0] == pytest.approx(7 * 24 * HOUR_MS, rel=1e-3)
    page.run("document.getElementById('zoom').scrollIntoView()")
    over = page.driver.find_element("css selector", "#chart .u-over")
    for _ in range(2):
        chains(page.driver).move_to_element_with_offset(over, -60, 0).click_and_hold().move_by_offset(
            60, 0
        ).release().perform()
    first, last = shown(page)
    assert before[0] < first < last < before[1]
    assert last - first < 1.5 * HOUR_MS
    span = page.run("return document.getElementById('zoom-span').textContent")
    assert re.fullmatch(r"\w{3} \d Jan, \d\d:\d\d – \d\d:\d\d", span)
    assert span.startswith(f"{datetime.fromtimestamp(first / 1000, UTC):%a} ")
    chains(page.driver).double_click(over).perform()
    assert shown(page) == before


@pytest.mark.first_stage
def test_keys_and_buttons_move_the_picture(page: Browser) -> None:
    whole = shown(page)
    page.run("document.getElementById('chart').focus()")
    page.press("ARROW_UP", "+", "+")
    first, last = shown(page)
    assert last - first == pytest.approx((whole[1] - whole[0]) / 8, rel=1e-3)
    page.press("ARROW_RIGHT")
    assert shown(page)[0] == pytest.approx(first + (last - first) / 2, abs=2000)
    page.press("ARROW_LEFT")
    assert shown(page)[0] == pytest.approx(first, abs=2000)
    page.press(*["+"] * 30)
    assert shown(page)[1] - shown(page)[0] == pytest.approx(60_000, abs=2)
    page.press("0")
    assert shown(page) == whole
    for button in ("closer", "later"):
        page.click(f"[data-do={button}]")
    assert shown(page)[0] == pytest.approx(whole[0] + (whole[1] - whole[0]) / 2, rel=1e-6)
    page.run("document.getElementById('chart').focus()")
    page.press(*["ARROW_RIGHT"] * 9)
    assert shown(page)[1] == whole[1]


def test_a_day_its_strip_and_a_bout_lead_to_the_picture(page: Browser, week: Timeline) -> None:
    midnight = 1_704_067_200_000
    chosen = "const day = document.getElementById('zoom-day'); day.value = '2'; day.dispatchEvent(new Event('change'))"
    page.run(chosen)
    assert shown(page) == (midnight + 48 * HOUR_MS, midnight + 72 * HOUR_MS)
    page.run("document.querySelectorAll('.day')[4].click()")
    assert shown(page) == (midnight + 96 * HOUR_MS, midnight + 120 * HOUR_MS)
    assert page.run("return document.getElementById('zoom-day').value") == "4"
    bout = week.bouts().row(3, named=True)
    page.run("document.querySelectorAll('.list tbody button')[3].click()")
    first, last = shown(page)
    assert first < bout["start"].timestamp() * 1000 < bout["end"].timestamp() * 1000 < last


def test_bouts_can_be_filtered(page: Browser, week: Timeline) -> None:
    walked = week.bouts().filter((week.bouts()["label"] == "walking") & (week.bouts()["seconds"] >= 300))
    page.run(
        "const form = document.getElementById('filter').elements;"
        "const { labels } = JSON.parse(document.getElementById('rows').textContent);"
        "form.label.value = String(labels.indexOf('walking')); form.least.value = '300';"
        "form.least.dispatchEvent(new Event('input', {bubbles: true}))"
    )
    left = page.run(
        "return [...document.querySelectorAll('.list tbody tr:not([hidden]) td.words')].map(cell => cell.textContent)"
    )
    assert left == ["walking"] * len(walked) != []
    assert page.run("return document.getElementById('filter-found').textContent").startswith(f"{len(walked)} of ")


def test_nights_lie_where_they_were(page: Browser, week_tables: Outcomes) -> None:
    assert week_tables.nights is not None
    nights = week_tables.nights.drop_nulls("onset")
    onset, wake = (nights[name][2].timestamp() * 1000 for name in ("onset", "wake"))  # that of 2 January
    box = "const at = arguments[0].getBoundingClientRect(); return [at.left, at.right]"
    strip = page.driver.find_elements("css selector", ".day")[2]
    left, right = page.run(box, strip)
    midnight = float(strip.get_attribute("data-from"))
    _, end = page.run(box, strip.find_element("css selector", ".night"))
    assert end == pytest.approx(left + (right - left) * (wake - midnight) / (24 * HOUR_MS), abs=1)
    bars = page.driver.find_elements("css selector", ".asleep")
    (first, last), (other, _) = (page.run(box, bars[number]) for number in (2, 1))
    assert len(bars) == len(nights) + 1, "every night, and the mean"
    between = (onset - nights["onset"][1].timestamp() * 1000) - 24 * HOUR_MS
    assert (first - other) / (last - first) == pytest.approx(between / (wake - onset), abs=0.02)
    chains = pytest.importorskip("selenium.webdriver").ActionChains
    page.run(
        "const day = document.querySelector('.day'), [from, to] = arguments;"
        "Object.assign(day.dataset, { from, to }); day.click()",
        onset + HOUR_MS,
        wake - HOUR_MS,
    )
    chains(page.driver).move_to_element(page.driver.find_element("css selector", "#chart .u-over")).perform()
    assert "sleep period" in page.run("return document.getElementById('zoom-under').textContent")


def test_days_begin_at_midnight_in_a_week_that_begins_after_the_clocks_were_set_back(
    shared: Browser, tmp_path: Path
) -> None:
    begin, berlin = datetime(2026, 10, 25, 9, tzinfo=UTC).timestamp(), "Europe/Berlin"
    outcomes = Outcomes(timeline(begin, [7 * 86_400], ["sitting"], timezone=berlin), None, None, LabelSettings())
    write_wearer_report(tmp_path / "week.html", outcomes, quality=quality_of(outcomes.timeline), model_card=MODEL_CARD)
    hook = (
        "window.words = []; const { prototype } = CanvasRenderingContext2D, { fillText } = prototype;"
        "prototype.fillText = function (...given) { words.push(given); fillText.apply(this, given); }"
    )
    added = shared.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": hook})
    shared.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": berlin})
    shared.resize(PHONE)
    shared.open(tmp_path / "week.html")
    found = shared.wait(
        "const over = document.querySelector('#chart .u-over'), days = words.filter(([text]) => /^Mon 2/.test(text));"
        "return days.length && [over.offsetLeft, over.offsetWidth, days.at(-1)[1] / devicePixelRatio]"
    )
    shared.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    shared.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
    left, width, monday = found
    midnight = datetime(2026, 10, 25, 23, tzinfo=UTC).timestamp()
    assert monday == pytest.approx(left + width * (midnight - begin) / (7 * 86_400), abs=1)


@pytest.mark.parametrize("size", [PHONE, (400, 900), (1200, 900)])
def test_the_page_is_as_wide_as_the_screen_and_no_number_beside_a_bar_is_cut(
    page: Browser, week_page: Path, size: tuple[int, int]
) -> None:
    page.resize(size)
    page.open(week_page)
    page.run("for (const day of document.querySelectorAll('details')) day.open = true")
    assert page.run("return innerWidth") == size[0]
    assert not page.scrolls_sideways()
    assert page.run("return document.querySelector('#chart canvas').getBoundingClientRect().right") <= size[0]
    if size == PHONE:
        return
    cut = page.run(
        "return [...document.querySelectorAll('.bars svg text')].filter(text => {"
        " const [one, all] = [text, text.ownerSVGElement].map(each => each.getBoundingClientRect());"
        " return one.right > all.right + 1 || one.left < all.left - 1; }).map(text => text.textContent)"
    )
    assert cut == []


def test_on_paper_are_all_days_and_no_controls(page: Browser) -> None:
    sheets = page.pdf_pages()
    assert 2 <= len(sheets) <= 5
    printed = "\n".join(sheets)
    for number, day in enumerate(DAYS):
        assert f"{day} {number + 1} January" in " ".join(sheets[0].split()), "a week's strips are on the first sheet"
        assert f"{day[:3]} {number + 1} Jan" in printed
    assert MODEL_CARD[2] in printed
    for part in ("Night from", "Intensity and steps", "The average day by the clock", "Rhythm of rest and movement"):
        assert sum(part in sheet for sheet in sheets) == 1
    assert "Drag across" not in printed
    page.prefer(media="print", dark=True)
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("return getComputedStyle(document.querySelector('select')).height") == "auto"
    page.prefer()


def test_dark_pages_are_dark_and_nothing_vanishes(page: Browser) -> None:
    light = page.run("return getComputedStyle(document.querySelector('.band .k0')).fill")
    page.prefer(dark=True)
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    dark = page.run("return [...document.querySelectorAll('.band path')].map(path => getComputedStyle(path).fill)")
    assert light.startswith("rgb")
    assert len(dark) > 7
    assert "rgb(22, 25, 29)" not in dark
    fills = "return [...document.querySelectorAll(arguments[0])].map(shape => getComputedStyle(shape).fill)"
    for shapes in (".night", ".asleep:not(.partly)", ".light", ".moderate", ".vigorous", ".steps", ".nothing-known"):
        there = set(page.run(fills, shapes))
        assert len(there) == 1
        assert "rgb(22, 25, 29)" not in there
    page.prefer()


@pytest.mark.first_stage
def test_nothing_is_fetched_and_nothing_complains(page: Browser, week_page: Path) -> None:
    before = len(page.complaints()), len(page.fetched())
    page.open("about:blank")
    page.open(week_page)
    page.wait("return document.querySelector('#chart canvas')")
    assert page.complaints()[before[0] :] == []
    assert set(page.fetched()[before[1] :]) == {week_page.as_uri()}


def test_the_picture_of_hours_a_day_is_not_torn_by_a_page_s_end(shared: Browser, tmp_path: Path) -> None:
    labelled = labelled_week(days=6)  # its bars begin where the first sheet of paper ends
    outcomes = Outcomes(labelled, None, None, LabelSettings())
    write_wearer_report(tmp_path / "six.html", outcomes, quality=quality_of(labelled), model_card=MODEL_CARD)
    shared.open(tmp_path / "six.html")
    names = [day.strftime("%a %-d %b") for day in labelled.daily()["date"]]
    bars = [[line.strip() for line in sheet.splitlines()].count(name) for sheet in shared.pdf_pages() for name in names]
    assert sum(bars) == 6
    assert [sum(bars[first : first + 6]) for first in range(0, len(bars), 6)].count(6) == 1


def test_without_javascript_strips_and_tables_are_there(week_page: Path) -> None:
    with chromium(PHONE) as browser:
        browser.without_javascript()
        browser.open(week_page)
        assert browser.run("return getComputedStyle(document.getElementById('zoom')).display") == "none"
        assert browser.run("return document.querySelectorAll('.day').length") == 7
        wide = browser.run("return document.querySelector('.band .k0').getBoundingClientRect().width")
        assert wide > 100
        assert not browser.scrolls_sideways()
