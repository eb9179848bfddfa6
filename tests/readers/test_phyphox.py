"""phyphox's tables and archives: files made as the app's source writes them, for there is no real one at hand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archives import zipped
from exports import head
from goldens.loggers import TOTAL, java_number, phyphox_times
from harken.readers import phyphox
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY
from reader_checks import collected
from tables import acceleration, write

collect = collected(phyphox)

FORMATS = [(",", "."), ("\t", "."), (";", "."), ("\t", ","), (";", ",")]


def table(
    seconds: NDArray[np.floating],
    samples: NDArray[np.floating],
    names: tuple[str, ...] = TOTAL,
    *,
    separator: str = ",",
    point: str = ".",
    end: str = "\n",
) -> bytes:
    header = separator.join(f'"{name}"' for name in ("Time (s)", *names, "Absolute acceleration (m/s^2)"))
    rows = np.column_stack([seconds, samples, np.linalg.norm(samples, axis=1)])
    lines = [header, *(separator.join(java_number(value, point) for value in row) for row in rows)]
    return ("\n".join(lines) + end).encode()


@settings(max_examples=60)
@given(
    form=st.sampled_from(FORMATS),
    steps=st.lists(st.floats(0.0005, 0.2), min_size=2, max_size=60),
    scale=st.floats(0.01, 150),
    seed=st.integers(0, 2**32),
    end=st.sampled_from(["\n", ""]),
    names=st.sampled_from(
        [TOTAL, ("X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)"), tuple(f"Acceleration {a} (m/s²)" for a in "xyz")]
    ),
)
def test_round_trip(
    form: tuple[str, str],
    steps: list[float],
    scale: float,
    seed: int,
    end: str,
    names: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    seconds = np.cumsum(steps)
    samples = np.random.default_rng(seed).normal(0, scale, (len(steps), 3))
    content = table(seconds, samples, names, separator=form[0], point=form[1], end=end)
    path = write(tmp_path_factory.getbasetemp(), content, "round_trip.csv")
    assert phyphox.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_allclose(recording.signals * STANDARD_GRAVITY, samples, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(recording.time_ns / 1e9, seconds, rtol=0, atol=6e-9)  # ten digits
    assert recording.quality.acceleration_unit == "m/s2"


START = ("START", 0.0, 1_714_550_400.123)


@settings(max_examples=40)
@given(
    start_ms=st.integers(1_500_000_000_000, 1_900_000_000_000),
    runs=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 600_000)), min_size=1, max_size=6),
)
def test_round_trip_of_dates(
    start_ms: int, runs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each run is some samples, 20 ms apart, and the pause in ms after it."""
    events: list[tuple[str, float, float]] = []
    seconds: list[float] = []
    expected: list[int] = []
    experiment_ms = 0
    for samples, pause_ms in runs:
        events.append(("START", experiment_ms / 1000, start_ms / 1000))
        seconds += [(experiment_ms + 20 * row) / 1000 for row in range(samples)]
        expected += [(start_ms + 20 * row) * 10**6 for row in range(samples)]
        experiment_ms += 20 * samples
        events.append(("PAUSE", experiment_ms / 1000, (start_ms + 20 * samples) / 1000))
        start_ms += 20 * samples + pause_ms
    signals = acceleration(len(seconds)) * STANDARD_GRAVITY
    files = {"Raw Data.csv": table(np.array(seconds), signals), "meta/time.csv": phyphox_times(events)}
    path = write(tmp_path_factory.getbasetemp(), zipped(files), "dates.zip")
    recording = collect(path, TableOptions())
    assert np.abs(recording.time_ns - expected).max() <= 1000


@pytest.mark.parametrize("events", ["START,0.0\nPAUSE,1.0\nSTART,6.0", "START\nPAUSE,1.0", "START\nSTART"])
def test_events_that_are_cut_short_give_no_dates(events: str, tmp_path: Path) -> None:
    seconds = np.arange(200) / 100
    content = table(seconds, acceleration(200) * STANDARD_GRAVITY)
    files = {"Raw Data.csv": content, "meta/time.csv": f'"event","experiment time"\n{events}\n'.encode()}
    recording = collect(write(tmp_path, zipped(files), "cut.zip"), TableOptions())
    np.testing.assert_allclose(recording.time_ns / 1e9, seconds, rtol=0, atol=6e-9)
