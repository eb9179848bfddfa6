"""Harken's LSTM as a function of PyTorch with gradients, from the compiled library."""

import ctypes
import threading
from collections.abc import Sequence
from ctypes import c_void_p
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harken.networks.native import library
from harken.networks.native.library import LEVELS, Level, Problem, instructions
from harken.networks.native.recurrent import FEWEST_UNITS, MOST_LAYERS, MOST_UNITS

MOST_KEPT = 1 << 28
"""Floats. Beyond this, what backward needs is not kept but made again, tile by tile, which takes a third longer."""
MOST_SPARE = 2
"""Buffers that are not given back to the system: taking 60 MB anew in each step costs some of its time."""


@cache
def load() -> ctypes.CDLL | None:
    """The library, which computes on PyTorch's threads; None and errors as ``library.load``."""
    found = library.load()
    if found is not None:
        found.harken_lstm_borrow(_threads_of_pytorch())
    return found


def _threads_of_pytorch() -> int | None:
    """The address of the function that starts PyTorch's own threads, or None where they are not OpenMP's.

    They wait in a loop for a moment after each of PyTorch's operations. Threads of another pool would get in their way.
    """
    if "OpenMP" not in torch.__config__.parallel_info().partition("ATen parallel backend")[2]:
        return None
    for path in (None, *sorted(Path(torch.__file__).with_name("lib").glob("libgomp*"))):
        try:
            found = ctypes.CDLL(None if path is None else str(path)).GOMP_parallel
        except (OSError, AttributeError):
            continue
        return ctypes.cast(found, c_void_p).value
    return None


def usable(x: Tensor, weights: Sequence[Tensor], *, units: int, layers: int) -> bool:
    """Whether the library can do this work: there is one, and it is plain float32 on the CPU of sizes it was made for.

    While a network is traced or exported it cannot be used: the result would lack its operations.
    """
    return (
        1 <= layers <= MOST_LAYERS
        and FEWEST_UNITS <= units <= MOST_UNITS
        and x.ndim == 3
        and x.numel() > 0
        and computable(x, *weights)
    )


def computable(*tensors: Tensor) -> bool:
    """Whether there is a library, the tensors are plain float32 on the CPU, and nothing traces or transforms the
    computation."""
    return (
        all(type(t) in (Tensor, torch.nn.Parameter) and _is_plain(t) for t in tensors)
        and not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
        and not torch.onnx.is_in_onnx_export()
        and not torch._C._are_functorch_transforms_active()
        and not torch.is_autocast_enabled("cpu")
        and load() is not None
    )


def _is_plain(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.layout == torch.strided


def lstm(
    x: Tensor,
    weights: Sequence[Tensor | None],
    state: tuple[Tensor, Tensor] | None,
    *,
    units: int,
    layers: int = 1,
    directions: int = 1,
    steps: bool = True,
    level: Level | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """LSTM layers over ``x`` ``[batch, time, inputs]``; only if ``usable`` returns True.

    Args:
        x: the input; any strides.
        weights: of each layer and in it each direction: input weights ``[4 x units, inputs]``, recurrent weights
            ``[4 x units, units]`` and two biases ``[4 x units]`` or None, gates in PyTorch's order.
        state: initial state and cell, each ``[layers x directions, batch, units]``; zeros when None.
        steps: whether to return the states of all steps; if not, the first of the results is empty.
        level: the instruction set, for tests; the best one when None.

    Returns:
        The last layer's states ``[batch, time, directions x units]``, and the last step's states and cells
        ``[layers x directions, batch, units]``.
    """
    number = LEVELS.index(level or instructions())
    work = _Work(units, layers, directions, steps, number)
    h0, c0 = (None, None) if state is None else state
    if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (x, h0, c0, *weights)):
        made: tuple[Tensor, Tensor, Tensor] = _LSTM.apply(work, x, h0, c0, *weights)  # type: ignore[no-untyped-call]
        return made
    return work.forward(x, h0, c0, weights)


@dataclass(frozen=True)
class _Work:
    """Sizes, and the gradients to compute."""

    units: int
    layers: int
    directions: int
    steps: bool
    level: int
    kept: Tensor | None = None

    def forward(
        self, x: Tensor, h0: Tensor | None, c0: Tensor | None, weights: Sequence[Tensor | None]
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = x.shape
        y = x.new_empty(batch, length if self.steps else 0, self.directions * self.units)
        hn = x.new_empty(self.layers * self.directions, batch, self.units)
        cn = torch.empty_like(hn)
        hold: list[object] = []
        problem = self.problem(x, h0, c0, weights, hold)
        if self.steps:
            problem.y, problem.y_row, problem.y_time = y.data_ptr(), y.stride(0), y.stride(1)
        problem.hn, problem.cn = hn.data_ptr(), cn.data_ptr()
        library.call("harken_lstm_forward", problem)
        return y, hn, cn

    def problem(
        self,
        x: Tensor,
        h0: Tensor | None,
        c0: Tensor | None,
        weights: Sequence[Tensor | None],
        hold: list[object],
    ) -> Problem:
        """What forward and backward have in common. ``hold`` keeps alive what had to be copied."""
        problem = Problem(
            *x.shape, self.units, self.layers, self.directions, x.data_ptr(), *x.stride(), level=self.level
        )
        problem.weights = _addresses(weights, hold)
        problem.h0, problem.c0 = _address(h0, hold), _address(c0, hold)
        problem.threads = torch.get_num_threads()
        problem.kept = None if self.kept is None else self.kept.data_ptr()
        return problem


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, work: _Work, x: Tensor, h0: Tensor | None, c0: Tensor | None, *weights: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        floats = _kept_floats(work, x)
        ctx.lease = _Lease(floats) if floats <= MOST_KEPT else None
        ctx.work = replace(work, kept=None if ctx.lease is None else ctx.lease.tensor)
        ctx.save_for_backward(x, h0, c0, *weights)
        ctx.set_materialize_grads(False)
        made: tuple[Tensor, Tensor, Tensor] = ctx.work.forward(x, h0, c0, weights)
        return made

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None) -> tuple[Tensor | None, ...]:
        x, h0, c0, *weights = ctx.saved_tensors
        work: _Work = ctx.work
        hold: list[object] = []
        problem = work.problem(x, h0, c0, weights, hold)
        if dy is not None and work.steps:
            if dy.stride(2) != 1:
                dy = dy.contiguous()
            hold.append(dy)
            problem.dy, problem.dy_row, problem.dy_time = dy.data_ptr(), dy.stride(0), dy.stride(1)
        problem.dhn, problem.dcn = _address(dhn, hold), _address(dcn, hold)
        needs = ctx.needs_input_grad[1:]  # of x, h0, c0 and the weights
        dx = torch.empty(x.shape, dtype=x.dtype) if needs[0] else None
        if dx is not None:
            problem.dx, problem.dx_row, problem.dx_time = dx.data_ptr(), dx.stride(0), dx.stride(1)
        dh0 = torch.empty(h0.shape) if h0 is not None and needs[1] else None
        dc0 = torch.empty(c0.shape) if c0 is not None and needs[2] else None
        problem.dh0, problem.dc0 = _address(dh0, hold), _address(dc0, hold)
        dweights = [
            torch.empty(weight.shape) if weight is not None and needed else None
            for weight, needed in zip(weights, needs[3:], strict=True)
        ]
        problem.dweights = _addresses(dweights, hold)
        library.call("harken_lstm_backward", problem)
        return None, dx, dh0, dc0, *dweights


def _kept_floats(work: _Work, x: Tensor) -> int:
    found = load()
    assert found is not None
    sizes = Problem(*x.shape, work.units, work.layers, work.directions, level=work.level)
    return int(found.harken_lstm_kept(ctypes.byref(sizes)))


def _address(tensor: Tensor | None, hold: list[object]) -> int | None:
    if tensor is None:
        return None
    if not tensor.is_contiguous():
        tensor = tensor.detach().contiguous()
        hold.append(tensor)
    return tensor.data_ptr()


def _addresses(tensors: Sequence[Tensor | None], hold: list[object]) -> int:
    """The address of an array of addresses; ``hold`` keeps the array alive."""
    addresses = (ctypes.c_void_p * len(tensors))(*[_address(tensor, hold) for tensor in tensors])
    hold.append(addresses)
    return ctypes.addressof(addresses)


class _Lease:
    """A buffer of at least so many floats, which goes back to the spare ones when nobody holds the lease any more."""

    _spare: list[Tensor] = []  # noqa: RUF012 - shared on purpose
    _lock = threading.Lock()

    def __init__(self, floats: int) -> None:
        with self._lock:
            fits = [i for i, tensor in enumerate(self._spare) if floats <= tensor.numel() <= 2 * floats]
            self.tensor = self._spare.pop(fits[0]) if fits else torch.empty(floats)

    def __del__(self) -> None:
        with self._lock:
            self._spare.insert(0, self.tensor)
            del self._spare[MOST_SPARE:]
