"""What folds come to, beside an independent computation; and JSON that people can read and compare."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study import study_windows

from harken.evaluation.benchmark.directory import json_text
from harken.evaluation.benchmark.fingerprint import describe_windows
from harken.evaluation.benchmark.page import markdown, tables
from harken.evaluation.benchmark.result import all_evaluations, difference, method_result
from harken.learning.scores import score_people

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
        "protocol": "strangers",
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


@settings(max_examples=50, deadline=None)
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
