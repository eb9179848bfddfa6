"""The notebook's format, and other tables through options."""

import gzip
import io
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken.readers import TableOptions, open_source
from harken.readers import csv as csv_reader
from harken.recordings.recording import Recording
from tables import HEADER, START_MS, acceleration, notebook_lines, write

LINES = notebook_lines(40)


def same_samples(one: Recording, other: Recording) -> None:
    np.testing.assert_array_equal(one.time_ns, other.time_ns)
    np.testing.assert_array_equal(one.signals, other.signals)
    np.testing.assert_array_equal(one.label_codes, other.label_codes)
    assert one.label_names == other.label_names


def test_notebook_format(tmp_path: Path) -> None:
    recording = harken.read(write(tmp_path, LINES, "ann.csv"))
    assert recording.channels == ("x", "y", "z", "P")
    np.testing.assert_array_equal(recording.time_ns, (START_MS + 20 * np.arange(40)) * 10**6)
    np.testing.assert_allclose(recording.signals[:, :3], acceleration(40), atol=2e-5)
    assert (recording.signals[:, 3] == 3).all()
    assert recording.label_names == ("sitting",)
    assert recording.subject == "ann"
    assert recording.source == str(tmp_path / "ann.csv")
    assert recording.quality.rows == 40
    assert recording.quality.dropped == {}
    assert recording.quality.time_unit == "ms"
    assert recording.quality.acceleration_unit == "m/s2"
    assert recording.quality.notes == ("Acceleration is in m/s2 (at rest 10.01), converted to g.",)


def test_the_number_of_samples_is_expected_by_the_size_of_the_file(tmp_path: Path) -> None:
    plain = write(tmp_path, notebook_lines(5_000), "ann.csv")
    assert open_source(plain, TableOptions()).expected_samples == pytest.approx(5_000, rel=0.05)
    packed = tmp_path / "ann.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert open_source(packed, TableOptions()).expected_samples == 0
    assert open_source(plain, TableOptions(subject="ann")).expected_samples == 0


def reordered(order: list[int]) -> list[str]:
    return [",".join(line.split(",")[position] for position in order) for line in [HEADER, *LINES]]


@settings(max_examples=20)
@given(order=st.permutations(range(6)))
def test_columns_in_any_order(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    same_samples(harken.read(write(folder, reordered(order))), harken.read(write(folder, LINES, "straight.csv")))


def test_columns_by_numbers_that_are_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, reordered([0, 1, 2, 3, 5])[1:])
    numbers: dict[str, Any] = {"time_column": 1, "x_column": 2, "y_column": 3, "z_column": 4, "label_column": 5}
    same_samples(harken.read(path, **numbers), harken.read(path))


@pytest.mark.parametrize("kept", [[0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3, 5]])
@pytest.mark.parametrize("with_header", [True, False])
def test_p_and_label_may_be_missing(kept: list[int], with_header: bool, tmp_path: Path) -> None:
    recording = harken.read(write(tmp_path, reordered(kept)[not with_header :]))
    assert recording.channels == (("x", "y", "z", "P") if 4 in kept else ("x", "y", "z"))
    assert recording.label_names == (("sitting",) if 5 in kept else ())
    assert recording.unlabelled_rows == (0 if 5 in kept else 40)


WRITTEN_OTHERWISE: dict[str, list[str] | str | bytes] = {
    "DOS line ends": "\r\n".join([*LINES, ""]),
    "no newline at the end": "\n".join(LINES),
    "blank lines": "\n" + "\n\n".join(LINES) + "\n \n\t\n\r\n",
    "a mark at the beginning": b"\xef\xbb\xbf" + "\n".join(LINES).encode(),
    "a mark before a header": b"\xef\xbb\xbf" + "\n".join([HEADER, *LINES]).encode(),
    "spaces": [line.replace(",", " , ") for line in LINES],
    "everything quoted": [",".join(f'"{field}"' for field in line.split(",")) for line in LINES],
    "semicolons": [line.replace(",", ";") for line in LINES],
    "tabs": [line.replace(",", "\t") for line in LINES],
    "decimal commas": [line.replace(",", ";").replace(".", ",") for line in LINES],
    "decimal commas and spaces": [line.replace(",", " ;").replace(".", ",") for line in LINES],
    "semicolons at line ends": [line + ";" for line in LINES],
    "semicolons at DOS line ends": ";\r\n".join(LINES) + ";\r\n",
    "gzipped": gzip.compress("\n".join(LINES).encode()),
    "gzipped in two pieces": gzip.compress("\n".join([*LINES[:9], ""]).encode())
    + gzip.compress("\n".join(LINES[9:]).encode()),
}


@pytest.mark.parametrize("way", WRITTEN_OTHERWISE)
def test_written_otherwise(way: str, tmp_path: Path) -> None:
    same_samples(
        harken.read(write(tmp_path, WRITTEN_OTHERWISE[way])), harken.read(write(tmp_path, LINES, "straight.csv"))
    )


@pytest.mark.parametrize("size", [1, 50, 64, 200, 1000])
@pytest.mark.parametrize("way", ["blank lines", "everything quoted", "semicolons at line ends", "gzipped", "spaces"])
def test_blocks_of_any_size(size: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", size)
    test_written_otherwise(way, tmp_path)


def test_quoted_fields_may_hold_separators_and_newlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 100)
    remark = '"a remark,\nover two lines, ""quoted"""'
    lines = [HEADER + ",Remark", *(line.replace("sitting", '"sitting, reading"') + "," + remark for line in LINES)]
    recording = harken.read(write(tmp_path, lines))
    assert len(recording) == 40
    assert recording.label_names == ("sitting, reading",)


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


@given(parts=st.lists(st.sampled_from([b"\n", b"\r\n", b" ", b"\t", b"\r", b"1", b"\x0b"])))
def test_blank_lines_are_left_out(parts: list[bytes]) -> None:
    assert csv_reader._without_blank_lines(b"".join(parts)) == filled_lines(b"".join(parts))


def test_millions_of_blank_lines_take_less_time_than_their_number() -> None:
    """A gzipped file of a few kilobytes may hold them."""
    text = b"\n" * (1 << 21)
    begin = time.process_time()
    assert filled_lines(text) == b""
    each_line = time.process_time()
    assert csv_reader._without_blank_lines(text) == b""
    assert time.process_time() - each_line < (each_line - begin) / 2
