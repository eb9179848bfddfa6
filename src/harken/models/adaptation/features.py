"""What a network's output layer reads, window by window, and where in time the windows stand."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harken.learning.prediction import logits, resolve_device
from harken.learning.presets import PRESETS
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

__all__ = ["LabelledFeatures", "labelled_features", "output_layer"]


@dataclass(frozen=True, eq=False)
class LabelledFeatures:
    """Labelled windows of one wearer as the output layer meets them.

    Attributes:
        features: float64 ``[n, features + 1]``, what the layer reads and a 1 for its bias, divided by ``scale``.
        scale: the root of their mean squared length, so that a pull means the same for all networks.
        codes: int64 ``[n]``, indices into the model's labels.
        starts_ns: int64 ``[n]``.
        duration_ns: of a window.
        slack_ns: half a sample, by which clocks in whole nanoseconds may miss.
    """

    features: NDArray[np.float64]
    scale: float
    codes: NDArray[np.int64]
    starts_ns: NDArray[np.int64]
    duration_ns: int
    slack_ns: int


def output_layer(network: nn.Module, name: str) -> nn.Linear:
    """The linear layer that the network of this name ends in.

    Raises:
        HarkenError: when it does not end in one.
    """
    layer = getattr(network, "output", None)
    if not isinstance(layer, nn.Linear):
        raise HarkenError(
            f"a model of the network {name} cannot be adapted: it does not end in a "
            f"linear layer called output. Models of these recipes can: {', '.join(PRESETS)}"
        )
    return layer


def labelled_features(recogniser: Recogniser, windows: Windows) -> LabelledFeatures:
    """Ask the network about windows whose codes point into the model's labels, and note what its output layer reads.

    Raises:
        HarkenError: as ``Recogniser.predict_proba``; when the network does not end in a linear layer.
    """
    read: list[torch.Tensor] = []
    device = resolve_device(recogniser.device)
    signals = torch.from_numpy(recogniser.specification_.prepare(windows))
    layer = output_layer(recogniser.network_, recogniser.specification_.network)
    hook = layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].cpu()))
    try:
        logits(recogniser.network_.to(device), signals, device)
    finally:
        hook.remove()
    features = np.pad(torch.cat(read).numpy().astype(np.float64), ((0, 0), (0, 1)), constant_values=1.0)
    scale = float(np.sqrt(np.square(features).sum(axis=1).mean()))
    sample_ns = 1e9 / windows.sample_rate_hz
    return LabelledFeatures(
        features=features / scale,
        scale=scale,
        codes=windows.label_codes.astype(np.int64),
        starts_ns=windows.starts_ns,
        duration_ns=round(windows.length * sample_ns),
        slack_ns=round(sample_ns / 2),
    )
