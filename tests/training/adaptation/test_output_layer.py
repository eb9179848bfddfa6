"""The pulled logistic regression against its equations, and what it leaves alone."""

import numpy as np
import pytest
from scipy.special import softmax

from harken.training.adaptation.output_layer import label_shares, pulled_weights

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]
STRENGTHS = (0.1, 0.001)


@pytest.fixture
def problem() -> Problem:
    """Features ``[60, 5]``, codes of labels 0, 2 and 3 of 4 (2 is rare), general weights ``[5, 4]``."""
    random = np.random.default_rng(0)
    codes = np.repeat([0, 2, 3], [40, 5, 15])
    features = random.normal(size=(60, 5)) / np.sqrt(5) + np.eye(5)[codes]
    return features, codes, random.normal(size=(5, 4))


def gradient(features: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of the mean over labels of the mean log loss, label by label and window by window."""
    result = np.zeros_like(weights)
    labels = sorted(set(codes.tolist()))
    for label in labels:
        mine = features[codes == label]
        for one in mine:
            probability = softmax(one @ weights[:, labels])
            for place, other in enumerate(labels):
                result[:, other] += one * (probability[place] - (other == label)) / len(mine) / len(labels)
    return result


def test_the_slope_of_the_loss_balances_the_pull(problem: Problem) -> None:
    features, codes, general = problem
    for strength, weights in zip(STRENGTHS, pulled_weights(features, codes, general, strengths=STRENGTHS), strict=True):
        np.testing.assert_allclose(gradient(features, codes, weights), -strength * (weights - general), atol=2e-5)


def test_labels_that_were_not_recorded_keep_their_weights_and_changes_add_up_to_nothing(problem: Problem) -> None:
    features, codes, general = problem
    for weights in pulled_weights(features, codes, general, strengths=STRENGTHS):
        assert (weights[:, 1] == general[:, 1]).all()
        assert (weights[:, [0, 2, 3]] != general[:, [0, 2, 3]]).any(axis=0).all()
        np.testing.assert_allclose((weights - general).sum(axis=1), 0, atol=1e-8)


def test_a_weaker_pull_goes_further_and_one_label_alone_nowhere(problem: Problem) -> None:
    features, codes, general = problem
    strong, weak = pulled_weights(features, codes, general, strengths=STRENGTHS)
    assert np.linalg.norm(weak - general) > 2 * np.linalg.norm(strong - general)
    alone = pulled_weights(features[:40], codes[:40], general, strengths=STRENGTHS)
    assert all((weights == general).all() for weights in alone)


def test_labels_count_alike(problem: Problem) -> None:
    _, codes, _ = problem
    shares = label_shares(codes)
    assert shares.sum() == pytest.approx(1)
    for code in (0, 2, 3):
        assert shares[codes == code].sum() == pytest.approx(1 / 3)
