"""The sizes of harken's own networks, and the bounds of all networks' sizes. PyTorch is not imported.

A size of a model file is checked here before memory is allocated for the network.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from harken.networks.specification import LARGEST_SIZE, MOST_LAYERS, shown
from harken.support.errors import HarkenError

LAYERS = ("blocks", "convolutions", "layers")
"""Sizes that count layers. They are bounded by ``MOST_LAYERS``, the others by ``LARGEST_SIZE``."""


@dataclass(frozen=True)
class EverydaySizes:
    """Sizes of ``EverydayLSTM``. ``dropout`` is the share of values that are set to 0 in training."""

    channels: int
    classes: int
    stem: int = 64
    width: int = 128
    blocks: int = 2
    units: int = 64
    dropout: float = 0.5


@dataclass(frozen=True)
class NotebookSizes:
    """Sizes of ``NotebookLSTM``. ``dropout`` is the share of hidden values that are set to 0 in training."""

    channels: int
    classes: int
    units: int = 32
    layers: int = 2
    dropout: float = 0.2


@dataclass(frozen=True)
class DeepConvLSTMSizes:
    """Sizes of ``DeepConvLSTM``. ``dropout`` is the share of values that are set to 0 in training."""

    channels: int
    classes: int
    convolutions: int = 4
    filters: int = 64
    filter_length: int = 5
    units: int = 128
    layers: int = 2
    dropout: float = 0.5


def checked_sizes(name: str, kind: type[Any], sizes: Mapping[str, Any]) -> Any:
    """The sizes of a network as its dataclass.

    Args:
        name: the name of the network, for errors.
        kind: the dataclass.
        sizes: the sizes from a model file or a preset.

    Raises:
        HarkenError: when a size is missing, unknown or out of its range.
    """
    unknown = sorted(set(sizes) - {field.name for field in fields(kind)})
    if unknown:
        raise HarkenError(f"the network {name} has no size {', '.join(map(str, unknown))}")
    try:
        made = kind(**sizes)
    except TypeError as error:
        raise HarkenError(f"the network {name} lacks a size: {error}") from error
    known = get_type_hints(kind)
    for size, value in asdict(made).items():
        _check_size(name, size, value, whole=known[size] is int)
    return made


def check_weights(
    name: str, weights: Mapping[str, NDArray[np.generic]], expected: Mapping[str, tuple[tuple[int, ...], str]]
) -> None:
    """Raise a HarkenError when weights are not those of a network.

    Args:
        name: the name of the network, for errors.
        weights: the weights by name.
        expected: the shape and the type of each, such as ``((64,), "float32")``.
    """
    if set(expected) != set(weights):
        raise HarkenError(f"its weights are not those of the network {name}")
    for each, weight in weights.items():
        if (weight.shape, weight.dtype.name) != expected[each]:
            raise HarkenError(f"the size of its weight {each} differs from its specification")
        if not np.isfinite(weight).all():
            raise HarkenError(f"its weight {each} holds values that are not numbers")
        if each.endswith("running_var") and np.asarray(weight, np.float64).min(initial=0) < 0:
            raise HarkenError(f"its weight {each} is a variance, but holds negative values")


def _check_size(network: str, size: str, value: object, *, whole: bool) -> None:
    if whole:
        most = MOST_LAYERS if size in LAYERS else LARGEST_SIZE
        fits, kind = isinstance(value, int) and 1 <= value <= most, f"a whole number from 1 to {most}"
    else:
        fits, kind = isinstance(value, int | float) and 0 <= value < 1, "a number from 0 to below 1"
    if isinstance(value, bool) or not fits:
        raise HarkenError(f"{size} of the network {network} must be {kind}, got {shown(value)}")
