"""The orientation of a watch on the arm: the quarter turns that bring it to the orientation of a model's training data.

The model's own labels show it: gravity lies along the forearm while somebody walks. Without walking, unless the user
states it, it is only probable: by the make of the watch, and by gravity and small movements in calm moments. The
probabilities of labels are then averaged over the ways in which the watch may have sat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harken.models.known_labels import ON_FOOT
from harken.models.quarter_turns import Mounting, MountingSource
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import ACCELERATION, Make, Recording
from harken.recordings.source import Samples
from harken.signals.forearm import WEIGHTS, CalmMoments, CalmWeights, along_forearm
from harken.signals.movement import Moments, MovementStatistics, like_walking
from harken.signals.non_wear import non_wear
from harken.signals.orientation import QUARTERS, turned_signals
from harken.support.arrays import Float64Array
from harken.support.errors import HarkenError
from harken.support.printable import listed, percent_number
from harken.timelines.labelling import Probabilities
from harken.windows.windows import Windows

LEAST_RECOGNISED = 6.0
"""In moments of ten seconds: a watch is turned only if at least a minute on foot is recognised."""
LEAST_SHARE = 0.75
"""The least share of the turned moments in all recognised moments, turned and unturned."""


def mounting(
    specification: Specification,
    walks: Recording | Moments,
    probabilities: Probabilities,
    *,
    calm: CalmMoments | None = None,
    forearm_axis: ForearmAxis | None = None,
    make: Make | None = None,
    trained_axis: ForearmAxis | None = "x",
    x_to_elbow: bool = False,
    weights: CalmWeights = WEIGHTS,
) -> Mounting:
    """The orientation of the watch in a whole recording.

    The arm hangs during walking, so gravity lies along the forearm. The direction of gravity alone does not decide:
    while clapping, too, it lies along some axis. The model therefore classifies each moment that looks like walking
    four times, after 0, 1, 2 and 3 quarter turns about the face. If gravity then lies along the axis that lay along the
    forearm in training, the moment counts by the probability of walking, stairs and running. The watch is turned only
    if the turned moments add up to at least a minute and to three times the unturned ones.

    A model recognises walking also after a half turn, but may label postures worse. If it was trained with x towards
    the elbow, gravity in the recognised walking decides between the two: x must measure +1 g there, not -1 g.

    Nothing is turned if the model reads more than acceleration, has no label on foot, has windows longer than ten
    seconds, or if it is unknown which axis lay along the forearm in training.

    If the user states the axis along the forearm, the watch is turned until that axis is where that of training was (x
    if it is unknown).

    If walking does not decide, or decides against the axis that calm moments show, as on some machines for exercise,
    and the model was trained with x towards the elbow, each turn gets a probability: that of its axis
    (``harken.signals.forearm.along_forearm``) times one more than the moments of walking recognised after it.

    Args:
        specification, probabilities: as for ``label_recording``.
        walks: a mended recording, at any rate, whose first channels are ``x, y, z``; or its moments that look like
            walking.
        calm: the calm moments that belong to the moments of walking. Those of a recording are found in it.
        forearm_axis: the axis along the forearm, if the user states it.
        make: the make of the watch; None if it is unknown. It is used only with ``x_to_elbow``.
        trained_axis: the axis along the forearm in training (``trained_axis``); None if it is unknown.
        x_to_elbow: whether the model was trained with x along the forearm towards the elbow
            (``trained_with_x_to_elbow``).
        weights: as for ``harken.signals.forearm.along_forearm``.

    Raises:
        HarkenError: when the recording is ``as_found``, or begins with other channels.
    """
    if isinstance(walks, Recording):
        walks, calm = moments_in(walks, specification)
    walking = _by_walking(specification, walks, probabilities, trained_axis, x_to_elbow=x_to_elbow)
    if forearm_axis is not None:
        return _stated(walking, forearm_axis, trained_axis or "x")
    if trained_axis is None or not x_to_elbow:
        return walking
    calm = calm or CalmMoments()
    axes = ["xy"[(turn + QUARTERS[trained_axis]) % 2] for turn in range(4)]
    if walking.known and along_forearm(calm, None, weights)[axes[walking.quarters]] >= 0.5:
        return walking
    return _probable(walking, axes, along_forearm(calm, make, weights), calm.blocks, make)


def _stated(walking: Mounting, forearm_axis: ForearmAxis, trained_axis: ForearmAxis) -> Mounting:
    """The orientation that the user states; walking that contradicts it is mentioned."""
    quarters = (QUARTERS[forearm_axis] - QUARTERS[trained_axis]) % 4
    reason = f"{_turned(quarters)}: its {forearm_axis} axis was stated to point along the forearm"
    if walking.known and (walking.quarters - quarters) % 2:
        suggested = f"a turn by {90 * walking.quarters} degrees" if walking.quarters else "no turn"
        reason += f"; walking alone suggests {suggested}: {_why(walking)}"
    return replace(walking, quarters=quarters, source=MountingSource.STATED, reason=reason)


def _probable(
    walking: Mounting, axes: Sequence[str], along: Mapping[str, float], blocks: int, make: Make | None
) -> Mounting:
    """The orientation of which walking alone does not decide.

    Args:
        walking: the orientation by walking.
        axes: the axis of the sensor that lies along the forearm if 0 to 3 quarter turns are right.
        along: the probability of each axis by other evidence.
        blocks, make: this evidence, for the reason.
    """
    counts = list(walking.recognised or (0.0,) * 4)
    if walking.known:  # gravity in walking shows which end of the axis points towards the elbow
        counts[(walking.quarters + 2) % 4] = 0.0
    shares = np.array([along[axis] * (1 + count) for axis, count in zip(axes, counts, strict=True)])
    shares /= shares.sum()
    best = int(shares.argmax())
    found = replace(walking, quarters=best, source=MountingSource.NONE, probable=tuple(shares.tolist()))
    if blocks or make is not None:
        found = replace(found, source=MountingSource.CALM if blocks else MountingSource.MAKE)
    evidence = [f"{blocks:,} calm moment{'s' if blocks > 1 else ''}"] if blocks else []
    evidence += ["possible walking"] if sum(counts) >= 1 else []
    evidence += [f"the make ({make})"] if make is not None else []
    by = f", by {listed(evidence)}" if evidence else ""
    word = "perhaps" if found.warning else "probably"
    percent = percent_number(found.probability_of_axis, decimals=0)
    reason = f"{_turned(best)}: it {word} sat with its {axes[best]} axis along the forearm ({percent} %{by})"
    if len(found.turns) > 1:
        reason += f"; labels are averaged over the {len(found.turns)} ways in which it may have sat"
    return replace(found, reason=reason)


def moments_in(recording: Recording, specification: Specification) -> tuple[Moments, CalmMoments]:
    """The moments of a recording that look like walking, none for a model that cannot be asked about them; and the calm
    ones."""
    name = recording.source or recording.subject
    if recording.as_found:
        raise HarkenError(f"{name}: only a mended recording shows how it was worn; read it without as_found")
    if recording.channels[:3] != ACCELERATION:
        raise HarkenError(f"{name}: how a watch sits shows in acceleration as the first channels, x, y, z")
    walks = Moments(like_walking)
    statistics = MovementStatistics(listeners=() if _unaskable(specification) else (walks,))
    statistics.push(Samples.of(recording))
    blocks = statistics.finish()
    return walks, CalmMoments.of(blocks, non_wear(blocks))


def mounting_of(
    recogniser: Recogniser, recording: Recording, *, forearm_axis: ForearmAxis | None = None
) -> Mounting | None:
    """The orientation of the watch in a recording; None for a recording with other channels than ``x, y, z``.

    Args:
        recogniser: the model.
        recording, forearm_axis: as for ``mounting``.

    Raises:
        HarkenError: as ``mounting``; when an axis is stated for a recording without ``x, y, z``.
    """
    if recording.channels[:3] != ACCELERATION and forearm_axis is None:
        return None
    return mounting(
        recogniser.specification_,
        recording,
        recogniser.predict_proba,
        forearm_axis=forearm_axis,
        make=recording.quality.make,
        trained_axis=trained_axis(recogniser),
        x_to_elbow=trained_with_x_to_elbow(recogniser),
    )


def as_trained(
    recogniser: Recogniser, recording: Recording, *, forearm_axis: ForearmAxis | None = None
) -> tuple[Recording, Mounting | None]:
    """The recording as it most probably was in the training data, and ``mounting_of`` it. With channels other than
    ``x, y, z`` it is returned unchanged, with None."""
    way = mounting_of(recogniser, recording, forearm_axis=forearm_axis)
    return (recording if way is None else way.turned(recording)), way


def trained_with_x_to_elbow(recogniser: Recogniser) -> bool:
    """Whether x pointed along the forearm towards the elbow in most training recordings of a model.

    This is known of the packaged model and of models adapted from it: they were trained with the axis in x that each
    study states (``forearm_axis`` in ``harken.datasets``). In walking, x then measures more than 0 g in 87 of the 98
    people of four studies (WISDM 39 of 46, DSADS 8 of 8, selfBACK 33 of 34, Hawthorne 7 of 10), and about +0.9 g in
    the median; nobody walks in Stress-Predict. Other models may have been trained on watches that were worn in any one
    way.
    """
    return bool(recogniser.provenance_.get("scores_of_fold_models_on_unseen_people"))


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


def _by_walking(
    specification: Specification,
    walks: Moments,
    probabilities: Probabilities,
    trained_axis: ForearmAxis | None,
    *,
    x_to_elbow: bool,
) -> Mounting:
    """The orientation in which the model recognises walking."""
    unaskable = _unaskable(specification)
    if unaskable is None and trained_axis is None:
        unaskable = "was trained without knowing how the watches sat on the arm"
    if unaskable is not None or trained_axis is None:
        return Mounting(0, MountingSource.NONE, 0, (), f"not turned: the model {unaskable}")
    rate_hz = specification.sample_rate_hz
    starts_ns, signals = walks.resampled(sample_rate_hz=rate_hz, length=specification.window_length)
    if len(signals) == 0:
        return Mounting(0, MountingSource.NONE, 0, (), "not turned: nothing looks like walking")
    # The first window of each moment.
    windows = Windows.unlabelled(signals, channels=ACCELERATION, sample_rate_hz=rate_hz, starts_ns=starts_ns)
    recognised, x_g = _recognised(windows, probabilities, _on_foot(specification), trained_axis)
    best = int(recognised.argmax())
    as_it_is, turned = float(recognised[0]), float(recognised[best])
    counts = f"the model recognises {_count(as_it_is)} of {len(windows)} moments as walking with a hanging arm"
    enough = turned >= LEAST_RECOGNISED and turned >= LEAST_SHARE * (turned + as_it_is)
    quarters = best if enough else 0
    if best == 0:
        reason = f"{counts}, and no more after a turn"
    elif enough:
        reason = f"{counts}, and {turned:.0f} after the turn"
    else:
        reason = f"{counts}, and {_count(turned)} after a turn by {90 * best} degrees about the face"
    source = MountingSource.WALKING if _clear(recognised, quarters) else MountingSource.NONE
    if turned < LEAST_RECOGNISED:
        reason += f": too few to decide, because a minute of walking ({LEAST_RECOGNISED:.0f} moments) is needed"
    elif source is MountingSource.NONE or quarters != best:
        reason += ": too close to decide"
    if x_to_elbow and source is MountingSource.WALKING and x_g[quarters] < 0:
        quarters = (quarters + 2) % 4
        reason = _by_gravity(quarters, recognised, len(windows))
    return Mounting(quarters, source, len(windows), tuple(recognised.tolist()), f"{_turned(quarters)}: {reason}")


def _by_gravity(quarters: int, recognised: Float64Array, moments: int) -> str:
    """Why gravity decided for these quarter turns, and against half a turn more."""
    here, other = (f"{recognised[(quarters + turn) % 4]:.0f}" for turn in (0, 2))
    if quarters % 2:
        return (
            f"the model recognises {recognised[0]:.0f} of {moments} moments as walking with a hanging arm, {here} "
            f"after the turn and {other} after one by {90 * ((quarters + 2) % 4)} degrees; gravity in walking decides "
            "between the two turns"
        )
    as_worn, turned = (other, here) if quarters else (here, other)
    if as_worn == turned:
        sentence = f"walking is recognised equally well either way ({as_worn} of {moments} moments)"
    else:
        sentence = (
            f"walking is recognised in {as_worn} of {moments} moments as the watch was worn, and in {turned} after a "
            "turn by 180 degrees"
        )
    worn = "the other way round" if quarters else "as the model expects"
    return f"gravity in walking shows that the watch was worn {worn}; {sentence}"


def _why(mounting: Mounting) -> str:
    """The reason of an orientation found by walking, without what was done."""
    return mounting.reason.partition(": ")[2]


def _clear(recognised: Float64Array, quarters: int) -> bool:
    """Whether enough walking is recognised after these quarter turns, and little with a quarter turn more."""
    here, *across = (float(recognised[(quarters + turn) % 4]) for turn in (0, 1, 3))
    return here >= LEAST_RECOGNISED and here >= LEAST_SHARE * (here + max(across))


def _count(recognised: float) -> int:
    """A number of moments; fewer than are needed are not rounded up to that number."""
    return round(recognised) if recognised >= LEAST_RECOGNISED else min(round(recognised), int(LEAST_RECOGNISED) - 1)


def _turned(quarters: int) -> str:
    return f"turned by {90 * quarters} degrees about the face" if quarters else "not turned"


def _unaskable(specification: Specification) -> str | None:
    """Why a model cannot find the orientation of a watch; None if it can."""
    if specification.channels != ACCELERATION:
        return "uses more than acceleration"
    return None if _on_foot(specification) else "has no label for walking"


def _on_foot(specification: Specification) -> list[int]:
    return [code for code, label in enumerate(specification.labels) if label in ON_FOOT]


def _recognised(
    windows: Windows, probabilities: Probabilities, columns: list[int], trained_axis: ForearmAxis
) -> tuple[Float64Array, Float64Array]:
    """After 0 to 3 quarter turns: the number of windows recognised as on foot with gravity along the axis of training,
    and the sum of their mean x, in g; both weighted by probability."""
    along, across = (0, 1) if trained_axis.endswith("x") else (1, 0)
    recognised, x_g = np.zeros(4), np.zeros(4)
    for quarters in range(4):
        signals = turned_signals(windows.signals, quarters)
        gravity = signals.mean(axis=1, dtype=np.float64)
        hangs = np.abs(gravity[:, along]) > np.abs(gravity[:, across])
        on_foot = probabilities(replace(windows, signals=signals))[:, columns].sum(axis=1, dtype=np.float64) * hangs
        recognised[quarters] = on_foot.sum()
        x_g[quarters] = on_foot @ gravity[:, 0]
    return recognised, x_g
