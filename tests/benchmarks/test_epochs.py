"""The script that shows a recipe's score after each epoch."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import people
import study
from benchmarks.recognition import epochs
from harken import Recogniser
from harken.learning.presets import PRESETS
from harken.windows.splits import apply, protocols

STEADY = people.SMALL_EVERYDAY.trained(one_cycle=False, batch_windows=14, min_iterations=0)
"""A constant learning rate, and an epoch of whole batches."""


@pytest.fixture(autouse=True)
def _invented_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())
    monkeypatch.setitem(PRESETS, "steady", replace(STEADY, name="steady"))
    monkeypatch.setitem(vars(epochs)["PROTOCOLS"], "invented", "unseen")


def test_the_score_after_an_epoch_is_that_of_a_training_with_so_many_epochs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["steady", "invented", "--data", str(tmp_path), "--fold", "1", "--json", str(tmp_path / "epochs.json")]
    epochs.main([*arguments, "--epochs", "3"])
    found = json.loads((tmp_path / "epochs.json").read_text())

    windows = study.study_windows()
    parts = apply(study.folds(windows)[1], windows)
    assert found["fold"] == "1"
    assert found["training_windows"] == len(parts.training)
    assert found["unseen_people"] == sorted(set(parts.test.subjects.tolist()))
    an_epoch = len(parts.training) // STEADY.training.batch_windows
    assert found["iterations"][:3] == [1, an_epoch, 2 * an_epoch]
    so_many = Recogniser(STEADY, epochs=2, device="cpu").fit(parts.training)
    assert found["accuracy"][2] == pytest.approx(so_many.score(parts.test))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(found["iterations"])
    assert f"iteration {2 * an_epoch}: {found['accuracy'][2]:.1%} of the unseen people's windows" in printed[2]


def test_a_recipe_whose_rate_falls_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        epochs.main(["everyday", "wisdm", "--data", "nowhere"])
    assert "invalid choice: 'everyday'" in capsys.readouterr().err
