"""The notebook's format, and other tables through options."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
from harken.readers import TableOptions, blocks, open_source
from harken.recordings.recording import STANDARD_GRAVITY, Recording
from reader_checks import Options
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


@pytest.mark.parametrize(
    "header", [HEADER, "timestamp,x,y,z,p,LABEL", " Timestamp , X , Y,Z ,P, Label", "Time,acc_x,Accel Y,z,P,Activity"]
)
def test_header_is_recognised(header: str, tmp_path: Path) -> None:
    same_samples(
        harken.read(write(tmp_path, [header, *LINES])), harken.read(write(tmp_path, LINES, name="without_header.csv"))
    )


def reordered(order: list[int]) -> list[str]:
    return [",".join(line.split(",")[position] for position in order) for line in [HEADER, *LINES]]


@settings(max_examples=20)
@given(order=st.permutations(range(6)))
def test_columns_in_any_order(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    same_samples(harken.read(write(folder, reordered(order))), harken.read(write(folder, LINES, "straight.csv")))


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


def test_decimal_comma_that_comes_late(tmp_path: Path) -> None:
    lines = [f"{START_MS + 20 * row};0;0;1;still" for row in range(60)] + [f"{START_MS + 1200};0,5;0;1;still"]
    assert harken.read(write(tmp_path, lines)).signals[60, 0] == 0.5


@pytest.mark.parametrize("size", [1, 50, 64, 200, 1000])
@pytest.mark.parametrize("way", ["blank lines", "everything quoted", "semicolons at line ends", "gzipped", "spaces"])
def test_blocks_of_any_size(size: int, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    test_written_otherwise(way, tmp_path)


def test_quoted_fields_may_hold_separators_and_newlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
    remark = '"a remark,\nover two lines, ""quoted"""'
    lines = [HEADER + ",Remark", *(line.replace("sitting", '"sitting, reading"') + "," + remark for line in LINES)]
    recording = harken.read(write(tmp_path, lines))
    assert len(recording) == 40
    assert recording.label_names == ("sitting, reading",)


def test_line_numbers_count_lines_inside_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100)
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


def test_no_row_has_a_label(tmp_path: Path) -> None:
    recording = harken.read(write(tmp_path, [line.replace("sitting", "") for line in LINES]))
    assert (recording.unlabelled_rows, recording.label_names) == (40, ())


def test_labels_are_names(tmp_path: Path) -> None:
    lines = [line.replace("sitting", str(10 - row % 3)) for row, line in enumerate([*LINES])]
    recording = harken.read(write(tmp_path, lines))
    assert recording.label_names == ("10", "8", "9")
    assert [recording.label_names[code] for code in recording.label_codes[:4]] == ["10", "9", "8", "10"]


def test_too_many_labels(tmp_path: Path) -> None:
    lines = [line.replace("sitting", f"label {row:04}") for row, line in enumerate(notebook_lines(1001))]
    with pytest.raises(
        harken.HarkenError,
        match=r"the column of labels contains more than 1000 names, such as 'label 0000'; choose the right column",
    ):
        harken.read(write(tmp_path, lines))


@pytest.mark.parametrize("nothing", ["", "NaN", "nan", "null", "NA", "None", "inf", "-inf", "1e99"])
def test_missing_numbers(nothing: str, tmp_path: Path) -> None:
    lines = [*LINES]
    lines[7] = re.sub(r",[^,]*", f",{nothing}", lines[7], count=1)
    recording = harken.read(write(tmp_path, lines))
    assert recording.quality.missing == 1
    assert np.flatnonzero(~recording.valid).tolist() == [7]
    assert not np.isfinite(recording.signals[7, 0])
    assert recording.signals[7, 1] == harken.read(write(tmp_path, LINES)).signals[7, 1]


def test_rows_without_a_time_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = [*LINES]
    lines[3] = lines[3].replace(str(START_MS + 60), "")
    lines[5] = ",,,,,"
    recording = harken.read(write(tmp_path, lines))
    assert recording.quality.rows == 40
    assert recording.quality.dropped == {"no time": 2}
    assert len(recording) == 38


def test_other_columns_are_ignored(tmp_path: Path) -> None:
    lines = [HEADER + ",Battery,Note,Note", *(line + ",87 %,öh,-" for line in LINES)]
    same_samples(harken.read(write(tmp_path, lines)), harken.read(write(tmp_path, LINES, "straight.csv")))


GENERAL = [
    "Exported by AnyLogger",
    "ward 7",
    "who;when (s);forward;sideways;up;doing;heart",
    *(f"p{row % 2};{row / 50:.2f};{x:.5f};{y:.5f};{z:.5f};lie;60" for row, (x, y, z) in enumerate(acceleration(40))),
]
GENERAL_OPTIONS: Options = {
    "skip_rows": 2,
    "time_column": "when (s)",
    "time_unit": "s",
    "x_column": "forward",
    "y_column": "4",
    "z_column": "up",
    "label_column": "doing",
    "subject_column": "who",
}


def test_general_table_by_options(tmp_path: Path) -> None:
    recording = harken.read(write(tmp_path, GENERAL), subject="p1", **GENERAL_OPTIONS)
    np.testing.assert_allclose(recording.signals, acceleration(40)[1::2].astype(np.float32), atol=1e-6)
    np.testing.assert_array_equal(recording.time_ns, np.arange(1, 40, 2) * 20_000_000)
    assert recording.subject == "p1"
    assert recording.label_names == ("lie",)
    assert recording.quality.dropped == {"another subject": 20}
    assert recording.quality.rows == 40


def test_several_people_in_one_file(tmp_path: Path) -> None:
    with pytest.raises(harken.HarkenError, match=r"contains 2 people \(p0, p1\); choose one with"):
        harken.read(write(tmp_path, GENERAL), **GENERAL_OPTIONS)


def test_errors_name_the_line_also_among_several_people(tmp_path: Path) -> None:
    lines = [line.replace("0.30;", "half past;") for line in GENERAL]
    with pytest.raises(harken.HarkenError, match="line 19: 'half past' is not a number, as the other times are"):
        harken.read(write(tmp_path, lines), subject="p1", **GENERAL_OPTIONS)
    assert len(harken.read(write(tmp_path, lines), subject="p0", **GENERAL_OPTIONS)) == 20


def test_subject_comes_from_its_column_the_option_or_the_file(tmp_path: Path) -> None:
    lines = [HEADER + ",Subject", *(line + ",ann" for line in LINES)]
    assert harken.read(write(tmp_path, lines)).subject == "ann"
    assert harken.read(write(tmp_path, LINES), subject="ben").subject == "ben"
    assert harken.read(write(tmp_path, LINES, "study.1.cy.csv")).subject == "study.1.cy"
    assert harken.read(write(tmp_path, gzip.compress("\n".join(LINES).encode()), "dan.csv.gz")).subject == "dan"


def test_as_found_keeps_every_row_in_its_order(tmp_path: Path) -> None:
    lines = [*LINES[20:], *LINES[:20], LINES[3]]
    recording = harken.read(write(tmp_path, lines), as_found=True)
    assert recording.as_found
    np.testing.assert_array_equal(recording.time_ns // 10**6, [int(line.split(",")[0]) for line in lines])
    assert recording.valid.all()
    mended = harken.read(write(tmp_path, lines))
    same_samples(mended, harken.read(write(tmp_path, LINES)))
    assert (mended.quality.backward_times, mended.quality.repeated_times) == (2, 1)
    assert mended.quality.dropped == {"repeated time": 1}


def test_notebooks_wild_value_is_kept_and_marked(tmp_path: Path) -> None:
    lines = notebook_lines(30_000, step_ms=20)
    lines[17] = re.sub(r",[^,]*", ",-156.86", lines[17], count=1)
    recording = harken.read(write(tmp_path, lines))
    assert recording.quality.out_of_range == 1
    assert recording.quality.sensor_range_g == 2
    assert np.flatnonzero(~recording.valid).tolist() == [17]
    assert recording.signals[17, 0] * STANDARD_GRAVITY == pytest.approx(-156.86)
