"""What a newcomer stumbled over on the page of ``harken annotate``: keys, states, long words, notes and merges."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate_page import ZONE, AnnotatePage, rows, until, write_recording
from browser import DESKTOP, Browser, chromium
from server_process import serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


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


def labelled(page: AnnotatePage, start: float, end: float, name: str) -> None:
    """Label a part of the recording with a label that is typed."""
    page.drag(start, end)
    page.press("t", *name, "ENTER")
    page.saved()


def keys(page: AnnotatePage) -> list[str]:
    """The labels in the order of their keys."""
    found: list[str] = page.browser.run(
        "return [...document.querySelectorAll('#choices [data-label]')].map((one) => one.dataset.label)"
    )
    return found


def test_a_label_keeps_its_key_when_others_are_set_and_the_page_is_reloaded(page: AnnotatePage) -> None:
    labelled(page, 0.5, 0.6, "walking")
    labelled(page, 0.2, 0.3, "sitting")
    labelled(page, 0.7, 0.8, "cycling")
    assert keys(page) == ["walking", "sitting", "cycling"]
    page.browser.driver.refresh()
    until(lambda: "in 3 bouts" in page.text("labelled-share"))
    assert keys(page) == ["walking", "sitting", "cycling"]
