"""Each network as an ONNX graph: the same operations as its ``forward``, in the same order.

This file has the graphs of harken's own networks. A network of another package has a method
``onnx_graph(graph, signals, length)`` instead.
"""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from harken.networks.bands import NO_POWER, window_matrices
from harken.networks.deep_conv_lstm import DeepConvLSTM
from harken.networks.everyday import EverydayLSTM
from harken.networks.inference.everyday import STILL_G
from harken.networks.notebook_lstm import NotebookLSTM
from harken.networks.onnx.graph import Graph
from harken.support.errors import HarkenError

Write = Callable[[Graph, Any, str, int], str]
"""Adds a network to the graph: the graph, the network, the windows ``[batch, time, channels]`` and their length -> the
logits ``[batch, classes]``."""


def _everyday(graph: Graph, network: EverydayLSTM, signals: str, length: int) -> str:
    mean, moving = graph.centred(signals, 1)
    size = _length_of_acceleration(graph, signals)
    patches = graph.layers(
        graph.transposed(graph.concatenated([signals, size, moving], 2), 0, 2, 1), network.stem
    )  # [batch, width, time / 8]
    for block in network.blocks:
        assert isinstance(block, nn.Sequential)
        patches = graph.add("Add", [patches, graph.layers(patches, block)])
    steps, _ = graph.lstm(graph.transposed(patches, 2, 0, 1), network.lstm)  # [time / 8, 2, batch, units]
    over_time = [
        graph.reshaped(graph.transposed(value, 1, 0, 2), -1, 2 * network.sizes.units)
        for value in (graph.mean(steps, 0), graph.maximum(steps, 0))
    ]
    changes = graph.add("Sub", [graph.part(signals, 1, 1, length), graph.part(signals, 1, 0, length - 1)])
    channels = network.sizes.channels
    summaries = [
        graph.reshaped(mean, -1, channels),
        _how_much(graph, moving),
        _how_much(graph, graph.centred(changes, 1)[1]),
        _band_powers(graph, graph.concatenated([moving, size], 2), length),
    ]
    glance = graph.layers(graph.concatenated(summaries, 1), network.glance)
    pooled = [graph.mean(patches, 2), graph.maximum(patches, 2)]
    return graph.linear(graph.concatenated([*over_time, *pooled, glance], 1), network.output)


def _length_of_acceleration(graph: Graph, signals: str) -> str:
    """The difference between the length of the acceleration and 1 g, ``[batch, time, 1]``."""
    acceleration = graph.part(signals, 2, 0, 3)
    squares = graph.add("Mul", [acceleration, acceleration])
    total = graph.add("ReduceSum", [squares, graph.constant([2])], keepdims=1)
    length = graph.add("Sqrt", [graph.add("Add", [total, graph.constant(1e-6)])])
    return graph.add("Sub", [length, graph.constant(1.0)])


def _how_much(graph: Graph, moving: str) -> str:
    """The size of movement of signals without their mean, on a logarithmic scale, ``[batch, channels]``."""
    spread = graph.add("Sqrt", [graph.mean(graph.add("Mul", [moving, moving]), 1)])
    return graph.add("Log", [graph.add("Add", [spread, graph.constant(STILL_G)])])


def _band_powers(graph: Graph, signals: str, length: int) -> str:
    """As ``BandPowers``, bands after bands: ``[batch, bands x channels]``."""
    waves, bands = (graph.constant(matrix) for matrix in window_matrices(length))
    _, moving = graph.centred(signals, 1)
    parts = graph.add("MatMul", [graph.transposed(moving, 0, 2, 1), waves])
    powers = graph.add("MatMul", [graph.add("Mul", [parts, parts]), bands])
    scaled = graph.add("Log", [graph.add("Add", [powers, graph.constant(NO_POWER)])])  # [batch, channels, bands]
    return graph.add("Flatten", [graph.transposed(scaled, 0, 2, 1)], axis=1)


def _deep_conv_lstm(graph: Graph, network: DeepConvLSTM, signals: str, length: int) -> str:
    channels, filters = network.sizes.channels, network.sizes.filters
    maps = graph.reshaped(graph.transposed(signals, 0, 2, 1), -1, 1, length)  # all channels share the convolution
    for convolution in network.convolutions:
        maps = graph.layers(maps, [convolution, nn.ReLU()])
    left = length - network.sizes.convolutions * (network.sizes.filter_length - 1)
    steps = graph.transposed(graph.reshaped(maps, -1, channels * filters, left), 2, 0, 1)
    _, end = graph.lstm(steps, network.recurrent)
    return graph.linear(graph.reshaped(end, -1, network.sizes.units), network.output)


def _notebook_lstm(graph: Graph, network: NotebookLSTM, signals: str, length: int) -> str:
    units = network.sizes.units
    product = graph.add("MatMul", [signals, graph.constant(network.hidden.weight.T)])
    hidden = graph.add("Relu", [graph.add("Add", [product, graph.constant(network.hidden.bias)])])
    steps = graph.transposed(hidden, 1, 0, 2)  # [time, batch, units]
    last = len(network.biases) - 1
    for layer, bias in enumerate(network.biases):
        kernels = network.input_kernels[layer], network.recurrent_kernels[layer]
        every, end = graph.lstm_layer(steps, *([each] for each in (*kernels, bias, network.forget_bias)))
        if layer < last:
            steps = graph.reshaped(every, length, -1, units)
    return graph.linear(graph.reshaped(end, -1, units), network.output)


GRAPHS: Mapping[str, Write] = {
    "deep_conv_lstm": _deep_conv_lstm,
    "everyday": _everyday,
    "notebook_lstm": _notebook_lstm,
}
"""By the name of the network, as in ``harken.networks.NETWORKS``."""


def write_graph(graph: Graph, name: str, network: nn.Module, signals: str, length: int) -> str:
    """Add a network to the graph.

    Args:
        graph: the graph.
        name: the name of the network in its model file.
        network: the network, in evaluation mode.
        signals: the name of the value with the windows ``[batch, time, channels]``.
        length: samples in a window.

    Returns:
        The logits ``[batch, classes]``.

    Raises:
        HarkenError: when the network of another package has no method ``onnx_graph``, or it fails.
    """
    if name in GRAPHS:
        return GRAPHS[name](graph, network, signals, length)
    write = getattr(network, "onnx_graph", None)
    if not callable(write):
        raise HarkenError(
            f"the network {name} cannot be exported: its class {type(network).__qualname__} has no method "
            "onnx_graph(graph, signals, length), which writes its forward as ONNX nodes (docs/extending.md)"
        )
    try:
        return str(write(graph, signals, length))
    except Exception as error:  # code of another package may raise any error
        raise HarkenError(
            f"the network {name} cannot be exported: its method onnx_graph failed ({type(error).__name__}: {error})"
        ) from error
