"""SensorLog's files, made after the names of its columns, for there is no real one at hand."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from exports import head, turned
from goldens.loggers import three, uptimes
from harken.readers.exports import SENSORLOG
from harken.readers.options import TableOptions
from reader_checks import collected, mended, notes
from tables import acceleration, write

collect = collected(SENSORLOG)

START = datetime(2024, 8, 22, 12, 12, 7, 869_000, tzinfo=UTC)
START_NS = int(START.timestamp() * 1000) * 10**6
SENSORS_OWN = "Times are the sensor's own, dated by the times at which rows were written."
NO_ZONE = "Times have no time zone and were read as UTC"

Columns = dict[str, list[str]]


def logged(offsets_s: NDArray[np.floating], form: str = "iso") -> list[str]:
    instants = [START + timedelta(seconds=float(offset)) for offset in offsets_s]
    if form == "iso":
        berlin = timezone(timedelta(hours=2))
        return [instant.astimezone(berlin).isoformat(timespec="milliseconds") for instant in instants]
    if form == "space":
        return [f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond // 1000:03} +0000" for instant in instants]
    return [f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond // 1000:03}" for instant in instants]


def file(folder: Path, columns: Columns, name: str = "watch.csv") -> Path:
    rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
    return write(folder, [",".join(columns), *rows], name)


read = mended(collect)


CLOCK = "accelerometerTimestamp_sinceReboot(s)"


@settings(max_examples=50)
@given(
    steps_ms=st.lists(st.integers(4, 200), min_size=70, max_size=120),
    seed=st.integers(0, 2**32),
    late_ms=st.integers(0, 30),
    form=st.sampled_from(["iso", "space", "local"]),
    order=st.permutations(range(9)),
)
def test_round_trip(
    steps_ms: list[int], seed: int, late_ms: int, form: str, order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Rows are written a little late and unevenly; the sensor's own clock says when they were measured."""
    random = np.random.default_rng(seed)
    measured_s = np.cumsum(steps_ms) / 1000
    g, rotation = acceleration(len(steps_ms), seed), random.normal(0, 1, (len(steps_ms), 3))
    columns = {
        "loggingTime(txt)": logged(measured_s + random.integers(0, late_ms + 1, len(steps_ms)) / 1000, form),
        "loggingSample(N)": [str(row) for row in range(len(steps_ms))],
        CLOCK: uptimes(measured_s),
        **three("accelerometerAcceleration", g),
        **three("gyroRotation", rotation, "rad/s"),
    }
    names = list(columns)
    path = file(tmp_path_factory.getbasetemp(), {names[position]: columns[names[position]] for position in order})
    assert SENSORLOG.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.signals[:, :3], turned(g))
    np.testing.assert_array_equal(recording.signals[:, 3:], rotation.astype(np.float32))
    assert recording.channels == ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
    np.testing.assert_allclose(np.diff(recording.time_ns), np.diff(np.cumsum(steps_ms)) * 1e6, rtol=0, atol=2)
    late_ns = recording.time_ns[0] - START_NS - steps_ms[0] * 10**6
    assert -1_000_000 <= late_ns <= (late_ms + 1) * 10**6
    assert SENSORS_OWN in notes(recording)
    assert (NO_ZONE in notes(recording)) == (form == "local")
