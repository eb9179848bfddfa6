"""How the model of the live demo is made: whom it never meets, and that the packaged one is of that making."""

import hashlib
import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

import harken
from benchmarks.model import demo_model
from harken import Recogniser
from harken.datasets.exercises import UNSEEN, exercises

ROOT = Path(__file__).parents[2]
PACKAGED = Path(harken.__file__).parent / "models" / "packaged" / "demo.safetensors"


def test_the_packaged_model_is_small_and_has_not_seen_whom_it_is_shown() -> None:
    model = Recogniser.load(PACKAGED)
    assert PACKAGED.stat().st_size < 400_000
    assert not set(model.provenance_["training_people"]) & set(UNSEEN)
    assert {one["subject"] for one in model.provenance_["data"]} == set(model.provenance_["training_people"])
    assert model.provenance_["unseen_people"] == list(UNSEEN)
    assert model.specification_.window_length_s == pytest.approx(3)
    assert model.specification_.hop_s == 1


def test_the_results_and_the_page_are_of_the_packaged_model() -> None:
    result = json.loads((ROOT / "docs" / "results" / "demo_model.json").read_text())
    assert result["model"]["sha256"] == hashlib.sha256(PACKAGED.read_bytes()).hexdigest()
    scores = result["scores_on_unseen_people"]
    assert list(scores["people"]) == list(UNSEEN)
    page = (ROOT / "docs" / "live_page.md").read_text()
    assert f"{scores['accuracy']:.1%}".replace("%", " %") in page
    assert f"{scores['mean_person_macro_f1']:.3f}".lstrip("0") in page


def test_a_model_that_is_made_is_scored_on_unseen_people_alone() -> None:
    if importlib.util.find_spec("seglearn") is None:
        pytest.skip("the demo's data is not installed: pip install seglearn")
    chosen = {"exercises_01", "exercises_03", *UNSEEN[:2]}
    recordings = [one for one in exercises() if one.subject in chosen][::2]
    recipe = replace(
        demo_model.RECIPE.trained(epochs=1), sizes={"stem": 8, "width": 16, "blocks": 1, "units": 8, "dropout": 0.5}
    )
    model, scores = demo_model.demo_model(recordings, recipe)
    assert model.provenance_["training_people"] == ["exercises_01", "exercises_03"]
    assert sorted(scores["people"]) == list(UNSEEN[:2])
    assert scores["windows"] == sum(person["windows"] for person in scores["people"].values())
    assert model.specification_.calibrated_on == "unseen"
    assert model.specification_.temperature != 1
