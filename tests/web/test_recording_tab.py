"""The second tab with a posted recording, its report and its tables, and a long list of watches, in a browser."""

import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

import people
from browser import DESKTOP, Browser
from harken.web.uploads import PAGE_NAMES
from server_thread import Served, serving

pytestmark = pytest.mark.second_stage

SMALL = (400, 800)


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


def test_a_recording_has_a_zone_progress_a_report_and_tables(page: Browser, served: Served, tmp_path: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2)
    before = len(page.complaints())
    zones = page.run("return [...document.querySelectorAll('#timezone option')].map((one) => one.value)")
    assert zones[0] == ""
    assert {"Europe/Athens", "America/New_York"} <= set(zones)
    page.run(
        "window.seen = []; new MutationObserver(() => {"
        " const text = document.getElementById('upload-status')?.textContent;"
        " if (text) seen.push([document.getElementById('progress').value, text]); })"
        ".observe(document.getElementById('drop'), {childList: true, characterData: true, subtree: true})"
    )
    page.fill("timezone", "Asia/Tokyo")
    page.driver.find_element("id", "file").send_keys(str(recording))
    page.wait("return document.querySelector('#recording .links a')", seconds=120)
    seen = page.run("return seen")
    labelling = [value for value, text in seen if not text.startswith("Sending") and text]
    assert labelling == sorted(labelling)
    assert any(text.startswith(("Reading", "Measuring", "Labelling", "Writing")) for _, text in seen)

    report, tables = page.run("return [...document.querySelectorAll('.links a')].map((one) => one.href)")
    assert served.ask(tables.removeprefix(served.url(""))).body.startswith(b"PK")
    assert page.run("return document.activeElement.innerText").startswith("bob")
    for _ in page.looks("recording", wide=(1200, 900), phone=SMALL):
        pass
    page.driver.switch_to.frame("report")
    page.wait("return document.querySelector('#chart canvas')")  # its scripts run in the sandbox
    assert page.run("return document.querySelector('h1').textContent") == "bob"
    assert page.run("return self.origin") == "null"
    assert "Asia/Tokyo" in page.run("return document.body.innerText")
    page.driver.switch_to.default_content()
    page.open(report)
    page.wait("return document.querySelector('#chart canvas')")
    assert page.complaints()[before:] == []


def test_another_zone_labels_the_recording_again(page: Browser, tmp_path: Path) -> None:
    page.driver.find_element("id", "file").send_keys(str(people.write_person(tmp_path / "bob.csv", 2)))
    first = page.wait("return document.getElementById('report')?.src", seconds=120)
    page.fill("timezone", "Europe/Athens")
    page.wait(f"return (document.getElementById('report')?.src ?? '{first}') !== '{first}'", seconds=120)
    page.driver.switch_to.frame("report")
    page.wait("return document.body.innerText.includes('Europe/Athens')")
    page.driver.switch_to.default_content()


def test_a_table_that_is_not_recognised_is_read_by_the_fields_that_the_error_names(
    page: Browser, tmp_path: Path
) -> None:
    rows = [f"{1_700_000_000 + row / 50:.2f};{0.01 * (row % 7):.2f};0.1;0.98" for row in range(1000)]
    (tmp_path / "anna.csv").write_text("\n".join(["when;ax1;ay1;az1", *rows]))
    assert not page.run("return document.getElementById('reading').open")
    page.driver.find_element("id", "file").send_keys(str(tmp_path / "anna.csv"))
    trouble = page.wait("return document.getElementById('upload-trouble')?.innerText", seconds=60)
    assert trouble == (
        "anna.csv: found no column for time, x, y and z (its columns are when, ax1, ay1, az1); choose with “Column of "
        "times”, “Column of x”, “Column of y”, “Column of z”, or “Samples per second” if there are no times; “Lines to "
        "skip at the top” skips lines above the header"
    )
    labels = {label: name for name, label in PAGE_NAMES.items()}
    for named in page.run("return [...document.querySelectorAll('.named')].map((one) => one.innerText)"):
        assert page.shown(labels[named.strip("“”")])
    for _ in page.looks("reading", wide=(1200, 900), phone=SMALL):
        pass
    page.click(".named")
    assert page.focused() == "time_column"
    page.press(*"when")
    for name, column in (("x_column", "ax1"), ("y_column", "3"), ("z_column", "az1")):
        page.fill(name, column)
    page.click("#again")
    page.wait("return document.querySelector('#recording .links a')", seconds=120)
    page.driver.switch_to.frame("report")
    page.wait("return document.body.innerText.includes('state it with “Axis towards the elbow” x, y, -x or -y.')")
    assert "--" not in page.run("return document.querySelector('header').innerText")
    page.driver.switch_to.default_content()
    page.fill("forearm_axis", "x")
    page.driver.find_element("id", "forearm_axis").submit()
    page.wait("return document.getElementById('report') === null")
    page.wait("return document.querySelector('#recording .links a')", seconds=120)
    page.driver.switch_to.frame("report")
    page.wait("return document.querySelector('h1')?.innerText === 'anna'")
    assert "Axis towards the elbow" not in page.run("return document.body.innerText")
    page.driver.switch_to.default_content()


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
    page.fill("watch-words", "")
    assert page.run(f"return {seen}.length") == 300
    page.resize(SMALL)
    assert not page.scrolls_sideways()
    assert page.run("return document.getElementById('watch-list').getBoundingClientRect().height") <= 0.7 * SMALL[1] + 1


def test_a_few_watches_need_no_search(browser: Browser) -> None:
    with serving() as few:
        connect(few, "one")
        browser.open(few.url("/#live"))
        browser.wait("return document.querySelectorAll('.watch').length === 1")
        assert browser.run("return document.getElementById('watch-search') === null")
