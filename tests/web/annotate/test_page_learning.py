"""*Learn* on the page of ``harken annotate``: a model is adapted to the labels, chosen, and labels the recording."""

from pathlib import Path

import pytest

from annotate_page import AnnotatePage
from browser import DESKTOP, PHONE, chromium
from labelled_files import write_labelled
from server_process import serving
from server_thread import recogniser
from waiting import until

pytestmark = pytest.mark.second_stage

LONGEST_S = 240
SWAPPED = {"lying": "sitting", "sitting": "lying"}
"""The wearer gives these labels the other way round, so that a model that adapts must be better."""


def test_a_model_is_adapted_and_its_bouts_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed (extra serve)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_labelled(tmp_path / "day", "bob", 2, rename=SWAPPED)
    model = tmp_path / "small.safetensors"
    recogniser().save(model)
    with (
        serving(str(path), "--model", str(model), log=tmp_path / "log.txt", command="annotate") as address,
        chromium(DESKTOP) as browser,
    ):
        page = AnnotatePage(browser)
        page.open(address)
        until(lambda: "small" in page.text("title") and page.shown("accept"), LONGEST_S)
        until(lambda: page.shown("learn-adapt"), LONGEST_S)
        assert "bob" in page.text("learn")
        browser.run("document.getElementById('learn-adapt').click()")
        until(lambda: page.shown("learn-serve-new"), LONGEST_S)
        assert "F1 of lying" in page.text("learn")
        browser.run("document.getElementById('learn-serve-new').click()")
        until(lambda: labelled_by(page.text("title"), "adapted-"), LONGEST_S)
        (saved,) = (tmp_path / "day" / "models").glob("adapted-*.safetensors")
        assert saved.stat().st_size > 1000
        bouts = browser.driver.execute_async_script(
            "const done = arguments[0]; fetch('/api/recordings/0/model').then((answer) => answer.json()).then(done)"
        )
        labels = browser.driver.execute_async_script(
            "const done = arguments[0]; fetch('/api/recordings/0/labels').then((answer) => answer.json()).then(done)"
        )
        assert overlap(bouts, labels["intervals"]) > 0.9
        browser.resize(PHONE)
        assert not browser.scrolls_sideways()


def labelled_by(title: str, model: str) -> bool:
    """Whether a model of this name has labelled the recording. The title changes, so it is read once."""
    return model in title and not any(each in title for each in ("labelling", "waiting", "failed"))


def overlap(bouts: dict[str, list[float]], intervals: list[dict[str, float]]) -> float:
    """The share of the labelled time in which the model says the same."""
    same = total = 0.0
    for one in intervals:
        total += one["end_ms"] - one["start_ms"]
        for start, end, code in zip(bouts["start_ms"], bouts["end_ms"], bouts["code"], strict=True):
            if code >= 0 and bouts["labels"][int(code)] == one["label"]:
                same += max(0.0, min(end, one["end_ms"]) - max(start, one["start_ms"]))
    return same / total
