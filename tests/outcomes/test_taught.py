"""What pages say of a wearer who taught, for outcomes of teaching that small studies do not have."""

from dataclasses import replace

import pytest

from harken.outcomes.taught import NOT_SHOWN, Score, Taught

ANNA = Taught("anna", kept=True, reason="", seconds={"lying": 64.0, "walking": 32.0}, recognised=Score(0.62, 0.83))


def test_a_test_on_another_occasion_says_something_about_other_days() -> None:
    assert ANNA.not_shown == NOT_SHOWN
    tested = replace(ANNA, tested=Score(0.5, 0.75), tested_on="the last occasion", tested_occasion=True)
    assert tested.not_shown == ""
    assert tested.describe() == (
        "anna taught lying 1 min 4 s and walking 32 s, and is labelled by a personal model, which recognises 83 % of "
        "the labelled windows in cross-validation, averaged over labels (general model: 62 %); tested on the last "
        "occasion: mean F1 0.75 (general model: 0.50)"
    )


@pytest.mark.parametrize(
    ("recognised", "why"),
    [
        (Score(0.2, 0.22), "the labels contradict each other, or are too few: a personal model recognises 22 %"),
        (Score(0.62, 0.4), "a personal model is worse: it recognises 40 %"),
    ],
)
def test_why_a_model_was_not_kept_is_said(recognised: Score, why: str) -> None:
    left = replace(ANNA, kept=False, recognised=recognised).describe()
    assert f"; the labelling is left as it was, because {why} of the labelled windows in cross-validation" in left


def test_a_kept_model_with_a_lower_score_says_what_the_score_lacks() -> None:
    kept = replace(ANNA, recognised=Score(0.6, 0.55)).describe()
    assert "55 % of the labelled windows in cross-validation, averaged over labels (general model: 60 %), whose" in kept
    assert "whose fits lack the bouts that they are tested on" in kept


def test_without_scores_nothing_is_said_about_them() -> None:
    refused = Taught("anna", kept=False, reason="labels.csv, line 2: no time", seconds={})
    assert refused.not_shown == ""
    assert refused.as_columns()["taught"] == "labels not used"
    assert refused.describe() == (
        "anna taught nothing; the labelling is left as it was, because the labels cannot be used: labels.csv, line 2: "
        "no time"
    )
