"""Posted recordings -> their timelines, a few at a time, each in a job of its own; and their report and tables, which
senders find by a key of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from starlette.requests import ClientDisconnect

from harken.models.recogniser import Recogniser
from harken.readers.unpacking import stem
from harken.support.files import temporary_folder
from harken.web.jobs import JobError, Message, run_job
from harken.web.limits import Limits, RefusedError
from harken.web.upload_job import ANSWER, MODEL, STEM, label_upload

SUFFIXES = (
    *(".csv.gz", ".txt.gz", ".tsv.gz", ".cwa.gz", ".bin.gz", ".parquet", ".gt3x", ".avro", ".cwa", ".bin"),
    *(".csv", ".tsv", ".txt", ".zip", ".gz"),
)
RETRY_S = 20
NICENESS = 5
"""Labels of watches have priority."""
NO_MEMORY = "labelling this recording takes more memory than the server allows; use harken label"


def suffixes_of(name: str) -> str:
    """The ending of a file's name that selects its reader, if it is one of ``SUFFIXES``; else ``.csv``."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), ".csv")


@dataclass
class Upload:
    """A posted recording.

    Attributes:
        name: the beginning of the name under which the tables are saved.
        folder: the folder for the report and the tables; None without a key.
        stage: ``send``, then the stages of ``harken.labelling.file.Stage``; ``done`` at the end.
        share: the share of the stage that is done, 0 to 1; None if it is not known.
    """

    name: str
    folder: "TemporaryDirectory[str] | None"
    stage: str = "send"
    share: float | None = None

    def advance(self, message: Message) -> None:
        """Take a message of the job."""
        self.stage, self.share = message["stage"], message["share"]

    def file(self, name: str) -> Path:
        """A file of the results.

        Raises:
            RefusedError: when there is none.
        """
        path = None if self.folder is None else Path(self.folder.name, name)
        if self.stage != "done" or path is None or not path.is_file():
            raise RefusedError(404, "this recording has no such result")
        return path


class Uploads:
    """Labels posted recordings, as many at once as the limits allow, and keeps the latest results for a while.

    Attributes:
        recogniser: the model that labels the recordings that are posted from now on.
    """

    def __init__(self, recogniser: Recogniser, limits: Limits) -> None:
        self.recogniser, self._limits = recogniser, limits
        self._running = 0
        self._by_key: dict[str, Upload] = {}

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
        shown = PurePosixPath(name.replace("\\", "/")).name or STEM
        async with self._upload(key, stem(Path(name))) as upload, _folder() as folder:
            path = folder / (STEM + suffixes_of(name))
            await self._write(path, body)
            try:
                await asyncio.to_thread(self.recogniser.save, folder / MODEL)
            except OSError as error:
                raise _not_written(error) from error
            results = upload.folder and upload.folder.name
            request = str(path), shown, timezone, key, results, asdict(self._limits)
            job = run_job(label_upload, *request, on_message=upload.advance, niceness=NICENESS, polars_threads=1)
            try:
                async with asyncio.timeout(self._limits.upload_s):
                    await _unless(disconnected, job)
            except TimeoutError as error:
                sentence = f"labelling this recording takes longer than {self._limits.upload_s:g} s; use harken label"
                raise RefusedError(422, sentence, reason="recording") from error
            except JobError as error:
                sentence = str(error).replace(str(path), shown).replace(path.name, shown)
                raise _refusal(error, sentence.replace(str(folder), "the server")) from error
            return await asyncio.to_thread((folder / ANSWER).read_bytes)

    def of(self, key: str) -> Upload:
        """The recording with this key.

        Raises:
            RefusedError: when there is none, or it was forgotten.
        """
        if key not in self._by_key:
            minutes = self._limits.results_s / 60
            raise RefusedError(404, f"there is no such recording; results are kept for {minutes:g} minutes")
        return self._by_key[key]

    def close(self) -> None:
        """Remove all results."""
        for key, upload in list(self._by_key.items()):
            self._remove(key, upload)

    @asynccontextmanager
    async def _upload(self, key: str | None, name: str) -> AsyncIterator[Upload]:
        """One of the uploads that run at once; its progress is noted in it. With a key, it is kept if it succeeds."""
        if self._running >= self._limits.uploads:
            sentence = "other recordings are being labelled; try again in a moment"
            raise RefusedError(503, sentence, reason="uploads", retry_s=RETRY_S)
        if key in self._by_key:
            raise RefusedError(409, "this key is in use; choose another at random", reason="recording")
        upload = Upload(name, None)
        if key is not None:
            upload.folder = temporary_folder()
            self._by_key[key] = upload
        self._running += 1
        try:
            yield upload
            if key is not None:
                self._keep(key, upload)
        except asyncio.CancelledError as error:
            raise RefusedError(503, "the server is stopping", reason="uploads", retry_s=RETRY_S) from error
        finally:
            self._running -= 1
            if upload.stage != "done":
                self._remove(key, upload)

    def _keep(self, key: str, upload: Upload) -> None:
        """Keep the results, for a while and as long as they are among the latest."""
        upload.stage, upload.share = "done", 1.0
        self._by_key.pop(key, None)
        self._by_key[key] = upload  # in the order of their results
        done = [each for each in self._by_key.items() if each[1].stage == "done"]
        for older in done[: -self._limits.results]:
            self._remove(*older)
        asyncio.get_running_loop().call_later(self._limits.results_s, self._remove, key, upload)

    def _remove(self, key: str | None, upload: Upload) -> None:
        """Forget a recording, if it is not forgotten yet."""
        if key is not None and self._by_key.get(key) is upload:
            del self._by_key[key]
            if upload.folder is not None:
                upload.folder.cleanup()

    async def _write(self, path: Path, body: AsyncIterator[bytes]) -> None:
        written, most = 0, self._limits.upload_bytes
        try:
            async with asyncio.timeout(10 * self._limits.body_s):
                with path.open("wb") as file:
                    async for piece in body:
                        written += len(piece)
                        if written > most:
                            sentence = f"a recording may have at most {most:,} bytes; use harken label"
                            raise RefusedError(413, sentence, reason="upload")
                        await asyncio.to_thread(file.write, piece)
        except TimeoutError as error:
            raise RefusedError(408, "the recording came too slowly", reason="slow") from error
        except ClientDisconnect as error:
            raise _disconnected() from error
        except OSError as error:
            raise _not_written(error) from error
        if written == 0:
            raise RefusedError(422, "the recording is empty", reason="recording")


def _not_written(error: OSError) -> RefusedError:
    return RefusedError(507, f"the recording could not be written ({error.strerror})")


def _refusal(error: JobError, sentence: str) -> Exception:
    """The answer to a recording whose job has failed; ``sentence`` is the error's, without the server's paths."""
    match error.kind:
        case "fault":
            return RuntimeError(sentence)
        case "file":
            return RefusedError(507, sentence)
        case "memory":
            sentence = NO_MEMORY
        case "ended":
            sentence = f"{sentence}; use harken label"
    return RefusedError(422, sentence, reason="recording")


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    """A temporary folder, removed with all that a recording unpacked to."""
    folder = await asyncio.to_thread(temporary_folder)
    try:
        yield Path(folder.name)
    finally:
        # Submitted at once, and so completed when the server stops and cancels the task that waits for it.
        removal = asyncio.get_running_loop().run_in_executor(None, folder.cleanup)
        with suppress(asyncio.CancelledError):
            await asyncio.shield(removal)


async def _unless(disconnected: Callable[[], Awaitable[None]], job: Coroutine[Any, Any, None]) -> None:
    """Wait for a job, which is ended if the client disconnects first."""
    tasks = asyncio.ensure_future(job), asyncio.ensure_future(disconnected())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done():
            raise _disconnected()
        tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _disconnected() -> RefusedError:
    return RefusedError(408, "the client disconnected", reason="gone")
