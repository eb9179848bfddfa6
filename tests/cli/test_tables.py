"""What is printed of people held out, of probabilities, and of what is taken for what."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import people
from command_line import Finished, Run
from harken.cli.evaluate import print_confusion
from harken.models.scores import score
from harken.training.presets import PRESETS


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    brief = replace(people.SMALL_EVERYDAY.trained(epochs=1, min_iterations=2), name="brief")
    monkeypatch.setitem(PRESETS, "brief", brief)
    monkeypatch.setitem(PRESETS, "small", people.SMALL)


def printed(ended: Finished) -> str:
    assert ended.exit_code == 0, ended.stderr
    return " ".join(ended.stdout.split())


@pytest.mark.usefixtures("undrawn")
def test_several_people_hold_some_out(run_harken: Run, alice: Path, bob: Path, tmp_path: Path) -> None:
    text = printed(run_harken("train", alice, bob, "--out", tmp_path / "run", "--preset", "brief"))
    assert "Held out: a copy trained without 1 of its 2 training people has an accuracy of" in text
    assert "There were no recordings of unseen people (--cross)." in text
    assert "it is unknown" not in text
    assert "Its probabilities are calibrated for unseen people" in text
    assert "expected calibration error" not in text
    assert text.count("converted to g") == 1
    assert "Note: 2 files: Acceleration is in m/s2 (at rest 9." in text


@pytest.mark.usefixtures("undrawn")
def test_one_person_leaves_unseen_uncalibrated(run_harken: Run, alice: Path, bob: Path, tmp_path: Path) -> None:
    text = printed(run_harken("train", alice, "--out", tmp_path / "alone", "--preset", "brief"))
    unknown = "There were no recordings of unseen people (--cross), so the accuracy on unseen people is unknown."
    assert unknown in text
    assert "Held out" not in text
    assert "not calibrated for unseen people" in text
    assert "Note: alice.csv: Acceleration is in m/s2" in text
    text = printed(run_harken("train", alice, "--cross", bob, "--out", tmp_path / "run", "--preset", "brief"))
    assert "There were no recordings of unseen people" not in text
    assert "On the one unseen person, the probability of an answer differs" in text
    assert "(expected calibration error 0." in text


def printed_confusion(labels: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Of 400 windows of each label 300 are right, 80 are taken for the next label, and 20 for the one after."""
    monkeypatch.setenv("COLUMNS", "80")
    truth = np.repeat(np.arange(labels), 400)
    wrong_by = np.tile(np.repeat([0, 1, 2], [300, 80, 20]), labels)
    names = tuple(f"activity {number}" for number in range(labels))
    print_confusion(Console(highlight=False), score(truth, (truth + wrong_by) % labels, names))
    return capsys.readouterr().out


def test_a_confusion_matrix_that_fits_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed_confusion(4, capsys, monkeypatch)
    assert "Windows by true label" in text
    assert "300" in text
    assert "…" not in text


def test_one_that_is_too_wide_becomes_a_line_a_label(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed_confusion(18, capsys, monkeypatch)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "activity 0 400 75.0% activity 1 (20.0%), activity 2 (5.0%)" in " ".join(text.split())
    assert "activity 17 400 75.0% activity 0 (20.0%), activity 1 (5.0%)" in " ".join(text.split())
