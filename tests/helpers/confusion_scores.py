"""Scores made by hand: from a confusion matrix, or from how sure some answers are."""

import numpy as np

from harken.models.calibration import Coverage, coverage
from harken.models.scores import Scores, score

LABELS = ("lying", "sitting", "walking")


def scores_of(confusion: list[list[int]], names: tuple[str, ...] = LABELS) -> Scores:
    """The scores of windows that were taken for one another so often: rows are the truth."""
    counts = np.array(confusion)
    truth, predicted = np.nonzero(counts)
    times = counts[truth, predicted]
    return score(np.repeat(truth, times), np.repeat(predicted, times), names)


def curve_of(sure: list[float], right: list[bool]) -> Coverage:
    """The coverage of windows whose answers have these probabilities and are right or wrong."""
    return coverage(np.stack([np.array(sure), 1 - np.array(sure)], axis=1), np.where(right, 0, 1))
