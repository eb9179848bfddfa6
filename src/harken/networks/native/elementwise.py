"""Operations between layers in training, with gradients: mean and maximum over time, and dropout."""

import ctypes
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from harken.networks.native.library import LEVELS, Level, call, instructions

BITS = 8
"""Of a random number for dropout."""


class Pooling(ctypes.Structure):
    """What is to be computed: the structure of the same name in ``elementwise.cpp``, field by field."""

    _fields_ = (
        *((name, c_int64) for name in ("batch", "time", "channels")),
        ("x", c_void_p),
        *((name, c_int64) for name in ("x_window", "x_time")),
        *((name, c_void_p) for name in ("y", "dy", "dx")),
        *((name, c_int64) for name in ("threads", "level")),
    )


class Dropping(ctypes.Structure):
    """The other structure in ``elementwise.cpp``."""

    _fields_ = (
        ("count", c_int64),
        *((name, c_void_p) for name in ("x", "random")),
        ("dropped", c_int64),
        ("y", c_void_p),
        *((name, c_int64) for name in ("threads", "level")),
    )


def mean_and_largest(x: Tensor, *, level: Level | None = None) -> Tensor:
    """The mean and the maximum over time of each channel, ``[batch, time, channels] -> [batch, 2, channels]``.

    ``x`` must be ``computable``. Equal maxima share the gradient evenly.
    """
    made: Tensor = _Pooling.apply(x if x.stride(2) == 1 else x.contiguous(), level)  # type: ignore[no-untyped-call]
    return made


def drop(x: Tensor, random: Tensor, *, dropped: int, level: Level | None = None) -> Tensor:
    """``x`` with zeros where the random number is below ``dropped``, and times ``256 / (256 - dropped)`` elsewhere.

    ``x`` must be ``computable``.

    Args:
        x: any shape.
        random: uint8, contiguous, one for each value.
        dropped: of 256 values, how many are set to 0.
        level: the instruction set, for tests; that of ``instructions()`` when None.
    """
    made: Tensor = _Dropping.apply(x, random, dropped, level)  # type: ignore[no-untyped-call]
    return made


class _Pooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, level: Level | None) -> Tensor:
        y = x.new_empty(x.shape[0], 2, x.shape[2])
        ctx.level = level
        ctx.save_for_backward(x, y)
        call("harken_pool_forward", _pooling(x, y, level))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None]:
        x, y = ctx.saved_tensors
        dy, dx = dy.contiguous(), torch.empty(x.shape)
        problem = _pooling(x, y, ctx.level)
        problem.dy, problem.dx = dy.data_ptr(), dx.data_ptr()
        call("harken_pool_backward", problem)
        return dx, None


class _Dropping(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, random: Tensor, dropped: int, level: Level | None) -> Tensor:
        ctx.random, ctx.dropped, ctx.level = random, dropped, level
        return _dropped(x, random, dropped, level)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, None, None, None]:
        return drop(dy, ctx.random, dropped=ctx.dropped, level=ctx.level), None, None, None


def _dropped(x: Tensor, random: Tensor, dropped: int, level: Level | None) -> Tensor:
    x = x.contiguous()
    y = torch.empty_like(x)
    problem = Dropping(
        x.numel(),
        x.data_ptr(),
        random.data_ptr(),
        dropped,
        y.data_ptr(),
        threads=torch.get_num_threads(),
        level=_number(level),
    )
    call("harken_drop", problem)
    return y


def _pooling(x: Tensor, y: Tensor, level: Level | None) -> Pooling:
    return Pooling(
        *x.shape,
        x.data_ptr(),
        x.stride(0),
        x.stride(1),
        y.data_ptr(),
        threads=torch.get_num_threads(),
        level=_number(level),
    )


def _number(level: Level | None) -> int:
    return LEVELS.index(level or instructions())
