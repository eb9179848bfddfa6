"""The notebook's format, and other tables through options: read in blocks, written in many ways, on local time."""

import gzip
import io
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from command_line import Run
from harken.readers import csv as csv_reader
from harken.readers import open_source
from harken.readers.options import TableOptions
from harken.readers.time_columns import nanoseconds
from harken.readers.units import G_PER_UNIT, NS_PER_UNIT
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from tables import HEADER, START_MS, acceleration, notebook_lines, write

LINES = notebook_lines(40)


def same_samples(one: Recording, other: Recording) -> None:
    np.testing.assert_array_equal(one.time_ns, other.time_ns)
    np.testing.assert_array_equal(one.signals, other.signals)
    np.testing.assert_array_equal(one.label_codes, other.label_codes)
    assert one.label_names == other.label_names


def test_the_number_of_samples_is_expected_by_the_size_of_the_file(tmp_path: Path) -> None:
    plain = write(tmp_path, notebook_lines(5_000), "ann.csv")
    assert open_source(plain, TableOptions()).expected_samples == pytest.approx(5_000, rel=0.05)
    packed = tmp_path / "ann.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert open_source(packed, TableOptions()).expected_samples == 0
    assert open_source(plain, TableOptions(subject="ann")).expected_samples == 0


def reordered(order: list[int]) -> list[str]:
    return [",".join(line.split(",")[position] for position in order) for line in [HEADER, *LINES]]


def test_columns_by_numbers_that_are_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, reordered([0, 1, 2, 3, 5])[1:])
    numbers: dict[str, Any] = {"time_column": 1, "x_column": 2, "y_column": 3, "z_column": 4, "label_column": 5}
    same_samples(harken.read(path, **numbers), harken.read(path))


def write_two_sensors(folder: Path, name: str, second: str, *, others_subject: str = "ann") -> Path:
    """Write a table in which the rows of two sensors alternate, so that its times never step back."""
    lines = ["Timestamp,X,Y,Z,P,Label,Subject,Placement"]
    for line in LINES:
        lines += [f"{line},ann,wrist", f"{line},{others_subject},{second}"]
    path = write(folder, lines, "sensors.csv")
    if name.endswith(".parquet"):
        pl.read_csv(path).write_parquet(folder / name)
    return folder / name


@pytest.mark.parametrize("options", [{}, {"subject": "ann"}, {"sample_rate_hz": 100.0}, {"label_column": "Placement"}])
@pytest.mark.parametrize("name", ["sensors.csv", "sensors.parquet"])
def test_samples_of_two_sensors_are_not_mixed(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = write_two_sensors(tmp_path, name, "thigh")
    refusal = (
        f"{path}: contains 2 placements (thigh, wrist) of ann; leave only the rows of one in the file. It contains "
        "several recordings, distinguished by the column Placement; harken.datasets.tidy.read_tidy(PATH) reads all"
    )
    with pytest.raises(HarkenError, match=re.escape(refusal)):
        harken.read(path, **options)


def test_rows_without_a_placement_are_not_mixed_with_others(tmp_path: Path) -> None:
    path = write_two_sensors(tmp_path, "sensors.csv", "")
    with pytest.raises(HarkenError, match=r"contains 2 placements \(without a name, wrist\) of ann"):
        harken.read(path)


def test_a_table_with_a_single_placement_of_the_wearer_is_read(tmp_path: Path) -> None:
    alone = write_two_sensors(tmp_path, "sensors.csv", "wrist", others_subject="bo")
    assert len(harken.read(alone, subject="ann")) == len(LINES)
    of_another = write_two_sensors(tmp_path, "sensors.csv", "thigh", others_subject="bo")
    assert len(harken.read(of_another, subject="ann")) == len(LINES)


def excels_table(label: str, encoding: str) -> bytes:
    """A table that was saved on a German Windows: semicolons, decimal commas and a name with an umlaut."""
    lines = [line.removesuffix(",3,sitting") + f",{label}" for line in LINES]
    rows = [line.replace(",", ";").replace(".", ",") for line in ["Zeit,X,Y,Z,Aktivität", *lines]]
    return "\r\n".join([*rows, ""]).encode(encoding)


def test_a_column_whose_name_is_in_latin_1_is_found(run_harken: Run, tmp_path: Path) -> None:
    path = write(tmp_path, excels_table("gehen", "cp1252"))
    options = ("--time-column", "Zeit", "--label-column")
    assert "gehen" in run_harken("inspect", path, *options, "Aktivität").stdout
    misspelt = run_harken("inspect", path, *options, "Tätigkeit")
    assert misspelt.exit_code == 2
    assert misspelt.stderr.endswith(
        "its columns are Zeit, X, Y, Z, Aktivität. The names are not in UTF-8: they are shown as if they were in "
        'Windows-1252 (Latin-1). If they look wrong, save the file as CSV in UTF-8 (in Excel: "CSV UTF-8")\n'
    )


@pytest.mark.parametrize(
    ("encoding", "refusal"),
    [
        ("cp1252", "line 2: 'Übung' is not in UTF-8, but probably in Windows-1252 (Latin-1); save the file as CSV in"),
        ("utf-16", 'this file is in UTF-16; save it as CSV in UTF-8 (in Excel: "CSV UTF-8")'),
    ],
)
def test_labels_in_another_encoding_are_refused_by_its_name(encoding: str, refusal: str, tmp_path: Path) -> None:
    path = write(tmp_path, excels_table("Übung", encoding))
    with pytest.raises(harken.HarkenError, match=re.escape(refusal)):
        harken.read(path, time_column="Zeit", label_column="Aktivität")


WRITTEN_OTHERWISE: dict[str, list[str] | str | bytes] = {
    "blank lines": "\n" + "\n\n".join(LINES) + "\n \n\t\n\r\n",
    "spaces": [line.replace(",", " , ") for line in LINES],
    "everything quoted": [",".join(f'"{field}"' for field in line.split(",")) for line in LINES],
    "semicolons at line ends": [line + ";" for line in LINES],
    "gzipped": gzip.compress("\n".join(LINES).encode()),
}


@pytest.mark.parametrize("size", [1, 50, 64, 200, 1000])
@pytest.mark.parametrize("way", WRITTEN_OTHERWISE)
def test_blocks_of_any_size(size: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = harken.read(write(tmp_path, LINES, "straight.csv"))
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", size)
    same_samples(harken.read(write(tmp_path, WRITTEN_OTHERWISE[way])), straight)


def test_line_numbers_count_lines_inside_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 100)
    lines = [HEADER + ",Remark", *(line + ',"two\nlines"' for line in LINES)]
    lines[31] = lines[31].replace(",", ",oh", 1)
    with pytest.raises(harken.HarkenError, match="line 62, column X"):
        harken.read(write(tmp_path, lines))


@pytest.mark.parametrize("nothing", ["", '""', "null", "NaN", "nan", "NULL", " "])
def test_unlabelled(nothing: str, tmp_path: Path) -> None:
    lines = [line.replace("sitting", nothing) if row % 2 else line for row, line in enumerate(LINES)]
    recording = harken.read(write(tmp_path, lines))
    assert recording.unlabelled_rows == 20
    assert recording.label_names == ("sitting",)
    np.testing.assert_array_equal(recording.label_codes, np.tile([0, -1], 20))


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "null", "NA", "None", "inf", "-inf", "1e99"])
def test_missing_numbers(nothing: str, tmp_path: Path) -> None:
    lines = [*LINES]
    lines[7] = re.sub(r",[^,]*", f",{nothing}", lines[7], count=1)
    recording = harken.read(write(tmp_path, lines))
    assert recording.quality.missing == 1
    assert np.flatnonzero(~recording.valid).tolist() == [7]
    assert not np.isfinite(recording.signals[7, 0])
    assert recording.signals[7, 1] == harken.read(write(tmp_path, LINES)).signals[7, 1]


def filled_lines(text: bytes) -> bytes:
    return b"".join(line for line in io.BytesIO(text) if line.strip(b" \t\r\n"))


def test_millions_of_blank_lines_take_less_time_than_their_number() -> None:
    """A gzipped file of a few kilobytes may hold them."""
    text = b"\n" * (1 << 21)
    begin = time.process_time()
    assert filled_lines(text) == b""
    each_line = time.process_time()
    assert csv_reader._without_blank_lines(text) == b""
    assert time.process_time() - each_line < (each_line - begin) / 2


ROUND_TRIP = st.fixed_dictionaries(
    {
        "rows": st.integers(70, 200),
        "seed": st.integers(0, 2**32),
        "step_ms": st.integers(4, 150),
        "unit": st.sampled_from(list(G_PER_UNIT)),
        "time_unit": st.sampled_from(list(NS_PER_UNIT)),
        "start": st.sampled_from([0, START_MS]),
        "order": st.permutations(range(6)),
        "separator": st.sampled_from(",;\t"),
        "quoted": st.booleans(),
        "labels": st.lists(
            st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8), min_size=1, max_size=4
        ),
        "size": st.sampled_from([100, 1 << 24]),
    }
)


@pytest.mark.second_stage
@settings(max_examples=30)
@given(drawn=ROUND_TRIP)
def test_round_trip(drawn: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    rows, labels = drawn["rows"], drawn["labels"]
    g = acceleration(rows, drawn["seed"])
    written = g / G_PER_UNIT[drawn["unit"]]
    time_ms = drawn["start"] + drawn["step_ms"] * np.arange(rows)
    factor = 10**6 // NS_PER_UNIT[drawn["time_unit"]] if drawn["time_unit"] != "s" else None
    times = [f"{ms // 1000}.{ms % 1000:03}" if factor is None else str(ms * factor) for ms in time_ms]
    mark = '"' if drawn["quoted"] else ""
    table = [
        ["Timestamp", "X", "Y", "Z", "P", "Label"],
        *(
            [time, *(f"{mark}{value:.9g}{mark}" for value in axes), "2", quoted(labels[row * len(labels) // rows])]
            for row, (time, axes) in enumerate(zip(times, written, strict=True))
        ),
    ]
    lines = [drawn["separator"].join(row[position] for position in drawn["order"]) for row in table]
    path = write(tmp_path_factory.getbasetemp(), lines, "round_trip.csv")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", drawn["size"])
        recording = harken.read(path)
    assert recording.quality.acceleration_unit == drawn["unit"]
    assert recording.quality.time_unit == drawn["time_unit"]
    np.testing.assert_allclose(recording.signals[:, :3], g, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(recording.time_ns / 10**6, time_ms, rtol=0, atol=5e-4)
    names = np.array([*recording.label_names, ""])[recording.label_codes]
    expected = [labels[row * len(labels) // rows] for row in range(rows)]
    assert names.tolist() == ["" if name.lower() in ("null", "nan") else name for name in expected]


def quoted(label: str) -> str:
    """A label as every writer of CSV writes it."""
    return '"' + label.replace('"', '""') + '"'


@settings(max_examples=30)
@given(
    zone=st.sampled_from(["Europe/Athens", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
    start=st.datetimes(datetime(2015, 1, 1), datetime(2019, 12, 1)),
)
def test_a_year_of_local_time(zone: str, start: datetime) -> None:
    """Whatever a watch on local time wrote every 10 minutes for 400 days is read as it happened."""
    first = start.replace(tzinfo=UTC, second=0, microsecond=0)
    truth = pl.datetime_range(first, first + timedelta(days=400), "10m", time_unit="ms", time_zone="UTC", eager=True)
    local = truth.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    clock = nanoseconds(Path("a"), local, TableOptions(timezone=zone), str)
    np.testing.assert_array_equal(clock.time_ns, truth.dt.epoch("ns").to_numpy())
