"""A network from its name and sizes: how a model file says what it holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from torch import nn

from harken.networks.deep_conv_lstm import DeepConvLSTM, DeepConvLSTMSizes
from harken.networks.everyday import EverydayLSTM, EverydaySizes
from harken.networks.notebook_lstm import NotebookLSTM, NotebookSizes
from harken.networks.specification import LARGEST_SIZE, MOST_LAYERS, shown
from harken.support.errors import HarkenError

__all__ = ["NETWORKS", "Network", "build"]


@dataclass(frozen=True)
class Network:
    """A kind of network: its class, and the dataclass of its sizes."""

    module: type[nn.Module]
    sizes: type[Any]


NETWORKS: Mapping[str, Network] = {
    "deep_conv_lstm": Network(DeepConvLSTM, DeepConvLSTMSizes),
    "everyday": Network(EverydayLSTM, EverydaySizes),
    "notebook_lstm": Network(NotebookLSTM, NotebookSizes),
}

LAYERS = ("blocks", "convolutions", "layers")
"""Sizes that count layers. They are bounded by ``MOST_LAYERS``, the others by ``LARGEST_SIZE``."""


def build(name: str, sizes: Mapping[str, Any]) -> nn.Module:
    """Build the network ``name`` with ``sizes`` (field names of its sizes' dataclass), initialised at random.

    Raises:
        HarkenError: when there is no such network, or a size is missing, unknown or impossible.
    """
    kind = NETWORKS.get(name)
    if kind is None:
        raise HarkenError(f"there is no network {name!r}; this version of harken knows {', '.join(NETWORKS)}")
    known = {field.name: field.type for field in fields(kind.sizes)}
    unknown = sorted(set(sizes) - set(known))
    if unknown:
        raise HarkenError(f"the network {name} has no size {', '.join(map(str, unknown))}")
    try:
        made = kind.sizes(**sizes)
    except TypeError as error:
        raise HarkenError(f"the network {name} lacks a size: {error}") from error
    for size, value in asdict(made).items():
        _check_size(name, size, value, whole=known[size] is int)
    try:
        return kind.module(made)
    except ValueError as error:  # sizes that do not fit one another
        raise HarkenError(f"the network {name} cannot be built with these sizes: {error}") from error


def _check_size(network: str, size: str, value: object, *, whole: bool) -> None:
    if whole:
        most = MOST_LAYERS if size in LAYERS else LARGEST_SIZE
        fits, kind = isinstance(value, int) and 1 <= value <= most, f"a whole number from 1 to {most}"
    else:
        fits, kind = isinstance(value, int | float) and 0 < value <= 1, "a number above 0 and up to 1"
    if isinstance(value, bool) or not fits:
        raise HarkenError(f"the network {network} cannot have {size} = {shown(value)}; it is {kind}")
