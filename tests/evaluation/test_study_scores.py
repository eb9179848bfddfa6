"""Scores of an unseen study, beside scikit-learn's F1 and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from harken.evaluation.study_scores import StudyScores, score_study

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
    for person, one in found.people.items():
        here = (subjects == person) & ~several
        labels = [code for code in (0, 1, 3) if (truth[here] == code).any()]
        assert list(one.f1) == [LABELS[code] for code in labels]
        expected = f1_score(truth[here], predicted[here], labels=labels, average=None) if labels else []
        np.testing.assert_allclose(list(one.f1.values()), expected)
        recalls = recall_score(truth[here], predicted[here], labels=labels, average=None) if labels else []
        np.testing.assert_allclose(list(one.recall.values()), recalls)
        sets = (subjects == person) & several
        share = allowed[np.flatnonzero(sets), predicted[sets]].mean() if sets.any() else None
        assert one.allowed_share == pytest.approx(share) if share is not None else one.allowed_share is None
        assert one.windows == int((subjects == person).sum())


def test_other_is_no_class_but_a_false_positive_of_the_answer() -> None:
    allowed = np.eye(5, dtype=bool)[[1, 1, 4, 4]]
    predicted, subjects = np.array([1, 1, 1, 4]), np.array(["ann"] * 4)
    one = score_study(allowed, predicted, subjects, labels=LABELS, known=LABELS).people["ann"]
    assert one.f1 == {"sitting": pytest.approx(2 * 2 / (2 + 3))}
    assert one.recall == {"sitting": 1.0}


def test_a_person_without_a_known_label_has_no_score_and_does_not_count() -> None:
    allowed = np.eye(5, dtype=bool)[[1, 1, 4]]
    subjects = np.array(["ann", "ann", "ben"])
    found = score_study(allowed, np.array([1, 0, 4]), subjects, labels=LABELS, known=LABELS)
    assert found.people["ben"].mean_f1 is None
    assert found.mean_f1 == pytest.approx(2 / 3)
    assert found.interval is None  # one person
    assert found.allowed_share is None


def test_the_interval_is_over_people_and_the_values_survive_json() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, 300)
    predicted = np.where(random.random(300) < 0.7, truth, 1)
    subjects = np.repeat([f"p{number}" for number in range(10)], 30)
    found = score_study(np.eye(5, dtype=bool)[truth], predicted, subjects, labels=LABELS, known=LABELS)
    assert found.interval is not None
    assert found.mean_f1 is not None
    assert found.interval[0] < found.mean_f1 < found.interval[1]
    content = found.as_dict()
    assert StudyScores.from_dict(content).as_dict() == content
    assert content["f1"]["lying"] == pytest.approx(np.mean([one.f1["lying"] for one in found.people.values()]))
