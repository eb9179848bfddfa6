"""The output layer: the pulled logistic regression against its equations, and time that is cut so that what is learned
and what is tested never share a sample, nor a window's length around it."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harken.training.adaptation import (
    MOST_PARTS,
    NOWHERE,
    LabelledFeatures,
    decide,
    far_from,
    pulled_weights,
    time_parts,
)

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]
STRENGTHS = (0.1, 0.001)
SECOND = 1_000_000_000
WINDOW = 10 * SECOND


@pytest.fixture
def problem() -> Problem:
    """Features ``[60, 5]``, codes of labels 0, 2 and 3 of 4 (2 is rare), general weights ``[5, 4]``."""
    random = np.random.default_rng(0)
    codes = np.repeat([0, 2, 3], [40, 5, 15])
    features = random.normal(size=(60, 5)) / np.sqrt(5) + np.eye(5)[codes]
    return features, codes, random.normal(size=(5, 4))


def gradient(features: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of the mean over labels of the mean log loss."""
    variable = torch.from_numpy(weights).requires_grad_()
    labels, truth = np.unique(codes, return_inverse=True)
    log_losses = -torch.log_softmax(torch.from_numpy(features) @ variable[:, labels], 1)[np.arange(len(truth)), truth]
    torch.stack([log_losses[codes == label].mean() for label in labels]).mean().backward()  # type: ignore[no-untyped-call]
    assert variable.grad is not None
    return variable.grad.numpy()


def test_the_slope_of_the_loss_balances_the_pull(problem: Problem) -> None:
    features, codes, general = problem
    for strength, weights in zip(STRENGTHS, pulled_weights(features, codes, general, strengths=STRENGTHS), strict=True):
        np.testing.assert_allclose(gradient(features, codes, weights), -strength * (weights - general), atol=2e-5)


def examples(starts_ns: np.ndarray, codes: np.ndarray) -> LabelledFeatures:
    return LabelledFeatures(np.ones((len(codes), 1)), 1.0, codes, starts_ns, duration_ns=WINDOW, slack_ns=0)


def test_weights_are_not_kept_if_their_log_loss_is_no_number() -> None:
    codes = np.repeat([0, 1], 40)
    starts_ns = np.arange(80) * 5 * SECOND
    overflowed = replace(examples(starts_ns, codes), features=np.full((80, 1), np.nan))
    decision = decide(overflowed, np.ones((1, 2)))
    assert decision.tested_windows > 0
    assert decision.weights is None


def parts(*bouts: tuple[int, float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, codes and parts of windows of 10 s: each bout is a label, its begin and length, and the hop (s)."""
    starts = [begin + np.arange(0, length - 10 + 1e-9, hop) for _, begin, length, hop in bouts]
    codes = np.repeat([bout[0] for bout in bouts], [len(one) for one in starts])
    starts_ns = (np.concatenate(starts) * SECOND).astype(np.int64)
    return starts_ns, codes, time_parts(examples(starts_ns, codes))


def test_thirty_seconds_are_just_enough_for_two_parts() -> None:
    starts, _, found = parts((0, 0, 30, 5))
    assert dict(zip((starts // SECOND).tolist(), found.tolist(), strict=True)) == {
        0: 0,
        5: NOWHERE,
        10: NOWHERE,
        15: NOWHERE,
        20: 1,
    }
    assert set(parts((0, 0, 29, 1))[2]) == {0}


def test_every_label_is_cut_by_itself_and_short_ones_stay_whole() -> None:
    _, codes, found = parts((0, 0, 60, 5), (1, 60, 60, 5), (2, 120, 15, 5))
    for code in (0, 1):
        assert {0, 1} <= set(found[codes == code])
    assert len(set(found[codes == 2])) == 1
    assert NOWHERE not in found[codes == 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 90), st.floats(10, 200), st.sampled_from([1.25, 2.5, 5.0])),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_training_windows_are_a_window_away_from_test_windows(
    bouts: list[tuple[int, float, float, float]], random: Random
) -> None:
    begin, placed = 0.0, []
    for label, pause, length, hop in bouts:
        placed.append((label, begin + pause, length, hop))
        begin += pause + length
    starts, codes, found = parts(*placed)
    order = np.array(random.sample(range(len(starts)), len(starts)))
    shuffled = time_parts(examples(starts[order], codes[order]))
    assert (shuffled == found[order]).all()
    assert found.max() < MOST_PARTS
    for part in set(found.tolist()) - {NOWHERE}:
        tested = starts[found == part]
        far = far_from(examples(starts, codes), found == part)
        nearest = np.abs(starts[:, None] - tested).min(axis=1)
        assert (far == (nearest >= 2 * WINDOW)).all()
        for code in set(codes[found == part].tolist()):
            same = starts[(codes == code) & (found != part) & (found != NOWHERE)]
            if len(same):
                mine = starts[(codes == code) & (found == part)]
                assert np.abs(mine[:, None] - same).min() >= 2 * WINDOW - 3
