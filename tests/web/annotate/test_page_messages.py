"""What the page of ``harken annotate`` says and keeps: keys, states, long words, notes, merges, a lost connection."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate_page import START_MS, ZONE, AnnotatePage, rows, write_recording
from browser import DESKTOP, PHONE, Browser
from harken.annotations.table import plain_note, why_not_kept
from page_modules import said
from server_process import free_port, serving
from waiting import until

pytestmark = pytest.mark.second_stage


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "anna.csv")


@pytest.fixture
def page(browser: Browser, recording: Path, tmp_path: Path) -> Iterator[AnnotatePage]:
    """The page of a recording without labels."""
    pytest.importorskip("fastapi", reason="fastapi is not installed (extra serve)")
    browser.resize(DESKTOP)
    with serving(str(recording), "--timezone", ZONE, "--no-model", log=tmp_path / "log.txt", command="annotate") as at:
        page = AnnotatePage(browser)
        page.open(at)
        page.writable()
        yield page
        browser.open("about:blank")


PEN = """const chart = document.getElementById("chart"), [steps, y] = arguments;
chart.setPointerCapture = () => {};
for (const [kind, x] of steps) document.elementFromPoint(x, y).dispatchEvent(
  new PointerEvent(`pointer${kind}`, {bubbles: true, pointerType: "pen", clientX: x, clientY: y}))"""
"""A drag with a pen that leaves the focus where it is."""


def labelled(page: AnnotatePage, start: float, end: float, name: str) -> None:
    """Label a part of the recording with a label that is typed."""
    page.drag(start, end)
    page.press("t", *name, "ENTER")
    page.saved()


def near(seconds: float) -> object:
    """About this time: a drag ends on a pixel."""
    return pytest.approx(seconds, abs=1)


def keys(page: AnnotatePage) -> list[str]:
    """The labels in the order of their keys."""
    found: list[str] = page.browser.run(
        "return [...document.querySelectorAll('#choices [data-label]')].map((one) => one.dataset.label)"
    )
    return found


def test_a_label_keeps_its_key_and_nothing_is_called_saved_before_it_is_on_the_disk(
    page: AnnotatePage, tmp_path: Path
) -> None:
    until(lambda: page.saving() == "No changes yet")
    path = str(tmp_path / "anna.labels.csv")
    assert page.text("labels-path") == f"Will be saved in {path}"
    labelled(page, 0.5, 0.6, "walking")
    assert page.text("labels-path") == f"Saved in {path}"
    labelled(page, 0.2, 0.3, "sitting")
    labelled(page, 0.7, 0.8, "cycling")
    assert keys(page) == ["walking", "sitting", "cycling"]
    page.browser.driver.refresh()
    until(lambda: page.saving() == "Saved" and "in 3 bouts" in page.text("labelled-share"))
    assert keys(page) == ["walking", "sitting", "cycling"]


def test_labels_that_cannot_be_changed_are_read_only(browser: Browser, recording: Path, tmp_path: Path) -> None:
    labels = "start,end,label\n2026-02-03T10:00:00+01:00,2026-02-03T10:01:00,lying\n"
    (tmp_path / "anna.labels.csv").write_text(labels)
    with serving(str(recording), "--no-model", log=tmp_path / "log.txt", command="annotate") as address:
        page = AnnotatePage(browser)
        page.open(address)
        until(lambda: page.saving() == "Read-only")
        assert page.text("labels-path").startswith("File of labels, read-only: ")
        browser.open("about:blank")


@pytest.mark.parametrize("size", [(1200, 900), PHONE], ids=("wide", "phone"))
def test_long_words_stay_inside_of_their_cards(
    browser: Browser, recording: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = recording.rename(tmp_path / f"{'a' * 150}.csv")
    times = "2026-02-03T10:00:00+01:00,2026-02-03T10:05:00+01:00"
    path.with_suffix(".labels.csv").write_text(f"start,end,label,note\n{times},{'l' * 80},{'n' * 900}\n")
    browser.resize(size)
    with serving(str(path), "--timezone", ZONE, "--no-model", log=tmp_path / "log.txt", command="annotate") as address:
        page = AnnotatePage(browser)
        page.open(address)
        page.writable()
        page.focus()
        page.press("HOME", "n")
        until(lambda: "nnn…" in page.text("readout"))
        assert page.text("summary").endswith("5 min 00 s")
        outside = (
            "const seen = (e) => e.offsetParent && !e.closest('.visually-hidden, dialog');"
            "return [...document.querySelectorAll('.card *, header *')].filter(seen)"
            ".filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth)"
            ".map((e) => e.id || e.textContent)"
        )
        assert browser.run(outside) == []
        assert not browser.scrolls_sideways()
        browser.open("about:blank")


def test_the_next_unsure_moment_leaves_an_edge_that_is_held_where_it_is(page: AnnotatePage, tmp_path: Path) -> None:
    labelled(page, 0.1, 0.2, "walking")
    page.press("e", "ARROW_RIGHT")
    moment = {"start_ms": START_MS + 400_000, "end_ms": START_MS + 430_000, "label": "sitting", "probability": 0.5}
    page.browser.run(
        "const [moment, real] = [arguments[0], fetch]; window.fetch = async (where, ...rest) =>"
        " where.includes('/unsure') ? new Response(JSON.stringify(moment)) : real(where, ...rest)",
        {**moment, "other": None},
    )
    page.press("u")
    until(lambda: page.said().startswith("Unsure: sitting 50 %"))
    page.saved()
    assert [(start, end) for start, end, *_ in rows(tmp_path / "anna.labels.csv")] == [(near(60), near(126))]


def test_a_note_is_saved_while_it_is_typed_and_is_one_change(page: AnnotatePage, tmp_path: Path) -> None:
    labelled(page, 0.1, 0.2, "sitting")
    path = tmp_path / "anna.labels.csv"
    page.press("o", *"at the")
    until(lambda: rows(path)[0][3] == "at the")
    page.press(*" desk")
    until(lambda: rows(path)[0][3] == "at the desk")
    page.press(*", reading")
    page.browser.run("dispatchEvent(new Event('pagehide'))")
    until(lambda: rows(path)[0][3] == "at the desk, reading")
    page.press("ENTER", "CONTROL+z")
    page.saved()
    assert rows(path)[0][2:] == ("sitting", "")


def test_a_note_belongs_to_the_bout_on_which_it_was_begun(page: AnnotatePage, tmp_path: Path) -> None:
    labelled(page, 0.1, 0.2, "sitting")
    labelled(page, 0.4, 0.5, "standing")
    page.press("o", *"in a queue")
    page.point(0.15, part="labels")
    page.saved()
    assert [note for *_, note in rows(tmp_path / "anna.labels.csv")] == ["", "in a queue"]
    assert page.browser.run("return document.getElementById('note').value") == ""
    page.press("o", *"desk")
    left, width, y = page.part("labels")
    places = [left + share * width for share in (0.5, 0.52, 0.54)]
    page.browser.run(PEN, list(zip(("down", "move", "up"), places, strict=True)), y)
    assert page.browser.focused() == "note"
    assert page.browser.run("return document.getElementById('note').value") == "in a queue"
    page.press("ENTER")
    page.point(0.15, part="labels")
    page.saved()
    assert [note for *_, note in rows(tmp_path / "anna.labels.csv")] == ["desk", "in a queue"]
    page.press("o")
    page.browser.run(
        "const note = document.getElementById('note'); note.value = 'n'.repeat(1001);"
        "note.dispatchEvent(new Event('input'))"
    )
    assert page.said() == "A note has at most 1,000 characters; the rest was cut."
    page.press("ENTER")
    page.saved()
    assert rows(tmp_path / "anna.labels.csv")[0][3] == "n" * 1000


def test_a_text_that_cannot_be_a_label_is_refused_at_once(page: AnnotatePage, tmp_path: Path) -> None:
    page.drag(0.1, 0.2)
    page.press("t", *"None", "ENTER")
    assert page.said() == "“None” cannot be a label: in a file of labels it means that there is none."
    assert page.saving() == "No changes yet"
    page.press(*"such", "ENTER")
    page.saved()
    assert rows(tmp_path / "anna.labels.csv")[0][2] == "Nonesuch"


TEXTS = (
    "",
    "end",
    "STOP",
    "None",
    "n/a",
    "nan",
    "na",
    "walking",
    "w" * 200,
    "w" * 201,
    "a\tb",
    "a\x7fb",
    "a b",
    "🙂" * 200,
)


def test_the_page_has_the_rules_of_the_server(modules: Browser) -> None:
    notes = ("", "a\tb", " a  b\u00a0\u200b c ", "n" * 1001, "🙂" * 1001, "a\u2028b\x07")
    refused = said(modules, "bouts.js", "a.map((text) => m.whyNoLabel(text) !== null)", *TEXTS)
    shown = said(modules, "bouts.js", "a.map((text) => m.plainNote(text))", *notes)
    assert refused == [why_not_kept(text) is not None for text in TEXTS]
    assert shown == [plain_note(text) for text in notes]


def test_what_is_not_saved_is_sent_again_and_said(browser: Browser, recording: Path, tmp_path: Path) -> None:
    port, page = free_port(), AnnotatePage(browser)
    arguments = (str(recording), "--timezone", ZONE, "--no-model")
    leaving = "const e = new Event('beforeunload', {cancelable: true}); dispatchEvent(e); return e.defaultPrevented"
    with serving(*arguments, log=tmp_path / "first.txt", port=port, command="annotate") as address:
        page.open(address)
        page.writable()
        labelled(page, 0.2, 0.4, "walking")
        assert not browser.run(leaving)
        page.drag(0.5, 0.6)
    page.press("1")
    until(lambda: page.saving() == "Not saved: no connection to harken, trying again.")
    assert browser.run(leaving)
    until(lambda: f"start it again with --port {port}; this page then saves the labels." in page.saving())
    assert len(rows(tmp_path / "anna.labels.csv")) == 1
    with serving(*arguments, log=tmp_path / "second.txt", port=port, command="annotate"):
        until(lambda: page.saving() == "Saved", 40)
        assert len(rows(tmp_path / "anna.labels.csv")) == 2
        browser.open("about:blank")


THEIRS = "2026-02-03T10:00:00+01:00,2026-02-03T10:01:00+01:00,lying"


def collide(page: AnnotatePage, path: Path, note: str) -> None:
    """Label on the page after another program has changed the file of labels."""
    path.write_text(f"start,end,label,note\n{THEIRS},{note}\n")
    page.drag(0.7, 0.8)
    page.press("t", *"running", "ENTER")
    until(lambda: page.shown("conflict"))
    assert page.saving() == "Not saved: the labels were changed elsewhere."
    assert [label for *_, label, _ in rows(path)] == ["lying"]


def test_labels_that_collide_are_both_offered_and_nothing_is_lost(page: AnnotatePage, tmp_path: Path) -> None:
    path = tmp_path / "anna.labels.csv"
    labelled(page, 0.2, 0.4, "walking")
    collide(page, path, "in bed")
    assert "Another window or program has changed the labels of this recording" in page.text("conflict")
    mine = page.text("load-theirs-about")
    assert "Only on this page:walking, 10:02:00 to 10:04:00" in mine
    assert "running, 10:07:00 to 10:08:00" in mine
    theirs = page.text("keep-mine-about")
    assert theirs.endswith("Only in the file, and replaced:lying, 10:00:00 to 10:01:00, note: in bed")
    for _ in page.browser.looks("annotate_conflict", wide=(1200, 900), phone=(400, 850)):
        small = (
            "return [...document.querySelectorAll('#conflict button')].map((e) => e.getBoundingClientRect())"
            ".filter((box) => box.height < 44 || box.width < 44 || box.right > innerWidth)"
        )
        assert page.browser.run(small) == []
    page.browser.resize(DESKTOP)
    page.click("load-theirs")
    page.saved()
    assert not page.shown("conflict")
    assert page.said() == "The labels of the file are shown. Undo brings back those of this page."
    assert page.text("summary").startswith("lying")
    assert [label for *_, label, _ in rows(path)] == ["lying"]
    page.press("CONTROL+z")  # what was on this page is not lost
    page.saved()
    assert [label for *_, label, _ in rows(path)] == ["walking", "running"]
    page.press("CONTROL+y")
    page.saved()
    assert [(label, note) for *_, label, note in rows(path)] == [("lying", "in bed")]
    collide(page, path, "asleep")
    page.click("keep-mine")
    page.saved()
    assert not page.shown("conflict")
    assert [(label, note) for *_, label, note in rows(path)] == [("lying", "in bed"), ("running", "")]


def test_labels_that_changed_once_more_are_not_replaced_before_they_are_shown(
    page: AnnotatePage, tmp_path: Path
) -> None:
    path = tmp_path / "anna.labels.csv"
    collide(page, path, "in bed")
    path.write_text(f"start,end,label,note\n{THEIRS},asleep\n")
    page.click("keep-mine")
    until(lambda: page.text("keep-mine-about").endswith("note: asleep"))
    assert [note for *_, note in rows(path)] == ["asleep"]
    page.click("keep-mine")
    page.saved()
    assert [label for *_, label, _ in rows(path)] == ["running"]


def test_a_second_window_labels_too_and_the_first_is_told_at_its_next_change(
    page: AnnotatePage, tmp_path: Path
) -> None:
    path, driver = tmp_path / "anna.labels.csv", page.browser.driver
    first, address = driver.current_window_handle, driver.current_url
    labelled(page, 0.2, 0.4, "walking")
    driver.switch_to.new_window("tab")
    try:
        page.browser.resize(DESKTOP)
        page.browser.open(address)
        until(lambda: "in 1 bout" in page.text("labelled-share"))
        page.writable()
        labelled(page, 0.5, 0.6, "sitting")
        driver.switch_to.window(first)
        # A window that is not shown again yet takes no drag.
        until(lambda: page.browser.run("return document.visibilityState === 'visible' && document.hasFocus()"))
        page.drag(0.7, 0.8)
        page.press("t", *"running", "ENTER")
        until(lambda: page.shown("conflict"))
        assert [label for *_, label, _ in rows(path)] == ["walking", "sitting"]
        page.click("load-theirs")
        page.saved()
        labelled(page, 0.7, 0.8, "running")
        assert [label for *_, label, _ in rows(path)] == ["walking", "sitting", "running"]
    finally:
        for handle in set(driver.window_handles) - {first}:
            driver.switch_to.window(handle)
            driver.close()
        driver.switch_to.window(first)


def test_several_files_are_a_list_and_one_that_failed_says_why(
    browser: Browser, recording: Path, tmp_path: Path
) -> None:
    page = AnnotatePage(browser)
    (broken := tmp_path / "broken.csv").write_text("a,b\n1,2\n")
    files = [str(recording), str(broken)]
    with serving(*files, "--no-model", log=tmp_path / "log.txt", command="annotate") as address:
        page.open(address)
        page.writable()
        until(lambda: "cannot be read" in page.text("file-list"))
        labelled(page, 0.2, 0.5, "walking")
        until(lambda: "3 min 00 s labelled" in page.text("file-list"))
        browser.run("document.querySelector('#file-list [data-number=\"1\"]').click()")
        until(lambda: page.shown("trouble"))
        assert "found no column for time" in page.text("trouble")
        assert page.saving() == "Cannot be read"
        assert not page.shown("work")
        browser.run("document.querySelector('#file-list [data-number=\"0\"]').click()")
        until(lambda: page.shown("work") and "in 1 bout" in page.text("labelled-share"))
        browser.open("about:blank")


def test_the_actions_are_seen_without_scrolling(browser: Browser, recording: Path, tmp_path: Path) -> None:
    browser.resize((1200, 900))
    with serving(str(recording), log=tmp_path / "log.txt", command="annotate") as address:
        page = AnnotatePage(browser)
        page.open(address)
        page.writable()
        page.focus()
        page.press("HOME", "w")
        assert len(keys(page)) >= 8
        until(lambda: page.shown("accept"), 180)
        below = "return document.getElementById('begin-end').getBoundingClientRect().bottom - innerHeight"
        assert browser.run(below) <= 0
        browser.open("about:blank")
