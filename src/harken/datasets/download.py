"""Downloads of public data sets: archives are fetched whole or not at all, checked, and unpacked.

Zip and tar archives, and archives inside them, are unpacked only inside the given folder.
"""

import hashlib
import json
import lzma
import shutil
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, NamedTuple

import requests

from harken.datasets.info import Archive, DatasetInfo
from harken.readers.unpacking import ZIP_DAMAGE, damage_named
from harken.support.aside import make_aside
from harken.support.errors import HarkenError
from harken.support.files import not_left_empty, replacing, write_text

BLOCK_BYTES = 1 << 18
TIMEOUT_S = (15.0, 60.0)
"""The timeouts for the connection and between two pieces of the response."""
ATTEMPTS = 4
"""How often a file is asked for, from its beginning, before a download fails."""
WAIT_S = 2.0
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses of temporary errors, after which another attempt is made."""
GONE_FOR_GOOD = frozenset({404, 410})
ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Archives inside archives are recognised by these endings."""
MOST_NESTED = 3
COPIED_BYTES = 1 << 20
DAMAGE = "cannot be unpacked, because it is damaged, cut short or encrypted ({}). Remove it and fetch it again"
DAMAGE_KINDS = (*ZIP_DAMAGE, tarfile.TarError, lzma.LZMAError)


class DownloadProgress(NamedTuple):
    """The progress of one archive; ``total_bytes`` is None if the publisher does not state the size."""

    file_name: str
    received_bytes: int
    total_bytes: int | None


def fetch(
    info: DatasetInfo,
    folder: Path,
    *,
    on_progress: Callable[[DownloadProgress], None] = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> Path:
    """Download a data set's archives into ``folder`` and unpack them there. Complete archives and files are kept.

    A download that breaks off begins again. An archive that was obtained in another way is used if it is in ``folder``
    under its ``file_name``. The archive is kept after unpacking and may be deleted. The file
    ``<file_name>.fetched.json`` beside it contains its SHA-256 and the unpacked files.

    Args:
        info: the data set.
        folder: the folder of the data set; it is created if it does not exist.
        on_progress: called with the progress while bytes arrive.
        on_note: called with sentences for the user, for example that the publisher states no checksum. Later downloads
            are then compared with the first one.

    Raises:
        HarkenError: when the data set cannot be downloaded and must be obtained in another way; when the publisher
            cannot be reached or no longer has the file; when a checksum differs; when an archive is damaged or would
            write outside ``folder``; when the disk is full. The message states what to do.
    """
    if not info.archives:
        raise HarkenError(f"{info.name} cannot be downloaded by harken; to get it: {info.how_to_get}")
    with _disk(folder), not_left_empty(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for archive in info.archives:
            _Fetch(info, archive, folder, on_progress, on_note).run()
    return folder


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Convert the system's disk errors to a HarkenError with a sentence."""
    try:
        yield
    except OSError as error:
        raise HarkenError(
            f"{error.filename or folder} cannot be written: {error.strerror}. Mend that (is the disk full?) and run "
            "the command again"
        ) from error


class _BrokenOffError(Exception):
    """Raised when the connection is lost or the server is busy, after which another attempt is made."""


@dataclass
class _Fetch:
    """The download and the unpacking of one archive."""

    info: DatasetInfo
    archive: Archive
    folder: Path
    on_progress: Callable[[DownloadProgress], None]
    on_note: Callable[[str], None]

    def __post_init__(self) -> None:
        name = self.archive.file_name
        self.path, self.record = self.folder / name, self.folder / f"{name}.fetched.json"

    def run(self) -> None:
        if self._is_complete():
            return
        if self.path.exists():
            sha256 = self._check(self.path, str(self.path))
        else:
            with replacing(self.path) as aside:
                self._download(aside)
                sha256 = self._check(aside, f"the response of {self.archive.url}")
        files = unpack(self.path, self.folder)  # first: the checksum of a damaged archive would refuse the next one
        size_bytes = self.path.stat().st_size
        _write_json(self.record, {"url": self.archive.url, "sha256": sha256, "size_bytes": size_bytes, "files": files})

    def _is_complete(self) -> bool:
        """Whether all files that were unpacked from this version of the archive still exist."""
        recorded = _json(self.record)
        files = recorded.get("files")
        if not isinstance(files, dict) or not files or recorded.get("url") != self.archive.url:
            return False
        if self.archive.sha256 not in (None, recorded.get("sha256")):
            return False
        paths = ((self.folder / name, size) for name, size in files.items())
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)

    def _check(self, path: Path, known_as: str) -> str:
        """Compare a file with the known checksum, if there is one. Return its SHA-256."""
        complaint = f"{known_as} is not the expected file"
        if not is_archive(path, known_as):
            raise HarkenError(f"{complaint}: it is neither zip nor tar. See {self.info.url}")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        stated = self.archive.sha256
        recorded = _json(self.record).get("sha256")
        expected = recorded if stated is None else stated.lower()
        if expected is None:
            self.on_note(
                f"The publisher states no checksum for {self.archive.file_name}. Its SHA-256 is {sha256}; "
                f"{self.record.name} keeps it, and a later download must have the same."
            )
        elif sha256 != expected:
            why = f"as when it was first fetched. Remove {self.record} to accept what the publisher has now"
            if stated is not None:
                why = "as the publisher states"
            raise HarkenError(
                f"{complaint}: its SHA-256 is {sha256} and must be {expected}, {why}. Remove it if it is still there "
                f"and fetch again; if that does not help, see {self.info.url}"
            )
        return sha256

    def _download(self, target: Path) -> None:
        """Download the archive to ``target``. Stop after ``ATTEMPTS`` attempts, each from its beginning."""
        with requests.Session() as session:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    self._receive(session, target)
                    return
                except _BrokenOffError as error:
                    if attempt == ATTEMPTS:
                        raise HarkenError(
                            f"{self.archive.url}: {error}. Are you online? Else download it by hand "
                            f"(see {self.info.url}) and put it at {self.path}"
                        ) from error
                    time.sleep(WAIT_S * attempt)

    def _receive(self, session: requests.Session, target: Path) -> None:
        """Request the file once, and write what arrives to ``target``.

        Raises:
            _BrokenOffError: when the server is busy, or fewer bytes arrive than the file has.
            HarkenError: when the server has no such file, or the disk is full.
        """
        url, name, received = self.archive.url, self.archive.file_name, 0
        headers = {"Accept-Encoding": "identity"}  # a compressed response would have another length than the file
        try:
            with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
                self._check_status(response)
                stated = response.headers.get("Content-Length", "")
                length = int(stated) if stated.isdecimal() else None
                total = self.archive.size_bytes if length is None else length
                self._check_room(total or 0)
                with target.open("wb") as file:
                    self.on_progress(DownloadProgress(name, received, total))
                    for block in response.iter_content(BLOCK_BYTES):
                        file.write(block)
                        received += len(block)
                        self.on_progress(DownloadProgress(name, received, total))
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            why = f"the connection was lost after {received / 1e6:,.1f} MB" if received else "no connection was made"
            raise _BrokenOffError(why) from error
        except requests.RequestException as error:
            raise HarkenError(f"{url} cannot be fetched: {error}. See {self.info.url}") from error
        if length is not None and received != length:
            raise _BrokenOffError(f"the connection was lost after {received / 1e6:,.1f} MB")

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in PASSING:
            raise _BrokenOffError(f"the server answers {status} {response.reason}")
        if status != requests.codes.ok:
            why = "the file no longer exists" if status in GONE_FOR_GOOD else "the request was refused"
            raise HarkenError(
                f"{self.archive.url}: the server answers {status} {response.reason}: {why}. Look for it at "
                f"{self.info.url}, and put it at {self.path}"
            )

    def _check_room(self, needed_bytes: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if needed_bytes > free:
            raise HarkenError(
                f"{self.archive.file_name} has {needed_bytes / 1e6:,.0f} MB, but {self.folder} has only "
                f"{free / 1e6:,.0f} MB free; free some space, or choose another folder"
            )


def _write_json(path: Path, content: dict[str, object]) -> None:
    write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def _json(path: Path) -> dict[str, object]:
    """A JSON object that harken wrote; empty if the file does not exist or is incomplete."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_archive(path: Path, known_as: str | None = None) -> bool:
    """Whether a file is a zip or tar archive, by its content.

    Raises:
        HarkenError: when it begins like a compressed file and is damaged; it names the file as ``known_as``.
    """
    with damage_named(known_as or path, DAMAGE, DAMAGE_KINDS):
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def unpack(archive: Path, folder: Path) -> dict[str, int]:
    """Unpack an archive into ``folder``. Archives inside it are unpacked into the folders that contain them.

    All files are first unpacked into a folder aside and then moved one by one, so that no incomplete file ever has
    its final name. Files with the same names are replaced, and other files are kept. Only regular files and their
    folders are created.

    Returns:
        The files by their paths within ``folder`` (with ``/``), and their sizes in bytes.

    Raises:
        HarkenError: when a member would leave the folder or is a link or a device; when the archive is damaged,
            encrypted, or nested too deeply; when the disk is full. No file has been moved in these cases.
    """
    with make_aside(folder) as aside:
        unpacked = aside / "unpacked"
        unpacked.mkdir()
        _unpack_nested(archive, unpacked, str(archive), depth=1)
        return _move_all(unpacked, folder)


def _unpack_nested(archive: Path, into: Path, known_as: str, *, depth: int) -> None:
    if depth > MOST_NESTED:
        raise HarkenError(f"{known_as} lies in archives within archives, more than {MOST_NESTED} deep; it is refused")
    nested = []
    with (
        damage_named(known_as, DAMAGE, DAMAGE_KINDS),
        zipfile.ZipFile(archive) if zipfile.is_zipfile(archive) else tarfile.open(archive) as file,
    ):
        members = list(_files_in(file, known_as))
        needed = sum(size for _, size, _ in members)
        free = shutil.disk_usage(into).free
        if needed > free:
            raise HarkenError(
                f"{known_as} unpacks to {needed / 1e6:,.0f} MB, but the disk has {free / 1e6:,.0f} MB left; "
                "make room, or choose another folder"
            )
        for name, _, opened in members:
            path = into / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with opened() as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, COPIED_BYTES)
            if path.name.lower().endswith(ENDINGS) and is_archive(path, f"{path.name} in {known_as}"):
                nested.append(path)
    for path in nested:
        # Rename the archive, because a file inside it may have the same name.
        inner = path.rename(path.with_name(f".inner-{depth}-{path.name}"))
        _unpack_nested(inner, path.parent, f"{path.name} in {known_as}", depth=depth + 1)
        inner.unlink()


def _files_in(
    file: zipfile.ZipFile | tarfile.TarFile, known_as: str
) -> Iterator[tuple[PurePosixPath, int, Callable[[], IO[bytes]]]]:
    """The path of each regular file, its size, and a function that opens it; other members than folders are refused."""
    open_member: Any = file.open if isinstance(file, zipfile.ZipFile) else file.extractfile
    for member in file.infolist() if isinstance(file, zipfile.ZipFile) else file.getmembers():
        if isinstance(member, zipfile.ZipInfo):
            name, size = member.filename, member.file_size
            is_folder = name.endswith("/")  # is_dir fails for a member without a name
            ordinary = stat.S_IFMT(member.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
        else:
            name, size, is_folder = member.name, member.size, member.isdir()
            ordinary = member.isreg() or is_folder
        path = _within(name, known_as)
        if not ordinary:
            raise HarkenError(f"{known_as}: {name} is a link or a device; nothing of it was unpacked")
        if not is_folder:
            yield path, size, partial(open_member, member)


def _within(name: str, known_as: str) -> PurePosixPath:
    """A member's name as a path inside the target folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts:
        raise HarkenError(f"{known_as}: contains a file without a name; nothing of it was unpacked")
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(name).drive:
        raise HarkenError(f"{known_as}: {name!r} would be written outside the folder; nothing of it was unpacked")
    return path


def _move_all(unpacked: Path, folder: Path) -> dict[str, int]:
    sizes = {}
    for path in sorted(unpacked.rglob("*")):
        if path.is_file():
            name = path.relative_to(unpacked)
            sizes[name.as_posix()] = path.stat().st_size
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / name)
    return sizes
