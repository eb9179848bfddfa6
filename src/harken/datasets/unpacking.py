"""Unpacking of zip and tar archives, and of archives inside them. Files are written only inside the given folder."""

import errno
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple

from harken.support.errors import HarkenError

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Archives inside archives are recognised by these endings."""
MOST_NESTED = 3
BLOCK_BYTES = 1 << 20
DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, RuntimeError, NotImplementedError, ValueError, OverflowError, OSError),
)
"""Exceptions of the standard library for an archive that is incomplete, damaged, encrypted or of an unknown
compression. An ``OSError`` is one of them only with an error number of ``DAMAGE_NUMBERS``."""
DAMAGE_NUMBERS = (None, errno.EINVAL)
"""No number: bzip2 and gzip found invalid data. EINVAL: an archive names an impossible position in its file."""


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its content.

    Raises:
        HarkenError: when it begins like a compressed file and is damaged.
    """
    with _damage_refused(str(path)):
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpack(archive: Path, folder: Path) -> dict[str, int]:
    """Unpack an archive into ``folder``. Archives inside it are unpacked into the folders that contain them.

    All files are first unpacked into a temporary folder and then moved one by one, so that no incomplete file ever has
    its final name. Files with the same names are replaced, and other files are kept. Only regular files and their
    folders are created.

    Returns:
        The files by their paths within ``folder`` (with ``/``), and their sizes in bytes.

    Raises:
        HarkenError: when a member would leave the folder or is a link or a device; when the archive is damaged,
            encrypted, or nested too deeply; when the disk is full. No file has been moved in these cases.
    """
    aside = folder / f".unpacking-{archive.name}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        _unpack_nested(archive, aside, str(archive), depth=1)
        return _moved(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


class _Member(NamedTuple):
    """A regular file in an archive."""

    name: str
    size: int
    opened: Callable[[], IO[bytes] | None]


def _unpack_nested(archive: Path, into: Path, known_as: str, *, depth: int) -> None:
    if depth > MOST_NESTED:
        raise HarkenError(f"{known_as} lies in archives within archives, more than {MOST_NESTED} deep; it is refused")
    nested = []
    with _members(archive, known_as) as members:
        needed, free = sum(member.size for member in members), shutil.disk_usage(into).free
        if needed > free:
            raise HarkenError(
                f"{known_as} unpacks to {needed / 1e6:,.0f} MB, but {into.parent} has {free / 1e6:,.0f} MB left; "
                "make room, or choose another folder"
            )
        for member in members:
            path = into / _within(member.name, known_as)
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.opened() or _gone(member.name) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, BLOCK_BYTES)
            if path.name.lower().endswith(ENDINGS) and is_archive(path):
                nested.append(path)
    for path in nested:
        # Rename the archive, because a file inside it may have the same name.
        inner = path.rename(path.with_name(f".inner-{depth}-{path.name}"))
        _unpack_nested(inner, path.parent, f"{path.name} in {known_as}", depth=depth + 1)
        inner.unlink()


@contextmanager
def _members(archive: Path, known_as: str) -> Iterator[list[_Member]]:
    """The regular files of an archive, after a check that all other members are folders.

    Reading them inside this block raises ``HarkenError`` when the archive is damaged.
    """
    with _damage_refused(known_as):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                yield _zip_members(file, known_as)
        else:
            with tarfile.open(archive) as file:
                yield _tar_members(file, known_as)


@contextmanager
def _damage_refused(known_as: str) -> Iterator[None]:
    """Raise ``HarkenError`` for what the standard library raises when it reads a damaged archive."""
    try:
        yield
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno not in DAMAGE_NUMBERS:
            raise
        raise HarkenError(
            f"{known_as} cannot be unpacked: it is damaged, cut short or encrypted ({error}). "
            "Remove it and fetch it again"
        ) from error


def _zip_members(file: zipfile.ZipFile, known_as: str) -> list[_Member]:
    members = []
    for info in file.infolist():
        _within(info.filename, known_as)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise HarkenError(f"{known_as}: {info.filename} is a link or a device; nothing of it was unpacked")
        if not info.is_dir():
            members.append(_Member(info.filename, info.file_size, partial(file.open, info)))
    return members


def _tar_members(file: tarfile.TarFile, known_as: str) -> list[_Member]:
    members = []
    for info in file.getmembers():
        _within(info.name, known_as)
        if not (info.isreg() or info.isdir()):
            raise HarkenError(f"{known_as}: {info.name} is a link or a device; nothing of it was unpacked")
        if info.isreg():
            members.append(_Member(info.name, info.size, partial(file.extractfile, info)))
    return members


def _within(name: str, known_as: str) -> PurePosixPath:
    """A member's name as a path inside the target folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or PureWindowsPath(name).drive:
        raise HarkenError(f"{known_as}: {name!r} would be written outside the folder; nothing of it was unpacked")
    return path


def _gone(name: str) -> IO[bytes]:
    raise tarfile.ReadError(f"{name} has no content")


def _moved(aside: Path, folder: Path) -> dict[str, int]:
    sizes = {}
    for path in sorted(aside.rglob("*")):
        if path.is_file():
            name = path.relative_to(aside)
            sizes[name.as_posix()] = path.stat().st_size
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / name)
    return sizes
