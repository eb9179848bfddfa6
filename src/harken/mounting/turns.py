"""How a watch sat on the arm: the turn to the orientation of the training data, and what it rests on."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from harken.models.label_recording import Probabilities
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Make, Recording
from harken.signals.orientation import need_axes, reversed_channels, turned_channels
from harken.support.arrays import Float32Array
from harken.support.printable import listed, percent_number
from harken.windows.windows import Windows

LEAST_PROBABLE = 0.05
"""Orientations that are less probable are left out of the average."""
LEAST_SURE = 0.9
"""The least probability of a turn that counts as known, and of an axis, whichever way round, that needs no warning."""


WalkingAxis: TypeAlias = ForearmAxis | Literal["between"]
"""The axis along which gravity lies in walking, as the file has it; ``between`` two axes."""
REVERSED = (
    "its axes were reversed because z is negative in calm moments: either the watch reports gravity with the opposite "
    "sign, or it was worn on the inside of the wrist"
)


FACTS = ("probable_axis", "calm_moments", "make", "stated_axis", "walking_axis", "unaskable")
"""The fields of a ``Mounting`` of which its sentences are made; a file has them by these names."""


class MountingSource(StrEnum):
    """What an orientation is based on.

    ``walking``: gravity in recognised walking. ``stated``: the user stated the axis along the forearm. ``calm``: it is
    probable, by calm moments, and by the make of the watch if it is known. ``make``: it is probable by the make alone.
    ``none``: it is unknown.
    """

    WALKING = "walking"
    STATED = "stated"
    CALM = "calm"
    MAKE = "make"
    NONE = "none"


class Turn(NamedTuple):
    """How acceleration is brought to the orientation of the training data.

    Attributes:
        eighths: eighths of a turn about the face of the watch, 0 to 7. Two of them put ``-y`` in x.
        gravity_reversed: whether all axes of acceleration are reversed as well.
    """

    eighths: int = 0
    gravity_reversed: bool = False

    @property
    def degrees(self) -> int:
        """The angle of the turn."""
        return 45 * self.eighths

    def apply(self, signals: Float32Array, channels: tuple[str, ...]) -> Float32Array:
        """Signals ``[..., channels]``, turned; the same array if nothing is to be done."""
        if self.gravity_reversed:
            signals = reversed_channels(signals, channels)
        return turned_channels(signals, channels, self.eighths) if self.eighths else signals

    def __str__(self) -> str:
        turned = f"turned by {self.degrees} degrees about the face" if self.eighths else "not turned"
        return f"{turned} after its axes were reversed" if self.gravity_reversed else turned


TURNS = tuple(Turn(eighths, is_reversed) for is_reversed in (False, True) for eighths in range(8))
"""All turns; the first one changes nothing."""


@dataclass(frozen=True)
class Mounting:
    """The turn that brings a watch to the orientation of the model's training data.

    Attributes:
        turn: the turn; the most probable one if it is not known.
        source: what this is based on.
        moments: the number of moments of ten seconds that look like walking.
        recognised: after 0 to 7 eighths of a turn, the number of moments that are recognised as on foot with gravity
            along the forearm, as sums of probabilities. Empty if the model cannot find the orientation.
        probable: the probability of 0 to 7 eighths of a turn. Empty if the orientation is known, or if nothing is
            turned without walking (``estimate_mounting``).
        probable_axis: the axis of the watch that most probably lies along the forearm, whichever of its ends points to
            the elbow; None where ``probable`` is empty.
        calm_moments, make: what ``probable`` is based on: the number of calm moments, and the make of the watch.
        stated_axis: the axis that the user stated; None if none is stated.
        walking_axis: what walking shows; None if it shows nothing.
        unaskable: why the model cannot find the orientation, as the end of a sentence; empty if it can.
        by_labels: whether labelled moments counted by their label.
    """

    turn: Turn
    source: MountingSource
    moments: int = 0
    recognised: tuple[float, ...] = ()
    probable: tuple[float, ...] = ()
    probable_axis: Literal["x", "y"] | None = None
    calm_moments: int = 0
    make: Make | None = None
    stated_axis: ForearmAxis | None = None
    walking_axis: WalkingAxis | None = None
    unaskable: str = ""
    by_labels: bool = False

    @property
    def known(self) -> bool:
        """Whether the orientation is known: from walking, or stated by the user."""
        return self.source in (MountingSource.WALKING, MountingSource.STATED)

    @property
    def changes_samples(self) -> bool:
        """Whether the most probable turn changes the samples."""
        return self.turn != Turn()

    @property
    def reason(self) -> str:
        """What was done and why, without the words "the watch was" before it."""
        reason = f"{self.turn}: {self._explain()}"
        return f"{reason}; {REVERSED}" if self.turn.gravity_reversed else reason

    @property
    def contradicted_by(self) -> str:
        """What walking shows if it is another axis than the stated one; else empty. The other end of the same axis is
        no contradiction."""
        if self.stated_axis is None or self.walking_axis is None:
            return ""
        return "" if self.walking_axis[-1] == self.stated_axis[-1] else self._describe_walking()

    @property
    def warning(self) -> str | None:
        """What may be wrong, and what to do: walking contradicts the stated axis; or neither the orientation is known
        nor one axis is probable. Else None."""
        if self.contradicted_by:
            return (
                f"Walking contradicts the stated forearm axis: {self.contradicted_by}. If the statement is wrong, most "
                "labels are wrong. Without --forearm-axis, walking decides."
            )
        if self.known or self.probability_of_axis >= LEAST_SURE:
            return None
        return (
            f"It is unknown how the watch sat on the arm. It was {self.reason}. If it sat otherwise, most labels are "
            "wrong. If you know which axis points along the forearm, state it with --forearm-axis x, y, -x or -y."
        )

    def _explain(self) -> str:
        """Why the watch is turned so."""
        if self.stated_axis is not None:
            return f"its {self.stated_axis} axis was stated to point along the forearm"
        if self.walking_axis is not None:
            return self._describe_walking()
        if self.probable_axis is not None:
            return self._describe_probable_axis()
        if self.unaskable:
            return f"the model {self.unaskable}"
        if self.moments == 0:
            return "nothing looks like walking"
        return (
            f"the model recognises {sum(self.recognised):.1f} of {self.moments} moments as walking with a hanging arm, "
            "which is too little to decide"
        )

    def _describe_walking(self) -> str:
        """What walking shows."""
        where = "between two axes" if self.walking_axis == "between" else f"along its {self.walking_axis} axis"
        count = f"in {sum(self.recognised):.0f} of {self.moments} moments"
        if self.by_labels:
            return f"{count}, walking with a hanging arm is labelled or recognised, and gravity then lies {where}"
        return f"{count}, the model recognises walking with a hanging arm, and gravity then lies {where}"

    def _describe_probable_axis(self) -> str:
        """Which axis is probable, how probable, and by what."""
        evidence = []
        if self.calm_moments:
            evidence.append(f"{self.calm_moments:,} calm moment{'s' if self.calm_moments > 1 else ''}")
        if sum(self.recognised) >= 1:
            evidence.append("possible walking")
        if self.make is not None:
            evidence.append(f"the make ({self.make})")
        by = f", by {listed(evidence)}" if evidence else ""
        word = "probably" if self.probability_of_axis >= LEAST_SURE else "perhaps"
        percent = percent_number(self.probability_of_axis, decimals=0)
        sentence = f"it {word} sat with its {self.probable_axis} axis along the forearm ({percent} %{by})"
        if len(self.turns) > 1:
            sentence += f"; labels are averaged over the {len(self.turns)} ways in which it may have sat"
        return sentence

    @property
    def turns(self) -> tuple[tuple[Turn, float], ...]:
        """The turns in which the watch may have sat, and the probability of each; they add up to 1. Those below 5 % are
        left out."""
        shares = {eighths: share for eighths, share in enumerate(self.probable) if share >= LEAST_PROBABLE}
        total = sum(shares.values())
        turns = tuple((self.turn._replace(eighths=eighths), share / total) for eighths, share in shares.items())
        return turns or ((self.turn, 1.0),)

    def averaged(self, probabilities: Probabilities) -> Probabilities:
        """A function that returns the probabilities of windows as the watch measured them: their mean over ``turns``.

        Args:
            probabilities: windows in the orientation of the training data -> float32 ``[n, labels]``.
        """

        def after(windows: Windows, turn: Turn) -> Float32Array:
            signals = turn.apply(windows.signals, windows.channels)
            return probabilities(replace(windows, signals=signals) if turn != Turn() else windows)

        def mean(windows: Windows) -> Float32Array:
            return np.asarray(sum(np.float32(share) * after(windows, turn) for turn, share in self.turns))

        return probabilities if self.turns == ((Turn(), 1.0),) else mean

    def turned(self, recording: Recording) -> Recording:
        """The recording as it most probably was in the training data.

        Raises:
            HarkenError: when the recording is to be turned and has no channels ``x, y, z``.
        """
        if not self.changes_samples:
            return recording
        need_axes(recording)
        quality = recording.quality.noting(str(self.turn))
        signals = self.turn.apply(recording.signals, recording.channels)
        return replace(recording, signals=signals, quality=quality)

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        return {
            "turned_degrees": self.turn.degrees,
            "gravity_reversed": self.turn.gravity_reversed,
            "known": self.known,
            "source": self.source.value,
            "moments": self.moments,
            "recognised_after_degrees": _by_degrees(self.recognised),
            "probability_after_degrees": _by_degrees(self.probable),
            **{name: getattr(self, name) for name in FACTS},
            "reason": self.reason,
            "contradicted_by": self.contradicted_by,
        }

    @property
    def probability_of_axis(self) -> float:
        """The probability of the axis along the forearm, whichever of its ends points towards the elbow."""
        return sum(self.probable[self.turn.eighths % 4 :: 4])


def _by_degrees(values: tuple[float, ...]) -> dict[str, float]:
    return {str(45 * eighths): value for eighths, value in enumerate(values)}
