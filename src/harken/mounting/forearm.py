"""Which axis of a sensor probably lies along the forearm: by walking, by calm moments, and by the make of a watch.

In walking the arm hangs, so gravity lies along the forearm. Without walking, two habits of arms show the axis. A
resting forearm is about horizontal, so gravity lies across it. And a forearm rolls more easily than it tilts, so the
small movements of calm moments are across it, too, even if the arm hangs.
"""

from collections.abc import Mapping
from math import exp
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Make
from harken.signals.movement import MovementBlocks
from harken.signals.non_wear import worn
from harken.support.arrays import Int64Array

CALM_G = 0.15
"""The largest movement of a calm block: its standard deviation, all axes together."""
LEAST_CALM_G, MOST_CALM_G = 0.8, 1.2
"""The limits of the length of the mean acceleration in a calm block."""
NOISE_G = 0.003
"""Added to a standard deviation, so that a sensor without noise has a logarithm."""
FEW_BLOCKS = 5
"""With so many calm blocks, their evidence counts by half."""
FEW_WALKS = 4.0
"""With so many recognised moments of walking, the evidence of calm blocks counts by half."""
FACE_UP = 0.6
"""The least share of gravity along z in a calm block whose face is up or down."""
LEAST_FACE_DOWN, MOST_FACE_UP = 3, 3.0
"""How many calm blocks with the face down, in all and for each one with the face up, show reversed gravity."""
MOST_SURE = 0.99
"""The largest probability of an axis: of watches of other studies, about one in a hundred is wrong all the same."""

USUAL_AXIS: Mapping[Make, ForearmAxis] = MappingProxyType(
    {Make.ACTIGRAPH: "-y", Make.AXIVITY: "-y", Make.EMPATICA: "y", Make.GENEACTIV: "-y"}
)
"""The axis that usually lies along the forearm. Which of its ends points towards the elbow varies with arm and strap.

- Axivity: Open Movement's drawing of the wrist band has y along the forearm (``Docs/ax3/ax-orientation.png`` of
  openmovementproject/openmovement). In selfBACK, -y measures gravity in walking.
- ActiGraph and GENEActiv: the Sedentary Sphere (Rowlands and others, 2016, PubMed 26559451) computes the elevation of
  the arm as arcsin(y) for both, and a hanging arm has a negative one. (The ActiGraphs of LMU's HAR Lab have x there.)
- Empatica: no document states it. In Stress-Predict, gravity lies across y in 34 of 35 people at a desk.
"""
PRIOR_OF_MAKE = 0.8
"""The probability of the usual axis before anything is measured: it is right in four of five studies of known makes."""


class CalmMoments(NamedTuple):
    """What ten-second blocks with little movement show about how the watch sits; all 0 if nothing.

    Attributes:
        blocks: the number of blocks.
        gravity: the median of abs(y) less that of abs(x), as shares of gravity; positive for x along the forearm.
        movement: the median of the logarithm of the standard deviation along y over that along x; positive for x along
            the forearm.
        face_up, face_down: the number of blocks in which gravity lies mostly along z, with z positive and negative.
    """

    blocks: int = 0
    gravity: float = 0.0
    movement: float = 0.0
    face_up: int = 0
    face_down: int = 0

    @property
    def gravity_is_reversed(self) -> bool:
        """Whether z is negative where it should be positive: the back of a resting hand mostly points up.

        Then the watch reports gravity with the opposite sign, or its face is on the inside of the wrist. Reversing all
        axes is right for both: a watch on the inside then measures what one on the other arm would.
        """
        return self.face_down >= LEAST_FACE_DOWN and self.face_down > MOST_FACE_UP * self.face_up

    @classmethod
    def of(cls, blocks: MovementBlocks, non_wear_ns: Int64Array | None = None) -> "CalmMoments":
        """Of the blocks of a recording.

        Args:
            blocks: statistics of ten-second blocks, with x and y as the first axes.
            non_wear_ns: the times of non-wear, int64 ``[k, 2]``, whose blocks do not count; None: always worn.
        """
        length = np.linalg.norm(blocks.mean, axis=1)
        calm = np.linalg.norm(blocks.standard_deviation, axis=1) < CALM_G
        calm &= (length > LEAST_CALM_G) & (length < MOST_CALM_G)
        if non_wear_ns is not None:
            calm &= worn(blocks.start_ns, non_wear_ns)
        if not calm.any():
            return cls()
        x, y = np.median(np.abs(blocks.mean[calm, :2]) / length[calm, None], axis=0)
        movement = np.log(blocks.standard_deviation[calm, :2] + NOISE_G)
        moved = np.median(movement[:, 1] - movement[:, 0])
        up = blocks.mean[calm, 2] / length[calm]
        face_up, face_down = int((up > FACE_UP).sum()), int((up < -FACE_UP).sum())
        return cls(int(calm.sum()), float(y - x), float(moved), face_up, face_down)


class EvidenceWeights(NamedTuple):
    """How much each part of the evidence for an axis counts.

    Attributes:
        gravity, movement: factors of these parts of ``CalmMoments`` in the logarithm of odds.
        walking: the power of one more than the number of recognised moments of walking, in the odds.
    """

    gravity: float
    movement: float
    walking: float


WEIGHTS = EvidenceWeights(gravity=1.19, movement=8.84, walking=1.78)
"""Fitted to the people of five studies (``python -m benchmarks.recognition.mounting_as_met``)."""


def along_forearm(
    calm: CalmMoments,
    make: Make | None = None,
    weights: EvidenceWeights = WEIGHTS,
    *,
    walking_x: float = 0.0,
    walking_y: float = 0.0,
) -> dict[str, float]:
    """The probability that x and that y lies along the forearm, by calm moments, the make and walking.

    Walking comes first: the more of it is recognised, the less calm moments count, because people who stand between
    their walks let the arm hang.

    >>> from harken.mounting.forearm import CalmMoments, along_forearm
    >>> {axis: round(share, 2) for axis, share in along_forearm(CalmMoments(95, -0.3, -0.2)).items()}
    {'x': 0.12, 'y': 0.88}

    Args:
        calm: what calm moments show.
        make: the make of the watch; without it, x and y are equally probable at first.
        weights: how much each part of the evidence counts.
        walking_x, walking_y: the number of recognised moments of walking in which gravity lies along this axis.
    """
    share = calm.blocks / (calm.blocks + FEW_BLOCKS)
    share /= 1 + max(walking_x, walking_y) / FEW_WALKS
    usual = 0.5 if make is None else PRIOR_OF_MAKE if USUAL_AXIS[make].endswith("x") else 1 - PRIOR_OF_MAKE
    shown = weights.gravity * calm.gravity + weights.movement * calm.movement
    x = 1 / (1 + exp(-share * shown) * (1 - usual) / usual)
    x = min(max(x, 1 - MOST_SURE), MOST_SURE)
    odds_x = x * (1 + walking_x) ** weights.walking
    odds_y = (1 - x) * (1 + walking_y) ** weights.walking
    return {"x": odds_x / (odds_x + odds_y), "y": odds_y / (odds_x + odds_y)}
