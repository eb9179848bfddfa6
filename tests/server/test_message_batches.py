"""Messages that are read together give what each gives alone."""

import json
import re
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.server.limits import RefusedError
from harken.server.message_batches import read_messages
from harken.server.sample_messages import samples_of

numbers = st.one_of(st.floats(-20, 20), st.integers(-3, 3), st.sampled_from([1e300, 2**64, 1e-320]))
odd = st.one_of(numbers, st.none(), st.booleans(), st.text(max_size=3), st.lists(numbers, max_size=2))


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A message: usual, or with something that is unusual or wrong."""
    count = draw(st.integers(0, 4))
    values = odd if draw(st.booleans()) else numbers
    lists: dict[str, Any] = {axis: draw(st.lists(values, min_size=count, max_size=count)) for axis in "xyz"}
    times = st.integers(0, 4 * 10**12) if draw(st.booleans()) else st.floats(-1, 5e12)
    lists["time_ms"] = draw(st.lists(times, min_size=count, max_size=count))
    if draw(st.booleans()):
        lists["time_ms"].sort()
    change = draw(st.sampled_from(["", "", "", "unit", "ns", "short", "missing", "text", "object", "cut"]))
    if change == "unit":
        lists["unit"] = draw(st.sampled_from(["g", "m/s2", "kg", None, 3]))
    elif change == "ns":
        lists["time_ns"] = draw(st.lists(st.integers(-1, 2**64), min_size=count, max_size=count))
    elif change == "short":
        lists["y"] = lists["y"][1:]
    elif change in ("missing", "text", "object"):
        axis = draw(st.sampled_from(["x", "time_ms"]))
        lists[axis] = {"text": "1" * count, "object": {"0": 1}}.get(change)
    text = orjson.dumps(lists) if all_64_bits(lists) else json.dumps(lists).encode()
    return text[:-1] if change == "cut" else text


def all_64_bits(lists: dict[str, Any]) -> bool:
    try:
        orjson.dumps(lists)
    except TypeError:
        return False
    return True


@settings(max_examples=300)
@given(st.lists(messages(), max_size=6))
def test_together_is_as_alone(texts: list[bytes]) -> None:
    together = read_messages(texts)
    assert len(together) == len(texts)
    for text, found in zip(texts, together, strict=True):
        if isinstance(found, RefusedError):
            with pytest.raises(RefusedError, match=re.escape(str(found))):
                samples_of(text)
            continue
        signals, time_ns = samples_of(text)
        np.testing.assert_array_equal(found.signals, signals)
        np.testing.assert_array_equal(found.time_ns, time_ns)
        assert found.signals.dtype == np.float32
        assert found.time_ns.dtype == np.int64
        assert found.latest_ns == max(time_ns.tolist(), default=0)
        rising = len(time_ns) and min(time_ns) >= 0 and max(time_ns) < 4 * 10**18 and (np.diff(time_ns) > 0).all()
        assert found.span_ns == ((time_ns[0], time_ns[-1]) if rising else None)
