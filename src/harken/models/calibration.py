"""Calibration of probabilities: the temperature, the calibration error, and the threshold for "unsure".

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from harken.support.arrays import Float64Array, FloatArray, IntArray
from harken.support.errors import HarkenError
from harken.support.files import Json

BINS = 15
"""The number of bins, as in the paper."""
COLDEST, HOTTEST = 0.05, 20.0
GOLDEN = (5**0.5 - 1) / 2
PRECISION = 1e-7
"""Of the logarithm of a temperature."""


def fit_temperature(*groups: tuple[FloatArray, IntArray]) -> float:
    """The temperature that maximises the mean over groups of the mean log-likelihood of a group's true codes.

    Logits are divided by it. The temperature does not change which label is the most probable one. Fit it on windows of
    people who are not in the training data: on its training data, a network is overconfident.

    The fit is the paper's, with one additional window whose label is unknown. Without it, the best temperature would be
    0 if all windows are right, and every later mistake would have the probability 0.

    Args:
        groups: logits ``[n, classes]`` and true codes ``[n]`` of one group of windows or of several. Each counts
            equally, whatever its number of windows, and may be of another model with other labels.

    Raises:
        HarkenError: when there are no groups, or a group has no windows.
        ValueError: when a code is not that of a class.
    """
    if not groups:
        raise HarkenError("there are no windows to calibrate on")
    surprises = [_surprise(logits, codes) for logits, codes in groups]

    def mean_surprise(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        return float(np.mean([surprise(temperature) for surprise in surprises]))

    return float(np.exp(find_minimum(mean_surprise, float(np.log(COLDEST)), float(np.log(HOTTEST)))))


def find_minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the place of the minimum of a function with a single one between two bounds, by golden section.

    >>> round(find_minimum(lambda x: (x - 0.3) ** 2, 0.0, 1.0), 6)
    0.3
    """
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > PRECISION:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _surprise(logits: FloatArray, codes: IntArray) -> Callable[[float], float]:
    """The mean of minus the log-likelihood at a temperature, with one additional window of an unknown label."""
    _check(codes, classes=logits.shape[1], what="to calibrate on")
    n = len(codes)
    wide = np.asarray(logits, dtype=np.float64)
    # The window with the unknown label contributes the mean over all windows and labels.
    expected = (wide[np.arange(n), codes].sum() + wide.mean()) / (n + 1)
    shifted = wide - wide.max(axis=1, keepdims=True)
    largest = float(wide.max(axis=1).mean())

    def surprise(temperature: float) -> float:
        of_windows = np.log(np.exp(shifted / temperature).sum(axis=1))
        return float(of_windows.mean() + (largest - expected) / temperature)

    return surprise


def expected_calibration_error(probabilities: FloatArray, codes: IntArray) -> float:
    """The mean difference between the largest probability of windows and their accuracy.

    Windows ``[n]`` are sorted into 15 equally wide bins by their largest probability. The absolute differences between
    a bin's mean probability and its accuracy are averaged over windows. 0 is perfect.

    Raises:
        HarkenError: when there are no windows.
        ValueError: when a code is not that of a class.
    """
    _check(codes, classes=probabilities.shape[1])
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == codes
    # A probability of exactly 1 belongs to the last bin.
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    surplus = np.bincount(bins, weights=sure - right, minlength=BINS)
    return float(np.abs(surplus).sum() / len(codes))


@dataclass(frozen=True, eq=False)
class Coverage:
    """How reliable the probabilities of some labelled windows are: the calibration error, and accuracy against
    coverage, if windows with a small largest probability are "unsure".

    Attributes:
        expected_calibration_error: see the function of this name.
        thresholds: float64 ``[m]``, increasing; a window is "unsure" below the threshold.
        covered: the share of windows that are answered, ``[m]``.
        accuracy: the share of right ones among the answered windows, ``[m]``; NaN where no window is answered.
    """

    expected_calibration_error: float
    thresholds: Float64Array
    covered: Float64Array
    accuracy: Float64Array

    def at(self, unsure_below: float) -> tuple[float, float | None]:
        """Coverage and accuracy at the nearest threshold of the curve; the accuracy is None without answers."""
        place = int(np.abs(self.thresholds - unsure_below).argmin())
        accuracy = float(self.accuracy[place])
        return float(self.covered[place]), accuracy if np.isfinite(accuracy) else None

    def as_dict(self) -> Json:
        """For JSON; the accuracy is null without answers."""
        return {
            "expected_calibration_error": self.expected_calibration_error,
            "unsure_below": self.thresholds.tolist(),
            "coverage": self.covered.tolist(),
            "accuracy": [value if np.isfinite(value) else None for value in self.accuracy.tolist()],
        }


def coverage(probabilities: FloatArray, codes: IntArray) -> Coverage:
    """The calibration error, and the curve over the thresholds 0, 0.01, ... 1.

    Raises:
        HarkenError: when there are no windows.
        ValueError: when a code is not that of a class.
    """
    error = expected_calibration_error(probabilities, codes)
    thresholds = np.arange(101) / 100
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == codes
    order = np.argsort(sure, kind="stable")
    answers = len(codes) - np.searchsorted(sure[order].astype(np.float64), thresholds, side="left")
    right_from = np.cumsum(right[order][::-1])[::-1]
    hits = np.append(right_from, 0)[len(codes) - answers]
    with np.errstate(invalid="ignore"):
        return Coverage(error, thresholds, answers / len(codes), hits / answers)


@dataclass(frozen=True)
class Answered:
    """Counts of answers, if windows with a largest probability below ``unsure_below`` are "unsure".

    Attributes:
        unsure_below: the threshold.
        windows: the number of windows.
        answers: the number of windows that are answered.
        right: the number of answers that are right.
    """

    unsure_below: float
    windows: int
    answers: int
    right: int

    @property
    def coverage(self) -> float:
        """The share of windows that are answered."""
        return self.answers / self.windows

    @property
    def accuracy(self) -> float | None:
        """The share of answers that is right; None without answers."""
        return self.right / self.answers if self.answers else None

    def as_dict(self) -> Json:
        """For JSON; the accuracy is null without answers."""
        return asdict(self) | {"coverage": self.coverage, "accuracy": self.accuracy}


def answered(probabilities: FloatArray, codes: IntArray, *, unsure_below: float) -> Answered:
    """Count the answers of probabilities ``[n, classes]``, and those that agree with the true codes ``[n]``.

    Raises:
        HarkenError: when there are no windows, or the threshold is not a probability.
        ValueError: when a code is not that of a class.
    """
    if not 0 <= unsure_below <= 1:
        raise HarkenError(f"unsure_below must be a probability between 0 and 1, got {unsure_below:g}")
    _check(codes, classes=probabilities.shape[1])
    sure = probabilities.max(axis=1).astype(np.float64) >= unsure_below
    right = probabilities.argmax(axis=1) == codes
    return Answered(unsure_below, len(codes), int(sure.sum()), int((sure & right).sum()))


def _check(codes: IntArray, *, classes: int, what: str = "to score") -> None:
    if len(codes) == 0:
        raise HarkenError(f"there are no windows {what}")
    if codes.min() < 0 or codes.max() >= classes:
        raise ValueError(f"codes go from {codes.min()} to {codes.max()}, but there are {classes} classes")
