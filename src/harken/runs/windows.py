"""The windows of a run: what is learned, and the three tests."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from harken.learning.presets import Preset
from harken.models.known_labels import refuse_strange_labels, require_two_labels
from harken.runs.data import RunData
from harken.runs.sampling import Taker, taker
from harken.support.errors import HarkenError
from harken.windows.splits import Split
from harken.windows.windows import Windows

__all__ = ["MissingWindows", "NoHonestTest", "RunWindows", "draw_run_windows"]

HELD_OUT_SHARE = 0.2
HELD_OUT_SEED = 0


class NoHonestTest(Enum):
    """Why there is no honest same-person split."""

    SHORT_BOUTS = "no bout is long enough to be cut in two"
    ONE_LABEL = "only one label has bouts long enough to be cut in two"
    NO_TEST_WINDOW = "no label that can be learned has windows left to test on"


@dataclass(frozen=True)
class MissingWindows:
    """What a run has no windows of.

    Attributes:
        unlearned: labels of the training recordings without a training window, so that the model does not learn them.
        untested: labels without a window in the honest same-person test.
        honest_test: why there is no honest same-person test; None where there is one.
    """

    unlearned: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    honest_test: NoHonestTest | None = None


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
        missing: of what there are no windows.
    """

    overlapping: Split
    cross: Windows | None
    blocked: Split | None
    held_out: Split | None
    missing: MissingWindows = MissingWindows()


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
    overlapping = Split(drawn.training, _only(drawn.test, learned))
    cross = None
    if data.cross:
        cross = take.cross(data.cross)
        refuse_strange_labels(cross, learned)
    blocked, missing = _blocked(take, data)
    missing = replace(missing, unlearned=tuple(sorted(set(drawn.training.label_names) - learned)))
    held_out = _without_a_few(overlapping.training) if recipe.calibrated_on_unseen else None
    return RunWindows(overlapping, cross, blocked, held_out, missing)


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


def _blocked(take: Taker, data: RunData) -> tuple[Split | None, MissingWindows]:
    """The honest split, taken in the recipe's way, and what it lacks."""
    try:
        split = take.blocked(data.training)
    except HarkenError:
        return None, MissingWindows(honest_test=NoHonestTest.SHORT_BOUTS)
    learned, tested = split.training.labels_present, split.test.labels_present
    if len(learned) < 2:
        return None, MissingWindows(honest_test=NoHonestTest.ONE_LABEL)
    split = Split(split.training, _only(split.test, learned))
    if len(split.test) == 0:
        return None, MissingWindows(honest_test=NoHonestTest.NO_TEST_WINDOW)
    return split, MissingWindows(untested=tuple(sorted(set(split.training.label_names) - tested)))


def _only(windows: Windows, labels: set[str]) -> Windows:
    return windows[np.isin(windows.labels, sorted(labels))]
