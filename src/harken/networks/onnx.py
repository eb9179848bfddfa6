"""Networks as ONNX graphs that are written node by node: the nodes, and one function for each kind of module.

PyTorch's exporters trace the operations of a network; these graphs are written from its layers. So a graph is as short
as the network, has one ``LSTM`` node for each layer whatever computes it in PyTorch, and is the same bytes for the
same model. A network of another package that is a class has a method ``onnx_graph(graph, signals, length)``.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from harken.networks import everyday
from harken.networks import layers as kinds
from harken.networks.layers import Layers
from harken.networks.native.modules import FastDropout
from harken.networks.pytorch import LayerNetwork
from harken.support.arrays import AnyArray, Float32Array
from harken.support.errors import HarkenError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

OPSET, IR_VERSION = 18, 9
"""Versions that every ONNX Runtime since 1.17 (January 2024) reads."""


class Graph:
    """Nodes in the order in which they were added. Values are identified by name."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def add(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add a node, and return the name of its output, which is also the name of the node."""
        from onnx.helper import make_node

        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, value: Tensor | AnyArray | Sequence[int] | float) -> str:
        """Add a constant: float32, or int64 for a sequence of whole numbers (sizes and axes)."""
        from onnx.numpy_helper import from_array

        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        elif isinstance(value, float):
            value = np.array(value, np.float32)
        array = np.ascontiguousarray(value, np.float32 if isinstance(value, np.ndarray) else np.int64)
        name = f"constant_{len(self._constants)}"
        self._constants.append(from_array(array.reshape(np.shape(value)), name))
        return name

    def part(self, value: str, axis: int, first: int, last: int) -> str:
        """The values from ``first`` to ``last`` (exclusive) along an axis."""
        ends = [self.constant([number]) for number in (first, last, axis)]
        return self.add("Slice", [value, *ends])

    def mean(self, value: str, axis: int, *, keep: bool = False) -> str:
        """The mean along an axis, which stays with length 1 if ``keep``."""
        return self.add("ReduceMean", [value, self.constant([axis])], keepdims=int(keep))

    def centred(self, value: str, axis: int) -> tuple[str, str]:
        """The mean along an axis, which stays with length 1, and the values minus their mean.

        The mean is computed in two passes, because PyTorch sums more exactly than a single pass. The error of a sum in
        single precision is a millionth of a constant signal. For a watch on a table, the logarithm of the movement
        turns this error into a difference of 0.0001 in a probability.
        """
        rough = self.mean(value, axis, keep=True)
        left = self.add("Sub", [value, rough])
        rest = self.mean(left, axis, keep=True)
        return self.add("Add", [rough, rest]), self.add("Sub", [left, rest])

    def maximum(self, value: str, axis: int) -> str:
        """The largest value along an axis, which is removed."""
        return self.add("ReduceMax", [value, self.constant([axis])], keepdims=0)

    def transposed(self, value: str, *order: int) -> str:
        """Axes in another order."""
        return self.add("Transpose", [value], perm=order)

    def reshaped(self, value: str, *shape: int) -> str:
        """The same values in another shape; 0 keeps a length, -1 stands for the remaining length."""
        return self.add("Reshape", [value, self.constant(list(shape))])

    def concatenated(self, values: Iterable[str], axis: int) -> str:
        """Values joined along an axis."""
        return self.add("Concat", list(values), axis=axis)

    def layers(self, value: str, sequence: Iterable[nn.Module]) -> str:
        """Layers in sequence, in evaluation mode: dropout has no effect."""
        for module in sequence:
            if isinstance(module, nn.Conv1d):
                value = self.convolution(value, module)
            elif isinstance(module, nn.BatchNorm1d):
                value = self.normalised(value, module)
            elif isinstance(module, nn.Linear):
                value = self.linear(value, module)
            elif isinstance(module, nn.ReLU):
                value = self.add("Relu", [value])
            elif not isinstance(module, FastDropout | nn.Dropout):
                raise TypeError(f"no ONNX is known for the layer {module}")
        return value

    def linear(self, value: str, module: nn.Linear) -> str:
        """``[batch, in]`` -> ``[batch, out]``."""
        return self.add("Gemm", [value, self.constant(module.weight), self.constant(module.bias)], transB=1)

    def convolution(self, value: str, module: nn.Conv1d) -> str:
        """``[batch, in, time]`` -> ``[batch, out, time]``."""
        pad = module.padding[0]
        if not isinstance(pad, int) or module.padding_mode != "zeros":
            raise TypeError(f"no ONNX is known for the padding of {module}")
        weights = [self.constant(each) for each in (module.weight, module.bias) if each is not None]
        return self.add(
            "Conv",
            [value, *weights],
            kernel_shape=module.kernel_size,
            strides=module.stride,
            dilations=module.dilation,
            pads=(pad, pad),
            group=module.groups,
        )

    def normalised(self, value: str, module: nn.BatchNorm1d) -> str:
        """Batch normalisation with the statistics of the training."""
        parameters = (module.weight, module.bias, module.running_mean, module.running_var)
        if any(each is None for each in parameters):
            raise TypeError(f"no ONNX is known for {module}, which has no weights or statistics")
        constants = [self.constant(each) for each in parameters if each is not None]
        return self.add("BatchNormalization", [value, *constants], epsilon=float(module.eps))

    def lstm(self, value: str, module: nn.Module) -> tuple[str, str]:
        """All layers of an LSTM over ``[time, batch, in]``.

        Returns:
            The outputs of the last layer, ``[time, directions, batch, units]``, and its final state,
            ``[directions, batch, units]``.

        The module may be ``nn.LSTM`` or any module with the same ``state_dict``.
        """
        weights = module.state_dict()
        layers = sum(name.startswith("weight_ih") and not name.endswith("_reverse") for name in weights)
        directions = ["", "_reverse"] if "weight_ih_l0_reverse" in weights else [""]
        steps, units = value, weights["weight_hh_l0"].shape[1]
        for layer in range(layers):
            if layer:
                value = self.reshaped(self.transposed(steps, 0, 2, 1, 3), 0, 0, units * len(directions))
            kinds_of_weights = [f"{kind}_l{layer}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            cells = [[weights[f"{kind}{direction}"] for kind in kinds_of_weights] for direction in directions]
            steps, end = self.lstm_layer(value, *cells)
        return steps, end

    def lstm_layer(self, value: str, *cells: Sequence[Tensor]) -> tuple[str, str]:
        """One layer of an LSTM, see ``lstm``. Each direction has its own cell: input weights, recurrent weights and two
        biases, gates in PyTorch's order."""
        ordered = [[_gates(tensor) for tensor in cell] for cell in cells]
        parts = [(inputs, recurrent, np.concatenate(biases)) for inputs, recurrent, *biases in ordered]
        steps = self.add(
            "LSTM",
            [value, *(self.constant(np.stack(part)) for part in zip(*parts, strict=True))],
            hidden_size=cells[0][1].shape[1],
            direction="forward" if len(cells) == 1 else "bidirectional",
        )
        self._nodes[-1].output.append(end := f"{steps}_end")
        return steps, end

    def model(self, *, reads: tuple[str, Sequence[int]], gives: Sequence[tuple[str, str, int]]) -> "ModelProto":
        """The whole model.

        Args:
            reads: the name of the input, and its shape without the batch.
            gives: of each output the value, its name, and its length for each window. No other node reads the value.
        """
        from onnx import TensorProto
        from onnx.helper import make_graph, make_model, make_opsetid, make_tensor_value_info

        node_of = {node.name: node for node in self._nodes}
        for value, name, _ in gives:
            node_of[value].output[0] = name
        graph = make_graph(
            self._nodes,
            "harken",
            [make_tensor_value_info(reads[0], TensorProto.FLOAT, ["batch", *reads[1]])],
            [make_tensor_value_info(name, TensorProto.FLOAT, ["batch", count]) for _, name, count in gives],
            self._constants,
        )
        return make_model(graph, opset_imports=[make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _gates(weights: Tensor) -> Float32Array:
    """Input, forget, candidate, output (PyTorch) -> input, output, forget, candidate (ONNX), along the first axis."""
    gate_in, forget, candidate, gate_out = np.split(weights.detach().cpu().numpy(), 4)
    return np.concatenate([gate_in, gate_out, forget, candidate])


class _Writer(Graph):
    """Writes a network of layers into a graph, and knows the order of the axes of each value: batch, time and channels
    ("btc") in any order, steps of an LSTM ("tdbu": time, direction, batch, units), or values of a window ("bc")."""

    def __init__(self, graph: Graph, network: LayerNetwork, signals: str, length: int) -> None:
        self._nodes, self._constants = graph._nodes, graph._constants
        self.network, self.length = network, length
        self.axes = {signals: "btc"}

    def known(self, value: str, axes: str) -> str:
        """The value, whose order of axes is now known."""
        self.axes[value] = axes
        return value

    def ordered(self, value: str, axes: str) -> str:
        """A sequence with its axes in another order."""
        before = self.axes[value]
        if before == "tdbu":
            value = self.reshaped(self.transposed(value, 0, 2, 1, 3), 0, 0, -1)
            before = "tbc"
        if before == axes:
            return value
        return self.known(self.transposed(value, *(before.index(axis) for axis in axes)), axes)

    def written(self, layers: Layers, value: str) -> list[str]:
        """Add layers, one after another: the name of their input -> the names of their results, side by side."""
        parts = [value]
        for layer in layers:
            module: Any = self.network.of.get(layer)  # None for layers that only have others inside
            value = parts[0] if len(parts) == 1 else self.known(self.concatenated(parts, 1), "bc")
            parts = [value]
            match layer:
                case kinds.Dense():
                    parts = [self.dense(value, module, relu=layer.relu)]
                case kinds.Convolution():
                    parts = [self.filtered(value, layer, module)]
                case kinds.LSTM():
                    steps, end = self.lstm(self.ordered(value, "tbc"), module)
                    last = [self.known(self.reshaped(end, -1, layer.units), "bc")] if layer.last else []
                    parts = last or [self.known(steps, "tdbu")]
                case kinds.BasicLSTM():
                    parts = [self.known(self.basic_lstm(self.ordered(value, "tbc"), layer, module), "bc")]
                case kinds.MeanAndLargest():
                    parts = self.pooled(value)
                case kinds.Branches():
                    parts = [part for branch in layer.branches for part in self.written(branch, value)]
                case kinds.PerChannel():
                    parts = [self.per_channel(self.ordered(value, "bct"), layer)]
                case everyday.Glance():
                    parts = self.glance(self.ordered(value, "btc"), layer, module)
                case kinds.Dropout():
                    pass  # it has no effect
                case _:
                    raise TypeError(f"no ONNX is known for the layer {layer}")
        return parts

    def dense(self, value: str, module: nn.Linear, *, relu: bool) -> str:
        if self.axes[value] == "bc":
            total, axes = self.linear(value, module), "bc"
        else:
            steps = self.ordered(value, "btc")
            product = self.add("MatMul", [steps, self.constant(module.weight.T)])
            total = self.add("Add", [product, self.constant(module.bias)])
            axes = "btc"
        return self.known(self.add("Relu", [total]) if relu else total, axes)

    def filtered(self, value: str, layer: kinds.Convolution, module: Any) -> str:
        before = self.ordered(value, "bct")
        after = self.layers(before, [*(module.children() if layer.normalised else [module]), nn.ReLU()])
        if layer.residual:
            after = self.add("Add", [before, after])
        return self.known(after, "bct")

    def pooled(self, value: str) -> list[str]:
        """The mean and the maximum over time."""
        axes = self.axes[value]
        parts = [reduce(value, axes.index("t")) for reduce in (self.mean, self.maximum)]
        if axes == "tdbu":
            parts = [self.reshaped(self.transposed(part, 1, 0, 2), 0, -1) for part in parts]
        return parts

    def basic_lstm(self, value: str, layer: kinds.BasicLSTM, module: Any) -> str:
        first, *others = module.cells()
        steps, end = self.lstm_layer(value, first)
        for cell in others:
            steps, end = self.lstm_layer(self.reshaped(steps, 0, -1, layer.units), cell)
        return self.reshaped(end, -1, layer.units)

    def per_channel(self, value: str, layer: kinds.PerChannel) -> str:
        alone = self.known(self.reshaped(value, -1, 1, 0), "bct")  # [batch x channels, 1, time]
        (maps,) = self.written(layer.layers, alone)
        joined = self.reshaped(self.ordered(maps, "bct"), -1, layer.channels * layer.filters, 0)
        return self.known(joined, "bct")

    def glance(self, signals: str, layer: everyday.Glance, module: Any) -> list[str]:
        """The same operations as in ``forward``, in the same order."""
        mean, moving = self.centred(signals, 1)
        size = self.length_of_acceleration(signals)
        inside = self.written(layer.layers, self.known(self.concatenated([signals, size, moving], 2), "btc"))
        after = self.part(signals, 1, 1, self.length)
        before = self.part(signals, 1, 0, self.length - 1)
        changes = self.add("Sub", [after, before])
        summaries = [
            self.reshaped(mean, -1, layer.channels),
            self.how_much(moving),
            self.how_much(self.centred(changes, 1)[1]),
            self.band_powers(self.concatenated([moving, size], 2)),
        ]
        return [*inside, self.layers(self.concatenated(summaries, 1), module)]

    def length_of_acceleration(self, signals: str) -> str:
        """The difference between the length of the acceleration and 1 g, ``[batch, time, 1]``."""
        acceleration = self.part(signals, 2, 0, 3)
        squares = self.add("Mul", [acceleration, acceleration])
        total = self.add("ReduceSum", [squares, self.constant([2])], keepdims=1)
        length = self.add("Sqrt", [self.add("Add", [total, self.constant(1e-6)])])
        return self.add("Sub", [length, self.constant(1.0)])

    def how_much(self, moving: str) -> str:
        """The size of movement of signals without their mean, on a logarithmic scale, ``[batch, channels]``."""
        spread = self.add("Sqrt", [self.mean(self.add("Mul", [moving, moving]), 1)])
        return self.add("Log", [self.add("Add", [spread, self.constant(everyday.STILL_G)])])

    def band_powers(self, signals: str) -> str:
        """The logarithm of powers, bands after bands: ``[batch, bands x channels]``."""
        waves, bands = (self.constant(matrix) for matrix in everyday.window_matrices(self.length))
        _, moving = self.centred(signals, 1)
        parts = self.add("MatMul", [self.transposed(moving, 0, 2, 1), waves])
        powers = self.add("MatMul", [self.add("Mul", [parts, parts]), bands])
        scaled = self.add(
            "Log", [self.add("Add", [powers, self.constant(everyday.NO_POWER)])]
        )  # [batch, channels, bands]
        return self.add("Flatten", [self.transposed(scaled, 0, 2, 1)], axis=1)


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
    if isinstance(network, LayerNetwork):
        (logits,) = _Writer(graph, network, signals, length).written(network.layers, signals)
        return logits
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
