"""The windows of a run: what is learned, and the three tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harken.learning.presets import Preset
from harken.models.known_labels import refuse_strange_labels, require_two_labels
from harken.runs.data import RunData
from harken.runs.sampling import Taker, taker
from harken.support.errors import HarkenError
from harken.windows.splits import TRAINING_SHARE, Split
from harken.windows.windows import Windows

__all__ = ["RunWindows", "draw_run_windows"]

HELD_OUT_SHARE = 0.2
HELD_OUT_SEED = 0


@dataclass(frozen=True)
class RunWindows:
    """Windows of a run.

    Attributes:
        overlapping: what is learned, and the flattering same-person test.
        cross: windows of unseen people, or None when there are none.
        blocked: the honest same-person split, which a second fit learns and is tested on; None when bouts are
            too short for it.
        held_out: the training windows of all but a few people, and of those few, on whom the model is calibrated;
            None with a single training person, or where the recipe does not ask for it.
        notes: what to tell the user.
    """

    overlapping: Split
    cross: Windows | None
    blocked: Split | None
    held_out: Split | None
    notes: list[str] = field(default_factory=list)


def draw_run_windows(data: RunData, recipe: Preset) -> RunWindows:
    """Draw a run's windows.

    Raises:
        HarkenError: when no window can be drawn, fewer than two labels have windows, or a cross file holds a
            label that is not learned.
    """
    take = taker(recipe)
    drawn = take.overlapping(data.training)
    learned = drawn.training.labels_present
    require_two_labels(sorted(learned))
    notes = _unlearned_notes(drawn.training.label_names, learned, recipe.window_length)
    overlapping = Split(drawn.training, _only(drawn.test, learned))
    cross = None
    if data.cross:
        cross = take.cross(data.cross)
        refuse_strange_labels(cross, learned)
    blocked, reason = _blocked(take, data, recipe.window_length)
    held_out = _without_a_few(overlapping.training) if recipe.calibrated_on_unseen else None
    return RunWindows(overlapping, cross, blocked, held_out, notes + ([reason] if reason else []))


def _without_a_few(training: Windows) -> Split | None:
    """A fifth of the training people apart from the others; None where that leaves too little to learn or to test."""
    people = np.unique(training.subjects)
    if len(people) < 2:
        return None
    few = np.random.default_rng(HELD_OUT_SEED).permutation(people)[: max(1, round(HELD_OUT_SHARE * len(people)))]
    apart = np.isin(training.subjects, few)
    learned = training[~apart]
    split = Split(learned, _only(training[apart], learned.labels_present))
    return split if len(learned.labels_present) >= 2 and len(split.test) else None


def _blocked(take: Taker, data: RunData, window_length: int) -> tuple[Split | None, str | None]:
    """The honest split, taken in the recipe's way, and what to say about it."""
    try:
        split = take.blocked(data.training)
    except HarkenError:
        return None, (
            "There is no honest same-person test: no bout is long enough that its first "
            f"{TRAINING_SHARE:.0%} and, after a window's length left out, its rest both hold a window of "
            f"{window_length} samples."
        )
    learned, tested = split.training.labels_present, split.test.labels_present
    if len(learned) < 2:
        return None, "There is no honest same-person test: only one label has bouts long enough to be cut in two."
    split = Split(split.training, _only(split.test, learned))
    if len(split.test) == 0:
        return None, "There is no honest same-person test: no label that can be learned has windows left to test on."
    absent = sorted(set(split.training.label_names) - tested)
    if absent:
        return split, (
            f"The honest same-person test has no window of {', '.join(absent)}, whose bouts are too short (it tests "
            f"on their last {1 - TRAINING_SHARE:.0%}): do not compare its score with the others."
        )
    return split, None


def _only(windows: Windows, labels: set[str]) -> Windows:
    return windows[np.isin(windows.labels, sorted(labels))]


def _unlearned_notes(named: Sequence[str], learned: set[str], window_length: int) -> list[str]:
    unlearned = sorted(set(named) - learned)
    if not unlearned:
        return []
    return [
        f"Not learned, because no training window of {window_length} samples was drawn from it: "
        f"{', '.join(unlearned)}. Longer bouts of it are needed."
    ]
