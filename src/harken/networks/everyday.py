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

from itertools import pairwise

import torch
from torch import Tensor, nn

from harken.networks.bands import (
    BANDS,
    LONGEST_BY_MATRICES,
    NO_POWER,
    band_starts,
    hann_window,
    window_matrices,
)
from harken.networks.inference.everyday import GLANCE, GROUPS, STEM_KERNELS, STILL_G
from harken.networks.layers import Dropout, FusedConvolutions, FusedLSTM, mean_and_largest
from harken.networks.sizes import EverydaySizes

GLANCE_DROPOUT = 0.2
BLOCK_DROPOUT = 0.1


class EverydayLSTM(nn.Module):
    """Signals ``[batch, time, channels]``, acceleration in g as the first three -> logits ``[batch, classes]``."""

    def __init__(self, sizes: EverydaySizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.stem = FusedConvolutions(
            *_patches(2 * sizes.channels + 1, sizes.stem, kernel=STEM_KERNELS[0]),
            *_patches(sizes.stem, sizes.stem, kernel=STEM_KERNELS[1]),
            *_patches(sizes.stem, sizes.width, kernel=STEM_KERNELS[2]),
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
    if signals.requires_grad:  # of a channel without change, only this has finite gradients
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

    The mean is subtracted, and the rest is multiplied by a Hann window (``harken.networks.bands``). There are no
    weights. Gradients are computed only when the signals' ``requires_grad`` is set. Up to ``LONGEST_BY_MATRICES``
    samples, two products with fixed matrices take the place of a Fourier transform. For windows of some hundred samples
    they are as fast, and every runtime for exported models supports them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_length: dict[int, tuple[Tensor, Tensor]] = {}

    def forward(self, signals: Tensor) -> Tensor:
        length = signals.shape[1]
        # Contiguous, for one product instead of one for each window.
        moving = (signals - signals.mean(1, keepdim=True)).transpose(1, 2).contiguous()  # [batch, channels, time]
        if length > LONGEST_BY_MATRICES:
            spectrum = (
                torch.fft.rfft(moving * torch.from_numpy(hann_window(length)).to(signals)).abs().square() / length
            )
            powers = torch.stack([spectrum[..., low:high].sum(2) for low, high in pairwise(band_starts(length))], dim=2)
            return torch.log(powers + NO_POWER).transpose(1, 2)
        if length not in self._of_length:
            made = window_matrices(length)
            self._of_length[length] = torch.from_numpy(made[0]), torch.from_numpy(made[1])
        waves, bands = (matrix.to(signals) for matrix in self._of_length[length])
        parts = moving @ waves  # [batch, channels, 2 x frequencies]
        return torch.log(parts.square() @ bands + NO_POWER).transpose(1, 2)
