"""MiniRocket as aeon puts it together, and what is said where aeon is missing."""

import os
import subprocess
import sys
import types

import numpy as np
import pytest

from harken.evaluation.baselines import baseline
from harken.support.errors import HarkenError


@pytest.fixture
def aeon() -> types.ModuleType:
    """The extra, or a skip that says how to get it."""
    found: types.ModuleType = pytest.importorskip("aeon", reason="aeon is not installed: pip install aeon")
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

    from harken.evaluation.baselines.mini_rocket import MiniRocket

    (signals, codes), (others, truth) = windows(labels, 0), windows(labels, 1)
    ours = MiniRocket(kernels=420)  # made first, as it chooses Numba's threads
    theirs = MiniRocketClassifier(n_kernels=420, random_state=6).fit(signals.transpose(0, 2, 1), codes)
    ours.fit(signals, codes, sample_rate_hz=30, seed=6)
    expected = theirs.predict(others.transpose(0, 2, 1))
    np.testing.assert_array_equal(ours.predict_proba(others).argmax(axis=1), expected)
    assert 1.5 / labels < (expected == truth).mean() < 1  # neither hopeless nor trivial


THREADS = """
import numpy as np, torch
before = torch.get_num_threads()
from harken.evaluation.baselines.mini_rocket import MiniRocket
signals = np.random.default_rng(0).normal(size=(20, 40, 3)).astype(np.float32)
made = MiniRocket(kernels=84, jobs=2)
made.fit(signals, np.arange(20) % 2, sample_rate_hz=20, seed=0)
print(before, torch.get_num_threads())
"""


def test_pytorch_keeps_its_number_of_threads(aeon: types.ModuleType) -> None:
    """In a process of its own, since threads start once. What OpenMP is told would reach PyTorch too."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "1 1\n"


def test_without_aeon_the_way_to_get_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "aeon"] or ["aeon"]:
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "aeon", None)
    with pytest.raises(HarkenError, match="pip install aeon"):
        baseline("mini_rocket")
