"""A week at 100 Hz: opened, labelled by keys and drags, undone, opened again, and trained on as it was saved."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

import harken
from annotate_page import AnnotatePage, rows
from browser import DESKTOP, Browser, chromium
from long_recordings import START_MS, write_week
from people import SMALL
from server_process import serving
from waiting import until

pytestmark = pytest.mark.second_stage

LEAST_FRAMES_PER_S = 29
"""Every second refresh of a screen of 60 Hz, whose times are rounded."""
BOUTS = ("sitting", "walking", "lying", "sitting", "walking", "lying")
SCROLLING = """
const done = arguments[0];
const picture = document.getElementById("chart"), box = picture.getBoundingClientRect();
const times = [];
const wheel = (move) => picture.dispatchEvent(new WheelEvent("wheel", {
  clientX: box.left + box.width / 3, clientY: box.top + 50, bubbles: true, cancelable: true, ...move}));
function frame(now) {
  times.push(now);
  if (times.length > 120) return done(times);
  wheel(times.length % 60 < 30 ? {deltaY: times.length < 60 ? -40 : 40} : {deltaX: 60});
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
"""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The recording. It is removed after the tests: pytest would keep half a gigabyte of each of three runs."""
    folder = tmp_path_factory.mktemp("week")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield write_week(folder / "week.parquet")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium(DESKTOP) as one:
        one.driver.set_script_timeout(60)
        yield one


def test_a_week_is_labelled_and_trained_on(browser: Browser, week: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed (extra serve)")
    page = AnnotatePage(browser)
    with serving(str(week), "--no-model", log=week.parent / "log.txt", command="annotate") as address:
        page.open(address, within_s=120)  # its table is surveyed before anything is seen
        assert "reading" in page.text("title")  # what is read already is seen
        until(lambda: "reading" not in page.text("title"), 120)
        page.writable()
        assert "168 h" in page.text("title")
        label_six_bouts(page)
        undo_and_redo(page, week)
        times = browser.driver.execute_async_script(SCROLLING)
        longest = sorted(later - sooner for sooner, later in itertools.pairwise(times))
        assert longest[len(longest) // 2] <= 1000 / LEAST_FRAMES_PER_S
        before = page.text("labelled-share")
        assert before.endswith("in 6 bouts")
        browser.driver.refresh()
        until(lambda: page.text("labelled-share") == before)
        assert "reading" not in page.text("title")
        browser.open("about:blank")
    assert bouts(week) == [(day, label) for day, label in enumerate(BOUTS)]
    outcome = harken.train(week, out=week.parent / "run", preset=SMALL, epochs=1, device="cpu")
    assert outcome is not None
    assert outcome.specification.labels == ("lying", "sitting", "walking")


def label_six_bouts(page: AnnotatePage) -> None:
    """One on each of six days: three by drags, three by keys."""
    for day, label in enumerate(BOUTS):
        start, end = (day + 0.3) / 7, (day + 0.5) / 7
        if day % 2 == 0:
            page.drag(start, end)
        else:
            page.point(start)
            page.press(" ", *["ARROW_RIGHT"] * 3, " ")
        known = page.browser.run("return !!document.querySelector(`[data-label='${arguments[0]}']`)", label)
        if not known:
            page.press("t", *label, "ENTER")
        elif day % 2 == 0:
            page.click(label)
        else:
            page.press(str(BOUTS.index(label) + 1))
        assert page.said().startswith(f"{label}, ")
        page.saved()


def undo_and_redo(page: AnnotatePage, week: Path) -> None:
    """The last bout is gone from the disk, and comes back."""
    page.press("CONTROL+z")
    page.saved()
    assert len(bouts(week)) == 5
    page.press("CONTROL+y")
    page.saved()
    assert len(bouts(week)) == 6


def bouts(week: Path) -> list[tuple[int, str]]:
    """The day and the label of each bout on the disk."""
    found = rows(week.with_name("week.labels.csv"), start_ms=START_MS)
    return [(int(start // 86_400), label) for start, _, label, _ in found]
