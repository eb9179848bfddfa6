"""The training and test windows of a run: drawn at random as in the notebook, or all windows."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from harken.models.known_labels import refuse_unknown_labels, require_two_labels
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.training.data import Read, RunData
from harken.training.presets import Preset
from harken.windows.people import NoHonestTest, Split, blocked_same_person, overlapping_same_person
from harken.windows.windows import RandomDraws, SlidingHops, Windows, concatenate, random_windows, sliding_windows

TEST_SEED = 0
"""The seed for choosing the windows of the flattering same-person test. The choice does not depend on the training."""
HELD_OUT_SHARE = 0.2
HELD_OUT_SEED = 0


class Sampling(Protocol):
    """A way to take windows. All methods raise a HarkenError when no window is found."""

    def overlapping(self, training: list[Read]) -> Split:
        """The training windows, and the same-person test that overlaps them."""

    def cross(self, unseen: list[Read]) -> Windows:
        """Windows of unseen people."""

    def blocked(self, training: list[Read]) -> Split:
        """The honest same-person split."""


def _sampling(recipe: Preset) -> Sampling:
    """The sampling of a preset."""
    if isinstance(recipe.windows, RandomDraws):
        return _Random(recipe.windows, recipe.window_length)
    return _Sliding(recipe.windows, recipe.window_length, recipe.sample_rate_hz)


@dataclass(frozen=True)
class _Random:
    """The notebook's draw over the rows as found; the honest split is over mended rows."""

    draws: RandomDraws
    length: int

    def overlapping(self, training: list[Read]) -> Split:
        windows = self._draw([one.as_found for one in training], self.draws.windows, self.draws.training_seed)
        return overlapping_same_person(windows, training=self.draws.training_windows)

    def cross(self, unseen: list[Read]) -> Windows:
        return self._draw([one.as_found for one in unseen], self.draws.windows, self.draws.cross_seed)

    def blocked(self, training: list[Read]) -> Split:
        parts = [blocked_same_person(one.mended, window_length=self.length) for one in training]
        seed, count = self.draws.training_seed, self.draws.training_windows
        return Split(
            self._draw([part for part, _ in parts], count, seed),
            self._draw([part for _, part in parts], self.draws.windows - count, seed),
        )

    def _draw(self, recordings: list[Recording], count: int, seed: int) -> Windows:
        return random_windows(recordings, length=self.length, count=count, seed=seed)


@dataclass(frozen=True)
class _Sliding:
    """All windows with a single label, from mended recordings at the preset's rate."""

    hops: SlidingHops
    length: int
    sample_rate_hz: float | None
    resampled: dict[int, Recording] = field(default_factory=dict)

    def overlapping(self, training: list[Read]) -> Split:
        windows = self._slide(self._at_rate(one) for one in training)
        order = np.random.default_rng(TEST_SEED).permutation(len(windows))
        tests = round(self.hops.test_share * len(windows))
        return Split(windows[np.sort(order[tests:])], windows[np.sort(order[:tests])])

    def cross(self, unseen: list[Read]) -> Windows:
        return self._slide(self._at_rate(one) for one in unseen)

    def blocked(self, training: list[Read]) -> Split:
        parts = [blocked_same_person(self._at_rate(one), window_length=self.length) for one in training]
        return Split(self._slide(part for part, _ in parts), self._slide(part for _, part in parts))

    def _at_rate(self, one: Read) -> Recording:
        if self.sample_rate_hz is None:
            return one.mended
        if id(one) not in self.resampled:
            self.resampled[id(one)] = resample(one.mended, sample_rate_hz=self.sample_rate_hz)
        return self.resampled[id(one)]

    def _slide(self, recordings: Iterable[Recording]) -> Windows:
        return sliding_windows_of_all(recordings, length=self.length, hop_s=self.hops.hop_s)


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
        overlapping: the training windows, and the flattering same-person test.
        cross: windows of unseen people, or None without unseen people.
        blocked: the honest same-person split, on which a second fit is trained and tested; None if bouts are too short
            for it.
        held_out: the training windows of all except a few people, and the windows of these few, on which the model is
            calibrated; None with a single training person, or if the preset does not include it.
        missing: the labels and tests without windows.
    """

    overlapping: Split
    cross: Windows | None
    blocked: Split | None
    held_out: Split | None
    missing: MissingWindows = MissingWindows()


def draw_run_windows(data: RunData, recipe: Preset) -> RunWindows:
    """Draw a run's windows.

    Raises:
        HarkenError: when no window can be drawn, when fewer than two labels have windows, or when a cross file has a
            label that is not in the training windows.
    """
    take = _sampling(recipe)
    drawn = take.overlapping(data.training)
    trained = drawn.training.labels_present
    require_two_labels(sorted(trained))
    overlapping = Split(drawn.training, _only(drawn.test, trained))
    cross = None
    if data.cross:
        cross = take.cross(data.cross)
        refuse_unknown_labels(cross, trained)
    blocked, missing = _blocked(take, data)
    missing = replace(missing, untrained=tuple(sorted(set(drawn.training.label_names) - trained)))
    held_out = _without_a_few(overlapping.training) if recipe.calibrated_on_unseen else None
    return RunWindows(overlapping, cross, blocked, held_out, missing)


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


def _blocked(take: Sampling, data: RunData) -> tuple[Split | None, MissingWindows]:
    """The honest split in the preset's sampling, and the labels that it lacks."""
    try:
        split = take.blocked(data.training)
    except HarkenError:
        return None, MissingWindows(honest_test=NoHonestTest.SHORT_BOUTS)
    trained, tested = split.training.labels_present, split.test.labels_present
    if len(trained) < 2:
        return None, MissingWindows(honest_test=NoHonestTest.ONE_LABEL)
    split = Split(split.training, _only(split.test, trained))
    if len(split.test) == 0:
        return None, MissingWindows(honest_test=NoHonestTest.NO_TEST_WINDOW)
    return split, MissingWindows(untested=tuple(sorted(set(split.training.label_names) - tested)))


def _only(windows: Windows, labels: set[str]) -> Windows:
    return windows[np.isin(windows.labels, sorted(labels))]
