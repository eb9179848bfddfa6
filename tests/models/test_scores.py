"""Scores are those of scikit-learn, and means and intervals are over people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, f1_score, precision_score, recall_score

from harken.models.scores import interval_over_evaluations, interval_over_people, score, score_people, unseen_f1

LABELS = ("a", "b", "c", "d")
codes = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@given(st.data())
@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_scikit_learn(data: st.DataObject) -> None:
    truth = np.array(data.draw(codes))
    predicted = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth))))
    scores = score(truth, predicted, LABELS)

    np.testing.assert_array_equal(scores.confusion, confusion_matrix(truth, predicted, labels=range(4)))
    assert scores.windows == len(truth)
    assert scores.accuracy == pytest.approx(accuracy_score(truth, predicted))
    for name, measure in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        for average in ("macro", "weighted"):
            expected = measure(truth, predicted, average=average, zero_division=0)
            assert getattr(scores, f"{average}_{name}") == pytest.approx(expected)
    undefined = len({*truth.tolist(), *predicted.tolist()}) == 1
    kappa = None if undefined else pytest.approx(cohen_kappa_score(truth, predicted))
    assert scores.cohen_kappa == kappa


def test_percentages() -> None:
    scores = score(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), ("a", "b", "never"))
    assert scores.confusion_percent.tolist() == [[50, 25, 0], [0, 25, 0], [0, 0, 0]]
    of_truth = [[200 / 3, 100 / 3, 0.0], [0.0, 100.0, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(scores.confusion_percent_of_truth, of_truth)


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="no windows"):
        score(np.array([], dtype=int), np.array([], dtype=int), LABELS)


def test_people_count_the_same_however_many_windows_they_have() -> None:
    truth = np.array([0, 1] * 50 + [0, 1])
    predicted = np.array([0, 1] * 50 + [1, 0])
    people = score_people(truth, predicted, np.array(["anna"] * 100 + ["ben"] * 2), ("a", "b"))
    assert people.mean_person_macro_f1 == 0.5
    assert people.interval is None  # two people say nothing about the spread


def test_the_interval_is_over_people() -> None:
    random = np.random.default_rng(0)
    subjects = np.repeat([f"p{i}" for i in range(20)], 50)
    truth = random.integers(0, 2, 1000)
    wrong = random.random(1000) < np.repeat(random.uniform(0, 0.5, 20), 50)
    predicted = np.where(wrong, 1 - truth, truth)
    people = score_people(truth, predicted, subjects, ("a", "b"))
    each = np.array([scores.macro_f1 for scores in people.people.values()])
    half = 1.96 * each.std() / np.sqrt(20)  # the normal approximation of the same interval
    mean = people.mean_person_macro_f1
    assert people.interval == pytest.approx([mean - half, mean + half], abs=0.02)
    assert people.interval == score_people(truth, predicted, subjects, ("a", "b")).interval


def test_the_interval_keeps_the_evaluations_of_a_person_together() -> None:
    people = np.random.default_rng(3).uniform(0.3, 1, 12).tolist()
    # Tested four times with the same outcome, twelve people are still twelve people.
    often = interval_over_evaluations([[value] * 4 for value in people])
    assert often == pytest.approx(interval_over_people(people))
    assert interval_over_evaluations([[0.1, 0.2]] * 4) is None


def test_the_f1_of_labels_and_groups_is_that_of_the_people_of_the_models_own_test() -> None:
    random = np.random.default_rng(0)
    labels = ("lying", "sitting", "walking")
    truth, predicted = random.integers(0, 3, 200), random.integers(0, 3, 200)
    subjects = np.repeat(["ann", "ben"], 100)
    truth[(subjects == "ann") & (truth == 0)] = 1  # ann never lies
    people = score_people(truth, predicted, subjects, labels)
    found = unseen_f1({"scores": {"cross_people": people.as_dict()}})
    assert found.keys() == {*labels, "sedentary"}  # standing, stairs and running are unknown to this model

    def mean(person: list[str], names: list[int]) -> float:
        each = [subjects == one for one in person]
        return float(np.mean([f1_score(np.isin(truth[one], names), np.isin(predicted[one], names)) for one in each]))

    assert found["sedentary"] == pytest.approx(mean(["ann", "ben"], [0, 1]))
    assert found["walking"] == pytest.approx(mean(["ann", "ben"], [2]))
    assert found["lying"] == pytest.approx(mean(["ben"], [0]))
    assert unseen_f1({"scores": {"cross_people": people.as_dict()}, "adaptation": {}}) == {}
    assert unseen_f1({"scores": {"cross_people": None}}) == unseen_f1({}) == {}


def test_the_scores_on_left_out_studies_come_before_those_of_a_models_own_test() -> None:
    studies = {"dsads": {"lying": 0.2, "sedentary": 0.8}, "wisdm": {"sedentary": 0.9}}
    found = unseen_f1({"f1_on_left_out_studies": studies, "scores": {"cross_people": None}})
    assert found == {"lying": 0.2, "sedentary": pytest.approx(0.85)}
