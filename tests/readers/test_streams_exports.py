"""Exports of ActiLife and OMGUI as streams: their samples, put together, are what ``read`` gives."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import harken.readers.csv
from actigraph_files import export_header
from harken.readers import open_stream, read
from harken.readers.gt3x_log import RepeatedValues
from stream_checks import assert_same, refusal_of
from tables import acceleration, write

RATE = 30
EXPORTS = (
    "pygt3x_neo.csv",
    "readgt3x_TAS1H30182785_2019-09-17.csv.gz",
    "ggir_ax3_testfile_unix_timestamps.csv",
    "ggir_ax6_testfile_formatted_timestamps.csv",
)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.csv, "BLOCK_BYTES", 4000)


@pytest.mark.parametrize("name", EXPORTS)
def test_real_exports_stream(name: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = data_dir / "devices" / name
    monkeypatch.setattr(harken.readers.csv, "BLOCK_BYTES", max(4000, path.stat().st_size // 8))
    stream = open_stream(path, timezone="America/New_York")
    assert stream.streamed
    assert_same(stream, path, timezone="America/New_York")


def test_exports_of_counts_are_refused_as_the_whole_is(data_dir: Path) -> None:
    path = data_dir / "devices" / "ggir_ActiGraph61.csv"
    assert refusal_of(open_stream, path) == refusal_of(read, path) is not None


def values(rows: int) -> NDArray[np.float64]:
    """A sensor's noise, then nothing but repeated values and zeros, then noise."""
    found = acceleration(rows).round(3)
    found[rows // 4 : rows // 2] = found[rows // 4]
    found[rows // 2 : rows // 2 + 3 * RATE] = 0
    return found


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("form", ["", "%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S"])
@pytest.mark.parametrize("imu", [False, True])
def test_actilifes_exports_in_every_form(tmp_path: Path, form: str, imu: bool) -> None:
    rows = 1200
    columns = ["Accelerometer X", "Accelerometer Y", "Accelerometer Z"]
    lines = [",".join(f"{value:g}" for value in row) for row in values(rows)]
    if imu:
        columns += ["Temperature", "Gyroscope X", "Gyroscope Y", "Gyroscope Z"]
        lines = [f"{line},25.5,90,{number % 7},-180" for number, line in enumerate(lines)]
    if form:
        columns = ["Timestamp", *columns]
        start = np.datetime64("2019-09-17T18:40:00", "ms")
        times = [(start + np.timedelta64(round(1000 * row / RATE), "ms")).item() for row in range(rows)]
        lines = [
            f"{time.strftime(form)}.{time.microsecond // 1000:03d},{line}"
            for time, line in zip(times, lines, strict=True)
        ]
    path = write(tmp_path, [*export_header(), ",".join(columns), *lines])
    stream = open_stream(path, timezone="America/New_York")
    assert stream.streamed
    assert not next(stream.samples()).valid.all() or not all(part.valid.all() for part in stream.samples())
    assert_same(stream, path, timezone="America/New_York")
    lines[700] = lines[700].rsplit(",", 1)[0] + ",null"  # no number, so that all is read as text
    lines[900] = lines[900].rsplit(",", 1)[0] + ","
    path = write(tmp_path, [*export_header(), ",".join(columns), *lines])
    assert_same(open_stream(path), path)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("mixed_up", [0, 160, 5000])
def test_an_export_of_an_ax6_whose_sensors_are_mixed_up_at_first(tmp_path: Path, mixed_up: int) -> None:
    rows = 5000
    g, rotation = acceleration(rows), np.full((rows, 3), 0.5)
    table = np.hstack([g, rotation])
    table[:mixed_up] = np.hstack([rotation * 16.384 / 2048, g * 2048 / 16.384])[:mixed_up]
    start_s = int(datetime(2019, 12, 23, 21, 4, 6, tzinfo=UTC).timestamp())
    lines = [
        ",".join([f"{start_s + row // 100}.{row % 100:02d}00", *(f"{value:.6f}" for value in values), "23.50"])
        for row, values in enumerate(table)
    ]
    path = tmp_path / "anna.csv.gz"
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    stream = open_stream(path, timezone="Europe/Athens")
    assert stream.streamed
    assert_same(stream, path, timezone="Europe/Athens")


@settings(max_examples=50)
@given(
    lengths=st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(1, 14)), min_size=1, max_size=12),
    cuts=st.lists(st.integers(0, 150), max_size=6),
)
def test_repeated_values_are_found_however_samples_are_cut(lengths: list[tuple[int, int]], cuts: list[int]) -> None:
    rate = 4
    samples = np.repeat([kind for kind, _ in lengths], [length for _, length in lengths])
    samples = np.stack([samples] * 3, axis=1).astype(np.float32)
    repeats, whole = RepeatedValues(rate), RepeatedValues(rate)
    whole.push(samples)
    for piece in np.split(samples, sorted(cut for cut in cuts if cut < len(samples))):
        repeats.push(piece)
    expected, begin = [], 0  # one sample after the other
    for row in range(1, len(samples) + 1):
        if row < len(samples) and (samples[row] == samples[begin]).all():
            continue
        repeated = row - begin - (1 if samples[begin].any() else 0)
        if repeated >= rate and row - begin > 1:
            expected.append((row - repeated // rate * rate, row))
        begin = row
    assert repeats.finish() == whole.finish() == expected
