"""The same columns in a Parquet file."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Unpack

import numpy as np
import polars as pl
import pytest

import harken
from harken.readers import TableOptions, open_source, open_stream
from harken.support.errors import HarkenError
from reader_checks import Options
from stream_checks import refusal_of
from tables import HEADER, START_MS, acceleration, notebook_lines, write

ROWS = 60
START = datetime(2018, 2, 20, 23, 46, 40, tzinfo=UTC)


def table(**columns: object) -> pl.DataFrame:
    x, y, z = acceleration(ROWS).T
    plain = {
        "Timestamp": START_MS + 20 * np.arange(ROWS),
        "X": x,
        "Y": y,
        "Z": z,
        "Label": ["sitting", "walking"] * (ROWS // 2),
    }
    return pl.DataFrame({**plain, **columns})


def read(folder: Path, frame: pl.DataFrame, **options: Unpack[Options]) -> harken.Recording:
    path = folder / "ann.parquet"
    frame.write_parquet(path)
    return harken.read(path, **options)


def test_same_as_the_csv(tmp_path: Path) -> None:
    lines = [HEADER, *notebook_lines(ROWS)]
    csv = harken.read(write(tmp_path, lines))
    parquet = read(tmp_path, pl.read_csv("\n".join(lines).encode()))
    assert parquet.fingerprint == csv.fingerprint
    assert parquet.subject == "ann"
    assert (parquet.channels, parquet.quality.notes) == (csv.channels, csv.quality.notes)


def test_the_number_of_samples_is_expected(tmp_path: Path) -> None:
    table().write_parquet(tmp_path / "ann.parquet")
    assert open_source(tmp_path / "ann.parquet", TableOptions()).expected_samples == ROWS


def test_row_groups_and_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "groups.parquet"
    table(Extra=[[1, 2]] * ROWS).write_parquet(path, row_group_size=7)
    assert harken.read(path).fingerprint == read(tmp_path, table()).fingerprint


def test_content_and_not_the_name_tells_the_format(tmp_path: Path) -> None:
    table().write_parquet(tmp_path / "export.dat")
    assert len(harken.read(tmp_path / "export.dat")) == ROWS


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int16, pl.Decimal(12, 4)])
def test_types_of_numbers(dtype: pl.DataType, tmp_path: Path) -> None:
    thousandths = {name: (axis * 1000).round() for name, axis in zip("XYZ", acceleration(ROWS).T, strict=True)}
    frame = table(**thousandths).with_columns(pl.col("X", "Y", "Z").cast(dtype))
    np.testing.assert_allclose(read(tmp_path, frame).signals, acceleration(ROWS), atol=5.1e-4)


TIMES = {
    "Int64": pl.Series(START_MS + 20 * np.arange(ROWS)),
    "UInt64": pl.Series(START_MS + 20 * np.arange(ROWS)).cast(pl.UInt64),
    "Float64 of seconds": pl.Series((START_MS + 20 * np.arange(ROWS)) / 1000),
    "Decimal of seconds": pl.Series((START_MS + 20 * np.arange(ROWS)) / 1000).cast(pl.Decimal(14, 3)),
    "Datetime": pl.Series([START.replace(tzinfo=None) + timedelta(milliseconds=20 * row) for row in range(ROWS)]),
    "Datetime in ms": pl.Series(START_MS + 20 * np.arange(ROWS)).cast(pl.Datetime("ms")),
    "Datetime with zone": pl.Series(START_MS + 20 * np.arange(ROWS)).cast(pl.Datetime("ms", "Asia/Tokyo")),
    "text": pl.Series([str(START_MS + 20 * row) for row in range(ROWS)]),
}


@pytest.mark.parametrize("kind", TIMES)
def test_types_of_times(kind: str, tmp_path: Path) -> None:
    time_ns = read(tmp_path, table(Timestamp=TIMES[kind])).time_ns
    np.testing.assert_allclose(time_ns, (START_MS + 20 * np.arange(ROWS)) * 10**6, rtol=0, atol=200)


def test_datetimes_in_a_zone(tmp_path: Path) -> None:
    local = [datetime(2018, 2, 21, 1, 46, 40) + timedelta(milliseconds=20 * row) for row in range(ROWS)]
    assert read(tmp_path, table(Timestamp=local), timezone="Europe/Athens").time_ns[0] == START_MS * 10**6


LABELS = {
    "Categorical": pl.Series(["sitting", "walking"] * 30, dtype=pl.Categorical),
    "Enum": pl.Series(["sitting", "walking"] * 30, dtype=pl.Enum(["walking", "sitting"])),
    "numbers": pl.Series([7, 8] * 30),
    "truth": pl.Series([False, True] * 30),
}


@pytest.mark.parametrize("kind", LABELS)
def test_types_of_labels(kind: str, tmp_path: Path) -> None:
    recording = read(tmp_path, table(Label=LABELS[kind]))
    assert len(recording.label_names) == 2
    np.testing.assert_array_equal(recording.label_codes, [0, 1] * 30)


def test_nothing_in_a_column(tmp_path: Path) -> None:
    recording = read(tmp_path, table(Label=[None] * ROWS))
    assert recording.unlabelled_rows == ROWS
    recording = read(tmp_path, table(X=[None, *acceleration(ROWS)[1:, 0]], Label=["sitting", None] * 30))
    assert (recording.quality.missing, recording.unlabelled_rows) == (1, 30)


BAD_TYPES = {
    "X": (["0.5"] * ROWS, "column X: contains String, not numbers; choose the column of x with --x-column"),
    "Timestamp": (
        [[1]] * ROWS,
        "column Timestamp: contains List(Int64), not times; choose the column of time with --time-column",
    ),
    "Label": (
        [b"sit"] * ROWS,
        "column Label: contains Binary, not names; choose the column of label with --label-column",
    ),
}


@pytest.mark.parametrize("column", BAD_TYPES)
def test_bad_type(column: str, tmp_path: Path) -> None:
    values, message = BAD_TYPES[column]
    with pytest.raises(HarkenError) as caught:
        read(tmp_path, table(**{column: values}))
    assert str(caught.value) == f"{tmp_path / 'ann.parquet'}, {message}"


NO_TIMES = {
    "Date": pl.Series([datetime(2018, 2, 20).date()] * ROWS),
    "Duration(time_unit='us')": pl.Series([timedelta(seconds=1)] * ROWS),
    "Time": pl.Series([time(12, 30)] * ROWS),
    "Int128": pl.Series(START_MS + 20 * np.arange(ROWS)).cast(pl.Int128),
    "Binary": pl.Series([b"12:30"] * ROWS),
    "Boolean": pl.Series([True] * ROWS),
}


@pytest.mark.parametrize("kind", NO_TIMES)
@pytest.mark.parametrize("reader", [harken.read, open_stream])
def test_a_column_that_holds_no_times_is_named_with_its_type(
    kind: str, reader: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "ann.parquet"
    table(Timestamp=NO_TIMES[kind]).write_parquet(path)
    with pytest.raises(HarkenError) as caught:
        reader(path)
    assert str(caught.value) == (
        f"{path}, column Timestamp: contains {kind}, not times; choose the column of time with --time-column"
    )


def test_times_that_no_64_bits_hold(tmp_path: Path) -> None:
    times = pl.Series([2**64 - 1 - row for row in range(ROWS)], dtype=pl.UInt64)
    with pytest.raises(HarkenError, match=r"ann.parquet, row 1: the time 1.8\d*e\+19 ns since 1970 is not between"):
        read(tmp_path, table(Timestamp=times), time_unit="ns")


@pytest.mark.parametrize("reader", [harken.read, lambda path: list(open_stream(path).samples())], ids=["read", "open"])
def test_a_damaged_file_is_read_or_refused_in_a_sentence_and_nothing_is_printed(
    reader: Callable[[Path], object], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, copy = tmp_path / "ann.parquet", tmp_path / "copy.parquet"
    table().write_parquet(path, row_group_size=20)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    random = np.random.default_rng(11)  # six panics of polars, and more
    refused = 0
    for number in range(200):
        damaged = bytearray(content[: int(random.integers(1, len(content)))] if number % 10 == 0 else content)
        for place in random.integers(footer if number % 2 else 0, len(content), 1 + number % 3).tolist():
            damaged[place % len(damaged)] = int(random.integers(256))
        copy.write_bytes(damaged)
        refused += refusal_of(reader, copy) is not None
    assert 60 < refused < 200
    assert capfd.readouterr() == ("", "")


def test_bad_time_names_its_row(tmp_path: Path) -> None:
    times = [f"2018-02-20 23:46:40.{20 * row:03}" for row in range(40)] + ["later"] * (ROWS - 40)
    with pytest.raises(HarkenError, match="row 41: 'later' is not a time in a known form"):
        read(tmp_path, table(Timestamp=times))


def test_p_that_is_no_number_is_another_column(tmp_path: Path) -> None:
    assert read(tmp_path, table(P=["high"] * ROWS)).channels == ("x", "y", "z")


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="it contains no rows of data"):
        read(tmp_path, table().clear())


def test_missing_column(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="found no column for z "):
        read(tmp_path, table().drop("Z"))


def test_not_parquet_in_spite_of_its_name(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=r"watch.parquet: not a complete Parquet file \("):
        harken.read(write(tmp_path, notebook_lines(), "watch.parquet"))


def test_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "cut.parquet"
    table().write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HarkenError, match=r"cut.parquet: not a complete Parquet file \("):
        harken.read(path)
