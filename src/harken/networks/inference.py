"""Copies of networks for labelling: they are faster, and their results are the same to rounding."""

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from harken.networks.layers import Dropout

__all__ = ["InferenceCopy", "for_inference"]


def for_inference(network: nn.Module) -> nn.Module:
    """A copy for inference, with the results of ``network`` in evaluation mode to rounding.

    A convolution along time and the batch normalisation after it become one convolution (``torch.nn.utils.fusion``). It
    reads signals in the memory layout of windows: the channels of a sample side by side. On a CPU, the everyday network
    then takes about two thirds of the time. Layers inside a network of another package are not joined, because its
    ``forward`` may use them one by one.
    """
    copied = copy.deepcopy(network).eval().requires_grad_(False)
    if type(network).__module__.startswith("harken.") or isinstance(network, nn.Sequential):
        for module in list(copied.modules()):
            if isinstance(module, nn.Sequential):
                _join(module)
    return copied


class InferenceCopy:
    """The copy of a network for inference, with a check that it is up to date."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._tensors = [*network.parameters(), *network.buffers()]
        self._versions = self._now()
        self.network = for_inference(network)

    def is_of(self, network: nn.Module) -> bool:
        """Whether this is a copy of ``network``, and no weight was changed since, in place or by loading."""
        return network is self._network and self._now() == self._versions

    def _now(self) -> list[int]:
        # Tensors made in PyTorch's inference mode have no counter of changes. Outside of it they cannot be changed.
        return [0 if tensor.is_inference() else tensor._version for tensor in self._tensors]


class _ConvolutionOverMoments(nn.Module):
    """A ``Conv1d``, ``[batch, channels, time] -> [batch, channels, time]``, with a sample's channels side by side.

    It may end in a ReLU. PyTorch supports this memory layout only for images, so the signal is an image with one row.
    """

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        image = convolution.weight.detach().unsqueeze(2)
        self.weight = nn.Parameter(image.contiguous(memory_format=torch.channels_last), requires_grad=False)
        self.bias = convolution.bias
        self.stride = (1, *convolution.stride)
        self.padding = (0, *cast(tuple[int, ...], convolution.padding))
        self.dilation = (1, *convolution.dilation)
        self.groups = convolution.groups
        self.rectified = False

    def forward(self, signals: Tensor) -> Tensor:
        row = signals.unsqueeze(2)
        found = F.conv2d(row, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups).squeeze(2)
        return found.relu_() if self.rectified else found


def _join(layers: nn.Sequential) -> None:
    """Replace a convolution, its batch normalisation and a ReLU by one layer, and remove dropout."""
    joined: list[nn.Module] = []
    for layer in layers:
        before = joined[-1] if joined else None
        if isinstance(layer, nn.BatchNorm1d) and isinstance(before, nn.Conv1d):
            both = fuse_conv_bn_eval(before, layer)
            joined[-1] = both if isinstance(both.padding, str) else _ConvolutionOverMoments(both)
        elif isinstance(layer, nn.ReLU) and isinstance(before, _ConvolutionOverMoments):
            before.rectified = True
        elif not isinstance(layer, Dropout):
            joined.append(layer)
    del layers[:]
    layers.extend(joined)
