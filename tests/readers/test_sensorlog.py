"""SensorLog's files, made after the names of its columns, for there is no real one at hand."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from exports import head, survives, turned, written
from harken.readers import sensorlog
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from reader_checks import collected, mended, notes
from tables import HEADER, acceleration, notebook_lines, write

collect = collected(sensorlog)

START = datetime(2024, 8, 22, 12, 12, 7, 869_000, tzinfo=UTC)
START_NS = int(START.timestamp() * 1000) * 10**6
BOOTED_S = 62_608.25
SENSORS_OWN = "Times are the sensor's own, dated by the times at which rows were written."
NO_ZONE = "Times have no time zone and were read as UTC"
G = acceleration(200)

Columns = dict[str, list[str]]


def logged(offsets_s: NDArray[np.floating], form: str = "iso") -> list[str]:
    instants = [START + timedelta(seconds=float(offset)) for offset in offsets_s]
    if form == "iso":
        berlin = timezone(timedelta(hours=2))
        return [instant.astimezone(berlin).isoformat(timespec="milliseconds") for instant in instants]
    if form == "space":
        return [f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond // 1000:03} +0000" for instant in instants]
    return [f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond // 1000:03}" for instant in instants]


def uptime(offsets_s: NDArray[np.floating]) -> list[str]:
    return [f"{BOOTED_S + offset:.6f}" for offset in offsets_s]


def three(name: str, samples: NDArray[np.float64], unit: str = "G") -> Columns:
    return {f"{name}{axis}({unit})": [written(value) for value in samples[:, i]] for i, axis in enumerate("XYZ")}


def file(folder: Path, columns: Columns, name: str = "watch.csv") -> Path:
    rows = [",".join(row) for row in zip(*columns.values(), strict=True)]
    return write(folder, [",".join(columns), *rows], name)


read = mended(collect)


STEPS_S = np.arange(200) * 0.02
TOTAL = three("accelerometerAcceleration", G)
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
        CLOCK: uptime(measured_s),
        **three("accelerometerAcceleration", g),
        **three("gyroRotation", rotation, "rad/s"),
    }
    names = list(columns)
    path = file(tmp_path_factory.getbasetemp(), {names[position]: columns[names[position]] for position in order})
    assert sensorlog.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.signals[:, :3], turned(g))
    np.testing.assert_array_equal(recording.signals[:, 3:], rotation.astype(np.float32))
    assert recording.channels == ("x", "y", "z", "gyro_x", "gyro_y", "gyro_z")
    np.testing.assert_allclose(np.diff(recording.time_ns), np.diff(np.cumsum(steps_ms)) * 1e6, rtol=0, atol=2)
    late_ns = recording.time_ns[0] - START_NS - steps_ms[0] * 10**6
    assert -1_000_000 <= late_ns <= (late_ms + 1) * 10**6
    assert SENSORS_OWN in notes(recording)
    assert (NO_ZONE in notes(recording)) == (form == "local")


def test_notes(tmp_path: Path) -> None:
    recording = read(file(tmp_path, {"loggingTime(txt)": logged(STEPS_S), CLOCK: uptime(STEPS_S)} | TOTAL))
    assert recording.quality.acceleration_unit == "g"
    assert "The signs of all three axes of acceleration were reversed" in notes(recording)
    assert "never run on a real file" in notes(recording)
    assert recording.time_ns[0] == START_NS


def test_movement_and_gravity_are_summed_where_there_is_no_total(tmp_path: Path) -> None:
    still = np.repeat(G[100:101], 200, axis=0)
    apart = three("motionUserAcceleration", G - still) | three("motionGravity", still)
    rotation = three("motionRotationRate", G, "rad/s")
    columns = {"loggingTime(txt)": logged(STEPS_S), "motionTimestamp_sinceReboot(s)": uptime(STEPS_S)}
    recording = read(file(tmp_path, columns | apart | rotation))
    np.testing.assert_allclose(recording.signals, np.hstack([-G, G]), atol=2e-7)
    empty = {name: ["null"] * 200 for name in TOTAL}  # a sensor that was switched off
    assert read(file(tmp_path, columns | empty | apart | rotation)).fingerprint == recording.fingerprint
    whole = read(file(tmp_path, columns | TOTAL | apart))
    np.testing.assert_array_equal(whole.signals, turned(G))


def test_one_clock_is_enough(tmp_path: Path) -> None:
    dated = read(file(tmp_path, {"loggingTime(txt)": logged(STEPS_S)} | TOTAL))
    np.testing.assert_allclose(dated.time_ns - START_NS, STEPS_S * 1e9, atol=1)
    assert SENSORS_OWN not in notes(dated)
    dateless = read(file(tmp_path, {CLOCK: uptime(STEPS_S)} | TOTAL))
    np.testing.assert_allclose(dateless.time_ns / 1e9, BOOTED_S + STEPS_S, atol=1e-6)
    assert "The times have no date" in notes(dateless)
    clockless = file(tmp_path, TOTAL)
    with pytest.raises(HarkenError, match="nor accelerometerTimestamp_sinceReboot"):
        read(clockless)
    assert read(clockless, sample_rate_hz=50).sample_rate_hz == pytest.approx(50)


def test_clocks_that_part_because_the_phone_slept(tmp_path: Path) -> None:
    awake_s = np.where(STEPS_S < 2, STEPS_S, STEPS_S + 60)
    recording = read(file(tmp_path, {"loggingTime(txt)": logged(awake_s), CLOCK: uptime(STEPS_S)} | TOTAL))
    np.testing.assert_allclose(recording.time_ns - START_NS, awake_s * 1e9, atol=1)
    assert len(recording.gap_rows) == 1
    assert "the sensor's clock differs from them by up to 60 s." in notes(recording)


def test_a_logger_faster_than_its_sensor(tmp_path: Path) -> None:
    held_s = np.floor(STEPS_S / 0.1) * 0.1
    recording = read(file(tmp_path, {"loggingTime(txt)": logged(STEPS_S), CLOCK: uptime(held_s)} | TOTAL))
    assert len(recording) == 200
    assert "more than half of the sensor's own times repeat the previous one" in notes(recording)


def test_rows_without_a_measurement(tmp_path: Path) -> None:
    columns = {"loggingTime(txt)": logged(STEPS_S), CLOCK: uptime(STEPS_S)} | {k: list(v) for k, v in TOTAL.items()}
    for name in (CLOCK, *TOTAL):
        columns[name][50] = "null"
    recording = read(file(tmp_path, columns))
    assert len(recording) == 199
    assert recording.quality.dropped == {"no time": 1}


def test_labels_by_number(tmp_path: Path) -> None:
    columns = {"loggingTime(txt)": logged(STEPS_S)} | TOTAL | {"label(N)": ["0"] * 120 + ["2"] * 80}
    recording = read(file(tmp_path, columns))
    assert recording.label_names == ("0", "2")
    assert np.bincount(recording.label_codes).tolist() == [120, 80]


def test_what_it_is_not(tmp_path: Path) -> None:
    movement = {"loggingTime(txt)": logged(STEPS_S)} | three("motionUserAcceleration", G)
    for path in (write(tmp_path, [HEADER, *notebook_lines()]), file(tmp_path, movement, "movement.csv")):
        assert not sensorlog.recognises(path, head(path))
        with pytest.raises(HarkenError, match="has none of SensorLog's columns of acceleration"):
            collect(path, TableOptions())


def test_mutilated(tmp_path: Path) -> None:
    columns = {"loggingTime(txt)": logged(STEPS_S[:60])} | {name: values[:60] for name, values in TOTAL.items()}
    content = file(tmp_path, columns).read_bytes()
    survives(content, tmp_path / "watch.csv", sensorlog.recognises, collect)


def test_mutilated_with_two_clocks(tmp_path: Path) -> None:
    """The sensor's clock is dated by all rows, so that one damaged row may move all times together, and no further."""
    from exports import mutilations, read_or_refused

    columns = {"loggingTime(txt)": logged(STEPS_S[:60]), CLOCK: uptime(STEPS_S[:60])}
    content = file(tmp_path, columns | {name: values[:60] for name, values in TOTAL.items()}).read_bytes()
    path = tmp_path / "watch.csv"
    outcomes = set()
    for kind, damaged in mutilations(content):
        path.write_bytes(damaged)
        found = read_or_refused(path, collect)
        outcomes.add((kind, found is None))
        if found is not None and SENSORS_OWN in notes(found):
            moved = np.median(found.time_ns[: len(found) - 1] - START_NS - STEPS_S[: len(found) - 1] * 1e9)
            assert abs(moved) <= 1_000_000 or len(found) != 60
    assert {("cut", True), ("cut", False), ("flip", True), ("flip", False)} == outcomes
