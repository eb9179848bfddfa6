"""An uploaded recording -> its timeline."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from harken.models.recogniser import Recogniser
from harken.server.limits import Limits, RefusedError
from harken.server.uploads import STEM, LabellingProcess

__all__ = ["Uploads", "suffixes_of"]

SUFFIXES = (
    *(".csv.gz", ".txt.gz", ".tsv.gz", ".cwa.gz", ".bin.gz", ".parquet", ".gt3x", ".avro", ".cwa", ".bin"),
    *(".csv", ".tsv", ".txt", ".zip", ".gz"),
)
BUSY_S = 20
IDLE_S = 30.0
"""A process that labelled is kept for so long, because it takes seconds to start one."""


def suffixes_of(name: str) -> str:
    """The ending of a file's name by which its reader is found, one of a few; ``.csv`` where it has none of them."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), ".csv")


class Uploads:
    """Labels recordings that are posted, a few at a time, each in a process that does nothing else meanwhile."""

    def __init__(self, recogniser: Recogniser, limits: Limits) -> None:
        self._recogniser, self._limits = recogniser, limits
        self._running = 0
        self._idle: dict[LabellingProcess, asyncio.TimerHandle] = {}
        self._at_work: set[LabellingProcess] = set()

    async def label(self, name: str, body: AsyncIterator[bytes], gone: Callable[[], Awaitable[None]]) -> bytes:
        """What ``POST /api/recordings`` answers, as JSON.

        Nothing of the name but a known ending reaches the disk. The file is gone when the answer is made.

        Args:
            name: what the sender calls the recording.
            body: the recording.
            gone: returns when the sender has gone away; asked for once the body was read.

        Raises:
            RefusedError: when there is too much of it or of others, or it cannot be labelled.
        """
        async with self._room(), _folder() as folder:
            path = folder / f"{STEM}{suffixes_of(name)}"
            await self._write(path, body)
            process = self._idle_process()
            if process is None:
                process = await asyncio.to_thread(self._started, folder)
            self._at_work.add(process)
            try:
                return await _unless(gone, asyncio.to_thread(process.label, path, name))
            except asyncio.CancelledError as error:
                raise RefusedError(503, 1013, "the server ends", reason="uploads", retry_s=BUSY_S) from error
            finally:
                await self._put_back(process)

    async def close(self) -> None:
        """End all processes."""
        for retiring in self._idle.values():
            retiring.cancel()
        for process in (*self._idle, *self._at_work):
            await _tidied(process.end)
        self._idle.clear()

    def _idle_process(self) -> LabellingProcess | None:
        while self._idle:
            process, retiring = self._idle.popitem()
            retiring.cancel()
            process.reusable = False
            if process.alive:
                return process
            process.end()
        return None

    def _started(self, folder: Path) -> LabellingProcess:
        model = folder / "model.safetensors"
        self._recogniser.save(model)
        return LabellingProcess(model, self._limits)

    async def _put_back(self, process: LabellingProcess) -> None:
        """Keep a process for the next recording, unless it is at work still, or kept too much memory."""
        self._at_work.discard(process)
        if not process.reusable:
            await _tidied(process.end)
            return
        self._idle[process] = asyncio.get_running_loop().call_later(IDLE_S, self._retire, process)

    def _retire(self, process: LabellingProcess) -> None:
        del self._idle[process]
        asyncio.get_running_loop().run_in_executor(None, process.end)

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        if self._running >= self._limits.uploads:
            raise RefusedError(
                503,
                1013,
                "other recordings are being labelled; try again in a moment",
                reason="uploads",
                retry_s=BUSY_S,
            )
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _write(self, path: Path, body: AsyncIterator[bytes]) -> None:
        written = 0
        try:
            async with asyncio.timeout(10 * self._limits.body_s):
                with path.open("wb") as file:
                    async for piece in body:
                        written += len(piece)
                        if written > self._limits.upload_bytes:
                            raise RefusedError(
                                413,
                                1009,
                                f"a recording may have {self._limits.upload_bytes:,} bytes; use harken label",
                                reason="upload",
                            )
                        await asyncio.to_thread(file.write, piece)
        except TimeoutError as error:
            raise RefusedError(408, 1013, "the recording came too slowly", reason="slow") from error
        except ClientDisconnect as error:
            raise _client_gone() from error
        except OSError as error:
            said = f"the recording could not be written ({error.strerror})"
            raise RefusedError(507, 1011, said, reason="disk") from error
        if written == 0:
            raise RefusedError(422, 1007, "the recording is empty", reason="recording")


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A folder that is removed, with what a recording unpacked to."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="harken-"))
    try:
        yield folder
    finally:
        await _tidied(partial(shutil.rmtree, folder, ignore_errors=True))


async def _tidied(tidy: Callable[[], object]) -> None:
    """Tidy up in a thread, which goes on when the server ends and cancels whoever waits for it."""
    with suppress(asyncio.CancelledError):
        # Submitted at once: a task that is cancelled before its first step would never begin.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, tidy))


async def _unless(gone: Callable[[], Awaitable[None]], work: Coroutine[Any, Any, bytes]) -> bytes:
    """What ``work`` gives, unless its client goes away first; then ``work`` is left to itself."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise _client_gone()
    finally:
        waiting.cancel()
        working.add_done_callback(lambda done: done.cancelled() or done.exception())  # which nobody else looks at


def _client_gone() -> RefusedError:
    return RefusedError(408, 1013, "the client went away", reason="gone")
