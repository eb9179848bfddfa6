"""The benchmark of our own LSTM runs, and its contestants compute the same kind of thing."""

import sys
from typing import Any

import numpy as np
import pytest

from benchmarks.speed import lstm
from benchmarks.speed.contestants import Contestant, compared, require_same
from harken.networks.native import modules

COMMAND = [sys.executable, "-m", "benchmarks.speed.lstm_peers"]


@pytest.mark.skipif(modules.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_peers_agree_and_take_turns_and_ratios_are_theirs_over_ours() -> None:
    contestants = {name: Contestant([*COMMAND, name], 1) for name in ("harken", "PyTorch")}
    contestants["nobody"] = Contestant([*COMMAND, "nobody"], 1)
    try:
        assert contestants["nobody"].reason == "KeyError: 'nobody'"
        differences = require_same(contestants, "harken")
        found = compared(contestants, "inference", 2, ours="harken", times_a_round=2)
    finally:
        for one in contestants.values():
            one.stop()
    assert list(differences) == ["PyTorch"]
    assert contestants["harken"].probabilities.reshape(100, 4).sum(1) == pytest.approx(1)
    assert contestants["harken"].probabilities.reshape(100, 4).std(0).min() > 0.001
    assert list(found["milliseconds"]) == ["harken", "PyTorch"]
    ratios = [b / a for a, b in zip(*found["milliseconds"].values(), strict=True)]
    assert min(ratios) <= found["ratio"]["PyTorch"] <= max(ratios)


def test_another_result_is_not_compared() -> None:
    class Served:
        here = True

        def __init__(self, *probabilities: float) -> None:
            self.probabilities = np.array(probabilities)

    served: Any = {"harken": Served(0.25, 0.75), "other": Served(0.250005, 0.749995)}
    assert require_same(served, "harken")["other"] == pytest.approx(5e-6)
    for wrong in (Served(0.2502, 0.7498), Served(np.nan, 0.75), Served(0.25)):
        with pytest.raises(SystemExit, match=r"^other gives (1 )?probabilities"):
            require_same(served | {"other": wrong}, "harken")


@pytest.mark.skipif(modules.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_the_peak_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "PEAK_ROUNDS", 10_000)
    assert 0.01 < lstm.peak_gflops(1) < 10_000
