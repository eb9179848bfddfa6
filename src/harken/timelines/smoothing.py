"""The most probable sequence of labels, from the probabilities of each row and the expected lengths of bouts.

The model is a hidden Markov model in continuous time. The wearer leaves label i at the rate 1 / (expected length of its
bouts), independently of the past, and goes to each other label with equal probability. From the middle of one row to
the middle of the next, t seconds later, the transition probabilities are

    P(t) = exp(Q t),    Q[i, i] = -1 / length[i],    Q[i, j] = 1 / length[i] / (labels - 1).

Rows of any length, and gaps, therefore need no separate rule: after a long gap, earlier rows have little effect. At the
start of a chain, the prior of each label is its share of time in the stationary distribution of Q, as after an infinite
gap. This share is proportional to the expected length.

The likelihood of a label in a row is 0.99 p + 0.01 / labels, where p is the network's probability. A single p of 0
therefore cannot exclude a label. p is not divided by the frequency of the label in the training data. The model assumes
independent errors, but windows of neighbouring rows overlap, so their errors are dependent. The posteriors are
therefore overconfident.

The expected lengths are rounded assumptions. They were fixed before any timeline was smoothed, and none was fitted to
recordings that harken is tested on. Published results on adults in free living:

- walking: most bouts last less than half a minute, four of five less than a minute (M. S. Orendurff and others, "How
  humans walk: bout duration, steps per bout, and rest duration", J. Rehabilitation Research and Development 45(7),
  2008). A few long walks raise the mean to about a minute.
- sitting and lying: bouts of a quarter and of half an hour. Lengths of sitting bouts follow a heavy tail
  (S. F. M. Chastin and M. H. Granat, "Methods for objective measure, quantification and analysis of sedentary behaviour
  and inactivity", Gait & Posture 31(1), 2010), so one number is only a rough summary.
- stairs: one or two flights. Running and cycling: a short outing. Standing, and other activities of the hands: a
  couple of minutes.

The weight of the prior is small: a few rows with another most probable label outweigh the cost of leaving a label. The
cost depends on the logarithm of the expected length. ``benchmarks/recognition/composed_days.py`` measures the effect on
bouts of half and of double the lengths.

hmmlearn and similar libraries are not used. They have one transition matrix for all steps, and therefore no elapsed
time. Their loops are in C, and harken's core works without compiled code. See ``harken.timelines.chain`` for the
arithmetic.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.timelines.chain import Chain

__all__ = ["ANY_OTHER_LABEL_S", "EXPECTED_BOUT_S", "expected_bouts", "smooth"]

TRUST = 0.99
SMALLEST = 1e-30
"""The least probability of a transition. Rounding could otherwise give 0 or less for a very improbable one."""

EXPECTED_BOUT_S: Mapping[str, float] = {
    "lying": 1800.0,
    "laying_down": 1800.0,
    "sitting": 900.0,
    "standing": 120.0,
    "walking": 60.0,
    "running": 600.0,
    "stairs": 20.0,
    "cycling": 600.0,
    "other": 120.0,
}
"""Seconds, for the common labels (``harken.datasets.label_schemes``) and the notebook's."""

ANY_OTHER_LABEL_S = 120.0
"""Seconds, for any other label."""


def smooth(
    probabilities: NDArray[np.floating], elapsed_s: NDArray[np.float64], expected_bout_s: Sequence[float]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Smooth the probabilities of rows.

    Args:
        probabilities: of each label in each row, ``[n, labels]``, without NaN.
        elapsed_s: seconds since the previous row, above 0, ``[n]``; infinite where earlier rows have no effect. The
            first value is not used.
        expected_bout_s: the expected length of a bout of each label, above 0, ``[labels]``.

    Returns:
        The probability of each label in each row given all rows, ``[n, labels]``, in the precision of
        ``probabilities``; and the most probable sequence of labels, int64 ``[n]``. The label of a row in this sequence
        can differ from the most probable label of the row.
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
    """The probability of each label after each elapsed time, given the previous label: ``[times, labels, labels]``.

    In the stationary distribution there are as many changes from i to j as from j to i. Q is therefore similar to a
    symmetric matrix, S[i, j] = sqrt(rate[i] rate[j]) / (labels - 1), and all exponentials follow from one set of
    eigenvectors.
    """
    rates = 1 / expected_bout_s
    symmetric = np.sqrt(np.outer(rates, rates)) / (len(rates) - 1)
    np.fill_diagonal(symmetric, -rates)
    values, vectors = np.linalg.eigh(symmetric)
    # The largest eigenvalue is 0, that of the stationary distribution. It stays 0 after an infinite time.
    decay = np.ones((len(elapsed_s), len(rates)))
    decay[:, :-1] = np.exp(np.minimum(values[:-1], 0) * elapsed_s[:, None])
    scale = np.sqrt(rates)
    return np.asarray((vectors * decay[:, None, :]) @ vectors.T * (scale[:, None] / scale))


def expected_bouts(labels: Sequence[str], given: Mapping[str, float] | None = None) -> dict[str, float]:
    """The expected length of a bout of each label, in s: the given one, else the default.

    Raises:
        HarkenError: when a name is not one of the labels, or a length is not a finite number above 0.
    """
    given = {} if given is None else given
    unknown = [label for label in given if label not in labels]
    if unknown:
        raise HarkenError(f"an expected bout length is given for {', '.join(unknown)}; labels are {', '.join(labels)}")
    found = {label: float(given.get(label, EXPECTED_BOUT_S.get(label, ANY_OTHER_LABEL_S))) for label in labels}
    for label, seconds in found.items():
        if not 0 < seconds < float("inf"):
            raise HarkenError(f"the expected bout length of {label} must be above 0 s, got {seconds:g}")
    return found
