"""Caveats of a report: warnings, labels without windows, limits, and notes on recordings.

Notes on several recordings are joined if they differ only in their numbers.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harken.learning.presets import SlidingHops
from harken.learning.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL
from harken.networks.specification import RATE_TOLERANCE
from harken.runs.windows import NoHonestTest
from harken.support.printable import listed, printable
from harken.windows.splits import TRAINING_SHARE

if TYPE_CHECKING:
    from harken.runs.outcome import Outcome

__all__ = ["SharedNote", "limits", "missing_windows", "no_unseen_people", "share_notes", "warnings"]

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
        said_before: Counter[tuple[str, ...]] = Counter()
        for note in own:
            form = tuple(NUMBER.split(note))
            alike.setdefault((form, said_before[form]), {})[position] = note
            said_before[form] += 1
    return [SharedNote(_joined(list(said.values())), tuple(said)) for said in alike.values()]


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
    said = [
        f"{', '.join(printable(reads[one].short_name) for one in note.recordings)}: {note.text}"
        for note in share_notes([one.mended.warnings for one in reads])
    ]
    if not outcome.finished:
        said.append(
            f"Training was interrupted: the model had {outcome.iterations_done:,} of {outcome.iterations:,} "
            "iterations. Every number here is of the model as it was then. The same harken train command with --resume "
            "goes on."
        )
    recipe = outcome.settings.recipe
    if outcome.training.epochs < recipe.training.epochs:
        said.append(
            f"This was a short training: {_counted(outcome.training.epochs, 'epoch', 'epochs')} over the training "
            f"windows, where the recipe “{recipe.name}” has {recipe.training.epochs}. More epochs may change every "
            "number."
        )
    said += filter(None, [_untested(outcome)])
    if outcome.cross is None:
        said.append(f"{no_unseen_people(outcome)} {_instead_of_unseen(outcome)}")
    if outcome.same_person is None:
        said.append(
            "There is no overlapping same-person test: none of its windows has an activity of the training windows."
        )
    if outcome.blocked is None and outcome.missing.honest_test is None:
        said.append(
            "There is no honest same-person test: the run was stopped before it was made. The same harken train "
            "command with --resume makes it."
        )
    return said


def missing_windows(outcome: "Outcome") -> list[str]:
    """Sentences about labels without training windows, and about labels that the honest same-person test lacks."""
    said = []
    length, unlearned = outcome.specification.window_length, outcome.missing.unlearned
    if unlearned:
        said.append(
            f"Not learned, because no training window of {length} samples was drawn from it: {', '.join(unlearned)}. "
            "Longer bouts of it are needed."
        )
    match outcome.missing.honest_test:
        case NoHonestTest.SHORT_BOUTS:
            why = (
                f"no bout is long enough that its first {TRAINING_SHARE:.0%} and, after a window's length left out, "
                f"its rest both hold a window of {length} samples"
            )
        case None:
            return [*said, *filter(None, [_untested(outcome)])]
        case reason:
            why = reason.value
    return [*said, f"There is no honest same-person test: {why}."]


def no_unseen_people(outcome: "Outcome") -> str:
    """A sentence that there were no recordings of unseen people, and whether held-out people replace them."""
    unknown = ", so it is unknown how well it does on unseen people" if outcome.held_out_people is None else ""
    return f"No recording of anybody else was given (--cross){unknown}."


def limits(outcome: "Outcome") -> list[str]:
    """The limits of the scores."""
    said = []
    if outcome.cross_people is not None:
        said.append(_people_limit("The unseen people's score", len(outcome.cross_people.people)))
    if outcome.held_out_people is not None:
        said.append(_people_limit("The score of held-out training people", len(outcome.held_out_people.people)))
    return [
        *said,
        f"Its labels are {listed(outcome.specification.labels)}: whatever else a person does gets one of these.",
        *_window_limits(outcome),
        "The labels in the recordings are taken for the truth: one that was set too late counts as the model's "
        "mistake.",
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
        return "The scores below are of training people; on other people a model usually does much worse."
    return (
        "The best guess at how unseen people will do is what held-out training people got from a copy that was trained "
        "without them. The same-person tests are of training people; on other people a model usually does much worse."
    )


def _window_limits(outcome: "Outcome") -> list[str]:
    recipe, model = outcome.settings.recipe, outcome.specification
    if isinstance(recipe.windows, SlidingHops):
        at_rate = f", resampled to {model.sample_rate_hz:.4g} samples per second" if model.even_grid else ""
        return [
            f"A window lasts {model.window_length_s:.3g} s and the next one begins {recipe.windows.hop_s:.3g} s later, "
            "so thousands of windows are far fewer independent trials. What counts is how many people there are, and "
            "how many bouts of each activity.",
            f"Windows are taken from the mended recordings{at_rate}, each within one bout: no window, and so no score, "
            "holds a gap, a marked sample or the change from one activity to the next.",
        ]
    return [
        "Windows are drawn at random and overlap one another, so thousands of windows are far fewer independent "
        "trials. What counts is how many people there are, and how many bouts of each activity.",
        "The overlapping windows and those of unseen people are drawn over the rows as they stand in the file, "
        "gaps and wild values included, as the notebook drew them; the honest test uses mended rows.",
    ]


def _input_limit(outcome: "Outcome") -> str:
    model = outcome.specification
    off = "another rate" if model.even_grid else f"a rate more than {RATE_TOLERANCE:.0%} off"
    return (
        f"It reads {listed(model.channels)} at {model.sample_rate_hz:.4g} samples per second; a recording at {off} is "
        "resampled first. The same kind of watch on the same wrist is the safe case."
    )


def _people_limit(what: str, count: int) -> str:
    if count == 1:
        return (
            f"{what} rests on one person. That says little about the next: another person may be recognised much "
            "better or much worse."
        )
    if count < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return f"{what} rests on {count} people. That says little about the next: look at how far they lie apart."
    return (
        f"{what} rests on {count} people. The interval says how much their mean would move with other people like "
        "them; one person may lie far outside, and so may people of another age, health or watch."
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
