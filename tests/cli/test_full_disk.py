"""A disk that is full, at one moment or another: one sentence, exit code 2, and what was finished is gone on with."""

import errno
import os
import stat
from pathlib import Path

import pytest

from command_line import Run

pytestmark = pytest.mark.second_stage

FULL = "cannot write there (No space left on device)"


class Disk:
    """Takes so many files, and no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room, self.written = 10**9, 0
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fsync(self, handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):  # the name of a file that was counted
            return
        if self.written >= self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written += 1
        self._sync(handle)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.usefixtures("small_preset", "undrawn")
def test_a_training_goes_on_wherever_it_was_stopped(run_harken: Run, alice: Path, tmp_path: Path, disk: Disk) -> None:
    arguments = ("train", alice, "--preset", "small", "--epochs", 1, "--out")
    assert run_harken(*arguments, tmp_path / "undisturbed").exit_code == 0
    writes = disk.written
    model = (tmp_path / "undisturbed" / "model.safetensors").read_bytes()
    files = {path.name for path in (tmp_path / "undisturbed").iterdir()}
    for room in (2, writes - 1):  # the record and a checkpoint; all but the record that says that it is finished
        out = tmp_path / f"after-{room}"
        disk.room, disk.written = room, 0
        ended = run_harken(*arguments, out)
        assert ended.exit_code == 2
        assert FULL in ended.stderr.splitlines()[-1]
        assert f"harken: {out}/" in ended.stderr
        assert f"{out} has the state of the training; repeat the command with --resume to continue." in ended.stderr
        disk.room = 10**9
        assert run_harken(*arguments, out, "--resume").exit_code == 0
        assert (out / "model.safetensors").read_bytes() == model
        assert {path.name for path in out.iterdir()} == files
    disk.room, disk.written = 1, 0
    ended = run_harken(*arguments, tmp_path / "another")
    assert (ended.exit_code, "has the state of the training" in ended.stderr) == (2, False)
    assert not list(tmp_path.glob("another/*")), "nothing was learned, so nothing is in the way of another try"


def test_other_commands(run_harken: Run, trained: Path, tmp_path: Path, disk: Disk) -> None:
    model, bob = trained / "run", trained / "bob.csv"
    disk.room = 0
    for arguments in (
        ("evaluate", model, bob, "--plot", tmp_path / "a.png"),
        ("adapt", model, bob, "--out", tmp_path / "a.safetensors"),
        ("simulate", "--days", 0.002, "--rate", 20, "--out", tmp_path / "a.csv"),
        ("simulate", "--days", 0.002, "--rate", 20, "--out", tmp_path / "a.parquet"),
    ):
        ended = run_harken(*arguments)
        assert (ended.exit_code, FULL in ended.stderr) == (2, True), ended.stderr
        assert not list(tmp_path.iterdir())
    ended = run_harken("evaluate", model, bob, "--plot", tmp_path / "nowhere" / "a.png")
    assert "there is no folder" in ended.stderr
    ended = run_harken("inspect", bob, "--plot", tmp_path / "a.png")
    assert (ended.exit_code, "cannot be written (No space left on device)" in ended.stderr) == (2, True)
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    ended = run_harken("export", model, "--out", tmp_path / "a.onnx")
    assert (ended.exit_code, FULL in ended.stderr) == (2, True)
