"""The script that turns the watches of unseen people, and estimates the orientation to turn them back."""

import json
from pathlib import Path

import numpy as np
import pytest

import study
from benchmarks.recognition import turned_watches
from harken import HarkenError, Windows
from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.models.mounting import Mounting, MountingSource
from harken.signals.orientation import turned_signals
from harken.windows.splits import protocols


@pytest.fixture(autouse=True)
def _invented_study(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "PROTOCOLS", study.with_study())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return study.finished_run(tmp_path / "run", epochs=20)


def test_watches_are_turned_scored_and_turned_back(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a mounting that knows: the invented people do not walk as people do."""
    upright = {name: part.signals for name, part in parts(study.study_windows()).items()}

    def knowing(specification: object, recording: object, probabilities: object) -> Mounting:
        signals = recording.signals.reshape(-1, study.LENGTH, 3)  # type: ignore[attr-defined]
        original = upright[recording.subject]  # type: ignore[attr-defined]
        turns = [turned_signals(signals, quarters)[..., :2] for quarters in range(4)]
        quarters = [np.array_equal(one, original[..., :2]) for one in turns].index(True)
        return Mounting(quarters, MountingSource.WALKING, 1, (), "known")

    monkeypatch.setattr(turned_watches, "mounting", knowing)
    turned_watches.main([str(run), str(tmp_path), "--json", str(tmp_path / "turned.json")])
    found = json.loads((tmp_path / "turned.json").read_text())
    benchmark = json.loads((run / "benchmark.json").read_text())
    expected = benchmark["methods"][benchmark["preset"]]["mean_person_macro_f1"]
    assert list(found["turns"]) == ["0", "90", "180", "270"]
    assert found["turns"]["0"]["as_it_is"]["mean_person_macro_f1"] == pytest.approx(expected)
    for one in found["turns"].values():
        assert one["turned_back"]["mean_person_macro_f1"] == pytest.approx(expected)
        assert one["watches_that_end_at"] == {"0": len(study.PEOPLE)}
    scores = {one["as_it_is"]["mean_person_macro_f1"] for one in found["turns"].values()}
    assert len(scores) > 1, "to turn a watch made no difference"


def parts(windows: Windows) -> dict[str, Windows]:
    return {person: windows[windows.subjects == person] for person in study.PEOPLE}


def test_windows_in_a_row_are_epochs_of_their_own() -> None:
    windows = study.study_windows()[:5]
    recording = turned_watches.in_a_row(windows)
    assert np.array_equal(np.unique(recording.time_ns // (10 * 10**9)), np.arange(5))
    assert np.array_equal(recording.signals.reshape(windows.signals.shape), windows.signals)


def test_a_model_that_met_the_people_it_is_asked_about_is_refused(run: Path, tmp_path: Path) -> None:
    directory = BenchmarkDirectory(run)
    preset = json.loads((run / "benchmark.json").read_text())["preset"]
    directory.model("0", preset).write_bytes(directory.model("1", preset).read_bytes())
    with pytest.raises(HarkenError, match="so they are not unseen"):
        turned_watches.measure(run, [tmp_path])
