"""Networks by name: a model file contains the name and sizes of its network, from which it is made. Without PyTorch.

Three kinds of networks have names:

- harken's own (``everyday``);
- those that an installed package adds by an entry point in the group ``harken.networks`` (``package/name`` in a model
  file);
- those that a program passes to ``Preset`` (``module:name``), which are registered for as long as the program runs.

A network is a function that takes a dataclass of sizes and returns layers (``harken.networks.layers``), or a class of
``torch.nn.Module`` whose constructor takes the sizes. A name in a file is never imported as a module. For safety,
opening a model file from another person executes only harken and the packages installed as its extensions.

All sizes have bounds. They are checked before memory is allocated for a network.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from inspect import isfunction, signature
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

from harken.networks.deep_conv_lstm import deep_conv_lstm
from harken.networks.everyday import everyday
from harken.networks.layers import COUNTED, Dense, Layers, weight_shapes
from harken.networks.notebook_lstm import notebook_lstm
from harken.networks.specification import LARGEST_SIZE, MOST_LAYERS, shown
from harken.support.errors import HarkenError
from harken.support.plugins import Registry, need_extra, qualified_name

if TYPE_CHECKING:
    from torch import nn

Network: TypeAlias = "Callable[[Any], Layers] | type[nn.Module]"
Weights: TypeAlias = Mapping[str, NDArray[np.generic]]

NETWORKS: Mapping[str, Network] = {
    "deep_conv_lstm": deep_conv_lstm,
    "everyday": everyday,
    "notebook_lstm": notebook_lstm,
}
"""Harken's own networks."""

FROM_THE_DATA = ("channels", "classes")
"""Sizes that every network has. They follow from the data."""
LAYER_COUNTS = ("blocks", "convolutions", "layers")
"""Sizes that count layers. They are bounded by ``MOST_LAYERS``, the others by ``LARGEST_SIZE``."""

_passed: dict[str, Network] = {}
"""Networks that this program passed to a ``Preset``, by ``module:name``."""


def _checked(name: str, candidate: Any) -> Network:
    torch = sys.modules.get("torch")  # imported by the module of the class
    is_module = torch is not None and isinstance(candidate, type) and issubclass(candidate, torch.nn.Module)
    if not (is_module or isfunction(candidate)):
        raise HarkenError(
            f"{name} must be a function that returns layers or a class of torch.nn.Module, got "
            f"{getattr(candidate, '__qualname__', candidate)}"
        )
    network: Network = candidate
    sizes_of(network)
    return network


_REGISTRY = Registry("network", "harken.networks", NETWORKS, check=_checked)


def network_name(network: "str | Network") -> str:
    """The name of a network in a model file.

    Args:
        network: a name, or a function or class. It takes one dataclass of sizes (see ``sizes_of``). The layers, or the
            ``forward`` of the class, map float32 ``[batch, time, channels]`` to logits ``[batch, classes]``.
            Afterwards the network is found by this name.

    Raises:
        HarkenError: when there is no network of this name, or it is not made as described.
    """
    if isinstance(network, str):
        if network not in _passed and _REGISTRY.find(network) is None:
            raise HarkenError(_missing(network))
        return _REGISTRY.qualified(network)
    if (own := next((name for name, each in NETWORKS.items() if each is network), None)) is not None:
        return own
    _checked("the network", network)
    # A script has one module name in this process and another in the processes that it starts.
    module = network.__module__.replace("__mp_main__", "__main__")
    name = f"{module}:{network.__qualname__}"
    if (point := _REGISTRY.point_to(network)) is not None:
        return qualified_name(point)
    _passed[name] = network
    return name


def sizes_of(network: Network) -> type[Any]:
    """The dataclass of a network's sizes: the annotation of its one argument.

    Raises:
        HarkenError: when it takes something else, or the dataclass lacks ``channels`` or ``classes``.
    """
    names = list(signature(network).parameters)
    hints = get_type_hints(network.__init__ if isinstance(network, type) else network)  # type: ignore[misc]
    sizes = hints.get(names[0]) if len(names) == 1 else None
    if not (isinstance(sizes, type) and is_dataclass(sizes)):
        what = "constructor of the network" if isinstance(network, type) else "network"
        raise HarkenError(
            f"the {what} {network.__qualname__} must take one argument, annotated with the dataclass of its sizes"
        )
    lacking = [name for name in FROM_THE_DATA if name not in get_type_hints(sizes)]
    if lacking:
        raise HarkenError(f"the sizes of the network {network.__qualname__} lack {' and '.join(lacking)}")
    return sizes


def made(name: str, sizes: Mapping[str, Any]) -> "Layers | nn.Module":
    """The network ``name`` with ``sizes`` (field names of its sizes' dataclass): its layers, or a new module.

    Raises:
        HarkenError: when there is no network of this name, or a size is missing, unknown or out of its range; when the
            network needs PyTorch, which is not installed.
    """
    network = _found(name)
    checked = _checked_sizes(name, sizes_of(network), sizes)
    try:
        if isinstance(network, type):
            module: nn.Module = network(checked)
            return module
        layers = tuple(network(checked))
        weight_shapes(layers)
        if not (layers and isinstance(layers[-1], Dense) and layers[-1].name == "output"):
            raise ValueError('its last layer must be Dense("output", ...)')
    except ValueError as error:  # such as sizes that do not fit one another
        raise HarkenError(f"the network {name} cannot be built with these sizes: {error}") from error
    return layers


def layers_of(name: str, sizes: Mapping[str, Any]) -> Layers | None:
    """The layers of a network; None if it is a class of PyTorch. Raises the errors of ``made``."""
    return None if isinstance(_found(name), type) else made(name, sizes)  # type: ignore[return-value]


def check_weights(name: str, sizes: Mapping[str, Any], weights: Weights) -> None:
    """Raise a HarkenError when weights do not have the names, shapes and types of a network, or impossible values.

    The network is not made for it, or only without memory, so that a wrong size cannot exhaust the memory.
    """
    expected = _expected_weights(name, sizes)
    if set(expected) != set(weights):
        raise HarkenError(f"its weights are not those of the network {name}")
    for weight_name, weight in weights.items():
        if (weight.shape, weight.dtype.name) != expected[weight_name]:
            raise HarkenError(f"the size of its weight {weight_name} differs from its specification")
        if not np.isfinite(weight).all():
            raise HarkenError(f"its weight {weight_name} holds values that are not numbers")
        if weight_name.endswith("running_var") and np.asarray(weight, np.float64).min(initial=0) < 0:
            raise HarkenError(f"its weight {weight_name} is a variance, but holds negative values")


def _expected_weights(name: str, sizes: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], str]]:
    """The shape and the type of each weight, such as ``((64,), "float32")``."""
    if (layers := layers_of(name, sizes)) is not None:
        shapes = weight_shapes(layers)
        return {
            weight_name: (shape, "int64" if weight_name.endswith(COUNTED) else "float32")
            for weight_name, shape in shapes.items()
        }
    import torch

    with torch.device("meta"):
        module: Any = made(name, sizes)
    return {
        weight_name: (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        for weight_name, tensor in module.state_dict().items()
    }


def _found(name: str) -> Network:
    try:
        network = NETWORKS.get(name) or _passed.get(name) or _REGISTRY.find(name)
    except HarkenError:  # perhaps because its module imports PyTorch
        need_extra("train", "torch", what=f"the network {shown(name)}")
        raise
    if network is None:
        raise HarkenError(_missing(name))
    return network


def _checked_sizes(name: str, kind: type[Any], sizes: Mapping[str, Any]) -> Any:
    """The sizes of a network as its dataclass."""
    unknown = sorted(set(sizes) - {field.name for field in fields(kind)})
    if unknown:
        raise HarkenError(f"the network {name} has no size {', '.join(map(str, unknown))}")
    try:
        checked = kind(**sizes)
    except TypeError as error:
        raise HarkenError(f"the network {name} lacks a size: {error}") from error
    known = get_type_hints(kind)
    for size, value in asdict(checked).items():
        if known[size] is int:
            most = MOST_LAYERS if size in LAYER_COUNTS else LARGEST_SIZE
            fits, what = isinstance(value, int) and 1 <= value <= most, f"a whole number from 1 to {most}"
        else:
            fits = isinstance(value, int | float) and 0 <= value < 1
            what = "a number from 0 to below 1"
        if isinstance(value, bool) or not fits:
            raise HarkenError(f"{size} of the network {name} must be {what}, got {shown(value)}")
    return checked


def _missing(name: str) -> str:
    """The message for a network that is not found: where it comes from, and what to do."""
    package, slash, entry = name.partition("/")
    point = f"an entry point in the group {_REGISTRY.group}"
    if slash:
        return (
            f"the network {shown(entry)} comes with the package {shown(package)} ({point}), which is not installed, or "
            "in another version; install the version that the model was trained with, if you trust it"
        )
    if ":" in name:
        return (
            f"the network {shown(name)} belongs to the program that trained the model; make a harken Preset with "
            f"it before the model is read, or give it {point}"
        )
    names = ", ".join(_REGISTRY.names())
    return f"there is no network {shown(name)}; the networks of this version of harken are {names}"
