"""Writing aside and renaming: errors of the disk by the name of the file, and what a kill leaves behind."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from harken.support import files
from harken.support.files import (
    NotWrittenError,
    ProcessLock,
    appearing,
    linked_file,
    remove_left_behind,
    replacing,
    temporary_folder,
    write_bytes,
)

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
    return sorted(path.name for path in folder.iterdir() if files.is_aside(path))


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


class Taken(ProcessLock):
    """The first thing that is made is locked by another process, which is about to remove it."""

    other: ProcessLock | None = None

    def acquire(self) -> bool:
        if Taken.other is None:
            Taken.other = ProcessLock(self._path)
            assert Taken.other.acquire()
        return super().acquire()


@pytest.mark.skipif(os.name != "posix", reason="this system has no such locks")
def test_what_another_process_is_about_to_remove_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for write in (temporary_folder, lambda: write_bytes(tmp_path / "a", b"whole")):
        remove_left_behind(tmp_path)
        monkeypatch.setattr(Taken, "other", None)
        with monkeypatch.context() as patched:
            patched.setattr(files, "ProcessLock", Taken)
            made = write()
        assert Taken.other is not None
        if made is not None:
            assert Path(made.name) != Taken.other._path
            made.cleanup()
        Taken.other.release()
    assert (tmp_path / "a").read_bytes() == b"whole"


@pytest.mark.skipif(os.name != "posix", reason="this system has no such locks")
def test_a_file_that_is_renamed_while_it_is_looked_at_is_not_locked_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = tmp_path / f".writing-{files.MACHINE}-abcd1234.csv"
    aside.write_text("whole")

    def renamed_before(path: Path) -> None:
        path.rename(tmp_path / "a.csv")
        raise FileNotFoundError

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", renamed_before)
        remove_left_behind(tmp_path)
    lock = ProcessLock(tmp_path / "a.csv")
    assert lock.acquire()
    lock.release()


@pytest.mark.parametrize("name", [".writing-otherhost-12345678-4711-99-abcd1234.csv", ".writing-x1.parquet"])
def test_what_another_machine_writes_is_left_for_days(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("half")
    (tmp_path / "kept").symlink_to(tmp_path)
    remove_left_behind(tmp_path)
    assert asides(tmp_path) == [name]
    old = time.time() - 4 * 86_400
    os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / "kept", (old, old), follow_symlinks=False)
    remove_left_behind(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "treasure").mkdir()
    (tmp_path / "treasure" / "file").write_text("mine")
    link = tmp_path / "out" / ".writing-x"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "treasure")
    os.utime(link, (0, 0), follow_symlinks=False)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: link.lstat().st_uid + 1, raising=False)
        remove_left_behind(link.parent)
    assert link.is_symlink() or os.name != "posix", "another user's is kept"
    remove_left_behind(link.parent)
    assert not list(link.parent.iterdir())
    assert (tmp_path / "treasure" / "file").exists()


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

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"), appearing(folder) as aside:
        (aside / "new").write_text("later")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert (folder / "kept").read_text() == "earlier"
    monkeypatch.undo()
    with appearing(folder) as aside:
        (aside / "new").write_text("later")
    assert [path.name for path in tmp_path.rglob("*")] == ["results", "new"]
