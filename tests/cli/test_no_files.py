"""What has the name of a file but is none, such as a pipe: every command names it, and the other files are done."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

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
        ("label {folder} --model {model} --out {out} --workers 1", "bob.csv: bob, "),
        ("inspect {folder}", "bob.csv"),
        ("evaluate {model} {folder}", "bob"),
        ("train {folder} --out {out} --preset small", ""),
        ("adapt {model} {folder} --out {out}.safetensors", ""),
        ("label {bob} --model {model} --out {out} --diary {bad}", ""),
        ("label {bob} --model {model} --out {out} --segments {bad}", ""),
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
