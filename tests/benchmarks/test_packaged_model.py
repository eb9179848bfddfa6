"""How the packaged model is made: folds, scores, calibration on left-out studies, and a card made from the JSON."""

import argparse
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import people
from benchmarks.model import packaged_model, packaged_model_card
from benchmarks.model.left_out_studies import UNSURE_BELOW, StudyLogits, calibration
from benchmarks.model.packaged_model_card import card
from benchmarks.model.rewriting import rewrite
from harken import Recogniser
from harken.datasets.label_schemes import SCHEMES
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.evaluation.benchmark.scoring import person_f1, score_study
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.protocols.studies import MAIN_STUDIES, STUDIES, in_scheme
from harken.models.calibration import fit_common_temperature
from harken.models.mounting import trained_with_x_to_elbow
from harken.recordings.recording import UNLABELLED, Recording
from harken.training.presets import PRESETS
from studies import PEOPLE_EACH, made_up_studies, use_made_up_studies

BAYES = "sklearn.naive_bayes:GaussianNB"
RECIPE = replace(people.SMALL_EVERYDAY, window_length=60)
TRUTH = SCHEMES["sets"]


def recordings_of(study: str, folder: Path | None = None) -> list[Recording]:
    """A minute of noise of each person."""
    n = 1800
    return [
        Recording(
            time_ns=np.arange(n) * 10**9 // 30,
            signals=np.random.default_rng([STUDIES.index(study), number]).normal(0, 0.5, (n, 3)).astype(np.float32),
            channels=("x", "y", "z"),
            label_codes=np.zeros(n, np.int16),
            label_names=("walking",),
            subject=f"{study}_{number}",
            study=study,
        )
        for number in range(PEOPLE_EACH)
    ]


@pytest.fixture(scope="module")
def made_up() -> Iterator[None]:
    """Made-up studies in place of the real ones, and a small recipe."""
    with pytest.MonkeyPatch.context() as patch:
        use_made_up_studies(patch)
        patch.setattr(packaged_model, "draw_studies", lambda folders: made_up_studies())
        patch.setattr(packaged_model, "study_recordings", recordings_of)
        patch.setattr(packaged_model_card, "FOREST", BAYES)
        patch.setitem(PRESETS, "everyday", RECIPE)
        yield


@pytest.fixture(scope="module")
def made(made_up: None, tmp_path_factory: pytest.TempPathFactory) -> argparse.Namespace:
    """The whole procedure on the made-up studies."""
    folder = tmp_path_factory.mktemp("packaged")
    arguments = argparse.Namespace(
        data=folder,
        work=folder / "work",
        studies=folder / "run",
        workers=1,
        epochs=None,
        people=None,
        json=folder / "results.json",
        card=folder / "card.md",
        model=folder / "models" / "model.safetensors",
    )
    run_benchmark(
        BenchmarkSettings(
            dataset="studies",
            protocol="leave-one-study-out",
            out=arguments.studies,
            preset=RECIPE,
            baselines=(BAYES,),
            workers=0,
        )
    )
    decides = packaged_model.settings(packaged_model.drawn(folder, None), arguments)
    for fold in range(packaged_model.FOLDS):  # here and not in other processes, which have the real studies
        packaged_model.run(packaged_model.task_of(fold, decides, arguments))
    packaged_model.run_folds(arguments)
    packaged_model.fit(arguments)
    return arguments


def result_of(made: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(made.json.read_text(encoding="utf-8"))
    return result


def fold_files(made: argparse.Namespace, pattern: str) -> list[Path]:
    return sorted(made.work.glob(f"fits_*/{pattern}"))


def test_every_fold_tests_people_of_every_study_and_each_person_once() -> None:
    windows = made_up_studies()
    folds = packaged_model.folds_of(windows)
    assert sorted(person for fold in folds for person in fold.test) == sorted(set(windows.subjects.tolist()))
    for fold in folds:
        assert {person.rsplit("_", 1)[0] for person in fold.test} == set(STUDIES)
        assert not set(fold.test) & set(fold.training)


def test_a_trial_has_the_first_people_of_each_study() -> None:
    few = packaged_model.of_first_people(made_up_studies(), 3)
    assert set(few.subjects.tolist()) == {f"{study}_{number}" for study in STUDIES for number in range(3)}
    assert len(packaged_model.folds_of(few)) == packaged_model.FOLDS


def test_the_scores_of_new_people_are_those_of_models_that_were_not_trained_on_them(made: argparse.Namespace) -> None:
    windows, labels = made_up_studies(), packaged_model.SCHEME.labels
    found = result_of(made)["new_people"]
    paths = fold_files(made, "fold_*.safetensors")
    assert len(paths) == packaged_model.FOLDS
    everybody: dict[str, float] = {}
    for path in paths:
        recogniser = Recogniser.load(path)
        unseen = ~np.isin(windows.subjects, recogniser.provenance_["training_people"])
        assert {person.rsplit("_", 1)[0] for person in windows.subjects[unseen]} == set(STUDIES)
        truth = in_scheme(windows[unseen], TRUTH)
        predicted = np.array([labels.index(label) for label in recogniser.predict(truth).tolist()])
        allowed = TRUTH.matrix(truth.label_names)[truth.label_codes]
        scored = score_study(allowed, predicted, truth.subjects, labels=labels, known=labels)
        everybody |= person_f1(scored["people"])
    assert len(everybody) == len(STUDIES) * PEOPLE_EACH
    assert {name: score for one in found["studies"].values() for name, score in one["people"].items()} == everybody
    means = {
        study: np.mean([score for name, score in everybody.items() if name.startswith(study)]) for study in STUDIES
    }
    assert {study: one["mean_f1"] for study, one in found["studies"].items()} == pytest.approx(means)
    assert found["main_score"] == pytest.approx(np.mean([means[study] for study in MAIN_STUDIES]))
    assert sum(one["windows"] for one in found["studies"].values()) == len(windows)
    for one in found["studies"].values():
        assert sum(sum(row.values()) for row in one["confusion"].values()) == one["windows"]


def by_hand(made: argparse.Namespace) -> dict[str, StudyLogits]:
    """The logits of each study's windows with a single true label, from the run's models."""
    truth, found = in_scheme(made_up_studies(), TRUTH), {}
    for study in STUDIES:
        model = Recogniser.load(made.studies / f"fold_{study}" / f"{RECIPE.name}.safetensors")
        here = [study == one and " or " not in label for one, label in zip(truth.studies, truth.labels, strict=True)]
        theirs = truth[np.array(here)]
        labels = model.specification_.labels
        codes = [labels.index(label) if label in labels else UNLABELLED for label in theirs.labels.tolist()]
        found[study] = StudyLogits(model.predict_logits(theirs), np.array(codes))
    return found


def test_the_model_is_calibrated_on_studies_that_were_left_out(made: argparse.Namespace) -> None:
    model, logits = Recogniser.load(made.model), by_hand(made)
    assert (logits["dsads"].codes == UNLABELLED).sum() == 2 * 4 * PEOPLE_EACH, "cycling, which only DSADS has"
    expected = fit_common_temperature([logits[study].known for study in MAIN_STUDIES])
    assert model.specification_.temperature == pytest.approx(expected)
    assert model.specification_.calibrated_on == "unseen"
    found = result_of(made)["left_out"]["calibration"]["studies"]
    for study in STUDIES:
        others = [one for one in MAIN_STUDIES if one != study]
        assert found[study]["temperature"] == pytest.approx(fit_common_temperature([logits[o].known for o in others]))
        right = logits[study].logits.argmax(axis=1) == logits[study].codes
        assert found[study]["windows"] == len(right)
        assert found[study]["unsure_below"][0] == {
            "limit": 0.0,
            "coverage": 1.0,
            "accuracy": pytest.approx(right.mean()),
        }
        shares = [one["coverage"] for one in found[study]["unsure_below"]]
        assert shares == sorted(shares, reverse=True)
        assert [one["limit"] for one in found[study]["unsure_below"]] == list(UNSURE_BELOW)


def test_a_label_that_the_model_does_not_have_is_a_wrong_answer() -> None:
    sure = StudyLogits(np.array([[4, 0], [4, 0], [0, 4], [0, 4]], np.float32), np.array([0, 0, 1, UNLABELLED]))
    other = StudyLogits(sure.logits[:3], sure.codes[:3])
    found = calibration({"wisdm": sure, "dsads": other, "selfback": other})
    assert found["studies"]["wisdm"]["unsure_below"][0]["accuracy"] == 0.75
    assert found["studies"]["dsads"]["unsure_below"][0]["accuracy"] == 1
    assert found["temperature"] == pytest.approx(fit_common_temperature([other.known]))


def test_the_file_states_its_origin(made: argparse.Namespace) -> None:
    model, run = Recogniser.load(made.model), json.loads((made.studies / "benchmark.json").read_text(encoding="utf-8"))
    provenance = model.provenance_
    assert len(provenance["training_people"]) == len(STUDIES) * PEOPLE_EACH
    assert provenance["label_scheme"] == packaged_model.SCHEME.name
    assert trained_with_x_to_elbow(model)
    folds = run["methods"][RECIPE.name]["folds"]
    assert provenance["scores_on_left_out_studies"] == {
        study: folds[study]["studies"][study]["known"]["mean_f1"] for study in MAIN_STUDIES
    }
    new = result_of(made)["new_people"]["studies"]
    assert provenance["scores_of_fold_models_on_unseen_people"] == {
        study: new[study]["mean_f1"] for study in MAIN_STUDIES
    }
    assert len(provenance["attribution"]) == len(STUDIES)
    for study in STUDIES:
        for one in recordings_of(study):
            assert model.was_trained_on(one)
            assert model.fingerprints_.known(one).all()


def test_what_is_finished_is_not_run_again(made: argparse.Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.model.read_bytes()
    monkeypatch.setattr(Recogniser, "fit", lambda *_, **__: pytest.fail("trained again"))
    packaged_model.run_folds(made)
    packaged_model.fit(made)
    assert made.model.read_bytes() == before
    monkeypatch.setitem(PRESETS, "everyday", RECIPE.trained(learning_rate=0.1))
    with pytest.raises(SystemExit, match="with another recipe or other windows than the current ones"):
        packaged_model.fit(made)


def other_scheme(run: Path) -> None:
    for path in run.glob(f"fold_*/{RECIPE.name}.json"):
        path.write_text(path.read_text().replace('"name": "other"', '"name": "posture"'))


def in_result(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        result = json.loads((run / "benchmark.json").read_text())
        change(result)
        (run / "benchmark.json").write_text(json.dumps(result))

    return edit


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_scheme, "another label scheme than 'other'"),
        (in_result(lambda one: one.update(protocol="pairs-choosing")), "is no run of harken benchmark studies"),
        (in_result(lambda one: one["folds"].pop("selfback")), "selfback has not been left out yet"),
        (in_result(lambda one: one["windows"].update(layout_fingerprint="")), "on other windows than those of --data"),
        (in_result(lambda one: one.update(preset=None)), "another recipe than the current one"),
        (
            in_result(lambda one: one["methods"][RECIPE.name]["settings"]["preset"].update(window_length=61)),
            "another recipe than the current one",
        ),
    ],
)
def test_a_run_that_does_not_fit_is_refused(
    made: argparse.Namespace, tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    for path in made.studies.rglob("*.json"):
        (tmp_path / path.relative_to(made.studies)).parent.mkdir(exist_ok=True)
        (tmp_path / path.relative_to(made.studies)).write_text(path.read_text())
    change(tmp_path)
    changed = argparse.Namespace(**{**vars(made), "studies": tmp_path})
    with pytest.raises(SystemExit, match=reason):
        packaged_model.fit(changed)


def test_rewriting_changes_nothing_in_a_model_of_today(made: argparse.Namespace, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(made.model.read_bytes())
    every = [one for study in STUDIES for one in recordings_of(study)]
    found = rewrite(path, every)
    assert path.read_bytes() == made.model.read_bytes()
    assert found == {key: result_of(made)["model"][key] for key in ("sha256", "bytes")}
    with pytest.raises(SystemExit, match="was trained on other recordings than these"):
        rewrite(path, every[1:])


def test_the_card_begins_with_left_out_studies_and_names_every_study(made: argparse.Namespace) -> None:
    page = made.card.read_text(encoding="utf-8")
    assert page == card(result_of(made))
    places = [page.index(text) for text in ("not trained on, the mean F1", "new people of the training", "## What it")]
    assert places == sorted(places)
    assert page.index("not trained on, the mean F1") < 600
    for text in ("K. Altun", "G. M. Weiss", "S. Sani", "T. Iqbal", "M. Bock", "CC BY 4.0", "MIT", "--forearm-axis"):
        assert text in page


def test_every_score_of_the_card_comes_from_the_json(made: argparse.Namespace) -> None:
    result = result_of(made)
    page = card(result)
    ours = ("left_out", "methods", RECIPE.name)
    shown = [
        *((*ours, "main_score", mounting) for mounting in ("known", "found")),
        *((*ours, "studies", study, way, "mean_f1") for study in MAIN_STUDIES for way in ("known", "found")),
        *((*ours, "studies", "dsads", "known", what) for what in ("allowed_share",)),
        *((*ours, "studies", "selfback", "known", "f1", label) for label in ("lying", "sitting")),
        *((*ours, "studies", "hawthorne", way, "recall", "walking") for way in ("known", "found")),
        ("left_out", "methods", BAYES, "main_score", "known"),
        ("left_out", "methods", BAYES, "studies", "wisdm", "known", "mean_f1"),
        ("left_out", "differences", BAYES, "main_score"),
        ("left_out", "calibration", "temperature"),
        ("left_out", "calibration", "studies", "dsads", "expected_calibration_error"),
        ("new_people", "main_score"),
        *(("new_people", "studies", study, "mean_f1") for study in MAIN_STUDIES),
    ]
    for path in shown:
        assert isinstance(leaf(result, path), float)
        changed = copy.deepcopy(result)
        *above, last = path
        leaf(changed, tuple(above))[last] = 7.125
        assert "7.12" in card(changed), path
        assert "7.12" not in page


def leaf(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
