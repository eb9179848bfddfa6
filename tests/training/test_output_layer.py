"""The output layer: its fits against their equations and against SciPy, and the weights of bouts."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from harken.support.arrays import Float64Array, Int64Array
from harken.support.errors import HarkenError
from harken.training.output_layer import (
    EXAMPLES_WEIGHT,
    NEW_STRENGTH,
    OTHERS_WEIGHT,
    Examples,
    LabelledFeatures,
    fit_new_labels,
    fit_recorded_labels,
    minimise,
    number_bouts,
)

SECOND = 1_000_000_000
WINDOW = 10 * SECOND
STRENGTH = 0.01


@pytest.fixture
def windows() -> LabelledFeatures:
    """60 windows of 5 features with labels 0, 2 and 3 of 4; label 2 is rare."""
    random = np.random.default_rng(0)
    codes = np.repeat([0, 2, 3], [40, 5, 15])
    features = random.normal(size=(60, 5)) / np.sqrt(5) + np.eye(5)[codes]
    starts_ns = np.arange(60) * 5 * SECOND
    bouts = number_bouts(starts_ns, codes, WINDOW)
    return LabelledFeatures(features, 1.0, codes, bouts, np.zeros(60, np.int64), starts_ns, WINDOW, 0)


@pytest.fixture
def general() -> Float64Array:
    """The weights of a general model, ``[5, 4]``."""
    return np.random.default_rng(1).normal(size=(5, 4))


@pytest.fixture
def examples() -> Examples:
    """Ten training examples of each of the four labels."""
    codes = np.repeat(np.arange(4), 10)
    features = np.random.default_rng(2).normal(size=(40, 5)) / np.sqrt(5) + np.eye(5)[codes]
    return Examples(features, codes)


def compute_slope(
    features: Float64Array, codes: Int64Array, shares: Float64Array, weights: Float64Array
) -> Float64Array:
    """The slope of the weighted log loss in each weight, by PyTorch."""
    variable = torch.from_numpy(weights).requires_grad_()
    log_probabilities = torch.log_softmax(torch.from_numpy(features) @ variable, 1)
    right = log_probabilities[torch.arange(len(codes)), torch.from_numpy(codes)]
    loss = -(torch.from_numpy(shares) * right).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert variable.grad is not None
    return variable.grad.numpy()


def share_by_label(codes: Int64Array) -> Float64Array:
    """Weights that sum to 1 in each label."""
    return np.array([1 / np.count_nonzero(codes == code) for code in codes])


def test_without_examples_the_slope_of_recorded_labels_balances_the_prior(
    windows: LabelledFeatures, general: Float64Array
) -> None:
    weights = fit_recorded_labels(windows, general, None, strength=STRENGTH)
    np.testing.assert_array_equal(weights[:, 1], general[:, 1])
    recorded = [0, 2, 3]
    codes = np.searchsorted(recorded, windows.codes)
    slope = compute_slope(windows.features, codes, share_by_label(codes) / 3, weights[:, recorded])
    np.testing.assert_allclose(slope, -STRENGTH * (weights - general)[:, recorded], atol=2e-5)


def test_with_examples_all_labels_compete_and_only_recorded_ones_change(
    windows: LabelledFeatures, general: Float64Array, examples: Examples
) -> None:
    weights = fit_recorded_labels(windows, general, examples, strength=STRENGTH)
    np.testing.assert_array_equal(weights[:, 1], general[:, 1])
    features = np.concatenate([windows.features, examples.features])
    codes = np.concatenate([windows.codes, examples.codes])
    shares = np.concatenate([share_by_label(windows.codes), EXAMPLES_WEIGHT * share_by_label(examples.codes)]) / 3
    slope = compute_slope(features, codes, shares, weights)
    changed = [0, 2, 3]
    np.testing.assert_allclose(slope[:, changed], -STRENGTH * (weights - general)[:, changed], atol=2e-5)


def test_the_slope_of_a_new_label_balances_its_prior_and_known_labels_stay(
    windows: LabelledFeatures, general: Float64Array, examples: Examples
) -> None:
    codes = np.where(windows.codes == 3, 4, windows.codes)
    weights = fit_new_labels(replace(windows, codes=codes), general, examples)
    assert weights.shape == (5, 5)
    np.testing.assert_array_equal(weights[:, :4], general)
    shares = share_by_label(codes)
    shares[codes < 4] *= OTHERS_WEIGHT
    slope = compute_slope(
        np.concatenate([windows.features, examples.features]),
        np.concatenate([codes, examples.codes]),
        np.concatenate([shares, OTHERS_WEIGHT * share_by_label(examples.codes)]),
        weights,
    )
    start = general.mean(axis=1)
    np.testing.assert_allclose(slope[:, 4], -NEW_STRENGTH * (weights[:, 4] - start), atol=1e-4)


def test_a_single_label_changes_nothing(windows: LabelledFeatures, general: Float64Array, examples: Examples) -> None:
    single = windows.select(windows.codes == 0)
    assert fit_recorded_labels(single, general, examples) is general


@given(st.integers(1, 40), st.floats(1e-3, 1.0), st.integers(0, 1000))
def test_the_minimum_is_that_of_scipy(size: int, strength: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    features = random.normal(size=(30, size))
    truth = random.integers(0, 2, 30)

    def loss_and_slope(weights: Float64Array) -> tuple[float, Float64Array]:
        logits = features @ weights
        loss = float(np.logaddexp(0, logits).sum() - truth @ logits) + strength / 2 * float(weights @ weights)
        return loss, features.T @ (1 / (1 + np.exp(-logits)) - truth) + strength * weights

    ours = minimise(loss_and_slope, np.zeros(size))
    theirs = minimize(loss_and_slope, np.zeros(size), jac=True, method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(ours, theirs, atol=1e-3)
    assert loss_and_slope(ours)[0] <= loss_and_slope(theirs)[0] + 1e-8


def test_a_fit_that_does_not_converge_is_an_error() -> None:
    def loss_and_slope(place: Float64Array) -> tuple[float, Float64Array]:
        return float(-place.sum()), -np.ones(len(place))

    with pytest.raises(HarkenError, match="did not converge"):
        minimise(loss_and_slope, np.zeros(3))


def test_a_bout_counts_once_however_long_it_is_and_a_short_one_less() -> None:
    # Label 0: bouts of 300 s, 60 s and 15 s; label 1: one of 20 s.
    begins_s = {(0, 0): (0, 300), (0, 1): (400, 460), (0, 2): (500, 515), (1, 3): (600, 620)}
    codes, bouts, starts_s = [], [], []
    for (code, bout), (begin_s, end_s) in begins_s.items():
        for start_s in np.arange(begin_s, end_s - 9.9, 5):
            codes.append(code)
            bouts.append(bout)
            starts_s.append(start_s)
    starts_ns = (np.array(starts_s) * SECOND).astype(np.int64)
    numbered = number_bouts(starts_ns, np.array(codes), WINDOW)
    np.testing.assert_array_equal(numbered, bouts)
    wearers = np.zeros(len(codes), np.int64)
    windows = LabelledFeatures(np.ones((len(codes), 1)), 1.0, np.array(codes), numbered, wearers, starts_ns, WINDOW, 0)
    of_bouts = np.bincount(numbered, weights=windows.weigh())
    np.testing.assert_allclose(of_bouts, [0.4, 0.4, 0.2, 1.0])


def test_bouts_of_two_recordings_at_the_same_time_are_two() -> None:
    starts_ns = np.array([0, 5, 10, 0, 5]) * SECOND
    assert number_bouts(starts_ns, np.zeros(5, np.int64), WINDOW).tolist() == [0, 0, 0, 1, 1]


def test_windows_of_a_bout_may_begin_far_apart_in_hours_of_labels() -> None:
    starts_ns = np.array([0, 25, 50, 100, 125]) * SECOND
    codes = np.zeros(5, np.int64)
    assert number_bouts(starts_ns, codes, WINDOW).tolist() == [0, 1, 2, 3, 4]
    assert number_bouts(starts_ns, codes, WINDOW, hop_ns=25 * SECOND).tolist() == [0, 0, 0, 1, 1]
