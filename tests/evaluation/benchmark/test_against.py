"""A result against an earlier one: equal on one machine, near on another, and never of another experiment."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harken.evaluation.benchmark import compare, read_result
from harken.support.errors import HarkenError

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
        (change("protocol", to="friends"), 'protocol was "friends" and is "strangers"'),
        (
            change("methods", "small", "settings", "preset", "training", "passes", to=9),
            r"small\.preset\.training\.passes was 9 and is 4",
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


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"methods": {}, "windows": {}})])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "else.json").write_text(content)
    with pytest.raises(HarkenError, match=r"else\.json: not a result of harken benchmark"):
        read_result(tmp_path / "else.json")
    with pytest.raises(HarkenError, match=r"missing\.json: cannot be read"):
        read_result(tmp_path / "missing.json")
