"""The largest value along a dimension, with gradients in a quarter of the time of ``Tensor.amax``'s on a CPU."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["largest"]


def largest(values: Tensor, dim: int) -> Tensor:
    """``values.amax(dim)``, and the same gradients, shared evenly by values that are equally large.

    PyTorch's pass through masks of truth values, which it converts one at a time; here they are read as the bytes that
    they are.
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
