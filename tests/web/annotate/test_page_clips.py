"""The page of clips in a browser: naming by keys, stopping and going on, and a video beside the signal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from browser import Browser
from checked_study import design_of, draw_study, naming
from harken.labelling.check.clips import CANNOT_TELL, read_named, write_named
from page_modules import said
from waiting import until

pytestmark = pytest.mark.second_stage


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_study(tmp_path_factory.mktemp("study"))


@contextmanager
def opening(browser: Browser, study: Path, clip: str = "") -> Iterator[None]:
    """Show the page of clips. It is left before its server ends, else the browser says that its fetches failed."""
    with naming(study) as served:
        browser.open(served.url(f"/{clip}"))
        try:
            yield
        finally:
            browser.open("about:blank")


def shows(browser: Browser, number: int) -> None:
    """Wait until a clip is seen."""
    browser.wait(f"return document.getElementById('title')?.textContent.startsWith('Clip {number} of 6')")
    browser.wait("return document.querySelector('#chart .mark') !== null")


def press(browser: Browser, key: str, *, named: int) -> None:
    """Press the key of a label, and wait until so many clips have a name."""
    browser.press(key)
    until(lambda: browser.text("progress-words").startswith(f"{named} of 6 looked at"))


def test_clips_are_named_by_keys_and_naming_is_taken_up_again(browser: Browser, study: Path) -> None:
    design = design_of(study)
    write_named(study, design, {})
    with opening(browser, study):
        shows(browser, 1)
        press(browser, "4", named=1)
        shows(browser, 2)
        assert "Clip 1 is walking; 5 left." in browser.text("done")
        press(browser, "0", named=2)
        shows(browser, 3)
        browser.press("t")
        assert browser.focused() == "label-name"
        press(browser, *["gardening\n"], named=3)
        shows(browser, 4)
        assert read_named(study, design) == {1: "walking", 2: CANNOT_TELL, 3: "gardening"}
    with opening(browser, study):
        shows(browser, 4)  # the first one without a name
        browser.press("p")
        shows(browser, 3)
        pressed = browser.run("return document.querySelector('[aria-pressed=true]').dataset.label")
        assert pressed == "gardening"
        browser.press("u")
        shows(browser, 4)
        for number, size in enumerate(((1200, 900), (400, 800), (1200, 900)), 4):
            browser.resize(size)
            assert not browser.scrolls_sideways()
            press(browser, "1", named=number)
        assert "All clips are looked at." in browser.text("next-command")
        assert f"harken check {study}" in browser.text("next-command")
        assert browser.complaints() == []
    assert read_named(study, design)[6] == "lying"


def test_a_clip_that_cannot_be_seen_says_why_and_the_others_go_on(browser: Browser, study: Path) -> None:
    design = design_of(study)
    write_named(study, design, {})
    anna = study.parent / "anna.csv"
    lost = next(clip.number for clip in design.clips if clip.subject == "anna")
    moved = anna.rename(study.parent / "anna.moved")
    try:
        with opening(browser, study, f"#{lost}"):
            browser.wait("return document.getElementById('clip-trouble')")
            assert "anna.csv is not there any more" in browser.text("clip-trouble")
            browser.press("1")
            until(lambda: "only “cannot tell” fits" in browser.text("done"))
            moved.rename(anna)
            browser.click("#again")
            shows(browser, lost)
    finally:
        if moved.exists():
            moved.rename(anna)


def test_a_file_that_is_no_video_is_said_and_not_sent(browser: Browser, study: Path, tmp_path: Path) -> None:
    write_named(study, design_of(study), {})
    (video := tmp_path / "walk.mp4").write_bytes(b"no video")
    with opening(browser, study):
        shows(browser, 1)
        browser.fetched()
        browser.driver.find_element("id", "video-file").send_keys(str(video))
        browser.wait("return document.getElementById('video-trouble')")
        assert browser.text("video-trouble") == (
            "This browser cannot play walk.mp4. Convert it to MP4 (H.264) or WebM."
        )
        browser.fill("video-begins", "9:00:10")
        browser.run("document.querySelector('.video-begin').requestSubmit()")
        until(lambda: browser.run("return document.getElementById('video-begins').value") == "2026-02-03 09:00:10.000")
        assert not browser.scrolls_sideways()
        browser.click("#close-video")
        browser.driver.find_element("id", "video-file").send_keys(str(video))  # its beginning is remembered
        until(lambda: browser.run("return document.getElementById('video-begins')?.value") == "2026-02-03 09:00:10.000")


RECORDED = """
const done = arguments[arguments.length - 1];
const canvas = document.createElement("canvas");
const pen = canvas.getContext("2d");
const recorder = new MediaRecorder(canvas.captureStream(25), {mimeType: "video/webm"});
const parts = [];
recorder.ondataavailable = ({data}) => parts.push(data);
recorder.onstop = () => {
  const files = new DataTransfer();
  files.items.add(new File(parts, "walk.webm", {type: "video/webm"}));
  const field = document.getElementById("video-file");
  field.files = files.files;
  field.dispatchEvent(new Event("change"));
  done();
};
const timer = setInterval(() => pen.fillRect(Math.random() * 99, 0, 9, 99), 20);
recorder.start();
setTimeout(() => (clearInterval(timer), recorder.stop()), 1500);
"""


def test_the_video_and_the_cursor_move_each_other(browser: Browser, study: Path) -> None:
    write_named(study, design_of(study), {})
    with opening(browser, study):
        shows(browser, 1)
        browser.driver.execute_async_script(RECORDED)
        browser.wait("return document.getElementById('video')?.readyState > 1")
        browser.click("#same-moment")  # the video begins with the clip
        before = browser.text("readout")
        browser.press("v")
        until(lambda: browser.text("readout") != before)
        browser.wait("return document.getElementById('video').paused")
        assert browser.complaints() == []


FAKE = """(() => {
  const element = Object.assign(new EventTarget(), {
    currentTime: 0, duration: 60, readyState: 1, paused: true,
    pause() { this.paused = true; },
    play() { this.paused = false; this.dispatchEvent(new Event("play")); return Promise.resolve(); },
  });
  let cursor = 1000;
  let held = false;
  const clock = {wall: (ms) => ms, utc: (ms) => ms, date: String, stretch: (start, end) => `${start} to ${end}`};
  const video = new m.Video({
    cursor: () => cursor,
    follow: (ms) => held ? NaN : (cursor = Math.round(ms)),
    clock: () => clock, onChange() {}, say() {}, end: () => 31000,
  });
  const at = (seconds) => {
    element.currentTime = seconds;
    element.dispatchEvent(new Event("timeupdate"));
  };
  video.choose(new File(["x"], a[0]));
  video.attach(element);
  const steps = {};
  at(3);
  steps.unlinked = cursor;
  video.setSameMoment();
  steps.begins = video.begins;
  video.show(cursor = 21000);
  steps.seeks = element.currentTime;
  element.dispatchEvent(new Event("timeupdate"));
  steps.stays = cursor;
  at(10.5);
  steps.follows = cursor;
  video.show(cursor);
  steps.rests = element.currentTime;
  held = true;
  at(12);
  steps.held = cursor;
  held = false;
  video.show(cursor = 90000);
  steps.outside = [element.currentTime, video.trouble];
  video.nudge(1);
  steps.nudged = video.begins;
  video.setTogether(false);
  at(5);
  steps.apart = cursor;
  video.close();
  video.choose(new File(["x"], a[0]));
  steps.remembered = video.begins;
  video.close();
  return steps;
})()"""


def test_a_video_and_a_cursor_are_moved_together_from_when_it_begins(modules: Browser) -> None:
    assert said(modules, "video.js", FAKE, "walk.mp4") == {
        "unlinked": 1000,
        "begins": -2000,
        "seeks": 23,
        "stays": 21000,
        "follows": 8500,
        "rests": 10.5,
        "held": 8500,
        "outside": [12, "The video does not show this time; it lasts from -2000, -2000 to 58000."],
        "nudged": -1900,
        "apart": 90000,
        "remembered": -1900,
    }


@pytest.mark.parametrize(
    ("text", "ms"),
    [("10:05", 36_300_000), ("9:00:10.5", 32_410_500), ("1970-01-02 00:00", 86_400_000), ("noon", None), ("", None)],
)
def test_when_a_video_begins_is_read_by_the_clock_of_the_wearer(modules: Browser, text: str, ms: int | None) -> None:
    expression = "m.parseTime(a[0], {wall: (ms) => ms, utc: (ms) => ms}, 5)"
    assert said(modules, "video.js", expression, text) == ms
