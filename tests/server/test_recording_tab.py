"""The second tab with a posted recording, its report and its tables, and a long list of watches, in a browser."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import people
from browser import DESKTOP, Browser, chromium
from server_thread import Served, serving

SMALL = (400, 800)
DAY_MS = 86_400_000
MIDNIGHT_MS = 1_704_067_200_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


@pytest.fixture
def page(browser: Browser, served: Served) -> Browser:
    """The second tab, fresh."""
    browser.resize(DESKTOP)
    browser.open("about:blank")
    browser.open(served.url("/#recording"))
    browser.wait("return document.getElementById('connection').dataset.state === 'good'")
    return browser


def with_module(page: Browser, module: str, script: str, *arguments: Any) -> Any:
    """What a script returns that uses a module ``m`` of the page and the arguments ``a``."""
    answer = page.driver.execute_async_script(
        f"const [a, done] = arguments; import('/assets/{module}').then((m) => {{ {script} }})"
        ".then((value) => done({value}), (error) => done({error: String(error)}))",
        list(arguments),
    )
    assert "error" not in answer, answer
    return answer.get("value")


def test_a_recording_has_a_zone_progress_a_report_and_tables(page: Browser, served: Served, tmp_path: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2)
    before = len(page.complaints())
    zones = page.run("return [...document.querySelectorAll('#timezone option')].map((one) => one.value)")
    assert zones[0] == ""
    assert {"Europe/Athens", "America/New_York"} <= set(zones)
    page.run(
        "window.seen = []; new MutationObserver(() => seen.push([document.getElementById('progress').value,"
        " document.getElementById('upload-status').textContent])).observe("
        "document.getElementById('upload-status'), {childList: true, characterData: true, subtree: true});"
        "document.getElementById('timezone').value = 'Asia/Tokyo'"
    )
    page.driver.find_element("id", "file").send_keys(str(recording))
    page.wait("return document.querySelector('#recording .links a')", seconds=120)
    seen = page.run("return seen")
    labelling = [value for value, text in seen if not text.startswith("Sending") and text]
    assert labelling == sorted(labelling)
    assert any(text.startswith(("Reading", "Measuring", "Labelling", "Writing")) for _, text in seen)
    assert "clock of Asia/Tokyo" in page.run("return document.querySelector('.facts').innerText")

    report, tables = page.run("return [...document.querySelectorAll('.links a')].map((one) => one.href)")
    assert served.ask(tables.removeprefix(served.url(""))).body.startswith(b"PK")
    page.open(report)
    page.wait("return document.querySelector('#chart canvas')")  # its scripts run in the sandbox
    assert page.run("return document.querySelector('h1').textContent") == "bob"
    assert page.run("return self.origin") == "null"
    assert "Asia/Tokyo" in page.run("return document.body.innerText")
    assert page.complaints()[before:] == []


def test_another_zone_labels_the_recording_again(page: Browser, tmp_path: Path) -> None:
    page.driver.find_element("id", "file").send_keys(str(people.write_person(tmp_path / "bob.csv", 2)))
    page.wait("return document.querySelector('.facts')?.innerText.includes('clock of UTC')", seconds=120)
    page.run(
        "const zone = document.getElementById('timezone'); zone.value = 'Europe/Athens';"
        "zone.dispatchEvent(new Event('change'))"
    )
    page.wait("return document.querySelector('.facts')?.innerText.includes('clock of Europe/Athens')", seconds=120)


def test_all_days_stay_inside_the_card_on_a_phone(page: Browser) -> None:
    rows = [
        {
            "start_ms": MIDNIGHT_MS + day * DAY_MS + part * DAY_MS // 3,
            "end_ms": MIDNIGHT_MS + day * DAY_MS + (part + 1) * DAY_MS // 3,
            "label": label,
            "wear": True,
            "activity_mg": 10.0,
            "probabilities": [0.9],
        }
        for day, (part, label) in itertools.product(range(8), enumerate(("lying", "sitting", "walking")))
    ]
    answer = {"subject": "bob", "timezone": "UTC", "labels": ["lying", "sitting", "walking"], "rows": rows, "notes": []}
    page.resize(SMALL)
    with_module(
        page,
        "recording.js",
        "const place = document.getElementById('recording'); place.hidden = false;"
        "m.showRecording(place, a[0], 'b.csv')",
        answer,
    )
    assert not page.scrolls_sideways()
    heads = "[...document.querySelectorAll('.hours thead th')]"
    assert page.run(f"return {heads}.map((one) => one.innerText)")[:2] == ["Activity", "All days"]
    assert page.run(f"return {heads}.length") == 10
    inside = (
        "const card = document.querySelector('.card.hours').getBoundingClientRect();"
        "return [...document.querySelectorAll('.hours tr > :nth-child(2)')].every((cell) => {"
        " const box = cell.getBoundingClientRect(); return box.left >= card.left && box.right <= card.right; })"
    )
    assert page.run(inside)
    assert (
        page.run("return [...document.querySelectorAll('.hours td:nth-child(2)')].map((one) => one.innerText)")
        == ["64 h"] * 3
    )


def test_hundreds_of_watches_can_be_searched(page: Browser) -> None:
    page.run("document.getElementById('tab-live').click()")
    show = (
        "window.list ??= new m.Watches((watch) => { window.chosen = watch; });"
        "list.show(a[0], a[1]); return document.getElementById('watch-found').textContent"
    )
    watches = [
        {"watch": f"watch-{number:03d}", "label": ("walking", "sitting")[number % 2], "sample_rate_hz": 50.0}
        for number in range(300)
    ]
    assert with_module(page, "watches.js", show, watches[:3], None) == "3 watches"
    assert page.run("return document.getElementById('watch-search').hidden")
    assert with_module(page, "watches.js", show, watches, "watch-002") == "300 watches"
    assert not page.run("return document.getElementById('watch-search').hidden")
    words = page.driver.find_element("id", "watch-words")
    words.send_keys("walk 12")
    assert page.run("return document.getElementById('watch-found').textContent") == "8 of 300 watches"
    left = (
        "return [...document.querySelectorAll('.watch')].filter((one) => one.offsetParent).map((one) => one.innerText)"
    )
    assert [text.split()[0] for text in page.run(left)] == [
        f"watch-{number:03d}" for number in (12, 112, 120, 122, 124, 126, 128, 212)
    ]
    page.driver.find_elements("css selector", ".watch:not([hidden]) input")[1].click()
    assert page.run("return window.chosen") == "watch-112"
    watches[12] = watches[12] | {"label": "sitting"}
    assert with_module(page, "watches.js", show, watches, "watch-112") == "7 of 300 watches"
    page.resize(SMALL)
    assert not page.scrolls_sideways()
    high = page.run("return document.getElementById('watch-list').getBoundingClientRect().height")
    words.clear()
    page.run("document.getElementById('watch-words').dispatchEvent(new Event('input'))")
    assert high <= 570
    assert page.run("return document.getElementById('watch-list').getBoundingClientRect().height") <= 570
