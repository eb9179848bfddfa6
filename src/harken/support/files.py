"""Writing of files and folders, whole or not at all, also when the process is killed; and checks before a file is read.

Content is written aside (``harken.support.aside``), and then renamed to its final place.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from harken.support.aside import (
    LOCK,
    is_aside,
    lock_file,
    locked_beside,
    make_aside,
    make_temporary_folder,
    put_in_place,
    remove_left_behind,
    unlock,
)
from harken.support.errors import HarkenError

Json = dict[str, Any]
"""An object of JSON."""
Record = TypeVar("Record")
RUST_ERROR = re.compile(r"\(os error (\d+)\)")
"""The form in which libraries written in Rust report the number of a system error."""


LONGEST_WRITING_S = 600.0
"""How long to wait for another process that writes the results of a recording, which usually takes a second."""


class NotWrittenError(OSError):
    """A file or folder cannot be written. ``filename`` is its final name, with all libraries."""


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
    """Yield a file aside to write to, and rename it to ``path`` when the block ends without an error.

    After an error the file aside is removed, and an earlier file at ``path`` is unchanged. The name aside keeps the
    ending of ``path``, because some writers choose their format by it. The content is flushed to the disk before the
    rename, so that a power cut cannot leave an empty file under the final name, and the name after it, so that the file
    is there after a power cut.

    A file that replaces another gets its permissions, and its owner and group as far as this user may give them. A link
    is replaced itself; ``linked_file`` has the file to which it leads.

    Raises:
        NotWrittenError: when the system reports an error, for example because the disk is full.
    """
    path = Path(path)
    with _named(path), make_aside(path.parent) as aside:
        new = aside / f"new{path.suffix}"
        new.touch()
        yield new
        with new.open("rb") as written:
            os.fsync(written.fileno())
        _permit_as(path, new)
        new.replace(path)
        with suppress(OSError):
            sync_folder(path.parent)


def regular(path: Path) -> Path:
    """``path``, if it may be opened: opening a pipe may wait without end, and a device may never end.

    Raises:
        HarkenError: when it is neither a regular file nor a folder. A file that does not exist raises nothing.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise HarkenError(
            "this is not a regular file; harken reads a file more than once, so it cannot read from a pipe or a device",
            path=path,
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
        raise HarkenError(f"cannot be read ({error.strerror or error}); {advice}", path=path) from error
    except (ValueError, RecursionError) as error:
        raise HarkenError(
            f"is damaged, or not written by this version of harken ({error}); {advice}", path=path, colon=False
        ) from error
    return dict(content)


class _Layout(TypedDict):
    """The field that each record has."""

    layout: int


def read_record(path: Path, kind: type[Record], *, layout: int, advice: str) -> Record | None:
    """Read a record that ``write_record`` wrote; None if there is no such file.

    Args:
        path: the file.
        kind: the ``msgspec.Struct`` of the record, with a field ``layout``.
        layout: the number of the form that this version of harken reads.
        advice: what to do with a file of another form.

    Raises:
        HarkenError: when the file cannot be read or has another form; the message names the field.
    """
    import msgspec  # as in ``read_json``

    if not os.path.lexists(path):
        return None
    content = read_json(path, _Layout, advice=advice)
    if content["layout"] != layout:
        raise HarkenError(f"was written by another version of harken; {advice}", path=path, colon=False)
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise HarkenError(f"was not written by harken ({error}); {advice}", path=path, colon=False) from error


def write_record(path: Path, record: object) -> None:
    """Write a ``msgspec.Struct`` as JSON that people can read, as ``write_text`` writes a file."""
    import msgspec  # as in ``read_json``

    write_text(path, msgspec.json.format(msgspec.json.encode(record).decode(), indent=2) + "\n")


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

    A folder of that name is replaced; after an error it is there unchanged. If the process is killed, the earlier or
    the new folder is there, or the next process that writes beside it puts the earlier one back.

    Raises:
        NotWrittenError: when the system reports an error for a file in it.
    """
    folder = Path(folder)
    with _named(folder), make_aside(folder.parent) as aside:
        new = aside / "new"
        new.mkdir()
        yield new
        put_in_place(new, folder)


@contextmanager
def utf8_path(path: str | Path) -> Iterator[Path]:
    """The path; if its bytes are not UTF-8, a link's path, because some libraries cannot open such a path."""
    path = Path(path)
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with make_temporary_folder() as folder:
            link = folder / "link"
            link.symlink_to(path.absolute())
            yield link
    else:
        yield path


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def append_lines(path: Path, content: bytes) -> None:
    """Append lines to a file. They are on the disk when this returns.

    An incomplete line at the end of the file, which a killed process has left, is removed first. After an error the
    file is as it was; a new one is removed.

    Raises:
        NotWrittenError: when the system reports an error, for example because the disk is full.
    """
    is_new = not path.exists()
    with _named(path), path.open("a+b", buffering=0) as file:
        file.seek(0)
        size = file.read().rfind(b"\n") + 1
        file.truncate(size)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            file.truncate(size)
            if is_new:
                path.unlink()
            raise
        if is_new:
            with suppress(OSError):
                sync_folder(path.parent)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8 with plain line ends, whole or not at all."""
    write_bytes(path, content.encode())


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """A system error in the block gets ``path`` as its file name, if it has none or one aside."""
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
        is_of_ours = isinstance(at, str) and any(is_aside(part) for part in (Path(at), *Path(at).parents))
        return NotWrittenError(error.errno, error.strerror, str(path)) if at is None or is_of_ours else None
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


def sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to the disk, so that a new or renamed file is there after a power cut.

    Raises ``OSError``, also where the system cannot open folders.
    """
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
        raise HarkenError("is a file; --out needs a folder", path=out, colon=False)
    if occupied and not own:
        raise HarkenError(f"is not empty and holds no {what} of harken; choose another --out", path=out, colon=False)
    if occupied and not resume:
        raise HarkenError(
            f"is not empty; choose another --out, delete the folder, or continue this {what} with --resume",
            path=out,
            colon=False,
        )


def check_recording_path(value: object) -> None:
    """Check what a program passes as a recording.

    Raises:
        TypeError: when it is not a path, such as a table.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            f"a recording must be the path of a file, but got {type(value).__name__}; write a table as CSV or Parquet, "
            "and pass the path of that file"
        )


def check_output_file(path: Path, option: str) -> None:
    """Check, before the work begins, that a file can be written at its end.

    Args:
        path: the file.
        option: the option that named it.

    Raises:
        HarkenError: when the path is a folder, or its folder does not exist or cannot be written to.
    """
    folder = path.parent
    if path.is_dir():
        raise HarkenError(f"{option} {path}: that is a folder; name a file in it")
    if not folder.is_dir():
        raise HarkenError(f"{option} {path}: there is no folder {folder}; make it, or name a file in another folder")
    if not os.access(folder, os.W_OK):
        raise HarkenError(f"{option} {path}: the folder {folder} cannot be written to; name a file in another folder")


def make_folder(folder: Path) -> None:
    """Make a folder if there is none, and remove what a killed process left behind in it.

    Raises:
        HarkenError: when that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        remove_left_behind(folder)
    except OSError as error:
        raise HarkenError(f"cannot write there ({error.strerror or error})", path=folder) from error


@contextmanager
def written_alone(folder: Path) -> Iterator[None]:
    """Make a folder if there is none, and lock it within the block. See ``not_left_empty`` for errors in the block.

    Raises:
        HarkenError: when another process has locked it, which then stays as it is, or when it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise HarkenError("is a file; --out needs a folder", path=folder, colon=False)
    with not_left_empty(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = lock_file(folder / LOCK)
        except TimeoutError as error:
            raise HarkenError(
                "another harken is writing there; wait until it has ended, or choose another --out", path=folder
            ) from error
        except OSError as error:
            raise HarkenError(f"cannot write there ({error.strerror or error})", path=folder) from error
        try:
            yield
        finally:
            unlock(lock)


@contextmanager
def writing_in_turn(folder: Path) -> Iterator[None]:
    """Within the block, no other process of harken writes this folder in such a block. Wait until they have ended.

    Raises:
        HarkenError: when the folder above cannot be written to, or another process writes for very long.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_beside(folder, timeout_s=LONGEST_WRITING_S))
        except TimeoutError as error:
            raise HarkenError(
                "another harken is writing there; repeat the command when it has ended", path=folder
            ) from error
        except OSError as error:
            raise HarkenError(f"cannot write there ({error.strerror or error})", path=folder) from error
        yield
