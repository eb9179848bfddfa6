"""The forward pass of ``NotebookLSTM`` (``harken.networks.notebook_lstm``, which describes the network)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harken.networks.inference.layers import Convolution, dense
from harken.networks.native.recurrent import Stack
from harken.networks.sizes import NotebookSizes

FORGET_BIAS = 1.0

Floats = NDArray[np.float32]


def notebook_shapes(sizes: NotebookSizes) -> dict[str, tuple[int, ...]]:
    """The shapes of all weights, by name."""
    units = sizes.units
    shapes: dict[str, tuple[int, ...]] = {"hidden.weight": (units, sizes.channels), "hidden.bias": (units,)}
    for layer in range(sizes.layers):
        shapes |= {f"{kind}_kernels.{layer}": (4 * units, units) for kind in ("input", "recurrent")}
        shapes[f"biases.{layer}"] = (4 * units,)
    return {**shapes, "output.weight": (sizes.classes, units), "output.bias": (sizes.classes,)}


class NotebookInference:
    """Signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    Args:
        sizes: the sizes of the network.
        weights: the weights by name, of the shapes ``notebook_shapes(sizes)``.
    """

    def __init__(self, sizes: NotebookSizes, weights: Mapping[str, NDArray[np.generic]]) -> None:
        of = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        forget = np.zeros(4 * sizes.units, np.float32)
        forget[sizes.units : 2 * sizes.units] = FORGET_BIAS
        self._hidden = Convolution(of["hidden.weight"][..., None], of["hidden.bias"], relu=True)
        parts = ("input_kernels", "recurrent_kernels", "biases")
        layers = [[*(of[f"{part}.{layer}"] for part in parts), forget] for layer in range(sizes.layers)]
        self._lstm = Stack([weight for layer in layers for weight in layer])
        self._output = Convolution(of["output.weight"][..., None], of["output.bias"])

    def __call__(self, signals: Floats) -> Floats:
        return dense(self._output, self.features(signals))

    def features(self, signals: Floats) -> Floats:
        """The input of the output layer: the state of the last layer after the last step, ``[batch, units]``."""
        _, states = self._lstm(self._hidden(signals), steps=False)
        return np.asarray(states[-1])
