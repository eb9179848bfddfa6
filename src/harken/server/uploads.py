"""Posted recordings -> their timelines, a few at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect

from harken.models.recogniser import Recogniser
from harken.readers.unpacking import stem
from harken.server.labelling_process import RESULTS, STEM, LabellingProcess, LabelRequest
from harken.server.limits import Limits, RefusedError
from harken.server.results import Entry, Results
from harken.support.files import temporary_folder

SUFFIXES = (
    *(".csv.gz", ".txt.gz", ".tsv.gz", ".cwa.gz", ".bin.gz", ".parquet", ".gt3x", ".avro", ".cwa", ".bin"),
    *(".csv", ".tsv", ".txt", ".zip", ".gz"),
)
RETRY_S = 20
IDLE_S = 30.0
"""An idle process is kept for this time, because starting one takes seconds."""


def suffixes_of(name: str) -> str:
    """The ending of a file's name that selects its reader, if it is one of ``SUFFIXES``; else ``.csv``."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), ".csv")


class Uploads:
    """Labels posted recordings, each in a process of its own, as many at once as the limits allow.

    Attributes:
        results: the progress and the results of recordings with a key.
    """

    def __init__(self, recogniser: Recogniser, limits: Limits) -> None:
        self._recogniser, self._limits = recogniser, limits
        self.results = Results(limits)
        self._running = 0
        self._idle: dict[LabellingProcess, asyncio.TimerHandle] = {}
        self._working: set[LabellingProcess] = set()
        self._models: dict[LabellingProcess, Recogniser] = {}

    async def label(
        self,
        name: str,
        body: AsyncIterator[bytes],
        disconnected: Callable[[], Awaitable[None]],
        *,
        timezone: str | None = None,
        key: str | None = None,
    ) -> bytes:
        """The answer of ``POST /api/recordings``, JSON.

        The file on disk has a fixed name with a known ending, and is removed before this returns.

        Args:
            name: the sender's name for the recording.
            body: the recording.
            disconnected: returns when the sender disconnects; called after the body was read.
            timezone: the wearer's time zone; None: as the file says.
            key: the sender's key for the progress and the results; None: results are not kept.

        Raises:
            RefusedError: when a limit is reached, or the recording cannot be labelled.
        """
        async with self._room(), self._entry(key) as entry, _folder() as folder:
            path, process = folder / f"{STEM}{suffixes_of(name)}", None
            try:
                await self._write(path, body)
                process = self._idle_process()
                if process is None:
                    process = await asyncio.to_thread(self._start, folder)
                self._working.add(process)
                request = LabelRequest(str(path), name, timezone, key)
                answer = await _unless(disconnected, asyncio.to_thread(process.label, request, entry.advance))
                if key is not None:
                    await asyncio.to_thread(self.results.keep, key, folder / RESULTS, stem(Path(name)))
                return answer
            except asyncio.CancelledError as error:
                raise RefusedError(503, 1013, "the server is stopping", reason="uploads", retry_s=RETRY_S) from error
            finally:
                if process is not None:
                    await self._put_back(process)

    async def serve(self, recogniser: Recogniser) -> None:
        """Label recordings that are posted from now on with another model."""
        self._recogniser = recogniser
        idle, self._idle = self._idle, {}
        for process, retiring in idle.items():
            retiring.cancel()
            await _clean_up(partial(self._end, process))

    async def close(self) -> None:
        """End all processes."""
        for retiring in self._idle.values():
            retiring.cancel()
        for process in (*self._idle, *self._working):
            await _clean_up(partial(self._end, process))
        self._idle.clear()
        await _clean_up(self.results.close)

    def _idle_process(self) -> LabellingProcess | None:
        while self._idle:
            process, retiring = self._idle.popitem()
            retiring.cancel()
            process.reusable = False
            if process.alive:
                return process
            self._end(process)
        return None

    def _start(self, folder: Path) -> LabellingProcess:
        model, recogniser = folder / "model.safetensors", self._recogniser
        recogniser.save(model)
        process = LabellingProcess(model, self._limits)
        self._models[process] = recogniser
        return process

    def _end(self, process: LabellingProcess) -> None:
        self._models.pop(process, None)
        process.end()

    async def _put_back(self, process: LabellingProcess) -> None:
        """Keep a process for the next recording, unless it still works, uses too much memory, or has another model."""
        self._working.discard(process)
        if not process.reusable or self._models.get(process) is not self._recogniser:
            await _clean_up(partial(self._end, process))
            return
        self._idle[process] = asyncio.get_running_loop().call_later(IDLE_S, self._retire, process)

    def _retire(self, process: LabellingProcess) -> None:
        del self._idle[process]
        asyncio.get_running_loop().run_in_executor(None, self._end, process)

    @asynccontextmanager
    async def _entry(self, key: str | None) -> AsyncIterator[Entry]:
        """The entry in which the progress is noted; without a key, one that nobody sees."""
        entry = Entry(0.0) if key is None else self.results.begin(key)
        try:
            yield entry
        except BaseException:
            if key is not None:
                self.results.remove(key)
            raise

    @asynccontextmanager
    async def _room(self) -> AsyncIterator[None]:
        if self._running >= self._limits.uploads:
            raise RefusedError(
                503,
                1013,
                "other recordings are being labelled; try again in a moment",
                reason="uploads",
                retry_s=RETRY_S,
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
                                f"a recording may have at most {self._limits.upload_bytes:,} bytes; use harken label",
                                reason="upload",
                            )
                        await asyncio.to_thread(file.write, piece)
        except TimeoutError as error:
            raise RefusedError(408, 1013, "the recording came too slowly", reason="slow") from error
        except ClientDisconnect as error:
            raise _disconnected() from error
        except OSError as error:
            sentence = f"the recording could not be written ({error.strerror})"
            raise RefusedError(507, 1011, sentence, reason="disk") from error
        if written == 0:
            raise RefusedError(422, 1007, "the recording is empty", reason="recording")


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A temporary folder, removed with all that a recording unpacked to."""
    folder = await asyncio.to_thread(temporary_folder)
    try:
        yield Path(folder.name)
    finally:
        await _clean_up(folder.cleanup)


async def _clean_up(work: Callable[[], object]) -> None:
    """Clean up in a thread, which also completes when the server stops and cancels the task that waits for it."""
    with suppress(asyncio.CancelledError):
        # Submitted at once, because a task that is cancelled before its first step would never begin.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))


async def _unless(disconnected: Callable[[], Awaitable[None]], work: Coroutine[Any, Any, bytes]) -> bytes:
    """The result of ``work``; if the client disconnects first, an error, while ``work`` goes on without it."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise _disconnected()
    finally:
        waiting.cancel()
        working.add_done_callback(lambda done: done.cancelled() or done.exception())  # marks it as retrieved


def _disconnected() -> RefusedError:
    return RefusedError(408, 1013, "the client disconnected", reason="gone")
