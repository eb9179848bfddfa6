"""The study of the notebook's own files with several seeds: its windows, what it comes to, and that it goes on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recognition import notebook_format
from harken import HarkenError, Windows, random_windows, read
from harken.evaluation.benchmark.methods import PresetMethod
from harken.learning.presets import PRESETS, RandomDraws

DRAWS = RandomDraws(windows=400, training_windows=300, training_seed=1337, cross_seed=101)


@pytest.fixture(autouse=True)
def _few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "notebook", replace(PRESETS["notebook"], windows=DRAWS))


def test_seeds_are_kept_and_come_to_a_table(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--epochs", "1", "--everyday-epochs", "1", "--training-windows", "200", "--workers", "0"]
    command = [
        "--data",
        str(data_dir),
        "--out",
        str(tmp_path / "out"),
        "--results",
        str(tmp_path / "results"),
        *options,
    ]
    notebook_format.main([*command, "--seeds", "1"])
    first = json.loads((tmp_path / "results" / "notebook_format.json").read_text())
    assert first["seeds"] == [0]
    assert first["methods"]["notebook"]["tests"]["same_person"]["accuracy"]["sd"] is None
    learned = []
    fit = PresetMethod.fit

    def remembered(self: PresetMethod, training: Windows) -> Any:
        learned.append((self, training))
        return fit(self, training)

    monkeypatch.setattr(PresetMethod, "fit", remembered)
    notebook_format.main([*command, "--seeds", "2"])
    assert [(method.name, method.seed) for method, _ in learned] == [("notebook", 1), ("everyday", 1)]
    # The windows are the notebook's: the first of its draw, for either method.
    drawn = random_windows(
        read(data_dir / "notebook_format" / "merged_ab.csv", as_found=True), length=512, count=400, seed=1337
    )
    for method, training in learned:
        channels = drawn.channels if method.name == "notebook" else ("x", "y", "z")
        columns = [drawn.channels.index(name) for name in channels]
        assert training.channels == channels
        assert np.array_equal(training.signals, drawn.signals[:200, :, columns])
    result = json.loads((tmp_path / "results" / "notebook_format.json").read_text())
    assert result["training_windows"] == 200
    assert result["draws"]["windows"] == 400
    assert "--seeds 2 --epochs 1 --everyday-epochs 1 --training-windows 200" in result["command"]
    table = (tmp_path / "results" / "notebook_format.md").read_text()
    for name, one in result["methods"].items():
        for test, windows in (("same_person", 100), ("cross_person", 400)):
            found = one["tests"][test]
            each = [found["each"][f"seed-{seed}"] for seed in (0, 1)]
            assert each[0] == first["methods"][name]["tests"][test]["each"]["seed-0"]
            assert [scores["windows"] for scores in each] == [windows, windows]
            values = [scores["accuracy"] for scores in each]
            assert values == [np.trace(scores["confusion"]) / windows for scores in each]
            accuracy = found["accuracy"]
            assert accuracy == pytest.approx(
                {"mean": np.mean(values), "sd": np.std(values, ddof=1), "min": min(values), "max": max(values)}
            )
            assert (
                f"{accuracy['mean']:.1%} ± {accuracy['sd']:.1%} ({accuracy['min']:.1%} to {accuracy['max']:.1%})"
                in table
            )
    with pytest.raises(HarkenError, match="made with another training"):
        notebook_format.main([*command, "--seeds", "2", "--training-windows", "150"])


def test_a_trial_does_not_write_over_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        notebook_format.main(["--data", "data", "--out", "out", "--everyday-epochs", "1"])
    assert "a trial must not overwrite the results" in capsys.readouterr().err
