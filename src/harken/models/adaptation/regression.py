"""Logistic regression that begins at known weights and is pulled back towards them.

Source: C. Chelba and A. Acero, "Adaptation of maximum entropy capitalizer: little data can help a lot", EMNLP 2004: a
Gaussian prior around the general model's weights. Where this departs: labels count alike however long they were
recorded, and only recorded labels compete.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

__all__ = ["label_shares", "pulled_weights"]

Floats = NDArray[np.float64]
MOST_ITERATIONS = 300


def pulled_weights(
    features: Floats, codes: NDArray[np.int64], general: Floats, *, strengths: Sequence[float]
) -> list[Floats]:
    """Weights ``[features, labels]`` for each strength of the pull.

    The loss is the mean over recorded labels of their windows' mean log loss, plus half the strength times the
    squared distance from the general weights. Only labels that occur in ``codes`` compete: whoever records walking
    and sitting has not said that they never lie down. So the weights of all others stay as they are, to the bit, and
    the changes of those that occur add up to nothing. With fewer than two labels nothing changes.

    Args:
        features: float64 ``[n, features]``.
        codes: the true labels, ``[n]``.
        general: the weights to begin at, ``[features, labels]``.
        strengths: strongest first; each begins where the one before it ended, which saves time and decides nothing.
    """
    recorded, truth = np.unique(codes, return_inverse=True)
    if len(recorded) < 2:
        return [general for _ in strengths]
    share = label_shares(codes)
    right = np.eye(len(recorded))[truth]
    start = features @ general[:, recorded]
    change = np.zeros(general.shape[0] * len(recorded))

    def loss_and_slope(change: Floats, strength: float) -> tuple[float, Floats]:
        step = change.reshape(len(general), -1)
        log_probability = log_softmax(start + features @ step, axis=1)
        surprise = -float(share @ (log_probability * right).sum(axis=1))
        slope = features.T @ (share[:, None] * (np.exp(log_probability) - right)) + strength * step
        return surprise + strength / 2 * float(change @ change), slope.ravel()

    learned = []
    options = {"maxiter": MOST_ITERATIONS}
    # Matrices this small are multiplied in a millisecond; threads would wait for one another much longer.
    with threadpool_limits(1, user_api="blas"):
        for strength in strengths:
            change = minimize(loss_and_slope, change, args=(strength,), jac=True, method="L-BFGS-B", options=options).x
            weights = general.copy()
            weights[:, recorded] += change.reshape(len(general), -1)
            learned.append(weights)
    return learned


def label_shares(codes: NDArray[np.int64]) -> Floats:
    """How much each window counts, ``[n]``, where all labels count alike and all windows together 1."""
    labels, which, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(labels) * counts[which]))
