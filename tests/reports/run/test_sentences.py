"""What a report says in words is true in every situation."""

from pathlib import Path

import numpy as np
import pytest

from confusion_scores import scores_of
from harken.models.calibration import ProbabilityScores
from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL, PeopleScores, score, score_people
from harken.reports.run import sentences, write_report
from harken.reports.run.sentences import calibration_sentence, error_sentence, together, unsure_rows, unsure_sentences
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
    ("count", "text"),
    [
        (1, "One person: an example, not the score to expect."),
        (2, "Two people: an example, not the score to expect."),
        (4, "Four people: an example, not the score to expect."),
        (5, "The score to expect for a new person."),
    ],
)
def test_few_unseen_people_are_an_example(make_outcome: MakeOutcome, tmp_path: Path, count: int, text: str) -> None:
    write_report(tmp_path / "report.html", make_outcome(unseen=tuple(f"person{number}" for number in range(count))))
    page = (tmp_path / "report.html").read_text()
    assert text in page
    assert ("an example, not the score" in page) is (count < FEWEST_PEOPLE_FOR_AN_INTERVAL)


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
