"""The everyday network: learned features of short patches of signal, then a bidirectional LSTM over the patches.

A strided convolution stem turns 10 s at 30 Hz into about 40 time steps, far fewer than the notebook's 512. The LSTM is
therefore faster, and its gradients pass through fewer steps. The classes are computed from the mean and the maximum
over time, because an activity can be anywhere in a window and not only at its end. The architecture is that of
DeepConvLSTM (Ordóñez and Roggen, Sensors 16(1):115, 2016) with strides, batch normalisation, residual blocks (He et
al., 2016), both directions, and pooling over time of the outputs of the stem and the LSTM.

In addition, the *glance* computes features of the whole window: the direction of gravity, and on a logarithmic scale
how much each axis moves, how fast, and at which frequencies. Typical movement: 0.001 g lying, 0.004 g standing, 0.2 g
walking. A layer that is normalised to the movement of walking cannot distinguish the first two. (A random forest, which
does not depend on scale, distinguished postures of DSADS that the network without a glance did not.) The architecture
was selected on 12 people of WISDM, and on the people of DSADS other than the tested one, see
``docs/results/unseen_people.md``.

The power in a frequency band is that of the signal minus its mean, multiplied by a Hann window (Harris, Proc. IEEE
66(1):51, 1978). Up to ``LONGEST_BY_MATRICES`` samples, two products with fixed matrices take the place of a Fourier
transform. For windows of some hundred samples they are as fast, and every runtime for exported models supports them.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harken.networks.layers import (
    LSTM,
    Branches,
    Convolution,
    Dense,
    Dropout,
    Layer,
    Layers,
    MeanAndLargest,
    Shapes,
    normalisation_shapes,
)
from harken.support.arrays import Float32Array, Float64Array
from harken.support.resources import need_memory

GROUPS = 8
STEM_KERNELS = (9, 5, 5, 5)
"""Lengths of the filters of the stem, of which the first ``halvings`` are used. Each layer halves the time axis."""
BLOCK_KERNEL = 3
"""A residual block reads each patch and its two neighbours in time."""
BLOCK_DROPOUT = 0.1
GLANCE_UNITS = 128
"""Units in each of the two layers on features of the whole window."""
GLANCE_DROPOUT = 0.2
STILL_G = 0.001
"""Added to movement before the logarithm, in g: about the noise of a good sensor."""
BAND_EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""The edges of the bands, in cycles per sample. At 30 Hz they are 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and 15 Hz.
They are closest together at the frequencies of swinging arms."""
BANDS = len(BAND_EDGES) - 1
NO_POWER = 1e-5
"""Added to power before the logarithm, in g squared: a little more than a good sensor's noise in a band."""
LONGEST_BY_MATRICES = 2048
"""The networks use a fast Fourier transform for longer windows: the matrices grow with the square of the length."""


@dataclass(frozen=True)
class EverydaySizes:
    """Sizes of ``everyday``. ``dropout`` is the share of values that are set to 0 in training; ``halvings`` is the
    number of layers of the stem."""

    channels: int
    classes: int
    stem: int = 64
    width: int = 128
    blocks: int = 2
    units: int = 64
    dropout: float = 0.5
    halvings: int = 3


@dataclass(frozen=True)
class Glance(Layer):
    """Layers on the signals and their movement, and beside their results the dense layers of the glance.

    Training and labelling compute the features with different numerics on purpose, so each has a body of its own.

    Attributes:
        channels: the channels of the signals; the first three are acceleration in g.
        layers: read ``[batch, time, 2 x channels + 1]``: the signals, the length of the acceleration minus 1 g, and
            the signals minus their mean. Their results ``[batch, values]`` come first.
    """

    channels: int
    layers: Layers
    name = "glance"

    @property
    def features(self) -> int:
        """The number of features of a window."""
        return 3 * self.channels + BANDS * (self.channels + 1)

    def shapes(self) -> Shapes:
        first = Dense("glance.1", self.features, GLANCE_UNITS)
        second = Dense("glance.4", GLANCE_UNITS, GLANCE_UNITS)
        return {**normalisation_shapes("glance.0", self.features), **first.shapes(), **second.shapes()}

    def inside(self) -> tuple[Layers, ...]:
        return (self.layers,)


def everyday(sizes: EverydaySizes) -> Layers:
    """The layers. Acceleration in g comes as the first three channels.

    Raises:
        ValueError: when the sizes do not fit one another.
    """
    width = sizes.width
    if width % GROUPS:
        raise ValueError(f"width must be a multiple of {GROUPS}, got {width}")
    if not 1 <= sizes.halvings <= len(STEM_KERNELS):
        raise ValueError(f"halvings must be 1 to {len(STEM_KERNELS)}, got {sizes.halvings}")
    widths = (2 * sizes.channels + 1, *[sizes.stem] * (sizes.halvings - 1), width)
    stem = tuple(
        Convolution(
            f"stem.{3 * layer}",
            widths[layer],
            widths[layer + 1],
            kernel,
            stride=2,
            padding=kernel // 2,
            normalised=True,
        )
        for layer, kernel in enumerate(STEM_KERNELS[: sizes.halvings])
    )
    blocks = tuple(
        Convolution(
            f"blocks.{block}.0",
            width,
            width,
            BLOCK_KERNEL,
            padding=BLOCK_KERNEL // 2,
            groups=GROUPS,
            normalised=True,
            dropout=BLOCK_DROPOUT,
            residual=True,
        )
        for block in range(sizes.blocks)
    )
    recurrent = (Dropout(sizes.dropout), LSTM("lstm", width, sizes.units, both_directions=True), MeanAndLargest())
    over_time = Branches((recurrent, (MeanAndLargest(),)))
    return (
        Glance(sizes.channels, (*stem, *blocks, over_time)),
        Dropout(sizes.dropout),
        Dense("output", 4 * sizes.units + 2 * width + GLANCE_UNITS, sizes.classes),
    )


def hann_window(length: int) -> Float64Array:
    """Hann's window."""
    return np.asarray((1 - np.cos(2 * math.pi * np.arange(length) / length)) / 2)


def band_starts(length: int) -> list[int]:
    """The first frequency of each band, and the first one after all bands, in cycles per window."""
    # A frequency on an edge belongs to the band that begins there. 1e-9 makes this independent of rounding.
    frequencies = np.arange(length // 2 + 1) / length + 1e-9
    return [int(start) for start in np.searchsorted(frequencies, BAND_EDGES, side="right")]


@lru_cache(maxsize=4)
def window_matrices(length: int) -> tuple[Float32Array, Float32Array]:
    """Hann-windowed cosines and sines ``[time, 2 x frequencies]`` of the frequencies that lie in a band, and the band
    of each, ``[2 x frequencies, BANDS]``. The power in a band is the sum of the squared products.

    Raises:
        HarkenError: when there is not enough memory for them.
    """
    need_memory(20 * length**2, f"The Fourier transform of windows of {length:,} samples", "use shorter windows")
    starts = band_starts(length)
    frequencies = np.arange(starts[0], starts[-1]) / length
    angle = 2 * math.pi * np.arange(length)[:, None] * frequencies
    waves = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    waves = waves * hann_window(length)[:, None] / math.sqrt(length)
    bands = np.tile(np.repeat(np.eye(BANDS), np.diff(starts), axis=0), (2, 1))
    return waves.astype(np.float32), bands.astype(np.float32)
