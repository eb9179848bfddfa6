"""A low-pass filter that keeps one point in so many: a sinc cut to length by a Kaiser window."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["CUT_OFF", "HALF_WIDTH", "KAISER_BETA", "LowPass"]

HALF_WIDTH = 8
"""How far the filter reaches to either side, in points that are kept."""
CUT_OFF = 0.4
"""Where it halves the amplitude, as a share of the new rate. It is flat up to 0.3 and stops from 0.5 on."""
KAISER_BETA = 5.0
TOGETHER = 16
"""Points that one row of a matrix product gives; the filter then reaches into the next row and no further."""


class LowPass:
    """Filters ``every`` times too many points and keeps one in ``every``.

    Attributes:
        every: how many points become one.
        reach: how many points to either side a filtered one is made of.
        weights: of those points, float64 ``[2 reach + 1]``, symmetric, 1 in sum.
    """

    def __init__(self, every: int) -> None:
        self.every, self.reach = every, HALF_WIDTH * every
        away = np.arange(-self.reach, self.reach + 1) / every
        weights = np.sinc(2 * CUT_OFF * away) * np.kaiser(2 * self.reach + 1, KAISER_BETA)
        self.weights: NDArray[np.float64] = weights / weights.sum()
        self._row = TOGETHER * every
        matrix = np.zeros((2 * self._row, TOGETHER), dtype=np.float32)
        for column in range(TOGETHER):
            matrix[column * every : column * every + len(weights), column] = self.weights
        # A row of points, and what reaches into the next one: neither is copied to be multiplied.
        self._own, self._next = matrix[: self._row], matrix[self._row : (TOGETHER - 1) * every + len(weights)].copy()

    def room(self, points: int) -> int:
        """How long an array must be for ``points`` points to be filtered; zeros fill it up."""
        return self._row * (-(-points // self._row) + 1)

    def __call__(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points ``[channels, room]`` -> filtered ``[channels, n]``; the first stands at point ``reach``."""
        rows = points.reshape(len(points), -1, self._row)
        product: NDArray[np.float32] = rows[:, :-1] @ self._own
        product += rows[:, 1:, : len(self._next)] @ self._next
        return product.reshape(len(points), -1)
