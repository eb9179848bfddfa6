"""The smoother, against all sequences of labels that there are, one by one, and what it does to time that passes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.linalg import expm

from harken.timelines.smoothing import (
    NEW_EVIDENCE,
    SHORT_EVIDENCE,
    STILL_AT_NIGHT,
    Chain,
    smooth,
    still_at_night_likelihood,
)

Array = NDArray[np.float64]


def generator(expected_bout_s: Array) -> Array:
    """Q, as it is written in the module's docstring."""
    labels = len(expected_bout_s)
    rates = np.array([[1 / length / (labels - 1) for _ in range(labels)] for length in expected_bout_s])
    np.fill_diagonal(rates, -1 / expected_bout_s)
    return rates


def every_path(
    probabilities: Array,
    elapsed_s: Array,
    expected_bout_s: Array,
    likelihood: Array,
    held: list[int],
    short: list[int],
) -> dict[tuple[int, ...], float]:
    """How probable each sequence of labels is together with what was seen, by multiplying it out."""
    n, labels = probabilities.shape
    seen = 0.99 * probabilities + 0.01 / labels
    others = [label for label in range(labels) if label not in short]
    for row in seen:
        if short and others:
            not_short = sum(row[label] for label in others)
            for label in short:
                row[label] **= SHORT_EVIDENCE
            for label in others:
                row[label] *= not_short ** (SHORT_EVIDENCE - 1)
    seen *= likelihood
    for row in seen:
        together = sum(row[label] for label in held)
        for label in held:
            row[label] = together * (row[label] / together) ** NEW_EVIDENCE
    in_the_long_run = expected_bout_s / expected_bout_s.sum()
    after = [
        np.tile(in_the_long_run, (labels, 1)) if np.isinf(seconds) else expm(generator(expected_bout_s) * seconds)
        for seconds in elapsed_s
    ]
    found = {}
    for path in product(range(labels), repeat=n):
        weight = in_the_long_run[path[0]]
        for step, label in enumerate(path):
            weight *= seen[step, label]
            weight *= after[step][path[step - 1], label] if step else 1
        found[path] = float(weight)
    return found


@st.composite
def chains(draw: st.DrawFn, longest: int = 5) -> tuple[Array, Array, Array]:
    """Probabilities, elapsed seconds and expected bouts of a short chain, with short and long pauses."""
    labels, n = draw(st.integers(2, 3)), draw(st.integers(1, longest))
    weights = draw(st.lists(st.lists(st.floats(0, 1), min_size=labels, max_size=labels), min_size=n, max_size=n))
    probabilities = np.array(weights) + 1e-9
    pauses = st.one_of(st.floats(0.1, 20), st.floats(20, 1e6), st.just(float("inf")))
    elapsed_s = np.array(draw(st.lists(pauses, min_size=n, max_size=n)))
    bouts_s = draw(st.lists(st.floats(1, 1e5), min_size=labels, max_size=labels))
    return probabilities / probabilities.sum(axis=1, keepdims=True), elapsed_s, np.array(bouts_s)


@settings(max_examples=50)
@given(chains(), st.data())
def test_it_is_what_all_sequences_together_say(chain: tuple[Array, Array, Array], data: st.DataObject) -> None:
    probabilities, elapsed_s, bouts_s = chain
    favoured = data.draw(st.lists(st.floats(0.01, 1000), min_size=probabilities.size, max_size=probabilities.size))
    likelihood = np.reshape(favoured, probabilities.shape)
    held = np.array(data.draw(st.lists(st.booleans(), min_size=len(bouts_s), max_size=len(bouts_s))))
    short = ~held & data.draw(st.lists(st.booleans(), min_size=len(bouts_s), max_size=len(bouts_s)))
    posteriors, path = smooth(probabilities, elapsed_s, bouts_s.tolist(), likelihood, held, short)
    weights = every_path(*chain, likelihood, np.flatnonzero(held).tolist(), np.flatnonzero(short).tolist())
    total = sum(weights.values())
    expected = np.zeros_like(posteriors)
    for labels, weight in weights.items():
        expected[np.arange(len(labels)), labels] += weight / total
    np.testing.assert_allclose(posteriors, expected, rtol=1e-6, atol=1e-12)
    # Of several sequences that are equally probable any will do.
    assert weights[tuple(path.tolist())] == pytest.approx(max(weights.values()), rel=1e-6)


def plainly(chain: Chain) -> tuple[Array, float]:
    """Posteriors, and the logarithm of the most probable path, in a loop over the steps."""
    n, states = chain.evidence.shape
    forward, backward, best = np.empty((n, states)), np.ones((n, states)), np.zeros(states)
    before = np.ones(states)
    for t in range(n):
        step = chain.transitions[chain.which[t]] * chain.evidence[t]
        forward[t] = before @ step
        forward[t] /= forward[t].sum()
        before = forward[t]
        best = (best[:, None] + np.log(step)).max(axis=0)
    for t in range(n - 1, 0, -1):
        backward[t - 1] = chain.transitions[chain.which[t]] @ (chain.evidence[t] * backward[t])
        backward[t - 1] /= backward[t - 1].sum()
    found = forward * backward
    return found / found.sum(axis=1, keepdims=True), float(best.max())


@pytest.mark.parametrize("n", [1, 2, 3, 7, 64, 65, 1000, 5000])
def test_blocks_are_joined_as_if_there_were_none(n: int) -> None:
    random = np.random.default_rng(n)
    chain = Chain(
        transitions=random.dirichlet(np.full(4, 0.3), (3, 4)) + 1e-6,
        which=random.integers(0, 3, n),
        evidence=random.dirichlet(np.full(4, 0.2), n) + 1e-6,
    )
    posteriors, best = plainly(chain)
    np.testing.assert_allclose(chain.posteriors(), posteriors, rtol=1e-9, atol=1e-12)
    path = chain.best_path()
    steps = np.log(chain.transitions[chain.which[1:], path[:-1], path[1:]]).sum()
    first = np.log(chain.transitions[chain.which[0]][:, path[0]].max())
    assert first + steps + np.log(chain.evidence[np.arange(n), path]).sum() == pytest.approx(best, rel=1e-12)


def test_a_still_arm_in_a_sleep_period_favours_lying_alone() -> None:
    middle_ns = np.array([5, 15, 25, 35, 45])
    overlapping_ns = np.array([[12, 20], [18, 30], [40, 45]])
    found = still_at_night_likelihood(("sitting", "lying"), middle_ns, overlapping_ns)
    assert found[:, 0].tolist() == [1] * 5
    assert found[:, 1].tolist() == [1, STILL_AT_NIGHT, STILL_AT_NIGHT, 1, 1]
    assert (still_at_night_likelihood(("sitting", "walking"), middle_ns, overlapping_ns) == 1).all()


def test_nothing_and_a_single_label() -> None:
    posteriors, path = smooth(np.empty((0, 3)), np.empty(0), [1.0, 1.0, 1.0])
    assert posteriors.shape == (0, 3)
    assert len(path) == 0
    posteriors, path = smooth(np.ones((4, 1)), np.full(4, 5.0), [60.0])
    assert posteriors.tolist() == [[1.0]] * 4
    assert path.tolist() == [0] * 4
