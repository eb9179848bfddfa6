"""Networks. Each has its own file, with its sizes as a dataclass and its layers as a list (``layers``).

From the list, ``pytorch`` makes the module for training, ``inference`` computes labels without PyTorch, and ``onnx``
writes a graph. ``build`` finds a network by the name in a model file. ``specification`` has everything else that
inference needs. ``presets`` holds the recipes, and makes of windows what ``training_loop`` trains.
"""

__all__ = ["DEFAULT_PRESET"]

DEFAULT_PRESET = "everyday"
"""The recipe of a model unless another is named (``harken.networks.presets``)."""
