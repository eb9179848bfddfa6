"""Streams of a made-up wrist, and recognisers that answer by a formula, for tests of live labels."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.labelling.live import LiveRecogniser, Update
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.windows.windows import Windows

START_NS = 1_700_000_000 * 10**9
Answer = Callable[[Windows], NDArray[np.float32]]


def smooth(windows: Windows) -> NDArray[np.float32]:
    """Probabilities to which every sample of a window matters, each in its own way."""
    signals = windows.signals.astype(np.float64)
    each = np.linspace(0.5, 1.5, signals.shape[1])[:, None] * np.array([1.0, 0.7, -0.4])
    score = (signals * each).sum(axis=(1, 2)) / signals.shape[1]
    share = 1 / (1 + np.exp(-score))
    return np.stack([share, 1 - share], axis=1).astype(np.float32)


class Answering(Recogniser):
    """A recogniser of this specification that answers with these probabilities."""

    def __init__(self, specification: Specification, answer: Answer, **provenance: Any) -> None:
        super().__init__()
        self._specification, self._answer, self._provenance = specification, answer, provenance

    @property
    def specification_(self) -> Specification:
        return self._specification

    @property
    def provenance_(self) -> dict[str, Any]:
        return self._provenance

    def predict_answers(self, windows: Windows) -> NDArray[np.float32]:
        return self._answer(windows)


def wrist(seed: int, time_ns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Something like a wrist at these times, ``[n, 3]`` in g."""
    random = np.random.default_rng(seed)
    t = (time_ns - START_NS) / 1e9
    phases, sizes = random.uniform(0, 6, (3, 4)), random.uniform(0, 0.4, (3, 4))
    waves = np.sin(2 * np.pi * np.array([0.2, 1.1, 2.3, 5.0]) * t[:, None, None] + phases) * sizes
    noise = random.normal(0, 0.01, (len(t), 3))
    return np.asarray(waves.sum(axis=2) + np.array([0.1, 0.2, 0.9]) + noise, dtype=np.float32)


def quiet(seconds: float, rate_hz: float = 20.0, seed: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A stream without trouble, at nearly the model's rate."""
    time_ns = START_NS + 12_345 + np.arange(int(seconds * rate_hz)) * round(0.999e9 / rate_hz)
    return wrist(seed, time_ns), time_ns


def live(
    recogniser: LiveRecogniser, signals: NDArray[np.float32], time_ns: NDArray[np.int64], cuts: list[int]
) -> list[Update]:
    """The updates when the samples arrive in these pieces, and after the last one."""
    edges = [0, *sorted({cut % (len(time_ns) + 1) for cut in cuts}), len(time_ns)]
    updates: list[Update] = []
    for first, last in pairwise(edges):
        updates += recogniser.push(signals[first:last], time_ns[first:last])
    return updates + recogniser.flush()
