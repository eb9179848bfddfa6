"""Rows that come a few at a time are there in the end, in order, and copied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import harken.timelines.windowing
from harken.timelines.windowing import GrowingArray


@pytest.mark.parametrize("columns", [0, 3])
@given(counts=st.lists(st.integers(0, 25), max_size=12), rows_at_once=st.integers(1, 20))
def test_all_rows_come_back_in_order(columns: int, counts: list[int], rows_at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harken.timelines.windowing, "ROWS_AT_ONCE", rows_at_once)
        array = GrowingArray(np.int64, columns)
        every = np.arange(sum(counts) * max(1, columns)).reshape((-1, columns) if columns else -1)
        begin = 0
        for count in counts:
            some = every[begin : begin + count].copy()
            array.add(some)
            some[:] = -1  # what was given may change
            begin += count
        found = array.all()
        assert found.dtype == np.int64
        np.testing.assert_array_equal(found, every)
        assert len(array.all()) == 0
