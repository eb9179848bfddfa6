"""Choosing among several recordings on the page of ``harken annotate``."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotate_page import ZONE, AnnotatePage, write_recording
from browser import Browser
from server_process import serving
from waiting import until

pytestmark = pytest.mark.second_stage

COUNTING = """
  window.asked = [];
  const counted = fetch;
  window.fetch = (...all) => {
    if (all[0].endsWith("/labels")) asked.push(all[0].split("/").at(-2));
    return counted(...all);
  };
"""
"""Keeps the numbers of the recordings whose labels are asked for."""


def choose(page: AnnotatePage, *numbers: int) -> None:
    """Click on recordings in the list, one right after the other."""
    script = "for (const one of arguments[0]) document.querySelector(`#file-list [data-number='${one}']`).click()"
    page.browser.run(script, numbers)


NO_CONNECTION = "async () => { throw new TypeError('no connection') }"


@pytest.fixture
def several(browser: Browser, tmp_path: Path) -> Iterator[AnnotatePage]:
    """The page of the recordings anna, ben and cara."""
    pytest.importorskip("fastapi", reason="fastapi is not installed (extra serve)")
    page = AnnotatePage(browser)
    files = [write_recording(tmp_path / f"{name}.csv", minutes=1) for name in ("anna", "ben", "cara")]
    arguments = (*map(str, files), "--timezone", ZONE, "--no-model")
    with serving(*arguments, log=tmp_path / "log.txt", command="annotate") as address:
        page.open(address)
        page.writable()
        browser.run(COUNTING)
        yield page
        browser.open("about:blank")


def shows(page: AnnotatePage, name: str) -> None:
    """Wait until this recording is shown, and may be labelled."""
    until(lambda: page.text("title").startswith(name) and page.shown("work"))
    page.writable()


def test_of_recordings_that_are_chosen_quickly_only_the_last_is_opened(several: AnnotatePage) -> None:
    browser = several.browser
    choose(several, 1, 2)
    shows(several, "cara")
    browser.run(
        "const before = fetch; window.fetch = async (...all) => {"
        " if (all[0].endsWith('/0')) await new Promise((done) => { window.answer = done; });"
        " return before(...all); }"
    )
    choose(several, 0)
    browser.wait("return window.answer !== undefined")
    choose(several, 1)
    shows(several, "ben")
    browser.run("answer()")
    time.sleep(0.8)  # a recording that is read further is asked for again after a quarter of a second
    assert browser.run("return asked") == ["2", "1"]


def test_a_recording_that_could_not_be_opened_can_be_chosen_again(several: AnnotatePage) -> None:
    browser = several.browser
    complaints = len(browser.complaints())
    browser.run(f"window.before = fetch; window.fetch = {NO_CONNECTION}")
    choose(several, 1)
    until(lambda: several.said().startswith("The other recording was not opened: no connection to harken."))
    assert browser.run("return location.hash") == "#0"
    assert several.shown("work")
    browser.run("window.fetch = before")
    choose(several, 1)
    shows(several, "ben")
    assert not several.shown("trouble")
    assert not [each for each in browser.complaints()[complaints:] if "Uncaught" in each]
