"""Writing aside and renaming: errors of the disk by the name of the file, and what a kill leaves behind."""

import ctypes
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import killed_commands
from command_line import Run
from harken.support import files
from harken.support.aside import is_aside, remove_left_behind
from harken.support.files import NotWrittenError, appearing, append_lines, linked_file, replacing, write_bytes

WRITER = """
import sys
import tempfile
from harken.support.files import appearing, replacing
with replacing(sys.argv[1] + ".csv") as aside, appearing(sys.argv[1]) as folder:
    aside.write_text("half")
    (folder / "in it").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writing(name: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in the middle of writing ``NAME.csv`` and the folder ``NAME``, until its standard input is closed."""
    command = [sys.executable, "-c", WRITER, str(name)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        yield process


def asides(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if is_aside(path))


def test_what_a_killed_process_left_is_removed_and_a_living_one_is_not_disturbed(tmp_path: Path) -> None:
    with writing(tmp_path / "living") as living:
        with writing(tmp_path / "killed") as killed:
            killed.send_signal(signal.SIGKILL)
        assert len(asides(tmp_path)) == 4
        write_bytes(tmp_path / "next", b"whole")
        assert len(asides(tmp_path)) == 2
        assert living.stdin is not None
        living.stdin.close()
        assert living.wait() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["living", "living.csv", "next"]
    assert (tmp_path / "living" / "in it").read_text() == "half"


REPLACES = """
import sys
from harken.support.files import appearing
from killed_commands import kill_before
folder, step, can_exchange = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "True"
with appearing(folder) as aside:
    (aside / "in it").write_text("new")
    kill_before(step, can_exchange=can_exchange)
"""


@pytest.mark.second_stage
@pytest.mark.skipif(os.name != "posix", reason="this system has no SIGKILL")
@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_that_is_replaced_is_whole_after_a_kill_at_any_step(tmp_path: Path, can_exchange: bool) -> None:
    folder = tmp_path / "results"
    content = []
    for step in count(1):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "in it").write_text("old")
        command = [sys.executable, "-c", REPLACES, str(folder), str(step), str(can_exchange)]
        environment = os.environ | {"PYTHONPATH": str(Path(killed_commands.__file__).parent)}
        ended = subprocess.run(command, check=False, env=environment).returncode
        assert folder.exists() or not can_exchange
        remove_left_behind(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["results"]
        content.append((folder / "in it").read_text())
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert set(content) == {"old", "new"}
    assert content == sorted(content, reverse=True), "first old, then new"


def test_a_folder_aside_that_another_process_takes_for_one_that_was_left_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = tempfile.mkdtemp
    made: list[str] = []

    def make_and_clean(**options: Any) -> str:
        made.append(make(**options))
        if len(made) == 1:
            remove_left_behind(tmp_path)
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_clean)
    write_bytes(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


NOT_OURS = (".writing-my-novel", ".writing-harken-my_novel", "harken-temporary-my_novel")


def test_only_what_harken_made_is_removed(run_harken: Run, tmp_path: Path) -> None:
    for name in NOT_OURS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "chapter 1").write_text("It was a dark and stormy night.")
    (tmp_path / ".writing-notes").write_text("mine")
    (tmp_path / ".writing-harken-notes123.csv").write_text("mine")
    for path in (*tmp_path.iterdir(), *tmp_path.glob("*/*")):
        os.utime(path, (0, 0))
    with writing(tmp_path / "killed") as killed:
        killed.send_signal(signal.SIGKILL)
    written = run_harken("simulate", "--days", 0.001, "--rate", 20, "--out", tmp_path / "a.csv")
    assert written.exit_code == 0, written.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*NOT_OURS, ".writing-notes", ".writing-harken-notes123.csv", "a.csv", "a.truth.parquet"}
    assert len(list(tmp_path.glob("*/chapter 1"))) == len(NOT_OURS)


def test_a_link_is_not_followed_and_another_users_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with writing(tmp_path / "a") as killed:
        killed.send_signal(signal.SIGKILL)
    left = [tmp_path / name for name in asides(tmp_path)]
    (tmp_path / "out").mkdir()
    link = tmp_path / "out" / ".writing-harken-abcd1234"
    link.symlink_to(left[0])
    remove_left_behind(tmp_path / "out")
    assert link.is_symlink()
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1, raising=False)
        remove_left_behind(tmp_path)
    assert all(folder.is_dir() for folder in left) or os.name != "posix", "another user's is kept"
    remove_left_behind(tmp_path)
    assert asides(tmp_path) == []


def test_a_link_is_replaced_unless_the_file_to_which_it_leads_is_asked_for(tmp_path: Path) -> None:
    (store := tmp_path / "store").mkdir()
    link = tmp_path / "a.csv"
    link.symlink_to("store/b.csv")
    assert linked_file(link) == store / "b.csv"
    write_bytes(linked_file(link), b"through")
    (store / "b.csv").chmod(0o400)
    assert (link.is_symlink(), link.read_bytes()) == (True, b"through")
    write_bytes(link, b"instead")
    assert (link.is_symlink(), (store / "b.csv").read_bytes()) == (False, b"through")
    assert link.stat().st_mode & 0o777 == 0o666 & ~files._current_umask()
    assert linked_file(link) == link


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_replaces_another_has_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.csv"
    write_bytes(path, b"old")
    usual = path.stat()
    assert usual.st_mode & 0o777 == 0o666 & ~files._current_umask()
    path.chmod(mode)
    if os.getuid() == 0:
        os.chown(path, 4711, 4712)
    before = path.stat()
    write_bytes(path, b"new")
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino


def test_the_error_of_a_full_disk_names_the_file_whichever_library_writes(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    frame = pl.DataFrame({"a": [1, 2]})
    path = tmp_path / "a.parquet"
    for write in (
        lambda: Path("/dev/full").write_text("a"),
        lambda: Path("/dev/full").write_text(frame.write_csv()),
        lambda: frame.write_parquet("/dev/full"),
    ):
        with pytest.raises(NotWrittenError) as raised, replacing(path):
            write()
        assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    with pytest.raises(NotWrittenError) as raised, appearing(tmp_path / "folder") as aside:
        (aside / "nowhere" / "a").write_text("a")
    assert raised.value.filename == str(tmp_path / "folder")
    with pytest.raises(ValueError, match="mine"), replacing(path):
        raise ValueError("mine")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "kept").write_text("earlier")
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if (path / "new").exists():
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # a system that cannot exchange two names
    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"), appearing(folder) as aside:
        (aside / "new").write_text("later")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert (folder / "kept").read_text() == "earlier"
    monkeypatch.undo()
    with appearing(folder) as aside:
        (aside / "new").write_text("later")
    assert [path.name for path in tmp_path.rglob("*")] == ["results", "new"]


def test_lines_are_appended_after_whole_ones_and_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").resolve()
        synced.append(path.read_bytes() if path.is_file() else path.name.encode())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    append_lines(path := tmp_path / "steps.log", b"one\ntwo\n")
    path.write_bytes(b"one\ntwo\nthr")  # as after a kill
    append_lines(path, b"four\n")
    assert path.read_bytes() == b"one\ntwo\nfour\n"
    assert synced == [b"one\ntwo\n", tmp_path.name.encode(), b"one\ntwo\nfour\n"]


def test_a_full_disk_leaves_the_lines_that_were_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_lines(path := tmp_path / "steps.log", b"one\n")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(NotWrittenError) as refused:
            append_lines(path, b"two\n")
        assert (refused.value.errno, refused.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_bytes() == b"one\n"
    append_lines(path, b"three\n")
    assert path.read_bytes() == b"one\nthree\n"
