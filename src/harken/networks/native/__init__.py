"""Harken's own LSTM for CPUs, from a C++ library that is compiled beside this file.

The library is found and loaded, its instruction set is chosen, and its LSTM becomes a function with gradients.

The environment variable ``HARKEN_NATIVE`` overrides: ``0`` leaves everything to PyTorch, ``portable``, ``avx2`` and
``avx512`` take the kernels for these instructions, also where there are better ones. It is read once.
"""

import ctypes
import logging
import multiprocessing
import os
import threading
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from harken.support.errors import HarkenError

__all__ = ["LEVELS", "Level", "computable", "instructions", "load", "lstm", "usable"]

Level = Literal["portable", "avx2", "avx512"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Instruction sets, the poorest first, as the library numbers them."""

LIBRARY = Path(__file__).with_name("harken_lstm.so")
"""Where ``hatch_build.py`` puts what it compiles."""

MOST_LAYERS, FEWEST_UNITS, MOST_UNITS = 3, 8, 256
MOST_KEPT = 1 << 28
"""Floats. Beyond this, what backward needs is not kept but made again, tile by tile, which takes a third longer."""
MOST_SPARE = 2
"""Buffers that are not given back to the system: taking 60 MB anew in each step costs some of its time."""

logger = logging.getLogger("harken")


class Problem(ctypes.Structure):
    """What is to be computed: the C++ file's structure of the same name, field by field."""

    _fields_ = (
        *((name, c_int64) for name in ("batch", "length", "inputs", "units", "layers", "directions")),
        ("x", c_void_p),
        *((name, c_int64) for name in ("x_row", "x_time", "x_item")),
        *((name, c_void_p) for name in ("weights", "h0", "c0", "y")),
        *((name, c_int64) for name in ("y_row", "y_time")),
        *((name, c_void_p) for name in ("hn", "cn", "kept", "dy")),
        *((name, c_int64) for name in ("dy_row", "dy_time")),
        *((name, c_void_p) for name in ("dhn", "dcn", "dx")),
        *((name, c_int64) for name in ("dx_row", "dx_time")),
        *((name, c_void_p) for name in ("dweights", "dh0", "dc0")),
        *((name, c_int64) for name in ("threads", "level")),
    )


@cache
def load() -> ctypes.CDLL | None:
    """The library; None where it was not built, cannot be loaded or is switched off.

    Raises:
        HarkenError: when ``HARKEN_NATIVE`` has an invalid value.
    """
    setting = os.environ.get("HARKEN_NATIVE", "1")
    if setting not in ("0", "1", *LEVELS):
        raise HarkenError(f"HARKEN_NATIVE must be 0, 1, {', '.join(LEVELS)}, got {setting!r}")
    if setting == "0":
        return None
    try:
        library = ctypes.CDLL(str(LIBRARY))
    except OSError:
        # Once, not once for every process of a pool.
        if multiprocessing.parent_process() is None:
            logger.warning(
                "harken runs on PyTorch's LSTM: its own, which is faster on CPUs, was not built when it was "
                "installed (that takes a C++ compiler)"
            )
        return None
    for name in ("harken_lstm_forward", "harken_lstm_backward"):
        getattr(library, name).argtypes = [ctypes.POINTER(Problem)]
        getattr(library, name).restype = ctypes.c_int
    library.harken_lstm_kept.argtypes = [ctypes.POINTER(Problem)]
    library.harken_lstm_kept.restype = c_int64
    library.harken_lstm_level.restype = c_int64
    library.harken_lstm_borrow.argtypes = [c_void_p]
    library.harken_lstm_borrow.restype = None
    library.harken_lstm_activations.argtypes = [c_int64, c_void_p, c_void_p, c_void_p, c_int64]
    library.harken_lstm_activations.restype = None
    library.harken_lstm_multiply_add.argtypes = [c_int64, c_int64]
    library.harken_lstm_multiply_add.restype = ctypes.c_double
    library.harken_lstm_borrow(_threads_of_pytorch())
    return library


@cache
def instructions() -> Level:
    """The instruction set that is used: the best that the processor has, or the one named in ``HARKEN_NATIVE``.

    Raises:
        HarkenError: when the processor lacks the one in ``HARKEN_NATIVE``, or there is no library.
    """
    library = load()
    if library is None:
        raise HarkenError("harken's own LSTM was not built or is switched off")
    best = int(library.harken_lstm_level())
    setting = os.environ.get("HARKEN_NATIVE", "1")
    if setting not in LEVELS:
        return LEVELS[best]
    if LEVELS.index(setting) > best:
        raise HarkenError(f"HARKEN_NATIVE is {setting}, but this processor has only {LEVELS[best]}")
    return LEVELS[LEVELS.index(setting)]


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
        _call("harken_lstm_forward", problem)
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
        _call("harken_lstm_backward", problem)
        return None, dx, dh0, dc0, *dweights


def _call(name: str, problem: Problem) -> None:
    if getattr(load(), name)(ctypes.byref(problem)):
        raise MemoryError("there is not enough memory for this LSTM")


def _kept_floats(work: _Work, x: Tensor) -> int:
    library = load()
    assert library is not None
    sizes = Problem(*x.shape, work.units, work.layers, work.directions, level=work.level)
    return int(library.harken_lstm_kept(ctypes.byref(sizes)))


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
