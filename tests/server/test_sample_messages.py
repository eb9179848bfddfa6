"""Messages of samples: which are valid, and that memory is in proportion to their size."""

import tracemalloc

import numpy as np
import pytest

from harken.server.limits import RefusedError
from harken.server.sample_messages import samples_of


def test_numbers_of_any_size_are_read() -> None:
    signals, time_ns = samples_of(
        '{"time_ms": [1, 2.5, 3], "x": [1e300, null, 18446744073709551615], "y": [-1e39, 1, -3], "z": [1e-300, 0, 1]}'
    )
    np.testing.assert_array_equal(signals[0], np.array([np.inf, -np.inf, 0], np.float32))
    np.testing.assert_array_equal(signals[1], np.array([np.nan, 1, 0], np.float32))
    np.testing.assert_array_equal(signals[2], np.array([2**64, -3, 1], np.float32))
    assert time_ns.tolist() == [1_000_000, 2_500_000, 3_000_000]


@pytest.mark.parametrize("name", ["x", "time_ms", "time_ns"])
def test_text_among_numbers_takes_no_memory(name: str) -> None:
    """NumPy makes each value of an array as wide as its longest text."""
    listed = {"time_ms": "[1]", "x": "[1]", "y": "[1]", "z": "[1]"}
    listed[name] = '["' + "a" * 2000 + '"' + ', ""' * 2000 + "]"
    text = "{" + ", ".join(f'"{key}": {values}' for key, values in listed.items()) + "}"
    tracemalloc.start()
    with pytest.raises(RefusedError):
        samples_of(text)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2_000_000
