"""What ``harken train`` prints of people held out and of probabilities, a line each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import people
from harken.presets import PRESETS

Run = Callable[..., object]


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    brief = replace(people.SMALL_EVERYDAY.trained(passes=1, fewest_steps=2), name="brief")
    monkeypatch.setitem(PRESETS, "brief", brief)
    monkeypatch.setitem(PRESETS, "small", people.SMALL)


def printed(ended: object) -> str:
    assert ended.exit_code == 0, ended.stderr  # type: ignore[attr-defined]
    return " ".join(ended.stdout.split())  # type: ignore[attr-defined]


def test_several_people_hold_some_out(run_harken: Run, alice: Path, bob: Path, tmp_path: Path) -> None:
    said = printed(run_harken("train", alice, bob, "--out", tmp_path / "run", "--preset", "brief"))
    assert "Held out: a copy trained without 1 of its 2 training people has an accuracy of" in said
    assert "No recording of anybody else was given (--cross)." in said
    assert "Nothing is known" not in said
    assert "Its probabilities are calibrated for strangers" in said
    assert "expected calibration error" not in said
    assert said.count("converted to g") == 1
    assert "Note: 2 files: Acceleration is in m/s2 (at rest 9." in said


def test_one_person_leaves_strangers_uncalibrated(run_harken: Run, alice: Path, bob: Path, tmp_path: Path) -> None:
    said = printed(run_harken("train", alice, "--out", tmp_path / "alone", "--preset", "brief"))
    assert "Nothing is known about strangers: no recording of anybody else was given (--cross)." in said
    assert "Held out" not in said
    assert "not calibrated for strangers" in said
    assert "Note: alice.csv: Acceleration is in m/s2" in said
    said = printed(run_harken("train", alice, "--cross", bob, "--out", tmp_path / "run", "--preset", "brief"))
    assert "anybody else was given" not in said
    assert "On the one person it never met, the probability of its answer differs" in said
    assert "(expected calibration error 0." in said
