"""The routes of ``harken annotate``: recordings, signals, labels, and what the model says."""

import asyncio
import contextlib
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from harken.annotating.desk import Desk
from harken.annotating.labels import ChangedError, ReadOnlyError
from harken.annotating.recording import OpenRecording
from harken.annotating.suggestions import Suggestions
from harken.annotating.unsure import next_unsure
from harken.annotating.windows import MOST_WINDOWS, Window
from harken.server.limits import Limits, RefusedError, malformed
from harken.server.request_bodies import read_body
from harken.support.errors import HarkenError

LIMITS = Limits(message_bytes=4096, viewers=64)
MOST_PIXELS = 8192
MOST_BODY_BYTES = 64 << 20
"""All labels of a recording as JSON: the largest table of labels with long notes."""
LONGEST_CLIENT = 64
LATEST_MS = 1 << 43
"""The year 2248."""
FAR = 4404
Number = Annotated[int, Path(ge=0, le=1 << 31)]
Milliseconds = Annotated[int, Query(ge=-LATEST_MS, le=LATEST_MS)]
Pixels = Annotated[int, Query(ge=1, le=MOST_PIXELS)]


def annotating_routes(desk: Desk) -> APIRouter:
    """``/api/recordings`` and what is under it."""
    routes = APIRouter()

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
            raise RefusedError(404, 1008, found.error or "nothing is read yet", reason="unknown")
        if end_ms <= start_ms:
            raise RefusedError(422, 1007, "end_ms must be after start_ms", reason="malformed")
        shown = await asyncio.to_thread(found.levels.query, start_ms, end_ms, pixels, not_worn_ns=found.not_worn_ns)
        return Response(shown.tobytes(), media_type="application/octet-stream", headers={"cache-control": "no-store"})

    @routes.get("/api/recordings/{number}/model")
    async def model(number: Number) -> Response:
        return answer(suggestions_of(recording_of(desk, number)).bouts)

    @routes.get("/api/recordings/{number}/unsure")
    async def unsure(number: Number, after_ms: Milliseconds | None = None) -> Response:
        found = recording_of(desk, number)
        suggestions = suggestions_of(found)
        assert found.labels is not None, "labels are there before suggestions are"
        moment = await asyncio.to_thread(next_unsure, suggestions, found.labels.intervals, after_ms=after_ms)
        if moment is None:
            sentence = "there is no moment without a label of which the model is unsure"
            raise RefusedError(404, 1008, sentence, reason="unknown")
        return answer(moment)

    @routes.get("/api/recordings/{number}/labels")
    async def labels(number: Number) -> Response:
        found = recording_of(desk, number)
        desk.want(found)
        return answer({"revision": 0, "intervals": []} if found.labels is None else found.labels.as_json())

    @routes.put("/api/recordings/{number}/labels")
    async def save(number: Number, request: Request) -> Response:
        found = recording_of(desk, number)
        body = await read_body(request, MOST_BODY_BYTES, seconds=LIMITS.body_s)
        return answer({"revision": await save_labels(found, body)})

    @routes.websocket("/api/recordings/{number}/live")
    async def live(socket: WebSocket, number: int, client: str = "") -> None:
        await serve_window(desk, socket, number, client)

    return routes


def answer(content: Any) -> Response:
    """JSON that is not kept by the browser."""
    return Response(orjson.dumps(content), media_type="application/json", headers={"cache-control": "no-store"})


def recording_of(desk: Desk, number: int) -> OpenRecording:
    """A recording.

    Raises:
        RefusedError: when there is none of this number.
    """
    if not 0 <= number < len(desk.recordings):
        raise RefusedError(404, 1008, "there is no such recording", reason="unknown")
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
        raise RefusedError(404, 1008, sentence, reason="unknown")
    return recording.model


async def save_labels(recording: OpenRecording, body: bytes) -> int:
    """Save the labels in the body of a request; their revision.

    Raises:
        RefusedError: when they are not saved.
    """
    try:
        message = await asyncio.to_thread(orjson.loads, body)
        client, revision, intervals = (message[name] for name in ("client", "revision", "intervals"))
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise malformed("the body must be {client, revision, intervals} as JSON") from error
    if not isinstance(client, str) or type(revision) is not int or not isinstance(intervals, list):
        raise malformed("client must be text, revision a whole number, and intervals a list")
    async with recording.saving:
        if (reason := recording.why_read_only()) is not None or recording.labels is None:
            raise RefusedError(423, 1008, reason or "", reason="locked")
        if not recording.windows.may_write(client):
            raise RefusedError(423, 1008, "another window writes the labels of this recording", reason="locked")
        recording.windows.heard(client)
        try:
            await asyncio.shield(asyncio.to_thread(recording.labels.save, revision, intervals))
        except ChangedError as error:
            recording.send_labels()
            raise RefusedError(409, 1008, str(error), reason="changed") from error
        except ReadOnlyError as error:
            recording.windows.tell()
            raise RefusedError(423, 1008, str(error), reason="locked") from error
        except HarkenError as error:
            raise RefusedError(422, 1007, str(error), reason="malformed") from error
        except OSError as error:
            sentence = f"{recording.labels.path}: the labels could not be written ({error.strerror or error})"
            raise RefusedError(507, 1011, sentence, reason="disk") from error
        recording.send_labels(besides=client)
        return recording.labels.revision


async def serve_window(desk: Desk, socket: WebSocket, number: int, client: str) -> None:
    """A window of the page, until it is closed."""
    await socket.accept()
    known = 0 <= number < len(desk.recordings) and 1 <= len(client) <= LONGEST_CLIENT
    if not known or desk.recordings[number].windows.besides(client) >= MOST_WINDOWS:
        await socket.close(FAR, "there is no such recording, or too many windows show it")
        return
    recording = desk.recordings[number]
    window = recording.windows.connect(client)
    window.put({"type": "status", **recording.about()})
    desk.want(recording)
    sending = asyncio.create_task(send_messages(socket, window))
    try:
        while (event := await socket.receive())["type"] == "websocket.receive":
            recording.windows.heard(client)
            text = event.get("bytes") or (event.get("text") or "").encode()
            with contextlib.suppress(orjson.JSONDecodeError):
                message = orjson.loads(text)
                if isinstance(message, dict) and message.get("type") == "take":
                    recording.windows.take(client)
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        recording.windows.disconnect(window)
        sending.cancel()


async def send_messages(socket: WebSocket, window: Window) -> None:
    """Send a window its messages, until it or the socket is closed."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
        while (message := await window.next()) is not None:
            await socket.send_text(orjson.dumps(message).decode())
        await socket.close(1001)
