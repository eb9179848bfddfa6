"""Networks, one file each. ``build`` makes one from its name and sizes, as a model file names them."""

from harken.networks.build import NETWORKS, Network, build
from harken.networks.deep_conv_lstm import DeepConvLSTM, DeepConvLSTMSizes
from harken.networks.everyday import EverydayLSTM, EverydaySizes
from harken.networks.fused_lstm import FusedLSTM
from harken.networks.inference import InferenceCopy, for_inference
from harken.networks.notebook_lstm import NotebookLSTM, NotebookSizes

__all__ = [
    "NETWORKS",
    "DeepConvLSTM",
    "DeepConvLSTMSizes",
    "EverydayLSTM",
    "EverydaySizes",
    "FusedLSTM",
    "InferenceCopy",
    "Network",
    "NotebookLSTM",
    "NotebookSizes",
    "build",
    "for_inference",
]
