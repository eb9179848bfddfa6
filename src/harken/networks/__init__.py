"""Networks, one file each. ``build`` makes one from its name and sizes, as a model file names them."""

__all__: list[str] = []
