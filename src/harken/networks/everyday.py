"""The everyday network: short learned patches of signal, then one LSTM in both directions over them.

A strided convolution stem turns 10 s at 30 Hz into some 40 steps, so that the LSTM reads a window in a fraction
of the notebook's 512 steps and its gradients need not survive so many. Mean and maximum over time are what
the classes are read from: an activity is anywhere in a window, not at its end.
The plan is the one of DeepConvLSTM (Ordóñez and Roggen, Sensors 16(1):115, 2016) with strides, batch
normalisation, residual blocks (He et al., 2016), both directions, and pooling over time of what the stem and the
LSTM say.

Beside it a glance at the whole window: where gravity points, and on a logarithmic scale how much each axis moves, how
fast, and at which frequencies (``BandPowers``). Typical movement: 0.001 g lying, 0.004 g standing, 0.2 g walking; a
layer that is normalised to the last of these does not see the first two. (A forest, to which scale is nothing, told
postures of DSADS apart where the network without a glance did not.) The whole was chosen among its like within 12
people of WISDM and by people of DSADS beside the one tested, see ``docs/results/unseen_people.md``.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from harken.networks.layers import Dropout, FusedLSTM

__all__ = ["BANDS", "NO_POWER", "BandPowers", "EverydayLSTM", "EverydaySizes", "largest", "window_matrices"]

GLANCE = 128
"""Units that look at the whole window at once, in each of two layers."""
GLANCE_DROPOUT = 0.2
STILL_G = 0.001
"""How much movement counts as none, in g: about the noise of a good sensor."""
GROUPS = 8
BLOCK_DROPOUT = 0.1
BAND_EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""Where the bands begin and end, in cycles a sample. At 30 samples a second: 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and
15 Hz, closest together where arms swing."""
BANDS = len(BAND_EDGES) - 1
NO_POWER = 1e-5
"""Power that counts as none, in g squared: a little more than a good sensor's noise has in a band."""


@dataclass(frozen=True)
class EverydaySizes:
    """Sizes of the network. ``dropout`` is the share of values that are set to 0 while training."""

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
        self.stem = nn.Sequential(
            *_patches(2 * sizes.channels + 1, sizes.stem, kernel=9),
            *_patches(sizes.stem, sizes.stem, kernel=5),
            *_patches(sizes.stem, sizes.width, kernel=5),
        )
        self.blocks = nn.ModuleList(_block(sizes.width) for _ in range(sizes.blocks))
        self.lstm = FusedLSTM(sizes.width, sizes.units, batch_first=True, bidirectional=True)
        self.dropout = Dropout(sizes.dropout)
        seen = 3 * sizes.channels + BANDS * (sizes.channels + 1)
        self.band_powers = BandPowers()
        self.glance = nn.Sequential(
            nn.BatchNorm1d(seen),
            nn.Linear(seen, GLANCE),
            nn.ReLU(),
            Dropout(GLANCE_DROPOUT),
            nn.Linear(GLANCE, GLANCE),
            nn.ReLU(),
        )
        self.output = nn.Linear(4 * sizes.units + 2 * sizes.width + GLANCE, sizes.classes)

    def features(self, signals: Tensor) -> Tensor:
        """What the classes are read from: ``[batch, 4 x units + 2 x width + GLANCE]``."""
        # The length of the acceleration says how hard a movement is, whichever way round the watch is worn; what is
        # left without the mean says how it moves, whichever way the arm is held.
        length = signals[..., :3].square().sum(-1, keepdim=True).add(1e-6).sqrt() - 1
        mean = signals.mean(1, keepdim=True)
        moving = signals - mean
        patches = self.stem(torch.cat([signals, length, moving], -1).transpose(1, 2))  # [batch, width, time / 8]
        for block in self.blocks:
            patches = patches + block(patches)
        steps, _ = self.lstm(self.dropout(patches.transpose(1, 2)))  # [batch, time / 8, 2 x units]
        powers = self.band_powers(torch.cat([moving, length], -1)).flatten(1)
        seen = [mean.squeeze(1), _how_much(signals), _how_much(signals.diff(dim=1)), powers]
        glance = self.glance(torch.cat(seen, 1))
        return torch.cat([steps.mean(1), largest(steps, 1), patches.mean(2), largest(patches, 2), glance], 1)

    def forward(self, signals: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(self.features(signals)))
        return logits


def _how_much(signals: Tensor) -> Tensor:
    """How much each channel changes over time, ``[batch, channels]``, on a logarithmic scale."""
    if torch.is_grad_enabled():
        spread = signals.std(1, correction=0)
    else:  # as exact, in a quarter of the time on a CPU; what is learned keeps to the bits of the other
        off = signals - signals.mean(1, keepdim=True)
        # A mean is rounded, which a watch on a table would be said to move by.
        spread = off.square().mean(1).sub_(off.mean(1).square_()).clamp_min_(0).sqrt_()
    return torch.log(spread + STILL_G)


def _patches(channels: int, width: int, *, kernel: int) -> list[nn.Module]:
    """One layer of the stem, which halves the time axis."""
    return [
        nn.Conv1d(channels, width, kernel, stride=2, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
    ]


def _block(width: int) -> nn.Sequential:
    """What is added to the patches: the channels in groups, each patch seen with its two neighbours in time."""
    return nn.Sequential(
        nn.Conv1d(width, width, 3, padding=1, groups=GROUPS, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        Dropout(BLOCK_DROPOUT),
    )


class BandPowers(nn.Module):
    """Signals ``[batch, time, channels]`` -> the logarithm of each channel's power in each band,
    ``[batch, BANDS, channels]``.

    The mean is subtracted, and the rest is multiplied by a Hann window (Harris, Proc. IEEE 66(1):51, 1978). There are
    no weights. Gradients are computed only when the signals' ``requires_grad`` is set. Two products with fixed matrices
    take the place of a Fourier transform: for windows of some hundred samples they are as quick, and every run-time of
    exported models has them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_length: dict[int, tuple[Tensor, Tensor]] = {}

    def forward(self, signals: Tensor) -> Tensor:
        length = signals.shape[1]
        if length not in self._of_length:
            self._of_length[length] = window_matrices(length)
        waves, bands = (matrix.to(signals.device) for matrix in self._of_length[length])
        moving = (signals - signals.mean(1, keepdim=True)).transpose(1, 2)  # [batch, channels, time]
        if not torch.is_grad_enabled():
            moving = moving.contiguous()  # one product instead of many; what is learned keeps to the bits of many
        parts = moving @ waves  # [batch, channels, 2 x frequencies]
        return torch.log(parts.square() @ bands + NO_POWER).transpose(1, 2)


def window_matrices(length: int) -> tuple[Tensor, Tensor]:
    """Hann-windowed cosines and sines ``[time, 2 x frequencies]`` of the frequencies that lie in a band, and which of
    them are of which band ``[2 x frequencies, BANDS]``. Squares of the products add up to the power in a band."""
    frequencies = torch.arange(length // 2 + 1, dtype=torch.float64) / length
    # Edges that fall upon a frequency begin a band; a hair's breadth keeps rounding from deciding it.
    band = torch.bucketize(frequencies + 1e-9, torch.tensor(BAND_EDGES, dtype=torch.float64)) - 1
    inside = (band >= 0) & (band < BANDS)
    time = torch.arange(length, dtype=torch.float64)[:, None]
    hann = (1 - torch.cos(2 * math.pi * time / length)) / 2
    angle = 2 * math.pi * time * frequencies[inside]
    waves = torch.cat([torch.cos(angle), torch.sin(angle)], 1) * hann / math.sqrt(length)
    bands = nn.functional.one_hot(band[inside], BANDS).double().repeat(2, 1)
    return waves.float(), bands.float()


def largest(values: Tensor, dim: int) -> Tensor:
    """``values.amax(dim)``, and the same gradients, shared evenly by values that are equally large; on a CPU in a
    quarter of the time.

    PyTorch's pass through masks of truth values, which it converts one at a time; here they are read as the bytes that
    they are.
    """
    if torch.is_grad_enabled() and values.requires_grad:
        made: Tensor = _Largest.apply(values, dim)  # type: ignore[no-untyped-call]
        return made
    return values.amax(dim)


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, dim: int) -> Tensor:
        found = values.amax(dim)
        ctx.save_for_backward(values, found)
        ctx.dim = dim
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        values, found = ctx.saved_tensors
        where = (values == found.unsqueeze(ctx.dim)).view(torch.uint8).to(gradient.dtype)
        count = where.sum(ctx.dim, keepdim=True)
        return where.mul_(gradient.unsqueeze(ctx.dim)).div_(count), None
