"""Record, stop, learn and serve with a made-up phone: the label on the page changes to one that its owner made."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import harken
from browser import Browser
from harken.models.recogniser import Recogniser
from made_up_phones import moving, pushing
from server_thread import Served, serving

pytestmark = pytest.mark.second_stage

TRAINING = {"preset": "people:SMALL_EVERYDAY", "threads": 1, "epochs": 4}
SPEED = 20.0
BOUT_S = 2.0
"""The made-up phone's time is 20 times as fast as real time, so a bout has 40 s of samples, and 1,000 samples come in a
second, as many as the server takes."""
FIVE_MINUTES_S = 300.0
LONGEST_S = 600.0
BARS = "return [...document.querySelectorAll('.bar-name')].map((one) => one.textContent)"
ACTIVITIES = {"dozing": "lying", "drumming": "running"}
"""New labels, and the simulated movement that has them."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(keep=tmp_path, training=TRAINING) as found:
        yield found


def record(page: Browser, label: str) -> None:
    """Record a bout by the page."""
    page.fill("record-label", label)
    page.click("#record-begin")
    page.wait(f"return document.getElementById('record-big')?.textContent === '{label}'")
    time.sleep(BOUT_S)
    page.click("#record-stop")
    page.wait("return document.getElementById('record').dataset.state === 'idle'")
    assert page.run("return document.getElementById('record-said').textContent").startswith("Kept ")


def test_the_label_on_the_page_is_then_that_of_the_chosen_model(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    with pushing(served.url("/push"), name="phone", speed=SPEED, clock_offset_s=FIVE_MINUTES_S, every_s=0.1) as phone:
        phone.play(moving("running"))
        browser.open(served.url("/"))
        browser.wait("return document.getElementById('record')")
        browser.wait("return !['listening …', 'drumming'].includes(document.getElementById('now-label').textContent)")
        assert browser.run(BARS) == ["lying", "sitting", "walking"]
        for name, value in (("countdown", "0"), ("discard", "3")):
            browser.fill(f"record-{name}", value)
        for _ in range(2):
            for label, activity in ACTIVITIES.items():
                phone.play(moving(activity))
                time.sleep(0.3)
                record(browser, label)
        (session,) = served.ask("/api/record?watch=phone").json["sessions"]
        assert [bout["label"] for bout in session["bouts"]] == 2 * list(ACTIVITIES)
        assert min(bout["seconds"] for bout in session["bouts"]) > 0.8 * SPEED * BOUT_S

        browser.click("#record-finish")
        browser.wait("return document.querySelector('.stored') !== null", seconds=30)
        ahead_s = (phone.now_ns() - time.time_ns()) / 1e9  # its fast clock is far ahead, and does not go back

    browser.wait("return document.getElementById('learn-train')?.disabled === false", seconds=30)
    browser.run("document.getElementById('learn-train').click()")
    choose = "[...document.querySelectorAll('.learn-result button')].find((one) => /new model/.test(one.textContent))"
    browser.wait(f"return {choose} !== undefined", seconds=LONGEST_S)
    assert "phone" in browser.run("return document.querySelector('.learn-people').textContent")
    with pushing(served.url("/push"), name="phone", clock_offset_s=ahead_s + 1, every_s=0.2) as phone:
        browser.run(f"{choose}.click()")
        for activity, label in (("running", "drumming"), ("lying", "dozing")):
            phone.play(moving(activity))
            browser.wait(f"return document.getElementById('now-label').textContent === '{label}'", seconds=30)
    assert browser.run(BARS) == sorted(ACTIVITIES)
    path = Path(served.ask("/api/learn").json["outcome"]["model_path"])
    assert path.parent == tmp_path / "models"
    assert sorted(Recogniser.load(path).specification_.labels) == sorted(ACTIVITIES)
    assert served.ask("/api/model").json["labels"] == sorted(ACTIVITIES)
    (recording,) = (tmp_path / "recordings").glob("*.parquet")
    assert harken.read(recording).subject == "phone"
