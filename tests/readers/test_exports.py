"""Exports of apps and of OMGUI: real ones beside the watch's own file, and ones made after the apps' descriptions."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import harken
from command_line import Run
from exports import head
from goldens.files import zipped
from harken.readers import sensor_logger
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from reader_checks import collected, notes
from tables import acceleration, notebook_lines, write

collect = collected(sensor_logger)
ROWS = 300
G = acceleration(ROWS)
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


def sensor_logger_table(rows: int = ROWS) -> bytes:
    """A file of a phone as Sensor Logger writes it, with the axes the other way round."""
    times = [f"{1_719_102_681_279_387_400 + 10_054_500 * row},{row / 100}" for row in range(rows)]
    lines = [f"{time},{z},{y},{x}" for time, (x, y, z) in zip(times, MS2[:rows], strict=True)]
    return "\n".join(["time,seconds_elapsed,z,y,x", *lines, ""]).encode()


def sensorlog_table(sensor: str) -> str:
    """A table of an Apple Watch as SensorLog writes it, with the acceleration of this sensor."""
    axes = ",".join(f"{sensor}Acceleration{axis}(G)" for axis in "XYZ")
    gravity = ",".join(f"motionGravity{axis}(G)" for axis in "XYZ")
    header = f"loggingTime(txt),accelerometerTimestamp_sinceReboot(s),{axes},{gravity},activity(txt),label(N)"
    lines = []
    for row, (x, y, z) in enumerate(-G):
        time = f"2023-11-06T09:24:{row // 50:02d}.{row % 50 * 20:03d}+02:00"
        lines.append(f"{time},{62_608 + row / 50:.6f},{x:.6f},{y:.6f},{z:.6f},0,0,-1,unknown,4")
    return "\n".join([header, *lines, ""])


def test_sensorlogs_sign_is_asked_for(run_harken: Run, tmp_path: Path) -> None:
    path = write(tmp_path, sensorlog_table("accelerometer"), "watch.csv")
    refused = run_harken("inspect", path)
    assert refused.exit_code == 2
    assert " ".join(refused.stderr.split()).endswith(
        "SensorLog writes acceleration with Apple's sign (z of a device that lies face up is -1 g), which harken must "
        "reverse. Confirm it with --gravity-sign negative, or keep the file's signs with --gravity-sign positive"
    )
    recording = harken.read(path, gravity_sign="negative")
    np.testing.assert_allclose(recording.signals, G, atol=1e-6)
    np.testing.assert_array_equal(recording.time_ns, 1_699_255_440_000_000_000 + 20_000_000 * np.arange(ROWS))
    assert (recording.quality.acceleration_unit, recording.label_names) == ("g", ("4",))
    assert run_harken("inspect", path, "--gravity-sign", "negative").exit_code == 0


def test_sensorlogs_user_acceleration_has_no_gravity(tmp_path: Path) -> None:
    path = write(tmp_path, sensorlog_table("motionUser"), "watch.csv")
    recording = harken.read(path, gravity_sign="negative")
    assert "This is acceleration without gravity" in notes(recording)


def physics_toolbox_table(header: str, axes: NDArray[np.float64]) -> str:
    """A table as Physics Toolbox writes it."""
    lines = [f"{row / 50:.4f},{x:.5f},{y:.5f},{z:.5f},1.0" for row, (x, y, z) in enumerate(axes)]
    return "\n".join([header, *lines, ""])


def test_physics_toolboxs_g_force_is_read_and_the_phone_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, physics_toolbox_table("time,gFx,gFy,gFz,TgF", G), "ann.csv")
    recording = harken.read(path)
    np.testing.assert_allclose(recording.signals, G, atol=1e-5)
    np.testing.assert_array_equal(recording.time_ns, 20_000_000 * np.arange(ROWS))
    assert recording.quality.acceleration_unit == "g"
    assert "If it is one, add --gravity-sign negative." in notes(recording)
    assert "does not name the phone" not in notes(harken.read(path, gravity_sign="positive"))
    of_iphone = write(tmp_path, physics_toolbox_table("time,gFx,gFy,gFz,gFTotal", -G), "iphone.csv")
    with pytest.raises(HarkenError, match="Physics Toolbox on an iPhone writes acceleration with Apple's sign"):
        harken.read(of_iphone)


def test_physics_toolboxs_linear_acceleration_has_no_gravity(tmp_path: Path) -> None:
    path = write(tmp_path, physics_toolbox_table("time,ax,ay,az,aT", MS2 - MS2.mean(axis=0)), "ann.csv")
    recording = harken.read(path)
    assert recording.quality.acceleration_unit == "m/s2"
    assert "This is acceleration without gravity" in notes(recording)


def phyphox_table(names: str, axes: NDArray[np.float64], *, separator: str = ",", decimal: str = ".") -> bytes:
    """A table as phyphox writes it, with these names of the columns of acceleration."""
    header = ["Time (s)", *(names.format(axis) for axis in "xyz"), "Absolute acceleration (m/s^2)"]
    lines = [separator.join(f'"{name}"' for name in header)]
    for row, values in enumerate(axes):
        numbers = [row / 100, *values, np.linalg.norm(values)]
        lines.append(separator.join(f"{number:.9E}".replace(".", decimal) for number in numbers))
    return "\n".join([*lines, ""]).encode()


TOTAL = phyphox_table("Acceleration {} (m/s^2)", MS2)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(TOTAL, id="commas"),
        pytest.param(phyphox_table("Acceleration {} (m/s^2)", MS2, separator="\t", decimal=","), id="decimal commas"),
    ],
)
def test_phyphoxs_acceleration_is_read(table: bytes, tmp_path: Path) -> None:
    recording = harken.read(write(tmp_path, table, "ann.csv"))
    np.testing.assert_allclose(recording.signals, G, atol=1e-6)
    np.testing.assert_array_equal(recording.time_ns, 10_000_000 * np.arange(ROWS))
    assert recording.quality.acceleration_unit == "m/s2"
    assert "The times have no date" in notes(recording)


def test_phyphoxs_archive_is_read(run_harken: Run, tmp_path: Path) -> None:
    files = {
        "Accelerometer.csv": phyphox_table("{} (m/s^2)", MS2),
        "Gyroscope.csv": phyphox_table("{} (rad/s)", G),
        "Linear Accelerometer.csv": phyphox_table("{} (m/s^2)", MS2 - MS2.mean(axis=0)),
        "Gravity.csv": phyphox_table("{} (m/s^2)", MS2),
        "meta/device.csv": b'"property","value"\n"version","1.1.16"\n',
        "meta/time.csv": b'"event","experiment time","system time"\n"START",0.0,1714550400.0\n',
    }
    path = write(tmp_path, zipped(files), "ann.zip")
    recording = harken.read(path)
    np.testing.assert_allclose(recording.signals, G, atol=1e-6)
    assert (recording.subject, Path(recording.source).name) == ("ann", "ann.zip")
    assert "Read from Accelerometer.csv." in recording.quality.notes
    assert run_harken("inspect", path).exit_code == 0


@pytest.mark.parametrize(
    ("member", "names"),
    [("Raw Data.csv", "Linear Acceleration {} (m/s^2)"), ("Linear Accelerometer.csv", "{} (m/s^2)")],
)
def test_phyphoxs_linear_acceleration_has_no_gravity(member: str, names: str, tmp_path: Path) -> None:
    table = phyphox_table(names, MS2 - MS2.mean(axis=0))
    recording = harken.read(write(tmp_path, zipped({member: table}), "ann.zip"))
    assert recording.quality.acceleration_unit == "m/s2"
    assert "This is acceleration without gravity" in notes(recording)


@pytest.mark.parametrize(
    ("members", "read", "has_gravity"),
    [
        (["berlin_acc.csv"], "berlin_acc.csv", True),
        (["acceleration without gravity.csv"], "acceleration without gravity.csv", False),
        (["accelerationIncludingGravity.csv", "Gravity.csv"], "accelerationIncludingGravity.csv", True),
        (["acc with gravity.csv", "acc without gravity.csv"], "acc with gravity.csv", True),
        (["./day.csv"], "day.csv", True),
        (["ann//day.csv"], "ann/day.csv", True),
    ],
)
def test_a_table_in_an_archive_is_found_by_its_name(
    members: list[str], read: str, has_gravity: bool, tmp_path: Path
) -> None:
    table = phyphox_table("{} (m/s^2)", MS2)
    recording = harken.read(write(tmp_path, zipped(dict.fromkeys(members, table)), "ann.zip"))
    assert f"Read from {read}." in recording.quality.notes
    assert ("without gravity: it shows" in notes(recording)) is not has_gravity


@pytest.mark.parametrize(
    ("files", "refusal"),
    [
        ({"Gyroscope.csv": phyphox_table("{} (rad/s)", G)}, r"ann\.zip/Gyroscope\.csv: found no column for x, y and z"),
        ({"Gravity.csv": TOTAL}, r"ann\.zip/Gravity\.csv: contains gravity alone"),
        ({"a.csv": TOTAL, "b.csv": TOTAL}, r"several tables of acceleration, such as a\.csv and b\.csv; unpack"),
        ({"sheet.xml": b"<a/>"}, "is a zip archive or an Excel sheet; unpack it, or save it as CSV"),
    ],
)
def test_an_archive_without_one_table_of_acceleration_is_refused(
    files: dict[str, bytes], refusal: str, tmp_path: Path
) -> None:
    with pytest.raises(HarkenError, match=refusal):
        harken.read(write(tmp_path, zipped(files), "ann.zip"))


@pytest.mark.parametrize("sensor", OTHER_FILES)
def test_what_is_no_acceleration_of_a_wrist_is_refused(sensor: str, tmp_path: Path) -> None:
    path = write(tmp_path, sensor_logger_table(), f"{sensor}.csv")
    assert sensor_logger.recognises(path, head(path))
    with pytest.raises(HarkenError, match=", not the acceleration of a wrist; name the export's folder instead"):
        collect(path, TableOptions())


def test_names_that_lead_out_of_an_archive_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path, sensor_logger_table(60), "TotalAcceleration.csv")
    for name in (str(outside), "../TotalAcceleration.csv", "a/../../TotalAcceleration.csv"):
        path = write(tmp_path, zipped({name: b"time,seconds_elapsed,z,y,x\n"}), "out.zip")
        assert not sensor_logger.recognises(path, head(path))
        with pytest.raises(HarkenError, match="has none of Sensor Logger's files with acceleration"):
            collect(path, TableOptions())


@pytest.mark.parametrize("name", ["ann.csv", "Accelerometer.csv"])
def test_the_sign_of_gravity_is_turned_where_it_is_stated(name: str, tmp_path: Path) -> None:
    table = "\n".join(notebook_lines(300)) if name == "ann.csv" else sensor_logger_table()
    path = write(tmp_path, table, name)
    as_written = harken.read(path, gravity_sign="positive")
    turned = harken.read(path, gravity_sign="negative")
    np.testing.assert_array_equal(turned.signals[:, :3], -as_written.signals[:, :3])
    assert "The signs of all three axes of acceleration were reversed, as stated." in turned.quality.notes
    assert "sign" not in notes(as_written)


@pytest.mark.parametrize(
    ("name", "own", "rows"),
    [
        ("ggir_ax3_testfile_unix_timestamps.csv", "GGIRread_ax3_testfile.cwa", 210),
        ("ggir_ax6_testfile_formatted_timestamps.csv", "GGIRread_ax6_testfile.cwa", 210),
    ],
)
def test_real_exports_of_omgui_beside_the_watchs_own_files(name: str, own: str, rows: int, data_dir: Path) -> None:
    exported = harken.read(data_dir / "devices" / name)
    watch = harken.read(data_dir / "devices" / own)
    assert (len(exported), exported.channels) == (rows, ("x", "y", "z"))
    assert "The watch's .cwa file has everything." in notes(exported)
    nearest = np.abs(watch.time_ns[:, None] - exported.time_ns).argmin(axis=0)
    assert np.abs(watch.time_ns[nearest] - exported.time_ns).max() <= 1_000_000  # text has milliseconds
    np.testing.assert_allclose(exported.signals, watch.signals[nearest, :3], rtol=0, atol=6e-7)


def test_omguis_header_is_known(tmp_path: Path) -> None:
    lines = [f"2019-12-23 21:04:{row / 100:06.3f},{x:.6f},{y:.6f},{z:.6f}" for row, (x, y, z) in enumerate(G)]
    path = write(tmp_path, ["Time,Accel-X (g), Accel-Y (g), Accel-Z (g)", *lines], "ann.csv")
    recording = harken.read(path, timezone="Europe/London")
    np.testing.assert_allclose(recording.signals, G, atol=1e-6)
    assert recording.quality.acceleration_unit == "g"
