"""Teaching in a browser: a made-up phone follows a short routine, with a skip, an again, a reload, and the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import DESKTOP, Browser
from harken.annotations.routine import Routine, read_routine
from made_up_phones import moving, pushing
from page_modules import said
from server_process import free_port
from server_thread import Served, serving

pytestmark = pytest.mark.second_stage

WATCH = "Anna's phone"
SPEED = 3.0
"""The time of the made-up phone is so many times as fast. A step takes 4 s, in which a busy machine still clicks."""
STEP = """
[[step]]
do = "{instruction}"
label = "{label}"
kind = "{kind}"
seconds = 12
"""
STEPS = (
    ("Lie down.", "lying", "on the back"),
    ("Stand on your head.", "sitting", "turned"),
    ("Walk.", "walking", "as usual"),
    ("Sit.", "sitting", "still hands"),
)
LISTEN = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.tones.push(this.frequency.value);
  return start.call(this, at);
};
"""


@pytest.fixture
def routine(tmp_path: Path) -> Routine:
    path = tmp_path / "short.toml"
    steps = [STEP.format(instruction=instruction, label=label, kind=kind) for instruction, label, kind in STEPS]
    path.write_text("\n".join(['title = "Short"', "cut_s = 1", *steps]))
    return read_routine(path)


@pytest.fixture
def served(tmp_path: Path, routine: Routine) -> Iterator[Served]:
    with serving(keep=tmp_path / "kept", routine=routine) as found:
        yield found


def see(page: Browser, view: str, words: str = "") -> None:
    """Wait until the guide shows a view that contains these words."""
    script = "const guide = document.getElementById('guide'); return guide?.dataset.view === arguments[0]"
    page.wait(f"{script.replace('arguments[0]', repr(view))} && guide.innerText.includes({words!r})", seconds=30)


def read_guide(page: Browser, name: str) -> str:
    """The text of an element of the guide, whose place in the window is fixed."""
    return str(page.run("return document.getElementById(arguments[0])?.innerText ?? ''", name))


def list_bouts(served: Served) -> list[str]:
    (session, *_) = served.ask("/api/record?watch=Anna%27s%20phone").json["sessions"]
    return [bout["label"] for bout in session["bouts"]]


def test_a_wearer_is_taken_through_a_routine_and_uses_the_model_that_has_learned(
    browser: Browser, served: Served
) -> None:
    with pushing(served.url("/push"), "lying", name=WATCH, speed=SPEED, clock_offset_s=300, every_s=0.1) as phone:
        browser.resize(DESKTOP)
        browser.open(served.url("/"))
        browser.wait("return document.getElementById('teach-open')")
        browser.run(LISTEN)
        assert browser.text("teach-open") == "Teach it in 48 seconds"
        browser.click("#teach-open")
        see(browser, "intro", "First: Lie down. Then press Begin.")
        browser.click("#guide-main")
        see(browser, "running", "Step 1 of 4")
        assert read_guide(browser, "guide-instruction") == "Lie down."
        assert read_guide(browser, "guide-next") == "Next: Stand on your head."
        assert read_guide(browser, "guide-said") == "Step 1 of 4. Lie down."
        assert browser.focused() == "guide-main"

        see(browser, "running", "Step 2 of 4")
        browser.wait("return String(window.tones.slice(-2)) === '880,1320'")
        assert list_bouts(served) == ["lying"]
        browser.press("ESCAPE")
        see(browser, "waiting", "Paused. Begin this step from its start when you are ready.")
        browser.click("#guide-skip")
        see(browser, "running", "Step 3 of 4")  # but the phone does not move
        see(browser, "asking", "Hardly anything moved, but this step was to be walking. Did you do it?")
        browser.wait("return String(window.tones.slice(-2)) === '330,330'")

        check_other_page(browser, served)
        browser.open(served.url("/"))
        see(browser, "asking", "Step 3 of 4")
        phone.play(moving("walking"))
        browser.click("#guide-again")
        see(browser, "running", "Step 3 of 4")
        see(browser, "running", "Step 4 of 4")
        assert read_guide(browser, "guide-next") == "This is the last step."
        phone.play(moving("sitting"))
        browser.click("#guide-again")

        see(browser, "end", "What it has learned")
        assert list_bouts(served) == ["lying", "walking", "sitting"]
        check_gain(browser, served)


def check_other_page(page: Browser, served: Served) -> None:
    """Another page says in a line that the watch is being taught."""
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.open(served.url("/"))
    page.wait("return document.getElementById('teach-going')")
    assert page.text("teach-going") == "This watch is being taught: step 3 of 4."
    assert page.run("return document.getElementById('guide')") is None
    page.driver.close()
    page.driver.switch_to.window(first)


def check_gain(page: Browser, served: Served) -> None:
    """The page says what the server has computed, and the model that is chosen labels."""
    outcome: dict[str, Any] = served.ask("/api/learn").json["outcome"]
    before = outcome["cross_validation"]["before"]
    assert f"the general model is right {round(100 * before)} % of the time" in read_guide(page, "guide-gain")
    assert "How well it does on another day" in read_guide(page, "guide")
    page.click("#guide-main")
    page.wait("return document.getElementById('guide-used')")
    assert served.ask("/api/learn").json["served_path"] == outcome["model_path"]
    page.click("#guide-main")
    page.wait("return document.getElementById('guide') === null")
    assert page.focused() == "teach-open"


def test_the_page_goes_on_after_a_restart_of_the_server(browser: Browser, tmp_path: Path, routine: Routine) -> None:
    port, keep = free_port(), tmp_path / "kept"
    with pushing(f"http://127.0.0.1:{port}/push", "lying", name=WATCH, every_s=0.1):
        with serving(keep=keep, routine=routine, port=port) as first:
            browser.open(first.url("/"))
            browser.wait("return document.getElementById('teach-open')")
            browser.click("#teach-open")
            see(browser, "intro")
            browser.click("#guide-main")
            see(browser, "running", "Step 1 of 4")
        with serving(keep=keep, routine=routine, port=port):
            see(browser, "waiting", "The server was started again during this step, so it does not count.")
            browser.wait("return document.getElementById('guide-warning') === null")
            browser.click("#guide-main")
            see(browser, "running", "Step 1 of 4")


@pytest.mark.parametrize(
    ("shares", "serves", "words"),
    [
        (
            {"before": 0.9, "after": 0.59, "between_bouts": True},
            "before",
            "Tested on steps that were left out in turn, the model that you have taught is right 59 % of the time, and "
            "the general model 90 %. So the general model stays.",
        ),
        (None, "new", "There was too little to compare the models with, so the model in use stays."),
    ],
)
def test_a_model_that_is_no_better_is_not_offered(
    modules: Browser, shares: dict[str, Any] | None, serves: str, words: str
) -> None:
    outcome = {"cross_validation": shares, "kept": False}
    sentence = said(modules, "taught.js", "m.describeGain(a[0], a[1])", outcome, {"serves": serves})
    assert " ".join(sentence.split()) == words


def test_a_length_is_said_in_words(modules: Browser) -> None:
    lengths = said(modules, "teach.js", "a[0].map(m.formatLength)", [40, 100, 360, 1200])
    assert lengths == ["40 seconds", "two minutes", "six minutes", "20 minutes"]
