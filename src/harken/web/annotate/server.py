"""The server of ``harken annotate``, ready to run, and its routes: recordings, signals, labels, what the model says."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import orjson
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi import Path as PathParameter

from harken.annotations.store import ReadOnlyLabelsError, StaleLabelsError
from harken.annotations.times import EXAMPLES, LONGEST_TEXT, text_moment
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import local_time
from harken.support.errors import HarkenError
from harken.web.annotate.desk import Desk
from harken.web.annotate.recording import MS_NS, NOT_READ, OpenRecording, PageBout, as_json, make_etag, read_etag
from harken.web.annotate.suggestions import Suggestions, next_unsure
from harken.web.learn_routes import learn_routes
from harken.web.limits import Limits, RefusedError
from harken.web.metrics import Metrics
from harken.web.page_files import SERVER_PAGE, page_routes
from harken.web.requests import application, decode_body, read_body
from harken.web.server import Server

if TYPE_CHECKING:
    from harken.web.learn import Learner

PAGE = Path(__file__).parent / "page"
LIMITS = Limits(message_bytes=4096)
MOST_PIXELS = 8192
MOST_BODY_BYTES = 64 << 20
"""All labels of a recording as JSON: the largest table of labels with long notes."""
LATEST_MS = 1 << 43
"""The year 2248."""
Number = Annotated[int, PathParameter(ge=0, le=1 << 31)]
Milliseconds = Annotated[int, Query(ge=-LATEST_MS, le=LATEST_MS)]
Pixels = Annotated[int, Query(ge=1, le=MOST_PIXELS)]
TimeText = Annotated[str, Query(min_length=1, max_length=LONGEST_TEXT)]


def annotation_server(
    files: Sequence[tuple[Path, str]],
    *,
    reading: TableOptions,
    model: Path | None,
    forearm_axis: ForearmAxis | None = None,
    on_started: Callable[[], None] = lambda: None,
    on_failed: Callable[[str], None] = lambda _: None,
) -> Server:
    """A server that is ready to ``run(sockets=...)``. Only this machine reaches it.

    Args:
        files: the recordings, and a name for each.
        reading: how tables are read.
        model: the model that makes suggestions, a file or a run directory; None for none.
        forearm_axis: the axis of all sensors that points along the forearm; None to find it for each recording.
        on_started: called when the server answers requests.
        on_failed: called with a sentence when a recording cannot be read.

    Raises:
        HarkenError: when the model cannot be read.
    """
    desk = Desk(files, reading, model=model, forearm_axis=forearm_axis, on_failed=on_failed)
    routes = APIRouter()
    recording_routes(routes, desk)
    page_routes(routes, PAGE, SERVER_PAGE)
    learn_routes(routes, _learner_on_demand(desk, longest_s=LIMITS.learn_s), LIMITS)
    return make_server(routes, desk.run, on_started)


def make_server(
    routes: APIRouter, run: Callable[[], Coroutine[Any, Any, None]], on_started: Callable[[], None]
) -> Server:
    """Return a server of these routes, beside which ``run()`` works until it stops. Only this machine reaches it."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    app = application(routes, Metrics(), token=None, lifespan=lifespan, openapi_url=None)
    return Server(app, LIMITS, host="127.0.0.1", port=0, on_started=on_started)


def _learner_on_demand(desk: Desk, *, longest_s: float) -> "Callable[[], Learner]":
    """A function that returns the learner of a desk, which its first call makes: what *Learn* imports takes longer than
    everything else that the server needs to show a recording.

    A chosen model labels the recordings from then on. New models are saved in a folder ``models`` beside the first
    recording.
    """
    loading = threading.Lock()

    @cache
    def made() -> "Learner":
        from harken.annotations.store import NO_FILE
        from harken.models.recogniser import Recogniser
        from harken.web.learn import Labelled, Learner

        def labelled() -> list[Labelled]:
            recordings: list[Labelled] = []
            for recording in desk.recordings:
                labels = recording.labels_in_file()
                if labels is not None and (len(labels.bouts) or labels.digest != NO_FILE):
                    wearer = recording.subject or recording.name
                    recordings.append(Labelled.of(recording.path, wearer, labels.bouts))
            return recordings

        async def serve(_: Recogniser, path: Path | None) -> None:
            desk.use_model(path or before)

        before = desk.model
        return Learner(
            labelled=labelled,
            before=None if before is None else Recogniser.load(before, device="cpu"),
            folder=desk.recordings[0].path.absolute().parent / "models",
            serve=serve,
            longest_s=longest_s,
            reading=desk.reading,
            forearm_axis=desk.forearm_axis,
        )

    def learner() -> "Learner":
        with loading:
            return made()

    return learner


def recording_routes(routes: APIRouter, desk: Desk) -> None:
    """``/api/recordings`` and what is under it."""

    async def numbered(number: Number) -> OpenRecording:
        return recording_of(desk, number)

    async def opened(number: Number) -> OpenRecording:
        desk.want(found := recording_of(desk, number))
        return found

    Numbered = Annotated[OpenRecording, Depends(numbered)]
    Opened = Annotated[OpenRecording, Depends(opened)]

    @routes.get("/api/recordings")
    async def recordings() -> Response:
        return answer([each.summary() for each in desk.recordings])

    @routes.get("/api/recordings/{number}")
    async def recording(found: Opened) -> Response:
        return answer(found.about())

    @routes.get("/api/recordings/{number}/signal")
    async def signal(found: Numbered, start_ms: Milliseconds, end_ms: Milliseconds, pixels: Pixels) -> Response:
        return await read_signal(found, start_ms, end_ms, pixels)

    @routes.get("/api/recordings/{number}/moment")
    async def moment(found: Numbered, text: TimeText) -> Response:
        return answer({"ms": find_moment_ms(found, text)})

    @routes.get("/api/recordings/{number}/labels")
    async def labels(found: Opened) -> Response:
        with suppress(OSError):  # as of a drive that was unplugged: saving says it, and it may come back
            await found.reload_labels()
        if found.labels is None:
            raise RefusedError(404, found.error or NOT_READ)
        content = as_json(found.labels) | {"gaps_ms": found.gaps_ms.tolist()}
        return answer(content, etag=make_etag(found.path, found.labels.digest))

    @routes.put("/api/recordings/{number}/labels")
    async def save(found: Numbered, request: Request) -> Response:
        body = await read_body(request, MOST_BODY_BYTES, seconds=LIMITS.body_s)
        return await save_labels(found, body, request.headers.get("if-match"))

    suggestion_routes(routes, numbered)


def suggestion_routes(routes: APIRouter, numbered: Callable[..., Any]) -> None:
    """What the model says of a recording, which ``numbered`` finds: ``/api/recordings/N/model`` and ``unsure``."""
    Numbered = Annotated[OpenRecording, Depends(numbered)]

    @routes.get("/api/recordings/{number}/model")
    async def model(found: Numbered) -> Response:
        return answer(suggestions_of(found).bouts)

    @routes.get("/api/recordings/{number}/unsure")
    async def unsure(found: Numbered, after_ms: Milliseconds | None = None) -> Response:
        suggestions = suggestions_of(found)
        assert found.labels is not None, "labels are there before suggestions are"
        moment = await asyncio.to_thread(next_unsure, suggestions, found.labels.bouts, after_ms=after_ms)
        if moment is None:
            raise RefusedError(404, "there is no moment without a label of which the model is unsure")
        return answer(moment)


class PageLabels(msgspec.Struct, frozen=True):
    """The body of a request that saves labels: all labels."""

    intervals: list[PageBout]


def answer(content: Any, status: int = 200, *, etag: str | None = None) -> Response:
    """JSON that is not kept by the browser; an ``etag`` is in it, too."""
    headers = {"cache-control": "no-store"}
    if etag is not None:
        headers["etag"] = content["etag"] = etag
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


async def read_signal(recording: OpenRecording, start_ms: int, end_ms: int, pixels: int) -> Response:
    """Return what so many pixels show of a stretch of a recording, as ``Levels.query`` gives it.

    Raises:
        RefusedError: when nothing is read yet, or the stretch has no length.
    """
    if recording.levels is None:
        raise RefusedError(404, recording.error or "nothing is read yet")
    if end_ms <= start_ms:
        raise RefusedError(422, "end_ms must be after start_ms")
    query = recording.levels.query
    shown = await asyncio.to_thread(query, start_ms, end_ms, pixels, not_worn_ns=recording.not_worn_ns)
    return Response(shown.tobytes(), media_type="application/octet-stream", headers={"cache-control": "no-store"})


def recording_of(desk: Desk, number: int) -> OpenRecording:
    """A recording.

    Raises:
        RefusedError: when there is none of this number.
    """
    if not 0 <= number < len(desk.recordings):
        raise RefusedError(404, "there is no such recording")
    return desk.recordings[number]


def find_moment_ms(recording: OpenRecording, text: str) -> int:
    """Find a time of a recording, as a person writes it, in ms since 1970.

    Raises:
        RefusedError: when it is no time, or lies outside the recording.
    """
    if recording.state != "ready":
        raise RefusedError(404, recording.error or "nothing is read yet")
    moment, span = text_moment(text), recording.span
    if moment is None:
        raise RefusedError(422, f"{text} is not a time; write it like {EXAMPLES}")
    try:
        ns = moment.instant_ns(span)
    except HarkenError as error:
        raise RefusedError(422, f"{text}: {error}") from error
    if not span.start_ns <= ns <= span.end_ns:
        first, last = (local_time(edge_ns, span.timezone) for edge_ns in (span.start_ns, span.end_ns))
        lasts = f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S}"
        raise RefusedError(422, f"{text} lies outside the recording, which lasts from {lasts}")
    return ns // MS_NS


def suggestions_of(recording: OpenRecording) -> Suggestions:
    """What the model says of a recording.

    Raises:
        RefusedError: when it has not labelled it.
    """
    model = recording.model
    if model.suggestions is None:
        none = "there is no model" if model.name is None else "the model has not labelled this recording yet"
        raise RefusedError(404, model.error or none)
    return model.suggestions


async def save_labels(recording: OpenRecording, body: bytes, if_match: str | None) -> Response:
    """Save the labels in the body of a request, if those on the disk are still the ones that it edited (``if_match``).

    Raises:
        RefusedError: when they are not saved.
    """
    message = await asyncio.to_thread(decode_body, body, PageLabels, what="the labels", form="{intervals}")
    if if_match is None:
        sentence = "a request that saves labels needs the header If-Match, with the ETag of the labels that were edited"
        raise RefusedError(428, sentence, reason="unconditional")
    if recording.store is None:
        raise RefusedError(423, recording.why_read_only() or "", reason="locked")
    try:
        digest = await recording.save(message.intervals, if_digest=read_etag(recording.path, if_match))
        answered = answer({}, etag=make_etag(recording.path, digest))
    except StaleLabelsError as error:
        digest = (await asyncio.to_thread(recording.store.load)).digest
        answered = answer({"error": str(error)}, 412, etag=make_etag(recording.path, digest))
    except ReadOnlyLabelsError as error:
        raise RefusedError(423, str(error), reason="locked") from error
    except HarkenError as error:
        raise RefusedError(422, str(error)) from error
    except OSError as error:
        sentence = f"{recording.store.path}: the labels could not be written ({error.strerror or error})"
        raise RefusedError(507, sentence) from error
    return answered
