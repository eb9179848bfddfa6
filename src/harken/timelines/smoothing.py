"""The most probable sequence of labels, from the probabilities of each row and the expected lengths of bouts.

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

The expected lengths are assumptions, rounded, and stated before anything was smoothed; none was fitted to recordings
that harken is tested on. What is known of adults' free living:

- walking: most bouts last less than half a minute, four of five less than a minute (M. S. Orendurff and others, "How
  humans walk: bout duration, steps per bout, and rest duration", J. Rehabilitation Research and Development 45(7),
  2008). A minute is the mean that a few long walks make of it.
- sitting and lying: bouts of a quarter and of half an hour. Lengths of sitting bouts follow a heavy tail
  (S. F. M. Chastin and M. H. Granat, "Methods for objective measure, quantification and analysis of sedentary behaviour
  and inactivity", Gait & Posture 31(1), 2010), so that one number is a rough summary of them.
- stairs: a flight or two. Running and cycling: a short outing. Standing, and whatever else the hands are busy with: a
  couple of minutes.

What the prior is worth beside what the network says: leaving a label costs as much as being told otherwise by a few
steps, because the logarithm of a length enters, not the length. ``benchmarks/recognition/composed_days.py`` measures it
on bouts of half and of double the lengths.

Libraries were looked at. hmmlearn, and all others of its kind, have one transition matrix for all steps, so no elapsed
time, and loop in C, which harken's core does not need to compile. See ``harken.timelines.chain`` for the arithmetic.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.timelines.chain import Chain

__all__ = ["ANY_OTHER_LABEL_S", "EXPECTED_BOUT_S", "expected_bouts", "smooth"]

TRUST = 0.99
SMALLEST = 1e-30
"""Rounding may turn a transition that is next to impossible into 0 or less."""

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
"""Seconds, for the common words (``harken.datasets.label_schemes``) and the notebook's."""

ANY_OTHER_LABEL_S = 120.0
"""Seconds, for a label of somebody's own."""


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


def expected_bouts(labels: Sequence[str], said: Mapping[str, float] | None = None) -> dict[str, float]:
    """The expected length of a bout of each label, in s: what was said, else the default.

    Raises:
        HarkenError: when something is said of no label, or a length is not a finite number above 0.
    """
    said = {} if said is None else said
    unknown = [label for label in said if label not in labels]
    if unknown:
        raise HarkenError(f"an expected bout length is given for {', '.join(unknown)}; labels are {', '.join(labels)}")
    found = {label: float(said.get(label, EXPECTED_BOUT_S.get(label, ANY_OTHER_LABEL_S))) for label in labels}
    for label, seconds in found.items():
        if not 0 < seconds < float("inf"):
            raise HarkenError(f"a bout of {label} cannot be expected to last {seconds:g} s; give seconds above 0")
    return found
