"""The benchmark that says where an operation's time goes counts all of it, and our LSTM in it."""

import importlib
from pathlib import Path

import pytest
import torch

from harken.networks.fused_lstm import FusedLSTM

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("gradients", [True, False])
def test_shares_are_of_everything_and_our_lstm_is_seen(monkeypatch: pytest.MonkeyPatch, *, gradients: bool) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    script = importlib.import_module("where_time_goes")
    lstm, signals = FusedLSTM(8, 16, batch_first=True), torch.randn(4, 30, 8)

    def call() -> None:
        with torch.set_grad_enabled(gradients):
            steps, _ = lstm(signals)
            torch.relu(steps)

    found = script.shares(call)

    assert sum(found["shares"].values()) == pytest.approx(1)
    assert 0 < found["shares"]["our LSTM"] < 1
    assert found["shares"]["ReLU"] > 0
    assert found["shares"]["convolution"] == 0
