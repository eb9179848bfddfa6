"""Convolutions with batch normalisation, ReLU and dropout: PyTorch's results, computed faster on a CPU in training."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from harken.networks.layers import Dropout
from harken.networks.native import autograd, elementwise
from harken.networks.native.convolution_layer import Sizes, convolution_layer


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
