"""``largest`` beside PyTorch's ``amax``."""

import pytest
import torch

from harken.networks.largest import largest


@pytest.mark.parametrize("dim", [1, 2])
def test_values_and_gradients_are_amaxs_also_where_several_are_largest(dim: int) -> None:
    torch.manual_seed(0)
    values = torch.randn(5, 7, 9).relu().round()  # many equal ones
    pull = torch.randn(values.amax(dim).shape)
    gradients = []
    for function in (largest, torch.Tensor.amax):
        asked = values.clone().requires_grad_()
        found = function(asked, dim)
        assert torch.equal(found, values.amax(dim))
        torch.autograd.backward((found * pull).sum())
        gradients.append(asked.grad)
    assert gradients[0] is not None
    assert gradients[1] is not None
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(largest(values, dim), values.amax(dim))
