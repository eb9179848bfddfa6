"""The kinds of layers of which networks are made. A network is a list of them, from which everything else follows.

``pytorch`` makes a module for training, ``inference`` computes a model's labels without PyTorch, and ``onnx`` writes a
graph for other programs. Each of the three has one function for each kind of layer. A sequence of samples or steps has
the shape ``[batch, time, channels]`` everywhere, and everything else ``[batch, values]``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError

Shapes: TypeAlias = dict[str, tuple[int, ...]]
Initial = Literal["uniform", "orthogonal", "normal", "normal around 1", "Glorot"]
"""The distribution of initial weights: PyTorch's (uniform); orthogonal for each gate, and biases of 0 (Saxe et al.,
2014); standard normal, also for biases, around 0 or with weights around 1; or that of ``BasicLSTM``."""

COUNTED = "num_batches_tracked"
"""The end of the name of the one weight of a batch normalisation that is a whole number."""


class Layer:
    """A layer of any kind."""

    initial: Initial = "uniform"
    """The distribution of its initial weights."""

    def shapes(self) -> Shapes:
        return {}

    def inside(self) -> "tuple[Layers, ...]":
        """The lists of layers inside."""
        return ()


Layers: TypeAlias = tuple[Layer, ...]
"""Layers, one after another."""


@dataclass(frozen=True)
class Dense(Layer):
    """A linear layer, on values or on each step of a sequence.

    Attributes:
        name: the beginning of the names of its weights in a model file. The last layer of a network must be a dense
            layer called ``output``.
        inputs, outputs: the number of values.
        relu: whether negative results become 0.
        initial: the distribution of its initial weights.
    """

    name: str
    inputs: int
    outputs: int
    relu: bool = False
    initial: Initial = "uniform"

    def shapes(self) -> Shapes:
        return {f"{self.name}.weight": (self.outputs, self.inputs), f"{self.name}.bias": (self.outputs,)}


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution along time, then possibly batch normalisation, and always ReLU.

    Attributes:
        name: the beginning of the names of its weights. With ``normalised`` it ends in a number (``stem.0``), and the
            batch normalisation has the next one (``stem.1``).
        channels, filters: values of a sample before and after it.
        kernel: samples that a filter reads.
        stride: samples from one result to the next.
        padding: zeros before and after the sequence.
        groups: parts of the channels and filters that are connected only with one another.
        normalised: whether batch normalisation follows. The convolution then has no bias.
        dropout: the share of results that are set to 0 in training; only with ``normalised``.
        residual: whether the input is added to the result; only with ``normalised``.
        initial: the distribution of its initial weights.

    Raises:
        ValueError: when the sizes do not fit one another.
    """

    name: str
    channels: int
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    normalised: bool = False
    dropout: float = 0.0
    residual: bool = False
    initial: Initial = "uniform"

    def __post_init__(self) -> None:
        if min(self.kernel, self.stride) < 1 or self.padding < 0:
            raise ValueError(f"the kernel and stride of {self.name} must be at least 1, and its padding at least 0")
        if self.groups < 1 or self.channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"the groups of {self.name} must divide {self.channels} channels and {self.filters} filters"
            )
        if (self.dropout or self.residual) and not self.normalised:
            raise ValueError(f"{self.name} has dropout or a residual, but is not normalised")
        same_shape = self.channels == self.filters and self.stride == 1 and self.kernel == 2 * self.padding + 1
        if self.residual and not same_shape:
            raise ValueError(f"the result of {self.name} must have the shape of its input, because it has a residual")

    @property
    def steps(self) -> dict[str, Any]:
        """How the filters go over the sequence, as arguments of what computes it."""
        return {"stride": self.stride, "padding": self.padding, "groups": self.groups}

    @property
    def normalisation(self) -> str:
        """The name of the batch normalisation."""
        prefix, _, number = self.name.rpartition(".")
        return f"{prefix}.{int(number) + 1}"

    def shapes(self) -> Shapes:
        weight = (self.filters, self.channels // self.groups, self.kernel)
        if self.normalised:
            return {f"{self.name}.weight": weight, **normalisation_shapes(self.normalisation, self.filters)}
        return {f"{self.name}.weight": weight, f"{self.name}.bias": (self.filters,)}


@dataclass(frozen=True)
class LSTM(Layer):
    """An LSTM with the equations and names of weights of ``torch.nn.LSTM``.

    Attributes:
        name: the beginning of the names of its weights.
        inputs: values of a step.
        units: units of each direction.
        layers: the number of layers.
        both_directions: whether it also goes from the last step to the first.
        dropout: the share of values between layers that are set to 0 in training.
        last: whether the result is the state after the last step, ``[batch, units]``, in place of the states of all
            steps, ``[batch, time, units or 2 x units]``; not with ``both_directions``.
        initial: the distribution of its initial weights.

    Raises:
        ValueError: when ``last`` and ``both_directions`` are set.
    """

    name: str
    inputs: int
    units: int
    layers: int = 1
    both_directions: bool = False
    dropout: float = 0.0
    last: bool = False
    initial: Initial = "uniform"

    def __post_init__(self) -> None:
        if self.last and self.both_directions:
            raise ValueError(f"{self.name} goes in both directions, so it has no last state")

    def shapes(self) -> Shapes:
        gates, shapes = 4 * self.units, Shapes()
        for layer in range(self.layers):
            inputs = self.units * (1 + self.both_directions) if layer else self.inputs
            for direction in ("", "_reverse") if self.both_directions else ("",):
                shapes[f"{self.name}.weight_ih_l{layer}{direction}"] = (gates, inputs)
                shapes[f"{self.name}.weight_hh_l{layer}{direction}"] = (gates, self.units)
                shapes[f"{self.name}.bias_ih_l{layer}{direction}"] = (gates,)
                shapes[f"{self.name}.bias_hh_l{layer}{direction}"] = (gates,)
        return shapes


@dataclass(frozen=True)
class BasicLSTM(Layer):
    """TensorFlow 1's ``BasicLSTMCell``, in layers: ``[batch, time, units]`` -> the last state, ``[batch, units]``.

    Its equations differ from PyTorch's in three ways that affect the loss. A layer has one bias vector instead of two.
    The forget gate's 1.0 is added inside the cell and is therefore not part of the L2 term. The initial kernels are
    Glorot-uniform over the joined ``[input + hidden, 4 x hidden]`` matrix. The order of gates in the kernels is
    PyTorch's (input, forget, candidate, output).
    """

    units: int
    layers: int
    initial = "Glorot"

    @property
    def forget(self) -> Float32Array:
        """What the cell adds to its gates, ``[4 x units]``: 1.0 to the forget gate."""
        return np.repeat(np.array([0, 1, 0, 0], np.float32), self.units)

    def shapes(self) -> Shapes:
        shapes = Shapes()
        for layer in range(self.layers):
            shapes[f"input_kernels.{layer}"] = (4 * self.units, self.units)
            shapes[f"recurrent_kernels.{layer}"] = (4 * self.units, self.units)
            shapes[f"biases.{layer}"] = (4 * self.units,)
        return shapes


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets a share of the values to 0 in training.

    Attributes:
        share: the share, rounded to whole 256ths, or 65,536ths.
        bits: random bits for each value: 8, or 16 if the share must be more exact than 0.002.
    """

    share: float
    bits: int = 8


@dataclass(frozen=True)
class MeanAndLargest(Layer):
    """The mean and the maximum over time: ``[batch, time, channels]`` -> ``[batch, 2 x channels]``."""


@dataclass(frozen=True)
class Branches(Layer):
    """Lists of layers that read the same input, and their results side by side, ``[batch, values]``."""

    branches: tuple[Layers, ...]

    def inside(self) -> tuple[Layers, ...]:
        return self.branches


@dataclass(frozen=True)
class PerChannel(Layer):
    """Layers that read each channel by itself, and their results for a step side by side.

    Attributes:
        channels: the channels of the input, ``[batch, time, channels]``.
        filters: values of a step of the layers' result. ``[batch, time, channels x filters]`` is the whole result.
        layers: read ``[batch x channels, time, 1]``.
    """

    channels: int
    filters: int
    layers: Layers

    def inside(self) -> tuple[Layers, ...]:
        return (self.layers,)


def normalisation_shapes(name: str, channels: int) -> Shapes:
    """The shapes of the weights and statistics of a batch normalisation, by name."""
    parts = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{part}": (channels,) for part in parts}, f"{name}.{COUNTED}": ()}


def every(layers: Layers) -> Iterator[Layer]:
    """All layers in their order, those inside of another layer before it."""
    for layer in layers:
        for inside in layer.inside():
            yield from every(inside)
        yield layer


def weight_shapes(layers: Layers) -> Shapes:
    """The shapes of all weights of a network, by name.

    Raises:
        ValueError: when two layers have a weight of the same name.
    """
    shapes = Shapes()
    for layer in every(layers):
        if same := sorted(set(shapes) & set(layer.shapes())):
            raise ValueError(f"two of its layers have a weight {same[0]}")
        shapes |= layer.shapes()
    return shapes


def shortest_window(layers: Layers, results: int = 1) -> int:
    """The fewest samples of a window for which each convolution has a result, and the layers have ``results`` steps."""
    needed = results
    for layer in reversed(layers):
        if isinstance(layer, Convolution):
            needed = max(1, (needed - 1) * layer.stride + layer.kernel - 2 * layer.padding)
        elif layer.inside():
            needed = max(shortest_window(inside, needed) for inside in layer.inside())
    return needed


def check_length(shortest: int, time: int) -> None:
    """Raise a HarkenError when windows of ``time`` samples are shorter than the ``shortest_window`` of a network."""
    if time < shortest:
        raise HarkenError(f"windows of {time} samples are too short for this network; it needs {shortest} or more")
