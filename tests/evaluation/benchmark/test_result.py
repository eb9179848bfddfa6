"""A benchmark's result is made of its folds, shown on a page, and agrees with an earlier one only when it should."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.evaluation.benchmark.directory import json_text
from harken.evaluation.benchmark.page import markdown, tables
from harken.evaluation.benchmark.result import (
    all_evaluations,
    compare,
    describe_windows,
    difference,
    method_result,
    read_result,
)
from harken.models.scores import score_people
from harken.support.errors import HarkenError
from study import study_windows

NAMES = ("sitting", "walking")


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


def test_the_difference_is_of_each_person_with_themselves_and_people_are_resampled() -> None:
    gains: dict[str, list[float]] = {}
    for fold in PRESET:
        now, before = (one[fold]["scores"]["people"] for one in (PRESET, BASELINE))
        for person in now:
            gains.setdefault(person, []).append(now[person]["macro_f1"] - before[person]["macro_f1"])
    found = difference(PRESET, BASELINE)
    assert found["mean_person_macro_f1"] == pytest.approx(np.mean(np.concatenate(list(gains.values()))))
    assert found["people"] == 6
    assert found["people_better"] == sum(np.mean(each) > 0 for each in gains.values()) < 6
    worst = min(gains, key=lambda person: float(np.mean(gains[person])))
    assert found["least_gain"] == {"person": worst, "macro_f1": pytest.approx(np.mean(gains[worst]))}
    random = np.random.default_rng(7)
    people = list(gains)
    means = [
        np.mean(np.concatenate([gains[people[one]] for one in random.integers(0, len(people), len(people))]))
        for _ in range(3000)
    ]
    assert found["mean_person_macro_f1_interval"] == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.01)


def test_nothing_is_gained_over_oneself() -> None:
    found = difference(PRESET, PRESET)
    assert found["mean_person_macro_f1"] == 0
    assert found["mean_person_macro_f1_interval"] == [0, 0]
    assert found["people_better"] == 0


def test_a_method_is_summed_up_over_its_folds() -> None:
    found = method_result(PRESET)
    assert found["expected_calibration_error"] == pytest.approx((300 * 0.1 + 400 * 0.3) / 700)
    assert found["evaluations"] == 7
    assert np.sum(found["confusion"]) == 700
    assert list(found["folds"]["1"]["people"]) == ["a", "d", "e", "f"]
    picture = all_evaluations(found)
    assert picture.confusion.tolist() == found["confusion"]
    assert picture.label_names == NAMES


def test_the_tables_hold_every_method_label_and_fold() -> None:
    methods = {"everyday": method_result(PRESET), "random_forest": method_result(BASELINE)}
    result = {
        "dataset": "invented",
        "protocol": "unseen",
        "command": "harken benchmark invented",
        "measures": "Nothing.",
        "preset": "everyday",
        "windows": {"windows": 700, "people": 6, "window_length": 40, "sample_rate_hz": 20.0, "labels": list(NAMES)},
        "folds": {name: {"training": ["x"], "test": list(PRESET[name]["scores"]["people"])} for name in PRESET},
        "methods": methods,
        "differences": {"random_forest": difference(PRESET, BASELINE)},
        "made_with": [
            {
                "harken_version": "1",
                "git_commit": "0123456789" * 4 + " + changes",
                "machine": {"processor": "P", "threads": 1},
            }
        ],
        "timing": {"methods": {name: {"fit_s": 90.0, "predict_s": 0.5} for name in methods}},
    }
    first, gains, labels, folds = tables(result)
    assert [row[0] for row in first.rows] == ["everyday", "random_forest"]
    assert first.rows[0][1] == f"{methods['everyday']['mean_person_macro_f1']:.3f}"
    assert first.rows[0][-2:] == ("1 min 30 s", "0.5 s")
    assert gains.rows[0][0] == "everyday minus random_forest"
    assert gains.rows[0][1].startswith("+")
    assert [row[0] for row in labels.rows] == list(NAMES)
    assert [row[:2] for row in folds.rows] == [("0", "3"), ("1", "4")]
    page = markdown(result, confusion="confusion.png")
    assert "(0123456 + changes)" in page
    assert "![Confusion matrix](confusion.png)" in page
    for table in (first, gains, labels, folds):
        assert all(" | ".join(row) in page for row in table.rows)


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), VALUES | st.lists(st.floats(allow_nan=False, allow_infinity=False))))
def test_json_keeps_its_content_when_lists_of_numbers_take_one_line(content: dict[str, Any]) -> None:
    assert json.loads(json_text(content)) == content


def test_a_list_of_numbers_takes_one_line() -> None:
    text = json_text({"confusion": [[1, -2], [3.5, 1e-9]], "text": "[\n 1\n]"})
    assert "    [1, -2],\n    [3.5, 1e-09]\n" in text


def test_fingerprints_tell_other_values_from_other_windows() -> None:
    windows = study_windows()
    before = describe_windows(windows)
    assert describe_windows(study_windows()) == before
    values = describe_windows(study_windows(1))
    assert values["layout_fingerprint"] == before["layout_fingerprint"]
    assert values["fingerprint"] != before["fingerprint"]
    order = np.arange(len(windows))
    order[[0, -1]] = order[[-1, 0]]
    swapped = describe_windows(windows[order])
    assert swapped["layout_fingerprint"] != before["layout_fingerprint"]


Result = dict[str, Any]


@pytest.fixture
def result(whole: Path) -> Result:
    return read_result(whole / "benchmark.json")


def moved(result: Result, by: float) -> Result:
    other = copy.deepcopy(result)
    person = other["methods"]["small"]["folds"]["2"]["people"]
    person[next(iter(person))]["macro_f1"] += by
    return other


def elsewhere(result: Result) -> Result:
    other = copy.deepcopy(result)
    other["made_with"][0]["machine"]["processor"] = "abacus"
    other["windows"]["fingerprint"] = "another last bit"
    return other


def test_the_same_result_agrees(result: Result) -> None:
    agreement = compare(result, copy.deepcopy(result))
    assert agreement.agrees
    assert "all 12 macro F1 of people are equal" in agreement.sentence


def test_on_one_machine_scores_must_be_equal(result: Result) -> None:
    agreement = compare(result, moved(result, 1e-9))
    assert not agreement.agrees
    assert "1 are not, most of all small, fold 2, person_" in agreement.sentence


def test_the_number_of_cores_and_the_commit_do_not_make_another_machine(result: Result) -> None:
    other = moved(result, 1e-9)
    other["made_with"][0]["machine"]["cores"] = 1000
    other["made_with"][0]["git_commit"] = "another"
    assert not compare(result, other).agrees


@pytest.mark.parametrize(("by", "agrees"), [(0.0, True), (0.049, True), (-0.049, True), (0.051, False)])
def test_on_another_machine_scores_may_differ_a_little(result: Result, by: float, agrees: bool) -> None:
    agreement = compare(result, elsewhere(moved(result, by)))
    assert agreement.agrees == agrees
    assert ("another machine" in agreement.sentence) == (by != 0)


def test_only_what_both_have_is_compared(result: Result) -> None:
    part = copy.deepcopy(result)
    del part["methods"]["small"]
    del part["folds"]["0"], part["methods"]["small-everyday"]["folds"]["0"]
    assert "all 4 macro F1" in compare(part, result).sentence
    assert "all 4 macro F1" in compare(result, part).sentence
    nothing = copy.deepcopy(part)
    nothing["methods"] = {"another": nothing["methods"]["small-everyday"]}
    with pytest.raises(HarkenError, match=r"nothing to compare: .*another on 1, 2"):
        compare(nothing, result)


def change(*keys: str, to: object) -> Callable[[Result], None]:
    def apply(result: Result) -> None:
        inner = result
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (change("protocol", to="friends"), 'protocol was "friends" and is "unseen"'),
        (
            change("methods", "small", "settings", "preset", "training", "epochs", to=9),
            r"small\.preset\.training\.epochs was 9 and is 4",
        ),
        (change("windows", "fingerprint", to="other"), "other windows"),
        (change("folds", "1", "training", to=["person_x"]), "fold 1 has other people"),
    ],
)
def test_another_experiment_cannot_agree(result: Result, changed: Callable[[Result], None], said: str) -> None:
    earlier = copy.deepcopy(result)
    changed(earlier)
    agreement = compare(result, earlier)
    assert not agreement.agrees
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(agreement.sentence)


def test_on_another_machine_other_windows_cannot_agree(result: Result) -> None:
    other = elsewhere(result)
    other["windows"]["layout_fingerprint"] = "other"
    assert not compare(result, other).agrees


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
