"""A recording as a stream: its samples, put together, are the recording that ``read`` gives."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harken.readers.parquet
from harken.readers import open_stream
from harken.recordings.source import Samples, joined
from stream_checks import assert_same

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


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harken.readers.parquet, "ROWS_AT_ONCE", 64)


@pytest.mark.usefixtures("small_pieces")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_parquet_file_in_pieces_is_mended_as_the_whole_is(tmp_path: Path, data: st.DataObject) -> None:
    rows = data.draw(st.integers(80, 300))
    steps = np.full(rows, 20)
    for kind, length in data.draw(
        st.lists(st.tuples(st.sampled_from(["gap", "again"]), st.integers(1, 3)), max_size=4)
    ):
        place = data.draw(st.integers(1, rows - 4))
        steps[place : place + length] = 700 if kind == "gap" else 0
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
    import gzip
    import tempfile

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
