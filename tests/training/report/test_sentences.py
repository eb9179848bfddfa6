"""What a report says in words is true in every situation."""

from typing import Any

import numpy as np
import pytest

from confusion_scores import curve_of, scores_of
from harken.models.calibration import Coverage
from harken.models.scores import PeopleScores, score_people
from harken.training.report import sentences
from run_outcomes import MakeOutcome


def people_of(count: int, right: float = 0.8) -> PeopleScores:
    truth = np.tile(np.repeat([0, 1], 50), count)
    predicted = np.where(np.random.default_rng(0).random(len(truth)) < right, truth, 1 - truth)
    return score_people(truth, predicted, np.repeat([f"p{i}" for i in range(count)], 100), ("lying", "walking"))


@pytest.mark.parametrize(
    ("function", "given", "text"),
    [
        ("unseen_people_explained", {"unseen": "a"}, "One person: an example, not the score to expect."),
        ("unseen_people_explained", {"unseen": "abcd"}, "Four people: an example, not the score to expect."),
        ("unseen_people_explained", {"unseen": "abcde"}, "The score to expect for a new person."),
        ("overlap_sentence", {}, "by 10.0 percentage points: 95.0 % with overlapping windows, 85.0 % without."),
        ("overlap_sentence", {"overlapping": 0.91, "honest": 0.9}, "raised the accuracy by 1.0 percentage point: "),
        ("overlap_sentence", {"honest": 0.95}, "made little difference here (0.0 percentage points: 95.0 %"),
        ("overlap_sentence", {"overlapping": 0.9, "honest": 0.95}, "honest test is higher, by 5.0 percentage points"),
        ("unseen_gap_sentence", {}, "accuracy is 25.0 percentage points lower than on"),
        ("unseen_gap_sentence", {"cross": 0.85}, "accuracy is the same as on"),
        ("unseen_gap_sentence", {"cross": 0.9}, "accuracy is 5.0 percentage points higher than on"),
        ("unseen_gap_sentence", {"unseen": ()}, "None"),
        # 60 % of the windows are right with 0.95, the others wrong with 0.6.
        ("error_sentence", {}, "by 27.0 percentage points on average (expected calibration error 0.270; 0 is perfect)"),
        ("error_sentence", {"unseen": ()}, "None"),
        ("calibration_sentence", {}, "on later moments of the one person that it was trained on"),
        ("calibration_sentence", {"calibrated_on": "unseen", "held_out": people_of(2)}, "1.25), on 2 training people"),
        ("warnings", {"epochs": 100}, "[]"),
        ("warnings", {"preset": "everyday"}, "[]"),
        ("warnings", {"epochs": 1}, "['This was a short training: 1 epoch over the training windows, while the recipe"),
    ],
)
def test_a_run_in_words(make_outcome: MakeOutcome, function: str, given: dict[str, Any], text: str) -> None:
    assert text in str(getattr(sentences, function)(make_outcome(**given)))


@pytest.mark.parametrize(
    ("function", "confusion", "text"),
    [
        (
            sentences.baseline_sentence,
            [[0, 0, 10], [0, 0, 10], [0, 0, 40]],
            "This is not better than ignoring the signal: answering “walking” every time would be right in 66.7 %.",
        ),
        (
            sentences.baseline_sentence,
            [[10, 0, 0], [0, 10, 0], [0, 0, 40]],
            "For comparison: answering “walking” every time would be right in 66.7 %.",
        ),
        (
            sentences.confusion_sentence,
            [[9, 1, 0], [3, 5, 2], [0, 0, 0]],
            "“lying” is recognised best, in 90.0 % of its windows. “sitting” is recognised in 50.0 % of its windows "
            "and most often taken for “lying”.",
        ),
        (sentences.confusion_sentence, [[9, 0, 0], [0, 5, 0], [0, 0, 0]], "Every window was recognised."),
        (
            sentences.confusion_sentence,
            [[5, 5, 0], [0, 0, 0], [0, 0, 0]],
            "“lying” is recognised in 50.0 % of its windows and most often taken for “sitting”.",
        ),
        (sentences.commonest_mistake, [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "none"),
        (
            sentences.commonest_mistake,
            [[1, 1, 0], [0, 6, 2], [0, 0, 9]],
            "“sitting” taken for “walking” (25.0 % of its windows)",
        ),
    ],
)
def test_scores_in_words(function: Any, confusion: list[list[int]], text: str) -> None:
    assert function(scores_of(confusion)) == text


@pytest.mark.parametrize(
    ("curve", "text"),
    [
        (curve_of([0.9, 0.9, 0.6, 0.6], [True, True, True, False]), None),
        (
            curve_of([0.9, 0.6], [False, True]),
            "The probabilities do not show which answers are wrong: with the threshold 0.7, 0 % of the answers are "
            "right; without a threshold, 50.0 % are.",
        ),
        (curve_of([0.6, 0.6], [True, False]), None),
        (curve_of([0.9, 0.8], [True, False]), None),
    ],
)
def test_probabilities_that_do_not_show_what_is_wrong_are_told(curve: Coverage, text: str | None) -> None:
    assert sentences.no_gain_sentence(curve) == text
