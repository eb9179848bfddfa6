"""Downloads of public data sets: archives are resumed after a break, checked, and unpacked.

Libraries that download data sets do not resume a broken download (pooch, the usual one, begins again). This module
therefore uses ``requests`` and the HTTP header ``Range``. ``If-Range`` ensures that parts of two versions of a file are
never combined (RFC 9110, 13.1.5 and 14.2).

Zip and tar archives, and archives inside them, are unpacked only inside the given folder.
"""

import hashlib
import json
import lzma
import os
import re
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
from harken.support.errors import HarkenError
from harken.support.files import not_left_empty, write_text

BLOCK_BYTES = 1 << 18
TIMEOUT_S = (15.0, 60.0)
"""The timeouts for the connection and between two pieces of the response."""
ATTEMPTS = 4
"""The number of consecutive attempts without any new byte."""
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

    A broken download is resumed, in this call or in the next one. An archive that was obtained in another way is used
    if it is in ``folder`` under its ``file_name``. The archive is kept after unpacking and may be deleted. The file
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
            "the command again to continue"
        ) from error


class _BrokenOffError(Exception):
    """Raised when the connection is lost or the server is busy, after which another attempt is made."""


@dataclass
class _Fetch:
    """The download and the unpacking of one archive.

    ``part`` is the downloaded part of it, and ``facts`` beside it has the validator that identifies the publisher's
    version of the file.
    """

    info: DatasetInfo
    archive: Archive
    folder: Path
    on_progress: Callable[[DownloadProgress], None]
    on_note: Callable[[str], None]

    def __post_init__(self) -> None:
        folder, name = self.folder, self.archive.file_name
        self.path, self.record = folder / name, folder / f"{name}.fetched.json"
        self.part, self.facts = folder / f".{name}.part", folder / f".{name}.part.json"

    def run(self) -> None:
        if self._is_complete():
            return
        if self.path.exists():
            sha256 = self._checked(self.path, f"{self.path} is not the expected file")
        else:
            self._download()
            try:
                sha256 = self._checked(self.part, f"the response of {self.archive.url} is not the expected file")
            except HarkenError:
                self._remove_part()
                raise
            with self.part.open("rb") as file:
                os.fsync(file.fileno())
            self.part.replace(self.path)
            self._remove_part()
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

    def _checked(self, path: Path, complaint: str) -> str:
        """The file's SHA-256, after a comparison with the known checksum, if there is one."""
        if not is_archive(path):
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

    def _download(self) -> None:
        """Download the archive completely into ``part``. Stop after ``ATTEMPTS`` attempts without progress."""
        most, failures = _size(self.part), 0
        with requests.Session() as session:
            while True:
                try:
                    self._receive(session)
                    return
                except _BrokenOffError as error:
                    size = _size(self.part)
                    failures = 1 if size > most else failures + 1
                    most = max(most, size)
                    if failures >= ATTEMPTS:
                        again = "; run the command again to continue there" if self._range_headers() else ""
                        raise HarkenError(
                            f"{self.archive.url}: {error}, after {size / 1e6:,.1f} MB{again}. Are you online? Else "
                            f"download it by hand (see {self.info.url}) and put it at {self.path}"
                        ) from error
                    time.sleep(WAIT_S * failures)

    def _receive(self, session: requests.Session) -> None:
        """Request the missing bytes once, and write the received bytes.

        Raises:
            _BrokenOffError: when fewer bytes arrive than the file has.
            HarkenError: when the server has no such file, or the disk is full.
        """
        url, name = self.archive.url, self.archive.file_name
        # A compressed response would have other lengths and ranges than the file.
        headers = {"Accept-Encoding": "identity", **self._range_headers()}
        try:
            with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
                length = self._length_bytes(response)
                total = self.archive.size_bytes if length is None else length
                received = _size(self.part)
                missing = (total or 0) - received
                free = shutil.disk_usage(self.folder).free
                if missing > free:
                    raise HarkenError(
                        f"{name}: {missing / 1e6:,.0f} MB are missing, but {self.folder} has "
                        f"only {free / 1e6:,.0f} MB free; free some space, or choose another folder"
                    )
                with self.part.open("ab") as file:
                    self.on_progress(DownloadProgress(name, received, total))
                    for block in response.iter_content(BLOCK_BYTES) if received != length else ():
                        file.write(block)
                        received += len(block)
                        self.on_progress(DownloadProgress(name, received, total))
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _BrokenOffError("the connection could not be made, or was lost") from error
        except requests.RequestException as error:
            raise HarkenError(f"{url} cannot be fetched: {error}. See {self.info.url}") from error
        if length is not None and received != length:
            raise _BrokenOffError("the connection was lost")

    def _range_headers(self) -> dict[str, str]:
        """The request headers: only the rest of the file is requested, if the version can be checked."""
        size, facts = _size(self.part), _json(self.facts)
        validator = facts.get("validator") if facts.get("url") == self.archive.url else None
        if not size or (validator is None and self.archive.sha256 is None):
            return {}
        return {"Range": f"bytes={size}-"} | ({"If-Range": str(validator)} if validator else {})

    def _length_bytes(self, response: requests.Response) -> int | None:
        """Prepare ``part`` for the content of the response. Return the size of the whole file, or None if it is not
        stated."""
        status, size = response.status_code, str(_size(self.part))
        if status in PASSING:
            raise _BrokenOffError(f"the server answers {status} {response.reason}")
        if status in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
            stated = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", response.headers.get("Content-Range", ""))
            # The next bytes, or none because all have come.
            if stated is None or size != (stated[1] or stated[2]):
                self._remove_part()
                raise _BrokenOffError("the partial download does not belong to the current file")
            return int(stated[2])
        if status != requests.codes.ok:
            why = "the file no longer exists" if status in GONE_FOR_GOOD else "the request was refused"
            raise HarkenError(
                f"{self.archive.url}: the server answers {status} {response.reason}: {why}. Look for it at "
                f"{self.info.url}, and put it at {self.path}"
            )
        etag = response.headers.get("ETag", "")
        strong = etag if etag.startswith('"') else None
        self.part.write_bytes(b"")
        _write_json(self.facts, {"url": self.archive.url, "validator": strong or response.headers.get("Last-Modified")})
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def _remove_part(self) -> None:
        self.part.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


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
                f"{known_as} unpacks to {needed / 1e6:,.0f} MB, but {into.parent} has {free / 1e6:,.0f} MB left; "
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


def _moved(aside: Path, folder: Path) -> dict[str, int]:
    sizes = {}
    for path in sorted(aside.rglob("*")):
        if path.is_file():
            name = path.relative_to(aside)
            sizes[name.as_posix()] = path.stat().st_size
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            path.replace(folder / name)
    return sizes
