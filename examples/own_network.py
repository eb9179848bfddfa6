"""A network of your own: a function from its sizes to its layers. ``own_preset.py`` trains it.

Import no PyTorch here, so that a model with this network labels without it.
"""

from dataclasses import dataclass

from harken.networks.layers import Convolution, Dense, Layers, MeanAndLargest


@dataclass(frozen=True)
class TinySizes:
    """The data decides the channels and classes; the preset gives the others."""

    channels: int
    classes: int
    width: int = 16


def tiny(sizes: TinySizes) -> Layers:
    """One convolution, and the mean and the maximum over time of what it finds."""
    return (
        Convolution("convolution", sizes.channels, sizes.width, kernel=9, stride=2),
        MeanAndLargest(),
        Dense("output", 2 * sizes.width, sizes.classes),
    )
