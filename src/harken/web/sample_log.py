"""The log of ``--keep``: samples of all watches, written to disk before they are acknowledged."""

import asyncio
import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np

from harken.support.arrays import Float32Array, Int64Array
from harken.support.errors import HarkenError
from harken.support.locks import LOCK, lock_file, unlock

HEAD = struct.Struct("<4sIQIH")
"""Mark, checksum of the rest, time of receipt (ms), number of samples, length of the watch's name."""
MARK = b"HKN1"
SUFFIX = ".samples"
FILE_BYTES = 64 << 20
MOST_SAMPLES = 1 << 20


class LoggedSamples(NamedTuple):
    """A message of samples and when it was received: ``signals`` float32 ``[n, 3]`` in g, ``time_ns`` int64 ``[n]``."""

    watch: str
    received_ms: int
    signals: Float32Array
    time_ns: Int64Array


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
                numbers = [int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit()]
                self._number = max(numbers, default=0) + 1
                self._file = self._begun(self._number)
            except BaseException:
                unlock(self._lock)
                raise
        except TimeoutError as error:
            raise HarkenError(f"{folder}: another harken serve keeps its samples there; name another folder") from error
        except OSError as error:
            raise HarkenError(f"{folder}: samples cannot be kept there ({error.strerror or error})") from error
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
    body = b"".join([name, time_ns.astype("<i8").tobytes(), signals.astype("<f4").tobytes()])
    head = HEAD.pack(MARK, 0, time.time_ns() // 10**6, len(time_ns), len(name))
    return HEAD.pack(MARK, crc32(head[8:] + body), *HEAD.unpack(head)[2:]) + body


def logged_samples(folder: str | Path, *, after_s: float = 0.0, watch: str | None = None) -> Iterator[LoggedSamples]:
    """The messages in a log, in the order in which they came.

    Reading of a file ends at a message that is incomplete: such a message, cut short by a power failure, was never
    acknowledged.

    Args:
        folder: the folder given to ``--keep``.
        after_s: leave out files that were last written to before this time (seconds since 1970).
        watch: only the messages of this watch; None: of all watches.
    """
    for path in sorted(Path(folder).glob(f"*{SUFFIX}")):
        if path.stat().st_mtime >= after_s:
            yield from _records(path, None if watch is None else watch.encode())


def _records(path: Path, watch: bytes | None) -> Iterator[LoggedSamples]:
    with path.open("rb") as file:
        while len(head := file.read(HEAD.size)) == HEAD.size:
            mark, checksum, received_ms, samples, name_bytes = HEAD.unpack(head)
            if mark != MARK or samples > MOST_SAMPLES:
                return
            name = file.read(name_bytes)
            if watch is not None and name != watch:
                file.seek(20 * samples, os.SEEK_CUR)
                continue
            body = name + file.read(20 * samples)
            if len(body) < name_bytes + 20 * samples or crc32(head[8:] + body) != checksum:
                return
            times = np.frombuffer(body, "<i8", samples, name_bytes)
            signals = np.frombuffer(body, "<f4", 3 * samples, name_bytes + 8 * samples).reshape(-1, 3)
            yield LoggedSamples(name.decode(errors="replace"), received_ms, signals.copy(), times.copy())


def sync_folder(folder: Path) -> None:
    """Write the names of a folder's files to the disk, so that a new or renamed file is there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
