"""Locks between processes, and locked folders for what is not finished: aside, which is beside its final place, or
temporary.

A lock ends with its process, also when the process is killed. Only harken gives names like those of its locked folders.
Each has a file inside that its process has locked. When nobody has locked this file, a killed process left the folder.
The next process that writes there removes it, and removes nothing else.
"""

import ctypes
import errno
import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK = ".harken.lock"
"""The name of the file that is locked in a folder."""
EVERYBODY = 0o666
"""A lock that one person left in a shared folder must not stop another person."""
WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP})
ASIDE = ".writing-harken-"
TEMPORARY = "harken-temporary-"
NAME = re.compile(rf"({re.escape(ASIDE)}|{TEMPORARY})[a-z0-9_]{{8}}")
"""The name of a locked folder; ``tempfile`` draws eight characters."""
REPLACED = "replaced"
"""The folder within one aside that holds what is being replaced, under its own name."""
AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""From Linux's ``fcntl.h`` and ``linux/fs.h``."""
RENAME_SWAP = 2
"""From macOS's ``sys/stdio.h``."""


class LockedFolder:
    """A new folder that other processes of harken leave alone until ``cleanup``, or until this process ends.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path, lock: "BaseFileLock") -> None:
        self.path = path
        self._remove = weakref.finalize(self, _remove, path, lock)

    def cleanup(self) -> None:
        """Put back what was moved from its place and not replaced; then remove the folder."""
        self._remove()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.cleanup()


def make_aside(parent: Path) -> LockedFolder:
    """Make a folder aside in ``parent``. First remove those that killed processes left there."""
    _remove_left_behind_once(parent)
    return _make_locked_folder(ASIDE, parent)


def make_temporary_folder() -> LockedFolder:
    """Make a temporary folder. If this process is killed, the next one that makes one removes it."""
    parent = Path(tempfile.gettempdir())
    _remove_left_behind_once(parent)
    return _make_locked_folder(TEMPORARY, parent)


def put_in_place(new: Path, place: Path) -> None:
    """Rename ``new``, which is in a folder aside, to ``place``. A folder that is there moves to the folder aside.

    Where the system cannot exchange two names in one step, ``place`` is empty between two steps. If the process is
    killed then, the next process puts the earlier folder back.
    """
    if not os.path.lexists(place):
        new.rename(place)
    elif not _exchange(new, place):
        replaced = new.parent / REPLACED
        replaced.mkdir()
        place.rename(replaced / place.name)
        new.rename(place)


def is_aside(path: str | Path) -> bool:
    """Whether this is the name of a folder aside, or of a lock, which are no content."""
    name = Path(path).name
    return name.endswith(LOCK) or (name.startswith(ASIDE) and NAME.fullmatch(name) is not None)


def remove_left_behind(parent: str | Path) -> None:
    """Remove the folders aside and the temporary folders that killed processes left in ``parent``.

    What they had moved from its place and not replaced is put back first.
    """
    try:
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if NAME.fullmatch(entry.name)]
    except OSError:  # there is no such folder yet, or it cannot be listed
        return
    for name in names:
        _remove_if_left(Path(parent, name))


def lock_file(path: Path, *, timeout_s: float = 0.0) -> "BaseFileLock":
    """Make a file if there is none, and lock it. Where the file system has no locks, every process gets the lock.

    Args:
        path: the file. Give it to nothing else, because its content may be removed.
        timeout_s: how long to wait for another process that has locked it.

    Raises:
        TimeoutError: when another process, or another call in this process, has locked it.
        OSError: when the file cannot be made.
    """
    from filelock import FileLock  # takes time to load

    lock = FileLock(path, timeout=timeout_s, poll_interval=0.01, mode=EVERYBODY, thread_local=False)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
    return lock


def unlock(lock: "BaseFileLock") -> None:
    """Remove the file of a lock, then release the lock."""
    if lock.is_locked:
        with suppress(OSError):  # Windows removes no open file; filelock does after the release
            Path(lock.lock_file).unlink()
    lock.release()


@contextmanager
def locked_beside(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Within the block, no other process of harken is in such a block for ``path``. A hidden file beside it is locked.

    Args:
        path: a file or folder, which need not exist.
        timeout_s: how long to wait for another process.

    Raises:
        TimeoutError: when another process is in its block for longer.
        OSError: when the hidden file cannot be made.
    """
    lock = lock_file(path.with_name(f".{path.name}{LOCK}"), timeout_s=timeout_s)
    try:
        yield
    finally:
        unlock(lock)


_looked_through: set[Path] = set()


def _remove_left_behind_once(parent: Path) -> None:
    """Only once for each folder and process, because a folder of results may hold a hundred thousand entries."""
    parent = parent.absolute()
    if parent not in _looked_through and not any(is_aside(folder) for folder in (parent, *parent.parents)):
        _looked_through.add(parent)
        remove_left_behind(parent)


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # it is in use, or another process removes it
        if folder.is_symlink() or (os.name == "posix" and folder.stat().st_uid != os.geteuid()):
            return
        if not (folder / LOCK).is_file():
            folder.rmdir()  # if it is empty: its process was killed before it had a lock
            return
        lock = lock_file(folder / LOCK)
        if lock.is_locked:  # not where the file system has no locks
            _remove(folder, lock)


def _make_locked_folder(prefix: str, parent: Path) -> LockedFolder:
    while True:
        path = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        try:
            lock = lock_file(path / LOCK)
        except (TimeoutError, FileNotFoundError):
            continue  # another process took it for one that was left
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        if path.exists():
            return LockedFolder(path, lock)
        lock.release()


def _remove(folder: Path, lock: "BaseFileLock") -> None:
    """Remove a folder that this process has locked. The lock goes last: without it, the rest would never be removed."""
    try:
        _put_back(folder)
        for path in folder.iterdir():
            if path.name != LOCK:
                _remove_all(path)
    except OSError:
        lock.release()
        return
    unlock(lock)
    with suppress(OSError):
        folder.rmdir()


def _put_back(folder: Path) -> None:
    """Rename what was replaced to its earlier place, if nothing, or an empty folder, is there now."""
    replaced = folder / REPLACED
    if not replaced.is_dir():
        return
    for earlier in replaced.iterdir():
        place = folder.parent / earlier.name
        if not os.path.lexists(place) or (place.is_dir() and not any(place.iterdir())):
            earlier.rename(place)


def _remove_all(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step. False when the system or the file system cannot."""
    names = os.fsencode(first), os.fsencode(second)
    if sys.platform == "linux":
        rename = getattr(ctypes.CDLL(None), "renameat2", None)
        return rename is not None and rename(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0
    if sys.platform == "darwin":
        rename = getattr(ctypes.CDLL(None), "renamex_np", None)
        return rename is not None and rename(names[0], names[1], RENAME_SWAP) == 0
    return False
