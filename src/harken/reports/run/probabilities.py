"""The part of a report about probabilities: their calibration, and the threshold below which a label is "unsure"."""

from typing import TYPE_CHECKING, NamedTuple

from harken.learning.calibration import Coverage, ProbabilityScores
from harken.reports.run.sentences import known_people, number, points, unseen
from harken.support.printable import percent

if TYPE_CHECKING:
    from harken.runs.outcome import Outcome

__all__ = ["UNSURE_BELOW", "UnsureRow", "calibration_sentence", "error_sentence", "unsure_rows", "unsure_sentences"]

UNSURE_BELOW = (0.5, 0.7, 0.9)
"""The thresholds in the table. They were chosen before any result was seen."""
EXAMPLE = 0.7
NOBODY_UNSURE = "–"


class UnsureRow(NamedTuple):
    """The share of answered windows and their accuracy, if the label is "unsure" below a probability."""

    unsure_below: str
    answered: str
    right: str


def calibration_sentence(outcome: "Outcome") -> str:
    """Whether the probabilities are calibrated, and on whom."""
    model = outcome.specification
    temperature = f"temperature {model.temperature:.3g}"
    if model.calibrated_on == "unseen":
        count = len(outcome.held_out_people.people) if outcome.held_out_people is not None else 0
        people = "one training person" if count == 1 else f"{count} training people"
        return (
            f"Its probabilities are calibrated for unseen people ({temperature}), on {people} whom a copy of "
            "the model was trained without."
        )
    if model.calibrated_on == "the same person":
        return (
            "Its probabilities are not calibrated for unseen people: they were calibrated "
            f"({temperature}) on later moments of {known_people(outcome)} that it was trained on. For "
            "other people they may be much too high."
        )
    return (
        "Its probabilities are not calibrated for unseen people, nor for others, because no windows "
        "were left for calibration. They may be much too high."
    )


def error_sentence(outcome: "Outcome") -> str | None:
    """The calibration error of the probabilities on unseen people; None without unseen people."""
    if outcome.cross_probabilities is None:
        return None
    error = outcome.cross_probabilities.expected_calibration_error
    return (
        f"On {unseen(outcome)}, the probability of an answer differs from the share of right answers "
        f"by {points(error)} on average (expected calibration error {number(error)}; 0 is perfect)."
    )


def unsure_rows(scores: ProbabilityScores) -> list[UnsureRow]:
    """A row without "unsure", and one for each threshold."""
    rows = []
    for unsure_below in (0.0, *UNSURE_BELOW):
        covered, accuracy = scores.curve.at(unsure_below)
        rows.append(
            UnsureRow(
                f"{unsure_below:g}" if unsure_below else "never",
                percent(covered),
                NOBODY_UNSURE if accuracy is None else percent(accuracy),
            )
        )
    return rows


def unsure_sentences(scores: ProbabilityScores) -> list[str]:
    """Sentences about the effect of "unsure" at one threshold, and about the limits of the rows."""
    return [
        f"The model can answer “unsure” where its probability is small. {_gain(scores.curve)}",
        "A threshold that is chosen from these numbers fits these people best; for others the gain may be smaller.",
    ]


def _gain(curve: Coverage) -> str:
    _, everything = curve.at(0.0)
    covered, accuracy = curve.at(EXAMPLE)
    if accuracy is None or everything is None:
        return f"With the threshold {EXAMPLE:g}, no window would have an answer."
    if covered == 1:
        return f"No window's answer has a probability below {EXAMPLE:g}."
    sentence = (
        f"With the threshold {EXAMPLE:g}, {percent(covered)} of the windows have an answer, and "
        f"{percent(accuracy)} of these answers"
    )
    if accuracy > everything:
        return f"{sentence} are right; without a threshold, {percent(everything)} are."
    return (
        f"{sentence} are right. This is no gain: without a threshold, {percent(everything)} are, so "
        "the probabilities do not show which answers are wrong."
    )
