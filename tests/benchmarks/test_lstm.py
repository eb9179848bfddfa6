"""The benchmark of our own LSTM runs, and its contestants compute the same kind of thing."""

import sys

import pytest

from benchmarks.speed import lstm
from harken.networks.native import autograd


@pytest.mark.skipif(autograd.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_peers_take_turns_and_ratios_are_theirs_over_ours() -> None:
    command = [sys.executable, "-m", "benchmarks.speed.lstm_peers"]
    contestants = {name: lstm.Contestant([*command, name], 1) for name in ("harken", "PyTorch")}
    contestants["nobody"] = lstm.Contestant([*command, "nobody"], 1)
    try:
        assert not contestants["nobody"].here
        found = lstm.compared(contestants, "inference", 2)
    finally:
        for one in contestants.values():
            one.stop()
    assert list(found["milliseconds"]) == ["harken", "PyTorch"]
    ratios = [b / a for a, b in zip(*found["milliseconds"].values(), strict=True)]
    assert min(ratios) <= found["ratio"]["PyTorch"] <= max(ratios)


@pytest.mark.skipif(autograd.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_the_peak_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "PEAK_ROUNDS", 10_000)
    assert 0.01 < lstm.peak_gflops(1) < 10_000
