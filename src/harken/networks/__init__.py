"""Networks. Each has its own file, with its sizes as a dataclass at the top.

``build`` makes a network from its name and sizes in a model file, and ``inference`` makes a faster copy for labelling.
``specification`` has everything else that inference needs.
"""

__all__: list[str] = []
