"""The sentences of a report. Each function turns the outcome of a run into sentences that are true in every case.

They are written for readers without knowledge of machine learning, who should remember the right number.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harken.models.calibration import Coverage, ProbabilityScores
from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL, PeopleScores, Scores, score
from harken.support.printable import percent, printable

if TYPE_CHECKING:
    from harken.training.run import Outcome

LITTLE_POINTS = 1.0
"""A difference in accuracy below this, in percentage points, is called little."""
UNSURE_BELOW = (0.5, 0.7, 0.9)
"""The thresholds in the table of "unsure". They were chosen before any result was seen."""
EXAMPLE = 0.7
"""The threshold of "unsure" in the sentence."""
NOBODY_UNSURE = "–"
FEW_IN_WORDS = {1: "One person", 2: "Two people", 3: "Three people", 4: "Four people"}


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


def unseen_people_explained(outcome: "Outcome") -> str:
    """What the score on unseen people stands for; with fewer people than an interval needs it is an example."""
    count = len(outcome.cross_people.people) if outcome.cross_people is not None else 1
    if count < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return f"{FEW_IN_WORDS[count]}: an example, not the score to expect."
    return "The score to expect for a new person."


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
        "The accuracy of this recogniser on unseen people is unknown: it was tested only on "
        f"{known_people(outcome)} that it was trained on."
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
        f"A copy of the model was trained in the same way without {held_out_people(outcome)} and "
        "tested on them. The copy had fewer training people than the model itself. The model itself "
        "was trained on everybody named here, so these scores are not those of unseen people."
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
        return "There is only one person, so it is unknown how much people differ."
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
        f"This is not better than ignoring the signal: answering “{label}” every time would be right "
        f"in {percent(share)}."
    )


def overlap_sentences(outcome: "Outcome") -> list[str]:
    """The gain from overlapping test and training windows, and the data that the honest test still shares."""
    flattering, honest = outcome.same_person, outcome.blocked
    if flattering is None or honest is None:
        return []
    both = f"{percent(flattering.accuracy)} with overlapping windows, {percent(honest.accuracy)} without"
    difference = flattering.accuracy - honest.accuracy
    if difference * 100 >= LITTLE_POINTS:
        sentence = f"Overlap raised the accuracy by {points(difference)}: {both}."
    elif difference * 100 > -LITTLE_POINTS:
        sentence = (
            f"Overlap made little difference here ({points(difference)}: {both}). This happens where "
            "neighbouring windows are alike even without shared samples, for example while a body is "
            "still. It does not mean that the overlapping test can be trusted."
        )
    else:
        sentence = (
            f"Here the accuracy of the honest test is higher, by {points(difference)} ({both}). It uses "
            "other windows and another model, so the two also differ by chance. It does not mean that "
            "overlap does no harm."
        )
    return [
        sentence,
        "In both tests, the bouts, the strap and the day are those of the training, so neither shows "
        "how well the model does on another day or for another person.",
    ]


def unseen_gap_sentence(outcome: "Outcome") -> str | None:
    """The difference between training people and unseen people; None if one of the two is unknown."""
    if outcome.cross is None or outcome.blocked is None:
        return None
    difference = outcome.blocked.accuracy - outcome.cross.accuracy
    direction = "lower than" if difference >= 0 else "higher than"
    size = "the same as" if f"{abs(difference) * 100:.1f}" == "0.0" else f"{points(difference)} {direction}"
    return (
        f"On {unseen(outcome)}, accuracy is {size} on {known_people(outcome)} that it was trained on, "
        "in the honest test."
    )


def curves_sentence(outcome: "Outcome") -> str:
    """An explanation of the curves, with those that cannot be compared."""
    sentence = (
        "The black line is a running mean over training batches, which are drawn faintly behind it. "
        "The tests had no influence: training was not stopped by them, and no model was chosen and "
        "no weight changed by them."
    )
    if outcome.specification.calibrated_on == "the same person":
        sentence += (
            " The temperature of the probabilities was fitted on the honest same-person test; it changes no answer."
        )
    harder = []
    if outcome.training.augmentation.changes_something:
        harder.append("windows that are changed at random")
    if outcome.training.label_smoothing:
        harder.append(f"smoothed labels ({percent(outcome.training.label_smoothing)} of each truth spread over all)")
    if harder:
        sentence += (
            f" The training batches have {' and '.join(harder)}, and the tests do not, so the batches can "
            "look worse than a test without being worse."
        )
    return sentence


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
    sentence = (
        f"“{name[worst]}” is recognised in {percent(float(recall[worst]))} of its windows and most often taken for "
        f"“{name[int(mistaken.argmax())]}”."
    )
    if recall[best] == recall[worst]:
        return sentence
    return f"“{name[best]}” is recognised best, in {percent(float(recall[best]))} of its windows. {sentence}"


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
