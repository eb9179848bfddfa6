"""Locks between processes. A lock ends with its process, also when the process is killed."""

import errno
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
