"""The live page as a newcomer sees it: ``harken serve --demo`` and a browser."""

import importlib.util
import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import DESKTOP, PHONE, PICTURES, Browser
from server_process import free_port, serving
from waiting import until

pytestmark = pytest.mark.second_stage


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the demo is served."""
    if importlib.util.find_spec("seglearn") is None:
        pytest.skip("the demo's data is not installed: pip install seglearn")
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra serve)")
    with serving("--demo", log=tmp_path_factory.mktemp("serve") / "log.txt") as where:
        yield where


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Browser]:
    """The page, fresh, on a wide screen; whatever a test does with it, it must not complain or fetch from elsewhere."""
    browser.resize(DESKTOP)
    browser.prefer()
    before = len(browser.complaints()), len(browser.fetched())
    browser.open("about:blank")
    browser.open(f"{address}/")
    until(lambda: browser.shown("live"))
    yield browser
    # The browser itself tells the console of a refused recording, and of its progress that nobody can ask for then.
    expected = re.compile(r"status of 422|/api/recordings/\S+ .* status of 404")
    assert [entry for entry in browser.complaints()[before[0] :] if not expected.search(entry)] == []
    for fetched in browser.fetched()[before[1] :]:
        assert fetched.startswith((f"{address}/", "about:")), fetched


def send(browser: Browser, path: Path) -> None:
    """Choose a file on the second tab."""
    browser.driver.find_element("id", "file").send_keys(str(path))


def traces(browser: Browser) -> Any:
    """What the moving picture shows, as data."""
    return browser.run("return document.querySelector('#traces canvas').toDataURL()")


@pytest.mark.first_stage
def test_the_page_lives_within_five_seconds(page: Browser) -> None:
    began = time.monotonic()
    first = traces(page)
    until(lambda: traces(page) != first, 5)
    until(lambda: page.text("now-label") != "listening …", 5)
    labels = {page.text("bars")}

    def changed() -> bool:
        labels.add(page.text("bars"))
        return len(labels) > 1

    until(changed, 5)
    assert time.monotonic() - began < 5
    until(lambda: page.text("now-probability").strip().endswith("%"), 5)  # for a second it may be "not sure"
    assert page.text("connection") == "Connected · demo"
    assert "was trained on 7 other people" in page.text("model-card")


def test_a_change_of_activity_is_announced_to_screen_readers_once(page: Browser) -> None:
    page.run(
        "window.told = []; new MutationObserver(() => told.push([performance.now(),"
        " document.getElementById('announce').textContent]))"
        ".observe(document.getElementById('announce'), {childList: true, characterData: true, subtree: true})"
    )
    seen: set[str] = set()

    def changed() -> bool:
        seen.add(page.text("now-label"))
        return len(seen - {"listening …"}) > 1

    until(changed, 30)
    until(lambda: page.run("return told.length"), 15)
    told = page.run("return told")
    assert all(later[0] - sooner[0] > 4_900 for sooner, later in itertools.pairwise(told))
    assert page.run("return document.getElementById('announce').getAttribute('aria-live')") == "polite"


def test_every_watch_can_be_looked_at(page: Browser) -> None:
    assert page.run("return [...document.querySelectorAll('.watch b')].map((e) => e.textContent)") == [
        "person 8, left wrist",
        "person 9, right wrist",
        "person 10, left wrist",
    ]
    page.run("document.querySelectorAll('.watch input')[0].focus()")
    page.press("ARROW_DOWN")
    assert page.run("return document.querySelectorAll('.watch input')[1].checked")
    until(lambda: page.text("now-label") != "listening …", 10)
    assert page.run("return document.activeElement === document.querySelectorAll('.watch input')[1]")


def test_tabs_are_worked_by_keyboard(page: Browser) -> None:
    page.run("document.getElementById('tab-live').focus()")
    page.press("ARROW_RIGHT")
    assert page.focused() == "tab-recording"
    assert page.shown("drop")
    assert not page.shown("live")
    assert page.run("return location.hash") == "#recording"
    page.press("ARROW_RIGHT")
    assert page.focused() == "tab-live"
    page.press("END", "TAB", "TAB")
    assert page.focused() == "choose"
    outline = page.run("const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]")
    assert outline == ["solid", "3px"]
    page.run("document.getElementById('tab-recording').focus()")
    page.press("HOME")
    assert page.shown("live")


def test_it_fits_a_phone_and_the_dark(page: Browser) -> None:
    colours = {
        page.run("return getComputedStyle(document.body).backgroundColor")
        for _ in page.looks("live", desktop=DESKTOP, phone=PHONE)
    }
    assert len(colours) == 2


def test_without_a_watch_it_says_how_to_connect_one_and_it_comes_back_when_the_server_does(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    browser.resize(DESKTOP)
    port = free_port()
    with serving(log=tmp_path / "first.txt", port=port) as where:
        browser.open(where)
        until(lambda: browser.shown("no-watch"))
        assert "Sensor Logger" in browser.text("no-watch")
        assert "with --host 0.0.0.0 added to its command" in browser.text("no-watch")
        assert browser.text("connection") == "Connected"
        browser.picture(PICTURES / "no_watch.png", whole=True)
    until(lambda: "trying again" in browser.text("connection"))
    with serving(log=tmp_path / "second.txt", port=port):
        until(lambda: browser.text("connection") == "Connected", 20)


def test_what_is_no_recording_is_refused_in_words_and_never_as_markup(page: Browser, tmp_path: Path) -> None:
    path = tmp_path / "no <img src=x onerror=alert(1)>.csv"
    path.write_text("<b>a</b>,b\n1,2\n")
    page.run("document.getElementById('tab-recording').click()")
    send(page, path)
    until(lambda: page.shown("upload-trouble"))
    trouble = page.text("upload-trouble")
    assert "found no column for time" in trouble
    assert "<b>a</b>" in trouble
    assert page.run("return document.querySelectorAll('#panel-recording :is(img, b)').length") == 0
