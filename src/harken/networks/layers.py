"""Layers that networks share, also convolutions with batch normalisation, ReLU and dropout, and pooling over time: they
compute the same as PyTorch's, and are faster on a CPU in training."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from harken.networks.native import autograd, elementwise
from harken.networks.native.convolution_layer import Sizes, convolution_layer

State = tuple[Tensor, Tensor]
BITS_A_NUMBER = 64


class FusedLSTM(nn.LSTM):
    """``torch.nn.LSTM`` with its arguments, parameters and state dict, and the same results to rounding.

    If the compiled library was built, it is used on a CPU, in float32, for 8 to 256 units in 1 to 3 layers. PyTorch's
    code is used in all other cases (a GPU, other data types, packed sequences, projections, tracing and export).
    Second-order gradients need PyTorch's code: set ``HARKEN_NATIVE=0``. See ``docs/native.md``.
    """

    def forward(  # type: ignore[override]
        self,
        input: Tensor | PackedSequence,  # noqa: A002 - PyTorch's name for it
        hx: State | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """See ``torch.nn.LSTM``."""
        if not self._can_use_native(input, hx):
            return cast(tuple[Tensor | PackedSequence, State], super().forward(input, hx))
        x = cast(Tensor, input)
        x = x if self.batch_first else x.transpose(0, 1)
        if self.training and self.dropout and self.num_layers > 1:
            y, h, c = self._with_dropout(x, hx)
        else:
            y, h, c = autograd.lstm(
                x, self._weights(), hx, units=self.hidden_size, layers=self.num_layers, directions=self._directions
            )
        return y if self.batch_first else y.transpose(0, 1), (h, c)

    @property
    def _directions(self) -> int:
        return 1 + self.bidirectional

    def _can_use_native(self, given: Tensor | PackedSequence, hx: State | None) -> bool:
        if not isinstance(given, Tensor) or self.proj_size:
            return False
        weights = [*self._flat_weights, *(hx or ())]
        if not autograd.usable(given, cast(list[Tensor], weights), units=self.hidden_size, layers=self.num_layers):
            return False
        batch = given.shape[0 if self.batch_first else 1]
        state = (self.num_layers * self._directions, batch, self.hidden_size)
        # PyTorch raises the errors for shapes that do not fit.
        return given.shape[2] == self.input_size and all(part.shape == state for part in hx or ())

    def _weights(self) -> list[Tensor | None]:
        """The four weights of each layer and direction."""
        weights = list(self._flat_weights)
        if self.bias:
            return weights
        return [part for i in range(0, len(weights), 2) for part in (weights[i], weights[i + 1], None, None)]

    def _with_dropout(self, x: Tensor, hx: State | None) -> tuple[Tensor, Tensor, Tensor]:
        """The LSTM layer by layer. As in PyTorch's LSTM, masks are drawn with time before batch."""
        weights, each, states = self._weights(), 4 * self._directions, []
        for layer in range(self.num_layers):
            part = slice(layer * self._directions, (layer + 1) * self._directions)
            state = None if hx is None else (hx[0][part], hx[1][part])
            of_layer = weights[layer * each : (layer + 1) * each]
            x, h, c = autograd.lstm(x, of_layer, state, units=self.hidden_size, directions=self._directions)
            states.append((h, c))
            if layer + 1 < self.num_layers:
                x = F.dropout(x.transpose(0, 1).contiguous(), self.dropout).transpose(0, 1)
        hidden, cells = zip(*states, strict=True)
        return x, torch.cat(hidden), torch.cat(cells)


class Dropout(nn.Module):
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
        if self.bits == elementwise.BITS and values.numel() and autograd.computable(values):
            return elementwise.drop(values, numbers, dropped=self.dropped)
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


class FusedConvolutions(nn.Sequential):
    """Convolutions along time, each followed by batch normalisation, ReLU and possibly dropout:
    ``[batch, time, channels] -> [batch, outputs, filters]``.

    The layers, parameters and state dict are those of ``nn.Sequential``, and so are the results to rounding, but the
    channels of a sample lie side by side. In training, the compiled library is used on a CPU in float32, if it was
    built: it computes each convolution together with the layers after it, and transposes nothing. PyTorch's code is
    used in all other cases (evaluation, a GPU, other data types, other layers, hooks, tracing and export). Second-order
    gradients need PyTorch's code: set ``HARKEN_NATIVE=0``. See ``docs/native.md``.

    Args:
        layers: ``nn.Conv1d``, ``nn.BatchNorm1d``, ``nn.ReLU``, and possibly ``Dropout``, once or several times.
        residual: whether the input is added to the result.
    """

    def __init__(self, *layers: nn.Module, residual: bool = False) -> None:
        super().__init__(*layers)
        self.residual = residual

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - PyTorch's name for it
        """See the class."""
        x, groups = input, self._groups()
        if not _computable(groups, input):
            for module in self:
                # Dropout draws its numbers in the order of the values, which shall be the same in both cases.
                x = module(x) if isinstance(module, Dropout) else module(x.transpose(1, 2)).transpose(1, 2)
            return input + x if self.residual else x
        added = self.residual and len(groups) == 1
        for group in groups:
            x = group.computed(x, residual=added)
        return input + x if self.residual and not added else x

    def _groups(self) -> "list[_Group]":
        """Each convolution with the layers after it; empty if there are other layers or another order."""
        groups, layers = [], list(self)
        while layers:
            kinds = [type(layer) for layer in layers[:4]]
            if kinds[:3] != [nn.Conv1d, nn.BatchNorm1d, nn.ReLU]:
                return []
            dropout = cast(Dropout, layers[3]) if kinds[3:] == [Dropout] else None
            groups.append(_Group(cast(nn.Conv1d, layers[0]), cast(nn.BatchNorm1d, layers[1]), layers[2], dropout))
            del layers[: 3 if dropout is None else 4]
        return groups


@dataclass(frozen=True)
class _Group:
    """A convolution and the layers after it."""

    convolution: nn.Conv1d
    norm: nn.BatchNorm1d
    relu: nn.Module
    dropout: Dropout | None

    def is_supported(self) -> bool:
        """Whether the library was made for these layers, in this mode."""
        convolution, norm, dropout = self.convolution, self.norm, self.dropout
        modules = [convolution, norm, self.relu, *([] if dropout is None else [dropout])]
        return (
            convolution.bias is None
            and convolution.dilation == (1,)
            and convolution.padding_mode == "zeros"
            and not isinstance(convolution.padding, str)
            and norm.affine
            and norm.track_running_stats
            and norm.num_features == convolution.out_channels
            and (dropout is None or dropout.bits == elementwise.BITS)
            and all(module.training and not _has_hooks(module) for module in modules)
        )

    def outputs(self, time: int) -> int:
        """The length of the result for so many samples."""
        convolution = self.convolution
        padding = cast(tuple[int], convolution.padding)[0]
        return (time + 2 * padding - convolution.kernel_size[0]) // convolution.stride[0] + 1

    def tensors(self) -> list[Tensor]:
        """What the library reads and writes, all float32."""
        norm = self.norm
        return [
            self.convolution.weight,
            norm.weight,
            norm.bias,
            *cast(list[Tensor], [norm.running_mean, norm.running_var]),
        ]

    def computed(self, x: Tensor, *, residual: bool) -> Tensor:
        """The result for ``x``; and the running mean and variance are updated, as ``nn.BatchNorm1d`` does."""
        convolution, norm, dropout = self.convolution, self.norm, self.dropout
        shape = (len(x), self.outputs(x.shape[1]), convolution.out_channels)
        random = dropout.draw(shape, x.device) if dropout is not None and dropout.dropped else None
        sizes = Sizes(
            convolution.stride[0],
            cast(tuple[int], convolution.padding)[0],
            convolution.groups,
            norm.eps,
            dropped=0 if random is None or dropout is None else dropout.dropped,
            residual=residual,
        )
        y, mean, variance = convolution_layer(x, convolution.weight, norm.weight, norm.bias, random, sizes)
        _update_running(norm, mean, variance, shape[0] * shape[1])
        return y


def _computable(groups: list[_Group], x: Tensor) -> bool:
    if not groups or x.ndim != 3 or not all(group.is_supported() for group in groups):
        return False
    channels, time = x.shape[2], x.shape[1]
    for group in groups:
        time = group.outputs(time)
        # PyTorch raises the errors for shapes that do not fit.
        if channels != group.convolution.in_channels or time < 1 or len(x) * time < 2:
            return False
        channels = group.convolution.out_channels
    return autograd.computable(x, *(tensor for group in groups for tensor in group.tensors()))


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def _update_running(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor, values: int) -> None:
    batches, running_mean, running_var = norm.num_batches_tracked, norm.running_mean, norm.running_var
    assert batches is not None
    assert running_mean is not None
    assert running_var is not None
    with torch.no_grad():
        batches.add_(1)
        share = 1 / float(batches) if norm.momentum is None else norm.momentum
        running_mean.lerp_(mean, share)
        running_var.lerp_(variance * (values / (values - 1)), share)
