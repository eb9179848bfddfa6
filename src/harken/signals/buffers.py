"""Room for arrays that are computed block after block."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Room"]


class Room:
    """Hands out the same memory under the same name again: fresh memory costs more than what is computed in it."""

    def __init__(self) -> None:
        self._kept: dict[str, NDArray[np.float32]] = {}

    def array(self, name: str, *shape: int) -> NDArray[np.float32]:
        """An array float32 of this shape, filled with whatever was in it. It is good until the next call with
        this name."""
        size = math.prod(shape)
        kept = self._kept.get(name)
        if kept is None or kept.size < size:
            kept = self._kept[name] = np.empty(size + size // 8, dtype=np.float32)
        return kept[:size].reshape(shape)
