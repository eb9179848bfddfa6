"""The 2018 notebook's network: a linear map of each time step, two stacked LSTM layers, the last step's output.

Source: the notebook "LSTMs for Human Activity Recognition". Its LSTM is TensorFlow 1's (``BasicLSTM``).
"""

from dataclasses import dataclass

from harken.networks.layers import BasicLSTM, Dense, Dropout, Layers


@dataclass(frozen=True)
class NotebookSizes:
    """Sizes of ``notebook_lstm``. ``dropout`` is the share of hidden values that are set to 0 in training."""

    channels: int
    classes: int
    units: int = 32
    layers: int = 2
    dropout: float = 0.2


def notebook_lstm(sizes: NotebookSizes) -> Layers:
    """The layers. The notebook drops values before the ReLU; the results are the same."""
    return (
        Dense("hidden", sizes.channels, sizes.units, relu=True, initial="normal"),
        Dropout(sizes.dropout, bits=16),
        BasicLSTM(sizes.units, sizes.layers),
        Dense("output", sizes.units, sizes.classes, initial="normal around 1"),
    )
