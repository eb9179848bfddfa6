"""Pooling over time: PyTorch's results, and faster on a CPU in training."""

from typing import Any

import torch
from torch import Tensor

from harken.networks.native import autograd, elementwise


def mean_and_largest(values: Tensor) -> Tensor:
    """The mean and the maximum over time of each channel, ``[batch, time, channels] -> [batch, 2 x channels]``.

    Equal maxima share the gradient evenly. The compiled library is used when gradients are computed on a CPU, if it was
    built.
    """
    if torch.is_grad_enabled() and values.requires_grad and values.numel() and autograd.computable(values):
        return elementwise.mean_and_largest(values).flatten(1)
    return torch.cat([values.mean(1), largest(values, 1)], 1)


def largest(values: Tensor, dim: int) -> Tensor:
    """``values.amax(dim)`` with the same gradients, in a quarter of the time on a CPU.

    Equal maxima share the gradient evenly. PyTorch computes the gradients with boolean masks, which it converts one
    value at a time. Here the masks are read as bytes.
    """
    if torch.is_grad_enabled() and values.requires_grad:
        made: Tensor = _Largest.apply(values, dim)  # type: ignore[no-untyped-call]
        return made
    return values.amax(dim)


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dim: int) -> Tensor:
        found = values.amax(dim)
        ctx.save_for_backward(values, found)
        ctx.dim = dim
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, found = ctx.saved_tensors
        where = (values == found.unsqueeze(ctx.dim)).view(torch.uint8).to(gradient.dtype)
        count = where.sum(ctx.dim, keepdim=True)
        return where.mul_(gradient.unsqueeze(ctx.dim)).div_(count), None
