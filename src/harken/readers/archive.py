"""A path that may lead into a zip archive: ``export.zip/Accelerometer.csv`` is read where it lies."""

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
"""Of an archive, and of an empty one."""
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""What reading a member raises; the last one is of a place to read at that cannot be."""
ZIP_DAMAGE = (*DAMAGE, RuntimeError, ValueError, OverflowError, struct.error)
"""What zipfile raises in all: also for a damaged table of contents, a password, a way of packing it does not know."""
LONGEST_REASON = 120
MOST_READ_AT_ONCE = 1 << 23
"""zipfile reads a table of contents in one go; that of a real archive has some dozen lines."""


class ArchiveFile(FileIO):
    """A zip archive's file, of which only small pieces can be read while ``limited``: zipfile reads the table of
    contents in one go, and a long one would fill the memory."""

    limited = True

    def read(self, size: int | None = -1, /) -> bytes:
        """As ``FileIO``.

        Raises:
            BadZipFile: when more is wanted than a real table of contents has.
        """
        wanted = Path(self.name).stat().st_size - self.tell() if size is None or size < 0 else size
        if self.limited and wanted > MOST_READ_AT_ONCE:
            raise zipfile.BadZipFile("its table of contents is absurdly long")
        return super().read(size)


def unpacks_in_pieces(member: zipfile.ZipInfo) -> bool:
    """Whether zipfile can unpack no more of a member than is asked for: it unpacks bzip2 and LZMA at once."""
    return member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a zip archive."""
    return head.startswith(SIGNATURES)


def member_paths(archive: Path) -> list[Path]:
    """The files in a zip archive, sorted, each as a path below that of the archive.

    What macOS adds is left out, and so is a name that would lead out of the archive.

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
    """The bytes of a file on the disk, or of an archive's member where the path leads into one.

    Raises:
        HarkenError: when the archive is damaged, encrypted or made to fill a memory, or has no such member.
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
    """The file itself, or the archive that a path leads into; None when there is neither."""
    return path if path.exists() else next((parent for parent in path.parents if parent.is_file()), None)


def _refuse_bomb(path: Path, member: zipfile.ZipInfo, archive_bytes: int) -> None:
    """Raise a HarkenError for a member that would fill the memory. zipfile unpacks no more of it than its table of
    contents has; the packed size that stands there may be a lie."""
    if not unpacks_in_pieces(member):
        raise HarkenError(f"{path}: is packed in a way that no app uses; unpack the archive, or pack it with deflate")
    packed_bytes = max(1, min(member.compress_size, archive_bytes))
    if member.file_size > MOST_PACKED * packed_bytes:
        raise HarkenError(f"{path}: unpacks to {member.file_size:,} bytes; no table of samples packs so well")
    refuse_too_much(path, member.file_size, packed_bytes)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(part.startswith((".", "/", "__MACOSX")) or {"\\", ":"} & set(part) for part in parts)


def _damaged(path: Path, error: BaseException) -> HarkenError:
    reason = textwrap.shorten(str(error), LONGEST_REASON)  # zipfile may quote half of the archive
    return HarkenError(f"{path}: the zip archive cannot be unpacked: it is damaged, cut short or encrypted ({reason})")
