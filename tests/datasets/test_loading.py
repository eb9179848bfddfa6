"""Pieces with clocks of their own on one clock."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harken.datasets.info import PAUSE_NS, offsets_in_turn

SPANS = st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**13)), min_size=1, max_size=20)


def test_in_turn_each_begins_a_pause_after_the_one_before() -> None:
    assert offsets_in_turn([5, 0, 7]).tolist() == [0, 5 + PAUSE_NS, 5 + 2 * PAUSE_NS]


@given(SPANS)
def test_what_overlapped_is_a_pause_apart_and_nothing_else_is_moved(spans: list[tuple[int, int]]) -> None:
    starts = sorted(start for start, _ in spans)
    ends = [start + length for start, (_, length) in zip(starts, spans, strict=True)]
    offsets = offsets_in_turn(ends, starts).tolist()
    assert offsets[0] == 0
    assert all(offset >= 0 for offset in offsets)
    placed = [(start + offset, end + offset) for start, end, offset in zip(starts, ends, offsets, strict=True)]
    for (_, end), (start, _), offset in zip(placed, placed[1:], offsets[1:], strict=False):
        assert start - end == PAUSE_NS if offset else start > end
    assert all(later > earlier for earlier, later in pairwise(start for start, _ in placed))
