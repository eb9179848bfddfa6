"""Layers that networks share: they compute the same as PyTorch's, and are faster on a CPU."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from harken.networks.native import autograd, elementwise

State = tuple[Tensor, Tensor]
BITS_A_NUMBER = 64


class FusedLSTM(nn.LSTM):
    """``torch.nn.LSTM`` with its arguments, parameters and state dict, and the same results to rounding.

    If the compiled library was built, it is used on a CPU, in float32, for 8 to 256 units in 1 to 3 layers. PyTorch's
    code is used in all other cases (a GPU, other data types, packed sequences, projections, tracing and export).
    Second-order gradients need PyTorch's code: set ``HARKEN_NATIVE=0``. See ``docs/native.md``.
    """

    def forward(  # type: ignore[override]
        self,
        input: Tensor | PackedSequence,  # noqa: A002 - PyTorch's name for it
        hx: State | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """See ``torch.nn.LSTM``."""
        if not self._can_use_native(input, hx):
            return cast(tuple[Tensor | PackedSequence, State], super().forward(input, hx))
        x = cast(Tensor, input)
        x = x if self.batch_first else x.transpose(0, 1)
        if self.training and self.dropout and self.num_layers > 1:
            y, h, c = self._with_dropout(x, hx)
        else:
            y, h, c = autograd.lstm(
                x, self._weights(), hx, units=self.hidden_size, layers=self.num_layers, directions=self._directions
            )
        return y if self.batch_first else y.transpose(0, 1), (h, c)

    @property
    def _directions(self) -> int:
        return 1 + self.bidirectional

    def _can_use_native(self, given: Tensor | PackedSequence, hx: State | None) -> bool:
        if not isinstance(given, Tensor) or self.proj_size:
            return False
        weights = [*self._flat_weights, *(hx or ())]
        if not autograd.usable(given, cast(list[Tensor], weights), units=self.hidden_size, layers=self.num_layers):
            return False
        batch = given.shape[0 if self.batch_first else 1]
        state = (self.num_layers * self._directions, batch, self.hidden_size)
        # PyTorch raises the errors for shapes that do not fit.
        return given.shape[2] == self.input_size and all(part.shape == state for part in hx or ())

    def _weights(self) -> list[Tensor | None]:
        """The four weights of each layer and direction."""
        weights = list(self._flat_weights)
        if self.bias:
            return weights
        return [part for i in range(0, len(weights), 2) for part in (weights[i], weights[i + 1], None, None)]

    def _with_dropout(self, x: Tensor, hx: State | None) -> tuple[Tensor, Tensor, Tensor]:
        """The LSTM layer by layer. As in PyTorch's LSTM, masks are drawn with time before batch."""
        weights, each, states = self._weights(), 4 * self._directions, []
        for layer in range(self.num_layers):
            part = slice(layer * self._directions, (layer + 1) * self._directions)
            state = None if hx is None else (hx[0][part], hx[1][part])
            of_layer = weights[layer * each : (layer + 1) * each]
            x, h, c = autograd.lstm(x, of_layer, state, units=self.hidden_size, directions=self._directions)
            states.append((h, c))
            if layer + 1 < self.num_layers:
                x = F.dropout(x.transpose(0, 1).contiguous(), self.dropout).transpose(0, 1)
        hidden, cells = zip(*states, strict=True)
        return x, torch.cat(hidden), torch.cat(cells)


class Dropout(nn.Module):
    """Dropout: in training, sets a share of the values to 0 and scales the others so that the mean is unchanged
    (Srivastava et al., JMLR 15:1929, 2014).

    In evaluation, values are unchanged. PyTorch's dropout draws a number of 64 bits for each value on one thread. This
    took a sixth of a training iteration of the everyday network on a CPU, and a fifth of the notebook's. Here one such
    number is used for eight values, or for four.

    Random numbers are from PyTorch's generator of the signals' device.

    Args:
        share: the share of values that are set to 0, at least 0 and below 1; rounded to whole 256ths, or 65,536ths.
        bits: random bits for each value: 8, or 16 if the share must be more exact than 0.002.
    """

    def __init__(self, share: float, *, bits: int = 8) -> None:
        super().__init__()
        if bits not in (8, 16):
            raise ValueError(f"bits must be 8 or 16, got {bits}")
        self.bits, self.levels = bits, 1 << bits
        self.dropped = round(share * self.levels)
        if not 0 <= self.dropped < self.levels:
            raise ValueError(f"share must be at least 0 and below 1, got {share}")

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return values
        numbers = self.draw(values.shape, values.device)
        if self.bits == elementwise.BITS and values.numel() and autograd.computable(values):
            return elementwise.drop(values, numbers, dropped=self.dropped)
        # Numbers of 16 bits are signed, because PyTorch cannot compare unsigned ones.
        kept = numbers >= self.dropped - (0 if self.bits == 8 else self.levels // 2)
        # Booleans that are read as bytes are converted several times faster.
        mask = kept.view(torch.uint8).to(values.dtype)
        return values * mask.mul_(self.levels / (self.levels - self.dropped))

    def draw(self, shape: Sequence[int], device: torch.device) -> Tensor:
        """A random number for each value, uint8 or int16; values with the ``dropped`` smallest are set to 0."""
        count = math.prod(shape)
        numbers = torch.empty(-(-count * self.bits // BITS_A_NUMBER), dtype=torch.int64, device=device)
        numbers.random_(-(2**63), None)
        return numbers.view(torch.uint8 if self.bits == 8 else torch.int16)[:count].view(shape)

    def extra_repr(self) -> str:
        """What ``repr`` shows."""
        return f"share={self.dropped / self.levels}"
