"""Writing of files, whole or not at all, also when the process is killed; and checks before a file is read.

Content is written to a temporary file or folder *aside*: beside its final place, under a name that begins with
``.writing-``. It is then renamed. Files that a killed process left aside are removed by the next process that writes to
the same folder. Temporary folders that a killed process left are removed by the next process that makes one.
"""

import json
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from harken.support.errors import HarkenError

ASIDE = ".writing-"
TEMPORARY = "harken-"
NAME = re.compile(
    rf"({re.escape(ASIDE)}|{TEMPORARY})(?P<place>.+)-(?P<pid>[1-9]\d{{0,9}})-(?P<began>\d+)-[a-z0-9_]+(\..*)?"
)
"""The name of what is aside or temporary: the place, the number of the process, and the time when it began."""
HOST_NAME_LENGTH = 40
OLD_S = 3 * 86_400.0
"""Files aside of another machine's process are removed at this age, because its state is not known on this machine."""
RUST_ERROR = re.compile(r"\(os error (\d+)\)")
"""The form in which libraries written in Rust report the number of a system error."""


class NotWrittenError(OSError):
    """A file or folder cannot be written. ``filename`` is its final name, with all libraries."""


@contextmanager
def not_left_empty(folder: str | Path) -> Iterator[None]:
    """After an error in the block, remove ``folder`` and those above it, if the block made them and they are empty.

    A call that fails then leaves no empty folder that the next call would find.
    """
    new = list(takewhile(lambda one: not one.exists(), (Path(folder), *Path(folder).parents)))
    try:
        yield
    except BaseException:
        for one in new:
            with suppress(OSError):  # it was not made, or is not empty
                one.rmdir()
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
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(), suffix=path.suffix)
        os.close(handle)
        aside = Path(name)
        try:
            yield aside
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            _permit_as(path, aside)
            aside.replace(path)
            _sync_folder(path.parent)
        finally:
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


def read_json(path: Path, kind: Any, *, advice: str) -> dict[str, Any]:
    """An object in a JSON file that harken wrote.

    Args:
        path: the file.
        kind: a ``TypedDict`` of the fields that are used. There may be other fields, which are returned, too.
        advice: what to do with a file of another form.

    Raises:
        HarkenError: when the file cannot be read or has another form; the message names the field.
    """
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

    It replaces an unfinished folder of that name. After an error the folder aside is removed.

    Raises:
        NotWrittenError: when the system reports an error for a file in it.
    """
    folder = Path(folder)
    with _named(folder):
        _remove_once(folder.parent)
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_prefix()))
        try:
            yield aside
            aside.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def temporary_folder() -> "tempfile.TemporaryDirectory[str]":
    """Make a temporary folder. If this process is killed, the next one that makes one removes it."""
    _remove_once(Path(tempfile.gettempdir()))
    return tempfile.TemporaryDirectory(prefix=_prefix(TEMPORARY), ignore_cleanup_errors=True)


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

    Files of a process that still runs are kept. The state of another machine's processes is not known, so their files
    aside are removed when they are three days old. The same holds for files from before a restart of this machine.
    """
    try:
        with os.scandir(folder) as entries:
            left = [entry for entry in entries if _is_left_behind(entry)]
    except OSError:  # there is no such folder yet, or it cannot be listed
        return
    for entry in left:
        with suppress(OSError):  # another process removed it
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink()


_looked_through: set[Path] = set()


def _remove_once(folder: Path) -> None:
    """Only once for each folder and process, because a folder of results may hold a hundred thousand entries."""
    folder = folder.absolute()
    if folder not in _looked_through and not is_aside(folder):
        _looked_through.add(folder)
        remove_left_behind(folder)


def _is_left_behind(entry: "os.DirEntry[str]") -> bool:
    found = NAME.fullmatch(entry.name)
    if found is None and not is_aside(entry.name):
        return False
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    if os.name == "posix" and about.st_uid != os.geteuid():
        return False
    if found is not None and found["place"] == _place() and os.name == "posix":
        return not _runs(int(found["pid"]), int(found["began"]))
    return time.time() - about.st_mtime > OLD_S


def _prefix(kind: str = ASIDE) -> str:
    """The beginning of a name aside or temporary. From it, ``_is_left_behind`` finds whether the process still runs."""
    _, began = _state(os.getpid())
    return f"{kind}{_place()}-{os.getpid()}-{began}-"


@cache
def _place() -> str:
    """The place in which process numbers are unique: the host's name, and a digest that distinguishes equal names.

    On Linux the digest is of the machine's start and the namespace of process numbers, because two containers, or two
    machines that share a disk, may have the same name.
    """
    identifiers = []
    with suppress(OSError):
        identifiers.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        identifiers.append(str(Path("/proc/self/ns/pid").readlink()))
    name = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())[:HOST_NAME_LENGTH]
    return f"{name}-{sha256(''.join(identifiers).encode()).hexdigest()[:8]}"


def _runs(pid: int, began: int) -> bool:
    """Whether the process with this number still is the one that began then; True if that is unknown."""
    try:
        os.kill(pid, 0)  # only checks, without a signal
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        pass
    state, now_began = _state(pid)
    return state not in ("Z", "X") and (0 in (began, now_began) or began == now_began)


def _state(pid: int) -> tuple[str, int]:
    """A process's state, as a letter, and when it began, in ticks since the system's start; ``""`` and 0 if unknown."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # not Linux, or hidden
        return "", 0
    fields = text.rpartition(b")")[2].split()  # the name before it may contain any characters
    return fields[0].decode(), int(fields[19])


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
        found = before.lstat()
    except FileNotFoundError:
        found = None
    if found is None or not stat.S_ISREG(found.st_mode):
        aside.chmod(0o666 & ~_current_umask())
        return
    if hasattr(os, "chown"):
        for owner in (found.st_uid, -1):  # only the superuser may give a file to somebody else
            with suppress(OSError):
                os.chown(aside, owner, found.st_gid)
                break
    aside.chmod(found.st_mode & 0o777)


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
