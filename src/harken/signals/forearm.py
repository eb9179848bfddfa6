"""Which axis of a sensor probably lies along the forearm if nobody walks: by calm moments, and by the make of a watch.

In walking the arm hangs, which shows the axis for certain (``harken.models.mounting``). Without walking, two habits of
arms show it. A resting forearm is about horizontal, so gravity lies across it. And a forearm rolls more easily than it
tilts, so the small movements of calm moments are across it, too, even if the arm hangs.
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
"""With so many calm blocks, the evidence counts by half."""
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
    """What ten-second blocks with little movement show about the axis along the forearm; all 0 if nothing.

    Attributes:
        blocks: the number of blocks.
        gravity: the median of abs(y) less that of abs(x), as shares of gravity; positive for x along the forearm.
        movement: the median of the logarithm of the standard deviation along y over that along x; positive for x along
            the forearm.
    """

    blocks: int = 0
    gravity: float = 0.0
    movement: float = 0.0

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
        return cls(int(calm.sum()), float(y - x), float(moved))


class CalmWeights(NamedTuple):
    """How much each part of ``CalmMoments`` counts, as factors in the logarithm of odds."""

    gravity: float
    movement: float


WEIGHTS = CalmWeights(gravity=3.61, movement=8.73)
"""Fitted to the people of five studies (``python -m benchmarks.recognition.mounting_without_walking``)."""


def along_forearm(calm: CalmMoments, make: Make | None = None, weights: CalmWeights = WEIGHTS) -> dict[str, float]:
    """The probability that x and that y lies along the forearm, by calm moments and the make.

    Nothing shows which end of the axis points towards the elbow.

    >>> from harken.signals.forearm import CalmMoments, along_forearm
    >>> {axis: round(share, 2) for axis, share in along_forearm(CalmMoments(95, -0.3, -0.2)).items()}
    {'x': 0.06, 'y': 0.94}

    Args:
        calm: what calm moments show.
        make: the make of the watch; without it, x and y are equally probable at first.
        weights: how much each part of ``calm`` counts.
    """
    share = calm.blocks / (calm.blocks + FEW_BLOCKS)
    usual = 0.5 if make is None else PRIOR_OF_MAKE if USUAL_AXIS[make].endswith("x") else 1 - PRIOR_OF_MAKE
    shown = weights.gravity * calm.gravity + weights.movement * calm.movement
    x = 1 / (1 + exp(-share * shown) * (1 - usual) / usual)
    x = min(max(x, 1 - MOST_SURE), MOST_SURE)
    return {"x": x, "y": 1 - x}
