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

from dataclasses import dataclass

from harken.networks.layers import LSTM, Convolution, Dense, Dropout, Layers, PerChannel


@dataclass(frozen=True)
class DeepConvLSTMSizes:
    """Sizes of ``deep_conv_lstm``. ``dropout`` is the share of values that are set to 0 in training."""

    channels: int
    classes: int
    convolutions: int = 4
    filters: int = 64
    filter_length: int = 5
    units: int = 128
    layers: int = 2
    dropout: float = 0.5


def deep_conv_lstm(sizes: DeepConvLSTMSizes) -> Layers:
    """The layers. A window must be longer than the samples that the convolutions remove."""
    convolutions = tuple(
        Convolution(
            f"convolutions.{layer}",
            sizes.filters if layer else 1,
            sizes.filters,
            sizes.filter_length,
            initial="orthogonal",
        )
        for layer in range(sizes.convolutions)
    )
    return (
        PerChannel(sizes.channels, sizes.filters, convolutions),
        Dropout(sizes.dropout),
        LSTM(
            "recurrent",
            sizes.channels * sizes.filters,
            sizes.units,
            sizes.layers,
            dropout=sizes.dropout,
            last=True,
            initial="orthogonal",
        ),
        Dropout(sizes.dropout),
        Dense("output", sizes.units, sizes.classes, initial="orthogonal"),
    )
