"""Networks by name: a model file contains the name and sizes of its network, and ``build`` makes the network from them.

Three kinds of networks have names:

- harken's own (``everyday``);
- those that an installed package adds by an entry point in the group ``harken.networks`` (``package/name`` in a model
  file);
- classes that a program passes to ``Preset`` (``module:Class``), which are registered for as long as the program runs.

A name in a file is never imported as a module. For safety, opening a model file from another person executes only
harken and the packages installed as its extensions.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from inspect import signature
from typing import Any, get_type_hints

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harken.networks.deep_conv_lstm import DeepConvLSTM
from harken.networks.everyday import EverydayLSTM
from harken.networks.notebook_lstm import NotebookLSTM
from harken.networks.sizes import check_weights, checked_sizes
from harken.networks.specification import shown
from harken.support.errors import HarkenError
from harken.support.plugins import Registry, is_installed, qualified_name

NETWORKS: Mapping[str, type[nn.Module]] = {
    "deep_conv_lstm": DeepConvLSTM,
    "everyday": EverydayLSTM,
    "notebook_lstm": NotebookLSTM,
}
"""Harken's own networks. The constructor of each takes a dataclass of its sizes."""

FROM_THE_DATA = ("channels", "classes")
"""Sizes that every network has. They follow from the data."""

_passed: dict[str, type[nn.Module]] = {}
"""Classes that this program passed to a ``Preset``, by ``module:Class``."""


def _checked(name: str, found: Any) -> type[nn.Module]:
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise HarkenError(f"{name} must be a class of torch.nn.Module, got {getattr(found, '__qualname__', found)}")
    sizes_of(found)
    return found


_REGISTRY = Registry("network", "harken.networks", NETWORKS, check=_checked)


def network_name(network: str | type[nn.Module]) -> str:
    """The name of a network in a model file.

    Args:
        network: a name, or a class. The constructor of a class takes one dataclass of sizes (see ``sizes_of``), and its
            ``forward`` maps float32 ``[batch, time, channels]`` to logits ``[batch, classes]``. Afterwards ``build``
            finds the class by this name.

    Raises:
        HarkenError: when there is no network of this name, or the class is not built as described.
    """
    if isinstance(network, str):
        if network not in _passed and _REGISTRY.find(network) is None:
            raise HarkenError(_missing(network))
        return _REGISTRY.qualified(network)
    if (own := next((name for name, each in NETWORKS.items() if each is network), None)) is not None:
        return own
    # A script has one module name in this process and another in the processes that it starts.
    module = network.__module__.replace("__mp_main__", "__main__")
    name = f"{module}:{network.__qualname__}"
    _checked(name, network)
    if (point := _REGISTRY.point_to(network)) is not None:
        return qualified_name(point)
    _passed[name] = network
    return name


def sizes_of(network: type[nn.Module]) -> type[Any]:
    """The dataclass of a network's sizes: the annotation of its constructor's one argument.

    Raises:
        HarkenError: when the constructor takes something else, or the dataclass lacks ``channels`` or ``classes``.
    """
    names = list(signature(network).parameters)
    sizes = get_type_hints(network.__init__).get(names[0]) if len(names) == 1 else None
    if not (isinstance(sizes, type) and is_dataclass(sizes)):
        raise HarkenError(
            f"the constructor of the network {network.__qualname__} must take one argument, annotated with the "
            "dataclass of its sizes"
        )
    lacking = [name for name in FROM_THE_DATA if name not in get_type_hints(sizes)]
    if lacking:
        raise HarkenError(f"the sizes of the network {network.__qualname__} lack {' and '.join(lacking)}")
    return sizes


def build(name: str, sizes: Mapping[str, Any]) -> nn.Module:
    """Build the network ``name`` with ``sizes`` (field names of its sizes' dataclass), initialised at random.

    Raises:
        HarkenError: when there is no network of this name, or a size is missing, unknown or out of its range.
    """
    network = NETWORKS.get(name) or _passed.get(name) or _REGISTRY.find(name)
    if network is None:
        raise HarkenError(_missing(name))
    made = checked_sizes(name, sizes_of(network), sizes)
    try:
        return network(made)
    except ValueError as error:  # sizes that do not fit one another
        raise HarkenError(f"the network {name} cannot be built with these sizes: {error}") from error


def network_of(name: str, sizes: Mapping[str, Any], weights: Mapping[str, NDArray[np.generic]]) -> nn.Module:
    """The network with these weights, in evaluation mode.

    Raises:
        HarkenError: as ``build``; when the weights do not have the names, shapes and types of the network. It is first
            built without memory, so that a wrong size cannot exhaust it.
    """
    with torch.device("meta"):
        expected = build(name, sizes).state_dict()
    shapes = {
        each: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for each, tensor in expected.items()
    }
    check_weights(name, weights, shapes)
    with torch.random.fork_rng(devices=[]):  # the random initial weights are overwritten below
        network = build(name, sizes)
    network.load_state_dict({each: torch.tensor(weight) for each, weight in weights.items()})
    return network.eval()


def weights_of(network: nn.Module) -> dict[str, NDArray[np.generic]]:
    """The weights of a network by name, copies that cannot be written to."""
    weights = {name: tensor.detach().cpu().numpy().copy() for name, tensor in network.state_dict().items()}
    for weight in weights.values():
        weight.flags.writeable = False
    return weights


def _missing(name: str) -> str:
    """The message for a network that is not found: the reason, and what to do."""
    package, slash, entry = name.partition("/")
    if slash and is_installed(package):
        return (
            f"the installed version of the package {shown(package)} adds no network {shown(entry)} (an entry point in "
            f"the group {_REGISTRY.group}); install the version that the model was trained with"
        )
    if slash:
        return (
            f"the network {shown(entry)} comes with the package {shown(package)} (an entry point in the group "
            f"{_REGISTRY.group}), which is not installed; install it if you trust it"
        )
    if ":" in name:
        return (
            f"the network {shown(name)} is a class of the program that trained the model; make a harken Preset with "
            f"this class before the model is read, or give it an entry point in the group {_REGISTRY.group}"
        )
    return (
        f"there is no network {shown(name)}; the networks of this version of harken are {', '.join(_REGISTRY.names())}"
    )
