"""The benchmark that says where an operation's time goes counts all of it, and our LSTM in it."""

import pytest
import torch

from benchmarks.speed import time_by_operation
from harken.networks.layers import FusedLSTM


@pytest.mark.parametrize("gradients", [True, False])
def test_shares_are_of_everything_and_our_lstm_is_seen(*, gradients: bool) -> None:
    lstm, signals = FusedLSTM(8, 16, batch_first=True), torch.randn(4, 30, 8)

    def call() -> None:
        with torch.set_grad_enabled(gradients):
            steps, _ = lstm(signals)
            torch.relu(steps)

    found = time_by_operation.shares(call)

    assert sum(found["shares"].values()) == pytest.approx(1)
    assert 0 < found["shares"]["our LSTM"] < 1
    assert found["shares"]["ReLU"] > 0
    assert found["shares"]["convolution"] == 0
