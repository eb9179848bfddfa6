"""The benchmark of the notebook's recipe trains what is not there yet, keeps it, and sums all up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def notebook_speed(data: Path, folder: Path, epochs: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.speed.notebook_speed", "--data", str(data / "notebook_format")]
    command += ["--out", str(folder), "--epochs", str(epochs), "--seeds", "0", "1", "--threads", "1"]
    command += ["--windows", "500"]
    command += ["--at-once", "2", "--json", str(folder / "speed.json")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_what_is_finished_is_kept_and_summed_up_with_the_rest(data_dir: Path, tmp_path: Path) -> None:
    for name, seed, seconds, accuracy in (("harken-1", 1, 50.0, 0.5), ("nn.LSTM-0", 0, 400.0, 0.7)):
        made = {"seed": seed, "seconds": seconds, "accuracy": {"same_person": 1.0, "cross_person": accuracy}}
        (tmp_path / f"{name}.json").write_text(json.dumps(made), encoding="utf-8")

    ran = notebook_speed(data_dir, tmp_path, epochs=1)

    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    trained = json.loads((tmp_path / "harken-0.json").read_text(encoding="utf-8"))
    assert [run["seed"] for run in found["runs"]["harken"]] == [0, 1]
    assert found["runs"]["harken"][0] == trained
    assert found["summary"]["nn.LSTM"]["times_ours"] == pytest.approx(400 / ((trained["seconds"] + 50) / 2))
    assert 0.5 in found["summary"]["harken"]["accuracy"]["cross_person"]


def test_a_training_that_fails_is_no_result(data_dir: Path, tmp_path: Path) -> None:
    made = json.dumps({"seed": 0, "seconds": 400.0, "accuracy": {"same_person": 1.0, "cross_person": 0.7}})
    finished = {tmp_path / f"{name}.json" for name in ("harken-1", "nn.LSTM-0")}
    for path in finished:
        path.write_text(made, encoding="utf-8")
    assert notebook_speed(data_dir, tmp_path, epochs=0).returncode
    assert set(tmp_path.iterdir()) == finished
