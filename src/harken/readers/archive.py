"""Reading of files inside zip archives by paths such as ``export.zip/Accelerometer.csv``."""

import struct
import textwrap
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from harken.readers.unpacking import MOST_PACKED, refuse_too_much
from harken.support.errors import HarkenError

__all__ = ["ZIP_DAMAGE", "ArchiveFile", "file_on_disk", "is_zip", "member_paths", "opened_file", "unpacks_in_pieces"]

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""The first bytes of an archive, and of an empty archive."""
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""Exceptions while a member is read; the last one is raised for an impossible position in the file."""
ZIP_DAMAGE = (*DAMAGE, RuntimeError, ValueError, OverflowError, struct.error)
"""All exceptions of zipfile, including those for a damaged table of contents, a password or an unknown compression."""
LONGEST_REASON = 120
MOST_READ_AT_ONCE = 1 << 23
"""zipfile reads a table of contents at once; that of a real archive has a few dozen entries."""


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
    return head.startswith(SIGNATURES)


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
        HarkenError: when the archive is damaged, encrypted or a zip bomb, or has no such member.
        OSError: when there is no such file.
    """
    archive = file_on_disk(path)
    if archive is None or archive == path:
        with path.open("rb") as file:
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
        except DAMAGE as error:
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
