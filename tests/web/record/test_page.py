"""Recording with labels in a browser, with a made-up phone that streams."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import DESKTOP, Browser
from harken.annotations.formats import read_annotations
from harken.web import page_files
from made_up_phones import pushing
from server_thread import Served, serving
from waiting import until

pytestmark = pytest.mark.second_stage

SMALL, TABLET = (400, 850), (820, 1180)
PHONE = "Anna's phone"
LISTEN = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.tones.push(this.frequency.value);
  return start.call(this, at);
};
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(keep=tmp_path) as found:
        yield found


def opened(browser: Browser, served: Served, *, watch: bool = True) -> Browser:
    """The page, fresh, without what the browser remembers."""
    browser.resize(DESKTOP)
    browser.prefer()
    browser.open("about:blank")
    browser.open(served.url("/assets/icon.svg"))
    browser.run("localStorage.clear()")
    browser.open(served.url("/"))
    if watch:
        browser.wait("return document.getElementById('record')")
        browser.run(LISTEN)
    return browser


def bouts(page: Browser) -> list[str]:
    """The labels of the listed bouts, the latest first."""
    found: list[str] = page.run("return [...document.querySelectorAll('.bouts b')].map((one) => one.textContent)")
    return found


def test_the_page_takes_the_rules_of_labels_from_the_server(
    browser: Browser, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_files, "LONGEST_LABEL", 7)
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        page.wait("return document.getElementById('record-label')")
        assert page.run("return document.getElementById('record-label').maxLength") == 7


def test_a_bout_is_counted_down_recorded_and_stopped(browser: Browser, served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        offered = page.run("return [...document.querySelectorAll('#record-labels button')].map((one) => one.value)")
        assert offered == ["lying", "sitting", "walking"]  # the model's
        page.click("#record-begin")
        assert page.text("record-wrong") == "Choose an activity first, or type one."
        page.click("#record-labels button[value=walking]")
        assert page.run("return document.querySelector('#record-labels [aria-pressed=true]').value") == "walking"
        page.click("#record-begin")
        assert page.text("record-phase") == "Get ready"
        assert page.text("record-big") == "walking"
        counts: list[str] = []
        while page.text("record-phase") == "Get ready":
            if (now := page.text("record-timer")) and now not in counts[-1:]:
                counts.append(now)
            time.sleep(0.05)
        assert counts[:3] == ["3", "2", "1"]
        until(lambda: page.text("record-phase") == f"Recording {PHONE}")
        assert page.text("record-stop") == "Stop"
        until(lambda: page.run("return document.activeElement.id") == "record-stop")
        assert page.run("return window.tones") == [660, 660, 660, 880, 1320]
        page.wait("return /^0:0[4-9]$/.test(document.getElementById('record-timer')?.textContent)")
        page.click("#record-stop")
        page.wait("return document.getElementById('record').dataset.state === 'idle'")
        assert re.fullmatch(r"Kept \d+ s of walking\. The last 3 s were left out\.", page.text("record-said"))
        assert page.run("return window.tones.slice(-2)") == [1320, 880]
        assert bouts(page) == ["walking"]


def test_bouts_are_typed_listed_and_deleted_and_options_are_remembered(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    typed = "brushing <b>teeth</b>"
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        before = len(page.complaints())
        page.fill("record-countdown", "0")
        page.fill("record-discard", "0")
        page.click("#record-sound")
        for label in ("walking", typed):
            page.fill("record-label", "")
            page.driver.find_element("id", "record-label").send_keys(label)
            page.press("ENTER")
            page.wait(f"return document.getElementById('record-big')?.textContent === '{label}'")
            time.sleep(1.2)
            page.press("ENTER")  # the focus is on Stop
            page.wait("return document.getElementById('record').dataset.state === 'idle'")
            assert "left out" not in page.text("record-said")
        until(lambda: bouts(page) == [typed, "walking"])
        assert page.run("return window.tones") == []
        assert page.run("return document.querySelectorAll('#record-sessions .key li').length") == 2
        offered = page.run("return [...document.querySelectorAll('#record-labels button')].map((one) => one.value)")
        assert offered == ["lying", "sitting", "walking", typed]

        page.click(".bouts li:last-child button")
        assert bouts(page) == [typed, "walking"]  # pressed once
        time.sleep(1.5)  # the page is told of other changes meanwhile, and the question stays
        page.click(".bouts li:last-child button")
        until(lambda: bouts(page) == [typed])
        assert "Learn and harken annotate have these labels after you finish" in page.text("record-sessions")
        assert not (tmp_path / "recordings").exists()

        page.click("#record-finish")
        until(lambda: "The finished session" in page.text("record-sessions"))
        assert page.text("record-said").startswith("The session is finished; its recording is made in a moment.")
        until(lambda: "as recorded. Change its labels with harken annotate." in page.text("record-sessions"), 30)
        assert page.run("return document.querySelector('.bouts button')") is None
        labels = tmp_path / page.run("return document.querySelector('.stored code:last-of-type').textContent")
        assert [one.label for one in read_annotations(labels).entries] == [typed]
        assert page.complaints()[before:] == []

        # This browser remembers the options.
        page.open("about:blank")
        page.open(served.url("/"))
        page.wait("return document.getElementById('record')")
        chosen = [
            page.run(f"return document.getElementById('record-{name}').value") for name in ("countdown", "discard")
        ]
        assert chosen == ["0", "0"]
        assert not page.run("return document.getElementById('record-sound').checked")


def test_the_countdown_can_be_cancelled(browser: Browser, served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        for by_key in (True, False):
            page.click("#record-labels button")
            page.click("#record-begin")
            assert page.text("record-stop") == "Cancel"
            if by_key:
                page.press("ESCAPE")
            else:
                page.click("#record-stop")
            assert page.text("record-choose")
        time.sleep(3.5)
        assert page.text("record-choose")
        assert served.ask(f"/api/record?watch={PHONE.replace(' ', '%20')}").json["open"] is None


def test_two_pages_see_the_same_and_a_reload_goes_on(browser: Browser, served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        page.fill("record-countdown", "0")
        page.click("#record-labels button[value=sitting]")
        page.click("#record-begin")
        until(lambda: page.text("record-big") == "sitting")
        first = page.driver.current_window_handle
        page.driver.switch_to.new_window("tab")
        try:
            page.open(served.url("/"))
            until(lambda: page.text("record-big") == "sitting")
            time.sleep(1)
            page.fill("record-discard", "0")
            page.click("#record-stop")
            until(lambda: bouts(page) == ["sitting"])
        finally:
            page.driver.close()
            page.driver.switch_to.window(first)
        until(lambda: bouts(page) == ["sitting"])
        assert page.text("record-choose")


def test_a_silent_watch_is_a_warning_with_a_sound(browser: Browser, served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE) as phone:
        page = opened(browser, served)
        page.fill("record-countdown", "0")
        page.click("#record-labels button")
        page.click("#record-begin")
        until(lambda: page.text("record-timer") == "0:01")
        assert page.text("record-warning") == ""
        phone.stop()
        until(lambda: page.text("record-warning").startswith("No samples for"), 10)
        until(lambda: page.run("return window.tones.slice(-2)") == [330, 330])
        phone.push(phone.message())
        until(lambda: page.text("record-warning") == "", 10)


def test_without_keep_the_card_says_how_to_start_the_server(browser: Browser) -> None:
    with serving() as served, pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        until(lambda: "harken serve --keep DIR" in page.text("record"))
        assert page.text("record-all") == ""


def test_the_people_of_the_demo_are_not_recorded(browser: Browser, tmp_path: Path) -> None:
    pytest.importorskip("seglearn", reason="the demo's data is not installed: pip install seglearn")
    from harken.models.recogniser import Recogniser
    from harken.web.demo import MODEL

    with serving(recogniser=Recogniser.load(MODEL, device="cpu"), demo=True, keep=tmp_path) as served:
        page = opened(browser, served, watch=False)
        page.wait("return document.getElementById('connection-text').textContent === 'Connected · demo'")
        time.sleep(1)
        assert page.text("record") == ""
        assert not served.ask("/api/record?watch=x").json["possible"]


def test_the_card_works_by_keyboard_alone(browser: Browser, served: Served) -> None:
    with pushing(served.url("/push"), name=PHONE):
        page = opened(browser, served)
        page.run("document.getElementById('record-heading').focus()")
        page.press("TAB", "TAB", "TAB", "SPACE")  # the third label
        page.press("TAB", "TAB", "TAB", "ARROW_UP")  # over the text and the button: the countdown, off
        assert page.run("return [document.activeElement.id, document.activeElement.value]") == ["record-countdown", "0"]
        page.press("TAB", "ARROW_UP", "ARROW_UP", "ARROW_UP")
        assert page.run("return [document.activeElement.id, document.activeElement.value]") == ["record-discard", "0"]
        page.run("document.getElementById('record-begin').focus()")
        page.press("SPACE")
        until(lambda: page.text("record-big") == "walking")
        time.sleep(1)
        page.press("SPACE")
        until(lambda: bouts(page) == ["walking"])
        assert page.run("return document.activeElement.id") == "record-begin"


def test_it_fits_small_screens_and_the_dark(browser: Browser, served: Served) -> None:
    long = "walking very slowly with a heavy rucksack, uphill, in the rain, and talking all the time"
    with pushing(served.url("/push"), name=PHONE), pushing(served.url("/push"), "sitting", name="other"):
        page = opened(browser, served)
        page.fill("record-countdown", "0")
        page.fill("record-discard", "0")
        for label in ("sitting", long, "walking"):
            page.fill("record-label", label)
            page.click("#record-begin")
            until(lambda label=label: page.text("record-big") == label)  # type: ignore[misc]
            if label != "walking":
                time.sleep(1.1)
                page.click("#record-stop")
                until(lambda: page.text("record-choose"))
        for state in ("recording", "idle"):
            for _ in page.looks(f"record_{state}", wide=DESKTOP, tablet=TABLET, small=SMALL):
                heights = page.run(
                    "return [...document.querySelectorAll('#record :is(button, select, input[type=text])')]"
                    ".filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect().height)"
                )
                assert min(heights) >= 44  # large enough for a finger
            if state == "recording":
                page.resize(DESKTOP)
                page.click("#record-stop")
                until(lambda: page.text("record-choose"))
