"""Writing of files, whole or not at all, also when the process is killed; checks before a file is read; and locks.

Content is written to a temporary file or folder *aside*: beside its final place, under a name that begins with
``.writing-``. It is then renamed. The process that writes it has a lock of the system on it, which ends with the
process: what nobody has locked was left by a killed process. It is removed by the next process that writes to the same
folder. Temporary folders that a killed process left are removed by the next process that makes one.
"""

import json
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

from harken.support.errors import HarkenError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

Json = dict[str, Any]
"""An object of JSON."""
ASIDE = ".writing-"
TEMPORARY = "harken-temporary-"
NAME = re.compile(rf"({re.escape(ASIDE)}|{TEMPORARY})(?P<machine>.+?-[0-9a-f]{{8}})-[a-z0-9_]{{8}}(\..*)?")
"""The name of what is aside or temporary; ``tempfile`` draws eight characters. Any ending may follow."""
OLD_S = 3 * 86_400.0
"""Files aside of another machine, and those that cannot be locked, are removed at this age."""
RUST_ERROR = re.compile(r"\(os error (\d+)\)")
"""The form in which libraries written in Rust report the number of a system error."""


def _machine(host: str, boot_id: Path = Path("/proc/sys/kernel/random/boot_id")) -> str:
    """A machine in the names of what is aside or temporary. Another machine's locks may not be seen here.

    A digest of the machine's start (on Linux) distinguishes machines with one name that share a disk.
    """
    start = ""
    with suppress(OSError):
        start = boot_id.read_text()
    name = re.sub(r"[^A-Za-z0-9.-]", "_", host)[:40]
    return f"{name}-{sha256(start.encode()).hexdigest()[:8]}"


MACHINE = _machine(socket.gethostname())


class NotWrittenError(OSError):
    """A file or folder cannot be written. ``filename`` is its final name, with all libraries."""


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

    @property
    def is_of_the_system(self) -> bool:
        """Whether this process has the lock, and no other can get it."""
        return self._handle is not None

    def acquire(self) -> bool:
        """Whether this process has the lock now. May be called again."""
        if fcntl is None or self._handle is not None:
            return True
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # what reads or writes there reports it
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            return not isinstance(error, BlockingIOError)  # another error: the file system has no locks
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def not_left_empty(folder: str | Path) -> Iterator[None]:
    """After an error in the block, remove ``folder`` and those above it, if the block made them and they are empty.

    A call that fails then leaves no empty folder that the next call would find.
    """
    new = list(takewhile(lambda parent: not parent.exists(), (Path(folder), *Path(folder).parents)))
    try:
        yield
    except BaseException:
        for parent in new:
            with suppress(OSError):  # it was not made, or is not empty
                parent.rmdir()
        raise


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder to write to, and rename it to ``path`` when the block ends without an
    error.

    After an error the temporary file is removed, and an earlier file at ``path`` is unchanged. The temporary name keeps
    the ending of ``path``, because some writers choose their format by it. The content is flushed to the disk before
    the rename, so that a power cut cannot leave an empty file under the final name, and the name after it, so that the
    file is there after a power cut.

    A file that replaces another gets its permissions, and its owner and group as far as this user may give them. A link
    is replaced itself; ``linked_file`` has the file to which it leads.

    Raises:
        NotWrittenError: when the system reports an error, for example because the disk is full.
    """
    path = Path(path)
    with _named(path):
        _remove_once(path.parent)
        aside, lock = _locked(partial(_new_file, path))
        try:
            yield aside
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            _permit_as(path, aside)
            aside.replace(path)
            _sync_folder(path.parent)
        finally:
            lock.release()
            with suppress(OSError):  # the original error is more informative
                aside.unlink(missing_ok=True)


def regular(path: Path) -> Path:
    """``path``, if it may be opened: opening a pipe may wait without end, and a device may never end.

    Raises:
        HarkenError: when it is neither a regular file nor a folder. A file that does not exist raises nothing.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise HarkenError(
            f"{path}: this is not a regular file; harken reads a file more than once, so it cannot read "
            "from a pipe or a device"
        )
    return path


def read_json(path: Path, kind: Any, *, advice: str) -> Json:
    """An object in a JSON file that harken wrote.

    Args:
        path: the file.
        kind: a ``TypedDict`` of the fields that are used. There may be other fields, which are returned, too.
        advice: what to do with a file of another form.

    Raises:
        HarkenError: when the file cannot be read or has another form; the message names the field.
    """
    import msgspec  # takes time to load, and most commands read no JSON back

    try:
        content = json.loads(regular(path).read_text(encoding="utf-8"))
        msgspec.convert(content, kind)
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error}); {advice}") from error
    except (ValueError, RecursionError) as error:
        raise HarkenError(f"{path} is damaged, or not written by this version of harken ({error}); {advice}") from error
    return dict(content)


def real_path(path: Path) -> Path:
    """As ``path.resolve()``, which raises an error for a link that leads to itself."""
    return Path(os.path.realpath(path))


def linked_file(path: str | Path) -> Path:
    """``path``, or if that is a link, the file to which it leads, which need not exist."""
    path = Path(path)
    return real_path(path) if path.is_symlink() else path


@contextmanager
def appearing(folder: str | Path) -> Iterator[Path]:
    """Yield a folder aside, and rename it to ``folder`` when the block ends without an error.

    A folder of that name is replaced, and is there again after an error. The folder aside is then removed.

    Raises:
        NotWrittenError: when the system reports an error for a file in it.
    """
    folder = Path(folder)
    with _named(folder):
        _remove_once(folder.parent)
        aside, lock = _locked(partial(tempfile.mkdtemp, dir=folder.parent, prefix=f"{ASIDE}{MACHINE}-"))
        try:
            yield aside
            aside.chmod(0o755)
            with _replaced(folder):
                aside.rename(folder)
        finally:
            lock.release()
            shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _replaced(folder: Path) -> Iterator[None]:
    """Move a folder out of the way for the block, and remove it afterwards; after an error it is there again."""
    if not folder.exists():
        yield
        return
    with tempfile.TemporaryDirectory(
        dir=folder.parent, prefix=f"{ASIDE}{MACHINE}-", ignore_cleanup_errors=True
    ) as aside:
        earlier = Path(aside) / folder.name
        folder.rename(earlier)
        try:
            yield
        except BaseException:
            earlier.rename(folder)
            raise


class _TemporaryFolder(tempfile.TemporaryDirectory[str]):
    def __init__(self) -> None:
        super().__init__(prefix=f"{TEMPORARY}{MACHINE}-", ignore_cleanup_errors=True)
        self.lock = ProcessLock(Path(self.name))

    def cleanup(self) -> None:
        super().cleanup()
        self.lock.release()


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Make a temporary folder. If this process is killed, the next one that makes one removes it."""
    _remove_once(Path(tempfile.gettempdir()))
    while True:
        folder = _TemporaryFolder()
        if _stays(Path(folder.name), folder.lock):
            return folder
        folder.cleanup()


@contextmanager
def utf8_path(path: str | Path) -> Iterator[Path]:
    """The path; if its bytes are not UTF-8, a link's path, because some libraries cannot open such a path."""
    path = Path(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with temporary_folder() as folder:
            link = Path(folder) / "link"
            link.symlink_to(path.absolute())
            yield link
    else:
        yield path


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8 with plain line ends, whole or not at all."""
    write_bytes(path, content.encode())


def is_aside(path: str | Path) -> bool:
    """Whether this is a file or folder aside: one that is being written, or one that a killed process left."""
    return Path(path).name.startswith(ASIDE)


def remove_left_behind(folder: str | Path) -> None:
    """Remove the files that killed processes of this user left aside in ``folder``, and their temporary folders there.

    Files of a process that still runs are kept: it has locked them. Files aside of another machine, and those on a disk
    without locks, are removed when they are three days old.
    """
    try:
        with os.scandir(folder) as entries:
            left = [entry for entry in entries if NAME.fullmatch(entry.name) or is_aside(entry.name)]
    except OSError:  # there is no such folder yet, or it cannot be listed
        return
    for entry in left:
        with suppress(OSError):  # another process removed it
            _remove_if_left(entry)


_looked_through: set[Path] = set()


def _remove_once(folder: Path) -> None:
    """Only once for each folder and process, because a folder of results may hold a hundred thousand entries."""
    folder = folder.absolute()
    if folder not in _looked_through and not is_aside(folder):
        _looked_through.add(folder)
        remove_left_behind(folder)


def _remove_if_left(entry: "os.DirEntry[str]") -> None:
    about = entry.stat(follow_symlinks=False)
    if os.name == "posix" and about.st_uid != os.geteuid():
        return
    named = NAME.fullmatch(entry.name)
    lock = ProcessLock(Path(entry.path))
    if named is not None and named["machine"] == MACHINE and not lock.acquire():
        return
    try:
        if lock.is_of_the_system or time.time() - about.st_mtime > OLD_S:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink()
    finally:
        lock.release()  # its process may have renamed the file meanwhile, which must not stay locked here


def _locked(make: Callable[[], str]) -> tuple[Path, ProcessLock]:
    """What ``make`` makes, and this process's lock on it."""
    while True:
        aside = Path(make())
        lock = ProcessLock(aside)
        if _stays(aside, lock):
            return aside, lock
        lock.release()


def _stays(path: Path, lock: ProcessLock) -> bool:
    """Lock what was just made. False if another process removes it, because it was not locked yet."""
    return lock.acquire() and path.exists()


def _new_file(path: Path) -> str:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{ASIDE}{MACHINE}-", suffix=path.suffix)
    os.close(handle)
    return name


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """A system error in the block gets ``path`` as its file name, if it has none or that of a file aside."""
    try:
        yield
    except Exception as error:
        named = _error_at(error, path)
        if named is None:
            raise
        raise named from error


def _error_at(error: Exception, path: Path) -> NotWrittenError | None:
    if isinstance(error, OSError) and error.errno is not None:
        at = error.filename
        aside = isinstance(at, str) and any(is_aside(one) for one in (Path(at), *Path(at).parents))
        return NotWrittenError(error.errno, error.strerror, str(path)) if at is None or aside else None
    found = RUST_ERROR.search(str(error)) if os.name == "posix" else None
    return NotWrittenError(int(found[1]), os.strerror(int(found[1])), str(path)) if found else None


def _permit_as(before: Path, aside: Path) -> None:
    """Give a file aside the permissions, the owner and the group of the file that it replaces, if there is one."""
    try:
        status = before.lstat()
    except FileNotFoundError:
        status = None
    if status is None or not stat.S_ISREG(status.st_mode):
        aside.chmod(0o666 & ~_current_umask())
        return
    if hasattr(os, "chown"):
        for owner in (status.st_uid, -1):  # only the superuser may give a file to somebody else
            with suppress(OSError):
                os.chown(aside, owner, status.st_gid)
                break
    aside.chmod(status.st_mode & 0o777)


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can open folders."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def refuse_occupied(out: Path, what: str, *, occupied: bool, own: bool, resume: bool) -> None:
    """Check a folder for results.

    Args:
        out: the folder, which need not exist.
        what: what is written there, such as ``run``.
        occupied: whether something is in it.
        own: whether that is the work of an earlier ``what``.
        resume: whether to continue it.

    Raises:
        HarkenError: when it is a file, holds something else, or is not empty and ``resume`` is False.
    """
    if out.exists() and not out.is_dir():
        raise HarkenError(f"{out} is a file; --out needs a folder")
    if occupied and not own:
        raise HarkenError(f"{out} is not empty and holds no {what} of harken; choose another --out")
    if occupied and not resume:
        raise HarkenError(f"{out} is not empty; choose another --out, or continue this {what} with --resume")


def make_folder(folder: Path) -> None:
    """Make a folder if there is none, and remove what a killed process left behind in it.

    Raises:
        HarkenError: when that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_left_behind(folder)
    except OSError as error:
        raise HarkenError(f"{folder}: cannot write there ({error.strerror or error})") from error


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
