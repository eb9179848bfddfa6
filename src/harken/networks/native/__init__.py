"""Harken's kernels for CPUs, from a C++ library that is compiled beside these files (``docs/native.md``).

``library`` loads it and chooses the instruction set. On NumPy arrays, ``recurrent`` runs the LSTM and ``convolution``
the convolutions. The other modules are for training and import PyTorch: ``autograd``, ``convolution_layer`` and
``elementwise`` make the LSTM and the layers around it functions of PyTorch with gradients.
"""

__all__: list[str] = []
