"""Opening of files: plain, gzipped, or in zip archives, with limits on the unpacked size and the disk's free space.

A path such as ``export.zip/Accelerometer.csv`` leads to a file in an archive. Text is read in pieces, so the user's
own files may unpack to any size. Files from an unknown sender must be limited: a megabyte of gzip may unpack to a
gigabyte, which takes time to read.
"""

import errno
import gzip
import math
import shutil
import struct
import textwrap
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO, cast

from harken.support.aside import make_temporary_folder
from harken.support.errors import HarkenError
from harken.support.files import regular
from harken.support.printable import printable

MOST_PACKED = 200
"""The largest ratio of unpacked to packed size. Typical ratios with gzip: 3 to 25 for tables of samples; 115 for a
table without times of a watch that lay still for 98 % of a week; 400 for one repeated row; 1,000 for newlines."""
FREE_BYTES = 1 << 24
"""Any file may unpack to this size, because it takes little time, and a short table of one value has the ratio of a zip
bomb."""
SPARE_DISK_BYTES = 1 << 30
"""The disk space that must remain free for other programs."""
GZIPPED = b"\x1f\x8b"
"""The first bytes of a gzipped file."""
HEAD_BYTES = 1 << 16
"""A reader recognises a file by so many of its first bytes."""
UNPACKED_AT_ONCE = 1 << 24
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of a zip archive, and of an empty one."""
MEMBER_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""Exceptions while a member of an archive is read; the last one is raised for an impossible position in the file."""
ZIP_DAMAGE = (*MEMBER_DAMAGE, RuntimeError, ValueError, OverflowError, struct.error)
"""All exceptions of zipfile, including those for a damaged table of contents, a password or an unknown compression."""
DAMAGE = "the zip archive cannot be unpacked: it is damaged, cut short or encrypted ({})"
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
        place: what errors call the folder into which files are unpacked; empty: its path.
    """

    unpacked_bytes: int | None = None
    most_packed: int | None = None
    place: str = ""


_limits = UnpackingLimits()


@contextmanager
def unpacking_limits(limits: UnpackingLimits) -> Iterator[None]:
    """Apply limits to all files that this process reads within the block, in any of its threads."""
    global _limits
    before, _limits = _limits, limits
    try:
        yield
    finally:
        _limits = before


def refuse_too_much(path: Path, unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise a HarkenError when ``unpacked_bytes`` from ``packed_bytes`` exceed the limits."""
    most = min(
        math.inf if _limits.unpacked_bytes is None else _limits.unpacked_bytes,
        math.inf if _limits.most_packed is None else FREE_BYTES + _limits.most_packed * packed_bytes,
    )
    if unpacked_bytes > most:
        raise HarkenError(
            f"unpacks to more than {most:,} bytes, the limit for a file of this size that is sent. If it is a "
            "recording, use harken label on the machine where it is",
            path=path,
        )


def refuse_full_disk(path: Path, folder: Path) -> None:
    """Raise a HarkenError when less than a gigabyte is free where ``path`` is being unpacked to ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < SPARE_DISK_BYTES:
        place = _limits.place or folder.parent
        raise HarkenError(
            f"there is not enough disk space to unpack it: {place} has {free:,} bytes "
            f"left, and {SPARE_DISK_BYTES:,} must remain free. Free disk space, or set TMPDIR to a folder "
            "on a larger disk",
            path=path,
        )


class _Measured:
    """An unpacked file that can only be read forwards. It raises a HarkenError when more is read than the limits allow
    for ``packed_bytes``."""

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
    with suppress(HarkenError), opened_archive(archive) as packed:
        members = len(packed.infolist())
    if members > MOST_MEMBERS:
        raise HarkenError(
            f"this zip archive contains {members:,} files; at most {MOST_MEMBERS:,} are allowed. Unpack it, "
            "and name the recording in it",
            path=archive,
        )


def member_paths(archive: Path) -> list[Path]:
    """The files in a zip archive, sorted, as paths below the path of the archive.

    Files that macOS adds and names that lead outside the archive are left out.

    Raises:
        HarkenError: when the archive is damaged.
    """
    with opened_archive(archive) as packed:
        names = [name for name in packed.namelist() if not name.endswith("/")]
    return sorted(archive / name for name in names if _stays_inside(name))


@contextmanager
def opened_archive(archive: Path, damage: str = DAMAGE, *, named: Path | None = None) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive.

    Raises:
        HarkenError: when it is damaged; the message is ``damage``, after the path ``named`` (None: the archive's).
        OSError: when it cannot be opened.
    """
    with ExitStack() as stack:
        file = stack.enter_context(ArchiveFile(archive))
        with damage_named(named or archive, damage):
            packed = stack.enter_context(zipfile.ZipFile(file))
        file.limited = False
        yield packed


@contextmanager
def damage_named(
    path: Path | str, damage: str = DAMAGE, kinds: tuple[type[Exception], ...] = ZIP_DAMAGE
) -> Iterator[None]:
    """Within the block, exceptions for a damaged archive are converted to a HarkenError."""
    try:
        yield
    except kinds as error:
        # A damaged table of contents may contain an offset before the beginning of the file.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = textwrap.shorten(str(error), LONGEST_REASON)  # zipfile may quote half of the archive
        raise HarkenError(damage.format(reason), path=path) from error


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked if it is gzipped or in a zip archive (``export.zip/Accelerometer.csv``).

    Raises:
        HarkenError: when the file is a pipe or a device; when the gzip file is damaged; when the archive is damaged,
            encrypted or a zip bomb, or has no such member. Reading may also raise it.
        OSError: when there is no such file.
    """
    archive = None if path.exists() else next((parent for parent in path.parents if parent.is_file()), None)
    with regular(path).open("rb") if archive is None else _member_of(archive, path) as file:
        gzipped = file.read(len(GZIPPED)) == GZIPPED
        file.seek(0)
        if not gzipped:
            yield file
            return
        try:
            with gzip.open(file) as content:
                unpacked = cast(IO[bytes], content)
                limited = _limits != UnpackingLimits()
                packed_bytes = (archive or path).stat().st_size
                yield cast(IO[bytes], _Measured(path, unpacked, packed_bytes)) if limited else unpacked
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise HarkenError(f"the gzip file is damaged or cut short ({error})", path=path) from error


@contextmanager
def _member_of(archive: Path, path: Path) -> Iterator[IO[bytes]]:
    with opened_archive(archive, named=path) as packed:
        name = _find_member(packed, path.relative_to(archive).as_posix())
        if name is None:
            raise HarkenError(f"there is no such file in {archive.name}", path=path)
        with opened_member(packed, name, path) as file:
            yield file


def _find_member(packed: zipfile.ZipFile, name: str) -> str | None:
    """Find a file by its plain path. In the archive it may be called ``./day.csv`` or ``a//day.csv``."""
    if name in packed.NameToInfo:
        return name
    for written in packed.namelist():
        if PurePosixPath(written).as_posix() == name and not written.endswith("/"):
            return written
    return None


@contextmanager
def opened_member(
    packed: zipfile.ZipFile, name: str, path: Path, damage: str = DAMAGE, *, most_packed: int | None = MOST_PACKED
) -> Iterator[IO[bytes]]:
    """Open a file in a zip archive; errors name ``path``.

    Args:
        packed: the archive.
        name: the file in it.
        path: see above.
        damage: as for ``opened_archive``.
        most_packed: the largest ratio of unpacked to packed size; None if the caller limits the unpacked size.

    Raises:
        HarkenError: when it is damaged, or would fill the memory. zipfile unpacks at most the size in the table of
            contents, but bzip2 and LZMA at once. The packed size there may be wrong. Reading may also raise it.
    """
    member = packed.getinfo(name)
    packed_bytes = max(1, min(member.compress_size, Path(str(packed.filename)).stat().st_size))
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise HarkenError(
            "it is compressed with a method that no app uses; unpack the archive, or compress it with deflate",
            path=path,
        )
    if most_packed is not None and member.file_size > most_packed * packed_bytes:
        raise HarkenError(
            f"it unpacks to {member.file_size:,} bytes, which is too large for a recording of this packed size",
            path=path,
        )
    refuse_too_much(path, member.file_size, packed_bytes)
    with damage_named(path, damage):
        unpacked = packed.open(member)
    with unpacked, damage_named(path, damage, MEMBER_DAMAGE):
        yield unpacked


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(part.startswith((".", "/", "__MACOSX")) or {"\\", ":"} & set(part) for part in parts)


def stem(path: Path) -> str:
    """A file's name without its endings, including ``.gz``. It is the default name of the subject."""
    return printable(Path(path.name.removesuffix(".gz")).stem or path.name)


def plain_head(head: bytes) -> bytes:
    """The beginning of a file, unpacked if it is gzipped; empty if the gzip data are damaged."""
    if not head.startswith(GZIPPED):
        return head
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def plain_file(owner: object, path: Path, looks_right: Callable[[bytes], bool], kind: str) -> Path:
    """The path of an unpacked file: the file itself, or a copy that exists until ``owner`` is garbage-collected.

    Raises:
        HarkenError: when the beginning is not that of a file of this ``kind`` (other files are not unpacked), or the
            gzip file is damaged, or would fill the disk.
    """
    with path.open("rb") as file:
        gzipped = file.read(len(GZIPPED)) == GZIPPED
    with opened(path) as file, ExitStack() as stack:
        head = file.read(HEAD_BYTES)
        if not head:
            raise HarkenError("the file is empty", path=path)
        if not looks_right(head):
            raise HarkenError(f"this is not {kind}, or its beginning is damaged", path=path)
        if not gzipped:
            return path
        unpacked = stack.enter_context(make_temporary_folder()) / "unpacked"
        with unpacked.open("wb") as target:
            while head:
                refuse_full_disk(path, unpacked.parent)
                target.write(head)
                head = file.read(UNPACKED_AT_ONCE)
        weakref.finalize(owner, stack.pop_all().close)
    return unpacked
