"""DeepConvLSTM: four convolutions along time, two LSTM layers, the last step's output.

Source: Ordóñez and Roggen, "Deep Convolutional and LSTM Recurrent Neural Networks for Multimodal Wearable Activity
Recognition", Sensors 16(1):115, 2016, and the authors' notebook. As there, a convolution never mixes channels, is
not padded and ends in a ReLU; half the inputs of both LSTM layers and of the output are dropped in training;
weights start orthogonal, each gate's on its own, and biases at 0. Trained there with RMSProp (rate 0.001, decay
0.9) in batches of 100.

Where this departs: the paper's windows are 24 samples at 30 Hz, of 113 channels scaled to 0..1, so its LSTM takes
8 steps; a window of 10 s makes 284. PyTorch's LSTM has no peepholes (the paper's equations do), and two bias
vectors, whose sum is the paper's one.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.layers import Dropout, FusedLSTM
from harken.support.errors import HarkenError

__all__ = ["DeepConvLSTM", "DeepConvLSTMSizes"]


@dataclass(frozen=True)
class DeepConvLSTMSizes:
    """Sizes of the network. ``dropout`` is the share of values that are set to 0 while training."""

    channels: int
    classes: int
    convolutions: int = 4
    filters: int = 64
    filter_length: int = 5
    units: int = 128
    layers: int = 2
    dropout: float = 0.5


class DeepConvLSTM(nn.Module):
    """Signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    A window must have more samples than the convolutions take away: 17 or more with the paper's sizes.
    """

    def __init__(self, sizes: DeepConvLSTMSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes.filters if layer else 1, sizes.filters, sizes.filter_length)
            for layer in range(sizes.convolutions)
        )
        self.recurrent = FusedLSTM(
            sizes.channels * sizes.filters,
            sizes.units,
            sizes.layers,
            batch_first=True,
            dropout=sizes.dropout if sizes.layers > 1 else 0.0,  # between layers; with one layer there is no between
        )
        self.dropout = Dropout(sizes.dropout)
        self.output = nn.Linear(sizes.units, sizes.classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial values from PyTorch's random numbers."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                nn.init.zeros_(parameter)
            elif name.startswith("recurrent"):
                for gate in parameter.data.chunk(4):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.orthogonal_(parameter)

    def forward(self, signals: Tensor) -> Tensor:
        batch, time, channels = signals.shape
        shortest = self.sizes.convolutions * (self.sizes.filter_length - 1) + 1
        if time < shortest:
            raise HarkenError(f"windows of {time} samples are too short for this network; it needs {shortest} or more")
        maps = signals.transpose(1, 2).reshape(batch * channels, 1, time)
        for convolution in self.convolutions:
            maps = F.relu(convolution(maps))  # [batch * channels, filters, time less filter_length - 1]
        steps = maps.reshape(batch, channels * self.sizes.filters, -1).transpose(1, 2)
        steps, _ = self.recurrent(self.dropout(steps))  # [batch, time, units]
        logits: Tensor = self.output(self.dropout(steps[:, -1]))  # [batch, classes]
        return logits
