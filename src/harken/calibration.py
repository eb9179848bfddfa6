"""Honest probabilities: a temperature, how far probabilities are from what happens, and when to say "unsure".

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.errors import HarkenError

__all__ = ["Coverage", "ProbabilityScores", "coverage", "expected_calibration_error", "fit_temperature"]

BINS = 15
"""As in the paper."""
COLDEST, HOTTEST = 0.05, 20.0


def fit_temperature(logits: NDArray[np.floating], codes: NDArray[np.integer]) -> float:
    """The temperature by which logits ``[n, classes]`` must be divided for the truth ``[n]`` to be most likely.

    One number cannot change which label is the most probable one. Fit it on windows of people the network did
    not learn from: on those it learned from it is sure of everything.

    Raises:
        HarkenError: when there are no windows.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    if len(codes) == 0:
        raise HarkenError("there are no windows to calibrate on")
    wide = np.asarray(logits, dtype=np.float64)
    truth = wide[np.arange(len(codes)), codes]

    def surprise(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return float(np.mean(logsumexp(wide / temperature, axis=1) - truth / temperature))

    found = minimize_scalar(surprise, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def expected_calibration_error(probabilities: NDArray[np.floating], codes: NDArray[np.integer]) -> float:
    """How far the largest probability is from the share of windows in which it is right.

    Windows ``[n]`` are sorted into 15 equally wide bins of their largest probability; the differences between a
    bin's mean probability and its accuracy are averaged over windows. 0 is perfect.

    Raises:
        HarkenError: when there are no windows.
    """
    if len(codes) == 0:
        raise HarkenError("there are no windows to score")
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == codes
    # A probability of exactly 1 belongs to the last bin.
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    surplus = np.bincount(bins, weights=sure - right, minlength=BINS)
    return float(np.abs(surplus).sum() / len(codes))


@dataclass(frozen=True, eq=False)
class Coverage:
    """Accuracy against coverage: what is gained by saying "unsure" where the largest probability is small.

    Attributes:
        thresholds: float64 ``[m]``, rising: below it the answer is "unsure".
        covered: the share of windows that still get an answer, ``[m]``.
        accuracy: the share of those that is right, ``[m]``; NaN where nothing is answered.
    """

    thresholds: NDArray[np.float64]
    covered: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def coverage(probabilities: NDArray[np.floating], codes: NDArray[np.integer], *, points: int = 101) -> Coverage:
    """The curve over ``points`` evenly spaced thresholds from 0 to 1.

    Raises:
        HarkenError: when there are no windows.
    """
    if len(codes) == 0:
        raise HarkenError("there are no windows to score")
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == codes
    order = np.argsort(sure, kind="stable")
    thresholds = np.linspace(0, 1, points)
    answered = len(codes) - np.searchsorted(sure[order], thresholds, side="left")
    hits = np.concatenate([np.cumsum(right[order][::-1])[::-1], [0]])[len(codes) - answered]
    with np.errstate(invalid="ignore"):
        return Coverage(thresholds, answered / len(codes), hits / answered)


@dataclass(frozen=True, eq=False)
class ProbabilityScores:
    """How far the probabilities of some labelled windows are to be believed."""

    expected_calibration_error: float
    curve: Coverage

    @classmethod
    def of(cls, probabilities: NDArray[np.floating], codes: NDArray[np.integer]) -> "ProbabilityScores":
        """Score probabilities ``[n, labels]`` against true codes ``[n]``. Raises as ``coverage``."""
        return cls(expected_calibration_error(probabilities, codes), coverage(probabilities, codes))

    def as_dict(self) -> dict[str, Any]:
        """For JSON; an accuracy of nothing is null."""
        return {
            "expected_calibration_error": self.expected_calibration_error,
            "unsure_below": self.curve.thresholds.tolist(),
            "coverage": self.curve.covered.tolist(),
            "accuracy": [value if np.isfinite(value) else None for value in self.curve.accuracy.tolist()],
        }
