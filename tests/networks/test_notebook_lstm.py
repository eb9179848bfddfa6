"""The notebook's network against TensorFlow 1's equations in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from harken.networks.native.modules import FastDropout
from harken.networks.pytorch import build
from harken.networks.training_loop import EpsilonHatAdam
from lstm_reference import by_equations
from tensorflow1 import Adam

L2 = 0.0015
Weights = dict[str, Tensor]


def logits_of(weights: Weights, signals: Tensor, mask: Tensor) -> Tensor:
    """Logits ``[batch, classes]``.

    ``BasicLSTMCell`` of TensorFlow 1 (``rnn_cell_impl.py``) adds ``forget_bias=1.0`` to the second of PyTorch's gates.
    ``mask`` is dropout's, scaled by 1 / keep.
    """
    forget = torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(len(weights["hidden.bias"]))
    cells = [
        [(weights[f"input_kernels.{n}"], weights[f"recurrent_kernels.{n}"], weights[f"biases.{n}"] + forget)]
        for n in range(sum(name.startswith("biases") for name in weights))
    ]
    hidden = (signals @ weights["hidden.weight"].T + weights["hidden.bias"]) * mask
    steps, _, _ = by_equations(hidden.clamp_min(0), cells)
    return steps[:, -1] @ weights["output.weight"].T + weights["output.bias"]


def loss_and_gradients(
    network: torch.nn.Module, signals: Tensor, codes: Tensor, mask: Tensor
) -> tuple[float, Weights, Weights]:
    """softmax cross-entropy, mean over the batch, plus L2 * sum(w^2) / 2 over every variable; its gradients; and the
    weights."""
    weights = {name: weight.detach().double().requires_grad_() for name, weight in network.named_parameters()}
    log_softmax = torch.log_softmax(logits_of(weights, signals.double(), mask), 1)
    squares = torch.stack([(weight**2).sum() / 2 for weight in weights.values()])
    loss = L2 * squares.sum() - log_softmax[torch.arange(len(codes)), codes].mean()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    return float(loss.detach()), dict(zip(weights, gradients, strict=True)), weights


def our_loss(network: torch.nn.Module, signals: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    from harken.networks.training_loop import _half_sum_of_squares

    return F.cross_entropy(network(signals), codes) + L2 * _half_sum_of_squares(list(network.parameters()))


@given(
    seed=st.integers(0, 2**31 - 1),
    batch=st.integers(1, 5),
    time=st.integers(1, 12),
    channels=st.integers(1, 5),
    classes=st.integers(2, 6),
    units=st.sampled_from([1, 3, 8]),
    layers=st.integers(1, 3),
)
@settings(max_examples=30)
def test_forward_loss_and_all_gradients(
    seed: int, batch: int, time: int, channels: int, classes: int, units: int, layers: int
) -> None:
    torch.manual_seed(seed)
    sizes = {"channels": channels, "classes": classes, "units": units, "layers": layers}
    network = build("notebook_lstm", sizes).double()
    with torch.no_grad():  # biases start at 0, where a mistake in them would not show
        for bias in network.get_submodule("biases").parameters():
            bias.normal_()
    signals, codes = torch.randn(batch, time, channels).double() * 3, torch.randint(0, classes, (batch,))

    network.train()
    torch.manual_seed(seed + 1)
    mask = FastDropout(0.2, bits=16)(torch.ones(batch, time, units, dtype=torch.float64))
    torch.manual_seed(seed + 1)
    loss = our_loss(network, signals, codes)
    torch.autograd.backward(loss)

    expected, gradients, weights = loss_and_gradients(network, signals, codes, mask)
    assert loss.item() == pytest.approx(expected, rel=1e-10)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-8, atol=1e-10)
    expected_logits = logits_of(weights, signals, torch.ones_like(mask))
    torch.testing.assert_close(network.eval()(signals), expected_logits, rtol=1e-9, atol=1e-10)


def test_full_size_in_float32() -> None:
    torch.manual_seed(0)
    network = build("notebook_lstm", {"channels": 4, "classes": 4}).eval()
    signals, codes = torch.randn(8, 512, 4) * 9.8, torch.randint(0, 4, (8,))
    loss = our_loss(network, signals, codes)
    torch.autograd.backward(loss)
    expected, gradients, _ = loss_and_gradients(network, signals, codes, torch.ones(8, 512, 32).double())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        wanted = gradients[name]
        torch.testing.assert_close(parameter.grad.double(), wanted, rtol=1e-3, atol=1e-5 * float(wanted.abs().max()))


def test_initial_values() -> None:
    torch.manual_seed(3)
    network = build("notebook_lstm", {"channels": 64, "classes": 64, "units": 128, "layers": 2})
    weights = dict(network.named_parameters())
    limit = math.sqrt(6 / (2 * 128 + 4 * 128))
    for name, weight in weights.items():
        if "kernels" in name:
            assert weight.abs().max() <= limit
            assert weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.02)
        elif name.startswith("biases"):
            assert (weight == 0).all()
        elif name.endswith("weight"):
            assert weight.mean().item() == pytest.approx(float(name == "output.weight"), abs=0.05)
            assert weight.std().item() == pytest.approx(1, rel=0.05)


def test_every_variable_is_trainable_once() -> None:
    """One bias a layer: 4*32+32, two kernels of 64x128 and biases of 128, 32*4+4: what TensorFlow 1 would list."""
    network = build("notebook_lstm", {"channels": 4, "classes": 4})
    assert sum(p.numel() for p in network.parameters()) == (4 * 32 + 32) + 2 * (64 * 128 + 128) + (32 * 4 + 4)
    assert set(network.state_dict()) == {name for name, _ in network.named_parameters()}


def test_adam_is_tensorflow_1s() -> None:
    """Small gradients, where the two forms of epsilon differ most."""
    torch.manual_seed(0)
    start = torch.randn(5, dtype=torch.float64)
    parameter = torch.nn.Parameter(start.clone())
    optimiser = EpsilonHatAdam([parameter], lr=0.0025)
    reference, weights = Adam(0.0025), [start.numpy().copy()]
    for _ in range(50):
        gradient = torch.randn(5, dtype=torch.float64) * 1e-8
        parameter.grad = gradient.clone()
        optimiser.step()
        reference.step(weights, [gradient.numpy()])
    np.testing.assert_allclose(parameter.detach().numpy(), weights[0], rtol=1e-12)
    plain = torch.nn.Parameter(start.clone())
    torch_adam = torch.optim.Adam([plain], lr=0.0025)
    plain.grad = torch.full((5,), 1e-8, dtype=torch.float64)
    torch_adam.step()
    assert (start - plain.detach()).abs().max() > 4 * 0.0025 * 0.1  # PyTorch's form steps much further
