"""Networks in PyTorch: a module for training from a network's layers, its weights, and its logits in batches."""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harken.networks import everyday
from harken.networks import layers as kinds
from harken.networks.build import Weights, check_weights, made
from harken.networks.inference import WINDOWS_AT_ONCE, batched
from harken.networks.layers import Layers, check_length, every, shortest_window
from harken.networks.native import modules
from harken.networks.native.modules import FastDropout, FusedConvolution
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads

DEVICES = ("cpu", "cuda")


class LayerNetwork(nn.Module):
    """A network of layers: signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    Its parameters and their order are those of ``torch.nn.Sequential``, with the layers' names.

    Attributes:
        layers: the layers.
        of: the module of each layer that has one.
    """

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.layers = layers
        self._shortest = shortest_window(layers)
        self.of = {layer: module for layer in every(layers) if (module := module_of(layer)) is not None}
        for number, (layer, module) in enumerate(self.of.items()):
            for name, part in _named(layer, module).items():
                _place(self, name or f"_unnamed{number}", part)
        for layer, module in self.of.items():
            if layer.initial != "uniform":  # PyTorch has drawn these
                INITIAL[layer.initial](module)

    def forward(self, signals: Tensor) -> Tensor:
        check_length(self._shortest, signals.shape[1])
        return self.computed(self.layers, signals)

    def computed(self, layers: Layers, x: Tensor) -> Tensor:
        """The result of layers, one after another."""
        for layer in layers:
            module: Any = self.of.get(layer)
            match layer:
                case kinds.Branches():
                    x = torch.cat([self.computed(branch, x) for branch in layer.branches], 1)
                case kinds.PerChannel():
                    batch, time, channels = x.shape
                    alone = x.transpose(1, 2).reshape(batch * channels, 1, time)
                    maps = self.computed(layer.layers, alone.transpose(1, 2)).transpose(1, 2)
                    x = maps.reshape(batch, channels * layer.filters, -1).transpose(1, 2)
                case kinds.Dense():
                    x = module(x).relu_() if layer.relu else module(x)
                case kinds.Convolution(normalised=False):
                    x = module(x.transpose(1, 2)).relu().transpose(1, 2)
                case kinds.LSTM():
                    x = module(x)[0][:, -1] if layer.last else module(x)[0]
                case kinds.MeanAndLargest():
                    x = torch.cat([x.mean(1), x.amax(1)], 1)
                case everyday.Glance():
                    mean, moving, length = _movement(x)
                    inside = self.computed(layer.layers, torch.cat([x, length, moving], -1))
                    x = torch.cat([inside, module(x, mean, moving, length)], 1)
                case _:
                    x = module(x)
        return x


def _named(layer: kinds.Layer, module: nn.Module) -> dict[str, nn.Module]:
    """The parts of a layer's module by their names in a model file; "" for one without weights."""
    match layer:
        case kinds.Convolution(normalised=True):
            fused = cast(FusedConvolution, module)
            names = (layer.name, layer.normalisation, f"{layer.normalisation}_dropout")
            return dict(zip(names, fused.children(), strict=True))
        case kinds.BasicLSTM():
            return dict(module.named_children())
    return {getattr(layer, "name", ""): module}


def _place(network: nn.Module, name: str, module: nn.Module) -> None:
    """Register a module under a name with dots. Raises a HarkenError when something else has the name."""
    *path, last = name.split(".")
    parent = network
    for part in path:
        if not hasattr(parent, part):
            parent.add_module(part, nn.Module())
        parent = getattr(parent, part)
    if not isinstance(parent, nn.Module) or hasattr(parent, last):
        raise HarkenError(f"no layer of a network can be called {name}: something else has this name")
    parent.add_module(last, module)


def module_of(layer: kinds.Layer) -> nn.Module | None:
    """The module of a layer in PyTorch; None for a layer that needs none."""
    match layer:
        case kinds.Dense():
            return nn.Linear(layer.inputs, layer.outputs)
        case kinds.Convolution():
            sizes = (layer.channels, layer.filters, layer.kernel)
            if layer.normalised:
                return FusedConvolution(*sizes, **layer.steps, dropout=layer.dropout, residual=layer.residual)
            return nn.Conv1d(*sizes, **layer.steps)
        case kinds.LSTM():
            dropout = layer.dropout if layer.layers > 1 else 0.0  # it is between layers
            sizes = (layer.inputs, layer.units, layer.layers)
            both = layer.both_directions
            return modules.FusedLSTM(*sizes, batch_first=True, dropout=dropout, bidirectional=both)
        case kinds.BasicLSTM():
            return _BasicLSTM(layer)
        case kinds.Dropout():
            return FastDropout(layer.share, bits=layer.bits)
        case everyday.Glance():
            return _Glance(layer)
        case kinds.MeanAndLargest() | kinds.Branches() | kinds.PerChannel():
            return None
    raise TypeError(f"PyTorch has no module for the layer {layer}")


class _BasicLSTM(nn.Module):
    """``BasicLSTM`` on the compiled library or ``torch.lstm``, which have a second bias for the forget gate's 1.0."""

    def __init__(self, layer: kinds.BasicLSTM) -> None:
        super().__init__()
        self.layer = layer
        for kind in ("input_kernels", "recurrent_kernels", "biases"):
            shapes = [shape for name, shape in layer.shapes().items() if name.startswith(kind)]
            self.add_module(kind, nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in shapes))

    def forward(self, x: Tensor) -> Tensor:
        units, layers = self.layer.units, self.layer.layers
        weights = [tensor.to(x) for cell in self.cells() for tensor in cell]
        if modules.lstm_computable(x, weights, units=units, layers=layers):
            return modules.lstm(x, weights, units=units, layers=layers, steps=False)[1][-1]
        state = x.new_zeros(layers, x.shape[0], units)
        training = self.get_submodule("biases").training
        steps, _, _ = torch.lstm(x, (state, state), weights, True, layers, 0.0, training, False, True)
        return steps[:, -1]

    def cells(self) -> list[tuple[Tensor, ...]]:
        """The input kernel, recurrent kernel, bias and forget gate's summand of each layer."""
        forget = torch.from_numpy(self.layer.forget)
        parts = zip(*cast(Iterator[nn.ParameterList], self.children()), strict=True)
        return [(*cell, forget) for cell in parts]


class _Glance(nn.Sequential):
    """Features of the whole window, and dense layers on them. They have gradients only for signals that need them."""

    def __init__(self, layer: everyday.Glance) -> None:
        units = everyday.GLANCE_UNITS
        super().__init__(
            nn.BatchNorm1d(layer.features),
            nn.Linear(layer.features, units),
            nn.ReLU(),
            FastDropout(everyday.GLANCE_DROPOUT),
            nn.Linear(units, units),
            nn.ReLU(),
        )

    def forward(  # type: ignore[override]
        self, signals: Tensor, mean: Tensor, moving: Tensor, length: Tensor
    ) -> Tensor:
        powers = self.band_powers(torch.cat([moving, length], -1)).flatten(1)
        summaries = [mean.squeeze(1), _how_much(signals), _how_much(signals.diff(dim=1)), powers]
        made: Tensor = super().forward(torch.cat(summaries, 1))  # type: ignore[no-untyped-call]
        return made

    def band_powers(self, signals: Tensor) -> Tensor:
        """The logarithm of each channel's power in each band, ``[batch, everyday.BANDS, channels]``."""
        length = signals.shape[1]
        # Contiguous, for one product instead of one for each window.
        moving = (signals - signals.mean(1, keepdim=True)).transpose(1, 2).contiguous()  # [batch, channels, time]
        if length > everyday.LONGEST_BY_MATRICES:
            windowed = moving * torch.from_numpy(everyday.hann_window(length)).to(signals)
            spectrum = torch.fft.rfft(windowed).abs().square() / length
            powers = torch.stack(
                [spectrum[..., low:high].sum(2) for low, high in pairwise(everyday.band_starts(length))], dim=2
            )
            return torch.log(powers + everyday.NO_POWER).transpose(1, 2)
        waves, bands = (torch.from_numpy(matrix).to(signals) for matrix in everyday.window_matrices(length))
        parts = moving @ waves  # [batch, channels, 2 x frequencies]
        return torch.log(parts.square() @ bands + everyday.NO_POWER).transpose(1, 2)


def _movement(signals: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The mean of signals, the signals minus their mean, and the length of the acceleration minus 1 g.

    The length shows the strength of a movement independently of the way the watch is worn. The signals minus their mean
    show the movement independently of the posture of the arm.
    """
    length = signals[..., :3].square().sum(-1, keepdim=True).add(1e-6).sqrt() - 1
    mean = signals.mean(1, keepdim=True)
    return mean, signals - mean, length


def _how_much(signals: Tensor) -> Tensor:
    """How much each channel changes over time, ``[batch, channels]``, on a logarithmic scale."""
    if signals.requires_grad:  # of a channel without change, only this has finite gradients
        return torch.log(signals.std(1, correction=0) + everyday.STILL_G)
    # As exact, in a quarter of the time on a CPU. The mean is rounded. Without the correction by the mean of what is
    # left, the error would count as movement of a watch on a table.
    off = signals - signals.mean(1, keepdim=True)
    spread = off.square().mean(1).sub_(off.mean(1).square_()).clamp_min_(0).sqrt_()
    return torch.log(spread + everyday.STILL_G)


def _glorot(module: nn.Module) -> None:
    assert isinstance(module, _BasicLSTM)
    limit = math.sqrt(6 / (6 * module.layer.units))
    for input_kernel, recurrent_kernel, bias, _ in module.cells():
        nn.init.uniform_(input_kernel, -limit, limit)
        nn.init.uniform_(recurrent_kernel, -limit, limit)
        nn.init.zeros_(bias)


def _orthogonal(module: nn.Module) -> None:
    for parameter in module.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            for gate in parameter.data.chunk(4 if isinstance(module, nn.LSTM) else 1):
                nn.init.orthogonal_(gate)


def _normal(module: nn.Module, mean: float = 0.0) -> None:
    nn.init.normal_(module.get_parameter("weight"), mean=mean)
    nn.init.normal_(module.get_parameter("bias"))


INITIAL: Mapping[str, Callable[[nn.Module], None]] = {
    "orthogonal": _orthogonal,
    "normal": _normal,
    "normal around 1": lambda module: _normal(module, 1.0),
    "Glorot": _glorot,
}
"""Draws the initial weights of a module from PyTorch's random numbers, by ``harken.networks.layers.Initial``."""


def build(name: str, sizes: Mapping[str, Any]) -> nn.Module:
    """Build the network ``name`` with ``sizes``, initialised at random.

    Raises:
        HarkenError: as ``harken.networks.build.made``.
    """
    network = made(name, sizes)
    return network if isinstance(network, nn.Module) else LayerNetwork(network)


def network_of(name: str, sizes: Mapping[str, Any], weights: Weights) -> nn.Module:
    """The network with these weights, in evaluation mode.

    Raises:
        HarkenError: as ``harken.networks.build.check_weights``.
    """
    check_weights(name, sizes, weights)
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


def logits(
    network: nn.Module, signals: Float32Array, device: str = "cpu", at_once: int = WINDOWS_AT_ONCE
) -> Float32Array:
    """The network's logits, float32 ``[n, classes]``, for signals ``[n, time, channels]``, ``at_once`` in a batch.

    Afterwards the network is on the device, in evaluation mode.
    """
    # Checked first, because ``eval`` visits all modules, which takes a quarter as long as the logits of one window.
    if network.training:
        network.eval()
    if next(network.parameters()).device.type != device:
        network.to(device)

    @torch.inference_mode()
    def answer(batch: Float32Array) -> Float32Array:
        return np.asarray(network(torch.from_numpy(batch).to(device)).cpu().numpy(), dtype=np.float32)

    # The threads of one call wait for one another at every layer. Whole batches in parallel take less time.
    parallel = device == "cpu" and len(signals) > at_once
    with computing_threads(1 if parallel else None) as threads:
        return batched(answer, signals, at_once, threads=threads if parallel else 1)


def resolve_device(device: str) -> str:
    """``auto`` -> ``cuda`` if there is a GPU, else ``cpu``.

    Raises:
        HarkenError: when the device does not exist.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in DEVICES:
        raise HarkenError(f"there is no device {device!r}; choose one of auto, {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise HarkenError("there is no CUDA device that PyTorch can use here; --device cpu always works")
    return device
