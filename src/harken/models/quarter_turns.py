"""How a watch sat on the arm: the quarter turns to the orientation of the training data, and what they rest on."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from harken.recordings.recording import Recording
from harken.signals.orientation import turned_by_quarters, turned_channels
from harken.support.arrays import Float32Array
from harken.timelines.labelling import Probabilities
from harken.windows.windows import Windows

LEAST_PROBABLE = 0.05
"""Orientations that are less probable are left out of the average."""
LEAST_SURE = 0.9
"""The least probability of an axis along the forearm, whichever way round, that needs no warning."""


class MountingSource(StrEnum):
    """What an orientation is based on.

    ``walking``: the model recognised enough walking, and little with a quarter turn more. ``stated``: the user stated
    the axis along the forearm. ``calm``: it is probable, by calm moments, and by the make of the watch if it is known.
    ``make``: it is probable by the make alone. ``none``: it is unknown.
    """

    WALKING = "walking"
    STATED = "stated"
    CALM = "calm"
    MAKE = "make"
    NONE = "none"


@dataclass(frozen=True)
class Mounting:
    """The quarter turns that bring a watch to the orientation of the model's training data.

    Attributes:
        quarters: quarter turns about its face, 0 to 3 (``harken.signals.turned_by_quarters``); the most probable ones
            if they are not known.
        source: what this is based on.
        moments: the number of moments of ten seconds that look like walking.
        recognised: the number of moments recognised as on foot, with gravity along the forearm, after 0 to 3 quarter
            turns, as sums of probabilities. Empty if the model cannot find the orientation.
        reason: what was done and why, without the words "the watch was" before it.
        probable: the probability of 0 to 3 quarter turns. Empty if the orientation is known, or if nothing is turned
            without walking (``mounting``).
    """

    quarters: int
    source: MountingSource
    moments: int
    recognised: tuple[float, ...]
    reason: str
    probable: tuple[float, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the orientation is known: from walking, or stated by the user."""
        return self.source in (MountingSource.WALKING, MountingSource.STATED)

    @property
    def warning(self) -> str | None:
        """If neither the orientation is known nor one axis is probable: what was assumed and why, and how to state it.
        Else None."""
        if self.known or self.probability_of_axis >= LEAST_SURE:
            return None
        return (
            f"It is unknown how the watch sat on the arm. It was {self.reason}. If it sat otherwise, most labels are "
            "wrong. If you know which axis points along the forearm, state it with --forearm-axis x, y, -x or -y."
        )

    @property
    def turns(self) -> tuple[tuple[int, float], ...]:
        """The quarter turns in which the watch may have sat, and the probability of each; they add up to 1. Those below
        5 % are left out."""
        kept = {turn: share for turn, share in enumerate(self.probable) if share >= LEAST_PROBABLE}
        total = sum(kept.values())
        return tuple((turn, share / total) for turn, share in kept.items()) or ((self.quarters, 1.0),)

    def averaged(self, probabilities: Probabilities) -> Probabilities:
        """A function that returns the probabilities of windows as the watch measured them: their mean over ``turns``.

        Args:
            probabilities: windows in the orientation of the training data -> float32 ``[n, labels]``.
        """

        def after(windows: Windows, quarters: int) -> Float32Array:
            if quarters:
                windows = replace(windows, signals=turned_channels(windows.signals, windows.channels, quarters))
            return probabilities(windows)

        def mean(windows: Windows) -> Float32Array:
            return np.asarray(sum(np.float32(share) * after(windows, turn) for turn, share in self.turns))

        return probabilities if self.turns == ((0, 1.0),) else mean

    def turned(self, recording: Recording) -> Recording:
        """The recording, turned by ``quarters``: as it most probably was in the training data."""
        return turned_by_quarters(recording, self.quarters) if self.quarters else recording

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        return {
            "turned_degrees": 90 * self.quarters,
            "known": self.known,
            "source": self.source.value,
            "moments": self.moments,
            "recognised_after_degrees": {str(90 * turn): value for turn, value in enumerate(self.recognised)},
            "probability_after_degrees": {str(90 * turn): share for turn, share in enumerate(self.probable)},
            "reason": self.reason,
        }

    @property
    def probability_of_axis(self) -> float:
        """The probability of the axis along the forearm, whichever of its ends points towards the elbow."""
        return sum(self.probable[self.quarters % 2 :: 2])
