"""What is written as CSV in any of many ways is read back as it was."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken.readers import csv as csv_reader
from harken.readers.units import G_PER_UNIT, NS_PER_UNIT
from tables import START_MS, acceleration, write

ROUND_TRIP = st.fixed_dictionaries(
    {
        "rows": st.integers(70, 200),
        "seed": st.integers(0, 2**32),
        "step_ms": st.integers(4, 150),
        "unit": st.sampled_from(list(G_PER_UNIT)),
        "time_unit": st.sampled_from(list(NS_PER_UNIT)),
        "start": st.sampled_from([0, START_MS]),
        "order": st.permutations(range(6)),
        "separator": st.sampled_from(",;\t"),
        "quoted": st.booleans(),
        "labels": st.lists(
            st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8), min_size=1, max_size=4
        ),
        "size": st.sampled_from([100, 1 << 24]),
    }
)


@pytest.mark.second_stage
@settings(max_examples=30)
@given(drawn=ROUND_TRIP)
def test_round_trip(drawn: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows, labels = drawn["rows"], drawn["labels"]
    g = acceleration(rows, drawn["seed"])
    written = g / G_PER_UNIT[drawn["unit"]]
    time_ms = drawn["start"] + drawn["step_ms"] * np.arange(rows)
    factor = 10**6 // NS_PER_UNIT[drawn["time_unit"]] if drawn["time_unit"] != "s" else None
    times = [f"{ms // 1000}.{ms % 1000:03}" if factor is None else str(ms * factor) for ms in time_ms]
    mark = '"' if drawn["quoted"] else ""
    table = [
        ["Timestamp", "X", "Y", "Z", "P", "Label"],
        *(
            [time, *(f"{mark}{value:.9g}{mark}" for value in axes), "2", quoted(labels[row * len(labels) // rows])]
            for row, (time, axes) in enumerate(zip(times, written, strict=True))
        ),
    ]
    lines = [drawn["separator"].join(row[position] for position in drawn["order"]) for row in table]
    path = write(tmp_path_factory.getbasetemp(), lines, "round_trip.csv")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", drawn["size"])
        recording = harken.read(path)
    assert recording.quality.acceleration_unit == drawn["unit"]
    assert recording.quality.time_unit == drawn["time_unit"]
    np.testing.assert_allclose(recording.signals[:, :3], g, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(recording.time_ns / 10**6, time_ms, rtol=0, atol=5e-4)
    names = np.array([*recording.label_names, ""])[recording.label_codes]
    expected = [labels[row * len(labels) // rows] for row in range(rows)]
    assert names.tolist() == ["" if name.lower() in ("null", "nan") else name for name in expected]


def quoted(label: str) -> str:
    """A label as every writer of CSV writes it."""
    return '"' + label.replace('"', '""') + '"'
