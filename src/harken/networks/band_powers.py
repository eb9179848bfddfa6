"""How strongly a signal moves in bands of frequency: what a network sees of a window's spectrum.

Written as two products with fixed matrices instead of a Fourier transform: for windows of some hundred samples it is as
quick, and it goes into exported models as what every run-time knows.
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["BANDS", "NO_POWER", "BandPowers", "window_matrices"]

EDGES = (0.01, 0.7 / 30, 0.04, 0.06, 2.5 / 30, 3.5 / 30, 5 / 30, 7 / 30, 1 / 3, 0.5)
"""Where the bands begin and end, in cycles a sample. At 30 samples a second: 0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5, 7, 10 and
15 Hz, closest together where arms swing."""
BANDS = len(EDGES) - 1
NO_POWER = 1e-5
"""Power that counts as none, in g squared: a little more than a good sensor's noise has in a band."""


class BandPowers(nn.Module):
    """Signals ``[batch, time, channels]`` -> the logarithm of each channel's power in each band,
    ``[batch, BANDS, channels]``.

    The mean is taken out, and what is left is seen through a Hann window (Harris, Proc. IEEE 66(1):51, 1978). It has no
    weights. Nothing flows back through it but to whom asks: signals that need no gradient get none.
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
    band = torch.bucketize(frequencies + 1e-9, torch.tensor(EDGES, dtype=torch.float64)) - 1
    inside = (band >= 0) & (band < BANDS)
    time = torch.arange(length, dtype=torch.float64)[:, None]
    hann = (1 - torch.cos(2 * math.pi * time / length)) / 2
    angle = 2 * math.pi * time * frequencies[inside]
    waves = torch.cat([torch.cos(angle), torch.sin(angle)], 1) * hann / math.sqrt(length)
    bands = nn.functional.one_hot(band[inside], BANDS).double().repeat(2, 1)
    return waves.float(), bands.float()
