"""Labelling without PyTorch: a network's layers on NumPy arrays, by compiled kernels where there are any.

A window's result has the same bits whatever other windows are computed with it, if the kernels compute it. Everything
here may be called by several threads at once.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from harken.networks import everyday
from harken.networks import layers as kinds
from harken.networks.build import Weights
from harken.networks.layers import Layers, check_length, shortest_window
from harken.networks.native import library
from harken.networks.native.library import ConvolutionProblem, Problem, filled
from harken.networks.specification import Specification
from harken.support.arrays import AnyArray, Float32Array, Float64Array
from harken.support.resources import threads_to_use

WINDOWS_AT_ONCE = 128
"""Windows in one forward pass without gradients. On a CPU the output of a layer for so many is still in the cache when
the next layer reads it. With 500 windows per call, each window takes 1.1 to 1.8 times as long, depending on the
network; with 16, the calls themselves take a measurable part of the time.
``benchmarks/speed/prediction.py`` (at commit 51da616) tries sizes."""
MOST_VALUES_AT_ONCE = 1 << 27
"""The most values of a layer in one forward pass. Models with very long windows or very wide layers process fewer
windows at once."""
EPSILON = 1e-5
"""Added to the variance by ``torch.nn.BatchNorm1d``."""
FLOAT_BYTES, CACHE_LINE_FLOATS = 4, 16

Floats: TypeAlias = Float32Array
Compute: TypeAlias = Callable[[Floats], Floats]


class InferenceNetwork:
    """Signals, float32 ``[batch, time, channels]`` -> logits, float32 ``[batch, classes]``.

    Args:
        layers: the layers of the network.
        weights: its weights, checked by ``harken.networks.build.check_weights``.
    """

    def __init__(self, layers: Layers, weights: Weights) -> None:
        self._shortest = shortest_window(layers)
        self._features = _chain(layers[:-1], weights)
        self._output = compiled(layers[-1], weights)

    def __call__(self, signals: Floats) -> Floats:
        return self._output(self.features(signals))

    def features(self, signals: Floats) -> Floats:
        """The input of the output layer, float32 ``[batch, features]``.

        Raises:
            HarkenError: when the windows are too short.
        """
        check_length(self._shortest, signals.shape[1])
        return self._features(signals)


def windows_at_once(specification: Specification) -> int:
    """The number of windows in one forward pass of a model."""
    return max(1, min(WINDOWS_AT_ONCE, MOST_VALUES_AT_ONCE // specification.values_per_window))


def batched(compute: Compute, signals: Floats, at_once: int = WINDOWS_AT_ONCE, *, threads: int | None = None) -> Floats:
    """``compute(signals)``, a batch at a time, on several threads.

    Args:
        compute: takes float32 ``[batch, time, channels]`` and returns float32 ``[batch, values]``.
        signals: ``[n, time, channels]``.
        at_once: the number of windows in a batch.
        threads: the number of threads; None for ``harken.support.resources.threads_to_use``.
    """
    batches = [signals[start : start + at_once] for start in range(0, len(signals), at_once)]
    threads = min(threads or threads_to_use(), len(batches))
    if threads <= 1:
        return np.concatenate([compute(batch) for batch in batches]) if batches else compute(signals)
    with ThreadPoolExecutor(threads) as executor:
        return np.concatenate(list(executor.map(compute, batches)))


def softmax(logits: Floats) -> Floats:
    """Probabilities ``[n, classes]`` of logits ``[n, classes]``."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def answers(specification: Specification, outputs: Floats) -> Floats:
    """Probabilities ``[n, outputs]`` from the outputs of a network: of each label, and in the last column of busy hands
    if the model was taught those."""
    logits, hands = specification.labels_and_hands(outputs)
    shares = softmax(logits / np.float32(specification.temperature))
    if hands is None:
        return shares
    busy = (1 + np.tanh(hands / 2)) / 2  # the logistic function, without overflow
    return np.column_stack([shares, busy])


def _chain(layers: Layers, weights: Weights) -> Compute:
    steps = [compiled(layer, weights) for layer in layers if not isinstance(layer, kinds.Dropout)]

    def compute(x: Floats) -> Floats:
        for step in steps:
            x = step(x)
        return x

    return compute


def compiled(layer: kinds.Layer, weights: Weights) -> Compute:
    """The function that computes a layer, from the weights of its network."""
    match layer:
        case kinds.Dense():
            weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
            return PackedConvolution(weight[..., None], bias, relu=layer.relu)
        case kinds.Convolution():
            weight, summand = weights[f"{layer.name}.weight"], weights.get(f"{layer.name}.bias")
            if layer.normalised:
                factor, summand = _normalisation(weights, layer.normalisation)
                weight = np.asarray(weight, np.float64) * factor[:, None, None]
            return PackedConvolution(weight, summand, relu=True, residual=layer.residual, **layer.steps)
        case kinds.LSTM():
            numbers = [weights[name] for name in layer.shapes()]
            return Stack(numbers, directions=1 + layer.both_directions, last=layer.last)
        case kinds.BasicLSTM():
            numbers = []
            for number in range(layer.layers):
                parts = [f"{kind}.{number}" for kind in ("input_kernels", "recurrent_kernels", "biases")]
                numbers += [*(weights[part] for part in parts), layer.forget]
            return Stack(numbers, last=True)
        case kinds.MeanAndLargest():
            return lambda x: np.concatenate([x.mean(1), x.max(1)], axis=1)
        case kinds.Branches():
            branches = [_chain(branch, weights) for branch in layer.branches]
            return lambda x: np.concatenate([branch(x) for branch in branches], axis=1)
        case kinds.PerChannel():
            return _per_channel(_chain(layer.layers, weights))
        case everyday.Glance():
            return _glance(layer, weights)
    raise TypeError(f"labelling without PyTorch does not know the layer {layer}")


def _per_channel(inside: Compute) -> Compute:
    def compute(x: Floats) -> Floats:
        batch, time, channels = x.shape
        maps = inside(np.ascontiguousarray(x.transpose(0, 2, 1)).reshape(batch * channels, time, 1))
        steps, filters = maps.shape[1:]
        by_channel = maps.reshape(batch, channels, steps, filters).transpose(0, 2, 1, 3)
        return by_channel.reshape(batch, steps, channels * filters)

    return compute


def _glance(layer: everyday.Glance, weights: Weights) -> Compute:
    inside = _chain(layer.layers, weights)
    factor, summand = _normalisation(weights, "glance.0")
    first = np.asarray(weights["glance.1.weight"], np.float64)
    first_bias = np.asarray(weights["glance.1.bias"], np.float64)
    dense = [
        PackedConvolution((first * factor)[..., None], first_bias + first @ summand, relu=True),
        PackedConvolution(weights["glance.4.weight"][..., None], weights["glance.4.bias"], relu=True),
    ]

    def compute(signals: Floats) -> Floats:
        axes = np.ascontiguousarray(signals.transpose(0, 2, 1))  # [batch, channels, time]
        mean, moving = _centred(axes)
        squares = np.square(axes[:, :3]).sum(axis=1)
        length = np.sqrt(squares + np.float32(1e-6)) - np.float32(1)
        patches = np.concatenate([signals, length[..., None], moving.transpose(0, 2, 1)], axis=2)
        in_bands = _band_powers(np.concatenate([moving, _centred(length[:, None])[1]], axis=1))
        summaries = [mean, _how_much(moving), _how_much(_centred(np.diff(axes))[1]), in_bands]
        glance = np.concatenate(summaries, axis=1)
        for step in dense:
            glance = step(glance)
        return np.concatenate([inside(patches), glance], axis=1)

    return compute


def _normalisation(weights: Weights, name: str) -> tuple[Float64Array, Float64Array]:
    """The factor and the summand of a batch normalisation in evaluation mode, each ``[channels]``."""
    gain, shift, mean, variance = (
        np.asarray(weights[f"{name}.{part}"], np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gain / np.sqrt(variance + EPSILON)
    return factor, shift - mean * factor


def _band_powers(signals: Floats) -> Floats:
    """Signals without their mean, ``[batch, channels, time]`` -> the logarithm of their power in each band,
    ``[batch, bands x channels]``."""
    batch, channels, time = signals.shape
    rows = signals.reshape(batch * channels, time)
    if time > everyday.LONGEST_BY_MATRICES:
        windowed = rows * everyday.hann_window(time).astype(np.float32)
        spectrum = np.square(np.abs(np.fft.rfft(windowed))) / np.float32(time)
        edges = everyday.band_starts(time)
        powers = np.stack([spectrum[:, low:high].sum(axis=1) for low, high in pairwise(edges)], axis=1)
    else:
        waved, banded = _band_products(time)
        powers = banded(np.square(waved(rows)))
    logs = np.log(powers + np.float32(everyday.NO_POWER)).reshape(batch, channels, everyday.BANDS)
    return np.asarray(logs.transpose(0, 2, 1).reshape(batch, channels * everyday.BANDS))


@lru_cache(maxsize=4)
def _band_products(time: int) -> "tuple[PackedConvolution, PackedConvolution]":
    """The products with ``everyday.window_matrices``."""
    waves, bands = everyday.window_matrices(time)
    return PackedConvolution(waves.T[..., None]), PackedConvolution(bands.T[..., None])


def _centred(values: Floats) -> tuple[Floats, Floats]:
    """The mean over the last axis, and the values minus their mean.

    It is computed in two passes, because the rounding of a mean in single precision would count as movement of a watch
    on a table.
    """
    rough = values.mean(axis=-1, keepdims=True)
    left = values - rough
    rest = left.mean(axis=-1, keepdims=True)
    left -= rest
    return (rough + rest)[..., 0], left


def _how_much(moving: Floats) -> Floats:
    """How much each channel changes over time, ``[batch, channels]``, on a logarithmic scale."""
    spread = np.sqrt(np.square(moving).mean(axis=-1))
    return np.asarray(np.log(spread + np.float32(everyday.STILL_G)))


class PackedConvolution:
    """A convolution along time with fixed weights, as ``torch.nn.functional.conv1d``, of windows ``[time, channels]``.

    With a kernel of one sample it is a dense layer. NumPy computes it where there is no compiled library.

    Args:
        weight: ``[filters, channels / groups, kernel]``.
        bias: ``[filters]``; zeros when None.
        stride: samples from one output to the next.
        padding: zeros before and after each window.
        groups: parts of the channels and of the filters that are connected only with one another.
        relu: whether ``max(0, y)`` follows.
        residual: whether the input is added, after the ReLU; only if the result has the same shape.

    Example:
        >>> weight = np.ones((2, 3, 1), np.float32)
        >>> PackedConvolution(weight, np.float32([0, 1]))(np.ones((1, 4, 3), np.float32))[0, 0]
        array([3., 4.], dtype=float32)
    """

    def __init__(
        self,
        weight: AnyArray,
        bias: AnyArray | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        relu: bool = False,
        residual: bool = False,
    ) -> None:
        self.weight = np.ascontiguousarray(weight, np.float32)
        filters, of_group, kernel = self.weight.shape
        self._sizes = {
            "channels": of_group * groups,
            "filters": filters,
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "groups": groups,
            "relu": relu,
            "residual": residual,
        }
        self.bias = np.zeros(filters, np.float32) if bias is None else np.ascontiguousarray(bias, np.float32)
        self._same = self._packed() if library.load() is not None and self.weight.size else None

    def __call__(self, x: Floats) -> Floats:
        """Windows ``[batch, time, channels]`` -> ``[batch, outputs, filters]``, or one window without the first axis.

        Args:
            x: float32. It is copied if it is not contiguous.

        Raises:
            ValueError: when ``x`` does not fit, or a window is too short for one output.
            MemoryError: when there is not enough memory.
        """
        sizes = self._sizes
        if x.dtype != np.float32 or x.ndim not in (2, 3) or x.shape[-1] != sizes["channels"]:
            raise ValueError(f"x must be float32 [batch, time, {sizes['channels']}], got {x.dtype} {x.shape}")
        outputs = (x.shape[-2] + 2 * sizes["padding"] - sizes["kernel"]) // sizes["stride"] + 1
        if outputs < 1:
            raise ValueError(f"{x.shape[-2]} samples are too few for a kernel of {sizes['kernel']}")
        windows = x if x.ndim == 3 else x[None]
        y = np.empty((len(windows), outputs, sizes["filters"]), np.float32)
        if self._same is None:
            self._by_numpy(windows, y)
        elif x.size:
            self._by_kernels(windows, self._same, y)
        return y if x.ndim == 3 else y[0]

    def _packed(self) -> ConvolutionProblem:
        """The arguments that are the same for all windows, with the weights as the kernels read them."""
        compiled = library.load()
        same = filled(ConvolutionProblem, **self._sizes, threads=1)
        assert compiled is not None
        floats = int(compiled.harken_convolution_packed(same))
        memory = np.empty(floats + CACHE_LINE_FLOATS, np.float32)
        first = -(memory.ctypes.data // FLOAT_BYTES) % CACHE_LINE_FLOATS
        packed = memory[first : first + floats]
        compiled.harken_convolution_pack(same, self.weight.ctypes.data, self.bias.ctypes.data, packed.ctypes.data)
        return library.fill(same, packed=packed)

    def _by_kernels(self, x: Floats, same: ConvolutionProblem, y: Floats) -> None:
        x = np.ascontiguousarray(x)
        batch, time, channels = x.shape
        # Field by field, because a general function takes longer than the kernel when there is one window.
        arguments = ConvolutionProblem.from_buffer_copy(same)
        arguments.batch, arguments.time, arguments.outputs = batch, time, y.shape[1]
        arguments.x, arguments.x_window, arguments.x_time = x.ctypes.data, time * channels, channels
        arguments.y, arguments.y_window, arguments.y_time = y.ctypes.data, y.shape[1] * y.shape[2], y.shape[2]
        library.call("harken_convolution_forward", arguments)

    def _by_numpy(self, x: Floats, y: Floats) -> None:
        sizes, (_, of_group, kernel) = self._sizes, self.weight.shape
        padded = np.pad(x, ((0, 0), (sizes["padding"], sizes["padding"]), (0, 0)))
        # [batch, outputs, channels, kernel], a view
        moments = sliding_window_view(padded, kernel, axis=1)[:, :: sizes["stride"]]
        filters = sizes["filters"] // sizes["groups"]
        for group in range(sizes["groups"]):
            read = moments[:, :, group * of_group : (group + 1) * of_group]
            read = read.reshape(len(x) * y.shape[1], of_group * kernel)
            of = slice(group * filters, (group + 1) * filters)
            weight = self.weight[of].reshape(filters, of_group * kernel)
            y[:, :, of] = (read @ weight.T).reshape(*y.shape[:2], filters)
        y += self.bias
        if sizes["relu"]:
            np.maximum(y, 0, out=y)
        if sizes["residual"]:
            y += x


class Stack:
    """The layers of an LSTM, with the equations, weights and gate order of ``torch.nn.LSTM``.

    NumPy computes it where there is no compiled library, or no kernel for its size.

    Args:
        weights: of each layer, and in it of each direction: input weights ``[4 x units, inputs]``, recurrent weights
            ``[4 x units, units]`` and two biases ``[4 x units]``.
        directions: 1 for forward, 2 for both.
        last: whether only the states after the last step are computed.
    """

    def __init__(self, weights: Sequence[AnyArray], *, directions: int = 1, last: bool = False) -> None:
        self._weights = [np.ascontiguousarray(weight, np.float32) for weight in weights]
        self.units = self._weights[1].shape[1]
        self.directions, self.last = directions, last
        self.layers = len(self._weights) // (4 * directions)
        fits = self.layers <= library.MOST_LAYERS and library.FEWEST_UNITS <= self.units <= library.MOST_UNITS
        self._same: Problem | None = None  # the arguments of the kernels that are the same for all windows
        if fits and library.load() is not None:
            sizes = {"units": self.units, "layers": self.layers, "directions": directions, "threads": 1}
            self._same = filled(Problem, **sizes, weights=library.addresses(self._weights))

    def __call__(self, x: Floats) -> Floats:
        """The states of the last layer, ``[batch, time, directions x units]``, or after the last step alone, ``[batch,
        units]``, of ``x``, float32 ``[batch, time, inputs]``.

        Raises:
            MemoryError: when there is not enough memory.
        """
        return self._by_numpy(x) if self._same is None else self._by_kernels(x, self._same)

    def _by_kernels(self, x: Floats, same: Problem) -> Floats:
        batch, length, inputs = x.shape
        y = np.empty((batch, length, self.directions * self.units) if not self.last else 0, np.float32)
        end = np.empty((self.layers * self.directions, batch, self.units), np.float32)
        cells = np.empty_like(end)
        arguments = Problem.from_buffer_copy(same)
        arguments.batch, arguments.length, arguments.inputs = batch, length, inputs
        arguments.x = x.ctypes.data
        arguments.x_row, arguments.x_time, arguments.x_item = (stride // FLOAT_BYTES for stride in x.strides)
        if not self.last:
            arguments.y, arguments.y_row, arguments.y_time = y.ctypes.data, y.shape[1] * y.shape[2], y.shape[2]
        arguments.hn, arguments.cn = end.ctypes.data, cells.ctypes.data
        library.call("harken_lstm_forward", arguments)
        return np.asarray(end[-1]) if self.last else y

    def _by_numpy(self, x: Floats) -> Floats:
        for layer in range(self.layers):
            states = []
            for direction in range(self.directions):
                number = layer * self.directions + direction
                y = _one_direction(x[:, ::-1] if direction else x, *self._weights[4 * number : 4 * number + 4])
                states.append(y[:, ::-1] if direction else y)
            x = np.concatenate(states, axis=2)
        return x[:, -1] if self.last else x


def _one_direction(x: Floats, input_weights: Floats, weights: Floats, input_bias: Floats, bias: Floats) -> Floats:
    """The states of all steps of one layer in one direction, ``[batch, time, units]``."""
    batch, length, inputs = x.shape
    units = weights.shape[1]
    entering = x.reshape(batch * length, inputs) @ input_weights.T + (input_bias + bias)
    entering = entering.reshape(batch, length, 4 * units)
    y = np.empty((batch, length, units), np.float32)
    state, cell = np.zeros((2, batch, units), np.float32)
    for step in range(length):
        gates = entering[:, step] + state @ weights.T
        enter, forget, leave = (_sigmoid(gates[:, units * gate : units * (gate + 1)]) for gate in (0, 1, 3))
        cell = forget * cell + enter * np.tanh(gates[:, 2 * units : 3 * units])
        state = leave * np.tanh(cell)
        y[:, step] = state
    return y


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)
