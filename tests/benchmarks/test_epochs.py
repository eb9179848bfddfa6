"""The script that shows a recipe's score pass by pass."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import people
import study
from benchmarks.recognition import epochs
from harken import Recogniser
from harken.presets import PRESETS
from harken.splits import apply, protocols

STEADY = people.SMALL_EVERYDAY.trained(one_cycle=False, batch_windows=14, fewest_steps=0)
"""A rate that does not fall, and as many whole batches as a pass has."""


@pytest.fixture(autouse=True)
def _invented_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())
    monkeypatch.setitem(PRESETS, "steady", replace(STEADY, name="steady"))
    monkeypatch.setitem(epochs.PROTOCOLS, "invented", "strangers")


def test_what_stands_beside_a_pass_is_what_so_many_passes_come_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["steady", "invented", "--data", str(tmp_path), "--fold", "1", "--json", str(tmp_path / "passes.json")]
    epochs.main([*asked, "--passes", "3"])
    found = json.loads((tmp_path / "passes.json").read_text())

    windows = study.study_windows()
    parts = apply(study.folds(windows)[1], windows)
    assert found["fold"] == "1"
    assert found["training_windows"] == len(parts.training)
    assert found["strangers"] == sorted(set(parts.test.subjects.tolist()))
    a_pass = len(parts.training) // STEADY.training.batch_windows
    assert found["steps"][:3] == [1, a_pass, 2 * a_pass]
    so_many = Recogniser(STEADY, passes=2, device="cpu").fit(parts.training)
    assert found["accuracy"][2] == pytest.approx(so_many.score(parts.test))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(found["steps"])
    assert f"step {2 * a_pass}: {found['accuracy'][2]:.1%} of the strangers' windows" in printed[2]


def test_a_recipe_whose_rate_falls_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        epochs.main(["everyday", "wisdm", "--data", "nowhere"])
    assert "invalid choice: 'everyday'" in capsys.readouterr().err
