"""The page of ``harken annotate`` as a person uses it: mouse, fingers and keys, and what is then on the disk."""

import io
import itertools
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotate_page import GAP_S, MINUTES, START_MS, ZONE, AnnotatePage, rows, write_recording
from browser import DESKTOP, PHONE, Browser
from server_process import serving
from waiting import until

pytestmark = pytest.mark.second_stage

SECONDS = 60 * MINUTES
PIXEL_S = SECONDS / 1160
"""About a pixel, while the whole recording is visible."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test leaves something in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings."""
    folder = tmp_path_factory.mktemp("annotate")
    for seed, name in enumerate(("anna", "ben")):
        write_recording(folder / f"{name}.csv", seed=seed)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"{package} is not installed (extra serve)")
    files = [str(folder / f"{name}.csv") for name in ("anna", "ben")]
    with serving(*files, "--timezone", ZONE, "--no-model", log=folder / "log.txt", command="annotate") as where:
        yield where


@pytest.fixture
def page(browser: Browser, address: str, folder: Path) -> Iterator[AnnotatePage]:
    """The page of a recording without labels. It must not complain, or fetch from elsewhere."""
    browser.resize(DESKTOP)
    browser.prefer()
    before = len(browser.complaints()), len(browser.fetched())
    page = AnnotatePage(browser)
    page.open(address)
    page.writable()
    if (folder / "anna.labels.csv").exists():
        remove_all(page)
    yield page
    # A server that cannot learn has no such address; the browser itself writes that to the console.
    assert [entry for entry in browser.complaints()[before[0] :] if "/api/learn" not in entry] == []
    for fetched in browser.fetched()[before[1] :]:
        assert fetched.startswith((f"{address}/", "about:")), fetched


def remove_all(page: AnnotatePage) -> None:
    """Delete all labels, as a person would."""
    page.focus()
    page.press("HOME", " ", "END", " ", "DELETE")
    page.saved()


def labels(folder: Path) -> list[tuple[float, float, str, str]]:
    """What is on the disk; no label may overlap another."""
    found = rows(folder / "anna.labels.csv")
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))
    return found


def second(ms: float) -> Any:
    """A time of the server as a time of the file."""
    return pytest.approx((ms - START_MS) / 1000, abs=1e-6)


def fetched(browser: Browser, address: str) -> Any:
    """The JSON of an address of the page's server."""
    script = "const [where, done] = arguments; fetch(where).then((answer) => answer.json()).then(done)"
    return browser.driver.execute_async_script(script, address)


def new_label(page: AnnotatePage, name: str) -> None:
    """Type a label that has no button yet."""
    page.press("t", *name, "ENTER")


def near(seconds: float) -> object:
    """About this time: a drag ends on a pixel."""
    return pytest.approx(seconds, abs=2 * PIXEL_S)


@pytest.mark.first_stage
def test_a_recording_is_labelled_by_keyboard_alone(page: AnnotatePage, folder: Path) -> None:
    page.press("HOME", "SHIFT+ARROW_RIGHT", " ")
    assert page.said() == "Begins at 10:01:00.0."
    page.press("SHIFT+ARROW_RIGHT", "ARROW_RIGHT", ".", " ")
    assert page.said() == "Marked 10:01:00 to 10:02:07, 1 min 07 s. Choose a label."
    new_label(page, "walking")
    assert page.said() == "walking, 10:01:00 to 10:02:07"
    page.saved()
    start, end, label, note = labels(folder)[0]
    assert [start, end] == pytest.approx([60, 126.6], abs=0.1)
    assert (label, note) == ("walking", "")
    page.press("SHIFT+ARROW_RIGHT", "[", "SHIFT+ARROW_RIGHT", "]")
    new_label(page, "sitting")
    page.press("SHIFT+ARROW_RIGHT", " ", "ARROW_RIGHT", " ", "1", "p")
    assert page.said().startswith("sitting, ")
    page.press("1")  # another label for the selected bout
    page.saved()
    assert [label for *_, label, _ in labels(folder)] == ["walking"] * 3
    page.press("o", *"at the desk", "ENTER")
    page.saved()
    assert [note for *_, note in labels(folder)] == ["", "at the desk", ""]
    page.press("n", "DELETE")
    page.saved()
    assert page.said().startswith("Deleted: walking")
    assert len(labels(folder)) == 2


def test_a_drag_and_a_button_label_and_a_later_label_replaces_what_is_under_it(
    page: AnnotatePage, folder: Path
) -> None:
    page.drag(0.2, 0.6)
    assert page.said().startswith("Marked 10:02:00 to 10:06:00")
    new_label(page, "standing")
    page.drag(0.3, 0.4)
    new_label(page, "running")
    page.saved()
    assert [(start, end, label) for start, end, label, _ in labels(folder)] == [
        (near(120), near(180), "standing"),
        (near(180), near(240), "running"),
        (near(240), near(360), "standing"),
    ]
    page.drag(0.7, 0.8)
    page.click("running")
    page.saved()
    assert labels(folder)[-1][2] == "running"
    page.drag(0.82, 0.86)
    new_label(page, "Running")  # and no other label than running
    page.saved()
    assert labels(folder)[-1][2] == "running"
    assert "standing" in page.text("summary")
    assert "5 bouts" in page.text("labelled-share")
    page.point(0.35, part="labels")
    assert page.text("picked-text").startswith("running, 10:03:00 to 10:04:0")
    page.point(0.9, part="labels")
    assert "Drag over the signal" in page.text("picked-text")


def test_edges_move_by_drag_and_by_keys(page: AnnotatePage, folder: Path) -> None:
    page.drag(0.2, 0.4)
    new_label(page, "walking")
    page.drag(0.4, 0.6)  # over the signal, where an edge is not held
    new_label(page, "sitting")
    page.saved()
    assert [(start, end) for start, end, *_ in labels(folder)] == [(near(120), near(240)), (near(240), near(360))]
    page.point(0.3, part="labels")
    page.drag(0.4, 0.55, part="labels")  # over the beginning of the next one, which gives way
    page.saved()
    assert [(start, end) for start, end, *_ in labels(folder)] == [(near(120), near(330)), (near(330), near(360))]
    page.press("n", "e")
    assert page.said().startswith("The start of sitting moves")
    page.press("ARROW_RIGHT", "ARROW_RIGHT")
    assert labels(folder)[1][0] == near(330)  # not before it is let go
    page.press("ENTER")
    page.saved()
    assert labels(folder)[1][0] == near(342)
    page.press("e", "SHIFT+ARROW_LEFT", "ESCAPE")
    assert page.said() == "The edge is where it was."
    assert labels(folder)[1][0] == near(342)


def test_split_merge_undo_and_redo(page: AnnotatePage, folder: Path) -> None:
    page.drag(0.2, 0.4)
    new_label(page, "walking")
    page.saved()
    one = labels(folder)
    page.point(0.3)
    page.press("s")
    page.saved()
    two = labels(folder)
    assert [(start, end) for start, end, *_ in two] == [(one[0][0], near(180)), (near(180), one[0][1])]
    page.press("SHIFT+M")
    page.saved()
    assert labels(folder) == one
    page.press("CONTROL+z")
    page.saved()
    assert labels(folder) == two
    page.press("CONTROL+z", "CONTROL+z")
    page.saved()
    assert labels(folder) == []
    page.press("CONTROL+y", "CONTROL+SHIFT+Z")
    page.saved()
    assert labels(folder) == two
    assert page.said().startswith("Done again: Split walking")
    page.click("undo")
    page.saved()
    assert labels(folder) == one
    assert page.browser.run("return document.activeElement.id") == "chart"
    page.browser.driver.refresh()
    until(lambda: page.text("labelled-share").endswith("in 1 bout"))


def test_the_view_follows_keys_wheel_and_the_overview(page: AnnotatePage) -> None:
    visible = "return document.getElementById('overview').getAttribute('aria-valuetext')"

    def seen() -> str:
        time.sleep(0.5)  # the view glides
        return str(page.browser.run(visible))

    assert seen() == "all of the recording"
    page.focus()
    page.press("HOME", "+", "+")
    assert seen().endswith("10:00:00 to 10:02:30")
    page.press("PAGE_DOWN")
    assert seen().endswith("10:02:00 to 10:04:30")
    page.press("-", "-")
    assert seen() == "all of the recording"
    page.browser.run(
        "const p = document.getElementById('chart'), b = p.getBoundingClientRect();"
        "p.dispatchEvent(new WheelEvent('wheel', {deltaY: -240 * Math.log(4), clientX: b.left + b.width / 2,"
        " clientY: b.top + 50, bubbles: true, cancelable: true}))"
    )
    assert seen().endswith("10:03:45 to 10:06:15")
    page.drag(0.5, 0.1, part="axis")
    assert seen().endswith("10:04:45 to 10:07:15")
    page.browser.run("document.getElementById('overview').focus()")
    page.press("HOME")
    assert seen().endswith("10:00:00 to 10:02:30")
    page.press("ARROW_RIGHT")
    assert seen().endswith("10:01:15 to 10:03:45")
    page.drag(0.5, 0.75, part="overview")  # outside of what is visible: it jumps there
    assert seen().endswith("10:06:15 to 10:08:45")
    page.drag(0.625, 0.5, part="overview")  # its left edge
    assert seen().endswith("10:05:00 to 10:08:45")
    page.focus()
    page.press("0", "w")
    assert seen() == "all of the recording"
    assert page.said().startswith("Tue")
    assert "no label" in page.said()


def test_a_reload_keeps_zoom_and_cursor_and_a_key_jumps_over_the_gap(page: AnnotatePage, address: str) -> None:
    visible = "return document.getElementById('overview')?.getAttribute('aria-valuetext')"
    page.focus()
    page.press("HOME", "g")
    assert page.said() == "No signal, 10:05:00 to 10:05:20."
    assert "10:05:20" in page.text("readout")
    page.press("+", "+", "+")
    time.sleep(0.5)
    before = page.browser.run(visible), page.text("readout")
    page.browser.driver.refresh()
    until(lambda: (page.browser.run(visible), page.text("readout")) == before)
    page.writable()
    page.focus()
    page.press("g")
    assert page.said() == "There is no later gap."
    page.press("0", "HOME", " ", "END", " ")
    new_label(page, "sitting")
    page.saved()
    assert page.text("labelled-share") == "9 min 40 s, 100 % of the recording, in 1 bout"
    listed = fetched(page.browser, f"{address}/api/recordings")
    assert listed[0]["labelled_s"] == pytest.approx(SECONDS - (GAP_S[1] - GAP_S[0]), abs=0.4)


def test_fingers_mark_and_zoom(page: AnnotatePage, folder: Path) -> None:
    left, top, width = page.browser.run(
        "const b = document.getElementById('chart').getBoundingClientRect(); return [b.left, b.top, b.width]"
    )

    def touch(kind: str, *shares: float) -> None:
        points = [{"x": left + share * width, "y": top + 60, "id": finger} for finger, share in enumerate(shares)]
        page.browser.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.2)
    for share in (0.25, 0.3, 0.4):
        touch("touchMove", share)
    touch("touchEnd")
    assert page.said().startswith("Marked 10:02:00 to 10:04:00")
    new_label(page, "walking")
    page.saved()
    assert labels(folder)[0][:2] == (near(120), near(240))
    touch("touchStart", 0.4)
    touch("touchStart", 0.4, 0.6)
    for apart in (0.2, 0.3, 0.4):
        touch("touchMove", 0.5 - apart, 0.5 + apart)
    touch("touchEnd")
    visible = page.browser.wait("return document.getElementById('overview').getAttribute('aria-valuetext')")
    assert visible.endswith("10:03:45 to 10:06:15")
    assert len(labels(folder)) == 1


def test_the_models_bouts_are_accepted_and_unsure_moments_found(browser: Browser, folder: Path, tmp_path: Path) -> None:
    page = AnnotatePage(browser)
    path = shutil.copy(folder / "anna.csv", tmp_path / "anna.csv")
    with serving(str(path), "--timezone", ZONE, log=tmp_path / "log.txt", command="annotate") as address:
        page.open(address)
        page.writable()
        until(lambda: page.shown("accept"), 180)
        warnings = fetched(browser, f"{address}/api/recordings/0")["model"]["warnings"]
        assert warnings
        assert all(warning in page.text("notes") for warning in warnings)
        model = fetched(browser, f"{address}/api/recordings/0/model")
        bouts = list(zip(*(model[name] for name in ("start_ms", "end_ms", "code")), strict=True))
        unsure = fetched(browser, f"{address}/api/recordings/0/unsure?after_ms={START_MS}")
        apart = [bout for bout in bouts if bout[0] >= unsure["end_ms"] or bout[1] <= unsure["start_ms"]]
        start, end, code = max(apart, key=lambda bout: (bout[2] >= 0) * (bout[1] - bout[0]))
        middle = (start + end) / 2
        page.point((middle - START_MS) / 1000 / SECONDS)
        assert f"model: {model['labels'][code]}" in page.text("readout")
        page.press("a")
        page.saved()
        assert labels(tmp_path) == [(second(start), second(end), model["labels"][code], "")]
        page.press("a")
        assert page.said().startswith("Labelled already: ")
        page.press("0", "HOME", "u")
        until(lambda: page.said().startswith("Unsure: "))
        assert f"{unsure['label']} {round(100 * unsure['probability'])} %, {unsure['other']} " in page.said()
        page.press("2")
        page.saved()
        assert (second(unsure["start_ms"]), second(unsure["end_ms"]), model["labels"][1], "") in labels(tmp_path)
        page.press("0", "HOME", " ", "END", " ", "3")
        page.saved()
        differing = [bout for bout in bouts if bout[2] not in (-1, -2, 2) and bout[1] - bout[0] >= 10_000]
        assert differing
        see_each_difference(page, len(differing), own=model["labels"][2])
        start, end, code = differing[0]
        page.press("HOME", "d", str(code + 1))
        page.saved()
        assert (second(start), second(end), model["labels"][code], "") in labels(tmp_path)
        assert page.text("next-difference") == f"Next difference ({len(differing) - 1})"
        browser.open("about:blank")


def see_each_difference(page: AnnotatePage, count: int, *, own: str) -> None:
    """Go to each place where the model's label is not ``own``, by keys, and back to the one before by the button."""
    assert page.text("next-difference") == f"Next difference ({count})"
    page.press("HOME")
    for number in range(1, count + 1):
        page.press("d")
        assert page.said().startswith(
            f"Difference {number} of {count}, {count - number or 'none'} left: you say {own}, "
        )
    page.press("d")
    assert page.said().startswith("There is no later place where your labels and the model’s differ")
    page.click("previous-difference")
    expected = f"Difference {count - 1} of {count}, 1 left: " if count > 1 else "There is no earlier place"
    assert expected in page.said()


def test_the_page_opens_at_a_time_that_its_address_asks_for(page: AnnotatePage, address: str) -> None:
    page.press("0", "HOME", "SHIFT+ARROW_RIGHT", " ", "SHIFT+ARROW_RIGHT", " ")
    new_label(page, "walking")
    page.saved()
    place = "return document.getElementById('overview').getAttribute('aria-valuetext')"
    for asked, said, seen in (
        ("10:01:30", "10:01:30 · walking", "10:00:30 to 10:02:30"),
        ("2026-02-03T09:05:00%2B00:00", "10:05:00 · no label", "10:04:00 to 10:06:00"),
        ("480", "10:08:00 · no label", "10:07:00 to 10:09:00"),
    ):
        page.open(f"{address}/?at={asked}")
        until(lambda said=said: said in page.said())  # type: ignore[misc]
        until(lambda seen=seen: str(page.browser.run(place)).endswith(seen))  # type: ignore[misc]
        assert page.browser.run("return location.search") == ""


def test_keys_are_listed_and_buttons_are_large_enough_in_every_size_and_light(page: AnnotatePage) -> None:
    page.drag(0.2, 0.5)
    new_label(page, "walking")
    page.saved()
    page.press("?")
    assert page.browser.run("return document.getElementById('keys').open")
    listed = page.text("key-rows")
    assert all(words in listed for words in ("Split the bout", "Next, previous bout", "Ctrl+Z"))
    page.press("ESCAPE")
    assert not page.browser.run("return document.getElementById('keys').open")
    small = (
        "return [...document.querySelectorAll('button, input')].filter((e) => e.offsetParent)"
        ".map((e) => [e.id || e.textContent, e.getBoundingClientRect()])"
        ".filter(([, box]) => box.height < 44 || box.width < 44)"
    )
    for _ in page.browser.looks("annotate", desktop=DESKTOP, phone=PHONE):
        assert page.browser.run(small) == []


def test_gaps_and_samples_are_where_they_were_recorded(page: AnnotatePage) -> None:
    """The pixels of the picture: no colour of an axis inside the gap, some beside it."""
    page.focus()
    page.press("HOME", "0")
    left, top, width, high = page.browser.run(
        "const b = document.getElementById('chart').getBoundingClientRect();return [b.left, b.top, b.width, b.height]"
    )

    def coloured(seconds: float) -> int:
        """How many pixels at a time have a strong colour."""
        picture = Image.open(io.BytesIO(page.browser.picture())).convert("HSV")
        column = np.asarray(picture)[round(top) : round(top + high - 120), round(left + width * seconds / SECONDS)]
        return int(np.sum(column[:, 1] > 100))

    until(lambda: coloured(180) > 0)
    still, gap, walking = (coloured(seconds) for seconds in (GAP_S[0] - 20, sum(GAP_S) / 2, 180))
    assert gap == 0
    assert 0 < still < walking
