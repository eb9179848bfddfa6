"""A convolution along time with batch normalisation, ReLU, dropout and residual, in training; with gradients."""

import ctypes
from ctypes import c_double, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harken.networks.native.library import LEVELS, Level, call, instructions


class Layer(ctypes.Structure):
    """What is to be computed: the structure of the same name in ``convolution_layer.cpp``, field by field."""

    _fields_ = (
        *(
            (name, c_int64)
            for name in ("batch", "time", "channels", "filters", "kernel", "stride", "padding", "groups", "outputs")
        ),
        *((name, c_void_p) for name in ("x", "weight", "scale", "shift")),
        ("epsilon", c_double),
        *((name, c_void_p) for name in ("mean", "variance", "random")),
        *((name, c_int64) for name in ("dropped", "residual")),
        *((name, c_void_p) for name in ("z", "y", "dy")),
        *((name, c_int64) for name in ("dy_window", "dy_time")),
        *((name, c_void_p) for name in ("dx", "dweight", "dscale", "dshift")),
        *((name, c_int64) for name in ("threads", "level")),
    )


@dataclass(frozen=True)
class Sizes:
    """What the tensors do not say about a layer.

    Attributes:
        stride, padding, groups: those of the convolution.
        epsilon: added to the variance by batch normalisation.
        dropped: of 256 values, how many dropout sets to 0.
        residual: whether the input is added to the result.
        level: the instruction set, for tests; that of ``instructions()`` when None.
    """

    stride: int
    padding: int
    groups: int
    epsilon: float
    dropped: int = 0
    residual: bool = False
    level: Level | None = None


def convolution_layer(
    x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, random: Tensor | None, sizes: Sizes
) -> tuple[Tensor, Tensor, Tensor]:
    """``dropout(relu(batch_norm(conv1d(x, weight)))) [+ x]``, with the channels of a sample side by side.

    All tensors must be ``computable``.

    Args:
        x: ``[batch, time, channels]``.
        weight: ``[filters, channels / groups, kernel]``.
        scale, shift: the weight and bias of batch normalisation, ``[filters]``.
        random: uint8 ``[batch, outputs, filters]``; dropout sets to 0 where it is below ``sizes.dropped``. None:
            without dropout.
        sizes: see ``Sizes``.

    Returns:
        ``[batch, outputs, filters]``, and the mean and the (biased) variance of each filter over the batch.

    Raises:
        MemoryError: when there is not enough memory.
    """
    made: tuple[Tensor, Tensor, Tensor] = _Layer.apply(  # type: ignore[no-untyped-call]
        sizes, random, x.contiguous(), weight.contiguous(), scale.contiguous(), shift.contiguous()
    )
    return made


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sizes: Sizes, random: Tensor | None, x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        problem = _problem(sizes, x, weight)
        y = x.new_empty(x.shape[0], problem.outputs, weight.shape[0])
        z, mean, variance = torch.empty_like(y), torch.empty_like(scale), torch.empty_like(scale)
        kept = (x, weight, scale, shift, mean, variance, z, random)
        _set_addresses(problem, *kept)
        problem.y = y.data_ptr()
        call("harken_layer_forward", problem)
        ctx.sizes = sizes
        ctx.save_for_backward(*kept)
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return y, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if dy is None:
            return (None,) * 6
        x, weight, scale, *_ = kept = ctx.saved_tensors
        problem = _problem(ctx.sizes, x, weight)
        _set_addresses(problem, *kept)
        if dy.stride(2) != 1:
            dy = dy.contiguous()
        problem.dy, problem.dy_window, problem.dy_time = dy.data_ptr(), dy.stride(0), dy.stride(1)
        dx = torch.empty_like(x) if ctx.needs_input_grad[2] else None
        dweight, dscale, dshift = torch.empty_like(weight), torch.empty_like(scale), torch.empty_like(scale)
        problem.dx = None if dx is None else dx.data_ptr()
        problem.dweight, problem.dscale, problem.dshift = (part.data_ptr() for part in (dweight, dscale, dshift))
        call("harken_layer_backward", problem)
        return None, None, dx, dweight, dscale, dshift


def _problem(sizes: Sizes, x: Tensor, weight: Tensor) -> Layer:
    filters, _, kernel = weight.shape
    return Layer(
        *x.shape,
        filters,
        kernel,
        sizes.stride,
        sizes.padding,
        sizes.groups,
        (x.shape[1] + 2 * sizes.padding - kernel) // sizes.stride + 1,
        epsilon=sizes.epsilon,
        dropped=sizes.dropped,
        residual=sizes.residual,
        threads=torch.get_num_threads(),
        level=LEVELS.index(sizes.level or instructions()),
    )


def _set_addresses(
    problem: Layer,
    x: Tensor,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    z: Tensor,
    random: Tensor | None,
) -> None:
    problem.x, problem.weight = x.data_ptr(), weight.data_ptr()
    problem.scale, problem.shift = scale.data_ptr(), shift.data_ptr()
    problem.mean, problem.variance, problem.z = mean.data_ptr(), variance.data_ptr(), z.data_ptr()
    problem.random = None if random is None else random.data_ptr()
