"""A recording as a stream: its samples, put together, are the recording that ``read`` gives."""

import gzip
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import harken.readers.csv
import harken.readers.geneactiv
import harken.readers.gt3x
import harken.readers.parquet
import harken.readers.table
import harken.readers.table_source
import harken.readers.units
from actigraph_files import ACTIVITY_2, activity, info, metadata, parameters, steps, write_gt3x
from harken.readers import open_stream, read
from harken.readers.csv import Block
from harken.readers.layout import Layout
from harken.recordings.source import Samples, joined
from reader_checks import Options
from stream_checks import assert_same, device_files

START_MS = 1_519_170_400_000


def table(rows: int, seed: int = 0, **changes: object) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "Timestamp": START_MS + 20 * np.arange(rows),
            "X": random.normal(0, 0.2, rows).astype(np.float32),
            "Y": random.normal(0, 0.2, rows).astype(np.float32),
            "Z": random.normal(9.81, 0.2, rows).astype(np.float32),
        }
    )
    return frame.with_columns(**{name: pl.Series(values) for name, values in changes.items()})  # type: ignore[arg-type]


def drawn_steps(data: st.DataObject, rows: int, *, first: int, most: int) -> NDArray[np.int64]:
    """Milliseconds from row to row, with a few gaps and repeated times from the row ``first`` on."""
    steps = np.full(rows, 20)
    for kind, length in data.draw(
        st.lists(st.tuples(st.sampled_from(["gap", "again"]), st.integers(1, 3)), max_size=most)
    ):
        place = data.draw(st.integers(first, rows - 4))
        steps[place : place + length] = 700 if kind == "gap" else 0
    return steps


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.parquet, "ROWS_AT_ONCE", 64)


@pytest.mark.usefixtures("small_pieces")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_parquet_file_in_pieces_is_mended_as_the_whole_is(tmp_path: Path, data: st.DataObject) -> None:
    rows = data.draw(st.integers(80, 300))
    steps = drawn_steps(data, rows, first=1, most=4)
    z = np.random.default_rng(data.draw(st.integers(0, 9))).normal(9.81, 0.2, rows).astype(np.float32)
    for place in data.draw(st.lists(st.integers(0, rows - 1), max_size=3)):
        z[place] = data.draw(st.sampled_from([np.nan, 156.86, 45.0, np.inf]))
    frame = table(rows, Timestamp=START_MS + np.cumsum(steps), Z=z)
    path = tmp_path / "anna.parquet"
    frame.write_parquet(path)
    stream = open_stream(path, timezone="Europe/Athens")
    assert stream.streamed
    assert_same(stream, path, timezone="Europe/Athens")


@pytest.mark.parametrize("first", [0, 511, 512, 513])
@pytest.mark.parametrize("last", [3_510, 3_583, 3_584, 3_999])
def test_a_stuck_sensor_is_found_over_the_edges_of_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int, last: int
) -> None:
    monkeypatch.setattr(harken.readers.parquet, "ROWS_AT_ONCE", 512)
    frame = table(4_000)
    held = (np.arange(4_000) >= first) & (np.arange(4_000) <= last)
    columns = {
        name: np.where(held, np.float32(value), frame[name].to_numpy())
        for name, value in (("X", 0.5), ("Y", 0.25), ("Z", 9.8))
    }
    times = frame["Timestamp"].to_numpy() + np.where(np.arange(4_000) >= 2_000, 600 * (first % 2), 0)  # a gap, or none
    path = tmp_path / "anna.parquet"
    table(4_000, 0, Timestamp=times, **columns).write_parquet(path)
    stream = open_stream(path)
    assert stream.streamed
    assert stream.quality.stuck == (last - first + 1 if not first % 2 and last - first >= 3_000 else 0)
    assert_same(stream, path)


def test_a_broken_axis_is_marked_in_a_stream_as_in_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.parquet, "ROWS_AT_ONCE", 512)
    steady = np.random.default_rng(0).normal(3.0, 0.05, 20_000).astype(np.float32)
    swing = 3 * np.sin(np.arange(20_000) / 4).astype(np.float32)
    path = tmp_path / "anna.parquet"
    frame = table(20_000)
    frame.with_columns(X=pl.Series(swing), Z=pl.Series(9.8 + swing), Y=pl.Series(steady)).write_parquet(path)
    stream = open_stream(path)
    assert stream.streamed
    assert stream.quality.broken == 20_000
    assert_same(stream, path)


@pytest.mark.usefixtures("small_pieces")
def test_an_observer_gets_the_samples_where_nothing_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "anna.parquet"
    heard: list[Samples] = []

    def observer(channels: tuple[str, ...]) -> Callable[[Samples], None]:
        assert channels == ("x", "y", "z")
        return heard.append

    table(400).write_parquet(path)
    stream = open_stream(path, observer=observer)
    assert stream.observed
    assert all(
        np.array_equal(np.asarray(a), np.asarray(b))
        for a, b in zip(joined(heard), joined(list(stream.samples())), strict=True)
    )
    table(400, Z=[math.nan, *[9.81] * 399]).write_parquet(path)
    assert not open_stream(path, observer=observer).observed
    table(400).reverse().write_parquet(path)
    assert not open_stream(path, observer=observer).observed
    assert not open_stream(path).observed


def test_what_was_unpacked_is_gone_with_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = os.environ.get("HARKEN_DATA")
    if not folder:
        pytest.skip("HARKEN_DATA names the folder of real recordings")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "aside"))
    (tmp_path / "aside").mkdir()
    packed = tmp_path / "copy.cwa.gz"
    with (Path(folder) / "devices" / "skdh_ax3_sample.cwa").open("rb") as source, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(source, target)
    stream = open_stream(packed)
    assert_same(stream, packed)
    assert len(list((tmp_path / "aside").iterdir())) == 1
    del stream
    assert not list((tmp_path / "aside").iterdir())


START = datetime(2018, 2, 20, 23, 46, 40, tzinfo=UTC)
CLOCKS: dict[str, Callable[[int], str]] = {
    "milliseconds": lambda ms: str(START_MS + ms),
    "seconds": lambda ms: f"{(START_MS + ms) / 1000:.3f}",
    "seconds from its start": lambda ms: f"{ms / 1000:g}",
    "text": lambda ms: (START + timedelta(milliseconds=ms)).strftime("%Y-%m-%d %H:%M:%S.%f"),
    "text with commas": lambda ms: (START + timedelta(milliseconds=ms)).strftime('"%Y-%m-%dT%H:%M:%S,%f"'),
    "text in UTC": lambda ms: (START + timedelta(milliseconds=ms)).strftime("%Y/%m/%d %H:%M:%S.%fZ"),
}


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of some fifty rows, and of four blocks of them gravity is looked for in at most two."""
    monkeypatch.setattr(harken.readers.csv, "BLOCK_BYTES", 2500)
    monkeypatch.setattr(harken.readers.table_source, "STEPS_LOOKED_AT", 40)
    monkeypatch.setattr(harken.readers.units, "STEPS_LOOKED_AT", 40)
    monkeypatch.setattr(harken.readers.units, "MOST_BLOCKS", 4)


PLACES = ("memory", "file", "nowhere")


def place_copy(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Let a table be copied into memory or into a file, or be read again because there is no room for a copy."""
    monkeypatch.setattr(harken.readers.table, "MOST_COPY_BYTES_IN_MEMORY", 1 << 23 if place == "memory" else 0)
    monkeypatch.setattr(harken.readers.table, "MOST_COPY_BYTES", 0 if place == "nowhere" else 1 << 30)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("first_minute", range(0, 12, 3))
def test_an_hour_that_occurs_twice_may_lie_across_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, first_minute: int
) -> None:
    place_copy(monkeypatch, place)
    start = datetime(2017, 10, 29, 2, 50 - first_minute, tzinfo=ZoneInfo("Europe/Berlin"))
    moments = [start.astimezone(UTC) + timedelta(milliseconds=80 * row) for row in range(0, 60_000, 40)]
    moments = [moment + timedelta(milliseconds=80 * step) for moment in moments for step in range(2)]
    local = [f"{moment.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%d %H:%M:%S.%f}" for moment in moments]
    path = write(tmp_path / "anna.csv", lines_of(local))
    stream = open_stream(path, timezone="Europe/Berlin")
    times = joined(list(stream.samples())).time_ns
    assert times.tolist() == [round(moment.timestamp() * 1000) * 10**6 for moment in moments]
    assert_same(stream, path, timezone="Europe/Berlin")


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("place", PLACES)
def test_a_table_is_parsed_once_where_there_is_room_for_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    place_copy(monkeypatch, place)
    parsed = 0
    blocks = harken.readers.csv.blocks

    def counted(path: Path, layout: Layout) -> Iterator[Block]:
        nonlocal parsed
        parsed += 1
        return blocks(path, layout)

    monkeypatch.setattr(harken.readers.csv, "blocks", counted)
    path = write(tmp_path / "anna.csv", lines_of([CLOCKS["milliseconds"](20 * row) for row in range(400)]))
    stream = open_stream(path)
    assert sum(len(samples.time_ns) for samples in stream.samples()) == 400
    assert parsed == (3 if place == "nowhere" else 1)


def lines_of(times: list[str], seed: int = 0, **columns: list[str]) -> list[str]:
    """A table in the notebook's unit, m/s2, with a header."""
    random = np.random.default_rng(seed)
    values = random.normal((0, 0, 9.81), 0.3, (len(times), 3))
    rows = [[time, *(f"{value:.4f}" for value in row)] for time, row in zip(times, values, strict=True)]
    for row, *others in zip(rows, *columns.values(), strict=True):
        row += others
    return [",".join(row) for row in [["Timestamp", "X", "Y", "Z", *columns], *rows]]


def write(path: Path, lines: list[str]) -> Path:
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_csv_file_in_pieces_is_mended_as_the_whole_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    place_copy(monkeypatch, data.draw(st.sampled_from(PLACES)))
    rows = data.draw(st.integers(100, 400))
    steps = drawn_steps(data, rows, first=50, most=3)
    clock = data.draw(st.sampled_from(sorted(CLOCKS)))
    lines = lines_of(
        [CLOCKS[clock](int(ms)) for ms in np.cumsum(steps)],
        data.draw(st.integers(0, 5)),
        Label=[["walking", "", "lying", "null"][row // 50 % 4] for row in range(rows)],
    )
    for place in data.draw(st.lists(st.integers(60, rows), max_size=4)):
        time, x, y, z, label = lines[place].rsplit(",", 4)
        lines[place] = data.draw(
            st.sampled_from(
                [
                    f"{time},{x},,{z},{label}",  # a value is missing
                    f"{time},{x},null,{z},{label}",  # in words, so that numbers are no longer that
                    f"{time},160,{y},{z},{label}",  # beyond any range
                    f"{time}, {x} ,{y},{z},{label}",
                    f"{lines[place]}\n",  # a blank line behind
                    f",{x},{y},{z},{label}",  # no time
                    f"nan,{x},{y},{z},{label}",
                    f"{time},{x},nan,{z},{label}",
                ]
            )
        )
    path = write(tmp_path / "anna.csv", lines)
    zones: list[Options] = [{}, {"timezone": "Europe/Athens"}]
    options = data.draw(st.sampled_from(zones))
    stream = open_stream(path, **options)
    assert stream.streamed
    assert_same(stream, path, **options)


real = pytest.mark.skipif(not os.environ.get("HARKEN_DATA"), reason="HARKEN_DATA names the folder of real recordings")


@real
@pytest.mark.parametrize("path", device_files(".gt3x"), ids=lambda path: path.name)
@pytest.mark.parametrize("options", [{}, {"timezone": "America/New_York"}], ids=["", "zone"])
def test_real_gt3x_files_stream(path: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pieces smaller than two of the longest packets, and many more of them than these short files have.
    monkeypatch.setattr(harken.readers.gt3x, "PIECE_BYTES", 150_000)
    stream = open_stream(path, **options)
    assert stream.streamed
    assert stream.quality.stated_rate_hz in (30, 60, 80, 100)
    assert_same(stream, path, **options)


@pytest.mark.parametrize("scale", [None, "256.0"])
def test_a_log_whose_beginning_says_something_else(
    scale: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = [
        *activity(ACTIVITY_2, steps(50 * 100), 100),
        *activity(ACTIVITY_2, steps(1500 * 30), 30, range(40, 1540)),  # ten seconds a second time
        *activity(ACTIVITY_2, steps(20 * 30), 30, range(800, 820)),
        metadata(MetadataType="Bio", SubjectName="bea"),
        metadata(MetadataType="LocalTimeLog", UtcOffset="02:00"),
        parameters(accel_scale=0x0A200000),
    ]
    path = write_gt3x(tmp_path, log, info(Subject_Name=None, Acceleration_Scale=scale))
    whole = read(path)  # all of it is the beginning
    assert (whole.subject, whole.timezone) == ("bea", "Etc/GMT-2")
    assert len(whole) == 50 * 100 + 1490 * 30
    assert "30 s have times that occur earlier in the file" in " ".join(whole.quality.notes)
    monkeypatch.setattr(harken.readers.gt3x, "PIECE_BYTES", 150_000)
    monkeypatch.setattr(harken.readers.gt3x, "HEAD_BYTES", 60_000)
    in_pieces = read(path)
    assert (in_pieces.fingerprint, in_pieces.quality) == (whole.fingerprint, whole.quality)
    assert (in_pieces.subject, in_pieces.timezone) == (whole.subject, whole.timezone)
    assert open_stream(path).streamed
    assert_same(open_stream(path), path)


@real
@pytest.mark.parametrize("path", device_files("GENEActiv_testfile.bin", "geneactiv.bin", "gnactv_sample.bin"), ids=str)
def test_real_geneactiv_files_stream(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.geneactiv, "PAGES_AT_ONCE", 3)
    stream = open_stream(path, timezone="Europe/London")
    assert stream.streamed
    assert stream.quality.stated_rate_hz is not None
    assert_same(stream, path, timezone="Europe/London")
