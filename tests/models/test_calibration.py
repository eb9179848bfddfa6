"""Honest probabilities against their definitions in float64, and against truths that were drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from harken.models.calibration import (
    BINS,
    COLDEST,
    HOTTEST,
    answered,
    coverage,
    expected_calibration_error,
    fit_temperature,
)
from harken.support.errors import HarkenError

CLASSES = 3
logits_of = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, (n, CLASSES), elements=st.floats(-20, 20, width=32)),
        arrays(np.int64, n, elements=st.integers(0, CLASSES - 1)),
    )
)


def drawn(temperature: float, *, windows: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and truths drawn with the probabilities that these logits have at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (windows, CLASSES))
    chances = softmax(logits / temperature, axis=1).cumsum(axis=1)
    return logits, (random.random((windows, 1)) > chances[:, :-1]).sum(axis=1)


def surprise(logits: NDArray[np.floating], codes: NDArray[np.integer], temperature: float) -> float:
    """What the fit makes small: minus the log-likelihood, with one window more of an unknown label."""
    surprises = -log_softmax(logits.astype(float) / temperature, axis=1)
    total = surprises[np.arange(len(codes)), codes].sum() + surprises.mean()
    return float(total / (len(codes) + 1))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found(temperature: float) -> None:
    logits, codes = drawn(temperature, windows=20_000)
    assert fit_temperature((logits, codes)) == pytest.approx(temperature, rel=0.05)


@settings(max_examples=50)
@given(logits_of, logits_of)
def test_the_temperature_of_groups_is_the_best_for_the_mean_of_the_groups(
    one: tuple[NDArray[np.float32], NDArray[np.int64]], other: tuple[NDArray[np.float32], NDArray[np.int64]]
) -> None:
    found = fit_temperature(one, other)
    assert COLDEST * 0.99 <= found <= HOTTEST * 1.01

    def mean(temperature: float) -> float:
        return (surprise(*one, temperature) + surprise(*other, temperature)) / 2

    for temperature in np.geomspace(0.06, 19, 15).tolist():
        assert mean(found) <= mean(temperature) + 1e-6 * max(1, abs(mean(found)))


def test_a_few_windows_that_are_all_right_make_nobody_certain() -> None:
    codes = np.arange(300) % CLASSES
    logits = np.eye(CLASSES)[codes] * 2.0
    sure = softmax(logits / fit_temperature((logits, codes)), axis=1).max(axis=1)
    # As sure as one who was right 300 times of 301 may be, and no more.
    assert 0.99 < sure[0] < 1 - 1 / 600


@given(logits_of)
def test_expected_calibration_error_is_the_papers(drawn: tuple[NDArray[np.float32], NDArray[np.int64]]) -> None:
    logits, codes = drawn
    probabilities = softmax(logits.astype(float), axis=1)
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == codes
    expected = 0.0
    for members in (np.minimum(sure * BINS // 1, BINS - 1) == number for number in range(BINS)):
        if members.any():
            expected += members.mean() * abs(sure[members].mean() - right[members].mean())
    assert expected_calibration_error(probabilities, codes) == pytest.approx(expected, abs=1e-12)


@given(logits_of, st.data())
def test_coverage_counts_what_is_answered(
    drawn: tuple[NDArray[np.float32], NDArray[np.int64]], data: st.DataObject
) -> None:
    logits, codes = drawn
    probabilities = softmax(logits, axis=1)
    curve = coverage(probabilities, codes)
    assert curve.thresholds[0] == 0
    assert curve.thresholds[-1] == 1
    assert (np.diff(curve.covered) <= 0).all()
    right = probabilities.argmax(axis=1) == codes
    for place, threshold in enumerate(curve.thresholds.tolist()):
        answers = probabilities.max(axis=1).astype(float) >= threshold
        assert curve.covered[place] == answers.mean()
        accuracy = right[answers].mean() if answers.any() else np.nan
        assert curve.accuracy[place] == pytest.approx(accuracy, nan_ok=True)
        found = answered(probabilities, codes, unsure_below=threshold)
        assert (found.windows, found.answers, found.right) == (len(codes), answers.sum(), (answers & right).sum())
    threshold = data.draw(st.sampled_from(curve.thresholds.tolist()))
    found = answered(probabilities, codes, unsure_below=threshold)
    covered, accuracy = curve.at(threshold)
    assert covered == found.coverage
    assert accuracy == pytest.approx(found.accuracy)


def test_a_probability_at_the_threshold_is_an_answer() -> None:
    probabilities, codes = np.array([[0.7, 0.3], [0.5, 0.5]]), np.array([0, 1])
    assert answered(probabilities, codes, unsure_below=0.7).as_dict() == {
        "unsure_below": 0.7, "windows": 2, "answers": 1, "right": 1, "coverage": 0.5, "accuracy": 1.0,
    }  # fmt: skip
    assert answered(probabilities, codes, unsure_below=0).accuracy == 0.5
    nothing = answered(probabilities, codes, unsure_below=1)
    assert (nothing.coverage, nothing.accuracy) == (0, None)
    curve = coverage(probabilities, codes)
    assert curve.at(0.7) == (0.5, 1.0)
    assert curve.at(1) == (0.0, None)
    assert 0.7 in curve.thresholds.tolist(), "round thresholds are written round"


def test_what_cannot_be_scored_is_refused() -> None:
    none, no_codes = np.empty((0, 2)), np.empty(0, dtype=np.int64)
    with pytest.raises(HarkenError, match="no windows to calibrate on"):
        fit_temperature((none, no_codes))
    two = np.array([[0.9, 0.1]])
    for measure in (expected_calibration_error, coverage):
        with pytest.raises(HarkenError, match="no windows to score"):
            measure(none, no_codes)
        with pytest.raises(ValueError, match="codes go from -1 to -1"):
            measure(two, np.array([-1]))
    with pytest.raises(ValueError, match="2 classes"):
        fit_temperature((two, np.array([2])))
    for threshold in (-0.1, 1.5, math.nan):
        with pytest.raises(HarkenError, match="unsure_below must be a probability between 0 and 1"):
            answered(two, np.array([0]), unsure_below=threshold)
