"""Where two JSON values differ, and what stands there."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harken.support.errors import first_difference

SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_a_difference_is_found_where_there_is_one(one: Any, other: Any) -> None:
    assert first_difference(one, one) is None
    assert (first_difference({"here": one}, {"here": other}) is None) == (one == other)


def test_the_first_difference_is_named_with_both_values() -> None:
    before, now = {"a": {"b": 1, "c": [2]}}, {"a": {"b": 1, "c": [3]}, "d": 4}
    assert first_difference(before, now) == ("a.c", [2], [3])
    assert first_difference({}, {"d": 4}) == ("d", None, 4)
    assert first_difference({"d": None}, {}) == ("d", None, None)
