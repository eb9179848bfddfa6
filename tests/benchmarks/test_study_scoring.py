"""A benchmark that leaves studies out, on made-up studies: its scores, its page, its resumption and its errors."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

import people
from benchmarks.studies.data_sets import STUDIES
from benchmarks.studies.label_schemes import SCHEMES
from benchmarks.studies.left_out import StudySettings
from benchmarks.studies.protocols import StudyFold, apply_study_fold, balanced, capped, find_protocol, in_scheme
from benchmarks.studies.scoring import Predicted, person_f1, score_hands, score_study
from harken.evaluation.benchmark.benchmark import run_benchmark
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from studies import made_up_studies, use_made_up_studies

BAYES = "sklearn.naive_bayes:GaussianNB"
RECIPE = replace(people.SMALL_EVERYDAY, window_length=60)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocols of studies with made-up windows, and recordings in which the model finds no walking."""
    use_made_up_studies(monkeypatch)


def settings(out: Path, **changes: Any) -> StudySettings:
    usual = StudySettings(
        protocol="leave-one-study-out",
        out=out,
        preset=RECIPE,
        epochs=3,
        baselines=(BAYES,),
        folds=("dsads", "wisdm"),
        workers=0,
    )
    return replace(usual, **changes)


@pytest.mark.usefixtures("made_up")
def test_scores_are_those_of_a_model_trained_by_hand_without_the_study(tmp_path: Path) -> None:
    result = run_benchmark(settings(tmp_path / "run", label_scheme="sets"))
    windows = made_up_studies()
    scheme, truth = SCHEMES["sets"], SCHEMES["sets"]
    (fold,) = (one for one in find_protocol("leave-one-study-out").folds(windows) if one.name == "dsads")
    assert isinstance(fold, StudyFold)
    parts = apply_study_fold(fold, windows)
    training = balanced(capped(in_scheme(parts.training, scheme)), scheme.labels)
    sets = {name: name.split(" or ") for name in training.label_names if " or " in name}
    learned = Recogniser(RECIPE, epochs=3, seed=0, device="cpu").fit(training, label_sets=sets)
    test = in_scheme(parts.test, truth)
    predicted = np.array([scheme.labels.index(label) for label in learned.predict(test).tolist()])
    known = [label for label in scheme.labels if label in training.labels_present]
    assert "cycling" not in known
    expected = score_study(
        truth.matrix(test.label_names)[test.label_codes], predicted, test.subjects, labels=scheme.labels, known=known
    )
    found = result["methods"][RECIPE.name]["folds"]["dsads"]
    scored = dict(found["studies"]["dsads"]["known"])
    assert scored.pop("hands") == {}  # no window of DSADS has busy hands, and this method does not tell calm ones
    assert scored == expected
    assert found["training_labels"] == sorted(known)
    assert found["training_windows"] == len(training)
    assert "standing or walking" not in found["training_windows_by_label"]  # only DSADS has it
    assert found["training_windows_by_label"]["sitting or standing"] == 5 * 40
    assert {person: one["macro_f1"] for person, one in found["people"].items()} == person_f1(expected["people"])


@pytest.mark.usefixtures("made_up")
def test_the_page_and_the_result_name_every_study(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run_benchmark(settings(out, folds=(), preset=None, epochs=None))
    assert list(result["folds"]) == list(STUDIES)
    bayes = result["methods"][BAYES]
    main = [bayes["folds"][study]["studies"][study]["known"]["mean_f1"] for study in ("wisdm", "dsads", "selfback")]
    assert result["main_score"] == bayes["main_score"]
    assert bayes["main_score"] == {"known": pytest.approx(np.mean(main)), "found": None}
    page = (out / "benchmark.md").read_text()
    assert "Mean F1 of people of a study that was left out of training" in page
    assert "| stress_predict | known | sitting |" in page
    assert "| hawthorne | known | walking |" in page
    of_selfback = bayes["folds"]["selfback"]["studies"]["selfback"]["known"]
    low, high = of_selfback["group_intervals"]["sedentary"]
    assert f"| selfback | sedentary | {of_selfback['groups']['sedentary']:.3f} ({low:.3f} to {high:.3f}) |" in page
    every = [bayes["folds"][study]["studies"][study]["known"]["recall"].values() for study in STUDIES]
    assert bayes["mean_recall"]["known"] == pytest.approx(np.mean([recall for one in every for recall in one]))
    assert (out / "confusion.png").exists()
    assert json.loads((out / "benchmark.json").read_text()) == json.loads(json.dumps(result))


@pytest.mark.usefixtures("made_up")
def test_the_gain_is_of_each_person_and_over_the_three_studies(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run_benchmark(settings(out, folds=("wisdm", "dsads", "selfback"), epochs=1))
    gain = result["differences"][BAYES]
    methods = result["methods"]
    for study, one in gain["studies"].items():
        each = [methods[name]["folds"][study]["people"] for name in (RECIPE.name, BAYES)]
        gains = [each[0][person]["macro_f1"] - each[1][person]["macro_f1"] for person in each[0]]
        assert one["mean_f1"] == pytest.approx(np.mean(gains))
        assert one["people"] == 5
    assert gain["main_score"] == pytest.approx(np.mean([one["mean_f1"] for one in gain["studies"].values()]))
    low, high = gain["main_score_interval"]
    assert low <= gain["main_score"] <= high


@pytest.mark.usefixtures("made_up")
def test_predictions_and_figures_of_left_out_studies(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run_benchmark(settings(out, label_scheme="sets", epochs=1, predictions=True, figures="svg"))
    rows = pl.read_parquet(out / "predictions.parquet")
    assert set(rows["mounting"]) == {"known", "found"}
    assert "standing or walking" in set(rows.filter(fold="dsads")["truth"])
    labels = SCHEMES["sets"].labels
    for name, method in result["methods"].items():
        for fold, scored in method["folds"].items():
            assert (rows.filter(fold=fold)["study"] == fold).all()
            theirs = rows.filter(method=name, fold=fold, mounting="known")
            again = score_study(
                SCHEMES["sets"].matrix(theirs["truth"]),
                theirs.select(f"probability_{label}" for label in labels).to_numpy().argmax(axis=1),
                theirs["person"].to_numpy(),
                labels=labels,
                known=scored["training_labels"],
            )
            hands = scored["studies"][fold]["known"]["hands"]
            assert again | {"hands": hands} == scored["studies"][fold]["known"]
    stems = {path.stem for path in out.glob("*.svg")}
    bayes = BAYES.replace(":", "_")
    assert stems == {f"confusion_{bayes}", f"confusion_{RECIPE.name}", f"paired_{bayes}_{RECIPE.name}"}
    assert BAYES in (out / "scores.tex").read_text().replace("\\", "")


@pytest.mark.usefixtures("made_up")
def test_postures_and_busy_hands_are_scored_apart(tmp_path: Path) -> None:
    out = tmp_path / "run"
    nine = settings(
        out,
        protocol="leave-one-of-nine-out",
        label_scheme="hands",
        folds=("exam_stress", "selfback"),
        epochs=1,
        predictions=True,
    )
    folds = run_benchmark(nine)["methods"][RECIPE.name]["folds"]
    assert folds["exam_stress"]["training_labels"] == sorted(SCHEMES["sets"].labels)
    rows = pl.read_parquet(out / "predictions.parquet").filter(method=RECIPE.name, mounting="known")
    postures = rows.select(f"probability_{label}" for label in SCHEMES["sets"].labels)
    np.testing.assert_allclose(postures.sum_horizontal(), 1, rtol=1e-5)
    assert set(rows["predicted"]) <= set(SCHEMES["sets"].labels)
    both = pl.col("probability_sitting") + pl.col("probability_standing")
    said_busy = pl.col("predicted").is_in(["sitting", "standing"]) & (pl.col("hands") >= both / 2)
    exam = folds["exam_stress"]["studies"]["exam_stress"]["known"]["hands"]
    theirs = (
        rows.filter(fold="exam_stress")
        .group_by("person")
        .agg(
            posture=(pl.col("probability_sitting") > pl.col("probability_standing")).mean(),
            busy=said_busy.mean(),
        )
    )
    assert set(exam) == {"posture", "busy"}
    for name, one in exam.items():
        assert one["mean"] == pytest.approx(theirs[name].mean())
        assert one["people"] == 5
    calm = rows.filter(pl.col("truth").is_in(["sitting", "standing"]), fold="selfback").group_by("person")
    expected = calm.agg(calm=(~said_busy).mean())["calm"].mean()
    assert folds["selfback"]["studies"]["selfback"]["known"]["hands"]["calm"]["mean"] == pytest.approx(expected)
    page = (out / "benchmark.md").read_text()
    assert f"| exam_stress | busy hands, found to be busy | {exam['busy']['mean']:.3f} (" in page


def test_busy_hands_count_where_posture_and_hands_are_documented() -> None:
    windows = made_up_studies(("wisdm",))
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(8), len(windows))
    share = random.random(len(windows))
    hands = share * probabilities[:, 1:3].sum(axis=1)
    found = score_hands(Predicted(windows, SCHEMES["sets"].labels, probabilities, hands))
    posture = {"typing": "sitting", "writing": "sitting", "teeth": "standing", "folding": "standing"}
    right: dict[str, list[bool]] = {}
    busy: dict[str, list[bool]] = {}
    for person, activity, row, of_hands in zip(windows.subjects, windows.labels, probabilities, share, strict=True):
        if activity in posture:
            likelier = "sitting" if row[1] > row[2] else "standing"
            right.setdefault(person, []).append(likelier == posture[activity])
            busy.setdefault(person, []).append(row.argmax() in (1, 2) and of_hands >= 0.5)
    assert set(found) == {"posture", "busy"}
    assert found["posture"]["mean"] == pytest.approx(np.mean([np.mean(of_person) for of_person in right.values()]))
    assert found["busy"]["mean"] == pytest.approx(np.mean([np.mean(of_person) for of_person in busy.values()]))
    assert found["posture"]["people"] == found["busy"]["people"] == 5


def test_a_label_scheme_must_exist(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="there is no label scheme 'words'; the schemes are other, posture, sets"):
        run_benchmark(settings(tmp_path / "run", label_scheme="words"))


LABELS = ("lying", "sitting", "standing", "walking", "other")


@given(st.integers(0, 10_000))
def test_f1_and_recall_are_those_of_scikit_learn_without_the_windows_of_sets(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 60
    truth = random.integers(0, 5, n)
    predicted = np.where(random.random(n) < 0.6, truth, random.integers(0, 5, n))
    allowed = np.eye(5, dtype=bool)[truth]
    several = random.random(n) < 0.2
    allowed[several] |= random.random((several.sum(), 5)) < 0.5
    several = allowed.sum(axis=1) > 1
    subjects = np.array(["ann", "ben"])[random.integers(0, 2, n)]
    known = ("lying", "sitting", "walking", "other")  # standing does not occur in training
    found = score_study(allowed, predicted, subjects, labels=LABELS, known=known)
    for person, one in found["people"].items():
        here = (subjects == person) & ~several
        labels = [code for code in (0, 1, 3) if (truth[here] == code).any()]
        assert list(one["f1"]) == [LABELS[code] for code in labels]
        for name, measure in (("f1", f1_score), ("recall", recall_score)):
            expected = measure(truth[here], predicted[here], labels=labels, average=None) if labels else []
            np.testing.assert_allclose(list(one[name].values()), expected)
        sedentary = truth[here] < 2, predicted[here] < 2
        assert one["groups"] == ({"sedentary": pytest.approx(f1_score(*sedentary))} if sedentary[0].any() else {})
        sets = (subjects == person) & several
        share = allowed[np.flatnonzero(sets), predicted[sets]].mean() if sets.any() else None
        assert one["allowed_share"] == (pytest.approx(share) if share is not None else None)
        assert one["windows"] == int((subjects == person).sum())


def test_a_person_without_a_known_label_has_no_score_and_does_not_count() -> None:
    allowed = np.eye(5, dtype=bool)[[1, 1, 4]]
    subjects = np.array(["ann", "ann", "ben"])
    found = score_study(allowed, np.array([1, 0, 4]), subjects, labels=LABELS, known=LABELS)
    assert person_f1(found["people"]) == {"ann": pytest.approx(2 / 3)}
    assert found["mean_f1"] == pytest.approx(2 / 3)
    assert found["interval"] is None  # one person
    assert found["allowed_share"] is None
