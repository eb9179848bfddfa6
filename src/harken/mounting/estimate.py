"""The orientation of a watch on the arm: the turn that brings it to the orientation of a model's training data.

Walking shows it: the arm hangs, so gravity lies along the forearm and points away from the elbow. Without walking,
unless the user states it, it is only probable: by the make of the watch, and by gravity and small movements in calm
moments. The probabilities of labels are then averaged over the ways in which the watch may have sat.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from harken.models.label_recording import Probabilities
from harken.models.recogniser import Recogniser
from harken.mounting.forearm import WEIGHTS, CalmMoments, EvidenceWeights, along_forearm
from harken.mounting.turns import LEAST_SURE, Mounting, MountingSource, Turn, WalkingAxis
from harken.networks.specification import Specification
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import ACCELERATION, Make, Recording
from harken.recordings.source import Samples
from harken.signals.movement import MovementStatistics, Walks
from harken.signals.non_wear import non_wear
from harken.signals.orientation import QUARTERS, turned_signals
from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.windows.known_labels import HANGING, ON_FOOT
from harken.windows.windows import Windows

LEAST_IN_PLANE = 0.75
"""The least share of gravity in the plane of the face in a moment of walking: the arm hangs."""
LEAST_RECOGNISED = 1.0
"""The least number of recognised moments at which walking can show a turn."""
BETWEEN_DEGREES = 35.0
"""A watch is turned by an odd number of eighths only if gravity in walking lies farther from all axes than this. People
differ by some 20 degrees, because the forearm does not hang straight down."""
LEAST_BETWEEN, LEAST_ALIKE = 6.0, 0.9
"""The least number of recognised moments for that, and the least length of their mean direction."""
END_WEIGHT = 2.0
"""How much each recognised moment counts for an end of the axis, as the power of its odds."""


class Walking(NamedTuple):
    """What moments that look like walking show.

    Attributes:
        moments: their number.
        recognised: the sum of the probabilities of being on foot, by the eighths of a turn that bring gravity to the
            axis of training, float64 ``[8]``.
        direction: the sum of these probabilities as vectors along gravity in the plane of the face, turned so that the
            axis of training is 0 degrees: a complex number.
    """

    moments: int
    recognised: Float64Array
    direction: complex

    @property
    def counts(self) -> tuple[float, ...]:
        """``recognised`` as plain numbers; empty without moments."""
        return tuple(self.recognised.tolist()) if self.moments else ()


NO_WALKING = Walking(0, np.zeros(8), 0j)


def estimate_mounting(
    specification: Specification,
    walks: Recording | Walks,
    probabilities: Probabilities,
    *,
    calm: CalmMoments | None = None,
    forearm_axis: ForearmAxis | None = None,
    make: Make | None = None,
    trained_axis: ForearmAxis | None = "x",
    x_to_elbow: bool = False,
    use_labels: bool = False,
    weights: EvidenceWeights = WEIGHTS,
) -> Mounting:
    """The orientation of the watch in a whole recording.

    - **Walking**: the arm hangs during walking, so gravity lies along the forearm, and the axis that points towards the
      elbow measures +1 g. The direction of gravity alone does not decide: while clapping, too, it lies along some
      axis. The model therefore classifies each moment that looks like walking, turned so that its gravity lies along
      the axis of training. The moment counts by the probability of walking, stairs and running.
    - **Calm moments and the make** (``harken.mounting.forearm.along_forearm``), if the model was trained with x towards
      the elbow: they show the axis, but not which of its ends points towards the elbow.

    Both together give each quarter turn a probability. If it is at least 90 % for one of them, and some walking is
    recognised, walking has shown it. If gravity in walking lies between two axes, the watch is turned by 45 degrees.

    If z is negative where it should be positive (``CalmMoments.gravity_is_reversed``), all axes are reversed before
    anything else.

    Nothing is turned if the model reads more than acceleration, has no label on foot, has windows longer than ten
    seconds, or if it is unknown which axis lay along the forearm in training. A model that was not trained with x
    towards the elbow turns a watch only if walking has shown how.

    If the user states the axis along the forearm, the watch is turned until that axis is where that of training was (x
    if it is unknown).

    Args:
        specification, probabilities: as for ``label_recording``.
        walks: a mended recording, at any rate, whose first channels are ``x, y, z``; or its moments that look like
            walking.
        calm: the calm moments that belong to the moments of walking. Those of a recording are found in it.
        forearm_axis: the axis along the forearm, if the user states it, as the file's own axis.
        make: the make of the watch; None if it is unknown. It is used only with ``x_to_elbow``.
        trained_axis: the axis along the forearm in training (``trained_axis``); None if it is unknown.
        x_to_elbow: whether the model was trained with x along the forearm towards the elbow
            (``trained_with_x_to_elbow``).
        use_labels: whether a labelled moment counts by the label of the recording, and not by what the model says. For
            labels that are learned from, never for those of a test.
        weights: as for ``harken.mounting.forearm.along_forearm``.

    Raises:
        HarkenError: when the recording is ``as_found``, or begins with other channels.
    """
    labelled = walks if use_labels and isinstance(walks, Recording) else None
    if isinstance(walks, Recording):
        walks, calm = moments_in(walks, specification)
    calm = calm or CalmMoments()
    gravity_reversed = x_to_elbow and calm.gravity_is_reversed
    unaskable = why_unaskable(specification)
    if unaskable is None and trained_axis is None:
        unaskable = "was trained without knowing how the watches sat on the arm"
    walking = NO_WALKING
    if unaskable is None and trained_axis is not None:
        walking = _walking(
            specification, walks, probabilities, trained_axis, gravity_reversed=gravity_reversed, labelled=labelled
        )
    evidence = _Evidence(
        walking,
        calm if x_to_elbow else CalmMoments(),
        make if x_to_elbow else None,
        trained_axis=trained_axis or "x",
        gravity_reversed=gravity_reversed,
        weights=weights,
    )
    if forearm_axis is not None:
        return _stated(evidence, forearm_axis)
    unknown = Mounting(Turn(), MountingSource.NONE, walking.moments, walking.counts, unaskable=unaskable or "")
    if unaskable is not None:
        return unknown
    shown = _shown_by_walking(evidence)
    if shown is not None:
        return replace(unknown, turn=shown.turn, source=MountingSource.WALKING, walking_axis=shown.axis)
    return _probable(evidence) if x_to_elbow else unknown


@dataclass(frozen=True)
class _Evidence:
    """What shows the orientation of a watch."""

    walking: Walking
    calm: CalmMoments
    make: Make | None
    trained_axis: ForearmAxis
    gravity_reversed: bool
    weights: EvidenceWeights

    def axis_of(self, eighths: int) -> Literal["x", "y"]:
        """The letter of the axis that lies along the forearm if this turn, a whole number of quarters, is right."""
        return "x" if (eighths // 2 + QUARTERS[self.trained_axis]) % 2 == 0 else "y"

    @cached_property
    def shares(self) -> Float64Array:
        """The probability of 0 to 7 eighths of a turn by all evidence, float64 ``[8]``; the odd ones are 0."""
        recognised = self.walking.recognised
        walking = {"x": 0.0, "y": 0.0}
        for turn in (0, 2, 4, 6):
            walking[self.axis_of(turn)] += float(recognised[turn])
        along = along_forearm(self.calm, self.make, self.weights, walking_x=walking["x"], walking_y=walking["y"])
        shares = np.zeros(8)
        for turn in (0, 2, 4, 6):
            odds_of_end = (1 + recognised[turn]) ** END_WEIGHT
            odds_of_other_end = (1 + recognised[(turn + 4) % 8]) ** END_WEIGHT
            shares[turn] = along[self.axis_of(turn)] * odds_of_end / (odds_of_end + odds_of_other_end)
        return shares


def _walking(
    specification: Specification,
    walks: Walks,
    probabilities: Probabilities,
    trained_axis: ForearmAxis,
    *,
    gravity_reversed: bool,
    labelled: Recording | None,
) -> Walking:
    """What the model, or the label of a labelled recording, says about moments that look like walking."""
    rate_hz = specification.sample_rate_hz
    starts_ns, signals = walks.resampled(sample_rate_hz=rate_hz, length=specification.window_length)
    if len(signals) == 0:
        return NO_WALKING
    signals = Turn(0, gravity_reversed).apply(signals, ACCELERATION)
    gravity = signals.mean(axis=1, dtype=np.float64)
    in_plane = gravity[:, 0] + 1j * gravity[:, 1]
    hangs = np.abs(in_plane) > LEAST_IN_PLANE * np.linalg.norm(gravity, axis=1)
    in_plane *= 1j ** QUARTERS[trained_axis]
    eighths = np.round(-np.angle(in_plane) / (np.pi / 4)).astype(np.int64) % 8
    turned = np.empty_like(signals)
    for turn in range(8):
        turned[eighths == turn] = turned_signals(signals[eighths == turn], turn)
    windows = Windows.unlabelled(turned, channels=ACCELERATION, sample_rate_hz=rate_hz, starts_ns=starts_ns)
    on_foot = probabilities(windows)[:, _on_foot(specification)].sum(axis=1, dtype=np.float64)
    if labelled is not None:
        middles_ns = starts_ns + round(specification.window_length_s * 0.5e9)
        on_foot = _count_by_label(on_foot, labelled, middles_ns)
    on_foot = on_foot * hangs
    quarters = 2 * np.round(-np.angle(in_plane) / (np.pi / 2)).astype(np.int64) % 8
    recognised = np.bincount(quarters, weights=on_foot, minlength=8).astype(np.float64)
    direction = complex((on_foot * in_plane / np.maximum(np.abs(in_plane), 1e-9)).sum())
    return Walking(len(signals), recognised, direction)


def _count_by_label(on_foot: Float64Array, labelled: Recording, times_ns: Int64Array) -> Float64Array:
    """Return the probabilities of being on foot ``[n]``, with 1 for labelled walking and 0 for other labels.

    While somebody runs, the arm does not hang, so a label of running does not count.
    """
    rows = np.minimum(np.searchsorted(labelled.time_ns, times_ns), len(labelled) - 1)
    codes = labelled.label_codes[rows]
    counted = on_foot.copy()
    for code, label in enumerate(labelled.label_names):
        if label in HANGING:
            counted[codes == code] = 1.0
        elif label not in ON_FOOT:
            counted[codes == code] = 0.0
    return counted


class _ShownByWalking(NamedTuple):
    """The turn that walking has shown, and along which axis gravity lies."""

    turn: Turn
    axis: WalkingAxis


def _shown_by_walking(evidence: _Evidence) -> _ShownByWalking | None:
    """The orientation that walking has shown; None if it has not."""
    walking = evidence.walking
    best = int(evidence.shares.argmax())
    recognised = float(walking.recognised.sum())
    degrees = -np.degrees(np.angle(walking.direction))
    nearest = 90 * round(degrees / 90)
    alike = abs(walking.direction) >= LEAST_ALIKE * recognised
    if recognised >= LEAST_BETWEEN and alike and abs(degrees - nearest) > BETWEEN_DEGREES:
        eighths = 2 * int(np.floor(degrees / 90)) + 1
        return _ShownByWalking(Turn(eighths % 8, evidence.gravity_reversed), "between")
    if walking.recognised[best] < LEAST_RECOGNISED or evidence.shares[best] < LEAST_SURE:
        return None
    axis = _axis_to_elbow(best, evidence.trained_axis, gravity_reversed=evidence.gravity_reversed)
    return _ShownByWalking(Turn(best, evidence.gravity_reversed), axis)


def _axis_to_elbow(eighths: int, trained_axis: ForearmAxis, *, gravity_reversed: bool) -> ForearmAxis:
    """The axis, as the file has it, that measures +1 g along a hanging forearm if this turn is right."""
    quarters = (eighths // 2 + QUARTERS[trained_axis] + 2 * gravity_reversed) % 4
    return next(axis for axis, turns in QUARTERS.items() if turns == quarters)


def _stated(evidence: _Evidence, forearm_axis: ForearmAxis) -> Mounting:
    """The orientation that the user states, and what walking shows."""
    walking = evidence.walking
    quarters = QUARTERS[forearm_axis] - QUARTERS[evidence.trained_axis] + 2 * evidence.gravity_reversed
    turn = Turn(2 * quarters % 8, evidence.gravity_reversed)
    shown = _shown_by_walking(evidence)
    return Mounting(
        turn,
        MountingSource.STATED,
        walking.moments,
        walking.counts,
        stated_axis=forearm_axis,
        walking_axis=None if shown is None else shown.axis,
    )


def _probable(evidence: _Evidence) -> Mounting:
    """The orientation of which walking alone does not decide."""
    best = int(evidence.shares.argmax())
    source = MountingSource.MAKE if evidence.make is not None else MountingSource.NONE
    if evidence.calm.blocks:
        source = MountingSource.CALM
    return Mounting(
        Turn(best, evidence.gravity_reversed),
        source,
        evidence.walking.moments,
        evidence.walking.counts,
        probable=tuple(evidence.shares.tolist()),
        probable_axis=evidence.axis_of(best),
        calm_moments=evidence.calm.blocks,
        make=evidence.make,
    )


def moments_in(recording: Recording, specification: Specification) -> tuple[Walks, CalmMoments]:
    """The moments of a recording that look like walking, none for a model that cannot be asked about them; and the calm
    ones."""
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError("only a mended recording shows how it was worn; read it without as_found", path=name)
    if recording.channels[:3] != ACCELERATION:
        raise HarkenError("how a watch sits shows in acceleration as the first channels, x, y, z", path=name)
    walks = Walks()
    statistics = MovementStatistics(listeners=() if why_unaskable(specification) else (walks,))
    statistics.push(Samples.of(recording))
    blocks = statistics.finish()
    return walks, CalmMoments.of(blocks, non_wear(blocks))


def mounting_of(
    recogniser: Recogniser, recording: Recording, *, forearm_axis: ForearmAxis | None = None, use_labels: bool = False
) -> Mounting | None:
    """The orientation of the watch in a recording; None for a recording with other channels than ``x, y, z``.

    Args:
        recogniser: the model.
        recording, forearm_axis, use_labels: as for ``estimate_mounting``.

    Raises:
        HarkenError: as ``estimate_mounting``; when an axis is stated for a recording without ``x, y, z``.
    """
    if recording.channels[:3] != ACCELERATION and forearm_axis is None:
        return None
    mounting = estimate_mounting(
        recogniser.specification_,
        recording,
        recogniser.predict_proba,
        forearm_axis=forearm_axis,
        make=recording.quality.make,
        trained_axis=trained_axis(recogniser),
        x_to_elbow=trained_with_x_to_elbow(recogniser),
        use_labels=use_labels,
    )
    return replace(mounting, by_labels=use_labels)


def as_trained(
    recogniser: Recogniser, recording: Recording, *, forearm_axis: ForearmAxis | None = None, use_labels: bool = False
) -> tuple[Recording, Mounting | None]:
    """The recording as it most probably was in the training data, and ``mounting_of`` it. With channels other than
    ``x, y, z`` it is returned unchanged, with None."""
    way = mounting_of(recogniser, recording, forearm_axis=forearm_axis, use_labels=use_labels)
    return (recording if way is None else way.turned(recording)), way


def trained_with_x_to_elbow(recogniser: Recogniser) -> bool:
    """Whether x pointed along the forearm towards the elbow in most training recordings of a model.

    The file of the model states it (``x_points_to``). The packaged model and models adapted from it state it, because
    they were trained with the axis in x that each study names (``forearm_axis`` in ``harken.datasets``). In walking, x
    then measures more than 0 g in 87 of the 98 people of four studies (WISDM 39 of 46, DSADS 8 of 8, selfBACK 33 of 34,
    Hawthorne 7 of 10), and about +0.9 g in the median; nobody walks in Stress-Predict. Other models may have been
    trained on watches that were worn in any one way.
    """
    return recogniser.provenance_.get("x_points_to") == "elbow"


def trained_axis(recogniser: Recogniser) -> ForearmAxis | None:
    """The axis that lay along the forearm in most training recordings of a model; None if it is unknown."""
    return "x" if trained_with_x_to_elbow(recogniser) else recogniser.provenance_.get("forearm_axis")


def refuse_both(forearm_axis: ForearmAxis | None, *, orientation: bool) -> None:
    """Raise a HarkenError if an axis along the forearm is stated although no watch may be turned."""
    if forearm_axis is not None and not orientation:
        raise HarkenError(
            f"the {forearm_axis} axis is stated to point along the forearm, but no watch may be turned to it; leave "
            "out --forearm-axis or --no-orientation"
        )


def why_unaskable(specification: Specification) -> str | None:
    """Why a model cannot find the orientation of a watch; None if it can."""
    if specification.channels != ACCELERATION:
        return "uses more than acceleration"
    return None if _on_foot(specification) else "has no label for walking"


def _on_foot(specification: Specification) -> list[int]:
    return [code for code, label in enumerate(specification.labels) if label in ON_FOOT]
