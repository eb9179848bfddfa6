"""The pieces of a source are one recording, and its reader's pieces are released."""

from itertools import pairwise

import numpy as np
import pytest

from harken.recordings.source import Samples, joined_and_released


@pytest.mark.parametrize("edges", [[0, 14], [0, 4, 9, 10, 14], [0, 0, 14, 14]])
def test_all_samples_are_there_in_one_copy(edges: list[int]) -> None:
    every = Samples(
        np.arange(14), np.arange(28).reshape(14, 2).astype(np.float32), np.full(14, -1, np.int16), np.ones(14, bool)
    )
    pieces = [every.part(first, last) for first, last in pairwise(edges)]
    samples = joined_and_released(pieces)
    assert not pieces
    for array, expected in zip(samples, every, strict=True):
        np.testing.assert_array_equal(array, expected)
    assert [array.dtype for array in samples[:]] == [array.dtype for array in every[:]]
