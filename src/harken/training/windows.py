"""The training and test windows of a run: drawn at random as in the notebook, or all windows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harken.models.known_labels import refuse_unknown_labels, require_two_labels
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.training.data import Read, RunData
from harken.training.presets import Preset
from harken.windows.people import NoHonestTest, Split, blocked_same_person, overlapping_same_person
from harken.windows.windows import RandomDraws, SlidingHops, Windows, concatenate, random_windows, sliding_windows

MODEL, BLOCKED, HELD_OUT = "model", "blocked", "held_out"
"""The names of a run's fits, and of their checkpoints."""
TEST_SEED = 0
"""The seed for choosing the windows of the flattering same-person test. The choice does not depend on the training."""
HELD_OUT_SHARE = 0.2
HELD_OUT_SEED = 0


@dataclass(frozen=True)
class MissingWindows:
    """The labels and tests of a run without windows.

    Attributes:
        untrained: labels of the training recordings without a training window, so that the model does not learn them.
        untested: labels without a window in the honest same-person test.
        honest_test: why there is no honest same-person test; None if there is one.
    """

    untrained: tuple[str, ...] = ()
    untested: tuple[str, ...] = ()
    honest_test: NoHonestTest | None = None


@dataclass(frozen=True)
class RunWindows:
    """Windows of a run.

    Attributes:
        splits: the training and test windows of each fit. ``model``: the training windows, and the flattering
            same-person test. ``blocked``: the honest same-person split; missing if bouts are too short for it.
            ``held_out``: the training windows of all except a few people, and the windows of these few, on which the
            model is calibrated; missing with a single training person, or if the preset does not include it.
        cross: windows of unseen people, or None without unseen people.
        missing: the labels and tests without windows.
    """

    splits: dict[str, Split]
    cross: Windows | None
    missing: MissingWindows


def draw_run_windows(data: RunData, recipe: Preset) -> RunWindows:
    """Draw a run's windows.

    Raises:
        HarkenError: when no window can be drawn, when fewer than two labels have windows, or when a cross file has a
            label that is not in the training windows.
    """
    recordings = _recordings(data.training, recipe)
    drawn = _model_split(recordings, recipe)
    trained = drawn.training.labels_present
    require_two_labels(sorted(trained))
    splits = {MODEL: Split(drawn.training, _only(drawn.test, trained))}
    cross = None
    if data.cross:
        cross = _taken(_recordings(data.cross, recipe), recipe, "cross")
        refuse_unknown_labels(cross, trained)
    mended = [one.mended for one in data.training] if isinstance(recipe.windows, RandomDraws) else recordings
    blocked, missing = _blocked(mended, recipe)
    if blocked is not None:
        splits[BLOCKED] = blocked
    if recipe.calibrated_on_unseen and (held_out := _without_a_few(drawn.training)) is not None:
        splits[HELD_OUT] = held_out
    untrained = set(drawn.training.label_names) - trained
    return RunWindows(splits, cross, replace(missing, untrained=tuple(sorted(untrained))))


def _recordings(reads: Sequence[Read], recipe: Preset) -> list[Recording]:
    """The recordings as a recipe takes windows from them: the notebook's draws are over the rows as found."""
    if isinstance(recipe.windows, RandomDraws):
        return [one.as_found for one in reads]
    rate_hz = recipe.sample_rate_hz
    return [one.mended if rate_hz is None else resample(one.mended, sample_rate_hz=rate_hz) for one in reads]


def _taken(
    recordings: Iterable[Recording], recipe: Preset, part: Literal["all", "cross", "training", "test"]
) -> Windows:
    """The windows of recordings: all that have a single label, or a draw whose size and seed depend on the part.

    Raises:
        HarkenError: when no window is found.
    """
    draws, length = recipe.windows, recipe.window_length
    if isinstance(draws, SlidingHops):
        return sliding_windows_of_all(recordings, length=length, hop_s=draws.hop_s)
    count = {"training": draws.training_windows, "test": draws.windows - draws.training_windows}
    seed = draws.cross_seed if part == "cross" else draws.training_seed
    return random_windows(list(recordings), length=length, count=count.get(part, draws.windows), seed=seed)


def _model_split(recordings: Sequence[Recording], recipe: Preset) -> Split:
    """The training windows of the model, and the same-person test that overlaps them."""
    windows, draws = _taken(recordings, recipe, "all"), recipe.windows
    if isinstance(draws, RandomDraws):
        return overlapping_same_person(windows, training=draws.training_windows)
    order = np.random.default_rng(TEST_SEED).permutation(len(windows))
    tests = round(draws.test_share * len(windows))
    return Split(windows[np.sort(order[tests:])], windows[np.sort(order[:tests])])


def _blocked(mended: Sequence[Recording], recipe: Preset) -> tuple[Split | None, MissingWindows]:
    """The honest same-person split, and the labels that its test lacks, or why there is none."""
    try:
        parts = [blocked_same_person(one, window_length=recipe.window_length) for one in mended]
        training = _taken((part for part, _ in parts), recipe, "training")
        test = _taken((part for _, part in parts), recipe, "test")
    except HarkenError:
        return None, MissingWindows(honest_test=NoHonestTest.SHORT_BOUTS)
    trained, untested = training.labels_present, set(training.label_names) - test.labels_present
    if len(trained) < 2:
        return None, MissingWindows(honest_test=NoHonestTest.ONE_LABEL)
    test = _only(test, trained)
    if len(test) == 0:
        return None, MissingWindows(honest_test=NoHonestTest.NO_TEST_WINDOW)
    return Split(training, test), MissingWindows(untested=tuple(sorted(untested)))


def _without_a_few(training: Windows) -> Split | None:
    """A split with a fifth of the training people as test; None if either part would be too small."""
    people = np.unique(training.subjects)
    if len(people) < 2:
        return None
    few = np.random.default_rng(HELD_OUT_SEED).permutation(people)[: max(1, round(HELD_OUT_SHARE * len(people)))]
    apart = np.isin(training.subjects, few)
    rest = training[~apart]
    split = Split(rest, _only(training[apart], rest.labels_present))
    return split if len(rest.labels_present) >= 2 and len(split.test) else None


def _only(windows: Windows, labels: set[str]) -> Windows:
    return windows[np.isin(windows.labels, sorted(labels))]


def sliding_windows_of_all(recordings: Iterable[Recording], *, length: int, hop_s: float) -> Windows:
    """The labelled windows of all recordings. A recording without windows is left out if another has some.

    Raises:
        HarkenError: when no recording has a window, with the reason for the first one.
    """
    parts: list[Windows] = []
    refusal: HarkenError | None = None
    for recording in recordings:
        try:
            parts.append(sliding_windows(recording, length_s=length / recording.sample_rate_hz, hop_s=hop_s))
        except HarkenError as error:
            refusal = refusal or error
    if not parts and refusal is not None:
        raise refusal
    return concatenate(parts)
