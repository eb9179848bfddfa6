"""The windows of a run: what is learned, and the three tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from harken.errors import HarkenError
from harken.presets import Preset
from harken.recogniser import refuse_strange_labels, require_two_labels
from harken.runs.data import RunData
from harken.splits import TRAINING_SHARE, Split, blocked_same_person, overlapping_same_person
from harken.windows import Windows, random_windows

__all__ = ["RunWindows", "draw_run_windows"]


@dataclass(frozen=True)
class RunWindows:
    """Windows of a run.

    Attributes:
        overlapping: the notebook's training windows and its flattering same-person test.
        cross: windows of people never met, or None when there are none.
        blocked: the honest same-person split, which a second fit learns and is tested on; None when bouts are
            too short for it.
        notes: what to tell the user.
    """

    overlapping: Split
    cross: Windows | None
    blocked: Split | None
    notes: list[str] = field(default_factory=list)


def draw_run_windows(data: RunData, recipe: Preset) -> RunWindows:
    """Draw a run's windows.

    Raises:
        HarkenError: when no window can be drawn, fewer than two labels have windows, or a cross file holds a
            label that is not learned.
    """
    found = [one.as_found for one in data.training]
    drawn = random_windows(found, length=recipe.window_length, count=recipe.draws, seed=recipe.training_draw_seed)
    overlapping = overlapping_same_person(drawn, training=recipe.training_draws)
    learned = overlapping.training.labels_present
    require_two_labels(sorted(learned))
    notes = _unlearned_notes(drawn.label_names, learned, recipe.window_length)
    overlapping = Split(overlapping.training, _only(overlapping.test, learned))
    cross = None
    if data.cross:
        strangers = [one.as_found for one in data.cross]
        cross = random_windows(strangers, length=recipe.window_length, count=recipe.draws, seed=recipe.cross_draw_seed)
        refuse_strange_labels(cross, learned)
    blocked, reason = _blocked(data, recipe)
    return RunWindows(overlapping, cross, blocked, notes + ([reason] if reason else []))


def _blocked(data: RunData, recipe: Preset) -> tuple[Split | None, str | None]:
    """The honest split, drawn as the notebook draws, and what to say about it."""
    parts = [blocked_same_person(one.mended, window_length=recipe.window_length) for one in data.training]
    tests = recipe.draws - recipe.training_draws
    try:
        split = Split(
            random_windows(
                [training for training, _ in parts],
                length=recipe.window_length,
                count=recipe.training_draws,
                seed=recipe.training_draw_seed,
            ),
            random_windows(
                [test for _, test in parts],
                length=recipe.window_length,
                count=tests,
                seed=recipe.training_draw_seed,
            ),
        )
    except HarkenError as error:
        return None, f"There is no honest same-person test: the bouts are too short to be cut in two ({error})."
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
