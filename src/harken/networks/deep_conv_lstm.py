"""DeepConvLSTM: four convolutions along time, two LSTM layers, the output of the last time step.

Source: Ordóñez and Roggen, "Deep Convolutional and LSTM Recurrent Neural Networks for Multimodal Wearable Activity
Recognition", Sensors 16(1):115, 2016, and the authors' notebook. As in the source, a convolution does not mix channels,
has no padding and ends in a ReLU. In training, half the inputs of both LSTM layers and of the output are dropped. The
initial weights are orthogonal, separately for each gate, and the initial biases are 0. The authors trained with RMSProp
(rate 0.001, decay 0.9) in batches of 100.

Differences from the source: the paper's windows are 24 samples at 30 Hz, of 113 channels scaled to 0..1, so its LSTM
has 8 time steps; a window of 10 s has 284. The paper's equations have peepholes, and PyTorch's LSTM does not. PyTorch's
LSTM has two bias vectors; their sum takes the place of the paper's one.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from harken.networks.inference.deep_conv_lstm import check_length
from harken.networks.layers import Dropout, FusedLSTM
from harken.networks.sizes import DeepConvLSTMSizes


class DeepConvLSTM(nn.Module):
    """Signals ``[batch, time, channels]`` -> logits ``[batch, classes]``.

    A window must be longer than the samples that the convolutions remove: at least 17 with the paper's sizes.
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
            dropout=sizes.dropout if sizes.layers > 1 else 0.0,  # between layers, so there must be two
        )
        self.dropout = Dropout(sizes.dropout)
        self.output = nn.Linear(sizes.units, sizes.classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the initial weights from PyTorch's random numbers."""
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
        check_length(self.sizes, time)
        maps = signals.transpose(1, 2).reshape(batch * channels, 1, time)
        for convolution in self.convolutions:
            maps = F.relu(convolution(maps))  # [batch * channels, filters, time less filter_length - 1]
        steps = maps.reshape(batch, channels * self.sizes.filters, -1).transpose(1, 2)
        steps, _ = self.recurrent(self.dropout(steps))  # [batch, time, units]
        logits: Tensor = self.output(self.dropout(steps[:, -1]))  # [batch, classes]
        return logits
