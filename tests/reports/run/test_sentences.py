"""What a report says in words is true in every situation."""

import numpy as np
import pytest

from confusion_scores import scores_of
from harken.learning.scores import PeopleScores, score_people
from harken.reports.run import sentences
from run_outcomes import MakeOutcome


def people_of(count: int, right: float = 0.8) -> PeopleScores:
    truth = np.tile(np.repeat([0, 1], 50), count)
    predicted = np.where(np.random.default_rng(0).random(len(truth)) < right, truth, 1 - truth)
    return score_people(truth, predicted, np.repeat([f"p{i}" for i in range(count)], 100), ("lying", "walking"))


@pytest.mark.parametrize(
    ("unseen", "text"),
    [
        (
            (),
            "The accuracy of this recogniser on unseen people is unknown: it was tested only on the one person",
        ),
        (("bob",), "On the one unseen person, this recogniser names the right activity in 60.0% of the windows."),
        (("bob", "eve"), "On the 2 unseen people, this recogniser names the right activity in 60.0%"),
    ],
)
def test_headline(make_outcome: MakeOutcome, unseen: tuple[str, ...], text: str) -> None:
    assert sentences.headline(make_outcome(unseen=unseen)).startswith(text)


@pytest.mark.parametrize(
    ("overlapping", "honest", "text"),
    [
        (
            0.95,
            0.85,
            "Overlap raised the accuracy by 10.0 percentage points: 95.0% with overlapping windows, 85.0% without.",
        ),
        (0.91, 0.9, "Overlap raised the accuracy by 1.0 percentage point: "),
        (0.95, 0.95, "Overlap made little difference here (0.0 percentage points: 95.0%"),
        (0.9, 0.95, "Here the accuracy of the honest test is higher, by 5.0 percentage points"),
    ],
)
def test_what_the_overlap_flattered(make_outcome: MakeOutcome, overlapping: float, honest: float, text: str) -> None:
    first, shared = sentences.overlap_sentences(make_outcome(overlapping=overlapping, honest=honest))
    assert first.startswith(text)
    assert "the bouts, the strap and the day are those of the training" in shared


@pytest.mark.parametrize(
    ("cross", "text"),
    [
        (0.6, "accuracy is 25.0 percentage points lower than on"),
        (0.85, "accuracy is the same as on"),
        (0.9, "accuracy is 5.0 percentage points higher than on"),
    ],
)
def test_how_far_it_is_to_unseen(make_outcome: MakeOutcome, cross: float, text: str) -> None:
    sentence = sentences.unseen_gap_sentence(make_outcome(cross=cross))
    assert sentence is not None
    assert text in sentence
    assert sentences.unseen_gap_sentence(make_outcome(unseen=())) is None


def test_an_interval_is_over_people_and_only_over_enough_of_them() -> None:
    assert "95% interval over 5 people" in sentences.people_sentence(people_of(5))
    assert "4 people are too few for an interval (5 are needed)" in sentences.people_sentence(people_of(4))
    assert "interval" not in sentences.people_sentence(people_of(1))


def test_how_far_people_lie_apart() -> None:
    assert sentences.spread_sentence(people_of(1)).startswith("There is only one")
    people = people_of(3)
    worst = min(people.people, key=lambda name: people.people[name].macro_f1)
    assert f"({worst}) to" in sentences.spread_sentence(people)


def test_a_recogniser_that_is_no_better_than_a_constant_answer_is_called_so() -> None:
    blind = scores_of([[0, 0, 10], [0, 0, 10], [0, 0, 40]])
    assert sentences.baseline_sentence(blind) == (
        "This is not better than ignoring the signal: answering “walking” every time would be right in 66.7%."
    )
    seeing = scores_of([[10, 0, 0], [0, 10, 0], [0, 0, 40]])
    assert sentences.baseline_sentence(seeing).startswith("For comparison: answering “walking”")


def test_best_and_worst_activity() -> None:
    text = sentences.confusion_sentence(scores_of([[9, 1, 0], [3, 5, 2], [0, 0, 0]]))
    assert text == (
        "“lying” is recognised best, in 90.0% of its windows. “sitting” is recognised in 50.0% of its windows and "
        "most often taken for “lying”."
    )
    assert sentences.confusion_sentence(scores_of([[9, 0, 0], [0, 5, 0], [0, 0, 0]])) == "Every window was recognised."
    only = sentences.confusion_sentence(scores_of([[5, 5, 0], [0, 0, 0], [0, 0, 0]]))
    assert only == "“lying” is recognised in 50.0% of its windows and most often taken for “sitting”."


def test_the_commonest_mistake() -> None:
    assert sentences.commonest_mistake(scores_of([[4, 0, 0], [0, 4, 0], [0, 0, 4]])) == "none"
    found = sentences.commonest_mistake(scores_of([[1, 1, 0], [0, 6, 2], [0, 0, 9]]))
    assert found == "“sitting” taken for “walking” (25.0% of its windows)"


def test_an_undefined_score_is_called_so() -> None:
    assert sentences.number(None) == "undefined"


def test_what_the_curves_cannot_compare(make_outcome: MakeOutcome) -> None:
    notebook = sentences.curves_sentence(make_outcome(calibrated_on="nobody"))
    assert "temperature" not in notebook
    assert "smoothed" not in notebook
    everyday = sentences.curves_sentence(make_outcome(preset="everyday"))
    assert "The temperature of the probabilities was fitted on the honest same-person test" in everyday
    assert "windows that are changed at random and smoothed labels (10.0% of each truth spread over all)" in everyday
