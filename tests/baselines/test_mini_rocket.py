"""MiniRocket as aeon puts it together, and what is said where aeon is missing."""

import sys
import types

import numpy as np
import pytest

from harken.baselines import baseline
from harken.errors import HarkenError


@pytest.fixture
def aeon() -> types.ModuleType:
    """The extra, or a skip that says how to get it."""
    found: types.ModuleType = pytest.importorskip(
        "aeon", reason="aeon is not installed: pip install 'harken[baselines]'"
    )
    return found


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
def test_labels_are_those_of_aeons_own_classifier(aeon: types.ModuleType, labels: int) -> None:
    from aeon.classification.convolution_based import MiniRocketClassifier

    from harken.baselines.mini_rocket import MiniRocket

    (signals, codes), (others, truth) = windows(labels, 0), windows(labels, 1)
    theirs = MiniRocketClassifier(n_kernels=420, random_state=6).fit(signals.transpose(0, 2, 1), codes)
    ours = MiniRocket(kernels=420)
    ours.fit(signals, codes, sample_rate_hz=30, seed=6)
    expected = theirs.predict(others.transpose(0, 2, 1))
    np.testing.assert_array_equal(ours.predict_proba(others).argmax(axis=1), expected)
    assert 1.5 / labels < (expected == truth).mean() < 1  # neither hopeless nor trivial


def test_probabilities_are_the_softmax_of_the_ridge() -> None:
    from harken.baselines.mini_rocket import _softmax

    decision = np.array([[0.2, -0.7, 1.1]])
    np.testing.assert_allclose(_softmax(decision), np.exp(decision) / np.exp(decision).sum())
    np.testing.assert_allclose(_softmax(np.array([0.4])), [[1 / (1 + np.exp(0.8)), 1 / (1 + np.exp(-0.8))]])


def test_without_aeon_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "aeon"] or ["aeon"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "aeon", None)
    with pytest.raises(HarkenError, match=r"pip install 'harken\[baselines\]'"):
        baseline("mini_rocket")
