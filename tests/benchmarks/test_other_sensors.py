"""The script that shows what a noisier or a coarser sensor does to fold models' answers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import study
from benchmarks.recognition import other_sensors
from harken import HarkenError, Recogniser
from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.windows.splits import apply, protocols


@pytest.fixture(autouse=True)
def _invented_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark to read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocols, "PROTOCOLS", study.with_study())
        return study.finished_run(tmp_path_factory.mktemp("finished") / "run", baselines=("random_forest",), epochs=20)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def test_the_sensor_as_it_is_gives_the_benchmark_s_scores_and_a_spoilt_one_gives_its_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other_sensors.main([str(run), str(tmp_path), "--json", str(tmp_path / "sensors.json")])
    found = json.loads((tmp_path / "sensors.json").read_text())
    benchmark = json.loads((run / "benchmark.json").read_text())

    assert list(found["methods"]) == [benchmark["preset"]], "a forest keeps no model to ask"
    sensors = found["methods"][benchmark["preset"]]
    expected = benchmark["methods"][benchmark["preset"]]
    assert sensors["as recorded"]["mean_person_macro_f1"] == pytest.approx(expected["mean_person_macro_f1"])

    assert len({one["mean_person_macro_f1"] for one in sensors.values()}) > 1, "no sensor made a difference"

    # The same by hand, for one fold and one sensor.
    windows = study.study_windows()
    test = apply(study.folds(windows)[0], windows).test
    recogniser = Recogniser.load(BenchmarkDirectory(run).model("0", benchmark["preset"]), device="cpu")
    steps = np.round(test.signals.astype(np.float64) * 64) / 64
    coarse = replace(test, signals=steps.astype(np.float32))
    for person, f1 in sensors["steps of 1/64 g"]["people"]["0"].items():
        own = test.subjects == person
        answers = recogniser.predict_proba(coarse[own]).argmax(axis=1)
        truth = test.label_codes[own]
        by_label = [
            2 * np.sum((answers == label) & (truth == label)) / (np.sum(answers == label) + np.sum(truth == label))
            for label in np.union1d(truth, answers)
        ]
        assert f1 == pytest.approx(np.mean(by_label))
    assert capsys.readouterr().out == (tmp_path / "sensors.md").read_text()


def test_a_model_that_met_the_people_it_is_asked_about_is_refused(run: Path, tmp_path: Path) -> None:
    directory = BenchmarkDirectory(run)
    preset = json.loads((run / "benchmark.json").read_text())["preset"]
    directory.model("0", preset).write_bytes(directory.model("1", preset).read_bytes())
    with pytest.raises(HarkenError, match="so they are not unseen"):
        other_sensors.measure(run, [tmp_path])


def test_noise_is_as_strong_as_it_says_and_the_same_each_time() -> None:
    windows = study.study_windows()
    once, again = (other_sensors.noisy(windows, 0.004).signals - windows.signals for _ in range(2))
    assert np.array_equal(once, again)
    assert once.std() == pytest.approx(0.004, rel=0.02)
