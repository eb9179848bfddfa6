"""Our own LSTM for CPUs: a C++ library beside this file, where it was built, and how PyTorch's tensors get into it."""

from harken.networks.native.library import LEVELS, Level, instructions, load, lstm, usable

__all__ = ["LEVELS", "Level", "instructions", "load", "lstm", "usable"]
