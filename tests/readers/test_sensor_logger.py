"""Sensor Logger's folders, archives and files: made after the app's description."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archives import zipped
from exports import head, written
from harken.readers import sensor_logger
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from reader_checks import collected
from tables import acceleration, write

collect = collected(sensor_logger)

START_NS = 1_719_102_681_279_387_400
STEP_NS = 10_054_500


def times(rows: int) -> NDArray[np.int64]:
    return START_NS + STEP_NS * np.arange(rows)


def table(time_ns: NDArray[np.int64], columns: Mapping[str, NDArray[np.floating]]) -> bytes:
    rows = zip(time_ns, *columns.values(), strict=True)
    lines = [f"{time},{(time - START_NS) / 1e9},{','.join(map(written, values))}" for time, *values in rows]
    return "\n".join([f"time,seconds_elapsed,{','.join(columns)}", *lines, ""]).encode()


def axes(time_ns: NDArray[np.int64], samples: NDArray[np.float64], order: str = "zyx") -> bytes:
    """A phone's file, whose axes stand the other way round."""
    return table(time_ns, {axis: samples[:, "xyz".index(axis)] for axis in order})


def wrist(time_ns: NDArray[np.int64], gravity: NDArray[np.float64], movement: NDArray[np.float64]) -> bytes:
    rotation = 0.1 * np.arange(len(time_ns) * 3).reshape(-1, 3)
    groups = {"rotationRate": rotation, "gravity": gravity, "acceleration": movement}
    columns = {f"{name}{axis}": values[:, i] for name, values in groups.items() for i, axis in enumerate("XYZ")}
    return table(time_ns, columns | {f"quaternion{axis}": np.zeros(len(time_ns)) for axis in "WXYZ"})


def metadata(platform: str = "ios", standardisation: str = "false", version: str = "1.64") -> bytes:
    names = "version,device name,recording epoch time,recording time,recording timezone,platform,appVersion,"
    values = f"3,Ann's phone,1719102681200,2024-06-23_00-31-21,Europe/Zurich,{platform},{version},"
    return (f"{names}device id,sensors,sampleRateMs,standardisation,platform version\n{values}"
            f"abc,Accelerometer|Gravity,10|10,{standardisation},17.5").encode()  # fmt: skip


def folder(at: Path, files: dict[str, bytes]) -> Path:
    at.mkdir(exist_ok=True)
    for name, content in files.items():
        (at / name).write_bytes(content)
    return at


G = acceleration(300)
MS2 = G * STANDARD_GRAVITY


@settings(max_examples=50)
@given(
    steps=st.lists(st.integers(1, 40_000_000), min_size=1, max_size=60),
    seed=st.integers(0, 2**32),
    metres=st.booleans(),
)
def test_round_trip_of_a_watch(
    steps: list[int], seed: int, metres: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    time_ns = START_NS + np.cumsum(steps)
    random = np.random.default_rng(seed)
    gravity = random.normal(0, 0.001, (len(steps), 3)) + np.array([0, 0, -1])
    movement = random.normal(0, 0.05, (len(steps), 3))
    unit = STANDARD_GRAVITY if metres else 1
    content = wrist(time_ns, gravity * unit, movement * unit)
    path = write(tmp_path_factory.getbasetemp(), content, "WristMotion.csv")
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.time_ns, time_ns)
    np.testing.assert_allclose(
        recording.signals[:, :3], (gravity + movement) * (1 if metres else -1), rtol=1e-6, atol=3e-7
    )
    np.testing.assert_allclose(recording.signals[:, 3:].ravel(), 0.1 * np.arange(len(steps) * 3), rtol=1e-6)


@settings(max_examples=50)
@given(
    offset_ns=st.integers(-50_000_000, 50_000_000),
    gravity_step=st.integers(5_000_000, 100_000_000),
    seed=st.integers(0, 2**32),
    shuffled=st.booleans(),
)
def test_round_trip_of_a_phone_whose_gravity_has_times_of_its_own(
    offset_ns: int, gravity_step: int, seed: int, shuffled: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Gravity that turns evenly is known exactly between its samples."""
    time_ns = times(100)
    gravity_ns = START_NS - 200_000_000 + offset_ns + gravity_step * np.arange(300)
    movement = np.random.default_rng(seed).normal(0, 0.5, (100, 3))

    def gravity(at: NDArray[np.int64]) -> NDArray[np.float64]:
        seconds = (at - START_NS)[:, None] / 1e9
        return np.array([0.3, -0.2, 9.8]) + seconds * [0.01, 0.02, -0.01]

    order = np.random.default_rng(seed).permutation(300) if shuffled else np.arange(300)
    files = {
        "Accelerometer.csv": axes(time_ns, movement),
        "Gravity.csv": axes(gravity_ns[order], gravity(gravity_ns)[order]),
        "Metadata.csv": metadata(),
    }
    path = folder(tmp_path_factory.getbasetemp() / "phone", files)
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.time_ns, time_ns)
    total = (movement + gravity(time_ns)) / STANDARD_GRAVITY
    np.testing.assert_allclose(recording.signals, -total, rtol=1e-5, atol=1e-6)


OTHER_FILES = [
    "Gravity",
    "Gyroscope",
    "Magnetometer",
    "Orientation",
    "Headphone",
    "GyroscopeUncalibrated",
    "ann_Gravity",
]


@pytest.mark.parametrize("sensor", OTHER_FILES)
def test_what_is_no_acceleration_of_a_wrist_is_refused(sensor: str, tmp_path: Path) -> None:
    path = write(tmp_path, axes(times(300), MS2), f"{sensor}.csv")
    assert sensor_logger.recognises(path, head(path))
    with pytest.raises(HarkenError, match=", not the acceleration of a wrist; name the export's folder instead"):
        collect(path, TableOptions())


def test_names_that_lead_out_of_an_archive_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path, axes(times(60), MS2[:60]), "TotalAcceleration.csv")
    for name in (str(outside), "../TotalAcceleration.csv", "a/../../TotalAcceleration.csv"):
        path = write(tmp_path, zipped({name: b"time,seconds_elapsed,z,y,x\n"}), "out.zip")
        assert not sensor_logger.recognises(path, head(path))
        with pytest.raises(HarkenError, match="has none of Sensor Logger's files with acceleration"):
            collect(path, TableOptions())
