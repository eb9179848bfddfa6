"""How the packaged model is made: sampling, folds, scores, and a card that says nothing but what the JSON says."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from benchmarks.model import packaged_model
from benchmarks.model.packaged_model_card import FoldLogits, card, compared_macro_f1, scores
from harken import Recogniser, read
from harken.learning.presets import PRESETS
from harken.recordings.recording import Recording
from harken.windows.windows import Windows


def windows(labels: list[str], subjects: list[str]) -> Windows:
    names, codes = np.unique(labels, return_inverse=True)
    n = len(labels)
    return Windows(
        signals=np.arange(n, dtype=np.float32).reshape(n, 1, 1),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
        subjects=np.array(subjects),
        starts_ns=np.arange(n),
        start_rows=np.arange(n),
        channels=("x",),
        sample_rate_hz=1.0,
    )


def test_other_is_limited_by_person_and_rare_labels_are_repeated_evenly() -> None:
    drawn = windows(["other"] * 30 + ["walking"] * 8 + ["lying"] * 2, ["a"] * 20 + ["b"] * 20)
    sampled = packaged_model.sampled(drawn, packaged_model.Sampling(other_per_person=5, least_share=0.5))
    rows = sampled.signals[:, 0, 0].astype(int).tolist()
    assert rows == [0, 4, 8, 12, 16, *(20, 22, 24, 26, 28), *range(30, 38), *(38, 38, 38, 39, 39)]
    assert (sampled.labels[-5:] == "lying").all()
    everything = packaged_model.sampled(drawn, packaged_model.Sampling())
    assert everything.signals[:, 0, 0].tolist() == list(range(40))


def test_a_label_learned_as_other() -> None:
    found = packaged_model.relabelled(windows(["cycling", "lying", "other", "walking"], ["a"] * 4), ("cycling",))
    assert found.labels.tolist() == ["other", "lying", "other", "walking"]
    assert found.label_names == ("lying", "other", "walking")


def test_every_fold_tests_people_of_both_sets_and_each_person_once() -> None:
    everybody = [f"wisdm_{number}" for number in range(1600, 1643)] + [f"dsads_p{number}" for number in range(1, 9)]
    folds = packaged_model.folds_of(windows(["other"] * len(everybody), everybody))
    assert sorted(person for fold in folds for person in fold.test) == sorted(everybody)
    for fold in folds:
        assert {person.split("_")[0] for person in fold.test} == {"wisdm", "dsads"}
        assert not set(fold.test) & set(fold.training)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> argparse.Namespace:
    """The whole procedure on ten invented people, five of each set."""
    folder = tmp_path_factory.mktemp("packaged")
    arguments = argparse.Namespace(
        data=folder,
        work=folder / "work",
        sampling=["capped", "balanced_without_cycling"],
        workers=1,
        epochs=1,
        people=None,
        json=folder / "results.json",
        card=folder / "card.md",
        model=folder / "models" / "model.safetensors",
    )

    everybody = {name: [person(folder, name, number) for number in range(5)] for name in packaged_model.SETS}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packaged_model, "recordings", lambda data, name, count: everybody[name])
        patch.setattr(packaged_model, "HOP_S", 1.0)
        patch.setitem(PRESETS, "everyday", people.SMALL_EVERYDAY)
        for name in arguments.sampling:  # here and not in processes of their own, which would not know the invented
            for fold in range(packaged_model.FOLDS):
                packaged_model.run(packaged_model.task_of(name, fold, arguments))
        packaged_model.run_folds(arguments)
        packaged_model.fit(arguments)
    return arguments


def person(folder: Path, name: str, number: int) -> Recording:
    """Lying, sitting and walking, and jumping under the name of cycling or other."""
    path = people.write_person(
        folder / "p.csv", number + 10 * (name == "dsads"), bouts=("lying", "walking", "sitting", "jumping"), seconds=10
    )
    found = read(path)
    strange = "cycling" if name == "dsads" else "other"
    names = tuple(strange if label == "jumping" else label for label in found.label_names)
    order = tuple(sorted({*names, "other"}))
    codes = np.array([order.index(label) for label in names], dtype=np.int16)[found.label_codes]
    return replace(found, label_codes=codes, label_names=order, subject=f"{name}_{number}").select_channels(
        ("x", "y", "z")
    )


def test_from_folds_to_a_model_that_is_calibrated_on_unseen_people(made: argparse.Namespace) -> None:
    result = json.loads(made.json.read_text())
    assert set(result["samplings"]) == {"capped", "balanced_without_cycling"}
    assert result["compared_with_as_other"] == ["cycling"]
    best = max(result["samplings"].values(), key=lambda found: found["compared_macro_f1"])
    assert best is result["samplings"][result["chosen"]]
    model = Recogniser.load(made.model)
    assert model.specification_.temperature == best["temperature"]
    assert model.specification_.calibrated_on == "unseen"
    assert list(model.specification_.labels) == best["labels"]
    assert len(model.provenance_["training_people"]) == 10
    for found in best["sets"].values():
        assert found["people"] == 5
        assert np.sum(found["confusion"]) == found["windows"] == sum(p["windows"] for p in found["by_person"].values())
        assert sorted(person["fold"] for person in found["by_person"].values()) == list("01234")
    folds = sorted(made.work.glob("*/fold_*.safetensors"))
    assert len(folds) == 2 * packaged_model.FOLDS
    assert len(Recogniser.load(folds[0]).provenance_["training_people"]) == 8


def test_what_is_finished_is_not_run_again(made: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.model.read_bytes()
    monkeypatch.setattr(packaged_model, "HOP_S", 1.0)
    monkeypatch.setitem(PRESETS, "everyday", people.SMALL_EVERYDAY)
    monkeypatch.setattr(packaged_model, "recordings", lambda *_: pytest.fail("read the data again"))
    packaged_model.run_folds(made)
    packaged_model.fit(made)
    assert made.model.read_bytes() == before
    monkeypatch.setitem(PRESETS, "everyday", people.SMALL_EVERYDAY.trained(learning_rate=0.1))
    with pytest.raises(SystemExit, match="with another recipe than the current one"):
        packaged_model.fit(made)


def test_rewriting_changes_nothing_in_a_model_of_today(made: argparse.Namespace, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(made.model.read_bytes())
    every = [person(tmp_path, name, number) for name in packaged_model.SETS for number in range(5)]
    found = packaged_model.rewrite(path, every)
    assert path.read_bytes() == made.model.read_bytes()
    assert found == {key: json.loads(made.json.read_text())["model"][key] for key in ("sha256", "bytes")}
    assert Recogniser.load(path).trained_samples(every[3]).all()
    with pytest.raises(SystemExit, match="was trained on other recordings than these"):
        packaged_model.rewrite(path, every[1:])


def test_every_score_of_the_card_comes_from_the_json(made: argparse.Namespace) -> None:
    result: dict[str, Any] = json.loads(made.json.read_text())
    page = card(result)
    assert page == made.card.read_text()
    chosen = result["samplings"][result["chosen"]]
    assert "K. Altun" in page
    assert "CC BY 4.0" in page
    for found in chosen["sets"].values():
        assert f"**{found['mean_person_macro_f1']:.3f}**" in page
        found["mean_person_macro_f1"] = 0.12345
        found["expected_calibration_error"] = 0.98765
    chosen["temperature"] = 7.89
    changed = card(result)
    for number in ("**0.123**", "0.988", "7.89"):
        assert number in changed
        assert number not in page


def test_the_scores_of_answers_that_are_known() -> None:
    def fold(subject: str, codes: list[int], answers: list[int]) -> FoldLogits:
        logits = 3 * np.eye(3, dtype=np.float32)[answers]
        people_of_it = np.array([subject] * len(codes))
        return FoldLogits(logits, np.array(codes, np.int16), people_of_it, ("cycling", "other", "walking"), 1.0)

    folds = [
        fold("wisdm_1", [0, 1, 2, 2], [1, 1, 2, 2]),
        fold("dsads_1", [0, 1, 2, 2], [0, 1, 2, 2]),
        fold("wisdm_2", [0, 1, 2, 2], [0, 1, 2, 1]),
    ]
    found = scores(folds, ("wisdm", "dsads"))
    assert found["sets"]["dsads"]["mean_person_macro_f1"] == 1
    first, second = (0 + 2 / 3 + 1) / 3, (1 + 2 / 3 + 2 / 3) / 3
    assert found["sets"]["wisdm"]["mean_person_macro_f1"] == pytest.approx((first + second) / 2)
    assert found["sets"]["wisdm"]["unsure_below"][0] == {"limit": 0.0, "coverage": 1.0, "accuracy": 0.75}
    merged_second = (4 / 5 + 2 / 3) / 2
    assert compared_macro_f1(folds, ("wisdm", "dsads"), ["cycling"]) == pytest.approx(((1 + merged_second) / 2 + 1) / 2)
