"""A network for labelling from the content of a model file, and its logits in batches on several threads."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from harken.networks.inference.deep_conv_lstm import DeepConvInference, deep_conv_shapes
from harken.networks.inference.everyday import EverydayInference, everyday_shapes
from harken.networks.inference.notebook_lstm import NotebookInference, notebook_shapes
from harken.networks.sizes import DeepConvLSTMSizes, EverydaySizes, NotebookSizes, checked_sizes
from harken.networks.specification import Specification
from harken.support.errors import HarkenError
from harken.support.resources import threads_to_use

WINDOWS_AT_ONCE = 128
"""Windows in one forward pass without gradients. On a CPU the output of a layer for so many is still in the cache when
the next layer reads it. With 500 windows per call, each window takes 1.1 to 1.8 times as long, depending on the
network; with 16, the calls themselves take a measurable part of the time.
``benchmarks/speed/prediction.py`` (at the tag ``before-lighter``) tries sizes."""
MOST_VALUES_AT_ONCE = 1 << 27
"""The most values of a layer in one forward pass. Models with very long windows or very wide layers process fewer
windows at once."""

Floats = NDArray[np.float32]


class InferenceNetwork(Protocol):
    """A network for labelling. Several threads may call it at once."""

    def __call__(self, signals: Floats, /) -> Floats:
        """Signals, float32 ``[batch, time, channels]`` -> logits, float32 ``[batch, classes]``."""

    def features(self, signals: Floats, /) -> Floats:
        """The input of the output layer, float32 ``[batch, features]``."""


class _Own(NamedTuple):
    """One of harken's own networks: its sizes, the shapes of its weights, and how it is made of these."""

    sizes: type[Any]
    shapes: Callable[[Any], dict[str, tuple[int, ...]]]
    make: Callable[[Any, Mapping[str, NDArray[np.generic]]], InferenceNetwork]


_OWN: Mapping[str, _Own] = {
    "deep_conv_lstm": _Own(DeepConvLSTMSizes, deep_conv_shapes, DeepConvInference),
    "everyday": _Own(EverydaySizes, everyday_shapes, EverydayInference),
    "notebook_lstm": _Own(NotebookSizes, notebook_shapes, NotebookInference),
}
"""By the name of the network in a model file."""


def expected_weights(name: str, sizes: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]] | None:
    """The shapes and types of all weights; None if the network is not one of harken's own. Nothing is allocated.

    Raises:
        HarkenError: when a size is missing, unknown or out of its range, or sizes do not fit one another.
    """
    own = _OWN.get(name)
    if own is None:
        return None
    try:
        shapes = own.shapes(checked_sizes(name, own.sizes, sizes))
    except ValueError as error:
        raise HarkenError(f"the network {name} cannot be built with these sizes: {error}") from error
    counted = "num_batches_tracked"
    return {weight: (shape, "int64" if weight.endswith(counted) else "float32") for weight, shape in shapes.items()}


def inference_network(
    name: str, sizes: Mapping[str, Any], weights: Mapping[str, NDArray[np.generic]]
) -> InferenceNetwork | None:
    """The network of a model file; None if it is not one of harken's own, so that PyTorch is needed.

    Args:
        name: the name of the network.
        sizes: its sizes.
        weights: its weights, of the shapes ``expected_weights(name, sizes)``.

    Raises:
        HarkenError: as ``expected_weights``.
    """
    own = _OWN.get(name)
    return None if own is None else own.make(checked_sizes(name, own.sizes, sizes), weights)


def windows_at_once(specification: Specification) -> int:
    """The number of windows in one forward pass of a model."""
    return max(1, min(WINDOWS_AT_ONCE, MOST_VALUES_AT_ONCE // specification.values_per_window))


def batched(compute: Callable[[Floats], Floats], signals: Floats, at_once: int = WINDOWS_AT_ONCE) -> Floats:
    """``compute(signals)``, a batch at a time, on several threads (``harken.support.resources.threads_to_use``).

    Args:
        compute: takes float32 ``[batch, time, channels]`` and returns float32 ``[batch, values]``.
        signals: ``[n, time, channels]``.
        at_once: the number of windows in a batch.
    """
    batches = [signals[start : start + at_once] for start in range(0, len(signals), at_once)]
    threads = min(threads_to_use(), len(batches))
    if threads <= 1:
        return np.concatenate([compute(batch) for batch in batches]) if batches else compute(signals)
    with ThreadPoolExecutor(threads) as executor:
        return np.concatenate(list(executor.map(compute, batches)))


def softmax(logits: Floats) -> Floats:
    """Probabilities ``[n, classes]`` of logits ``[n, classes]``."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
