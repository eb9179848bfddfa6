"""The most probable course of labels, given probabilities step by step and how long bouts are expected to last.

A hidden Markov model in continuous time. The wearer leaves a label i at the rate 1 / (expected length of its bouts),
whatever went before, and goes to each of the others as probably. From one step's middle to the next, t seconds later,
the label changes by

    P(t) = exp(Q t),    Q[i, i] = -1 / length[i],    Q[i, j] = 1 / length[i] / (labels - 1),

so steps of any length, and gaps, need no rule of their own: after a long gap little is left of what was before it. A
chain begins as it would after an endless gap, every label as probable as the share of time that Q gives it in the long
run, which is proportional to its length.

What the network says of a step enters as the likelihood 0.99 p + 0.01 / labels: a step's p of 0 never rules out a label
for good. p is taken in full, and is not divided by how often a label was learned. Windows of neighbouring steps
overlap, so their errors are not independent, as the model takes them to be: its posteriors are surer than they are
right.

Libraries were looked at. hmmlearn, and all others of its kind, have one transition matrix for all steps, so no elapsed
time, and loop in C, which harken's core does not need to compile. See ``harken.timelines.chain`` for the arithmetic.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harken.timelines.chain import Chain

__all__ = ["smooth"]

TRUST = 0.99
SMALLEST = 1e-30
"""Rounding may turn a transition that is next to impossible into 0 or less."""


def smooth(
    probabilities: NDArray[np.floating], elapsed_s: NDArray[np.float64], expected_bout_s: Sequence[float]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Smooth the probabilities of steps.

    Args:
        probabilities: of each label at each step, ``[n, labels]``, without NaN.
        elapsed_s: seconds since the step before, above 0, ``[n]``; infinite where nothing that was before plays a part.
            The first number is not looked at.
        expected_bout_s: of each label, above 0, ``[labels]``.

    Returns:
        The probability of each label at each step given all steps, ``[n, labels]``, as precise as those given; and the
        most probable sequence of labels, int64 ``[n]``, which need not be the most probable label of each step.
    """
    n, labels = probabilities.shape
    if n == 0 or labels == 1:
        return np.ones((n, labels)), np.zeros(n, dtype=np.int64)
    elapsed_s = np.concatenate([[np.inf], elapsed_s[1:]])
    different_s, which = np.unique(elapsed_s, return_inverse=True)
    evidence = TRUST * probabilities
    evidence += (1 - TRUST) / labels
    del probabilities
    chain = Chain(
        transitions=np.maximum(transitions(np.asarray(expected_bout_s, dtype=np.float64), different_s), SMALLEST),
        which=which.astype(np.int64),
        evidence=evidence,
    )
    return chain.posteriors(), chain.best_path()


def transitions(expected_bout_s: NDArray[np.float64], elapsed_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each label after each of some times, given the one before: ``[times, labels, labels]``.

    Q is similar to a symmetric matrix, S[i, j] = sqrt(rate[i] rate[j]) / (labels - 1), since in the long run as much
    time goes from i to j as back; so its exponentials come from one set of eigenvectors.
    """
    rates = 1 / expected_bout_s
    symmetric = np.sqrt(np.outer(rates, rates)) / (len(rates) - 1)
    np.fill_diagonal(symmetric, -rates)
    values, vectors = np.linalg.eigh(symmetric)
    # The largest eigenvalue is 0, the long run, and remains so after an endless time.
    decay = np.ones((len(elapsed_s), len(rates)))
    decay[:, :-1] = np.exp(np.minimum(values[:-1], 0) * elapsed_s[:, None])
    scale = np.sqrt(rates)
    return np.asarray((vectors * decay[:, None, :]) @ vectors.T * (scale[:, None] / scale))
