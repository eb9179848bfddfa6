"""A path that may lead into a zip archive: ``export.zip/Accelerometer.csv`` is read where it lies."""

import struct
import textwrap
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from harken.errors import HarkenError

__all__ = ["ZIP_DAMAGE", "is_zip", "member_paths", "opened_file"]

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
"""Of an archive, and of an empty one."""
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""What reading a member raises; the last one is of a place to read at that cannot be."""
ZIP_DAMAGE = (*DAMAGE, RuntimeError, ValueError, OverflowError, struct.error)
"""What zipfile raises in all: also for a damaged table of contents, a password, a way of packing it does not know."""
LONGEST_REASON = 120
MOST_PACKED = 200
"""Tables of samples pack five to twenty times; one that unpacks to more than this is made to fill a memory."""


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a zip archive."""
    return head.startswith(SIGNATURES)


def member_paths(archive: Path) -> list[Path]:
    """The files in a zip archive, sorted, each as a path below that of the archive.

    What macOS adds is left out, and so is a name that would lead out of the archive.

    Raises:
        HarkenError: when the archive is damaged.
    """
    with archive.open("rb") as file:
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
    archive = None if path.exists() else next((parent for parent in path.parents if parent.is_file()), None)
    if archive is None:
        with path.open("rb") as file:
            yield file
        return
    with ExitStack() as stack:
        whole = stack.enter_context(archive.open("rb"))
        try:
            packed = stack.enter_context(zipfile.ZipFile(whole))
            member = packed.getinfo(path.relative_to(archive).as_posix())
            if member.file_size > MOST_PACKED * max(1, member.compress_size):
                raise HarkenError(f"{path}: unpacks to {member.file_size:,} bytes; no table of samples packs so well")
            unpacked = stack.enter_context(packed.open(member))
        except KeyError as error:
            raise HarkenError(f"{path}: there is no such file in {archive.name}") from error
        except ZIP_DAMAGE as error:
            raise _damaged(path, error) from error
        try:
            yield unpacked
        except DAMAGE as error:
            raise _damaged(path, error) from error


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not any(part.startswith((".", "/", "__MACOSX")) or {"\\", ":"} & set(part) for part in parts)


def _damaged(path: Path, error: BaseException) -> HarkenError:
    reason = textwrap.shorten(str(error), LONGEST_REASON)  # zipfile may quote half of the archive
    return HarkenError(f"{path}: the zip archive cannot be unpacked: it is damaged, cut short or encrypted ({reason})")
