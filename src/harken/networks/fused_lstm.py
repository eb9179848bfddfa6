"""``torch.nn.LSTM`` that runs on our own kernels where they are faster: float32 on a CPU. See ``docs/native.md``."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from harken.networks import native

__all__ = ["FusedLSTM"]

State = tuple[Tensor, Tensor]


class FusedLSTM(nn.LSTM):
    """``torch.nn.LSTM`` with its arguments, parameters and state dict, and the same results to rounding.

    On a CPU, in float32, with 8 to 256 units in 1 to 3 layers it runs on the compiled library where that was built;
    everything else (a GPU, other numbers, packed sequences, projections, tracing and export) is PyTorch's. Gradients of
    gradients need PyTorch's: ``HARKEN_NATIVE=0``.
    """

    def forward(  # type: ignore[override]
        self,
        input: Tensor | PackedSequence,  # noqa: A002 - PyTorch's name for it
        hx: State | None = None,
    ) -> tuple[Tensor | PackedSequence, State]:
        """As of ``torch.nn.LSTM``."""
        if not self._ours(input, hx):
            return cast(tuple[Tensor | PackedSequence, State], super().forward(input, hx))
        x = cast(Tensor, input)
        x = x if self.batch_first else x.transpose(0, 1)
        if self.training and self.dropout and self.num_layers > 1:
            y, h, c = self._with_dropout(x, hx)
        else:
            y, h, c = native.lstm(
                x, self._weights(), hx, units=self.hidden_size, layers=self.num_layers, directions=self._directions
            )
        return y if self.batch_first else y.transpose(0, 1), (h, c)

    @property
    def _directions(self) -> int:
        return 1 + self.bidirectional

    def _ours(self, given: Tensor | PackedSequence, hx: State | None) -> bool:
        if not isinstance(given, Tensor) or self.proj_size:
            return False
        weights = [*self._flat_weights, *(hx or ())]
        if not native.usable(given, cast(list[Tensor], weights), units=self.hidden_size, layers=self.num_layers):
            return False
        batch = given.shape[0 if self.batch_first else 1]
        state = (self.num_layers * self._directions, batch, self.hidden_size)
        # What does not fit is for PyTorch to refuse.
        return given.shape[2] == self.input_size and all(part.shape == state for part in hx or ())

    def _weights(self) -> list[Tensor | None]:
        """Four of each layer and direction."""
        weights = list(self._flat_weights)
        if self.bias:
            return weights
        return [part for i in range(0, len(weights), 2) for part in (weights[i], weights[i + 1], None, None)]

    def _with_dropout(self, x: Tensor, hx: State | None) -> tuple[Tensor, Tensor, Tensor]:
        """Layer by layer. Masks are drawn with time before batch, which is how PyTorch's LSTM draws them."""
        weights, each, states = self._weights(), 4 * self._directions, []
        for layer in range(self.num_layers):
            part = slice(layer * self._directions, (layer + 1) * self._directions)
            state = None if hx is None else (hx[0][part], hx[1][part])
            mine = weights[layer * each : (layer + 1) * each]
            x, h, c = native.lstm(x, mine, state, units=self.hidden_size, directions=self._directions)
            states.append((h, c))
            if layer + 1 < self.num_layers:
                x = F.dropout(x.transpose(0, 1).contiguous(), self.dropout).transpose(0, 1)
        hidden, cells = zip(*states, strict=True)
        return x, torch.cat(hidden), torch.cat(cells)
