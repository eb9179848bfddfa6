"""Synthetic wearers: what their files hold, that the truth is true, and that the way of writing changes nothing."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken import HarkenError, Recording
from harken.datasets.simulated import Simulation, output_paths, simulate, simulation, truth_path, write_simulation
from harken.datasets.simulated.simulation import BLOCK_ROWS, SENSOR_RANGE_G
from harken.recordings.broken_axes import AxisSurvey

LABELS = ("lying", "running", "sitting", "standing", "walking")
STEP_TOLERANCE = 1.5
"""A sample is at most 0.2 intervals off, so a bout or gap is found within 1.4 intervals of its true edge."""

lengths = st.floats(0.005, 1.2)
rates = st.floats(2, 20)
seeds = st.integers(0, 2**64)
persons = st.integers(0, 1000)


def edges_ns(truth: pl.DataFrame) -> np.ndarray:
    """Starts and ends, int64 ``[rows, 2]``."""
    return truth.select(pl.col("start", "end").to_physical()).to_numpy()


def true_labels(truth: pl.DataFrame, time_ns: np.ndarray) -> np.ndarray:
    """The label at each time, ``[n]``; empty when the watch is not worn."""
    rows = np.searchsorted(edges_ns(truth)[:, 0], time_ns, side="right") - 1
    return truth["label"].fill_null("").to_numpy().astype(str)[rows]


def labels_of(recording: Recording) -> np.ndarray:
    return np.array([*recording.label_names, ""])[recording.label_codes]


@pytest.fixture(scope="module", params=[".csv", ".parquet"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulation") / f"wearer{request.param}"
    write_simulation(Simulation(days=0.05, sample_rate_hz=25, seed=5), path)
    return path


class TestFile:
    def test_it_is_read_without_any_option(self, written: Path) -> None:
        recording = harken.read(written)
        assert recording.label_names == LABELS
        assert recording.subject == "simulated-5-1"
        assert recording.channels == ("x", "y", "z")
        assert recording.quality.acceleration_unit == "m/s2"
        assert recording.quality.sensor_range_g == SENSOR_RANGE_G
        assert recording.quality.dropped == {}
        assert recording.valid.all()

    def test_it_holds_what_simulate_gives_in_memory(self, written: Path) -> None:
        recording = harken.read(written)
        expected, truth = simulate(days=0.05, sample_rate_hz=25, seed=5)
        ns_per_tick = 1_000_000 if written.suffix == ".csv" else 1
        np.testing.assert_array_equal(recording.time_ns // ns_per_tick, expected.time_ns // ns_per_tick)
        np.testing.assert_allclose(recording.signals, expected.signals, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(recording.label_codes, expected.label_codes)
        assert pl.read_parquet(truth_path(written)).equals(truth)

    def test_samples_faster_than_milliseconds_go_into_parquet(self, tmp_path: Path) -> None:
        simulation = Simulation(days=0.002, sample_rate_hz=1000)
        with pytest.raises(HarkenError, match=r"too coarse for 1000 Hz .*\.parquet"):
            write_simulation(simulation, tmp_path / "fast.csv")
        write_simulation(simulation, tmp_path / "fast.parquet")
        assert harken.read(tmp_path / "fast.parquet").sample_rate_hz == pytest.approx(1000, rel=0.011)


class TestTruth:
    @given(days=lengths, rate=rates, seed=seeds, person=persons)
    @settings(max_examples=20)
    def test_every_activity_occurs_and_labels_and_gaps_are_the_true_ones(
        self, days: float, rate: float, seed: int, person: int
    ) -> None:
        recording, truth = simulate(days=days, sample_rate_hz=rate, seed=seed, person=person)
        assert recording.label_names == LABELS
        assert (recording.label_codes == -1).any(), "some of the time the watch lies on a table"
        np.testing.assert_array_equal(labels_of(recording), true_labels(truth, recording.time_ns))
        missing = edges_ns(truth.filter(~pl.col("recorded")))
        # A gap during which the activity changes is two rows of the truth.
        joined = np.flatnonzero(missing[1:, 0] == missing[:-1, 1])
        starts, ends = np.delete(missing[:, 0], joined + 1), np.delete(missing[:, 1], joined)
        assert len(starts) > 0
        rows = recording.gap_rows
        assert len(rows) == len(starts)
        tolerance_ns = STEP_TOLERANCE * 1e9 / recording.sample_rate_hz
        assert np.abs(recording.time_ns[rows - 1] - starts).max() <= tolerance_ns
        assert np.abs(recording.time_ns[rows] - ends).max() <= tolerance_ns


class TestSignals:
    def test_a_wearer_is_the_same_at_any_rate_and_for_any_length(self) -> None:
        short, long = (
            Simulation(days=days, sample_rate_hz=rate, seed=9).wearer for days, rate in ((0.01, 25), (3, 100))
        )
        assert short.subject == long.subject
        np.testing.assert_array_equal(short.up["sitting"], long.up["sitting"])

    @pytest.mark.parametrize("person", [0, 4])
    def test_a_fidgeting_arm_does_not_look_like_a_broken_axis(self, person: int) -> None:
        """Two movements of person 0 would cancel each other on x, and person 4 would hardly move on it."""
        simulation = Simulation(days=3, sample_rate_hz=25, person=person)
        survey = AxisSurvey()
        for first in range(0, simulation.rows, BLOCK_ROWS):
            samples = simulation.samples(first, min(first + BLOCK_ROWS, simulation.rows))
            survey.push(samples.time_ns, samples.signals)
        assert survey.finish(SENSOR_RANGE_G).stretches == []


class TestDeterminism:
    @pytest.mark.parametrize("ending", [".csv", ".parquet"])
    def test_the_same_seed_gives_the_same_bytes_however_the_file_is_written(
        self, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        contents = []
        for name, rows_at_once in (("a", BLOCK_ROWS), ("b", 10_007), ("c", 3 * BLOCK_ROWS + 1)):
            path = tmp_path / f"{name}{ending}"
            monkeypatch.setattr(simulation, "ROWS_AT_ONCE", rows_at_once)
            write_simulation(Simulation(days=0.1, sample_rate_hz=30, seed=7), path)
            contents.append((path.read_bytes(), truth_path(path).read_bytes()))
        assert contents[0] == contents[1] == contents[2]

    @given(cuts=st.lists(st.integers(1, 3 * BLOCK_ROWS - 1), max_size=4, unique=True))
    @settings(max_examples=6)
    def test_the_parts_are_the_whole(self, cuts: list[int]) -> None:
        edges = [0, *sorted(cuts), 3 * BLOCK_ROWS]
        simulation = Simulation(days=2, sample_rate_hz=2, seed=8)
        parts = [simulation.samples(first, last) for first, last in pairwise(edges)]
        whole = Simulation(days=2, sample_rate_hz=2, seed=8).samples(0, 3 * BLOCK_ROWS)
        for name, array in whole._asdict().items():
            np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), array)


PEAK = """
import resource, sys
from harken.datasets.simulated import Simulation, write_simulation
write_simulation(Simulation(days=float(sys.argv[1]), sample_rate_hz=25), sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.second_stage
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured in Linux's units")
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_memory_does_not_grow_with_the_length(tmp_path: Path, ending: str) -> None:
    rows_a_day, bytes_a_row = 25 * 86_400, 28
    peaks = []
    for days in (0.6, 2.4):
        command = [sys.executable, "-c", PEAK, str(days), str(tmp_path / f"{days}{ending}")]
        peaks.append(1024 * int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    held = 1.8 * rows_a_day * bytes_a_row
    assert peaks[1] - peaks[0] < held / 2, "longer recordings are held in memory"


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            *(({"days": days}, "--days must be") for days in (0, -1, 1e-9, float("nan"), float("inf"), 1e6)),
            *(({"sample_rate_hz": rate}, "--rate must be") for rate in (0, -25, 0.1, 1e6, float("nan"), float("inf"))),
            ({"seed": -1}, "got -1"),
            ({"person": -1}, "got -1"),
        ],
    )
    def test_a_number_that_cannot_be(self, change: dict[str, Any], reason: str) -> None:
        with pytest.raises(HarkenError, match=reason):
            Simulation(**{"days": 0.01, "sample_rate_hz": 25, **change})

    @pytest.mark.parametrize("name", ["wearer_2.csv", "wearer_3.truth.parquet"])
    def test_a_file_that_exists(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("precious")
        with pytest.raises(HarkenError, match=f"{name} exists already"):
            output_paths(tmp_path / "wearer.csv", 3)
        assert (tmp_path / name).read_text() == "precious"

    def test_nothing_is_left_of_a_recording_that_was_interrupted(self, tmp_path: Path) -> None:
        def interrupt(share: float) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_simulation(Simulation(days=0.01, sample_rate_hz=25), tmp_path / "a.csv", progress=interrupt)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("people", "names"),
    [
        (1, ["wearer.csv"]),
        (3, ["wearer_1.csv", "wearer_2.csv", "wearer_3.csv"]),
        (10, [f"wearer_{number:02d}.csv" for number in range(1, 11)]),
    ],
)
def test_each_wearer_has_a_file_and_the_files_sort(tmp_path: Path, people: int, names: list[str]) -> None:
    assert [path.name for path in output_paths(tmp_path / "wearer.csv", people)] == names == sorted(names)
