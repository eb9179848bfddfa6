"""Pipes, devices, links that lead to themselves, and damaged files of harken: every command names what it cannot use,
and the other files are done."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import polars as pl
import pytest

from command_line import Run

NO_FILE = "this is not a regular file; harken reads a file more than once, so it cannot read from a pipe or a device"


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    """A test that waits for a pipe fails after a minute."""

    def end(_: int, __: FrameType | None) -> None:
        pytest.fail("it waits for a pipe, or reads a device")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("small_preset", "undrawn")
@pytest.mark.parametrize(
    ("command", "done"),
    [
        ("label {folder} --model {model} --out {out} --workers 1", "bob: "),
        ("inspect {folder}", "bob.csv"),
        ("evaluate {model} {folder}", "bob"),
        ("train {folder} --out {out} --preset small", ""),
        ("adapt {model} {folder} --out {out}.safetensors", ""),
        ("label {bob} --model {model} --out {out} --diary {bad}", ""),
        ("label {bob} --model {model} --out {out} --segments {bad}", ""),
        ("label {bob} --model {model} --out {out} --exclude {bad}", ""),
        ("label {bob} --model {bad} --out {out}", ""),
        ("inspect {bob} --labels {bad}", ""),
    ],
)
def test_a_pipe_is_named(run_harken: Run, trained: Path, bob: Path, tmp_path: Path, command: str, done: str) -> None:
    os.mkfifo(bad := tmp_path / "bad.csv")
    places = {"folder": tmp_path, "model": trained / "run", "out": tmp_path / "out", "bob": bob, "bad": bad}
    ended = run_harken(*command.format(**places).split())
    assert (ended.exit_code, done in ended.stdout) == (2, True)
    assert f"harken: {bad}: {NO_FILE}\n" in ended.stderr


def test_a_device_without_an_end_is_not_read(run_harken: Run, trained: Path, tmp_path: Path) -> None:
    (endless := tmp_path / "endless.csv").symlink_to("/dev/zero")
    ended = run_harken("label", endless, "--model", trained / "run", "--out", tmp_path / "out")
    assert (ended.exit_code, f"harken: {endless}: {NO_FILE}\n" in ended.stderr) == (2, True)


def test_a_pipe_with_the_name_of_a_table_of_failures_is_not_opened(run_harken: Run, bob: Path) -> None:
    os.mkfifo(bob.with_name("failures.csv"))
    ended = run_harken("inspect", bob.parent)
    assert (ended.exit_code, f"failures.csv: {NO_FILE}\n" in ended.stderr) == (2, True)


@pytest.mark.usefixtures("small_preset", "undrawn")
@pytest.mark.parametrize(
    "command",
    [
        "label {folder} --model {model} --out {out} --workers 1",
        "inspect {folder}",
        "evaluate {model} {folder}",
        "train {bob} --cross {loop} --out {out} --preset small",
        "adapt {model} {folder} --out {out}.safetensors",
    ],
)
def test_a_link_to_itself_is_named(run_harken: Run, trained: Path, bob: Path, tmp_path: Path, command: str) -> None:
    (loop := tmp_path / "loop.csv").symlink_to("loop.csv")
    places = {"folder": tmp_path, "model": trained / "run", "out": tmp_path / "out", "bob": bob, "loop": loop}
    ended = run_harken(*command.format(**places).split())
    assert (ended.exit_code, command.startswith(("train", "adapt")) or "bob" in ended.stdout) == (2, True)
    assert f"harken: {loop}: cannot be read (Too many levels of symbolic links)\n" in ended.stderr


def test_a_folder_that_links_to_the_one_above_it_is_read_once(run_harken: Run, bob: Path) -> None:
    (bob.parent / "up").symlink_to("..", target_is_directory=True)
    ended = run_harken("inspect", bob.parent, "--json")
    assert [one["subject"] for one in json.loads(ended.stdout)] == ["bob"]


@pytest.mark.usefixtures("small_preset")
@pytest.mark.parametrize(
    "content",
    [
        "5",
        "[" * 100_000,
        '{"settings": 5}',
        '{"settings": {}, "data": {"training": [5], "cross": []}}',
        '{"settings": {}, "data": {"training": [], "cross": null}}',
    ],
)
def test_a_damaged_record_of_a_run_is_refused(run_harken: Run, bob: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "run").mkdir()
    (record := tmp_path / "run" / "run.json").write_text(content)
    ended = run_harken("train", bob, "--preset", "small", "--out", record.parent, "--resume")
    assert (ended.exit_code, record.read_text()) == (2, content)
    assert f"harken: {record} is damaged, or not written by this version of harken (" in ended.stderr
    assert "; start again in an empty folder\n" in ended.stderr


def test_a_damaged_summary_is_refused(run_harken: Run, trained: Path, bob: Path, tmp_path: Path) -> None:
    arguments = ("label", bob, "--model", trained / "run", "--out", tmp_path / "out")
    assert run_harken(*arguments).exit_code == 0
    summary = tmp_path / "out" / "bob" / "summary.json"
    content = json.loads(summary.read_text())
    for name, value in {"seconds_by_label": {"lying": "long"}, "notes": 5, "gaps_s": None}.items():
        summary.write_text(json.dumps(content | {name: value}))
        ended = run_harken(*arguments)
        assert (ended.exit_code, f"harken: {summary} was changed after harken wrote it" in ended.stderr) == (2, True)
        assert f"; move {summary.parent} to another place, and label the recording again\n" in ended.stderr


def write_impossible_times(folder: Path) -> None:
    """Write a Parquet file whose nanoseconds are declared as milliseconds, and a CSV file of the year 9999."""
    seconds = pl.int_range(0, 500, eager=True) / 25
    table = pl.DataFrame({"time": seconds, "x": seconds * 0, "y": seconds * 0, "z": seconds * 0 + 1})
    number = 1_700_000_000_000_000_000 + (pl.col("time") * 1e9).cast(pl.Int64)
    table.with_columns(number.cast(pl.Datetime("ms")).alias("time")).write_parquet(folder / "declared.parquet")
    text = pl.format("9999-12-31T23:59:{}-05:00", (10 + pl.col("time")).round(3))
    table.with_columns(text.alias("time")).write_csv(folder / "last_day.csv")


@pytest.mark.parametrize("workers", [1, 2])
def test_impossible_times_are_named_and_the_other_files_are_labelled(
    run_harken: Run, trained: Path, bob: Path, tmp_path: Path, workers: int
) -> None:
    write_impossible_times(tmp_path)
    out = tmp_path / "out"
    ended = run_harken("label", tmp_path, "--model", trained / "run", "--out", out, "--workers", workers)
    assert (ended.exit_code, "bob: " in ended.stdout) == (2, True)
    assert "Traceback" not in ended.stderr
    declared, last_day = (
        "row 1: the time 53872825-06-17 22:13:20 (1700000000000000000 ms since 1970) is not between 1970 and 2100",
        "line 2: the time 9999-12-31T23:59:10.0-05:00 is not between 1970 and 2100",
    )
    assert f"{tmp_path / 'declared.parquet'}, {declared}" in ended.stderr
    assert f"{tmp_path / 'last_day.csv'}, {last_day}" in ended.stderr


def test_a_declared_unit_that_is_impossible_can_be_overruled(run_harken: Run, tmp_path: Path) -> None:
    write_impossible_times(tmp_path)
    ended = run_harken("inspect", tmp_path / "declared.parquet", "--time-unit", "ns", "--json")
    assert json.loads(ended.stdout)[0]["start"].startswith("2023-11-14T22:13:20")
