"""Harken's kernels for CPUs, from a C++ library that is compiled beside these files (``docs/native.md``).

``library`` loads it, chooses the instruction set and calls it; ``harken.networks.inference`` labels with it.
``modules`` is for training and imports PyTorch: the LSTM, convolutions and dropout with gradients.
"""
