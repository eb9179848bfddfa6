import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken.recordings.inspection import Inspection, inspect_recording
from harken.recordings.mending import mend
from harken.recordings.recording import Quality
from harken.support.printable import duration_text
from made_recordings import recording_of

START_MS = 1_519_170_400_000  # 2018-02-20 23:46:40 UTC


def inspected(path: Path, **options: object) -> Inspection:
    found = harken.read(path, as_found=True, **options)
    return inspect_recording(mend(found), as_found=found)


def write(path: Path, rows: Sequence[tuple[object, ...]]) -> Path:
    path.write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return path


def samples(count: int, *, start_s: float = 0.0, label: str = "walking") -> list[tuple[object, ...]]:
    """``count`` rows at 25 Hz in m/s², gravity along z, with a sensor's noise."""
    noise = np.random.default_rng(count).normal(0, 0.05, count)
    return [
        (START_MS + round(start_s * 1000) + 40 * i, f"{noise[i]:.5f}", "0.0", f"{9.81 + noise[i]:.5f}", 3, label)
        for i in range(count)
    ]


def test_gaps_are_counted_and_the_longest_is_found(tmp_path: Path) -> None:
    rows = samples(25) + samples(25, start_s=3) + samples(25, start_s=64)
    facts = inspected(write(tmp_path / "a.csv", rows)).as_dict()
    assert facts["gaps"] == 2
    assert facts["gap_details"] == {
        "limit_s": 0.5,
        "total_s": pytest.approx(2.04 + 60.04),
        "longest_s": 60.04,
        "longest_start": "2018-02-20T23:46:43.960+00:00",
        "longest_end": "2018-02-20T23:47:44.000+00:00",
    }


def test_a_bout_ends_at_another_label_and_at_a_gap(tmp_path: Path) -> None:
    rows = samples(50) + samples(25, start_s=2, label="sitting") + samples(100, start_s=3) + samples(25, start_s=60)
    facts = inspected(write(tmp_path / "a.csv", rows))
    walking, sitting = facts.labels["walking"], facts.labels["sitting"]
    assert (walking.rows, walking.bouts, walking.share) == (175, 3, 175 / 200)
    assert (walking.total_s, walking.median_bout_s, walking.longest_bout_s) == (7.0, 2.0, 4.0)
    assert (sitting.rows, sitting.bouts, sitting.total_s) == (25, 1, 1.0)
    assert facts.unlabelled.bouts == 0
    assert facts.unlabelled.longest_bout_s is None


def test_statistics_are_those_of_every_finite_sample(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0.5, 0.3, 400).round(4)
    rows = [(START_MS + 40 * i, value, 0.1, 1.0, 3, "walking") for i, value in enumerate(values)]
    statistics = inspected(write(tmp_path / "a.csv", rows), acceleration_unit="g").statistics["x"]
    assert statistics.samples == 400
    assert statistics.min == pytest.approx(values.min(), rel=1e-6)
    assert statistics.max == pytest.approx(values.max(), rel=1e-6)
    assert statistics.mean == pytest.approx(values.mean(), rel=1e-6)
    assert statistics.std == pytest.approx(values.std(), rel=1e-6)
    quartiles = (statistics.q25, statistics.median, statistics.q75)
    assert quartiles == pytest.approx(np.percentile(values, (25, 50, 75)), rel=1e-6)


def test_the_largest_numbers_there_are_stay_valid_json() -> None:
    largest = np.finfo(np.float32).max
    recording = recording_of([0, 1], [[largest], [-largest]])
    json.dumps(inspect_recording(recording).as_dict(), allow_nan=False)


@settings(max_examples=60)
@given(
    times=st.lists(st.integers(0, 10**12), min_size=1, max_size=40, unique=True),
    values=st.lists(st.floats(width=32), min_size=40, max_size=40),
    codes=st.lists(st.integers(-1, 2), min_size=40, max_size=40),
)
def test_the_facts_of_any_recording_add_up(times: list[int], values: list[float], codes: list[int]) -> None:
    n = len(times)
    signals = np.array(values)[:n, None].repeat(3, axis=1)
    recording = recording_of(sorted(times), signals, codes=codes[:n], names=("a", "b", "c"), quality=Quality(rows=n))
    facts = inspect_recording(recording)
    json.dumps(facts.as_dict(), allow_nan=False)
    everything = [facts.unlabelled, *facts.labels.values()]
    assert sum(part.rows for part in everything) == n
    assert sum(part.share for part in everything) == pytest.approx(1)
    assert sum(part.bouts for part in everything) == len(recording.bout_edges) - 1
    statistics = facts.statistics["x"]
    assert statistics.samples == np.isfinite(recording.signals[:, 0]).sum()
    if statistics.min is not None and statistics.max is not None and statistics.median is not None:
        assert statistics.min <= statistics.median <= statistics.max


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.523, "0.523 s"),
        (59.44, "59.4 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (297, "4 min 57 s"),
        (3599.9, "1 h"),
        (3600 * 23 + 59 * 60 + 59, "1 d"),
        (86_400 * 7.5, "7 d 12 h"),
        (86_400.04, "1 d"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
