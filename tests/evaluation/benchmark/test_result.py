"""A benchmark's result is made of its folds, shown on a page, and compared only with one of the same data."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harken.evaluation.benchmark.page import TextTable, latex, list_warnings
from harken.evaluation.benchmark.result import other_data, read_result
from harken.evaluation.benchmark.scoring import PeopleScoring, by_person
from harken.models.scores import score_people
from harken.support.errors import HarkenError

NAMES = ("sitting", "walking")


def test_names_in_a_table_for_latex_are_escaped() -> None:
    name = r"50 % of #1_a-2 & {b} \~^$ <3|"
    table = TextTable("Scores", ("method", "mean", "on the page only"), [(name, "-0.5 to 0.1", "1")], narrow=2)
    row = latex(table).splitlines()[5]
    written = r"50 \% of \#1\_a-2 \& \{b\} \textbackslash{}\textasciitilde{}\textasciicircum{}\$ \textless{}3\textbar{}"
    assert row == written + r" & $-$0.5 to 0.1 \\"


def test_a_method_that_gave_one_label_is_named_with_its_folds() -> None:
    learned: dict[str, Any] = {"people": {}}
    folds = {"0": {"one_label": "sitting", "right_in_training": 0.31}, "1": learned}
    result = {"methods": {"gru": {"folds": folds}, "forest": {"folds": {"0": learned, "1": learned}}}}
    sentence = "gru gave one label to every window in 1 of 2 folds (0): “sitting”; right in training: 31.0 %."
    assert list_warnings(result) == [sentence]
    folds["1"] = {"one_label": "walking", "right_in_training": 0.4}
    sentence = (
        "gru gave one label to every window of each fold: “sitting” or “walking”; right in training: 31.0 % to 40.0 %."
    )
    assert list_warnings(result) == [sentence]


def finding(right: dict[str, float], *, seed: int, error: float = 0.1) -> dict[str, Any]:
    """A fold's finding in which each person's share of right windows is about what is said."""
    random = np.random.default_rng(seed)
    truth = np.tile(np.repeat([0, 1], 50), len(right))
    shares = np.repeat(list(right.values()), 100)
    recognised = np.where(random.uniform(size=len(truth)) < shares, truth, 1 - truth)
    scores = score_people(truth, recognised, np.repeat(list(right), 100), NAMES)
    return {
        "scores": scores.as_dict(),
        "training_windows": 1000,
        "test_windows": len(truth),
        "expected_calibration_error": error,
        "decided_by": {"method": {"kind": "baseline"}},
        "timing": {"fit_s": 1.0, "predict_s": 0.5},
    }


PRESET = {
    "0": finding({"a": 0.9, "b": 0.8, "c": 0.7}, seed=1, error=0.1),
    "1": finding({"a": 0.85, "d": 0.9, "e": 0.6, "f": 0.95}, seed=2, error=0.3),
}
BASELINE = {
    "0": finding({"a": 0.7, "b": 0.75, "c": 0.8}, seed=3),
    "1": finding({"a": 0.6, "d": 0.6, "e": 0.5, "f": 0.8}, seed=4),
}


def of_each(findings: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    people = [item for finding in findings.values() for item in finding["scores"]["people"].items()]
    return by_person((person, scores["macro_f1"]) for person, scores in people)


def bootstrap(values: dict[str, list[float]]) -> Any:
    """The interval of the mean over evaluations, written out: people are drawn, each with all their evaluations."""
    random = np.random.default_rng(7)
    drawn = (random.choice(list(values), len(values)) for _ in range(3000))
    means = [np.mean([value for person in people for value in values[person]]) for people in drawn]
    return pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.015)


def test_a_method_is_summed_up_over_its_folds() -> None:
    found, people = PeopleScoring().summary(PRESET), of_each(PRESET)
    every = [value for values in people.values() for value in values]  # someone tested twice counts twice
    assert found["mean_person_macro_f1"] == pytest.approx(np.mean(every))
    assert found["sd_person_macro_f1"] == pytest.approx(np.std(every, ddof=1))
    assert found["mean_person_macro_f1_interval"] == bootstrap(people)
    assert (found["evaluations"], found["people"]) == (7, 6)
    means = {person: np.mean(values) for person, values in people.items()}
    worst = min(people, key=means.__getitem__)
    assert found["worst_person"] == {"person": worst, "macro_f1": pytest.approx(means[worst])}
    assert found["expected_calibration_error"] == pytest.approx((300 * 0.1 + 400 * 0.3) / 700)
    confusion = np.array(found["confusion"])
    assert confusion.sum() == 700
    expected = 2 * confusion.diagonal() / (confusion.sum(axis=0) + confusion.sum(axis=1))
    assert found["class_f1"] == pytest.approx(dict(zip(NAMES, expected, strict=True)))
    assert list(found["folds"]["1"]["people"]) == ["a", "d", "e", "f"]
    picture = PeopleScoring().together(found)
    assert picture.confusion.tolist() == found["confusion"]
    assert picture.label_names == NAMES
    alone = PeopleScoring().summary({"0": finding({"a": 0.9}, seed=1)})
    assert (alone["sd_person_macro_f1"], alone["mean_person_macro_f1_interval"]) == (None, None)


def test_a_mean_decides_who_is_worst_and_a_label_without_windows_has_no_f1() -> None:
    labels = (*NAMES, "never")
    first = score_people(np.array([0, 1, 0, 1]), np.array([1, 0, 0, 0]), np.array(["ann", "ann", "ben", "ben"]), labels)
    second = score_people(
        np.array([0, 1, 0, 1]), np.array([0, 1, 0, 0]), np.array(["ann", "ann", "cay", "cay"]), labels
    )
    rest = {name: value for name, value in PRESET["0"].items() if name != "scores"}
    found = PeopleScoring().summary({"0": {"scores": first.as_dict()} | rest, "1": {"scores": second.as_dict()} | rest})
    assert found["worst_person"] == {"person": "ben", "macro_f1": pytest.approx(1 / 3)}  # once ann has 0, but 1 later
    assert found["mean_person_accuracy"] == pytest.approx((0 + 0.5 + 1 + 0.5) / 4)
    assert list(found["class_f1"]) == list(NAMES)
    assert found["labels"] == list(labels)


def test_the_difference_is_of_each_person_with_themselves_and_people_are_resampled() -> None:
    now, before = of_each(PRESET), of_each(BASELINE)
    gains = {person: [a - b for a, b in zip(now[person], before[person], strict=True)] for person in now}
    found = PeopleScoring().difference(PRESET, BASELINE)
    assert found["mean_person_macro_f1"] == pytest.approx(np.mean(np.concatenate(list(gains.values()))))
    assert found["people_better"] == sum(np.mean(each) > 0 for each in gains.values()) < found["people"] == 6
    worst = min(gains, key=lambda person: float(np.mean(gains[person])))
    assert found["least_gain"] == {"person": worst, "macro_f1": pytest.approx(np.mean(gains[worst]))}
    assert found["mean_person_macro_f1_interval"] == bootstrap(gains)
    oneself = PeopleScoring().difference(PRESET, PRESET)
    assert (oneself["mean_person_macro_f1"], oneself["people_better"]) == (0, 0)


Result = dict[str, Any]


@pytest.fixture
def result(whole: Path) -> Result:
    return read_result(whole / "benchmark.json")


def test_a_result_of_another_machine_may_have_other_last_bits_but_no_other_windows(result: Result) -> None:
    other = copy.deepcopy(result)
    other["windows"]["fingerprint"] = "another last bit"
    assert other_data(result, other) == "it was made on other windows (their fingerprints differ)"
    other["made_with"][0]["machine"]["processor"] = "abacus"
    assert other_data(result, other) is None
    other["windows"]["layout_fingerprint"] = "other windows"
    assert other_data(result, other) == "it was made on other windows (their fingerprints differ)"


def test_results_of_other_people_are_not_of_the_same_data(result: Result) -> None:
    other = copy.deepcopy(result)
    other["folds"]["1"]["training"] = ["person_x"]
    assert other_data(result, other) == "fold 1 has other people"
    del other["folds"]["1"]
    assert other_data(result, other) is None


def test_a_result_that_does_not_name_its_training_people_is_compared_by_its_test_people(result: Result) -> None:
    committed = copy.deepcopy(result)
    for fold in committed["folds"].values():
        del fold["training"]
    assert other_data(result, committed) is None
    assert other_data(committed, result) is None
    committed["folds"]["1"]["test"] = ["person_x"]
    assert other_data(result, committed) == "fold 1 has other people"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"methods": {}, "windows": {}}', '{"methods": {"small": 5}, "windows": {"fingerprint": ""}}'],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "else.json").write_text(content)
    with pytest.raises(HarkenError, match=r"else\.json is damaged, or not written by .*; give a benchmark\.json"):
        read_result(tmp_path / "else.json")
    with pytest.raises(HarkenError, match=r"missing\.json: cannot be read"):
        read_result(tmp_path / "missing.json")
