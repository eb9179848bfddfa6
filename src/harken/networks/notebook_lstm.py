"""The 2018 notebook's network: a linear map of each time step, two stacked LSTM layers, the last step's output.

Source: the notebook "LSTMs for Human Activity Recognition" and TensorFlow 1's ``BasicLSTMCell``, whose
equations differ from PyTorch's in three ways that affect the loss. A layer has one bias vector instead of two. The
forget gate's 1.0 is added inside the cell and is therefore not part of the L2 term. The initial kernels are
Glorot-uniform over the joined ``[input + hidden, 4 x hidden]`` matrix.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.inference.notebook_lstm import FORGET_BIAS
from harken.networks.layers import Dropout
from harken.networks.native import autograd
from harken.networks.sizes import NotebookSizes


class NotebookLSTM(nn.Module):
    """Signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    The order of gates in the kernels is PyTorch's (input, forget, candidate, output), so that the compiled library and
    ``torch.lstm`` use them unchanged.
    """

    forget_bias: Tensor

    def __init__(self, sizes: NotebookSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.hidden = nn.Linear(sizes.channels, sizes.units)
        self.dropout = Dropout(sizes.dropout, bits=16)
        self.input_kernels = nn.ParameterList(
            nn.Parameter(torch.empty(4 * sizes.units, sizes.units)) for _ in range(sizes.layers)
        )
        self.recurrent_kernels = nn.ParameterList(
            nn.Parameter(torch.empty(4 * sizes.units, sizes.units)) for _ in range(sizes.layers)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(4 * sizes.units)) for _ in range(sizes.layers))
        self.output = nn.Linear(sizes.units, sizes.classes)
        # Not trained and not saved: the second bias of PyTorch's LSTM, which holds the forget gate's 1.0.
        forget = torch.zeros(4 * sizes.units)
        forget[sizes.units : 2 * sizes.units] = FORGET_BIAS
        self.register_buffer("forget_bias", forget, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the notebook's initial weights from PyTorch's random numbers."""
        nn.init.normal_(self.hidden.weight)
        nn.init.normal_(self.hidden.bias)
        units = self.sizes.units
        limit = math.sqrt(6 / (2 * units + 4 * units))
        for input_kernel, recurrent_kernel, bias in zip(
            self.input_kernels, self.recurrent_kernels, self.biases, strict=True
        ):
            nn.init.uniform_(input_kernel, -limit, limit)
            nn.init.uniform_(recurrent_kernel, -limit, limit)
            nn.init.zeros_(bias)
        nn.init.normal_(self.output.weight, mean=1.0)
        nn.init.normal_(self.output.bias)

    def forward(self, signals: Tensor) -> Tensor:
        hidden = self.hidden(signals)  # [batch, time, units]
        hidden = F.relu(self.dropout(hidden), inplace=True)
        weights: list[Tensor] = []
        for input_kernel, recurrent_kernel, bias in zip(
            self.input_kernels, self.recurrent_kernels, self.biases, strict=True
        ):
            weights += [input_kernel, recurrent_kernel, bias, self.forget_bias]
        logits: Tensor = self.output(self.last_step(hidden, weights))  # [batch, classes]
        return logits

    def last_step(self, hidden: Tensor, weights: list[Tensor]) -> Tensor:
        """The last layer's output at the last time step, ``[batch, units]``."""
        units, layers = self.sizes.units, self.sizes.layers
        if autograd.usable(hidden, weights, units=units, layers=layers):
            _, states, _ = autograd.lstm(hidden, weights, None, units=units, layers=layers, steps=False)
            return states[-1]
        state = hidden.new_zeros(layers, hidden.shape[0], units)
        steps, _, _ = torch.lstm(hidden, (state, state), weights, True, layers, 0.0, self.training, False, True)
        return steps[:, -1]
