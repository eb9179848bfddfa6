"""Pooling over time and its gradients are PyTorch's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.networks.layers import largest, mean_and_largest
from harken.networks.native import autograd, elementwise, library

LIBRARY = autograd.load()
HERE = library.LEVELS[: 1 if LIBRARY is None else LIBRARY.harken_lstm_level() + 1]
"""What this machine can run."""


@pytest.mark.parametrize("dim", [1, 2])
def test_values_and_gradients_are_amaxs_also_where_several_are_largest(dim: int) -> None:
    torch.manual_seed(0)
    values = torch.randn(5, 7, 9).relu().round()  # many equal ones
    pull = torch.randn(values.amax(dim).shape)
    gradients = []
    for function in (largest, torch.Tensor.amax):
        inputs = values.clone().requires_grad_()
        found = function(inputs, dim)
        assert torch.equal(found, values.amax(dim))
        torch.autograd.backward((found * pull).sum())
        gradients.append(inputs.grad)
    assert gradients[0] is not None
    assert gradients[1] is not None
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(largest(values, dim), values.amax(dim))


@pytest.mark.skipif(LIBRARY is None, reason="our own kernels were not built here, or HARKEN_NATIVE is 0")
@given(
    seed=st.integers(0, 2**31 - 1),
    batch=st.integers(1, 9),
    time=st.integers(1, 40),
    channels=st.integers(1, 70),
    transposed=st.booleans(),
    level=st.sampled_from(HERE),
)
@settings(max_examples=80)
def test_the_library_computes_means_and_maxima_with_their_gradients(
    seed: int, batch: int, time: int, channels: int, transposed: bool, level: library.Level
) -> None:
    draw = torch.Generator().manual_seed(seed)
    values = torch.randn(batch, time, channels, generator=draw).mul_(2).round_()  # many equal ones
    if transposed:
        values = values.transpose(0, 1).contiguous().transpose(0, 1)
    pull = torch.randn(batch, 2, channels, generator=draw)
    inputs = values.clone().requires_grad_()
    found = elementwise.mean_and_largest(inputs, level=level)
    torch.autograd.backward((found * pull).sum())
    doubles = values.double().requires_grad_()
    expected = torch.stack([doubles.mean(1), doubles.amax(1)], 1)
    torch.autograd.backward((expected * pull).sum())
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-5, atol=1e-5)
    assert inputs.grad is not None
    assert doubles.grad is not None
    np.testing.assert_allclose(inputs.grad, doubles.grad, rtol=1e-5, atol=1e-5)


def test_not_a_number_is_the_largest() -> None:
    values = torch.zeros(2, 5, 20)
    values[0, 2, 3] = torch.nan
    values.requires_grad_()
    found = mean_and_largest(values).detach()
    expected = torch.cat([values.mean(1), values.amax(1)], 1).detach()
    np.testing.assert_array_equal(found, expected)
