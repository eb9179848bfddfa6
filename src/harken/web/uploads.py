"""Posted recordings -> their timelines, a few at a time, each in a job of its own; and their report and tables, which
senders find by a key of their own. The parameters of the query are options of ``harken label``.

A file from an unknown sender may need more memory and time than any other request, so both are limited.
"""

import asyncio
import inspect
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
import polars as pl
from fastapi import Query, Request
from starlette.requests import ClientDisconnect

from harken.labelling.settings import LabelSettings
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.readers.unpacking import stem
from harken.support.aside import LockedFolder, make_temporary_folder
from harken.support.errors import HarkenError
from harken.support.options import options_of, split_at_options
from harken.support.printable import printable
from harken.web.jobs import JobError, Message, Progress, Send, limit_memory, run_job
from harken.web.limits import Limits, Part, RefusedError

if TYPE_CHECKING:
    from harken.labelling.summary import LabelledFile
    from harken.timelines import Timeline

SUFFIXES = (
    *(".csv.gz", ".txt.gz", ".tsv.gz", ".cwa.gz", ".bin.gz", ".parquet", ".gt3x", ".avro", ".cwa", ".bin"),
    *(".csv", ".tsv", ".txt", ".zip", ".gz"),
)
STEM = "recording"
"""The name of every posted recording on disk."""
SERVER = "the server"
"""What a sender reads instead of the path of the folder in which a recording is labelled."""
MODEL, ANSWER = "model.safetensors", "answer.json"
REPORT, TABLES = "report.html", "tables.zip"
ROWS_AT_ONCE = 10_000
RETRY_S = 20
NICENESS = 5
"""Labels of watches have priority."""
NO_MEMORY = "labelling this recording takes more memory than the server allows; use harken label"
CRASHED = (
    "the recording is probably damaged, because the process that labelled it crashed; or it takes more memory than the "
    "server allows. harken label on your own machine shows which"
)

ReadingValues = Mapping[str, str | int | float]
"""The values of the parameters that a request has, by their names. They can be written as JSON."""
TABLE_PARAMETERS = frozenset(field.name for field in fields(TableOptions))
PAGE_NAMES = {
    "time_column": "Column of times",
    "time_unit": "Unit of times",
    "time_format": "Pattern of times",
    "x_column": "Column of x",
    "y_column": "Column of y",
    "z_column": "Column of z",
    "acceleration_unit": "Unit of acceleration",
    "gravity_sign": "Sign of z, face up",
    "sensor_range_g": "Range of the sensor in g",
    "subject": "Name of the wearer",
    "subject_column": "Column of the wearers’ names",
    "label_column": "Column of labels",
    "sample_rate_hz": "Samples per second",
    "skip_rows": "Lines to skip at the top",
    "forearm_axis": "Axis towards the elbow",
    "placement": "Where it was worn",
    "timezone": "The wearer’s time zone",
}
"""The parameters, each with the name of the keyword in Python, and what the page calls them, in the page's order."""
OPTIONS = {declared.name: declared for declared in options_of(LabelSettings) if declared.name in PAGE_NAMES}
OTHER_PARAMETERS = frozenset({"name", "key", "token"})
"""The parameters of the same query that do not say how a recording is read."""


def suffixes_of(name: str) -> str:
    """The ending of a file's name that selects its reader, if it is one of ``SUFFIXES``; else ``.csv``."""
    lower = name.lower()
    return next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), ".csv")


@dataclass
class Upload:
    """A posted recording.

    Attributes:
        name: the beginning of the name under which the tables are saved.
        folder: the folder for the recording, and with a key for the report and the tables.
        stage: ``send``, then the stages of ``harken.labelling.file.Stage``; ``done`` at the end.
        share: the share of the stage that is done, 0 to 1; None if it is not known.
    """

    name: str
    folder: LockedFolder
    stage: str = "send"
    share: float | None = None

    def advance(self, message: Message) -> None:
        """Take a message of the job."""
        self.stage, self.share = message["stage"], message["share"]

    def open(self, name: str) -> BinaryIO:
        """A file of the results, which can be read even when the results are removed meanwhile.

        Raises:
            RefusedError: when there is none.
        """
        path = self.folder.path / name
        if self.stage != "done" or not path.is_file():
            raise RefusedError(404, "this recording has no such result")
        return path.open("rb")


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
        reading: ReadingValues,
        key: str | None = None,
    ) -> bytes:
        """The answer of ``POST /api/recordings``, JSON.

        The file on disk has a fixed name with a known ending, and is removed before this returns.

        Args:
            name: the sender's name for the recording.
            body: the recording.
            disconnected: returns when the sender disconnects; called after the body was read.
            reading: how it is read.
            key: the sender's key for the progress and the results; None: results are not kept.

        Raises:
            RefusedError: when a limit is reached, or the recording cannot be labelled.
        """
        shown = PurePosixPath(name.replace("\\", "/")).name or STEM
        async with self._upload(key, stem(Path(name))) as upload:
            folder = upload.folder.path
            path = folder / (STEM + suffixes_of(name))
            await self._write(path, body)
            try:
                await asyncio.to_thread(self.recogniser.save, folder / MODEL)
            except OSError as error:
                raise _not_written(error) from error
            request = str(path), shown, dict(reading), key, asdict(self._limits)
            job = run_job(label_upload, *request, on_message=upload.advance, niceness=NICENESS, polars_threads=1)
            try:
                async with asyncio.timeout(self._limits.upload_s):
                    await _unless(disconnected, job)
            except TimeoutError as error:
                sentence = f"labelling this recording takes longer than {self._limits.upload_s:g} s; use harken label"
                raise RefusedError(422, sentence, reason="recording") from error
            except JobError as error:
                raise _refusal(error) from error
            return await asyncio.to_thread(_taken, folder / ANSWER)

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
        upload = Upload(name, make_temporary_folder())
        if key is not None:
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
                if key is not None:
                    self._by_key.pop(key, None)
                # Submitted at once, and so completed when the server stops and cancels the task that waits for it.
                removal = asyncio.get_running_loop().run_in_executor(None, upload.folder.cleanup)
                with suppress(asyncio.CancelledError):
                    await asyncio.shield(removal)

    def _keep(self, key: str, upload: Upload) -> None:
        """Keep the results, for a while and as long as they are among the latest."""
        upload.stage, upload.share = "done", 1.0
        self._by_key.pop(key, None)
        self._by_key[key] = upload  # in the order of their results
        done = [each for each in self._by_key.items() if each[1].stage == "done"]
        for older in done[: -self._limits.results]:
            self._remove(*older)
        asyncio.get_running_loop().call_later(self._limits.results_s, self._remove, key, upload)

    def _remove(self, key: str, upload: Upload) -> None:
        """Forget a recording, if it is not forgotten yet."""
        if self._by_key.get(key) is upload:
            del self._by_key[key]
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


def _refusal(error: JobError) -> Exception:
    """The answer to a recording whose job has failed."""
    sentence = str(error)
    match error.kind:
        case "fault":
            return RuntimeError(sentence)
        case "file":
            return RefusedError(507, sentence)
        case "memory":
            sentence = NO_MEMORY
        case "crashed":
            sentence = CRASHED
        case "ended":
            sentence = f"{sentence}; use harken label"
    return refuse_recording(sentence)


def _taken(path: Path) -> bytes:
    """The content of a file, which is removed."""
    content = path.read_bytes()
    path.unlink()
    return content


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


def label_upload(
    send: Send,
    path: str,
    name: str,
    reading: ReadingValues,
    key: str | None,
    limits: dict[str, Any],
) -> None:
    """Label a posted recording as ``harken label`` does: calibrated, turned, with non-wear, smoothed.

    Args:
        send: see ``harken.web.jobs``; sends the stage and the share of it that is done.
        path: the recording, beside which is the file ``MODEL``; both are removed at the end. The answer of ``POST
            /api/recordings`` is written to the file ``ANSWER`` there, the recording is unpacked into the same folder,
            and with a key, the report and the tables are written there.
        name: the sender's name for it.
        reading: how it is read, as ``ReadingValues``.
        key: the sender's key.
        limits: the fields of ``Limits``.

    Raises:
        HarkenError: when the recording cannot be labelled; its path is the sender's name.
        OSError: when a file cannot be read or written.
    """
    from harken.labelling.file import label_file
    from harken.readers.unpacking import UnpackingLimits, unpacking_limits

    progress, folder = Progress(send), Path(path).parent
    tempfile.tempdir = str(folder)  # the server removes this folder, even if it kills this process
    unpacking = UnpackingLimits(limits["unpacked_bytes"], limits["most_packed"], place=SERVER)
    with _errors_for_sender(path, name), unpacking_limits(unpacking):
        recogniser = Recogniser.load(folder / MODEL, device="cpu")
        limit_memory(limits["upload_memory_bytes"])  # not before: an import without memory ends in any error
        labelled = label_file(
            path,
            model=recogniser,
            settings=make_settings(reading),
            cores=1,
            on_stage=lambda stage: None if stage == "done" else progress(stage, None),  # the report follows
            on_share=lambda share: progress(progress.stage, share),
        )
        labelled = _named(labelled, name)
        addresses: dict[str, str | None] = {"report": None, "tables": None}
        if key is not None:
            progress("outcomes", None)
            labelled.compute_tables()
            progress("write", None)
            addresses["report"] = f"/api/recordings/{key}/{REPORT}"
            if _write(labelled, folder, limits["tables_bytes"]):
                addresses["tables"] = f"/api/recordings/{key}/{TABLES}"
        _write_answer(labelled, addresses, folder / ANSWER)
        for file in (Path(path), folder / MODEL):
            file.unlink()


@contextmanager
def _errors_for_sender(path: str, name: str) -> Iterator[None]:
    """Within the block, errors call the recording by the sender's name, and its folder ``SERVER``."""
    folder = Path(path).parent
    try:
        yield
    except HarkenError as error:
        raise error.with_name(name, of=path).with_name(SERVER, of=folder) from error
    except OSError as error:
        if isinstance(error.filename, str | Path):
            file = Path(error.filename)
            if file == Path(path):
                error.filename = name
            elif file.is_relative_to(folder):
                error.filename = str(SERVER / file.relative_to(folder))
        raise


def _named(labelled: "LabelledFile", shown: str) -> "LabelledFile":
    """The same with the sender's name for the recording in place of that on the disk."""
    from harken.recordings.recording import is_made_up

    subject = stem(Path(shown)) if labelled.timeline.subject == STEM else labelled.timeline.subject
    quality = replace(labelled.measured.quality, file=shown, subject=subject, made_up=is_made_up(subject))
    timeline = replace(labelled.timeline, subject=subject, source=shown)
    return replace(labelled, measured=replace(labelled.measured, quality=quality), timeline=timeline)


def _write(labelled: "LabelledFile", folder: Path, most_bytes: int) -> bool:
    """Write the report and the packed tables to a folder. Returns whether the tables were written: not if they have
    more than ``most_bytes``."""
    from harken.reports.words import calling_options

    with tempfile.TemporaryDirectory() as name, calling_options(page_names_by_flag()):
        labelled.write(unpacked := Path(name, "tables"))
        files = sorted(unpacked.iterdir())
        small = sum(file.stat().st_size for file in files) <= most_bytes
        if small:
            with ZipFile(folder / TABLES, "w", ZIP_DEFLATED) as packed:
                for file in files:
                    packed.write(file, file.name)
        shutil.move(unpacked / REPORT, folder / REPORT)
    return small


def _write_answer(labelled: "LabelledFile", addresses: dict[str, str | None], path: Path) -> None:
    timeline = labelled.timeline
    about = {
        "subject": timeline.subject,
        "timezone": labelled.quality.timezone,
        "labels": list(timeline.labels),
        "hours": {label: seconds / 3600 for label, seconds in timeline.seconds_by_label().items()},
        "notes": [name_parameters(note) for note in (*labelled.warnings, *labelled.notes)],
        **addresses,
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(about).removesuffix(b"}") + b',"rows":[')
        for number, rows in enumerate(_rows(timeline)):
            file.write(rows if number == 0 else b"," + rows)
        file.write(b"]}")


def _rows(timeline: "Timeline") -> Iterator[bytes]:
    """The rows as JSON, thousands at a time, because a month of rows takes half a gigabyte."""
    from harken.timelines.timeline import HANDS, PROBABILITY

    probabilities = pl.col([PROBABILITY + label for label in timeline.labels])
    columns = [
        *((pl.col(edge).to_physical() // 10**6).alias(f"{edge}_ms") for edge in ("start", "end")),
        pl.col("label", "wear"),
        pl.col("activity_mg").cast(pl.Float64).round(2),
        pl.concat_list(probabilities.cast(pl.Float64).round(4)).list.drop_nulls().alias("probabilities"),
        pl.col(f"^{HANDS}$").cast(pl.Float64).round(4),
    ]
    for first in range(0, timeline.frame.height, ROWS_AT_ONCE):
        rows = timeline.frame.slice(first, ROWS_AT_ONCE).select(columns).write_json()
        yield rows[1:-1].encode().replace(b',"hands":null', b"")


class ReadingParameters:
    """A dependency of FastAPI: the parameters of a query that say how a recording is read."""

    def __init__(self) -> None:
        self.__signature__ = inspect.Signature(list(_make_parameters()))  # where FastAPI looks for parameters

    def __call__(self, request: Request, **values: Any) -> ReadingValues:
        """The parameters that were given. Raises ``RefusedError`` for an impossible value or an unknown parameter."""
        for name in request.query_params:
            if name not in PAGE_NAMES and name not in OTHER_PARAMETERS:
                known = ", ".join(sorted(PAGE_NAMES))
                sentence = f"there is no parameter {printable(name)}; choose from {known}"
                raise RefusedError(422, sentence, reason="recording")
        given = {name: value for name, value in values.items() if value is not None}
        try:
            make_settings(given)
        except HarkenError as error:
            raise refuse_recording(str(error)) from error
        return given


def _make_parameters() -> Iterator[inspect.Parameter]:
    yield inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    for name, label in PAGE_NAMES.items():
        kind: Any = Annotated[OPTIONS[name].kind | None, Query(title=label, description=OPTIONS[name].option.help)]
        yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)


def make_settings(given: ReadingValues) -> LabelSettings:
    """The settings for labelling a recording with these parameters. Raises ``HarkenError`` for an impossible value."""
    of_tables: dict[str, Any] = {name: value for name, value in given.items() if name in TABLE_PARAMETERS}
    of_watches: dict[str, Any] = {name: value for name, value in given.items() if name not in TABLE_PARAMETERS}
    return LabelSettings(csv=True, reading=TableOptions(**of_tables), **of_watches)


def refuse_recording(sentence: str) -> RefusedError:
    """The refusal of a recording for the reason in a sentence, which names options by their flags."""
    parts: list[Part] = []
    for part in split_at_options(sentence, OPTIONS.values()):
        parts.append(part if isinstance(part, str) else {"parameter": part.name})
    names_any = any(isinstance(part, dict) for part in parts)
    return RefusedError(422, name_parameters(sentence), reason="recording", parts=parts if names_any else None)


def name_parameters(sentence: str) -> str:
    """A sentence with the parameters of the query in place of flags: `sample_rate_hz=HZ` for ``--rate HZ``."""
    words = []
    for part in split_at_options(sentence, OPTIONS.values()):
        if isinstance(part, str):
            words.append(part)
        elif part.metavar:
            words.append(f"`{part.name}={part.metavar}`")
        else:
            words.append(f"`{part.name}`")
    return "".join(words)


def page_names_by_flag() -> dict[str, str]:
    """What the page calls each option, by its flag."""
    return {OPTIONS[name].flag: f"“{label}”" for name, label in PAGE_NAMES.items()}
