"""MiniRocket as aeon puts it together, its ridge regression, and the message where aeon is missing."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeCV

from harken.evaluation.baselines.mini_rocket import fit_ridge
from harken.evaluation.benchmark.methods import method
from harken.support.errors import HarkenError

pytestmark = pytest.mark.second_stage


@pytest.fixture
def aeon() -> None:
    """The extra, or a skip that says how to get it."""
    pytest.importorskip("aeon", reason="aeon is not installed: pip install aeon")


def windows(labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Swings of a frequency that overlaps with the next label's."""
    random = np.random.default_rng(seed)
    codes = random.permutation(np.repeat(np.arange(labels), 20))
    hz = 1 + 0.3 * codes + random.normal(0, 0.12, len(codes))
    swing = np.sin(2 * np.pi * hz[:, np.newaxis] * (np.arange(90) / 30 + random.uniform(0, 1, (len(codes), 1))))
    return (swing[..., np.newaxis] * [0.5, 0.3, 0.1] + random.normal(0, 0.2, (len(codes), 90, 3))).astype(
        np.float32
    ), codes


@pytest.mark.parametrize("labels", [2, 5])
def test_labels_are_those_of_aeons_own_classifier(aeon: None, labels: int) -> None:
    from aeon.classification.convolution_based import MiniRocketClassifier

    from harken.evaluation.baselines.mini_rocket import MiniRocket

    (signals, codes), (others, truth) = windows(labels, 0), windows(labels, 1)
    ours = MiniRocket(kernels=420, random_state=6)  # made first, as it chooses Numba's threads
    theirs = MiniRocketClassifier(n_kernels=420, random_state=6).fit(signals.transpose(0, 2, 1), codes)
    expected = theirs.predict(others.transpose(0, 2, 1))
    np.testing.assert_array_equal(ours.fit(signals, codes).predict_proba(others).argmax(axis=1), expected)
    assert 1.5 / labels < (expected == truth).mean() < 1  # neither hopeless nor trivial
    signals[::3] *= 1e-9  # a warning of still windows would be an error here
    assert ours.fit(signals, codes).predict_proba(signals).shape == (len(signals), labels)


def test_without_aeon_the_message_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "aeon"] or ["aeon"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "aeon", None)
    with pytest.raises(HarkenError, match="pip install aeon"):
        method("mini_rocket", seed=0)


STRENGTHS = np.logspace(-3, 3, 10).tolist()


def problem(seed: int, rows: int, columns: int, targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Values with a mean, some of them copies of others, and targets of -1 and 1 that hang on them loosely."""
    random = np.random.default_rng(seed)
    values = random.normal(2, 1, (rows, columns))
    values[:, -1] = values[:, 0]
    hidden = values @ random.normal(size=(columns, targets)) + random.normal(0, 2, (rows, targets))
    return values, np.where(hidden > hidden.mean(axis=0), 1.0, -1.0)


@given(
    seed=st.integers(0, 2**31 - 1),
    rows=st.integers(6, 40),
    columns=st.integers(2, 40),
    targets=st.integers(1, 4),
)
@settings(max_examples=60)
def test_it_learns_what_scikit_learns_does(seed: int, rows: int, columns: int, targets: int) -> None:
    values, wanted = problem(seed, rows, columns, targets)
    theirs = RidgeCV(STRENGTHS).fit(values, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harken.evaluation.baselines.mini_rocket.ROWS_AT_ONCE", 7)
        ours = fit_ridge(values, wanted, strengths=STRENGTHS)
    assert ours.strength == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coefficients, theirs.coef_.reshape(targets, columns).T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.predict(values), theirs.predict(values).reshape(rows, targets), atol=1e-7)
