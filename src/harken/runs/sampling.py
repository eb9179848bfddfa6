"""How a recipe takes windows from a run's recordings: at random as the notebook did, or every one in turn."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from harken.learning.presets import Preset, RandomDraws, SlidingHops
from harken.recordings.recording import Recording
from harken.runs.data import Read
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.windows.splits import Split, blocked_same_person, overlapping_same_person
from harken.windows.windows import Windows, concatenate, random_windows, sliding_windows

__all__ = ["Taker", "taker"]

TEST_SEED = 0
"""Of the choice of the windows that are the flattering same-person test: the same ones whatever is trained."""


class Taker(Protocol):
    """A way to windows. All of them raise a HarkenError where no window can be found."""

    def overlapping(self, training: list[Read]) -> Split:
        """What is learned, and the same-person test that overlaps it."""

    def cross(self, strangers: list[Read]) -> Windows:
        """Windows of people never met."""

    def blocked(self, training: list[Read]) -> Split:
        """The honest same-person split."""


def taker(recipe: Preset) -> Taker:
    """The way of a recipe."""
    if isinstance(recipe.windows, RandomDraws):
        return _Random(recipe.windows, recipe.window_length)
    return _Sliding(recipe.windows, recipe.window_length, recipe.sample_rate_hz)


@dataclass(frozen=True)
class _Random:
    """The notebook's draw, over the rows as found; the honest split over mended ones."""

    draws: RandomDraws
    length: int

    def overlapping(self, training: list[Read]) -> Split:
        windows = self._draw([one.as_found for one in training], self.draws.windows, self.draws.training_seed)
        return overlapping_same_person(windows, training=self.draws.training_windows)

    def cross(self, strangers: list[Read]) -> Windows:
        return self._draw([one.as_found for one in strangers], self.draws.windows, self.draws.cross_seed)

    def blocked(self, training: list[Read]) -> Split:
        parts = [blocked_same_person(one.mended, window_length=self.length) for one in training]
        seed, learned = self.draws.training_seed, self.draws.training_windows
        return Split(
            self._draw([part for part, _ in parts], learned, seed),
            self._draw([part for _, part in parts], self.draws.windows - learned, seed),
        )

    def _draw(self, recordings: list[Recording], count: int, seed: int) -> Windows:
        return random_windows(recordings, length=self.length, count=count, seed=seed)


@dataclass(frozen=True)
class _Sliding:
    """Every window of one label, from mended recordings at the recipe's rate."""

    hops: SlidingHops
    length: int
    sample_rate_hz: float | None
    resampled: dict[int, Recording] = field(default_factory=dict)

    def overlapping(self, training: list[Read]) -> Split:
        windows = self._slide(self._at_rate(one) for one in training)
        order = np.random.default_rng(TEST_SEED).permutation(len(windows))
        tests = round(self.hops.test_share * len(windows))
        return Split(windows[np.sort(order[tests:])], windows[np.sort(order[:tests])])

    def cross(self, strangers: list[Read]) -> Windows:
        return self._slide(self._at_rate(one) for one in strangers)

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
        """The windows of all recordings; one that has none is left out as long as another has some."""
        parts: list[Windows] = []
        refusal: HarkenError | None = None
        for recording in recordings:
            try:
                length_s = self.length / recording.sample_rate_hz
                parts.append(sliding_windows(recording, length_s=length_s, hop_s=self.hops.hop_s))
            except HarkenError as error:
                refusal = refusal or error
        if not parts and refusal is not None:
            raise refusal
        return concatenate(parts)
