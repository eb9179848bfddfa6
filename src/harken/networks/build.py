"""A network from its name and sizes: how a model file says what it holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from torch import nn

from harken.errors import HarkenError
from harken.networks.deep_conv_lstm import DeepConvLSTM, DeepConvLSTMSizes
from harken.networks.everyday import EverydayLSTM, EverydaySizes
from harken.networks.notebook_lstm import NotebookLSTM, NotebookSizes

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

LARGEST_SIZE = 1 << 16
"""No size is larger; a file that says otherwise would only fill the memory."""


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
        whole = known[size] is int
        fits = (
            isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_SIZE
            if whole
            else isinstance(value, int | float) and 0 < value <= 1
        )
        if not fits:
            raise HarkenError(f"the network {name} cannot have {size} = {value!r}")
    try:
        return kind.module(made)
    except ValueError as error:  # sizes that do not fit one another
        raise HarkenError(f"the network {name} cannot be built with these sizes: {error}") from error
