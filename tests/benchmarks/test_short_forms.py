"""Each benchmark that a page cites runs from its command to its result, in a form of some seconds."""

import importlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.model import left_out_studies, packaged_model
from benchmarks.recognition import adaptation, composed_days
from benchmarks.recognition.compare_recipes_page import Score
from benchmarks.recognition.left_out_recordings import draw_scored_windows, read_left_out, turn_half
from benchmarks.speed import lstm, summarise
from benchmarks.studies.data_sets import NINE_STUDIES
from harken import HarkenError, Recogniser
from harken.evaluation.benchmark.tasks import finding_path
from harken.models.model_file import PACKAGED_MODEL
from harken.networks.presets import PRESETS
from studies import made_up_studies

pytestmark = pytest.mark.second_stage
NEEDS_DATA = pytest.mark.skipif(
    not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings"
)


def run_benchmark(module: str, folder: Path, *words: str | Path) -> dict[str, Any]:
    """Run ``python -m benchmarks.MODULE`` in this process; returns its result."""
    path = folder / "result.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [module, "--json", str(path), *map(str, words)])
        importlib.import_module(f"benchmarks.{module}").main()
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def test_our_lstm_beside_other_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler, so there is no LSTM of our own to measure")
    monkeypatch.setattr(lstm, "BATCHES", (1, 32, 64))
    monkeypatch.setattr(lstm, "LENGTHS", (64, 128))
    small = ("--threads", "1", "--rounds", "1", "--hours", "0.1", "--libraries", "PyTorch", "ONNX Runtime")
    result = run_benchmark("speed.lstm", tmp_path, *small)
    assert result["left_out"] == {}
    assert result["inference"]["ratio"].keys() == {"PyTorch", "ONNX Runtime"}
    assert result["labelling"]["ratio"].keys() == {"PyTorch", "ONNX Runtime"}
    assert result["everyday"]["ratio"].keys() == {"nn.LSTM"}


def test_a_week_from_its_file_to_its_report(tmp_path: Path) -> None:
    result = run_benchmark("speed.week", tmp_path, "--days", "0.05", "--rate", "25", "--cores", "1")
    assert result["days"]["0.05"]["wear_hours"] == pytest.approx(1.2, abs=0.05)
    assert result["days"]["0.05"]["stages"].keys() > {"hash"}


def test_preparation(tmp_path: Path) -> None:
    result = run_benchmark("speed.preparation", tmp_path, "--days", "0.05", "--rate", "25")
    assert result["results"]["harken"]["samples"] > 100_000


def test_other_rules_beside_labelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarise, "WEEK_DAYS", 0.05)
    result = run_benchmark("speed.summarise", tmp_path, "--days", "0.05", "--people", "2")
    assert result["long_recording"]["summarise_s"] > 0
    assert result["people"]["summarise_s"] > 0


def test_learning(tmp_path: Path) -> None:
    result = run_benchmark("speed.learning", tmp_path, "--minutes", "6", "--epochs", "1")
    assert result["adapt"]["tested_moments"] == result["train"]["tested_moments"] > 0


@NEEDS_DATA
def test_steps_beside_a_leg_and_beside_people_who_counted(tmp_path: Path) -> None:
    words = ("--studies", "selfback", "pebble_steps", "--people", "2", "--held-out", "--model", PACKAGED_MODEL)
    result = run_benchmark("outcomes.steps", tmp_path, *words)
    assert {row["study"] for row in result["per_cent"]} == {"selfback"}
    assert result["pebble"].keys() == {"chosen on", "held out"}


def test_the_folds_of_the_packaged_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    length = PRESETS[packaged_model.RECIPE].window_length
    made_up = made_up_studies(NINE_STUDIES, length=length)
    monkeypatch.setattr(packaged_model, "draw_studies", lambda paths, names: made_up)
    words = ("--data", tmp_path, "--work", tmp_path, "--folds", "--workers", "0", "--epochs", "1", "--people", "2")
    result = run_benchmark("model.packaged_model", tmp_path, *words)
    assert len(result["new_people"]["fold_seconds"]) == packaged_model.FOLDS
    assert {path.suffix for path in tmp_path.glob("fits_*/fold_*")} == {".json", ".npz", ".safetensors"}


@NEEDS_DATA
def test_what_adaptation_gains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_out_studies, "NINE_STUDIES", ("hawthorne", "dsads"))
    (tmp_path / "fold_hawthorne").mkdir()
    Recogniser.load().save(tmp_path / "fold_hawthorne" / "light.safetensors")
    folders = ("--data", os.environ["HARKEN_DATA"], "--models", tmp_path, "--page", tmp_path / "page.md")
    result = run_benchmark(
        "recognition.adaptation", tmp_path, *folders, "--people", "1", "--studies", "hawthorne", "--workers", "0"
    )
    measured = result["studies"]["hawthorne"]
    assert measured["situations"]["several kinds"]["methods"]["new"]["mean_f1"] > 0.5
    assert measured["new_labels"].keys() == set(adaptation.NEW_LABELS["hawthorne"])
    assert "| several kinds | **now** |" in (tmp_path / "page.md").read_text(encoding="utf-8")


@NEEDS_DATA
def test_composed_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed_days, "DAY_S", 3 * 3600.0)
    recogniser = Recogniser.load().with_provenance({"training_people": []})
    for study in ("dsads", "selfback"):
        (tmp_path / f"fold_{study}").mkdir()
        recogniser.save(tmp_path / f"fold_{study}" / "light.safetensors")
    folders = ("--data", os.environ["HARKEN_DATA"], "--studies", tmp_path, "--work", tmp_path)
    trial = ("--people", "1", "--only", "dsads", "selfback", "--page", tmp_path / "page.md")
    result = run_benchmark("recognition.composed_days", tmp_path, *folders, *trial)
    assert result["hours"] == 3
    home = result["studies"]["selfback"]["home"]
    assert home["3"]["labels"]["walking"]["recall"] >= home["1"]["labels"]["walking"]["recall"] > 0
    assert "| selfBACK, now |" in (tmp_path / "page.md").read_text(encoding="utf-8")


@NEEDS_DATA
def test_recipes_are_compared_on_the_folds_that_are_there(tmp_path: Path) -> None:
    data, studies = Path(os.environ["HARKEN_DATA"]), ("dsads", "hawthorne")
    recogniser = Recogniser.load().with_provenance({"training_people": []})
    for run, folds in (("first", studies), ("second", ("hawthorne",))):
        for study in folds:
            (tmp_path / run / f"fold_{study}").mkdir(parents=True)
            recogniser.save(tmp_path / run / f"fold_{study}" / "light.safetensors")
    page = tmp_path / "page.md"
    runs = ("--models", tmp_path / "first", tmp_path / "second", "--studies", *studies)
    folders = ("--data", data, "--work", tmp_path / "kept", "--page", page)
    result = run_benchmark("recognition.compare_recipes", tmp_path, *runs, *folders, "--people", "2")
    assert (result["runs"]["first"]["missing"], result["runs"]["second"]["missing"]) == ([], ["dsads"])
    assert "It has no scores on dsads." in page.read_text(encoding="utf-8")
    first, second = (result["runs"][run]["studies"]["hawthorne"] for run in ("first", "second"))
    assert first == second
    walking = Score(*result["against_first"]["second"]["studies"]["hawthorne"]["recall"]["walking"])
    assert walking.change == 0
    assert first["ends"].keys() == {"right", "unknown", "wrong"}
    assert first["clips"].keys() == {"whole", "middle", "mean"}
    mixed_clips = Score(*first["clips"]["mean"]["person"]["accuracy"])
    assert mixed_clips.change is not None
    assert mixed_clips.change < 0
    # Its watches have 12.5 Hz.
    assert first["rates"].keys() == {"10"}
    dsads = result["runs"]["first"]["studies"]["dsads"]
    assert dsads["rates"].keys() == {"20", "16", "12.5", "10"}
    assert dsads["ends"]["right"]["busy"].keys() == {"sitting", "standing"}
    # The label of DSADS that loses most with a wrong end, also where the study was left out of training.
    sitting = Score(*dsads["ends"]["wrong"]["recall"]["sitting"])
    assert sitting.change is not None
    assert sitting.change < 0


@NEEDS_DATA
def test_the_wrong_end_of_x_is_half_a_turn_away() -> None:
    study = read_left_out("hawthorne", Path(os.environ["HARKEN_DATA"]), people=1)
    right = draw_scored_windows(study.recordings)
    assert np.array_equal(turn_half(right).signals, right.signals * np.array([-1, -1, 1], np.float32))


@NEEDS_DATA
def test_a_recipe_is_not_scored_on_people_whom_it_learned_from(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "fold_hawthorne"
    folder.mkdir(parents=True)
    shutil.copy(PACKAGED_MODEL, folder / "light.safetensors")
    words = ("--data", tmp_path, "--work", tmp_path, "--models", tmp_path / "run", "--studies", "hawthorne")
    with pytest.raises(
        HarkenError, match=r"light\.safetensors was trained on hawthorne_\w+.* so nobody there is unseen"
    ):
        run_benchmark("recognition.compare_recipes", tmp_path, *words)


@NEEDS_DATA
def test_how_a_watch_sits_as_it_is_met(tmp_path: Path) -> None:
    models = tmp_path / "run"
    for study in ("wisdm", "selfback"):
        model = finding_path(models, study, "light").with_suffix(".safetensors")
        model.parent.mkdir(parents=True)
        shutil.copy(PACKAGED_MODEL, model)
    words = ("--data", os.environ["HARKEN_DATA"], "--models", models, "--people", "1", "--workers", "0")
    result = run_benchmark("recognition.mounting_as_met", tmp_path, *words)
    assert result["weights_without"].keys() == {"wisdm", "selfback"}
    among_standing = result["studies"]["selfback"]["half a minute of walking among standing"]
    assert among_standing["minutes"].keys() == {"1", "2", "5", "15"}
    assert among_standing["minutes"]["15"]["recordings"] == 16
    assert among_standing["minutes"]["15"]["axis_right"] > 0.9
