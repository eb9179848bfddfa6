"""What the report says of probabilities is true whoever they were calibrated on, and however good they are."""

from pathlib import Path

import numpy as np
import pytest

from harken.learning.calibration import ProbabilityScores
from harken.learning.scores import score, score_people
from harken.reports.run import write_report
from harken.reports.run.probabilities import calibration_sentence, error_sentence, unsure_rows, unsure_sentences
from harken.reports.run.sentences import together
from run_outcomes import MakeOutcome


def scores(sure: list[float], right: list[bool]) -> ProbabilityScores:
    """Of windows whose answers have these probabilities and are right or wrong."""
    probabilities = np.stack([np.array(sure), 1 - np.array(sure)], axis=1)
    return ProbabilityScores.of(probabilities, np.where(right, 0, 1))


def test_whom_the_probabilities_were_calibrated_on(make_outcome: MakeOutcome) -> None:
    truth = np.tile([0, 1, 2], 20)
    held_out = score_people(truth, truth, np.repeat(["dora", "emil"], 30), ("lying", "sitting", "walking"))
    text = {
        on: calibration_sentence(make_outcome(calibrated_on=on, held_out=held_out if on == "unseen" else None))
        for on in ("unseen", "the same person", "nobody")
    }
    assert "are calibrated for unseen people (temperature 1.25), on 2 training people whom a copy" in text["unseen"]
    assert "not calibrated" not in text["unseen"]
    for on in ("the same person", "nobody"):
        assert "not calibrated for unseen people" in text[on]
    assert "on later moments of the one person that it was trained on" in text["the same person"]
    assert "nor for others" in text["nobody"]


def test_the_error_on_unseen(make_outcome: MakeOutcome) -> None:
    assert error_sentence(make_outcome(unseen=())) is None
    # 60 % of the windows are right with 0.95, the others wrong with 0.6.
    assert error_sentence(make_outcome(cross=0.6)) == (
        "On the one unseen person, the probability of an answer differs from the share of right answers "
        "by 27.0 percentage points on average (expected calibration error 0.270; 0 is perfect)."
    )


def test_rows_of_a_few_thresholds() -> None:
    found = scores([0.95, 0.85, 0.75, 0.55], [True, True, False, False])
    assert unsure_rows(found) == [
        ("never", "100%", "50.0%"),
        ("0.5", "100%", "50.0%"),
        ("0.7", "75.0%", "66.7%"),
        ("0.9", "25.0%", "100%"),
    ]
    assert unsure_rows(scores([0.6], [True]))[-1] == ("0.9", "0%", "–")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            scores([0.9, 0.9, 0.6, 0.6], [True, True, True, False]),
            "With the threshold 0.7, 50.0% of the windows have an answer, and 100% of these answers are right; "
            "without a threshold, 75.0%",
        ),
        (
            scores([0.9, 0.6], [False, True]),
            "and 0% of these answers are right. This is no gain: without a threshold, 50.0% are",
        ),
        (scores([0.6, 0.6], [True, False]), "With the threshold 0.7, no window would have an answer."),
        (scores([0.9, 0.8], [True, False]), "No window's answer has a probability below 0.7."),
    ],
)
def test_what_being_unsure_gains(found: ProbabilityScores, text: str) -> None:
    assert text in unsure_sentences(found)[0]
    assert "fits these people best" in unsure_sentences(found)[1]


def test_on_the_page(make_outcome: MakeOutcome, tmp_path: Path) -> None:
    write_report(tmp_path / "with.html", make_outcome())
    write_report(tmp_path / "without.html", make_outcome(unseen=(), calibrated_on="nobody"))
    with_unseen, without = ((tmp_path / f"{name}.html").read_text() for name in ("with", "without"))
    assert "“Unsure” below" in with_unseen
    assert 'alt="Curve: ' in with_unseen
    assert "expected calibration error 0.270" in with_unseen
    assert "“Unsure” below" not in without
    assert 'alt="Curve: ' not in without
    assert "not calibrated for unseen people, nor for others" in without


def test_people_together_are_their_windows_together() -> None:
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 3, 90), random.integers(0, 3, 90)
    labels = ("lying", "sitting", "walking")
    found = together(score_people(truth, predicted, np.repeat(["a", "b", "c"], [10, 30, 50]), labels))
    assert found.as_dict() == score(truth, predicted, labels).as_dict()
