"""Networks, one file each, with their sizes as a dataclass at its top.

``build`` makes a network from its name and sizes, as a model file has them, and ``inference`` makes the faster copy
that labels. ``specification`` is everything else that inference needs.
"""

__all__: list[str] = []
