"""The script that shows a recipe's score pass by pass."""

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import people
import study
from harken import Recogniser
from harken.learning.presets import PRESETS
from harken.windows.splits import apply, protocols

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
STEADY = people.SMALL_EVERYDAY.trained(one_cycle=False, batch_windows=14, min_iterations=0)
"""A rate that does not fall, and as many whole batches as a pass has."""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())
    monkeypatch.setitem(PRESETS, "steady", replace(STEADY, name="steady"))
    module = importlib.import_module("epochs")
    monkeypatch.setitem(module.PROTOCOLS, "invented", "unseen")
    return module


def test_what_stands_beside_a_pass_is_what_so_many_epochs_come_to(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["steady", "invented", "--data", str(tmp_path), "--fold", "1", "--json", str(tmp_path / "epochs.json")]
    script.main([*asked, "--epochs", "3"])
    found = json.loads((tmp_path / "epochs.json").read_text())

    windows = study.study_windows()
    parts = apply(study.folds(windows)[1], windows)
    assert found["fold"] == "1"
    assert found["training_windows"] == len(parts.training)
    assert found["unseen"] == sorted(set(parts.test.subjects.tolist()))
    a_pass = len(parts.training) // STEADY.training.batch_windows
    assert found["steps"][:3] == [1, a_pass, 2 * a_pass]
    so_many = Recogniser(STEADY, epochs=2, device="cpu").fit(parts.training)
    assert found["accuracy"][2] == pytest.approx(so_many.score(parts.test))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(found["steps"])
    assert f"step {2 * a_pass}: {found['accuracy'][2]:.1%} of the unseen people's windows" in printed[2]


def test_a_recipe_whose_rate_falls_is_refused(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main(["everyday", "wisdm", "--data", "nowhere"])
    assert "invalid choice: 'everyday'" in capsys.readouterr().err
