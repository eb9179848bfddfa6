"""The routes of ``harken annotate``: recordings, signals, labels, and what the model says."""

import asyncio
import contextlib
from typing import Annotated, Any

import msgspec
import orjson
from fastapi import APIRouter, Path, Query, Request, Response, WebSocket

from harken.annotations.store import ReadOnlyLabelsError, StaleLabelsError
from harken.support.errors import HarkenError
from harken.web.annotate.desk import Desk
from harken.web.annotate.recording import NOT_READ, OpenRecording, PageBout, as_json, etag_of
from harken.web.annotate.suggestions import Suggestions, next_unsure
from harken.web.clients import Client, messages_of, serve
from harken.web.limits import Limits, RefusedError
from harken.web.metrics import Metrics
from harken.web.requests import read_body

LIMITS = Limits(message_bytes=4096, viewers=64)
MOST_PIXELS = 8192
MOST_BODY_BYTES = 64 << 20
"""All labels of a recording as JSON: the largest table of labels with long notes."""
LATEST_MS = 1 << 43
"""The year 2248."""
Number = Annotated[int, Path(ge=0, le=1 << 31)]
Milliseconds = Annotated[int, Query(ge=-LATEST_MS, le=LATEST_MS)]
Pixels = Annotated[int, Query(ge=1, le=MOST_PIXELS)]


def annotating_routes(routes: APIRouter, desk: Desk, metrics: Metrics) -> None:
    """``/api/recordings`` and what is under it."""

    @routes.get("/api/recordings")
    async def recordings() -> Response:
        return answer([each.summary() for each in desk.recordings])

    @routes.get("/api/recordings/{number}")
    async def recording(number: Number) -> Response:
        found = recording_of(desk, number)
        desk.want(found)
        return answer(found.about())

    @routes.get("/api/recordings/{number}/signal")
    async def signal(number: Number, start_ms: Milliseconds, end_ms: Milliseconds, pixels: Pixels) -> Response:
        found = recording_of(desk, number)
        if found.levels is None:
            raise RefusedError(404, found.error or "nothing is read yet")
        if end_ms <= start_ms:
            raise RefusedError(422, "end_ms must be after start_ms")
        shown = await asyncio.to_thread(found.levels.query, start_ms, end_ms, pixels, not_worn_ns=found.not_worn_ns)
        return Response(shown.tobytes(), media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @routes.get("/api/recordings/{number}/labels")
    async def labels(number: Number) -> Response:
        found = recording_of(desk, number)
        desk.want(found)
        with contextlib.suppress(OSError):  # as of a drive that was unplugged: saving says it, and it may come back
            await found.follow()
        if found.labels is None:
            raise RefusedError(404, found.error or NOT_READ)
        content = as_json(found.labels) | {"gaps_ms": found.gaps_ms.tolist()}
        return answer(content, etag=etag_of(found.labels.digest))

    @routes.put("/api/recordings/{number}/labels")
    async def save(number: Number, request: Request) -> Response:
        found = recording_of(desk, number)
        body = await read_body(request, MOST_BODY_BYTES, seconds=LIMITS.body_s)
        return await save_labels(found, body, request.headers.get("if-match"))

    @routes.websocket("/api/recordings/{number}/live")
    async def live(socket: WebSocket, number: int, client: str = "") -> None:
        window = Client(socket, LIMITS, metrics)
        await serve(window, show(desk, window, number, client), LIMITS.socket_s)


def suggestion_routes(routes: APIRouter, desk: Desk) -> None:
    """What the model says of a recording: ``/api/recordings/N/model`` and ``unsure``."""

    @routes.get("/api/recordings/{number}/model")
    async def model(number: Number) -> Response:
        return answer(suggestions_of(recording_of(desk, number)).bouts)

    @routes.get("/api/recordings/{number}/unsure")
    async def unsure(number: Number, after_ms: Milliseconds | None = None) -> Response:
        found = recording_of(desk, number)
        suggestions = suggestions_of(found)
        assert found.labels is not None, "labels are there before suggestions are"
        moment = await asyncio.to_thread(next_unsure, suggestions, found.labels.bouts, after_ms=after_ms)
        if moment is None:
            raise RefusedError(404, "there is no moment without a label of which the model is unsure")
        return answer(moment)


class PageLabels(msgspec.Struct, frozen=True):
    """The body of a request that saves labels: the window's name, and all labels."""

    client: str
    intervals: list[PageBout]


def answer(content: Any, status: int = 200, *, etag: str | None = None) -> Response:
    """JSON that is not kept by the browser; an ``etag`` is in it, too."""
    headers = {"cache-control": "no-store"}
    if etag is not None:
        headers["etag"] = content["etag"] = etag
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def recording_of(desk: Desk, number: int) -> OpenRecording:
    """A recording.

    Raises:
        RefusedError: when there is none of this number.
    """
    if not 0 <= number < len(desk.recordings):
        raise RefusedError(404, "there is no such recording")
    return desk.recordings[number]


def suggestions_of(recording: OpenRecording) -> Suggestions:
    """What the model says of a recording.

    Raises:
        RefusedError: when it has not labelled it.
    """
    if recording.model is None:
        sentence = recording.model_error or (
            "there is no model" if recording.model_name is None else "the model has not labelled this recording yet"
        )
        raise RefusedError(404, sentence)
    return recording.model


async def save_labels(recording: OpenRecording, body: bytes, if_match: str | None) -> Response:
    """Save the labels in the body of a request, if those on the disk are still the ones that it edited (``if_match``).

    Raises:
        RefusedError: when they are not saved.
    """
    try:
        message = await asyncio.to_thread(msgspec.json.decode, body, type=PageLabels)
    except msgspec.ValidationError as error:
        raise RefusedError(422, f"the labels cannot be used: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(400, "the body must be {client, intervals} as JSON") from error
    if if_match is None:
        sentence = "a request that saves labels needs the header If-Match, with the ETag of the labels that were edited"
        raise RefusedError(428, sentence, reason="unconditional")
    if recording.store is None:
        raise RefusedError(423, recording.why_read_only() or "", reason="locked")
    try:
        digest = await recording.save(message.intervals, if_digest=if_match.strip('"'), window=message.client)
        answered = answer({}, etag=etag_of(digest))
    except StaleLabelsError as error:
        digest = (await asyncio.to_thread(recording.store.load)).digest
        answered = answer({"error": str(error)}, 412, etag=etag_of(digest))
    except ReadOnlyLabelsError as error:
        raise RefusedError(423, str(error), reason="locked") from error
    except HarkenError as error:
        raise RefusedError(422, str(error)) from error
    except OSError as error:
        sentence = f"{recording.store.path}: the labels could not be written ({error.strerror or error})"
        raise RefusedError(507, sentence) from error
    return answered


async def show(desk: Desk, window: Client, number: int, name: str) -> None:
    """Show a recording to a window, until it is closed.

    Raises:
        RefusedError: when there is no such recording, or too many windows show it.
    """
    recording = recording_of(desk, number)
    recording.connect(name, window)
    desk.want(recording)
    try:
        async for _ in messages_of(window):
            pass  # windows say nothing here
    finally:
        recording.disconnect(name, window)
