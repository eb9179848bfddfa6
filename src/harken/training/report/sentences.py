"""The sentences of a report, each true in every case: what it explains, its warnings, and the notes on recordings.

They are written for readers without knowledge of machine learning, who should remember the right number. Notes on
several recordings are joined if they differ only in their numbers.
"""

from typing import TYPE_CHECKING

import numpy as np

from harken.models.calibration import Coverage
from harken.models.scores import PeopleScores, Scores, scores_of
from harken.reports.figures.curves import UNSURE_BELOW
from harken.reports.words import decimals
from harken.support.printable import listed, percent, printable, share_notes
from harken.training.run_outcome import HELD_OUT_PEOPLE
from harken.windows.folds import NoHonestTest
from harken.windows.windows import RandomDraws

if TYPE_CHECKING:
    from harken.networks.training_loop import TrainingSettings
    from harken.training.run_outcome import Outcome

LITTLE_POINTS = 1.0
"""A difference in accuracy below this, in percentage points, is called little."""
EXAMPLE = 0.7
"""The threshold of "unsure" in the sentence about it."""
NOBODY_UNSURE = "–"
FEW_IN_WORDS = {1: "One person", 2: "Two people", 3: "Three people", 4: "Four people"}


def points(difference: float) -> str:
    """The size of a difference of shares, in percentage points."""
    size = f"{abs(difference) * 100:.1f}"
    return f"{size} percentage point{'' if size == '1.0' else 's'}"


def unseen(outcome: "Outcome") -> str:
    """The number of unseen people, as text."""
    count = _unseen_count(outcome)
    return "the one unseen person" if count == 1 else f"the {count} unseen people"


def unseen_people_explained(outcome: "Outcome") -> str:
    """What the score on unseen people stands for; with fewer people than an interval needs it is an example."""
    few = FEW_IN_WORDS.get(_unseen_count(outcome))
    return f"{few}: an example, not the score to expect." if few else "The score to expect for a new person."


def _unseen_count(outcome: "Outcome") -> int:
    return len(outcome.cross_people.people) if outcome.cross_people is not None else 1


def known_people(outcome: "Outcome") -> str:
    """The number of training people, as text."""
    count = len({one.mended.subject for one in outcome.data.training})
    return "the one person" if count == 1 else f"the {count} people"


def together(people: PeopleScores) -> Scores:
    """Scores over the windows of all people together."""
    scores_of_people = list(people.people.values())
    confusion = np.sum([scores.confusion for scores in scores_of_people], axis=0)
    return scores_of(confusion, scores_of_people[0].label_names)


def held_out_people(outcome: "Outcome") -> str:
    """The number of held-out people and of training people, as text."""
    held_out = len(outcome.held_out_people.people) if outcome.held_out_people is not None else 0
    return f"{held_out} of its {len({one.mended.subject for one in outcome.data.training})} training people"


def name_held_out_again(outcome: "Outcome") -> str:
    """Return what stands for the held-out people when they are named again."""
    people = outcome.held_out_people
    return "this person" if people is not None and len(people.people) == 1 else "these people"


def baseline_sentence(scores: Scores) -> str:
    """The score of a baseline that does not use the signal."""
    truth = scores.confusion.sum(axis=1)
    label = scores.label_names[int(truth.argmax())]
    share = float(truth.max() / max(1, scores.windows))
    if scores.accuracy > share:
        return f"For comparison: answering “{label}” every time would be right in {percent(share)}."
    return (
        f"This is not better than ignoring the signal: answering “{label}” every time would be right "
        f"in {percent(share)}."
    )


def overlap_sentence(outcome: "Outcome") -> str | None:
    """The gain from overlapping test and training windows; None if one of the two tests was not made."""
    flattering, honest = outcome.same_person, outcome.blocked
    if flattering is None or honest is None:
        return None
    both = f"{percent(flattering.accuracy)} with overlapping windows, {percent(honest.accuracy)} without"
    difference = flattering.accuracy - honest.accuracy
    if difference * 100 >= LITTLE_POINTS:
        return f"Overlap raised the accuracy by {points(difference)}: {both}."
    if difference * 100 > -LITTLE_POINTS:
        return (
            f"Overlap made little difference here ({points(difference)}: {both}). It does not mean that the "
            "overlapping test can be trusted."
        )
    return (
        f"Here the accuracy of the honest test is higher, by {points(difference)} ({both}). It uses other windows and "
        "another model, so the two also differ by chance. It does not mean that overlap does no harm."
    )


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


def explain_worst_bouts(outcome: "Outcome") -> str:
    """Explain from which tests the worst bouts are, and what their commands do."""
    tests = list(dict.fromkeys(bout.test for bout in outcome.worst_bouts))
    sentences = [
        f"These bouts are from {listed(tests)}. Is the label wrong, or the model?",
        "A command opens the bout with its label and the model's; the key d goes from one difference to the next.",
    ]
    if HELD_OUT_PEOPLE in tests:
        sentences.append("A copy of the model was tested on held-out people; the page shows the model itself.")
    if outcome.settings.labels.path is not None or outcome.settings.cross_labels is not None:
        sentences.append("Labels from a file of --labels or --cross-labels are not on the page.")
    return " ".join(sentences)


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
        when = "the last occasion" if outcome.by_occasion else "later moments"
        return (
            f"Its probabilities are calibrated ({temperature}) on {when} of {known_people(outcome)} that it "
            "was trained on, and not for unseen people: for those they may be much too high."
        )
    why = "no windows were left for calibration" if outcome.finished else "the training was stopped before"
    return f"Its probabilities are not calibrated and may be much too high, because {why}."


def error_sentence(outcome: "Outcome") -> str | None:
    """The calibration error of the probabilities on unseen people; None without unseen people."""
    if outcome.cross_probabilities is None:
        return None
    error = outcome.cross_probabilities.expected_calibration_error
    return (
        "When the model says 80 %, it should be right 80 % of the time. "
        f"On {unseen(outcome)}, its probabilities are too high or too low by {points(error)} on average "
        f"(expected calibration error {decimals(error)}; 0 is perfect)."
    )


def unsure_rows(curve: Coverage) -> list[tuple[str, str, str]]:
    """A row without "unsure", and one for each threshold: the threshold, the share of windows with an answer, and the
    share of right ones among these answers."""
    rows = []
    for unsure_below in (0.0, *UNSURE_BELOW):
        covered, accuracy = curve.at(unsure_below)
        right = NOBODY_UNSURE if accuracy is None else percent(accuracy)
        rows.append((f"{unsure_below:g}" if unsure_below else "never", percent(covered), right))
    return rows


def no_gain_sentence(curve: Coverage) -> str | None:
    """That answers above a threshold are not more often right than all; None if they are."""
    _, everything = curve.at(0.0)
    covered, accuracy = curve.at(EXAMPLE)
    if accuracy is None or everything is None or covered == 1 or accuracy > everything:
        return None
    return (
        f"The probabilities do not show which answers are wrong: with the threshold {EXAMPLE:g}, {percent(accuracy)} "
        f"of the answers are right; without a threshold, {percent(everything)} are."
    )


def harder_batches_sentence(training: "TrainingSettings") -> str | None:
    """Why training batches can look worse than a test; None if they are as the recordings are."""
    harder = []
    if training.augmentation.changes_something:
        harder.append("windows that are changed at random")
    if training.label_smoothing:
        harder.append(f"smoothed labels ({percent(training.label_smoothing)} of each truth spread over all)")
    if not harder:
        return None
    return (
        f"The training batches have {listed(harder)}, and the tests do not, so the batches can look worse than a test "
        "without being worse."
    )


def one_label_sentence(outcome: "Outcome") -> str | None:
    """That the model gave all windows of a test one label, although several are true; None if it did not."""
    for people, scores in ((unseen(outcome), outcome.cross), (known_people(outcome), outcome.same_person)):
        if scores is not None and scores.one_label is not None:
            epoch = max(1, outcome.training_windows // outcome.training.batch_windows)
            right = outcome.history.train_accuracy[-epoch:]
            sentence = f"The model gave one label, “{scores.one_label}”, to every window of {people}"
            if not right:
                return f"{sentence}."
            return f"{sentence}; right in training: {percent(float(np.mean(right)))}."
    return None


def warnings(outcome: "Outcome") -> list[str]:
    """Warnings that a reader must see before the scores."""
    reads = outcome.data.training + outcome.data.cross
    sentences = list(filter(None, [one_label_sentence(outcome)]))
    sentences += [
        f"{', '.join(printable(reads[one].short_name) for one in note.recordings)}: {note.text}"
        for note in share_notes([one.mended.warnings for one in reads])
    ]
    if not outcome.finished:
        sentences.append(
            f"Training was interrupted after {outcome.iterations_done:,} of {outcome.iterations:,} "
            "iterations; all numbers here are for the model at that point. Repeat the harken train "
            "command with --resume to continue."
        )
    recipe = outcome.settings.recipe
    if outcome.training.epochs < recipe.training.epochs:
        epochs = "epoch" if outcome.training.epochs == 1 else "epochs"
        sentences.append(
            f"This was a short training: {outcome.training.epochs:,} {epochs} over the training windows, while the "
            f"recipe “{recipe.name}” has {recipe.training.epochs}. More epochs may change all numbers."
        )
    sentences += filter(None, [_untested(outcome)])
    if outcome.cross is None:
        sentences.append(f"{no_unseen_people(outcome)} {_instead_of_unseen(outcome)}")
    if outcome.same_person is None:
        sentences.append(
            "There is no overlapping same-person test: none of its windows has an activity of the training windows."
        )
    if outcome.blocked is None and outcome.missing.honest_test is None:
        sentences.append(
            "There is no honest same-person test: the run was stopped before this test. Repeat the "
            "harken train command with --resume to make it."
        )
    return sentences


def missing_windows(outcome: "Outcome") -> list[str]:
    """Sentences about labels without training windows, and about labels that the honest same-person test lacks."""
    sentences = []
    length, untrained = outcome.specification.window_length, outcome.missing.untrained
    if untrained:
        sentences.append(
            f"The model was not trained on these labels, because no training window of {length} samples "
            f"was drawn from them: {', '.join(untrained)}. Longer bouts are needed."
        )
    match outcome.missing.honest_test:
        case NoHonestTest.SHORT_BOUTS:
            window_s = length / outcome.specification.sample_rate_hz
            return [
                *sentences,
                "There is no honest same-person test: no bout is long enough. The first "
                f"part of a bout must contain a training window ({window_s:.3g} s), and the rest a pause of that "
                "length and a test window.",
            ]
        case None:
            return [*sentences, *filter(None, [_untested(outcome)])]
        case reason:
            why = reason.value
    return [*sentences, f"There is no honest same-person test: {why}."]


def no_unseen_people(outcome: "Outcome") -> str:
    """A sentence that there were no recordings of unseen people, and whether held-out people replace them."""
    unknown = ", so the accuracy on unseen people is unknown" if outcome.held_out_people is None else ""
    return f"There were no recordings of unseen people (--cross){unknown}."


def explain_honest_test(outcome: "Outcome") -> str:
    """Explain what the honest same-person test is, in a sentence."""
    if outcome.by_occasion:
        return "A model without the last occasion of each person, tested on it: another hour or day, same person."
    return "No test window shares a sample with training."


def describe_honest_test(outcome: "Outcome") -> str:
    """Describe how the honest same-person test is made, for the list of words."""
    if outcome.by_occasion:
        return (
            "A second model is trained without the last occasion on which each person recorded, at least an hour after "
            "the others, and tested on that occasion."
        )
    if isinstance(outcome.settings.recipe.windows, RandomDraws):
        return (
            "A second model is trained on the first 80 % of every bout and tested on the rest, after the length of one "
            "window, so that no test window shares a sample with training. The bouts, the strap and the day are those "
            "of the training."
        )
    return (
        "A second model is trained on the first part of every bout and tested on the rest, after the length of one "
        "window, so that no test window shares a sample with training. The rest is a fifth of the bout, or more of a "
        "short one. The bouts, the strap and the day are those of the training."
    )


def _untested(outcome: "Outcome") -> str | None:
    if not outcome.missing.untested:
        return None
    labels = ", ".join(outcome.missing.untested)
    if outcome.by_occasion:
        why = f"no window of {labels}, because the bouts of the last occasion are too short"
    else:
        why = f"no window of {labels}, because it tests the last part of a bout, and the bouts are too short"
    return f"The honest same-person test has {why}: do not compare its score with the others."


def _instead_of_unseen(outcome: "Outcome") -> str:
    if outcome.held_out_people is None:
        return "The scores below are for training people; on other people a model is usually much less accurate."
    return (
        "The best estimate for unseen people is the score of held-out training people, from a copy "
        "of the model that was trained without them. The same-person tests are for training people; "
        "on other people a model is usually much less accurate."
    )
