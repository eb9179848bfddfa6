"""Labelling without PyTorch: the forward passes of harken's own networks on NumPy arrays and compiled kernels.

``network`` makes one from the name, sizes and weights in a model file, and computes logits in batches. Each network has
a file of its own, and computes what its PyTorch module in ``harken.networks`` computes in evaluation mode, to rounding.
"""

__all__: list[str] = []
