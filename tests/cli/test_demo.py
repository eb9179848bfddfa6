"""``harken demo``: from the installed package's data to a report, again and again."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

import harken.training.demo
from command_line import Run
from harken.datasets import exercises as dataset
from harken.windows.windows import SlidingHops


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("seglearn") is None:
        pytest.skip("the demo's data is not installed: pip install seglearn")
    few = replace(harken.training.demo.DEMO_RECIPE, windows=SlidingHops(hop_s=10.0))
    quick = few.trained(epochs=1)
    monkeypatch.setattr(harken.training.demo, "DEMO_RECIPE", quick)


@pytest.mark.usefixtures("_quick")
def test_ends_with_the_scores_and_the_path_of_the_report(run_harken: Run, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    first = run_harken("demo", "--out", out)
    assert first.exit_code == 0
    report = out / "run" / "report.html"
    assert str(report) in first.stdout.replace("\n", "")
    for words in ("3 unseen people", "unseen people", "exercises_08", "exercises_10"):
        assert words in first.stdout
    page = report.read_text()
    assert "exercises_09" in page
    assert (out / "run" / "confusion_cross_person.png").exists()
    assert len(list((out / "recordings").glob("*.csv"))) == 20
    again = run_harken("demo", "--out", out)
    assert again.exit_code == 0
    assert "finished" in again.stderr
    assert str(report) in again.stdout.replace("\n", "")


def test_without_the_data_it_says_what_to_install(
    run_harken: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "distribution", _no_distribution)
    ended = run_harken("demo", "--out", tmp_path / "demo")
    assert ended.exit_code == 2
    assert "pip install" in ended.stderr
    assert "pip install seglearn" in ended.stderr


def _no_distribution(name: str) -> object:
    from importlib.metadata import PackageNotFoundError

    raise PackageNotFoundError(name)
