"""The orientation of a watch on the arm: the quarter turn after which a model recognises its walking."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.networks.specification import Specification
from harken.recordings.recording import ACCELERATION, Recording
from harken.signals.moments import Moments, like_walking
from harken.signals.orientation import turned_by_quarters, turned_signals
from harken.support.errors import HarkenError
from harken.timelines.labelling import Probabilities
from harken.windows.windows import Windows

__all__ = ["Mounting", "as_learned", "mounting", "mounting_of_walks"]

ON_FOOT = ("walking", "stairs", "running", "jogging")
LEAST_RECOGNISED = 6.0
"""In moments of ten seconds: a watch is turned only if at least a minute on foot is recognised."""
LEAST_SHARE = 0.75
"""The least share of the turned moments in all recognised moments, turned and unturned."""


@dataclass(frozen=True)
class Mounting:
    """The quarter turns that bring a watch to the orientation of the model's training data.

    Attributes:
        quarters: quarter turns about its face, 0 to 3 (``harken.signals.turned_by_quarters``).
        moments: the number of moments of ten seconds that look like walking.
        recognised: the number of moments recognised as on foot, with gravity along the forearm, after 0 to 3 quarter
            turns, as sums of probabilities. Empty if the model cannot find the orientation.
        reason: a sentence that says what was done, or why nothing was done.
    """

    quarters: int
    moments: int
    recognised: tuple[float, ...]
    reason: str

    @property
    def known(self) -> bool:
        """Whether the model recognised enough walking as the watch now sits, and little with a quarter turn more."""
        if not self.recognised:
            return False
        here, *across = (self.recognised[(self.quarters + turn) % 4] for turn in (0, 1, 3))
        return here >= LEAST_RECOGNISED and here >= LEAST_SHARE * (here + max(across))

    def apply(self, signals: NDArray[np.float32]) -> NDArray[np.float32]:
        """Signals ``[n, channels]``, whose first channels are ``x, y``, turned."""
        return turned_signals(signals, self.quarters) if self.quarters else signals

    def turned(self, recording: Recording) -> Recording:
        """The recording, turned to the orientation of the model's training data."""
        return turned_by_quarters(recording, self.quarters) if self.quarters else recording

    def as_dict(self) -> dict[str, Any]:
        """The fields as values for JSON."""
        return {
            "turned_degrees": 90 * self.quarters,
            "known": self.known,
            "moments": self.moments,
            "recognised_after_degrees": {str(90 * turn): value for turn, value in enumerate(self.recognised)},
            "reason": self.reason,
        }


def mounting(specification: Specification, recording: Recording, probabilities: Probabilities) -> Mounting:
    """The orientation of the watch in a whole recording, see ``mounting_of_walks``.

    Args:
        specification, probabilities: as for ``label_recording``.
        recording: a mended recording, at any rate, whose first channels are ``x, y, z``.

    Raises:
        HarkenError: when the recording is ``as_found``, or begins with other channels.
    """
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError(f"{name}: only a mended recording shows how it was worn; read it without as_found")
    if recording.channels[:3] != ACCELERATION:
        raise HarkenError(f"{name}: how a watch sits shows in acceleration as the first channels, x, y, z")
    unaskable = _unaskable(specification) is not None
    walks = Moments(like_walking) if unaskable else Moments.of(recording, like_walking)
    return mounting_of_walks(specification, walks, probabilities)


def as_learned(
    specification: Specification, recording: Recording, probabilities: Probabilities
) -> tuple[Recording, str | None]:
    """The recording in the orientation of the training data, and why its watch was turned; None if it was not.

    Args:
        specification, recording, probabilities: as for ``mounting``. A recording with channels other than ``x, y, z``
            is returned unchanged.
    """
    if recording.channels[:3] != ACCELERATION:
        return recording, None
    found = mounting(specification, recording, probabilities)
    return found.turned(recording), found.reason if found.quarters else None


def mounting_of_walks(specification: Specification, walks: Moments, probabilities: Probabilities) -> Mounting:
    """The orientation of the watch that recorded these moments.

    The arm hangs during walking, so gravity lies along the forearm. The direction of gravity alone does not decide:
    while clapping, too, it lies along some axis. The model therefore classifies each moment that looks like walking
    four times, after 0, 1, 2 and 3 quarter turns about the face. If gravity then lies along x rather than y, the
    moment counts by the probability of walking, stairs and running. The watch is turned only if the turned moments
    add up to at least a minute and to three times the unturned ones. A half turn hardly matters to a model that was
    trained on watches worn both ways round; a quarter turn ruins its labels.

    Nothing is turned if the model reads more than acceleration, has no label on foot, or has windows longer than ten
    seconds.
    """
    unaskable = _unaskable(specification)
    if unaskable is not None:
        return Mounting(0, 0, (), f"not turned: the model {unaskable}, so it cannot show how the watch sits")
    windows = _windows(specification, walks)
    if windows is None:
        return Mounting(0, 0, (), "not turned: nothing looks like walking, so it is unknown how the watch sits")
    recognised = _recognised(windows, probabilities, _on_foot(specification))
    best = int(recognised.argmax())
    as_it_is, turned = float(recognised[0]), float(recognised[best])
    found = len(windows), tuple(recognised.tolist())
    counts = f"the model recognises {as_it_is:.0f} of {len(windows)} moments as walking with a hanging arm"
    if best == 0:
        return Mounting(0, *found, f"not turned: {counts}, and no more after a turn")
    turn = f"{90 * best} degrees about the face"
    if turned < LEAST_RECOGNISED or turned < LEAST_SHARE * (turned + as_it_is):
        return Mounting(0, *found, f"not turned: {counts}, and {turned:.0f} after a turn by {turn}: too few to decide")
    return Mounting(best, *found, f"turned by {turn}: {counts}, and {turned:.0f} after the turn")


def _unaskable(specification: Specification) -> str | None:
    """Why a model cannot find the orientation of a watch; None if it can."""
    if specification.channels != ACCELERATION:
        return "uses more than acceleration"
    return None if _on_foot(specification) else "has no label for walking"


def _on_foot(specification: Specification) -> list[int]:
    return [code for code, label in enumerate(specification.labels) if label in ON_FOOT]


def _recognised(windows: Windows, probabilities: Probabilities, columns: list[int]) -> NDArray[np.float64]:
    """The number of windows recognised as on foot with gravity along the forearm, after 0 to 3 quarter turns."""
    gravity = np.abs(windows.signals.mean(axis=1))
    recognised = np.zeros(4)
    for quarters in range(4):
        signals = turned_signals(windows.signals, quarters)
        hangs = gravity[:, quarters % 2] > gravity[:, 1 - quarters % 2]
        on_foot = probabilities(replace(windows, signals=signals))[:, columns].sum(axis=1, dtype=np.float64)
        recognised[quarters] = on_foot @ hangs
    return recognised


def _windows(specification: Specification, walks: Moments) -> Windows | None:
    """The first window of each moment, as input of the model; None if no moment is as long as a window."""
    starts_ns, signals = walks.resampled(
        sample_rate_hz=specification.sample_rate_hz, length=specification.window_length
    )
    if len(signals) == 0:
        return None
    return Windows.unlabelled(
        signals,
        channels=ACCELERATION,
        sample_rate_hz=specification.sample_rate_hz,
        starts_ns=starts_ns,
    )
