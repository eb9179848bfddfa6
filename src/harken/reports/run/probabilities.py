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
            f"Its probabilities are not calibrated for unseen people: they were calibrated ({temperature}) on later "
            f"moments of {known_people(outcome)} it learned from. With anybody else it may be much surer than it is "
            "right."
        )
    return (
        "Its probabilities are not calibrated for unseen people, nor for anybody: there were no windows left to "
        "calibrate them on. It may be much surer than it is right."
    )


def error_sentence(outcome: "Outcome") -> str | None:
    """The calibration error of the probabilities on unseen people; None without unseen people."""
    if outcome.cross_probabilities is None:
        return None
    error = outcome.cross_probabilities.expected_calibration_error
    return (
        f"On {unseen(outcome)}, the probability of its answer differs from the share of answers that "
        f"are right by {points(error)} on average (expected calibration error {number(error)}; 0 is perfect)."
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
        f"Where the probability of its answer is small, it may say “unsure” instead. {_gain(scores.curve)}",
        "A threshold that is chosen by these numbers suits these people best; on others it may gain less.",
    ]


def _gain(curve: Coverage) -> str:
    _, everything = curve.at(0.0)
    covered, accuracy = curve.at(EXAMPLE)
    if accuracy is None or everything is None:
        return f"Below {EXAMPLE:g} that would leave no window with an answer."
    if covered == 1:
        return f"No window's answer has a probability below {EXAMPLE:g}."
    sentence = (
        f"Below {EXAMPLE:g} that leaves {percent(covered)} of the windows with an answer, {percent(accuracy)} of them"
    )
    if accuracy > everything:
        return f"{sentence} right, where of all windows {percent(everything)} are."
    return (
        f"{sentence} right, and that is no gain: of all windows {percent(everything)} are, so its probabilities do not "
        "tell which of its answers are wrong."
    )
