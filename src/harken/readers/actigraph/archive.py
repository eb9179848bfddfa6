"""The zip archive of a ``.gt3x`` file, read in limited memory."""

import errno
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harken.readers.unpacking import ZIP_DAMAGE, ArchiveFile, refuse_too_much, unpacks_in_pieces
from harken.support.errors import HarkenError

PIECE_BYTES = 1 << 21
UNBOUNDED = "it is compressed with a method that ActiGraph's software does not use"


class Gt3xArchive:
    """The members of an open archive, by name. See ``opened_archive``."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self._path = path
        self._file = file
        self._members = {info.filename: info for info in file.infolist()}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def packed_bytes(self, name: str) -> int:
        """The packed size of a member in bytes, according to the table of contents."""
        return self._members[name].compress_size

    def unpacked_bytes(self, name: str) -> int:
        """The unpacked size of a member in bytes, according to the table of contents; ``pieces`` yields at most
        this."""
        return self._members[name].file_size

    def text(self, name: str, most_bytes: int) -> str:
        """A small member as text. Bytes that are not UTF-8 are replaced.

        Raises:
            HarkenError: when the archive is damaged, or the member is larger than ``most_bytes``.
        """
        if self.unpacked_bytes(name) > most_bytes:
            raise HarkenError(
                f"{self._path}: its {name} has {self.unpacked_bytes(name):,} bytes, which is too large; the "
                "file is damaged"
            )
        return b"".join(self.pieces(name)).decode("utf-8-sig", errors="replace")

    def pieces(self, name: str, size: int = PIECE_BYTES) -> Iterator[bytes]:
        """A member's bytes, ``size`` at a time; only the last piece may be shorter.

        Raises:
            HarkenError: when the archive is damaged; the zip checksum is compared at the member's end.
        """
        member = self._members[name]
        if not unpacks_in_pieces(member):
            raise HarkenError(f"{self._path}: {UNBOUNDED}")
        refuse_too_much(self._path, member.file_size, min(member.compress_size, self._path.stat().st_size))
        with _damage_named(self._path):
            file = self._file.open(member)
        with file:
            left = member.file_size
            while left > 0:
                with _damage_named(self._path):
                    piece = file.read(min(size, left))
                    while piece and len(piece) < min(size, left):
                        more = file.read(min(size, left) - len(piece))
                        if not more:
                            break
                        piece += more
                    if not piece:
                        raise EOFError(f"{name} is shorter than stated in the table of contents")
                    left -= len(piece)
                    if left <= 0:
                        file.read(1)  # the end, where zipfile compares the checksum
                yield piece


@contextmanager
def opened_archive(path: Path) -> Iterator[Gt3xArchive]:
    """Open a ``.gt3x`` file.

    Raises:
        HarkenError: when the file is not a zip archive, or is damaged.
        OSError: when the file cannot be opened.
    """
    with ArchiveFile(path) as raw:
        with _damage_named(path):
            file = zipfile.ZipFile(raw)
        with file:
            yield Gt3xArchive(path, file)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except ZIP_DAMAGE as error:
        # A damaged table of contents may contain an offset before the beginning of the file.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise HarkenError(
            f"{path}: the .gt3x file, which is a zip archive, is damaged, cut short or encrypted ({error}). "
            "Copy or download it again"
        ) from error
