"""Every example script runs, on a small setting."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

import people
from harken.presets import PRESETS

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_every_example_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"notebook.py"}


def test_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(PRESETS, "notebook", replace(people.SMALL, name="notebook"))
    mine, friend = (people.write_person(tmp_path / f"{name}.csv", seed) for name, seed in (("me", 1), ("friend", 2)))
    main = runpy.run_path(str(EXAMPLES / "notebook.py"))["main"]
    accuracy = main(str(mine), str(friend), 2, out=tmp_path, length=32, draws=500)
    assert 0 <= accuracy <= 1
    assert "a person it never met" in capsys.readouterr().out
    assert (tmp_path / "model.safetensors").exists()
