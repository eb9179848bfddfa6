"""The notebook's network against TensorFlow 1's equations in NumPy float64."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from harken.networks.native.modules import FastDropout
from harken.networks.pytorch import build
from harken.training.loop import EpsilonHatAdam
from lstm_reference import Cell, Stack, states
from tensorflow1 import Adam

L2 = 0.0015
Array = np.ndarray


def arrays_of(tensors: Iterable[tuple[str, torch.Tensor | None]]) -> dict[str, Array]:
    return {name: tensor.detach().double().numpy() for name, tensor in tensors if tensor is not None}


def logits_of(weights: dict[str, Array], signals: Array, mask: Array) -> tuple[Array, Array, Stack]:
    """Logits ``[batch, classes]``, what the ReLU reads, and the layers after their run.

    ``BasicLSTMCell`` of TensorFlow 1 (``rnn_cell_impl.py``) adds ``forget_bias=1.0`` to the second of PyTorch's gates.
    ``mask`` is dropout's, scaled by 1 / keep.
    """
    units = len(weights["hidden.bias"])
    forget = np.repeat([0.0, 1.0, 0.0, 0.0], units)
    layers = sum(name.startswith("biases") for name in weights)
    stack = Stack(
        [
            [Cell(weights[f"input_kernels.{n}"], weights[f"recurrent_kernels.{n}"], weights[f"biases.{n}"] + forget)]
            for n in range(layers)
        ]
    )
    before_relu = (signals @ weights["hidden.weight"].T + weights["hidden.bias"]) * mask
    last = states(stack, np.maximum(before_relu, 0))[:, -1]
    return last @ weights["output.weight"].T + weights["output.bias"], before_relu, stack


def loss_and_gradients(
    weights: dict[str, Array], signals: Array, codes: Array, mask: Array
) -> tuple[float, dict[str, Array]]:
    """softmax cross-entropy, mean over the batch, plus L2 * sum(w^2) / 2 over every variable; and its gradients."""
    logits, before_relu, stack = logits_of(weights, signals, mask)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(codes))
    loss = -log_softmax[rows, codes].mean() + L2 * sum((w**2).sum() / 2 for w in weights.values())

    d_logits = np.exp(log_softmax)
    d_logits[rows, codes] -= 1
    d_logits /= len(codes)
    d_steps, zeros = np.zeros_like(before_relu), np.zeros((len(stack.layers), len(codes), before_relu.shape[2]))
    d_steps[:, -1] = d_logits @ weights["output.weight"]
    d_relu, _, _, cells = stack.back(d_steps, zeros, zeros)
    d_hidden = d_relu * (before_relu > 0) * mask
    gradients = {
        "hidden.weight": np.einsum("btc,btu->uc", signals, d_hidden),
        "hidden.bias": d_hidden.sum(axis=(0, 1)),
        "output.weight": d_logits.T @ stack.last_steps[:, -1],
        "output.bias": d_logits.sum(axis=0),
    }
    for n, (cell,) in enumerate(cells):
        named = {"input_kernels": cell.inputs, "recurrent_kernels": cell.recurrent, "biases": cell.bias}
        gradients |= {f"{name}.{n}": gradient for name, gradient in named.items()}
    return float(loss), {name: gradients[name] + L2 * weight for name, weight in weights.items()}


def our_loss(network: torch.nn.Module, signals: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    from harken.training.loop import _half_sum_of_squares

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
    mask = FastDropout(0.2, bits=16)(torch.ones(batch, time, units, dtype=torch.float64)).numpy()
    torch.manual_seed(seed + 1)
    loss = our_loss(network, signals, codes)
    torch.autograd.backward(loss)

    reference = arrays_of(network.named_parameters())
    expected, gradients = loss_and_gradients(reference, signals.numpy(), codes.numpy(), mask)
    assert loss.item() == pytest.approx(expected, rel=1e-10)
    ours = arrays_of((name, p.grad) for name, p in network.named_parameters())
    assert ours.keys() == gradients.keys()
    for name, wanted in gradients.items():
        np.testing.assert_allclose(ours[name], wanted, rtol=1e-8, atol=1e-10)

    network.eval()
    expected_logits, *_ = logits_of(reference, signals.numpy(), np.ones((batch, time, units)))
    np.testing.assert_allclose(network(signals).detach().numpy(), expected_logits, rtol=1e-9, atol=1e-10)


def test_full_size_in_float32() -> None:
    torch.manual_seed(0)
    network = build("notebook_lstm", {"channels": 4, "classes": 4}).eval()
    signals, codes = torch.randn(8, 512, 4) * 9.8, torch.randint(0, 4, (8,))
    loss = our_loss(network, signals, codes)
    torch.autograd.backward(loss)
    reference, ones = arrays_of(network.named_parameters()), np.ones((8, 512, 32))
    expected, gradients = loss_and_gradients(reference, signals.double().numpy(), codes.numpy(), ones)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    ours = arrays_of((name, p.grad) for name, p in network.named_parameters())
    for name, wanted in gradients.items():
        np.testing.assert_allclose(ours[name], wanted, rtol=1e-3, atol=1e-5 * np.abs(wanted).max())


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
