"""``harken demo``: from the installed package's data to a report, again and again."""

from pathlib import Path

import pytest

from command_line import Run
from harken.datasets import exercises as dataset


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
