"""Downloads of public data sets: archives are resumed after a break, checked, and unpacked.

Libraries that download data sets do not resume a broken download (pooch, the usual one, begins again). This module
therefore uses ``requests`` and the HTTP header ``Range``. ``If-Range`` ensures that parts of two versions of a file are
never combined (RFC 9110, 13.1.5 and 14.2).
"""

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from harken.datasets.info import Archive, DatasetInfo
from harken.datasets.unpacking import is_archive, unpack
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


class DownloadProgress(NamedTuple):
    """The progress of one archive; ``total_bytes`` is None if the publisher does not state the size."""

    file_name: str
    received_bytes: int
    total_bytes: int | None


def fetch(
    info: DatasetInfo,
    folder: Path,
    *,
    on_progress: Callable[[DownloadProgress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
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
            fetched = _Fetch(info, archive, folder, on_progress or _silent, on_note or _silent)
            if not fetched.is_complete():
                fetched.run()
    return folder


def _silent(_: object) -> None:
    pass


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Convert the system's disk errors to a HarkenError with a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise HarkenError(
                f"the disk of {folder} is full; free some space and run the command again to continue"
            ) from error
        raise HarkenError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


class _Fetch:
    """The download and the unpacking of one archive."""

    def __init__(
        self,
        info: DatasetInfo,
        archive: Archive,
        folder: Path,
        on_progress: Callable[[DownloadProgress], None],
        on_note: Callable[[str], None],
    ) -> None:
        self.info, self.archive, self.folder = info, archive, folder
        self.on_progress, self.on_note = on_progress, on_note
        self.path = folder / archive.file_name
        self.record = folder / f"{archive.file_name}.fetched.json"
        self.part = _Part(folder / f".{archive.file_name}.part", archive)

    def is_complete(self) -> bool:
        """Whether all files that were unpacked from this version of the archive still exist."""
        recorded = _json(self.record)
        files = recorded.get("files")
        if not isinstance(files, dict) or not files or recorded.get("url") != self.archive.url:
            return False
        if self.archive.sha256 not in (None, recorded.get("sha256")):
            return False
        paths = ((self.folder / name, size) for name, size in files.items())
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)

    def run(self) -> None:
        if self.path.exists():
            sha256 = self._checked(self.path, f"{self.path} is not the expected file")
        else:
            _download(self.part, self.info, self.path, self.on_progress)
            try:
                sha256 = self._checked(self.part.path, f"the response of {self.archive.url} is not the expected file")
            except HarkenError:
                self.part.remove()
                raise
            self.part.move_to(self.path)
        known = {"url": self.archive.url, "sha256": sha256, "size_bytes": self.path.stat().st_size}
        self._write_record(known)  # before unpacking, which may fail: the checksum is already known
        self._write_record(known | {"files": unpack(self.path, self.folder)})

    def _checked(self, path: Path, complaint: str) -> str:
        """The file's SHA-256, after a comparison with the known checksum, if there is one."""
        if not is_archive(path):
            raise HarkenError(f"{complaint}: it is neither zip nor tar. See {self.info.url}")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        recorded = _json(self.record).get("sha256")
        if self.archive.sha256 is not None:
            if sha256 != self.archive.sha256.lower():
                raise HarkenError(
                    f"{complaint}: its SHA-256 is {sha256} and must be {self.archive.sha256}. "
                    f"Remove it if it is still there and fetch again; if that does not help, see {self.info.url}"
                )
        elif recorded is None:
            self.on_note(
                f"The publisher states no checksum for {self.archive.file_name}. Its SHA-256 is {sha256}; "
                f"{self.record.name} keeps it, and a later download must have the same."
            )
        elif sha256 != recorded:
            raise HarkenError(
                f"{complaint}: its SHA-256 is {sha256} and was {recorded} when it was first fetched. To accept what "
                f"the publisher has now, remove {self.record}"
            )
        return sha256

    def _write_record(self, content: dict[str, object]) -> None:
        write_text(self.record, json.dumps(content, indent=1, sort_keys=True) + "\n")


class _Part:
    """The downloaded part of an archive, and the validator that identifies the publisher's version of the file."""

    def __init__(self, path: Path, archive: Archive) -> None:
        self.path, self.archive = path, archive
        self.facts = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def range_headers(self) -> dict[str, str]:
        """The request headers: only the rest of the file is requested, if the version can be checked."""
        facts = _json(self.facts)
        validator = facts.get("validator") if facts.get("url") == self.archive.url else None
        if not self.size or (validator is None and self.archive.sha256 is None):
            return {}
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": str(validator)} if validator else {})

    def begin(self, response: requests.Response) -> None:
        """Begin a new file with this response."""
        etag = response.headers.get("ETag", "")
        strong = etag if etag.startswith('"') else None
        validator = strong or response.headers.get("Last-Modified")
        self.path.write_bytes(b"")
        write_text(self.facts, json.dumps({"url": self.archive.url, "validator": validator}))

    def move_to(self, path: Path) -> None:
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(path)
        self.remove()

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)


class _BrokenOffError(Exception):
    """Raised when the connection is lost or the server is busy, after which another attempt is made."""


def _download(part: _Part, info: DatasetInfo, path: Path, on_progress: Callable[[DownloadProgress], None]) -> None:
    """Download an archive completely into ``part``. Stop after ``ATTEMPTS`` attempts without progress."""
    most, failures = part.size, 0
    with requests.Session() as session:
        while True:
            try:
                _receive(session, part, info, on_progress)
                return
            except _BrokenOffError as error:
                failures = 1 if part.size > most else failures + 1
                most = max(most, part.size)
                if failures >= ATTEMPTS:
                    again = "; run the command again to continue there" if part.range_headers() else ""
                    raise HarkenError(
                        f"{part.archive.url}: {error}, after {part.size / 1e6:,.1f} MB{again}. Are you online? Else "
                        f"download it by hand (see {info.url}) and put it at {path}"
                    ) from error
                time.sleep(WAIT_S * failures)


def _receive(
    session: requests.Session, part: _Part, info: DatasetInfo, on_progress: Callable[[DownloadProgress], None]
) -> None:
    """Request the missing bytes once, and write the received bytes.

    Raises:
        _BrokenOffError: when fewer bytes arrive than the file has.
        HarkenError: when the server has no such file, or the disk is full.
    """
    # A compressed response would have other lengths and ranges than the file.
    headers = {"Accept-Encoding": "identity", **part.range_headers()}
    try:
        with session.get(part.archive.url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
            length = _length_bytes(response, part, info)
            total = part.archive.size_bytes if length is None else length
            missing, free = (total or 0) - part.size, shutil.disk_usage(part.path.parent).free
            if missing > free:
                raise HarkenError(
                    f"{part.archive.file_name}: {missing / 1e6:,.0f} MB are missing, but {part.path.parent} has "
                    f"only {free / 1e6:,.0f} MB free; free some space, or choose another folder"
                )
            received = part.size
            with part.path.open("ab") as file:
                on_progress(DownloadProgress(part.archive.file_name, received, total))
                for block in response.iter_content(BLOCK_BYTES) if received != length else ():
                    file.write(block)
                    received += len(block)
                    on_progress(DownloadProgress(part.archive.file_name, received, total))
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _BrokenOffError("the connection could not be made, or was lost") from error
    except requests.RequestException as error:
        raise HarkenError(f"{part.archive.url} cannot be fetched: {error}. See {info.url}") from error
    if length is not None and part.size != length:
        raise _BrokenOffError("the connection was lost")


def _length_bytes(response: requests.Response, part: _Part, info: DatasetInfo) -> int | None:
    """Prepare ``part`` for the content of the response. Return the size of the whole file, or None if it is not
    stated."""
    status = response.status_code
    if status in PASSING:
        raise _BrokenOffError(f"the server answers {status} {response.reason}")
    if status in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
        stated = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", response.headers.get("Content-Range", ""))
        continues = stated is not None and stated[1] == str(part.size)
        has_all = stated is not None and stated[1] is None and int(stated[2]) == part.size
        if stated is None or not (continues or has_all):
            part.remove()
            raise _BrokenOffError("the partial download does not belong to the current file")
        return int(stated[2])
    if status != requests.codes.ok:
        why = "the file no longer exists" if status in GONE_FOR_GOOD else "the request was refused"
        raise HarkenError(
            f"{part.archive.url}: the server answers {status} {response.reason}: {why}. Look for it at {info.url}, "
            f"and put it at {part.path.parent / part.archive.file_name}"
        )
    part.begin(response)
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _json(path: Path) -> dict[str, object]:
    """A JSON object that harken wrote; empty if the file does not exist or is incomplete."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
