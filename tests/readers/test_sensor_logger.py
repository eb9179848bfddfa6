"""Sensor Logger's folders, archives and files: one real file of a watch, the rest made after the app's description."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archives import zipped
from exports import head, left_of_archives, survives, turned, written
from harken.readers import sensor_logger
from harken.readers.options import TableOptions
from harken.readers.units import magnitude_at_rest
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from reader_checks import collected, mended, notes
from tables import HEADER, acceleration, notebook_lines, write

collect = collected(sensor_logger)

START_NS = 1_719_102_681_279_387_400
STEP_NS = 10_054_500
NEVER = "never run on a real file"
TURNED = "The signs of all three axes of acceleration were reversed"
NO_GRAVITY = "This is acceleration without gravity"
UNKNOWN_PHONE = "The phone is unknown"
OLD = "versions before 1.63"


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


read = mended(collect)


G = acceleration(300)
MS2 = G * STANDARD_GRAVITY
SLOW = np.repeat(MS2[150:151], 300, axis=0)
"""Gravity that stays, for the files that have it apart."""


def test_a_real_watchs_file(data_dir: Path) -> None:
    path = data_dir / "devices" / "sensorlogger_WristMotion.csv"
    assert sensor_logger.recognises(path, head(path))
    recording = read(path)
    columns = np.genfromtxt(path, delimiter=",", skip_header=1, dtype=np.float64)
    whole = [int(line.split(",")[0]) for line in path.read_text().splitlines()[1:]]
    assert recording.channels == ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
    np.testing.assert_array_equal(recording.time_ns, whole)
    np.testing.assert_allclose(recording.signals[:, :3], -(columns[:, 5:8] + columns[:, 8:11]), atol=2e-7)
    np.testing.assert_allclose(recording.signals[:, 3:], columns[:, 2:5], atol=2e-7)
    assert len(recording.gap_rows) == 1
    assert np.diff(recording.time_ns).max() == pytest.approx(12.4e9, abs=1e9)
    assert magnitude_at_rest(recording.signals[:, :3]) == pytest.approx(1, abs=0.1)
    assert recording.quality.acceleration_unit == "g"
    assert TURNED in notes(recording)
    assert NEVER not in notes(recording)


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


def test_a_folder_and_its_archive_are_one_recording(tmp_path: Path) -> None:
    files = {
        "Accelerometer.csv": axes(times(300), MS2 - SLOW),
        "Gravity.csv": axes(times(300), SLOW),
        "Gyroscope.csv": axes(times(300), SLOW),
        "Metadata.csv": metadata(),
        "Location.csv": b"time,seconds_elapsed,latitude\n",
    }
    unpacked = folder(tmp_path / "2024-06-23_00-31-21", files)
    packed = write(tmp_path, zipped(files), "ann.zip")
    inside = write(tmp_path, zipped({f"a day/{name}": content for name, content in files.items()}), "bob.zip")
    assert sensor_logger.recognises(unpacked, b"")
    assert sensor_logger.recognises(packed, head(packed))
    recording = read(unpacked)
    np.testing.assert_allclose(recording.signals, turned(G), atol=2e-6)
    np.testing.assert_array_equal(recording.time_ns, times(300))
    assert (recording.subject, recording.timezone, recording.source) == (
        "2024-06-23_00-31-21",
        "Europe/Zurich",
        str(unpacked),
    )
    assert recording.quality.acceleration_unit == "m/s2"
    for note in (
        TURNED,
        NEVER,
        "Read from Accelerometer.csv (Ann's phone ios, Sensor Logger 1.64).",
        "samples of a phone",
    ):
        assert note in notes(recording)
    for archive, subject in ((packed, "ann"), (inside, "bob")):
        again = read(archive)
        assert again.fingerprint == recording.fingerprint
        assert (again.subject, again.source) == (subject, str(archive))
    assert read(packed, timezone="Asia/Tokyo", subject="cid").timezone == "Asia/Tokyo"


SIGNS = {
    # file, unit: what Metadata.csv says, whether acceleration is turned round, what is said
    "iPhone": ("Accelerometer", "m/s2", ("ios", "false"), True, TURNED),
    "iPhone, standardised": ("Accelerometer", "m/s2", ("ios", "true"), False, "Read from"),
    "iPhone, of old": ("Accelerometer", "m/s2", ("ios", ""), True, TURNED),
    "Android": ("Accelerometer", "m/s2", ("android", "false"), False, "Read from"),
    "who knows": ("Accelerometer", "m/s2", None, False, UNKNOWN_PHONE),
    "Android's total": ("TotalAcceleration", "m/s2", None, False, "samples of a phone"),
    "iPhone, raw": ("AccelerometerUncalibrated", "g", ("ios", "false"), True, TURNED),
    "iPhone, raw, standardised": ("AccelerometerUncalibrated", "m/s2", ("ios", "true"), False, "Read from"),
    "raw, g": ("AccelerometerUncalibrated", "g", None, True, TURNED),
    "raw, m/s2": ("AccelerometerUncalibrated", "m/s2", None, False, UNKNOWN_PHONE),
    "Apple Watch, raw": ("WatchAccelerometerUncalibrated", "g", None, True, TURNED),
    "Apple Watch, raw, standardised": ("WatchAccelerometerUncalibrated", "m/s2", ("ios", "true"), False, "Read from"),
    "Apple Watch, by an old app": ("WatchAccelerometerUncalibrated", "g", ("ios", "true", "1.62"), True, OLD),
    "Wear OS": ("WatchAccelerometerUncalibrated", "g", ("android", "true", "1.62"), False, "Read from"),
}


@pytest.mark.parametrize("case", SIGNS)
def test_signs_and_units(case: str, tmp_path: Path) -> None:
    sensor, unit, about, turn, note = SIGNS[case]
    samples = MS2 if unit == "m/s2" else G
    files = {f"{sensor}.csv": axes(times(300), samples - SLOW if sensor == "Accelerometer" else samples)}
    if sensor == "Accelerometer":
        files["Gravity.csv"] = axes(times(300), SLOW)
    if about:
        files["Metadata.csv"] = metadata(*about)
    by_folder = read(folder(tmp_path / "export", files))
    by_file = read(tmp_path / "export" / f"{sensor}.csv")
    np.testing.assert_allclose(by_folder.signals, turned(G) if turn else G, atol=2e-6)
    assert by_file.fingerprint == by_folder.fingerprint
    assert by_file.subject == by_folder.subject == "export"
    assert by_folder.quality.acceleration_unit == unit
    for recording in (by_folder, by_file):
        assert note in notes(recording)
        assert (TURNED in notes(recording)) == turn
        assert (UNKNOWN_PHONE in notes(recording)) == (note == UNKNOWN_PHONE)
        assert (OLD in notes(recording)) == (note == OLD)
        apples = about is None or about[0] == "ios"
        assert (NEVER in notes(recording)) == (sensor in ("Accelerometer", "TotalAcceleration") or not apples)


def test_a_watch_comes_before_the_phone_that_it_is_paired_with(tmp_path: Path) -> None:
    gravity = np.repeat([[0.0, 0.0, -1.0]], 50, axis=0)
    files = {
        "WristMotion.csv": wrist(times(50), gravity, gravity * 0.01),
        "Accelerometer.csv": axes(times(300), MS2 - SLOW),
        "Gravity.csv": axes(times(300), SLOW),
        "Metadata.csv": metadata(),
    }
    recording = read(folder(tmp_path / "both", files))
    assert len(recording) == 50
    assert "gyro_x" in recording.channels
    assert "The export has more acceleration, which was not read: Accelerometer.csv." in notes(recording)
    assert "phone's samples" not in notes(recording)
    files["WristMotion.csv"] = files["WristMotion.csv"].splitlines()[0] + b"\n"
    recording = read(folder(tmp_path / "both", files))
    assert len(recording) == 300
    assert "These files of the export contain no samples: WristMotion.csv." in notes(recording)


def test_a_file_of_one_sample_is_read_only_if_there_is_no_other(tmp_path: Path) -> None:
    """As in a real export, in which the only calibrated sample is older than all others."""
    stale = b"time,seconds_elapsed,z,y,x\n1718940234310572000,-162447.51,0,0,0\n"
    files = {"Accelerometer.csv": stale, "AccelerometerUncalibrated.csv": axes(times(300), G)}
    recording = read(folder(tmp_path / "both", files))
    np.testing.assert_allclose(recording.signals, turned(G), atol=2e-6)
    assert "These files of the export contain only one sample: Accelerometer.csv." in notes(recording)
    assert "was not read" not in notes(recording)
    assert len(read(folder(tmp_path / "alone", {"Accelerometer.csv": stale}))) == 1


def test_acceleration_without_gravity_is_read_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, axes(times(300), MS2 - SLOW), "ann_Accelerometer.csv")
    recording = read(path)
    np.testing.assert_allclose(recording.signals * STANDARD_GRAVITY, MS2 - SLOW, atol=1e-5)
    assert NO_GRAVITY in notes(recording)
    assert recording.subject == "ann_Accelerometer"
    write(tmp_path, axes(times(300), SLOW), "ann_Gravity.csv")
    assert NO_GRAVITY not in notes(read(path))


def test_samples_far_from_any_of_gravity_have_no_acceleration(tmp_path: Path) -> None:
    files = {"Accelerometer.csv": axes(times(300), MS2 - SLOW), "Gravity.csv": axes(times(300)[:100], SLOW[:100])}
    recording = read(folder(tmp_path / "short", files))
    near = (times(300) - times(300)[99]) <= 250_000_000
    np.testing.assert_array_equal(recording.valid, near)
    assert f"{(~near).sum()} of 300 samples have no sample of gravity near them." in notes(recording)
    assert len(recording) == 300


def test_a_renamed_file(tmp_path: Path) -> None:
    motion = write(tmp_path, wrist(times(300), G, np.zeros((300, 3))), "monday.csv")
    assert read(motion).channels[3:] == ("gyro_x", "gyro_y", "gyro_z")
    metres = read(write(tmp_path, axes(times(300), MS2), "tuesday.csv"))
    np.testing.assert_allclose(metres.signals, G, atol=1e-6)
    assert UNKNOWN_PHONE in notes(metres)


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


def test_several_recordings_are_refused(tmp_path: Path) -> None:
    content = axes(times(300), MS2)
    archive = write(tmp_path, zipped({f"{day}/TotalAcceleration.csv": content for day in ("mon", "tue")}), "week.zip")
    with pytest.raises(HarkenError, match=r"week.zip: contains 2 recordings \(mon, tue\); unpack it, and name one"):
        collect(archive, TableOptions())
    both = folder(tmp_path / "both", {"a_TotalAcceleration.csv": content, "b_TotalAcceleration.csv": content})
    with pytest.raises(HarkenError, match="several files of TotalAcceleration, which are different recordings"):
        collect(both, TableOptions())


def test_what_it_is_not(tmp_path: Path) -> None:
    notebook = write(tmp_path, [HEADER, *notebook_lines()], "Accelerometer.csv")
    assert not sensor_logger.recognises(notebook, head(notebook))
    assert not sensor_logger.recognises(tmp_path, b"")
    other = write(
        tmp_path, zipped({"Accelerometer.csv": b'"Time (s)","X (m/s^2)"\n0,1\n', "note.txt": b""}), "other.zip"
    )
    assert not sensor_logger.recognises(other, head(other))
    empty = folder(tmp_path / "empty", {})
    assert not sensor_logger.recognises(empty, b"")
    with pytest.raises(HarkenError, match="has none of Sensor Logger's files with acceleration: WristMotion, "):
        collect(empty, TableOptions())
    with pytest.raises(HarkenError, match="has no column time, which a file of Sensor Logger with acceleration has"):
        collect(notebook, TableOptions())


def test_damaged_metadata_says_nothing(tmp_path: Path) -> None:
    files = {"TotalAcceleration.csv": axes(times(300), MS2), "Metadata.csv": b"\xff\x00,\n"}
    recording = read(folder(tmp_path / "a", files))
    assert recording.timezone == "UTC"
    files["Metadata.csv"] = metadata().replace(b"Europe/Zurich", b"Europe/Nowhere")
    assert read(folder(tmp_path / "a", files)).timezone == "UTC"


@pytest.mark.parametrize("name", ["WristMotion.csv", "TotalAcceleration.csv", "WatchAccelerometerUncalibrated.csv"])
def test_mutilated(name: str, tmp_path: Path) -> None:
    still = np.zeros((60, 3))
    content = wrist(times(60), G[:60], still) if name.startswith("Wrist") else axes(times(60), MS2[:60])
    survives(content, tmp_path / name, sensor_logger.recognises, collect)


def test_a_mutilated_archive_is_refused_or_whole(tmp_path: Path) -> None:
    files = {"Accelerometer.csv": axes(times(60), MS2[:60] - SLOW[:60]), "Gravity.csv": axes(times(60), SLOW[:60])}
    content = zipped(files | {"Metadata.csv": metadata()})
    path = write(tmp_path, content, "ann.zip")
    whole = read(path)
    for found in left_of_archives(content, path, sensor_logger.recognises, collect):
        if NO_GRAVITY not in notes(found):  # a file whose name was hit is not there
            signs = -1 if UNKNOWN_PHONE in notes(found) else 1
            np.testing.assert_array_equal(found.signals, whole.signals * signs)


def test_an_archive_made_to_fill_the_memory_is_refused(tmp_path: Path) -> None:
    header = b"time,seconds_elapsed,z,y,x\n"
    path = write(tmp_path, zipped({"TotalAcceleration.csv": header + b"0" * (1 << 24)}), "bomb.zip")
    with pytest.raises(
        HarkenError, match="unpacks to 16,777,243 bytes, which is too large for a table of this compressed size"
    ):
        collect(path, TableOptions())


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, zipped({"TotalAcceleration.csv": axes(times(60), MS2[:60])}), "secret.zip")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        directory = archive.start_dir
    content[6] |= 1  # the flag in front of the file, and the one in the table of contents
    content[directory + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(HarkenError, match="damaged, cut short or encrypted"):
        collect(path, TableOptions())


def test_names_that_lead_out_of_an_archive_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path, axes(times(60), MS2[:60]), "TotalAcceleration.csv")
    for name in (str(outside), "../TotalAcceleration.csv", "a/../../TotalAcceleration.csv"):
        path = write(tmp_path, zipped({name: b"time,seconds_elapsed,z,y,x\n"}), "out.zip")
        assert not sensor_logger.recognises(path, head(path))
        with pytest.raises(HarkenError, match="has none of Sensor Logger's files with acceleration"):
            collect(path, TableOptions())
