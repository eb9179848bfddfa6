"""The same columns in a Parquet file, and what is kept off the terminal while a library in Rust reads it."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import numpy as np
import polars as pl
import pytest

import harken
from harken.readers import TableOptions, open_source, open_stream
from harken.readers.parquet import without_panics
from harken.support.files import replacing
from reader_checks import Options
from stream_checks import refusal_of
from tables import HEADER, START_MS, acceleration, notebook_lines, write

ROWS = 60


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


def test_a_recording_that_is_replaced_by_a_longer_one_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "phone.parquet"
    numbers = np.random.default_rng(1)
    frames = []
    for rows in (1000, 5000, 9000):
        times = START_MS + 20 * np.arange(rows)
        axes = dict(zip("XYZ", numbers.normal(0.5, 0.1, (3, rows)), strict=True))
        frames.append(pl.DataFrame({"Timestamp": times, **axes}))
    frames[0].write_parquet(path)
    ended = threading.Event()

    def replace() -> None:
        while not ended.is_set():
            for frame in frames:
                with replacing(path) as aside:
                    frame.write_parquet(aside)

    replacing_it = threading.Thread(target=replace)
    replacing_it.start()
    try:
        lengths = {len(harken.read(path)) for _ in range(150)}
    finally:
        ended.set()
        replacing_it.join()
    assert lengths <= {len(frame) for frame in frames}


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


PANIC = "\nthread 'tokio-rt-worker' (9087) panicked at a.rs:585:9:\nassertion failed: a\n<= b\nnote: run with it\n"


def test_panics_are_left_out_and_all_else_appears(capfd: pytest.CaptureFixture[str]) -> None:
    with without_panics():
        os.write(2, f"before\n{PANIC}between\n{PANIC}".encode())
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "before\nbetween\n"
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_a_real_panic_is_left_out_and_raised(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:4] + content[footer:])  # the column now lies beyond the end of the file
    with pytest.raises(pl.exceptions.PanicException), without_panics():
        pl.read_parquet(path)
    assert capfd.readouterr().err == ""


BLOCKS_OF_THREADS = """
import os, sys, threading
from harken.readers.parquet import without_panics

def write_numbers(number):
    for _ in range(20):
        with without_panics():
            os.write(2, f"{number}\\n".encode())

def count_open_files():
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0

before = count_open_files()
threads = [threading.Thread(target=write_numbers, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(count_open_files() - before)
"""


def test_blocks_of_several_threads_at_once() -> None:
    # A process of its own: threads of other tests may open and close files meanwhile.
    ended = subprocess.run([sys.executable, "-c", BLOCKS_OF_THREADS], capture_output=True, text=True, check=True)
    assert sorted(ended.stderr.split()) == sorted(str(number) for number in range(8) for _ in range(20))
    assert int(ended.stdout) == 0


def test_without_any_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: int) -> int:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "dup", closed)
    with without_panics():
        pass


def test_a_description_of_lists_in_lists_is_refused(tmp_path: Path) -> None:
    row_groups, list_of_one_list = b"\x49", b"\x19"  # in Thrift
    description = row_groups + 100_000 * list_of_one_list
    path = tmp_path / "deep.parquet"
    path.write_bytes(b"PAR1" + description + len(description).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(harken.HarkenError, match=r"deep\.parquet: not a complete Parquet file; it is damaged"):
        harken.read(path)


def test_a_page_that_states_an_impossible_number_of_values_does_not_end_the_process(tmp_path: Path) -> None:
    """polars aborts when it reads such a file."""
    numbers = pl.int_range(0, 800, eager=True)
    time = (1_700_000_000_000 + 40 * numbers).cast(pl.Datetime("ms"))
    frame = pl.DataFrame({"time": time, "x": numbers * 0.0, "y": numbers * 0.0, "z": numbers * 0.0 + 1})
    frame.write_parquet(whole := tmp_path / "whole.parquet")
    content = whole.read_bytes()
    places = [match.start() for match in re.finditer(re.escape(b"\x15\xc0\x0c"), content)]  # 800 in Thrift
    damaged = [tmp_path / f"damaged_{place}.parquet" for place in places]
    for path, place in zip(damaged, places, strict=True):
        path.write_bytes(content[: place + 1] + b"\xc1" + content[place + 2 :])  # -801
    command: list[str | Path] = [sys.executable, "-m", "harken", "inspect", *damaged, whole]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (len(damaged) >= 4, ended.returncode) == (True, 2), ended.stderr
    for path in damaged:
        assert f"{path}: not a complete Parquet file; it is damaged. Export or copy it again" in ended.stderr
    assert "whole.parquet" in ended.stdout
