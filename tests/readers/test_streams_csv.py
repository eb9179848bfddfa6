"""A CSV file as a stream: its samples, put together, are the recording that ``read`` gives."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harken.readers.csv
import harken.readers.table
import harken.readers.units
from harken.readers import open_stream
from reader_checks import Options
from stream_checks import assert_same

START_MS = 1_519_170_400_000
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
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of some fifty rows, and of four blocks of them gravity is looked for in at most two."""
    monkeypatch.setattr(harken.readers.csv, "BLOCK_BYTES", 2500)
    monkeypatch.setattr(harken.readers.table, "STEPS_LOOKED_AT", 40)
    monkeypatch.setattr(harken.readers.units, "STEPS_LOOKED_AT", 40)
    monkeypatch.setattr(harken.readers.units, "MOST_BLOCKS", 4)


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


@pytest.mark.usefixtures("small_pieces")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_csv_file_in_pieces_is_mended_as_the_whole_is(tmp_path: Path, data: st.DataObject) -> None:
    rows = data.draw(st.integers(100, 400))
    steps = np.full(rows, 20)
    for kind, length in data.draw(
        st.lists(st.tuples(st.sampled_from(["gap", "again"]), st.integers(1, 3)), max_size=3)
    ):
        place = data.draw(st.integers(50, rows - 4))
        steps[place : place + length] = 700 if kind == "gap" else 0
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
