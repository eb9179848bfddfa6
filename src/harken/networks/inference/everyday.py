"""The forward pass of ``EverydayLSTM`` (``harken.networks.everyday``, which describes the network)."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harken.networks.bands import (
    BANDS,
    LONGEST_BY_MATRICES,
    NO_POWER,
    band_starts,
    hann_window,
    window_matrices,
)
from harken.networks.inference.layers import Convolution, dense, normalisation, without_normalisation
from harken.networks.native.recurrent import Stack
from harken.networks.sizes import EverydaySizes

GLANCE = 128
"""Units in each of the two layers on features of the whole window."""
STILL_G = 0.001
"""Added to movement before the logarithm, in g: about the noise of a good sensor."""
GROUPS = 8
STEM_KERNELS = (9, 5, 5)
"""Lengths of the filters of the stem. Each layer halves the time axis."""
BLOCK_KERNEL = 3

Floats = NDArray[np.float32]
Shapes = dict[str, tuple[int, ...]]


def everyday_shapes(sizes: EverydaySizes) -> Shapes:
    """The shapes of all weights, by name.

    Raises:
        ValueError: when the sizes do not fit one another.
    """
    if sizes.width % GROUPS:
        raise ValueError(f"width must be a multiple of {GROUPS}, got {sizes.width}")
    shapes: Shapes = {}
    widths = (2 * sizes.channels + 1, sizes.stem, sizes.stem, sizes.width)
    for layer, kernel in enumerate(STEM_KERNELS):
        shapes[f"stem.{3 * layer}.weight"] = (widths[layer + 1], widths[layer], kernel)
        shapes |= _normalisation_shapes(f"stem.{3 * layer + 1}", widths[layer + 1])
    for block in range(sizes.blocks):
        shapes[f"blocks.{block}.0.weight"] = (sizes.width, sizes.width // GROUPS, BLOCK_KERNEL)
        shapes |= _normalisation_shapes(f"blocks.{block}.1", sizes.width)
    for direction in ("", "_reverse"):
        shapes[f"lstm.weight_ih_l0{direction}"] = (4 * sizes.units, sizes.width)
        shapes[f"lstm.weight_hh_l0{direction}"] = (4 * sizes.units, sizes.units)
        shapes |= {f"lstm.bias_{which}_l0{direction}": (4 * sizes.units,) for which in ("ih", "hh")}
    features = 3 * sizes.channels + BANDS * (sizes.channels + 1)
    shapes |= _normalisation_shapes("glance.0", features)
    joined = 4 * sizes.units + 2 * sizes.width + GLANCE
    dense_layers = (("glance.1", features, GLANCE), ("glance.4", GLANCE, GLANCE), ("output", joined, sizes.classes))
    for name, reads, gives in dense_layers:
        shapes |= {f"{name}.weight": (gives, reads), f"{name}.bias": (gives,)}
    return shapes


def _normalisation_shapes(name: str, channels: int) -> Shapes:
    each = {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")}
    return {**each, f"{name}.num_batches_tracked": ()}


class EverydayInference:
    """Signals ``[batch, time, channels]``, acceleration in g as the first three -> logits ``[batch, classes]``.

    Args:
        sizes: the sizes of the network.
        weights: the weights by name, of the shapes ``everyday_shapes(sizes)``.
    """

    def __init__(self, sizes: EverydaySizes, weights: Mapping[str, NDArray[np.generic]]) -> None:
        of = {name: np.asarray(weight, np.float64) for name, weight in weights.items()}
        self._stem = [
            Convolution(
                *without_normalisation(of, f"stem.{3 * layer}", f"stem.{3 * layer + 1}"),
                stride=2,
                padding=kernel // 2,
                relu=True,
            )
            for layer, kernel in enumerate(STEM_KERNELS)
        ]
        self._blocks = [
            Convolution(
                *without_normalisation(of, f"blocks.{block}.0", f"blocks.{block}.1"),
                padding=BLOCK_KERNEL // 2,
                groups=GROUPS,
                relu=True,
                residual=True,
            )
            for block in range(sizes.blocks)
        ]
        parts = [
            f"{part}_l0{direction}"
            for direction in ("", "_reverse")
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        self._lstm = Stack([of[f"lstm.{part}"].astype(np.float32) for part in parts], directions=2)
        factor, summand = normalisation(of, "glance.0")
        first, second, last = (
            (of[f"{name}.weight"], of[f"{name}.bias"]) for name in ("glance.1", "glance.4", "output")
        )
        self._glance = [
            Convolution((first[0] * factor)[..., None], first[1] + first[0] @ summand, relu=True),
            Convolution(second[0][..., None], second[1], relu=True),
        ]
        self._output = Convolution(last[0][..., None], last[1])
        self._bands_of_length: dict[int, tuple[Convolution, Convolution]] = {}

    def __call__(self, signals: Floats) -> Floats:
        return dense(self._output, self.features(signals))

    def features(self, signals: Floats) -> Floats:
        """The input of the output layer, ``[batch, 4 x units + 2 x width + GLANCE]``."""
        axes = np.ascontiguousarray(signals.transpose(0, 2, 1))  # [batch, channels, time]
        mean, moving = _centred(axes)
        length = np.sqrt(np.square(axes[:, :3]).sum(axis=1) + np.float32(1e-6)) - np.float32(1)
        channels = signals.shape[2]
        patches = np.empty((*signals.shape[:2], 2 * channels + 1), np.float32)
        patches[..., :channels] = signals
        patches[..., channels] = length
        patches[..., channels + 1 :] = moving.transpose(0, 2, 1)
        for convolution in self._stem:
            patches = convolution(patches)  # at last [batch, time / 8, width]
        for block in self._blocks:
            patches = block(patches)
        steps, _ = self._lstm(patches)  # [batch, time / 8, 2 x units]
        summaries = [mean, _how_much(moving), _how_much(_centred(np.diff(axes))[1]), self._band_powers(moving, length)]
        glance = np.concatenate(summaries, axis=1)
        for layer in self._glance:
            glance = dense(layer, glance)
        return np.concatenate([steps.mean(1), steps.max(1), patches.mean(1), patches.max(1), glance], axis=1)

    def _band_powers(self, moving: Floats, length: Floats) -> Floats:
        """The logarithm of the power of each channel and of the length in each band, ``[batch, bands x channels]``."""
        signals = np.concatenate([moving, _centred(length[:, None])[1]], axis=1)
        batch, channels, time = signals.shape
        powers = self._powers(signals.reshape(batch * channels, time))
        logs = np.log(powers + np.float32(NO_POWER)).reshape(batch, channels, BANDS)
        return np.asarray(logs.transpose(0, 2, 1).reshape(batch, channels * BANDS))

    def _powers(self, signals: Floats) -> Floats:
        """The power of each signal ``[signals, time]`` in each band, ``[signals, bands]``."""
        time = signals.shape[1]
        if time > LONGEST_BY_MATRICES:
            spectrum = np.square(np.abs(np.fft.rfft(signals * hann_window(time).astype(np.float32)))) / np.float32(time)
            return np.stack([spectrum[:, low:high].sum(axis=1) for low, high in pairwise(band_starts(time))], axis=1)
        if time not in self._bands_of_length:
            waves, bands = window_matrices(time)
            self._bands_of_length[time] = Convolution(waves.T[..., None]), Convolution(bands.T[..., None])
        waved, banded = self._bands_of_length[time]
        return dense(banded, np.square(dense(waved, signals)))


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
    return np.asarray(np.log(spread + np.float32(STILL_G)))
