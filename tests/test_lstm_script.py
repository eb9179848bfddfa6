"""The benchmark of our own LSTM runs, and its contestants compute the same kind of thing."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harken.networks import native

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("lstm")


@pytest.mark.skipif(native.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_peers_take_turns_and_ratios_are_theirs_over_ours(script: ModuleType) -> None:
    command = [sys.executable, str(BENCHMARKS / "lstm_peers.py")]
    contestants = {name: script.Contestant([*command, name], 1) for name in ("harken", "PyTorch")}
    contestants["nobody"] = script.Contestant([*command, "nobody"], 1)
    try:
        assert not contestants["nobody"].here
        found = script.compared(contestants, "inference", 2)
    finally:
        for one in contestants.values():
            one.stop()
    assert list(found["milliseconds"]) == ["harken", "PyTorch"]
    ratios = [b / a for a, b in zip(*found["milliseconds"].values(), strict=True)]
    assert min(ratios) <= found["ratio"]["PyTorch"] <= max(ratios)


@pytest.mark.skipif(native.load() is None, reason="our own LSTM was not built here, or HARKEN_NATIVE is 0")
def test_the_peak_is_measured(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "PEAK_ROUNDS", 10_000)
    assert 0.01 < script.peak_gflops(1) < 10_000
