"""DeepConvLSTM against its equations in float64, step by step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harken.networks.deep_conv_lstm import DeepConvLSTMSizes, deep_conv_lstm
from harken.networks.pytorch import LayerNetwork, build
from lstm_reference import by_equations, cells_named


def plain_logits(network: nn.Module, sizes: DeepConvLSTMSizes, window: torch.Tensor) -> torch.Tensor:
    """One window ``[time, channels]`` -> logits, with loops where the paper has indices."""
    weights = network.state_dict()
    maps = window.T[:, None]  # [channels, 1, time]: a channel is never mixed with another
    for layer in range(sizes.convolutions):
        kernel, bias = weights[f"convolutions.{layer}.weight"], weights[f"convolutions.{layer}.bias"]
        places = maps.shape[2] - sizes.filter_length + 1
        made = torch.zeros(sizes.channels, sizes.filters, places).double()
        for place in range(places):
            piece = maps[:, :, place : place + sizes.filter_length]
            made[:, :, place] = torch.einsum("cil,fil->cf", piece, kernel) + bias
        maps = made.clamp_min(0)
    steps = torch.stack([maps[:, :, step].reshape(-1) for step in range(maps.shape[2])])[None]
    states, _, _ = by_equations(steps, cells_named(weights, "recurrent", layers=sizes.layers))
    logits: torch.Tensor = weights["output.weight"] @ states[0, -1] + weights["output.bias"]
    return logits


@given(
    seed=st.integers(0, 2**31 - 1),
    channels=st.integers(1, 4),
    classes=st.integers(2, 5),
    convolutions=st.integers(1, 4),
    filter_length=st.integers(1, 5),
    layers=st.integers(1, 3),
    more=st.integers(0, 9),
)
@settings(max_examples=25)
def test_logits_are_those_of_the_equations(
    seed: int, channels: int, classes: int, convolutions: int, filter_length: int, layers: int, more: int
) -> None:
    torch.manual_seed(seed)
    sizes = DeepConvLSTMSizes(channels, classes, convolutions, 3, filter_length, 4, layers)
    network = LayerNetwork(deep_conv_lstm(sizes)).double().eval()
    with torch.no_grad():  # biases start at 0, where a mistake in them would not show
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    signals = torch.randn(2, convolutions * (filter_length - 1) + 1 + more, channels).double()
    expected = torch.stack([plain_logits(network, sizes, window) for window in signals])
    torch.testing.assert_close(network(signals), expected, rtol=1e-9, atol=1e-10)


def test_the_papers_sizes() -> None:
    network = build("deep_conv_lstm", {"channels": 3, "classes": 18})
    convolutions = (5 * 64 + 64) + 3 * (64 * 5 * 64 + 64)
    lstm = 4 * 128 * (3 * 64 + 128 + 2) + 4 * 128 * (128 + 128 + 2)
    assert sum(parameter.numel() for parameter in network.parameters()) == convolutions + lstm + 128 * 18 + 18
    assert network(torch.zeros(2, 24, 3)).shape == (2, 18)


def test_weights_start_orthogonal_and_biases_at_zero() -> None:
    torch.manual_seed(0)
    network = build("deep_conv_lstm", {"channels": 3, "classes": 18})
    for name, parameter in network.named_parameters():
        if parameter.ndim == 1:
            assert (parameter == 0).all()
        for matrix in parameter.chunk(4) if name.startswith("recurrent.weight") else [parameter] * (parameter.ndim > 1):
            rows = matrix.reshape(len(matrix), -1)
            product = rows @ rows.T if rows.shape[0] <= rows.shape[1] else rows.T @ rows
            torch.testing.assert_close(product, torch.eye(len(product)), atol=1e-5, rtol=0)


def test_dropout_in_training_before_every_layer_with_dense_weights() -> None:
    torch.manual_seed(0)
    network = build("deep_conv_lstm", {"channels": 2, "classes": 3})
    seen: list[float] = []

    def watch(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append((inputs[0] == 0).float().mean().item())

    network.get_submodule("output").register_forward_pre_hook(watch)
    network.get_submodule("recurrent").register_forward_pre_hook(watch)
    network(torch.randn(50, 40, 2))
    assert seen[0] > 0.5  # dropped, and what the ReLU left at 0
    assert seen[1] == pytest.approx(0.5, abs=0.03)
    assert network.get_submodule("recurrent").dropout == 0.5
