"""Caveats of a report: warnings, labels without windows, limits, and notes on recordings.

Notes on several recordings are joined if they differ only in their numbers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL
from harken.networks.specification import RATE_TOLERANCE
from harken.support.printable import listed, printable
from harken.windows.same_person import TRAINING_SHARE, NoHonestTest
from harken.windows.windows import SlidingHops

if TYPE_CHECKING:
    from harken.training.run import Outcome

NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:\.\d+)?(?![\w/])")
"""A number by itself, not in a file name, a date or a unit."""


class SharedNote(NamedTuple):
    """A note, and the positions of the recordings that it is about."""

    text: str
    recordings: tuple[int, ...]


def share_notes(notes: Sequence[Sequence[str]]) -> list[SharedNote]:
    """Join equal notes of recordings, in the order of their first occurrence.

    Args:
        notes: the notes of each recording. Numbers may differ between recordings: the joined note has the smallest and
            the largest of them.
    """
    # The key is the text between the numbers, and the count of the same text in the recording, so that both are kept.
    alike: dict[tuple[tuple[str, ...], int], dict[int, str]] = {}
    for position, own in enumerate(notes):
        earlier: Counter[tuple[str, ...]] = Counter()
        for note in own:
            form = tuple(NUMBER.split(note))
            alike.setdefault((form, earlier[form]), {})[position] = note
            earlier[form] += 1
    return [SharedNote(_joined(list(texts.values())), tuple(texts)) for texts in alike.values()]


def _joined(notes: list[str]) -> str:
    between = NUMBER.split(notes[0])
    numbers = [_range(texts) for texts in zip(*(NUMBER.findall(note) for note in notes), strict=True)]
    return between[0] + "".join(number + after for number, after in zip(numbers, between[1:], strict=True))


def _range(texts: Sequence[str]) -> str:
    least, greatest = min(texts, key=float), max(texts, key=float)
    return least if float(least) == float(greatest) else f"{least} to {greatest}"


def warnings(outcome: "Outcome") -> list[str]:
    """Warnings that a reader must see before the scores."""
    reads = outcome.data.training + outcome.data.cross
    sentences = [
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
        sentences.append(
            f"This was a short training: {_counted(outcome.training.epochs, 'epoch', 'epochs')} over the "
            f"training windows, while the recipe “{recipe.name}” has {recipe.training.epochs}. More "
            "epochs may change all numbers."
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
            why = (
                f"no bout is long enough for a training window of {length} samples in its first "
                f"{TRAINING_SHARE:.0%} and, after the length of one window, a test window in the rest"
            )
        case None:
            return [*sentences, *filter(None, [_untested(outcome)])]
        case reason:
            why = reason.value
    return [*sentences, f"There is no honest same-person test: {why}."]


def no_unseen_people(outcome: "Outcome") -> str:
    """A sentence that there were no recordings of unseen people, and whether held-out people replace them."""
    unknown = ", so the accuracy on unseen people is unknown" if outcome.held_out_people is None else ""
    return f"There were no recordings of unseen people (--cross){unknown}."


def limits(outcome: "Outcome") -> list[str]:
    """The limits of the scores."""
    sentences = []
    if outcome.cross_people is not None:
        sentences.append(_people_limit("The unseen people's score", len(outcome.cross_people.people)))
    if outcome.held_out_people is not None:
        sentences.append(_people_limit("The score of held-out training people", len(outcome.held_out_people.people)))
    return [
        *sentences,
        f"The model has the labels {listed(outcome.specification.labels)}; any other activity also gets one of these.",
        *_window_limits(outcome),
        "The labels in the recordings are assumed to be right: a label that begins too late counts "
        "as a mistake of the model.",
        _input_limit(outcome),
    ]


def _untested(outcome: "Outcome") -> str | None:
    if not outcome.missing.untested:
        return None
    return (
        f"The honest same-person test has no window of {', '.join(outcome.missing.untested)}, whose bouts are too "
        f"short (it tests on their last {1 - TRAINING_SHARE:.0%}): do not compare its score with the others."
    )


def _instead_of_unseen(outcome: "Outcome") -> str:
    if outcome.held_out_people is None:
        return "The scores below are for training people; on other people a model is usually much less accurate."
    return (
        "The best estimate for unseen people is the score of held-out training people, from a copy "
        "of the model that was trained without them. The same-person tests are for training people; "
        "on other people a model is usually much less accurate."
    )


def _window_limits(outcome: "Outcome") -> list[str]:
    recipe, model = outcome.settings.recipe, outcome.specification
    if isinstance(recipe.windows, SlidingHops):
        at_rate = f", resampled to {model.sample_rate_hz:.4g} samples per second" if model.even_grid else ""
        return [
            f"A window lasts {model.window_length_s:.3g} s and the next one begins "
            f"{recipe.windows.hop_s:.3g} s later, so windows are not independent of one another. The "
            "number of people, and of bouts of each activity, matters more than the number of windows.",
            f"Windows are taken from the mended recordings{at_rate}, each within one bout: no window "
            "contains a gap, a marked sample or a change of activity.",
        ]
    return [
        "Windows are drawn at random and overlap, so they are not independent of one another. The "
        "number of people, and of bouts of each activity, matters more than the number of windows.",
        "The overlapping windows and those of unseen people are drawn from the rows of the file as "
        "they are, including gaps and wild values, as in the notebook; the honest test uses mended "
        "rows.",
    ]


def _input_limit(outcome: "Outcome") -> str:
    model = outcome.specification
    off = "another rate" if model.even_grid else f"a rate more than {RATE_TOLERANCE:.0%} off"
    return (
        f"The model needs the channels {listed(model.channels)} at {model.sample_rate_hz:.4g} "
        f"samples per second; a recording at {off} is resampled first. The model is most reliable for "
        "the same kind of watch on the same wrist."
    )


def _people_limit(what: str, count: int) -> str:
    if count == 1:
        return f"{what} is based on one person. Another person may be recognised much better or much worse."
    if count < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return (
            f"{what} is based on {count} people, too few to predict the score of another person; the "
            "differences between them give an idea."
        )
    return (
        f"{what} is based on {count} people. The interval shows how much their mean would vary with "
        "other people like them; one person may be far outside, and so may people of another age, "
        "health or watch."
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
