"""The most probable sequence of labels, from the probabilities of each row and the expected lengths of bouts.

The model is a hidden Markov model in continuous time. The wearer leaves label i at the rate 1 / (expected length of its
bouts), independently of the past, and goes to each other label with equal probability. From the middle of one row to
the middle of the next, t seconds later, the transition probabilities are

    P(t) = exp(Q t),    Q[i, i] = -1 / length[i],    Q[i, j] = 1 / length[i] / (labels - 1).

Rows of any length, and gaps, therefore need no separate rule: after a long gap, earlier rows have little effect. At the
start of a chain, the prior of each label is its share of time in the stationary distribution of Q, as after an infinite
gap. This share is proportional to the expected length.

The likelihood of a label in a row is 0.99 p + 0.01 / labels, where p is the network's probability. A single p of 0
therefore cannot exclude a label. p is not divided by the frequency of the label in the training data.

Three things are known of bouts besides their lengths.

- *Walks are short, and little else looks like walking.* A walk at home lasts two to six rows, and the first and the
  last of them are walking only in part. A row is the mean of two windows, and networks are taught never to be quite
  sure. A probability of 0.7 is therefore stronger evidence of walking than it says. The likelihoods of walking and
  stairs (``SHORT``) are raised to the power of ``SHORT_EVIDENCE``, and so is the sum of those of all other labels,
  whose shares of it stay. Running lasts, and gained nothing from the same.
- *A posture lasts as long as the arm is held in one way.* Lying, sitting, standing and cycling differ in how the arm is
  held. It is held so for minutes, and all windows of these minutes share one error. Of the evidence between these
  labels, only a part is therefore new in each row: the likelihood of each, as a share of their sum, is raised to the
  power of ``NEW_EVIDENCE``. The evidence between them and walking counts in full.
- *Nobody stands up or lies down without moving the arm.* While the arm is calm, time counts by ``CALM_PACE``, and while
  it moves, by ``MOVING_PACE``. So changes are more probable in rows that move, or that follow one that does. Where the
  movement is unknown, time counts as it is.

The last two were chosen on composed days of people of unseen studies, and on how often labels change in an hour of
sitting in another study (``docs/results/posture_lasts.json``), the first on composed homes and days of unseen
studies (``benchmarks/recognition/composed_days.py``). Rows are treated as independent, although their windows overlap.
The posteriors are therefore overconfident, above all those of ``SHORT``.

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

The weight of the prior is small: two or three rows of walking outweigh the cost of leaving a label. The cost
depends on the logarithm of the expected length.

Where the arm is still in a sleep period (``harken.outcomes.nights.still_at_night_ns``), the likelihood of lying is
multiplied by 30: somebody whose arm rests at night lies much more often than sits. It is evidence like the network's,
so a network that is sure of walking, or a row in which the arm moves, is not overruled.

hmmlearn and similar libraries are not used. They have one transition matrix for all steps, and therefore no elapsed
time. Their loops are in C, and harken's core works without compiled code. See ``Chain`` for the arithmetic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harken.support.arrays import BoolArray, Float64Array, Int64Array
from harken.support.errors import HarkenError

TRUST = 0.99
STILL_AT_NIGHT = 30.0
"""The likelihood of a still arm in a sleep period, given lying, relative to any other label. Chosen with
``benchmarks/outcomes/composed_nights.py --choose`` on half of the people of one study: more hardly helps."""
LYING = ("lying", "laying_down")
SHORT = ("walking", "stairs")
"""Labels of movement that at home lasts only some seconds."""
SHORT_EVIDENCE = 3.0
"""The power of the evidence of each row for the labels of ``SHORT``, and between them."""
HELD = (*LYING, "sitting", "standing", "cycling")
"""Labels that are distinguished by how the arm is held, and not by how it moves."""
NEW_EVIDENCE = 0.2
"""How much of the evidence that distinguishes ``HELD`` is new in each row of five seconds."""
MOVING_MG = 50.0
"""The arm moves in a row with at least so much activity (``Timeline``)."""
CALM_PACE, MOVING_PACE = 0.3, 3.0
"""How much a second counts while the arm is calm, and while it moves."""
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
"""Seconds, for the common labels (``harken.datasets.common_activities``) and the notebook's."""

ANY_OTHER_LABEL_S = 120.0
"""Seconds, for any other label."""

Number = TypeVar("Number", np.floating, np.int64)
STEPS_AND_BLOCKS = 4
"""One step in all blocks takes about four times as long as one block in the loops over blocks."""


def smooth(
    probabilities: NDArray[np.floating],
    elapsed_s: Float64Array,
    expected_bout_s: Sequence[float],
    likelihood: NDArray[np.floating] | None = None,
    held: BoolArray | None = None,
    short: BoolArray | None = None,
) -> tuple[NDArray[np.floating], Int64Array]:
    """Smooth the probabilities of rows.

    Args:
        probabilities: of each label in each row, ``[n, labels]``, without NaN.
        elapsed_s: seconds since the previous row, above 0, ``[n]``; infinite where earlier rows have no effect. The
            first value is not used.
        expected_bout_s: the expected length of a bout of each label, above 0, ``[labels]``.
        likelihood: of what else is known of each row, given each label, up to a factor, above 0, ``[n, labels]``. It
            multiplies the likelihood from ``probabilities``. None: nothing else is known.
        held: the labels that are distinguished by how the arm is held, bool ``[labels]``: of the evidence between them,
            ``NEW_EVIDENCE`` counts. None: all evidence counts.
        short: the labels whose bouts are often of only a few rows, bool ``[labels]``: evidence of them counts
            ``SHORT_EVIDENCE`` times. None: it counts once.

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
    if short is not None:
        _strengthen(evidence, short)
    if likelihood is not None:
        evidence *= likelihood
    if held is not None and held.any():
        together = evidence[:, held].sum(axis=1, keepdims=True)
        evidence[:, held] = together * (evidence[:, held] / together) ** NEW_EVIDENCE
    chain = Chain(
        transitions=np.maximum(transitions(np.asarray(expected_bout_s, dtype=np.float64), different_s), SMALLEST),
        which=which.astype(np.int64),
        evidence=evidence,
    )
    return chain.posteriors(), chain.best_path()


def _strengthen(evidence: NDArray[np.floating], short: BoolArray) -> None:
    """Raise the evidence for and between short labels to the power of ``SHORT_EVIDENCE``, in place."""
    if short.all() or not short.any():
        return
    evidence[:, ~short] *= evidence[:, ~short].sum(axis=1, keepdims=True) ** (SHORT_EVIDENCE - 1)
    evidence[:, short] **= SHORT_EVIDENCE


def pace(activity_mg: NDArray[np.floating]) -> Float64Array:
    """How much the time from the row before to each row counts, float64 ``[n]``: more if the arm moves in one of them.

    Args:
        activity_mg: the activity of each row (``Timeline``), ``[n]``; NaN where it is unknown.
    """
    either_mg = np.maximum(activity_mg, np.concatenate([activity_mg[:1], activity_mg[:-1]]))
    known = np.where(either_mg >= MOVING_MG, MOVING_PACE, CALM_PACE)
    return np.where(np.isnan(either_mg), 1.0, known)


def still_at_night_likelihood(
    labels: Sequence[str], middle_ns: Int64Array, still_ns: Int64Array
) -> NDArray[np.float32]:
    """The likelihood of a still arm in a sleep period for each row and label, float32 ``[n, labels]``.

    Args:
        labels: the labels.
        middle_ns: the middle of each row in ns since 1970, int64 ``[n]``.
        still_ns: stretches, see ``Timeline.smoothed``.
    """
    begun, ended = (np.searchsorted(np.sort(edges), middle_ns, side="right") for edges in still_ns.T)
    still = begun > ended
    lying = np.array([label in LYING for label in labels])
    return np.where(still[:, None] & lying, STILL_AT_NIGHT, 1).astype(np.float32)


def transitions(expected_bout_s: Float64Array, elapsed_s: Float64Array) -> Float64Array:
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
    bout_s = {label: float(given.get(label, EXPECTED_BOUT_S.get(label, ANY_OTHER_LABEL_S))) for label in labels}
    for label, seconds in bout_s.items():
        if not 0 < seconds < float("inf"):
            raise HarkenError(f"the expected bout length of {label} must be above 0 s, got {seconds:g}")
    return bout_s


@dataclass(frozen=True, eq=False)
class Chain:
    """A hidden Markov chain: a hidden state, and a likelihood of each state, at each of n steps.

    Inference is exact and has no Python loop over steps. A week has 121,000 steps. In NumPy, a loop over them takes a
    second or more for each pass. Here the chain is cut into blocks. The effect of a block on a distribution is one
    matrix: the product of the matrices of its steps. The products of all blocks are computed at the same time, step by
    step. Then the distribution at the start of each block is known, and the passes within the blocks are computed at
    the same time too. This is an associative scan in two levels (S. Särkkä and Á. García-Fernández, "Temporal
    parallelization of Bayesian smoothers", IEEE Trans. Automatic Control 66(1), 2021). The most probable path is found
    in the same way, with a maximum in place of the sum.

    Attributes:
        transitions: the different transition matrices, float64 ``[m, states, states]``: rows are the previous state.
            All values are above 0.
        which: the number of the matrix from the previous step to each step, int64 ``[n]``. Before the first step, all
            states have the same probability.
        evidence: the likelihood of each state at each step, up to a factor, ``[n, states]``. All values are above 0.
            Results and stored intermediate values have its precision; the arithmetic is in float64.
    """

    transitions: Float64Array
    which: Int64Array
    evidence: NDArray[np.floating]

    def posteriors(self) -> NDArray[np.floating]:
        """The probability of each state at each step given all evidence, ``[n, states]`` (forward-backward)."""
        n, states = self.evidence.shape
        length, blocks = self._blocks[1].shape
        whole = np.broadcast_to(np.eye(states), (blocks, states, states))
        for step in self._steps():
            whole = whole @ step
            whole /= whole.max(axis=(1, 2), keepdims=True)
        entering, leaving = np.ones((2, blocks, states))
        for block in range(1, blocks):
            entering[block] = entering[block - 1] @ whole[block - 1]
            entering[block] /= entering[block].sum()
        for block in range(blocks - 2, -1, -1):
            leaving[block] = whole[block + 1] @ leaving[block + 1]
            leaving[block] /= leaving[block].sum()
        shares = np.empty((length, blocks, states), dtype=self.evidence.dtype)
        forward = entering[:, None, :]
        for number, step in enumerate(self._steps()):
            forward = forward @ step
            forward /= forward.sum(axis=2, keepdims=True)
            shares[number] = forward[:, 0]
        backward = leaving[:, :, None]
        for number, step in zip(range(length - 1, -1, -1), self._steps(backwards=True), strict=True):
            shares[number] *= backward[:, :, 0]
            backward = step @ backward
            backward /= backward.sum(axis=1, keepdims=True)
        shares /= shares.sum(axis=2, keepdims=True)
        return shares.swapaxes(0, 1).reshape(-1, states)[:n]

    def best_path(self) -> Int64Array:
        """The most probable sequence of states given all evidence, ``[n]`` (Viterbi)."""
        n, states = self.evidence.shape
        length, blocks = self._blocks[1].shape
        same = np.where(np.eye(states, dtype=bool), 0.0, -np.inf)
        whole = np.broadcast_to(same, (blocks, states, states))
        for step in self._log_steps():
            whole = _max_product(whole, step)
        score = np.zeros((blocks, states))
        for block in range(1, blocks):
            score[block] = (score[block - 1, :, None] + whole[block - 1]).max(axis=0)
        before = np.empty((length, blocks, states), dtype=np.int16)
        for number, step in enumerate(self._log_steps()):
            candidates = score[:, :, None] + step
            before[number] = candidates.argmax(axis=1)
            score = candidates.max(axis=1)
        # Trace back from each possible last state of a block, in all blocks at once; then from block to block.
        path = np.empty((length, blocks, states), dtype=np.int16)
        state = np.broadcast_to(np.arange(states, dtype=np.int16), (blocks, states))
        for number in range(length - 1, -1, -1):
            path[number] = state
            state = np.take_along_axis(before[number], state.astype(np.int64), axis=1)
        ends = np.empty(blocks, dtype=np.int64)
        ends[-1] = score[-1].argmax()
        for block in range(blocks - 1, 0, -1):
            ends[block - 1] = state[block, ends[block]]
        found = np.take_along_axis(path, ends[None, :, None], axis=2)[:, :, 0]
        return found.T.reshape(-1)[:n].astype(np.int64)

    @cached_property
    def _blocks(self) -> tuple[Float64Array, Int64Array, NDArray[np.floating]]:
        """``transitions`` and a matrix of ones; then in blocks ``which``, ``[length, blocks]``, and ``evidence``,
        ``[length, blocks, states]``. The last block is filled up with ones."""
        length = max(1, round((len(self.which) / STEPS_AND_BLOCKS) ** 0.5))
        ones = np.ones((1, *self.transitions.shape[1:]))
        which = _in_blocks(self.which, length, len(self.transitions))
        return np.concatenate([self.transitions, ones]), which, _in_blocks(self.evidence, length, 1.0)

    def _steps(self, *, backwards: bool = False) -> Iterator[Float64Array]:
        """The matrix of each step of all blocks, transition and evidence, ``[blocks, states, states]``."""
        transitions, which, evidence = self._blocks
        numbers = range(len(which))
        for number in reversed(numbers) if backwards else numbers:
            yield transitions[which[number]] * evidence[number][:, None, :]

    def _log_steps(self) -> Iterator[Float64Array]:
        transitions, which, evidence = self._blocks
        logarithms = np.log(transitions)
        for chosen, likelihood in zip(which, evidence, strict=True):
            yield logarithms[chosen] + np.log(likelihood)[:, None, :]


def _in_blocks(values: NDArray[Number], length: int, fill: float) -> NDArray[Number]:
    """``[n, ...]`` -> ``[length, blocks, ...]``; the last block is filled up with ``fill``."""
    missing = [(0, -len(values) % length), *[(0, 0)] * (values.ndim - 1)]
    padded = np.pad(values, missing, constant_values=fill)
    return np.ascontiguousarray(padded.reshape(-1, length, *values.shape[1:]).swapaxes(0, 1))


def _max_product(left: Float64Array, right: Float64Array) -> Float64Array:
    """Products of matrices of logarithms, ``[blocks, states, states]``, with the maximum in place of the sum."""
    found = left[:, :, :1] + right[:, :1, :]
    for state in range(1, left.shape[2]):
        np.maximum(found, left[:, :, state, None] + right[:, state, None, :], out=found)
    return found
