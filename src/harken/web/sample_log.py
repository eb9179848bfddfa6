"""The log of ``--keep``: samples of all watches, written to disk before they are acknowledged.

A message is a head, the watch's name, the times and the signals. One checksum is over the head and the name, so that
the length of a message is certain although its samples are damaged. Another one is over the samples. A damaged message
is left out. After a damaged head, reading goes on at the next mark whose head has the right checksum.
"""

import asyncio
import logging
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import FileIO
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

import numpy as np

from harken.recordings.recording import local_time
from harken.support.arrays import Float32Array, Int64Array
from harken.support.aside import LOCK, lock_file, unlock
from harken.support.errors import HarkenError
from harken.support.files import sync_folder

HEAD = struct.Struct("<4sIQIHI")
"""Mark, checksum of what follows up to the name's end, time of receipt (ms), number of samples, length of the watch's
name, checksum of the samples."""
MARK = b"HKN2"
CHECKED = 8
"""Where in the head what is checked begins."""
SAMPLE_BYTES = 20
SUFFIX = ".samples"
FILE_BYTES = 64 << 20
MOST_SAMPLES = 1 << 20
MOST_NAME_BYTES = 1024
SEARCHED_BYTES = 1 << 20
LOG = logging.getLogger("uvicorn.error")  # the log in which operators look for errors


class LoggedSamples(NamedTuple):
    """A message of samples and when it was received: ``signals`` float32 ``[n, 3]`` in g, ``time_ns`` int64 ``[n]``."""

    watch: str
    received_ms: int
    signals: Float32Array
    time_ns: Int64Array


class _Head(NamedTuple):
    """The head of a message: where its samples begin and end in the file, and what it says about them."""

    watch: bytes
    received_ms: int
    samples: int
    checksum: int
    begin: int
    end: int


@dataclass
class _Damage:
    """What could not be read of a file of the log.

    Attributes:
        lost_bytes: how many bytes are damaged.
        since_ms, until_ms: between these times (ms since 1970) the damaged messages were received; None if unknown.
    """

    lost_bytes: int = 0
    since_ms: int | None = None
    until_ms: int | None = None

    def add(self, lost_bytes: int, since_ms: int | None, until_ms: int | None) -> None:
        """Count damaged bytes that were received between these times."""
        if self.lost_bytes == 0:
            self.since_ms = since_ms
        self.lost_bytes += lost_bytes
        self.until_ms = until_ms

    def sentence(self, path: Path) -> str:
        """Say what is lost."""
        since, until = _format_time(self.since_ms), _format_time(self.until_ms)
        if since and since == until:
            when = f" that came at {since}"
        elif since and until:
            when = f" that came from {since} to {until}"
        elif until:
            when = f" that came before {until}"
        else:
            when = f" that came after {since}" if since else ""
        return f"{path}: {self.lost_bytes:,} bytes are damaged; messages{when} are lost, and the others were read"


class SampleLog:
    """Appends messages to the log, many with one write and one sync. The folder is locked until ``run`` has ended.

    Raises:
        HarkenError: when the folder cannot be written to, or another server writes to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_file(folder / LOCK)
            try:
                numbers = [int(path.stem) for path in log_files(folder) if path.stem.isdigit()]
                self._number = max(numbers, default=0) + 1
                self._file = self._begun(self._number)
            except BaseException:
                unlock(self._lock)
                raise
        except TimeoutError as error:
            raise HarkenError(
                "another harken serve keeps its samples there; name another folder", path=folder
            ) from error
        except OSError as error:
            raise HarkenError(f"samples cannot be kept there ({error.strerror or error})", path=folder) from error
        self._waiting: list[bytes] = []
        self._written: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()

    def _begun(self, number: int) -> FileIO:
        """A new file. Raises ``OSError``."""
        path = self.folder / f"{number:08d}{SUFFIX}"
        # "x": without locks, a file of this name exists only if another server writes to the folder.
        file = path.open("xb", buffering=0)
        try:
            sync_folder(self.folder)
        except OSError:
            file.close()
            path.unlink()
            raise
        return file

    def append(self, watch: str, signals: Float32Array, time_ns: Int64Array) -> "asyncio.Future[None]":
        """Queue a message; the future is done when it, and all before it, are on the disk. One without samples is not
        written."""
        if len(time_ns):
            self._waiting.append(record(watch, signals, time_ns))
        if self._written is None:
            self._written = asyncio.get_running_loop().create_future()
        self._wake.set()
        return self._written

    async def run(self) -> None:
        """Write queued messages until cancelled; then write the rest."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._write()
        except asyncio.CancelledError:
            await self._write()
            raise
        finally:
            self._file.close()
            unlock(self._lock)

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        written, self._written = self._written, None
        if written is None:
            return
        try:
            await asyncio.to_thread(self._append, b"".join(waiting))
        except OSError as error:
            written.set_exception(HarkenError(f"samples cannot be kept ({error.strerror or error})"))
            written.exception()  # marks it as retrieved: its client may have left
        else:
            written.set_result(None)

    def _append(self, content: bytes) -> None:
        before = self._file.tell()
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fdatasync(self._file.fileno())
        except OSError:
            self._file.truncate(before)  # remove what was written in part and is not acknowledged
            self._file.seek(before)
            raise
        if before + len(content) > FILE_BYTES:
            with suppress(OSError):  # the present file grows, and the next message tries again
                full = self._file
                self._file = self._begun(self._number + 1)
                self._number += 1
                full.close()


def record(watch: str, signals: Float32Array, time_ns: Int64Array) -> bytes:
    """A message in the log's format."""
    name = watch.encode()
    samples = time_ns.astype("<i8").tobytes() + signals.astype("<f4").tobytes()
    received_ms = time.time_ns() // 10**6
    head = HEAD.pack(MARK, 0, received_ms, len(time_ns), len(name), crc32(samples))
    checked = head[CHECKED:] + name
    return MARK + crc32(checked).to_bytes(4, "little") + checked + samples


def log_files(folder: Path) -> list[Path]:
    """The files of a log, in the order in which they were written.

    Raises:
        HarkenError: when one of them is a folder, a pipe or a device.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    for path in paths:
        if not path.is_file():
            raise HarkenError("this is not a regular file, as those of the log are; move it elsewhere", path=path)
    return paths


def logged_samples(folder: str | Path, *, after_s: float = 0.0, watch: str | None = None) -> Iterator[LoggedSamples]:
    """The messages in a log, in the order in which they came.

    Damaged messages are left out, and a warning is logged for each file that has some. An incomplete message at the end
    of a file is not damaged: it was cut short by a power failure, and was never acknowledged.

    Args:
        folder: the folder given to ``--keep``.
        after_s: leave out files that were last written to before this time (seconds since 1970).
        watch: only the messages of this watch; None: of all watches.

    Raises:
        HarkenError: when a file of the log is a folder, a pipe or a device.
    """
    for path in log_files(Path(folder)):
        if path.stat().st_mtime >= after_s:
            damage = _Damage()
            with path.open("rb") as file:
                yield from _messages(file, None if watch is None else watch.encode(), damage)
            if damage.lost_bytes:
                _report(damage.sentence(path))


def _format_time(time_ms: int | None) -> str:
    return "" if time_ms is None else f"{local_time(time_ms * 10**6, 'UTC'):%Y-%m-%d %H:%M:%S} UTC"


@cache  # a recording is made from the log again and again
def _report(sentence: str) -> None:
    LOG.warning("%s", sentence)


def _messages(file: BinaryIO, watch: bytes | None, damage: _Damage) -> Iterator[LoggedSamples]:
    """Yield the messages of a watch (None: of all), and count what is damaged."""
    head = _find_head(file, 0, None, damage)
    while head is not None:
        if watch is None or head.watch == watch:
            file.seek(head.begin)
            body = file.read(head.end - head.begin)
            if len(body) < head.end - head.begin:
                return
            if crc32(body) == head.checksum:
                times = np.frombuffer(body, "<i8", head.samples)
                signals = np.frombuffer(body, "<f4", 3 * head.samples, 8 * head.samples).reshape(-1, 3)
                name = head.watch.decode(errors="replace")
                yield LoggedSamples(name, head.received_ms, signals.copy(), times.copy())
            else:
                damage.add(len(body), head.received_ms, head.received_ms)
        head = _find_head(file, head.end, head.received_ms, damage)


def _find_head(file: BinaryIO, position: int, since_ms: int | None, damage: _Damage) -> _Head | None:
    """Find the first valid head from a position on; None if there is none. Count the bytes before it as damaged."""
    head = _read_head(file, position)
    if head is not None:
        return head
    for place in _find_marks(file, position + 1):
        head = _read_head(file, place)
        if head is not None:
            damage.add(place - position, since_ms, head.received_ms)
            return head
    if not _is_cut_short(file, position):
        damage.add(file.seek(0, os.SEEK_END) - position, since_ms, None)
    return None


def _is_cut_short(file: BinaryIO, position: int) -> bool:
    """Whether the file ends at this position, or within a head or name that begins there."""
    file.seek(position)
    rest = file.read(HEAD.size + MOST_NAME_BYTES)
    if len(rest) < HEAD.size:
        return rest[: len(MARK)] == MARK[: len(rest)]
    name_bytes = HEAD.unpack_from(rest)[4]
    return rest.startswith(MARK) and name_bytes <= MOST_NAME_BYTES and len(rest) < HEAD.size + name_bytes


def _read_head(file: BinaryIO, position: int) -> _Head | None:
    """Read the head at a position; None if there is no valid one."""
    file.seek(position)
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    mark, head_checksum, received_ms, samples, name_bytes, checksum = HEAD.unpack(head)
    if mark != MARK or samples > MOST_SAMPLES or name_bytes > MOST_NAME_BYTES:
        return None
    name = file.read(name_bytes)
    if crc32(head[CHECKED:] + name) != head_checksum:
        return None
    begin = position + HEAD.size + name_bytes
    return _Head(name, received_ms, samples, checksum, begin, begin + SAMPLE_BYTES * samples)


def _find_marks(file: BinaryIO, position: int) -> Iterator[int]:
    """Yield where marks are, from a position on."""
    while True:
        file.seek(position)
        piece = file.read(SEARCHED_BYTES)
        place = piece.find(MARK)
        while place >= 0:
            yield position + place
            place = piece.find(MARK, place + 1)
        if len(piece) < SEARCHED_BYTES:
            return
        position += len(piece) - len(MARK) + 1
