"""Packed files: limits on their unpacked size and on the free space of the disk, and files inside zip archives.

A path such as ``export.zip/Accelerometer.csv`` leads to a file in an archive. Text is read in pieces, so the user's
own files may unpack to any size. Files from an unknown sender must be limited: a megabyte of gzip may unpack to a
gigabyte, which takes time to read.
"""

import shutil
import struct
import textwrap
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO, cast

from harken.support.errors import HarkenError
from harken.support.files import regular

MOST_PACKED = 200
"""The largest ratio of unpacked to packed size. Typical ratios with gzip: 3 to 25 for tables of samples; 115 for a
table without times of a watch that lay still for 98 % of a week; 400 for one repeated row; 1,000 for newlines."""
FREE_BYTES = 1 << 24
"""Any file may unpack to this size, because it takes little time, and a short table of one value has the ratio of a zip
bomb."""
SPARE_DISK_BYTES = 1 << 30
"""The disk space that must remain free for other programs."""
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip archive, and of an empty one."""
MEMBER_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""Exceptions while a member of an archive is read; the last one is raised for an impossible position in the file."""
ZIP_DAMAGE = (*MEMBER_DAMAGE, RuntimeError, ValueError, OverflowError, struct.error)
"""All exceptions of zipfile, including those for a damaged table of contents, a password or an unknown compression."""
LONGEST_REASON = 120
MOST_READ_AT_ONCE = 1 << 23
"""zipfile reads a table of contents at once; that of a real archive has a few dozen entries."""
MOST_MEMBERS = 10_000
"""The most files in an archive: readers open it up to fifty times, and zipfile reads the table of contents each time.
An export of Sensor Logger may hold thousands of pictures."""


@dataclass(frozen=True)
class UnpackingLimits:
    """Limits on the unpacked size of a file; None: no limit.

    Attributes:
        unpacked_bytes: the total size.
        most_packed: the ratio of unpacked to packed bytes, which applies above ``FREE_BYTES``.
    """

    unpacked_bytes: int | None = None
    most_packed: int | None = None


_limits: ContextVar[UnpackingLimits] = ContextVar("harken_unpacking_limits", default=UnpackingLimits())  # noqa: B039


@contextmanager
def unpacking_limits(limits: UnpackingLimits) -> Iterator[None]:
    """Apply limits to all files that this thread reads within the block."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def refuse_too_much(path: Path, unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise a HarkenError when ``unpacked_bytes`` from ``packed_bytes`` exceed the limits."""
    limits = _limits.get()
    if limits.unpacked_bytes is not None and unpacked_bytes > limits.unpacked_bytes:
        raise HarkenError(
            f"{path}: unpacks to more than {limits.unpacked_bytes:,} bytes, the limit for a file that is sent; use "
            "harken label on the machine where the file is"
        )
    if limits.most_packed is not None and unpacked_bytes > FREE_BYTES + limits.most_packed * packed_bytes:
        raise HarkenError(
            f"{path}: it unpacks to more than {limits.most_packed} times its size, which is too much for "
            "a table of samples. If it is a recording, use harken label on the machine where it is"
        )


def refuse_full_disk(path: Path, folder: Path) -> None:
    """Raise a HarkenError when less than a gigabyte is free where ``path`` is being unpacked to ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < SPARE_DISK_BYTES:
        raise HarkenError(
            f"{path}: there is not enough disk space to unpack it: {folder.parent} has {free:,} bytes "
            f"left, and {SPARE_DISK_BYTES:,} must remain free. Free disk space, or set TMPDIR to a folder "
            "on a larger disk"
        )


def measured(path: Path, unpacked: IO[bytes], packed_bytes: int) -> IO[bytes]:
    """The same file, which raises a HarkenError when more is read than the limits allow for ``packed_bytes``."""
    return unpacked if _limits.get() == UnpackingLimits() else cast(IO[bytes], _Measured(path, unpacked, packed_bytes))


class _Measured:
    """A file that can only be read forwards."""

    def __init__(self, path: Path, unpacked: IO[bytes], packed_bytes: int) -> None:
        self._path, self._unpacked, self._packed_bytes, self._given = path, unpacked, packed_bytes, 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._unpacked.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._unpacked.readline(size))

    def _counted(self, piece: bytes) -> bytes:
        self._given += len(piece)
        refuse_too_much(self._path, self._given, self._packed_bytes)
        return piece


class ArchiveFile(FileIO):
    """The file of a zip archive. While ``limited``, only small pieces can be read: zipfile reads the table of contents
    at once, and a long one would fill the memory."""

    limited = True

    def read(self, size: int | None = -1, /) -> bytes:
        """As ``FileIO``.

        Raises:
            BadZipFile: when ``size`` is larger than a real table of contents.
        """
        size_read = Path(self.name).stat().st_size - self.tell() if size is None or size < 0 else size
        if self.limited and size_read > MOST_READ_AT_ONCE:
            raise zipfile.BadZipFile("its table of contents is too long")
        return super().read(size)


def unpacks_in_pieces(member: zipfile.ZipInfo) -> bool:
    """Whether zipfile can unpack only the requested bytes of a member. It unpacks bzip2 and LZMA members completely."""
    return member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a zip archive."""
    return head.startswith(ZIP_SIGNATURES)


def folder_files(folder: Path) -> list[Path]:
    """The files in a folder, sorted, without hidden ones: a Mac writes ``._ann.csv`` beside ``ann.csv`` on a memory
    stick, as in an archive.

    Raises:
        OSError: when the folder cannot be read.
    """
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def refuse_many_members(archive: Path) -> None:
    """Raise a HarkenError for an archive of more than ``MOST_MEMBERS`` files. A damaged one is left to its reader."""
    members = 0
    with ArchiveFile(archive) as file, suppress(*ZIP_DAMAGE):
        members = len(zipfile.ZipFile(file).infolist())
    if members > MOST_MEMBERS:
        raise HarkenError(
            f"{archive}: this zip archive contains {members:,} files; at most {MOST_MEMBERS:,} are allowed. Unpack it, "
            "and name the recording in it"
        )


def member_paths(archive: Path) -> list[Path]:
    """The files in a zip archive, sorted, as paths below the path of the archive.

    Files that macOS adds and names that lead outside the archive are left out.

    Raises:
        HarkenError: when the archive is damaged.
    """
    with ArchiveFile(archive) as file:
        try:
            packed = zipfile.ZipFile(file)
        except ZIP_DAMAGE as error:
            raise _damaged(archive, error) from error
        names = [name for name in packed.namelist() if not name.endswith("/")]
    return sorted(archive / name for name in names if _stays_inside(name))


@contextmanager
def opened_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file on the disk, or a member of an archive if the path leads into one.

    Raises:
        HarkenError: when the file is a pipe or a device; when the archive is damaged, encrypted or a zip bomb, or has
            no such member.
        OSError: when there is no such file.
    """
    archive = file_on_disk(path)
    if archive is None or archive == path:
        with regular(path).open("rb") as file:
            yield file
        return
    with ExitStack() as stack:
        whole = stack.enter_context(ArchiveFile(archive))
        try:
            packed = stack.enter_context(zipfile.ZipFile(whole))
            whole.limited = False
            member = packed.getinfo(path.relative_to(archive).as_posix())
            _refuse_bomb(path, member, archive.stat().st_size)
            unpacked = stack.enter_context(packed.open(member))
        except KeyError as error:
            raise HarkenError(f"{path}: there is no such file in {archive.name}") from error
        except ZIP_DAMAGE as error:
            raise _damaged(path, error) from error
        try:
            yield unpacked
        except MEMBER_DAMAGE as error:
            raise _damaged(path, error) from error


def file_on_disk(path: Path) -> Path | None:
    """The file itself, or the archive that a path leads into; None if neither exists."""
    return path if path.exists() else next((parent for parent in path.parents if parent.is_file()), None)


def _refuse_bomb(path: Path, member: zipfile.ZipInfo, archive_bytes: int) -> None:
    """Raise a HarkenError for a member that would fill the memory. zipfile unpacks at most the size in the table of
    contents. The packed size there may be wrong."""
    if not unpacks_in_pieces(member):
        raise HarkenError(
            f"{path}: it is compressed with a method that no app uses; unpack the archive, or compress it with deflate"
        )
    packed_bytes = max(1, min(member.compress_size, archive_bytes))
    if member.file_size > MOST_PACKED * packed_bytes:
        raise HarkenError(
            f"{path}: it unpacks to {member.file_size:,} bytes, which is too large for a table of this compressed size"
        )
    refuse_too_much(path, member.file_size, packed_bytes)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(part.startswith((".", "/", "__MACOSX")) or {"\\", ":"} & set(part) for part in parts)


def _damaged(path: Path, error: BaseException) -> HarkenError:
    reason = textwrap.shorten(str(error), LONGEST_REASON)  # zipfile may quote half of the archive
    return HarkenError(f"{path}: the zip archive cannot be unpacked: it is damaged, cut short or encrypted ({reason})")
