"""Scores against an independent computation from their definitions."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.models.scores import PeopleScores, person_evaluations, score, score_people

LABELS = ("a", "b", "c", "d")
codes = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@given(st.data())
def test_scores_from_their_definitions(data: st.DataObject) -> None:
    truth = np.array(data.draw(codes))
    predicted = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(truth), max_size=len(truth))))
    scores = score(truth, predicted, LABELS)

    confusion = [[sum((truth == i) & (predicted == j)) for j in range(4)] for i in range(4)]
    assert scores.confusion.tolist() == confusion
    assert scores.windows == len(truth)
    assert scores.accuracy == pytest.approx(sum(truth == predicted) / len(truth))
    present = sorted(set(truth) | set(predicted))
    precision, recall, f1, support = [], [], [], []
    for label in present:
        right = confusion[label][label]
        said, true = sum(confusion[i][label] for i in range(4)), sum(confusion[label])
        precision.append(right / said if said else 0.0)
        recall.append(right / true if true else 0.0)
        f1.append(2 * right / (said + true) if said + true else 0.0)
        support.append(true)
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert getattr(scores, f"macro_{name}") == pytest.approx(np.mean(values))
        assert getattr(scores, f"weighted_{name}") == pytest.approx(np.average(values, weights=support))
    chance = sum(sum(confusion[k]) * sum(row[k] for row in confusion) for k in range(4)) / len(truth) ** 2
    if chance == 1:
        assert scores.cohen_kappa is None
    else:
        assert scores.cohen_kappa == pytest.approx((scores.accuracy - chance) / (1 - chance))


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
    people = score_people(truth, np.where(wrong, 1 - truth, truth), subjects, ("a", "b"))
    each = np.array([scores.macro_f1 for scores in people.people.values()])
    assert people.interval is not None
    low, high = people.interval
    half = 1.96 * each.std() / np.sqrt(20)  # the normal approximation of the same interval
    assert low == pytest.approx(people.mean_person_macro_f1 - half, abs=0.02)
    assert high == pytest.approx(people.mean_person_macro_f1 + half, abs=0.02)
    assert people.interval == score_people(truth, np.where(wrong, 1 - truth, truth), subjects, ("a", "b")).interval


def fold_of(hits: dict[str, float], windows: int = 40) -> PeopleScores:
    """A fold that tested these people, with that share of their windows of two labels right."""
    truth = np.tile(np.repeat([0, 1], windows // 2), len(hits))
    right = np.concatenate([np.arange(windows // 2) < round(hit * windows / 2) for hit in hits.values() for _ in "ab"])
    subjects = np.repeat(list(hits), windows)
    return score_people(truth, np.where(right, truth, 1 - truth), subjects, ("a", "b"))


def test_someone_tested_twice_counts_twice_in_mean_and_deviation() -> None:
    found = person_evaluations({"0": fold_of({"ann": 1.0, "ben": 0.5}), "1": fold_of({"ann": 0.8, "cay": 0.6})})
    each = [1.0, 0.5, 0.8, 0.6]  # with both labels as often right, F1 is the share that is right
    assert found.evaluations == 4
    assert found.mean_person_macro_f1 == pytest.approx(np.mean(each))
    assert found.mean_person_accuracy == pytest.approx(np.mean(each))
    assert found.sd_person_macro_f1 == pytest.approx(np.sqrt(sum((x - np.mean(each)) ** 2 for x in each) / 3))
    assert list(found.by_person) == ["ann", "ben", "cay"]
    assert list(found.by_person["ann"]) == ["0", "1"]
    assert found.interval is None
    assert person_evaluations({"0": fold_of({"ann": 1.0})}).sd_person_macro_f1 is None


def test_the_worst_person_is_the_one_with_the_lowest_mean_over_folds() -> None:
    found = person_evaluations({"0": fold_of({"ann": 0.4, "ben": 0.7}), "1": fold_of({"ann": 1.0, "cay": 0.6})})
    person, macro_f1 = found.worst_person  # ann has the worst single evaluation, cay the worst mean
    assert person == "cay"
    assert macro_f1 == pytest.approx(0.6)


def test_class_f1_is_over_the_windows_of_all_evaluations() -> None:
    labels = ("a", "b", "never")
    one = score_people(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array(["ann"] * 3), labels)
    two = score_people(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), np.array(["ben"] * 4), labels)
    found = person_evaluations({"0": one, "1": two})
    assert found.confusion.tolist() == [[2, 1, 0], [1, 3, 0], [0, 0, 0]]
    assert found.class_f1 == {"a": pytest.approx(2 * 2 / 6), "b": pytest.approx(2 * 3 / 8)}


def test_the_interval_keeps_the_evaluations_of_a_person_together() -> None:
    random = np.random.default_rng(3)
    hits = {f"p{number:02}": float(hit) for number, hit in enumerate(random.uniform(0.3, 1, 12))}
    once = person_evaluations({"0": fold_of(hits)})
    # Tested four times with the same outcome, twelve people are still twelve people.
    often = person_evaluations({str(fold): fold_of(hits) for fold in range(4)})
    assert often.interval == pytest.approx(once.interval)
    assert once.interval == pytest.approx(fold_of(hits).interval)


def test_the_interval_agrees_with_a_bootstrap_written_out() -> None:
    random = np.random.default_rng(5)
    people = [f"p{number:02}" for number in range(9)]
    folds = {str(fold): fold_of({p: float(random.uniform(0, 1)) for p in people[fold::2]}) for fold in range(4)}
    found = person_evaluations(folds)
    own = {p: [fold.people[p].macro_f1 for fold in folds.values() if p in fold.people] for p in people}
    assert len({len(each) for each in own.values()}) > 1
    means = []
    for _ in range(4000):
        drawn = [value for p in random.choice(people, len(people)) for value in own[p]]
        means.append(np.mean(drawn))
    assert found.interval == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.015)


def test_folds_come_back_from_json_as_they_were() -> None:
    folds = {"0": fold_of({f"p{number}": number / 6 for number in range(6)}), "1": fold_of({"ann": 0.5})}
    found = person_evaluations(folds)
    read = {
        name: PeopleScores.from_dict(fold) for name, fold in json.loads(json.dumps(found.as_dict()))["folds"].items()
    }
    assert person_evaluations(read).as_dict() == found.as_dict()


def test_folds_that_cannot_be_joined_are_an_error() -> None:
    with pytest.raises(ValueError, match="no folds"):
        person_evaluations({})
    other = score_people(np.array([0]), np.array([0]), np.array(["ann"]), ("x", "y"))
    with pytest.raises(ValueError, match="different labels"):
        person_evaluations({"0": fold_of({"ann": 0.5}), "1": other})
