"""Sensor Logger's folders, archives and files: made after the app's description."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from exports import head, written
from goldens.files import zipped
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


def folder(at: Path, files: dict[str, bytes]) -> Path:
    at.mkdir(exist_ok=True)
    for name, content in files.items():
        (at / name).write_bytes(content)
    return at


G = acceleration(300)
MS2 = G * STANDARD_GRAVITY


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
