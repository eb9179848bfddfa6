"""Empatica's ACC.csv: files made after the maker's description, and two real ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import head
from harken.readers.exports import EMPATICA
from harken.readers.options import TableOptions
from reader_checks import collected
from tables import write

collect = collected(EMPATICA)

START_S = 1_495_437_325


def lines(samples: np.ndarray, *, start: str = f"{START_S}.000000", rate: str = "32.000000") -> list[str]:
    return [", ".join([start] * 3), ", ".join([rate] * 3), *(f"{x},{y},{z}" for x, y, z in samples)]


@settings(max_examples=50)
@given(
    start_us=st.integers(1_420_070_400 * 10**6, 1_700_000_000 * 10**6),
    rate=st.floats(4, 128).map(lambda rate: round(rate, 6)),
    samples=st.lists(st.tuples(*[st.integers(-128, 127)] * 3), min_size=1, max_size=80),
)
def test_round_trip(
    start_us: int, rate: float, samples: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    start = f"{start_us // 10**6}.{start_us % 10**6:06}"
    path = write(
        tmp_path_factory.getbasetemp(), lines(np.array(samples), start=start, rate=f"{rate:.6f}"), "round_trip.csv"
    )
    assert EMPATICA.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.signals * 64, samples)
    expected = start_us * 1000 + np.array([round(row * 1e9 / rate) for row in range(len(samples))])
    assert np.abs(recording.time_ns - expected).max() <= 1
