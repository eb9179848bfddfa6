"""A lock on a file or folder, so that only one process of harken writes what belongs to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harken.support.errors import HarkenError
from harken.support.files import not_left_empty

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class ProcessLock:
    """A lock of the system on a file or folder itself, which ends with the process, and leaves no file.

    It is advisory: other programs read and write the file as before. Where the system has no such locks (Windows, some
    network file systems), or the file cannot be opened, every process gets it.

    Args:
        path: the file or folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Whether this process has the lock now. May be called again."""
        if fcntl is None or self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # what reads or writes there reports it
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        except OSError:  # the file system has no locks
            os.close(handle)
            return True
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def written_alone(folder: Path) -> Iterator[None]:
    """Make a folder if there is none, and lock it within the block. See ``not_left_empty`` for errors in the block.

    Raises:
        HarkenError: when another process has locked it. It then stays as it is.
    """
    lock = ProcessLock(folder)
    with not_left_empty(folder):
        with suppress(OSError):  # what writes there reports it
            folder.mkdir(parents=True, exist_ok=True)
        alone = lock.acquire()
        if alone:
            try:
                yield
            finally:
                lock.release()
    if not alone:  # after the block above, which would remove the folder while it is empty
        raise HarkenError(
            f"{folder}: another harken is writing there; wait until it has ended, or choose another --out"
        )
