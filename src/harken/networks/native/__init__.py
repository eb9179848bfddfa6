"""Harken's kernels for CPUs, from a C++ library that is compiled beside these files (``docs/native.md``).

``library`` loads it and chooses the instruction set, ``recurrent`` runs the LSTM on NumPy arrays, and ``autograd``
makes the LSTM a function of PyTorch with gradients. Only ``autograd`` imports PyTorch.
"""

__all__: list[str] = []
