"""The everyday network: learned features of short patches of signal, then a bidirectional LSTM over the patches.

A strided convolution stem turns 10 s at 30 Hz into about 40 time steps, far fewer than the notebook's 512. The LSTM is
therefore faster, and its gradients pass through fewer steps. The classes are computed from the mean and the maximum
over time, because an activity can be anywhere in a window and not only at its end. The architecture is that of
DeepConvLSTM (Ordóñez and Roggen, Sensors 16(1):115, 2016) with strides, batch normalisation, residual blocks (He et
al., 2016), both directions, and pooling over time of the outputs of the stem and the LSTM.

In addition, the *glance* computes features of the whole window: the direction of gravity, and on a logarithmic scale
how much each axis moves, how fast, and at which frequencies (``BandPowers``). Typical movement: 0.001 g lying, 0.004 g
standing, 0.2 g walking. A layer that is normalised to the movement of walking cannot distinguish the first two. (A
random forest, which does not depend on scale, distinguished postures of DSADS that the network without a glance did
not.) The architecture was selected on 12 people of WISDM, and on the people of DSADS other than the tested one, see
``docs/results/unseen_people.md``.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harken.networks.convolutions import FusedConvolutions
from harken.networks.layers import Dropout, FusedLSTM
from harken.networks.pooling import mean_and_largest

__all__ = ["BANDS", "NO_POWER", "BandPowers", "EverydayLSTM", "EverydaySizes", "window_matrices"]

GLANCE = 128
"""Units in each of the two layers on features of the whole window."""
GLANCE_DROPOUT = 0.2
STILL_G = 0.001
"""Added to movement before the logarithm, in g: about the noise of a good sensor."""
GROUPS = 8
BLOCK_DROPOUT = 0.1
BAND_EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""The edges of the bands, in cycles per sample. At 30 Hz they are 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and 15 Hz.
They are closest together at the frequencies of swinging arms."""
BANDS = len(BAND_EDGES) - 1
NO_POWER = 1e-5
"""Added to power before the logarithm, in g squared: a little more than a good sensor's noise in a band."""


@dataclass(frozen=True)
class EverydaySizes:
    """Sizes of the network. ``dropout`` is the share of values that are set to 0 in training."""

    channels: int
    classes: int
    stem: int = 64
    width: int = 128
    blocks: int = 2
    units: int = 64
    dropout: float = 0.5


class EverydayLSTM(nn.Module):
    """Signals ``[batch, time, channels]``, acceleration in g as the first three -> logits ``[batch, classes]``."""

    def __init__(self, sizes: EverydaySizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.stem = FusedConvolutions(
            *_patches(2 * sizes.channels + 1, sizes.stem, kernel=9),
            *_patches(sizes.stem, sizes.stem, kernel=5),
            *_patches(sizes.stem, sizes.width, kernel=5),
        )
        self.blocks = nn.ModuleList(_block(sizes.width) for _ in range(sizes.blocks))
        self.lstm = FusedLSTM(sizes.width, sizes.units, batch_first=True, bidirectional=True)
        self.dropout = Dropout(sizes.dropout)
        features = 3 * sizes.channels + BANDS * (sizes.channels + 1)
        self.band_powers = BandPowers()
        self.glance = nn.Sequential(
            nn.BatchNorm1d(features),
            nn.Linear(features, GLANCE),
            nn.ReLU(),
            Dropout(GLANCE_DROPOUT),
            nn.Linear(GLANCE, GLANCE),
            nn.ReLU(),
        )
        self.output = nn.Linear(4 * sizes.units + 2 * sizes.width + GLANCE, sizes.classes)

    def features(self, signals: Tensor) -> Tensor:
        """The features from which the classes are computed, ``[batch, 4 x units + 2 x width + GLANCE]``."""
        # The length of the acceleration shows the strength of a movement independently of the way the watch is worn.
        # The signals minus their mean show the movement independently of the posture of the arm.
        length = signals[..., :3].square().sum(-1, keepdim=True).add(1e-6).sqrt() - 1
        mean = signals.mean(1, keepdim=True)
        moving = signals - mean
        patches = self.stem(torch.cat([signals, length, moving], -1))  # [batch, time / 8, width]
        for block in self.blocks:
            patches = block(patches)
        steps, _ = self.lstm(self.dropout(patches))  # [batch, time / 8, 2 x units]
        powers = self.band_powers(torch.cat([moving, length], -1)).flatten(1)
        summaries = [mean.squeeze(1), _how_much(signals), _how_much(signals.diff(dim=1)), powers]
        glance = self.glance(torch.cat(summaries, 1))
        return torch.cat([mean_and_largest(steps), mean_and_largest(patches), glance], 1)

    def forward(self, signals: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(self.features(signals)))
        return logits


def _how_much(signals: Tensor) -> Tensor:
    """How much each channel changes over time, ``[batch, channels]``, on a logarithmic scale."""
    if signals.requires_grad:  # at no change, only this one has gradients that are finite
        return torch.log(signals.std(1, correction=0) + STILL_G)
    # As exact, in a quarter of the time on a CPU. The mean is rounded. Without the correction by the mean of what is
    # left, the error would count as movement of a watch on a table.
    off = signals - signals.mean(1, keepdim=True)
    spread = off.square().mean(1).sub_(off.mean(1).square_()).clamp_min_(0).sqrt_()
    return torch.log(spread + STILL_G)


def _patches(channels: int, width: int, *, kernel: int) -> list[nn.Module]:
    """One layer of the stem, which halves the time axis."""
    return [
        nn.Conv1d(channels, width, kernel, stride=2, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
    ]


def _block(width: int) -> FusedConvolutions:
    """A residual block: a grouped convolution over each patch and its two neighbours in time."""
    return FusedConvolutions(
        nn.Conv1d(width, width, 3, padding=1, groups=GROUPS, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        Dropout(BLOCK_DROPOUT),
        residual=True,
    )


class BandPowers(nn.Module):
    """Signals ``[batch, time, channels]`` -> the logarithm of each channel's power in each band,
    ``[batch, BANDS, channels]``.

    The mean is subtracted, and the rest is multiplied by a Hann window (Harris, Proc. IEEE 66(1):51, 1978). There are
    no weights. Gradients are computed only when the signals' ``requires_grad`` is set. Two products with fixed matrices
    take the place of a Fourier transform. For windows of some hundred samples they are as fast, and every runtime for
    exported models supports them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_length: dict[int, tuple[Tensor, Tensor]] = {}

    def forward(self, signals: Tensor) -> Tensor:
        length = signals.shape[1]
        if length not in self._of_length:
            self._of_length[length] = window_matrices(length)
        waves, bands = (matrix.to(signals.device) for matrix in self._of_length[length])
        moving = (signals - signals.mean(1, keepdim=True)).transpose(1, 2).contiguous()  # [batch, channels, time]
        parts = moving @ waves  # [batch, channels, 2 x frequencies]
        return torch.log(parts.square() @ bands + NO_POWER).transpose(1, 2)


def window_matrices(length: int) -> tuple[Tensor, Tensor]:
    """Hann-windowed cosines and sines ``[time, 2 x frequencies]`` of the frequencies that lie in a band, and the band
    of each, ``[2 x frequencies, BANDS]``. The power in a band is the sum of the squared products."""
    frequencies = torch.arange(length // 2 + 1, dtype=torch.float64) / length
    # A frequency on an edge belongs to the band that begins there. 1e-9 makes this independent of rounding.
    band = torch.bucketize(frequencies + 1e-9, torch.tensor(BAND_EDGES, dtype=torch.float64)) - 1
    inside = (band >= 0) & (band < BANDS)
    time = torch.arange(length, dtype=torch.float64)[:, None]
    hann = (1 - torch.cos(2 * math.pi * time / length)) / 2
    angle = 2 * math.pi * time * frequencies[inside]
    waves = torch.cat([torch.cos(angle), torch.sin(angle)], 1) * hann / math.sqrt(length)
    bands = nn.functional.one_hot(band[inside], BANDS).double().repeat(2, 1)
    return waves.float(), bands.float()
