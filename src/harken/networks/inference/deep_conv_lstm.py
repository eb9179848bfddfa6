"""The forward pass of ``DeepConvLSTM`` (``harken.networks.deep_conv_lstm``, which describes the network)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harken.networks.inference.layers import Convolution, dense
from harken.networks.native.recurrent import Stack
from harken.networks.sizes import DeepConvLSTMSizes
from harken.support.errors import HarkenError

Floats = NDArray[np.float32]


def deep_conv_shapes(sizes: DeepConvLSTMSizes) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(sizes.convolutions):
        shapes[f"convolutions.{layer}.weight"] = (sizes.filters, sizes.filters if layer else 1, sizes.filter_length)
        shapes[f"convolutions.{layer}.bias"] = (sizes.filters,)
    for layer in range(sizes.layers):
        reads = sizes.units if layer else sizes.channels * sizes.filters
        shapes[f"recurrent.weight_ih_l{layer}"] = (4 * sizes.units, reads)
        shapes[f"recurrent.weight_hh_l{layer}"] = (4 * sizes.units, sizes.units)
        shapes |= {f"recurrent.bias_{which}_l{layer}": (4 * sizes.units,) for which in ("ih", "hh")}
    return {**shapes, "output.weight": (sizes.classes, sizes.units), "output.bias": (sizes.classes,)}


def check_length(sizes: DeepConvLSTMSizes, time: int) -> None:
    """Raise a HarkenError when windows of so many samples are too short for the convolutions."""
    shortest = sizes.convolutions * (sizes.filter_length - 1) + 1
    if time < shortest:
        raise HarkenError(f"windows of {time} samples are too short for this network; it needs {shortest} or more")


class DeepConvInference:
    """Signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    Args:
        sizes: the sizes of the network.
        weights: the weights by name, of the shapes ``deep_conv_shapes(sizes)``.
    """

    def __init__(self, sizes: DeepConvLSTMSizes, weights: Mapping[str, NDArray[np.generic]]) -> None:
        of = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self.sizes = sizes
        self._convolutions = [
            Convolution(of[f"convolutions.{layer}.weight"], of[f"convolutions.{layer}.bias"], relu=True)
            for layer in range(sizes.convolutions)
        ]
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        self._lstm = Stack([of[f"recurrent.{part}_l{layer}"] for layer in range(sizes.layers) for part in parts])
        self._output = Convolution(of["output.weight"][..., None], of["output.bias"])

    def __call__(self, signals: Floats) -> Floats:
        return dense(self._output, self.features(signals))

    def features(self, signals: Floats) -> Floats:
        """The input of the output layer: the state of the last layer after the last step, ``[batch, units]``.

        Raises:
            HarkenError: when the windows are too short.
        """
        batch, time, channels = signals.shape
        check_length(self.sizes, time)
        maps = np.ascontiguousarray(signals.transpose(0, 2, 1)).reshape(batch * channels, time, 1)
        for convolution in self._convolutions:
            maps = convolution(maps)  # [batch * channels, time less filter_length - 1, filters]
        length, filters = maps.shape[1:]
        by_channel = maps.reshape(batch, channels, length, filters).transpose(0, 2, 1, 3)
        steps = by_channel.reshape(batch, length, channels * filters)
        _, states = self._lstm(steps, steps=False)
        return np.asarray(states[-1])
