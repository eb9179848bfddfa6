"""Harken's kernels in PyTorch, with gradients, for training on a CPU: modules that compute the same as PyTorch's.

Functions of PyTorch's tensors come first, then the modules that use them where the library can be used.
"""

import ctypes
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from harken.networks.native import library
from harken.networks.native.library import (
    FEWEST_UNITS,
    MOST_LAYERS,
    MOST_UNITS,
    Arguments,
    Problem,
    call,
    fields,
    fill,
    filled,
)

State: TypeAlias = tuple[Tensor, Tensor]

MOST_KEPT = 1 << 28
"""Floats. Beyond this, what backward needs is not kept but made again, tile by tile, which takes a third longer."""
BITS_A_NUMBER = 64


class LayerArguments(Arguments):
    """The arguments of ``convolution_layer``: the structure of the same name in ``convolution_layer.cpp``."""

    _fields_ = fields(
        "int batch time channels filters kernel stride padding groups outputs",
        "address x weight scale shift",
        "double epsilon",
        "address mean variance random",
        "int dropped residual",
        "address z y dy",
        "int dy_window dy_time",
        "address dx dweight dscale dshift",
        "int threads level",
    )


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
        return ctypes.cast(found, ctypes.c_void_p).value
    return None


def computable(*tensors: Tensor) -> bool:
    """Whether there is a library, the tensors are plain float32 on the CPU, and nothing traces or transforms the
    computation: the result would lack its operations."""
    return (
        all(type(t) in (Tensor, nn.Parameter) and _is_plain(t) for t in tensors)
        and not torch.compiler.is_compiling()
        and torch._C._get_tracing_state() is None
        and not torch.onnx.is_in_onnx_export()
        and not torch._C._are_functorch_transforms_active()
        and not torch.is_autocast_enabled("cpu")
        and load() is not None
    )


def _is_plain(tensor: Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and tensor.layout == torch.strided


def lstm_computable(x: Tensor, weights: Sequence[Tensor], *, units: int, layers: int) -> bool:
    """Whether ``lstm`` can be used: the tensors are ``computable``, and there are kernels for these sizes."""
    fits = 1 <= layers <= MOST_LAYERS and FEWEST_UNITS <= units <= MOST_UNITS
    return fits and x.ndim == 3 and x.numel() > 0 and computable(x, *weights)


def lstm(
    x: Tensor, weights: Sequence[Tensor], *, units: int, layers: int = 1, directions: int = 1, steps: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """LSTM layers over ``x`` ``[batch, time, inputs]``, from a state of zeros; only if ``lstm_computable``.

    Args:
        x: the input; any strides.
        weights: of each layer and in it each direction: input weights ``[4 x units, inputs]``, recurrent weights
            ``[4 x units, units]`` and two biases ``[4 x units]``, gates in PyTorch's order.
        units, layers, directions: the sizes.
        steps: whether to return the states of all steps; if not, the first of the results is empty.

    Returns:
        The last layer's states ``[batch, time, directions x units]``, and the last step's states and cells
        ``[layers x directions, batch, units]``.
    """
    sizes = (units, layers, directions)
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *weights)):
        made: tuple[Tensor, Tensor, Tensor] = _LSTM.apply(sizes, steps, x, *weights)  # type: ignore[no-untyped-call]
        return made
    return _lstm_forward(_lstm_arguments(sizes, x, weights, None), x, steps)


def _lstm_arguments(sizes: tuple[int, int, int], x: Tensor, weights: Sequence[Tensor], kept: Tensor | None) -> Problem:
    """What forward and backward have in common."""
    weights = [weight.contiguous() for weight in weights]
    arguments = filled(Problem, *x.shape, *sizes, x, *x.stride(), library.addresses(weights), kept=kept)
    arguments.kept_alive.append(weights)
    return fill(arguments, threads=torch.get_num_threads())


def _lstm_forward(arguments: Problem, x: Tensor, steps: bool) -> tuple[Tensor, Tensor, Tensor]:
    y = x.new_empty(len(x), x.shape[1] if steps else 0, arguments.directions * arguments.units)
    hn = x.new_empty(arguments.layers * arguments.directions, len(x), arguments.units)
    cn = torch.empty_like(hn)
    if steps:
        fill(arguments, y=y, y_row=y.stride(0), y_time=y.stride(1))
    call("harken_lstm_forward", fill(arguments, hn=hn, cn=cn))
    return y, hn, cn


class _LSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sizes: tuple[int, int, int], steps: bool, x: Tensor, *weights: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        found = load()
        assert found is not None
        floats = int(found.harken_lstm_kept(filled(Problem, *x.shape, *sizes)))
        ctx.kept = torch.empty(floats) if floats <= MOST_KEPT else None
        ctx.sizes, ctx.steps = sizes, steps
        ctx.save_for_backward(x, *weights)
        ctx.set_materialize_grads(False)
        return _lstm_forward(_lstm_arguments(sizes, x, weights, ctx.kept), x, steps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor | None, dhn: Tensor | None, dcn: Tensor | None) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        arguments = _lstm_arguments(ctx.sizes, x, weights, ctx.kept)
        if dy is not None and ctx.steps:
            dy = dy if dy.stride(2) == 1 else dy.contiguous()
            fill(arguments, dy=dy, dy_row=dy.stride(0), dy_time=dy.stride(1))
        dx, *dweights = (
            torch.empty(tensor.shape) if needed else None
            for tensor, needed in zip((x, *weights), ctx.needs_input_grad[2:], strict=True)
        )
        if dx is not None:
            fill(arguments, dx=dx, dx_row=dx.stride(0), dx_time=dx.stride(1))
        dhn, dcn = (None if tensor is None else tensor.contiguous() for tensor in (dhn, dcn))
        fill(arguments, dhn=dhn, dcn=dcn, dweights=library.addresses(dweights))
        call("harken_lstm_backward", arguments)
        return None, None, dx, *dweights


def convolution_layer(
    x: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, random: Tensor | None, **sizes: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """``dropout(relu(batch_norm(conv1d(x, weight)))) [+ x]``, with the channels of a sample side by side.

    All tensors must be ``computable``.

    Args:
        x: ``[batch, time, channels]``.
        weight: ``[filters, channels / groups, kernel]``.
        scale, shift: the weight and bias of batch normalisation, ``[filters]``.
        random: uint8 ``[batch, outputs, filters]``; dropout sets to 0 where it is below ``dropped``. None: without
            dropout.
        sizes: ``stride``, ``padding`` and ``groups`` of the convolution; ``epsilon``, which is added to the variance;
            ``dropped``: of 256 values, how many dropout sets to 0; ``residual``: whether ``x`` is added.

    Returns:
        ``[batch, outputs, filters]``, and the mean and the (biased) variance of each filter over the batch.

    Raises:
        MemoryError: when there is not enough memory.
    """
    made: tuple[Tensor, Tensor, Tensor] = _ConvolutionLayer.apply(  # type: ignore[no-untyped-call]
        sizes, random, x.contiguous(), weight.contiguous(), scale.contiguous(), shift.contiguous()
    )
    return made


class _ConvolutionLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        sizes: Mapping[str, Any],
        random: Tensor | None,
        x: Tensor,
        weight: Tensor,
        scale: Tensor,
        shift: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        outputs = (x.shape[1] + 2 * sizes["padding"] - weight.shape[2]) // sizes["stride"] + 1
        y = x.new_empty(x.shape[0], outputs, weight.shape[0])
        z, mean, variance = torch.empty_like(y), torch.empty_like(scale), torch.empty_like(scale)
        ctx.sizes = sizes
        ctx.save_for_backward(x, weight, scale, shift, mean, variance, z, random)
        arguments = _layer_arguments(sizes, x, weight, scale, shift, mean, variance, z, random)
        call("harken_layer_forward", fill(arguments, y=y))
        ctx.mark_non_differentiable(mean, variance)
        ctx.set_materialize_grads(False)
        return y, mean, variance

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        if dy is None:
            return (None,) * 6
        x, weight, scale, *_ = ctx.saved_tensors
        dy = dy if dy.stride(2) == 1 else dy.contiguous()
        dx = torch.empty_like(x) if ctx.needs_input_grad[2] else None
        dweight, dscale, dshift = torch.empty_like(weight), torch.empty_like(scale), torch.empty_like(scale)
        arguments = _layer_arguments(ctx.sizes, *ctx.saved_tensors)
        fill(arguments, dy=dy, dy_window=dy.stride(0), dy_time=dy.stride(1))
        fill(arguments, dx=dx, dweight=dweight, dscale=dscale, dshift=dshift)
        call("harken_layer_backward", arguments)
        return None, None, dx, dweight, dscale, dshift


def _layer_arguments(sizes: Mapping[str, Any], x: Tensor, weight: Tensor, *kept: Tensor | None) -> LayerArguments:
    """What forward and backward have in common: the sizes, and what is kept between them."""
    filters, _, kernel = weight.shape
    scale, shift, mean, variance, z, random = kept
    assert z is not None
    arguments = filled(LayerArguments, *x.shape, filters, kernel, **sizes)
    fill(arguments, x=x, weight=weight, scale=scale, shift=shift, mean=mean, variance=variance, z=z, random=random)
    return fill(arguments, outputs=z.shape[1], threads=torch.get_num_threads())


class FusedLSTM(nn.LSTM):
    """``torch.nn.LSTM`` with its arguments, parameters and state dict, and the same results to rounding.

    If the compiled library was built, it is used on a CPU, in float32, for 8 to 256 units in 1 to 3 layers. PyTorch's
    code is used in all other cases (a GPU, other data types, an initial state, layers without biases, packed sequences,
    projections, tracing and export). Second-order gradients need PyTorch's code: set ``HARKEN_NATIVE=0``. See
    ``docs/native.md``.
    """

    def forward(  # type: ignore[override]
        self,
        input: Tensor | PackedSequence,  # noqa: A002 - PyTorch's name for it
        hx: State | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """See ``torch.nn.LSTM``."""
        if hx is not None or not isinstance(input, Tensor) or not self._can_use_native(input):
            return cast(tuple[Tensor | PackedSequence, State], super().forward(input, hx))
        y, state = self._by_library(input if self.batch_first else input.transpose(0, 1))
        return y if self.batch_first else y.transpose(0, 1), state

    def _can_use_native(self, x: Tensor) -> bool:
        weights = cast(list[Tensor], self._flat_weights)
        fits = lstm_computable(x, weights, units=self.hidden_size, layers=self.num_layers)
        # PyTorch raises the errors for shapes that do not fit.
        return fits and self.bias and not self.proj_size and x.shape[2] == self.input_size

    def _by_library(self, x: Tensor) -> tuple[Tensor, State]:
        """All layers together, or one by one with dropout between them. As in PyTorch's LSTM, masks are drawn with time
        before batch."""
        dropped = self.training and self.dropout > 0
        together, directions = 1 if dropped else self.num_layers, 1 + self.bidirectional
        weights, states = cast(list[Tensor], self._flat_weights), []
        for layer in range(0, self.num_layers, together):
            if layer:
                x = F.dropout(x.transpose(0, 1).contiguous(), self.dropout).transpose(0, 1)
            part = weights[4 * directions * layer : 4 * directions * (layer + together)]
            x, *state = lstm(x, part, units=self.hidden_size, layers=together, directions=directions)
            states.append(state)
        hidden, cells = map(torch.cat, zip(*states, strict=True))
        return x, (hidden, cells)


class FastDropout(nn.Module):
    """Dropout: in training, sets a share of the values to 0 and scales the others so that the mean is unchanged
    (Srivastava et al., JMLR 15:1929, 2014).

    In evaluation, values are unchanged. PyTorch's dropout draws a number of 64 bits for each value on one thread. This
    took a sixth of a training iteration of the everyday network on a CPU, and a fifth of the notebook's. Here one such
    number is used for eight values, or for four.

    Random numbers are from PyTorch's generator of the signals' device.

    Args:
        share: the share of values that are set to 0, at least 0 and below 1; rounded to whole 256ths, or 65,536ths.
        bits: random bits for each value: 8, or 16 if the share must be more exact than 0.002.
    """

    def __init__(self, share: float, *, bits: int = 8) -> None:
        super().__init__()
        if bits not in (8, 16):
            raise ValueError(f"bits must be 8 or 16, got {bits}")
        self.bits, self.levels = bits, 1 << bits
        self.dropped = round(share * self.levels)
        if not 0 <= self.dropped < self.levels:
            raise ValueError(f"share must be at least 0 and below 1, got {share}")

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return values
        numbers = self.draw(values.shape, values.device)
        # Numbers of 16 bits are signed, because PyTorch cannot compare unsigned ones.
        kept = numbers >= self.dropped - (0 if self.bits == 8 else self.levels // 2)
        # Booleans that are read as bytes are converted several times faster.
        mask = kept.view(torch.uint8).to(values.dtype)
        return values * mask.mul_(self.levels / (self.levels - self.dropped))

    def draw(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """A random number for each value, uint8 or int16; values with the ``dropped`` smallest are set to 0."""
        count = math.prod(shape)
        numbers = torch.empty(-(-count * self.bits // BITS_A_NUMBER), dtype=torch.int64, device=device)
        numbers.random_(-(2**63), None)
        return numbers.view(torch.uint8 if self.bits == 8 else torch.int16)[:count].view(shape)

    def extra_repr(self) -> str:
        """What ``repr`` shows."""
        return f"share={self.dropped / self.levels}"


class FusedConvolution(nn.Module):
    """A convolution along time, batch normalisation, ReLU and dropout:
    ``[batch, time, channels] -> [batch, outputs, filters]``.

    The results are those of PyTorch's layers to rounding, but the channels of a sample lie side by side. In training,
    the compiled library is used on a CPU in float32, if it was built: it computes the convolution together with the
    layers after it, and transposes nothing. PyTorch's code is used in all other cases (evaluation, a GPU, other data
    types, hooks, tracing and export). Second-order gradients need PyTorch's code: set ``HARKEN_NATIVE=0``. See
    ``docs/native.md``.

    Args:
        channels, filters, kernel, stride, padding, groups: as in ``nn.Conv1d``, without a bias.
        dropout: the share of values that are set to 0.
        residual: whether the input is added to the result.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        dropout: float = 0.0,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, filters, kernel, stride, padding, groups=groups, bias=False)
        self.normalisation = nn.BatchNorm1d(filters)
        self.dropout = FastDropout(dropout)
        self.residual = residual
        self._sizes = {"stride": stride, "padding": padding, "groups": groups, "residual": residual}

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if self._can_use_native(x):
            return self._by_library(x)
        y = self.normalisation(self.convolution(x.transpose(1, 2))).relu().transpose(1, 2)
        # Dropout draws its numbers in the order of the values, which shall be the same in both cases.
        y = cast(Tensor, self.dropout(y))
        return x + y if self.residual else y

    def _can_use_native(self, x: Tensor) -> bool:
        # PyTorch raises the errors for shapes that do not fit.
        if x.ndim != 3 or x.shape[2] != self.convolution.in_channels or len(x) * max(0, self._outputs(x)) < 2:
            return False
        norm = self.normalisation
        weights = (self.convolution.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var)
        return (
            all(module.training and not _has_hooks(module) for module in self.children())
            and norm.momentum is not None
            and computable(x, *cast(tuple[Tensor, ...], weights))
        )

    def _outputs(self, x: Tensor) -> int:
        kernel, stride = self.convolution.kernel_size[0], self._sizes["stride"]
        return (x.shape[1] + 2 * self._sizes["padding"] - kernel) // stride + 1

    def _by_library(self, x: Tensor) -> Tensor:
        norm, dropped = self.normalisation, self.dropout.dropped
        shape = (len(x), self._outputs(x), self.convolution.out_channels)
        random = self.dropout.draw(shape, x.device) if dropped else None
        sizes: dict[str, Any] = {"epsilon": norm.eps, "dropped": dropped, **self._sizes}
        y, mean, variance = convolution_layer(x, self.convolution.weight, norm.weight, norm.bias, random, **sizes)
        values = shape[0] * shape[1]
        with torch.no_grad():
            cast(Tensor, norm.num_batches_tracked).add_(1)
            share = cast(float, norm.momentum)
            cast(Tensor, norm.running_mean).lerp_(mean, share)
            cast(Tensor, norm.running_var).lerp_(variance * (values / (values - 1)), share)
        return y


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
