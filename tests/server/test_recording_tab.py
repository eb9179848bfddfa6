"""The second tab with a posted recording, its report and its tables, and a long list of watches, in a browser."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
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


def connect(served: Served, watch: str) -> None:
    """Send half a second of samples of a watch that lies on a table."""
    now_ns, still = time.time_ns(), {"x": 0.0, "y": 0.0, "z": 9.8}
    times = [now_ns - 20_000_000 * sample for sample in reversed(range(25))]
    payload = [{"name": "accelerometer uncalibrated", "time": at, "values": still} for at in times]
    assert served.ask("/push", orjson.dumps({"deviceId": watch, "payload": payload})).status == 200


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


def test_hundreds_of_watches_can_be_searched(page: Browser, served: Served) -> None:
    for number in range(300):
        connect(served, f"watch-{number:03d}")
    page.run("document.getElementById('tab-live').click()")
    found = "return document.getElementById('watch-found').textContent"
    page.wait(f"{found} === '300 watches'")
    words = page.driver.find_element("id", "watch-words")
    words.send_keys("WATCH 12")
    assert page.run(found) == "13 of 300 watches"
    seen = "[...document.querySelectorAll('.watch')].filter((one) => one.offsetParent)"
    assert page.run(f"return {seen}.map((one) => one.querySelector('b').textContent)") == [
        f"watch-{number:03d}" for number in (12, 112, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 212)
    ]
    page.run(f"{seen}[1].querySelector('input').click()")
    page.wait("return document.querySelector('.watch:has(:checked) b')?.textContent === 'watch-112'")
    words.clear()
    page.run("document.getElementById('watch-words').dispatchEvent(new Event('input'))")
    assert page.run(f"return {seen}.length") == 300
    page.resize(SMALL)
    assert not page.scrolls_sideways()
    assert page.run("return document.getElementById('watch-list').getBoundingClientRect().height") <= 0.7 * SMALL[1] + 1


def test_a_few_watches_need_no_search(browser: Browser) -> None:
    with serving() as few:
        connect(few, "one")
        browser.open(few.url("/#live"))
        browser.wait("return document.querySelectorAll('.watch').length === 1")
        assert browser.run("return document.getElementById('watch-search').hidden")
