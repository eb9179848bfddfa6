"""Packed samples of an ActiGraph -> int16 ``[..., samples, 3]`` in the order x, y, z. Nothing loops over samples."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["samples_of_12_bits", "samples_of_16_bits", "whole_samples_of_12_bits", "whole_samples_of_16_bits"]

Size = TypeVar("Size", int, NDArray[np.int64])


def whole_samples_of_12_bits(size: Size) -> Size:
    """How many whole samples of 36 bits there are in so many bytes."""
    return size * 8 // 36


def whole_samples_of_16_bits(size: Size) -> Size:
    """How many whole samples of 48 bits there are in so many bytes."""
    return size // 6


def samples_of_12_bits(packed: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Rows of bytes ``[rows, size]`` that each hold whole samples from their first bit, ``y, x, z`` in 12 bits each,
    big end first, two's complement -> int16 ``[rows, samples, 3]``. Bits left over are ignored."""
    rows, size = packed.shape
    samples = whole_samples_of_12_bits(size)
    if size % 3:
        packed = np.pad(packed, ((0, 0), (0, 3 - size % 3)))
    first, second, third = (packed[:, place::3] for place in range(3))
    # Two values lie in three bytes. Each is put into the upper 12 bits of 16, and shifted down with its sign.
    values = np.empty((*first.shape, 2), dtype=np.int16)
    values[..., 0] = (first.astype(np.int16) << 8 | second) >> 4
    values[..., 1] = (second.astype(np.int16) << 12 | third.astype(np.int16) << 4) >> 4
    return values.reshape(rows, -1)[:, : 3 * samples].reshape(rows, samples, 3)[..., [1, 0, 2]]


def samples_of_16_bits(packed: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Rows of bytes ``[rows, size]`` that each hold samples ``x, y, z`` in 16 bits each, little end first -> int16
    ``[rows, samples, 3]``. Bytes left over are ignored."""
    samples = whole_samples_of_16_bits(packed.shape[1])
    whole = np.ascontiguousarray(packed[:, : 6 * samples])
    return whole.view("<i2").astype(np.int16, copy=False).reshape(len(packed), samples, 3)
