"""The sentences of a report. Each function turns the outcome of a run into sentences that are true in every case.

They are written for readers without knowledge of machine learning, who should remember the right number.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harken.learning.augmentation import Augmentation
from harken.learning.calibration import Coverage, ProbabilityScores
from harken.learning.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL, PeopleScores, Scores, score
from harken.support.printable import percent, printable

if TYPE_CHECKING:
    from harken.runs.outcome import Outcome

__all__ = [
    "UNSURE_BELOW",
    "UnsureRow",
    "baseline_sentence",
    "calibration_sentence",
    "commonest_mistake",
    "confusion_sentence",
    "curves_sentence",
    "error_sentence",
    "headline",
    "held_out_people",
    "held_out_sentence",
    "known_people",
    "number",
    "overlap_sentences",
    "people_sentence",
    "points",
    "spread_sentence",
    "together",
    "unseen",
    "unseen_gap_sentence",
    "unsure_rows",
    "unsure_sentences",
    "without_folders",
]

LITTLE_POINTS = 1.0
"""A difference in accuracy below this, in percentage points, is called little."""
UNSURE_BELOW = (0.5, 0.7, 0.9)
"""The thresholds in the table of "unsure". They were chosen before any result was seen."""
EXAMPLE = 0.7
"""The threshold of "unsure" in the sentence."""
NOBODY_UNSURE = "–"


def number(value: float | None) -> str:
    """A score between -1 and 1 with three decimals, or a text if it is undefined."""
    return "undefined" if value is None else f"{value:.3f}"


def points(difference: float) -> str:
    """The size of a difference of shares, in percentage points."""
    size = f"{abs(difference) * 100:.1f}"
    return f"{size} percentage point{'' if size == '1.0' else 's'}"


def unseen(outcome: "Outcome") -> str:
    """The number of unseen people, as text."""
    count = len(outcome.cross_people.people) if outcome.cross_people is not None else 1
    return "the one unseen person" if count == 1 else f"the {count} unseen people"


def known_people(outcome: "Outcome") -> str:
    """The number of training people, as text."""
    count = len({one.mended.subject for one in outcome.data.training})
    return "the one person" if count == 1 else f"the {count} people"


def headline(outcome: "Outcome") -> str:
    """The headline: the score on unseen people, or that it is not known."""
    if outcome.cross is not None:
        return (
            f"On {unseen(outcome)}, this recogniser names the right activity in "
            f"{percent(outcome.cross.accuracy)} of the windows."
        )
    if outcome.held_out_people is not None:
        return (
            f"Trained without {held_out_people(outcome)}, a copy of this recogniser names the right activity in "
            f"{percent(together(outcome.held_out_people).accuracy)} of their windows. "
            "It was not tested on unseen people."
        )
    return (
        "It is unknown how well this recogniser does on unseen people: it was tested only on "
        f"{known_people(outcome)} it learned from."
    )


def together(people: PeopleScores) -> Scores:
    """Scores over the windows of all people together."""
    each = list(people.people.values())
    confusion = np.sum([scores.confusion for scores in each], axis=0)
    truth, predicted = np.nonzero(confusion)
    times = confusion[truth, predicted]
    return score(np.repeat(truth, times), np.repeat(predicted, times), each[0].label_names)


def held_out_people(outcome: "Outcome") -> str:
    """The number of held-out people and of training people, as text."""
    held_out = len(outcome.held_out_people.people) if outcome.held_out_people is not None else 0
    return f"{held_out} of its {len({one.mended.subject for one in outcome.data.training})} training people"


def held_out_sentence(outcome: "Outcome") -> str:
    """An explanation of the scores of held-out people, and of their limits."""
    return (
        f"A copy of the model was trained in the same way without {held_out_people(outcome)} and tested on them. It "
        "had fewer people to learn from than the model itself. The model itself learned from everybody named here, so "
        "these scores stand apart from those of unseen people."
    )


def people_sentence(people: PeopleScores) -> str:
    """The score with equal weights for activities and people, with an interval if there are enough people."""
    count = len(people.people)
    mean = number(people.mean_person_macro_f1)
    if people.interval is not None:
        low, high = people.interval
        return (
            f"The mean of each person's macro F1 is {mean} (95% interval over {count} people: "
            f"{number(low)} to {number(high)})."
        )
    if count == 1:
        return f"With every activity counting the same, the score is a macro F1 of {mean} (1 is perfect)."
    return (
        f"The mean of each person's macro F1 is {mean}; {count} people are too few for an interval "
        f"({FEWEST_PEOPLE_FOR_AN_INTERVAL} are needed)."
    )


def spread_sentence(people: PeopleScores) -> str:
    """The spread of the scores of people."""
    scores = {person: found.macro_f1 for person, found in people.people.items()}
    if len(scores) == 1:
        return "There is only one, so it is unknown how much people differ."
    worst, best = min(scores, key=scores.__getitem__), max(scores, key=scores.__getitem__)
    return (
        f"Macro F1 goes from {number(scores[worst])} ({worst}) to {number(scores[best])} ({best}). The least well "
        "recognised come first."
    )


def baseline_sentence(scores: Scores) -> str:
    """The score of a baseline that does not use the signal."""
    truth = scores.confusion.sum(axis=1)
    label, share = scores.label_names[int(truth.argmax())], float(truth.max() / max(1, scores.windows))
    if scores.accuracy > share:
        return f"For comparison: answering “{label}” every time would be right in {percent(share)}."
    return (
        f"That is no better than not looking at the signal at all: answering “{label}” every time would be right in "
        f"{percent(share)}."
    )


def overlap_sentences(outcome: "Outcome") -> list[str]:
    """The gain from overlapping test and training windows, and the data that the honest test still shares."""
    flattering, honest = outcome.same_person, outcome.blocked
    if flattering is None or honest is None:
        return []
    both = f"{percent(flattering.accuracy)} with overlapping windows, {percent(honest.accuracy)} without"
    difference = flattering.accuracy - honest.accuracy
    if difference * 100 >= LITTLE_POINTS:
        said = f"Overlap flattered by {points(difference)}: {both}."
    elif difference * 100 > -LITTLE_POINTS:
        said = (
            f"Overlap made little difference here ({points(difference)}: {both}). That happens where neighbouring "
            "moments are alike whether or not windows share samples, as when a body is still; it is no sign that the "
            "overlapping test can be trusted."
        )
    else:
        said = (
            f"Here the honest test came out higher, by {points(difference)} ({both}). It has other windows and a model "
            "of its own, so the two differ by chance too; it is no sign that overlap does no harm."
        )
    return [
        said,
        "Both tests still share the bout, the strap and the day with what was learned, so neither says how well the "
        "model does tomorrow, and neither says anything about another person.",
    ]


def unseen_gap_sentence(outcome: "Outcome") -> str | None:
    """The difference between training people and unseen people; None if one of the two is unknown."""
    if outcome.cross is None or outcome.blocked is None:
        return None
    difference = outcome.blocked.accuracy - outcome.cross.accuracy
    direction = "lower than" if difference >= 0 else "higher than"
    size = "the same as" if f"{abs(difference) * 100:.1f}" == "0.0" else f"{points(difference)} {direction}"
    return f"On {unseen(outcome)}, accuracy is {size} on {known_people(outcome)} it learned from, tested honestly."


def curves_sentence(outcome: "Outcome") -> str:
    """An explanation of the curves, with those that cannot be compared."""
    said = (
        "The black line is a running mean over training batches, each of which is drawn faintly behind it. The tests "
        "were only looked at: nothing was stopped or chosen by them, and no weight was learned from them."
    )
    if outcome.specification.calibrated_on == "the same person":
        said += " The honest same-person test set the temperature of the probabilities, which changes no answer."
    harder = []
    if outcome.training.augmentation != Augmentation():
        harder.append("windows that are changed at random")
    if outcome.training.label_smoothing:
        harder.append(f"smoothed labels ({percent(outcome.training.label_smoothing)} of each truth spread over all)")
    if harder:
        said += (
            f" The training batches have {' and '.join(harder)}, which the tests have not: they can look worse than a "
            "test without being it."
        )
    return said


def confusion_sentence(scores: Scores) -> str:
    """The best and the worst recognised activity, and the most frequent wrong label of the worst."""
    present = np.flatnonzero(scores.confusion.sum(axis=1))
    recall = np.diag(scores.confusion_percent_of_truth) / 100
    worst = min(present, key=lambda code: recall[code])
    best = max(present, key=lambda code: recall[code])
    if recall[worst] == 1:
        return "Every window was recognised."
    mistaken = scores.confusion[worst].copy()
    mistaken[worst] = 0
    name = scores.label_names
    said = (
        f"“{name[worst]}” is recognised in {percent(float(recall[worst]))} of its windows and most often taken for "
        f"“{name[int(mistaken.argmax())]}”."
    )
    if recall[best] == recall[worst]:
        return said
    return f"“{name[best]}” is recognised best, in {percent(float(recall[best]))} of its windows. {said}"


def commonest_mistake(scores: Scores) -> str:
    """The most frequent mistake, in windows."""
    mistakes = scores.confusion - np.diag(np.diag(scores.confusion))
    if not mistakes.any():
        return "none"
    truth, taken = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    share = scores.confusion_percent_of_truth[truth, taken] / 100
    name = scores.label_names
    return f"“{name[truth]}” taken for “{name[taken]}” ({percent(float(share))} of its windows)"


def without_folders(text: str, paths: Iterable[Path]) -> str:
    """The text with each of these paths replaced by the name of its file."""
    for path in sorted(paths, key=lambda path: -len(str(path))):
        for whole in (path.resolve(), path):
            text = text.replace(printable(whole), printable(path.name))
    return text


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
        whom = "one training person" if count == 1 else f"{count} training people"
        return (
            f"Its probabilities are calibrated for unseen people ({temperature}), on {whom} whom a copy of "
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
    said = (
        f"Below {EXAMPLE:g} that leaves {percent(covered)} of the windows with an answer, {percent(accuracy)} of them"
    )
    if accuracy > everything:
        return f"{said} right, where of all windows {percent(everything)} are."
    return (
        f"{said} right, and that is no gain: of all windows {percent(everything)} are, so its probabilities do not "
        "tell which of its answers are wrong."
    )
