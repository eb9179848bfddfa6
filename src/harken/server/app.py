"""The server as an ASGI application: what is asked where, and what each refusal is answered with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from harken import __version__
from harken.models.recogniser import Recogniser
from harken.server.guard import Guard
from harken.server.hub import Hub
from harken.server.limits import RefusedError
from harken.server.recordings import Uploads
from harken.server.schemas import REFUSALS, About, Health, Model, Pushed, PushMessage, Timeline, WatchTimeline
from harken.server.sensor_logger import Joining, MalformedError, envelope
from harken.server.sockets import Sockets
from harken.support.errors import HarkenError

__all__ = ["create_app"]

PAGE = Path(__file__).parent / "page"
ASSETS = Path(__file__).parent.parent / "assets"
SAFE = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
PIECE_BYTES = 1 << 18
WatchName = Annotated[str, Query(min_length=1, max_length=128, description="The watch's name.")]


def create_app(
    hub: Hub,
    *,
    token: str | None = None,
    own: Callable[[], Awaitable[None]] | None = None,
    labels_recordings: Recogniser | None = None,
) -> Guard:
    """The application for ``hub``.

    Args:
        hub: the watches.
        token: what whoever asks must show; None: they must be on this machine.
        own: shows the hub samples of the server's own, until cancelled.
        labels_recordings: labels what is posted; by default the hub's recogniser.

    Raises:
        HarkenError: when the token is empty, or cannot be sent.
    """
    uploads = Uploads(labels_recordings or hub.recogniser, hub.limits)
    joining: dict[str, Joining] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hub.replay()
        running = [asyncio.create_task(hub.run())]
        if hub.keeper is not None:
            running.append(asyncio.create_task(hub.keeper.run()))
        if own is not None:
            running.append(asyncio.ensure_future(own()))
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await uploads.close()
            hub.close()

    app = FastAPI(
        title="harken",
        version=__version__,
        summary="Activity recognition from a wrist accelerometer, live.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )

    @app.exception_handler(RefusedError)
    async def refuse(_: Request, refusal: RefusedError) -> JSONResponse:
        hub.metrics.add("harken_refused_total", reason=refusal.reason)
        headers = {} if refusal.retry_s is None else {"retry-after": str(refusal.retry_s)}
        return JSONResponse({"error": str(refusal)}, refusal.status, headers)

    @app.exception_handler(RequestValidationError)
    async def misasked(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return JSONResponse({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:  # noqa: ARG001
        return Response(status_code=400)  # nobody reads it, but it is no fault that belongs into the log

    @app.get("/health", response_model=Health)
    async def health() -> dict[str, Any]:
        """Whether the server is well. Needs no token."""
        return {
            "status": "ok",
            "version": __version__,
            "watches": len(hub.sessions),
            "kept": hub.keeper is not None,
        }

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """Counts for Prometheus."""
        return hub.metrics_text()

    @app.get("/api/model", response_model=Model)
    async def model() -> dict[str, Any]:
        """The model that labels."""
        return hub.model()

    @app.get("/api/watches", response_model=list[About])
    async def watches() -> list[dict[str, Any]]:
        """The watches that send."""
        return hub.watches()

    @app.get("/api/timeline", response_model=WatchTimeline, responses=_refusals(404, 422))
    async def timeline(watch: WatchName) -> dict[str, Any]:
        """A watch's latest 600 rows (ten minutes) that are final, as an offline run labels the same samples."""
        session = hub.sessions.get(watch)
        if session is None:
            raise RefusedError(404, 1008, "there is no such watch", reason="unknown")
        return session.timeline()

    @app.post(
        "/api/recordings",
        response_model=Timeline,
        responses=_refusals(408, 413, 422, 503, 507),
        openapi_extra=_body("application/octet-stream", {"type": "string", "format": "binary"}),
    )
    async def recordings(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=255, description="The file's name; its ending counts.")],
    ) -> Response:
        """Label a recording."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            said = "send the recording itself as the body, not in a form: curl --data-binary @FILE"
            raise RefusedError(422, 1007, said, reason="recording")
        _check_length(request, hub.limits.upload_bytes)
        answer = await uploads.label(name, request.stream(), partial(_gone, request))
        # Not looked through again, nor written in one go: that of a month would keep all others waiting.
        return StreamingResponse(_pieces(answer), 200, {"content-length": str(len(answer))}, "application/json")

    @app.post(
        "/push",
        response_model=Pushed,
        responses=_refusals(400, 408, 413, 429, 503, 507),
        openapi_extra=_body("application/json", PushMessage.model_json_schema()),
    )
    async def push(request: Request) -> dict[str, Any]:
        """Take a message of Sensor Logger. Answered when its samples are taken, with --keep when they are on disk."""
        body = await _read(request, hub)
        try:
            device, payload = envelope(orjson.loads(body))
            if device not in hub.sessions:
                hub.session(device)
                joining.pop(device, None)
                for name in set(joining) - set(hub.sessions):
                    del joining[name]  # of watches that were forgotten
            signals, time_ns = joining.setdefault(device, Joining()).take(payload)
        except orjson.JSONDecodeError as error:
            raise RefusedError(400, 1007, f"the message is not JSON ({error})", reason="malformed") from error
        except MalformedError as error:
            raise RefusedError(400, 1007, str(error), reason="malformed") from error
        written = hub.receive(device, signals, time_ns)
        if written is not None:
            try:
                await asyncio.shield(written)
            except HarkenError as error:
                raise RefusedError(507, 1011, str(error), reason="disk") from error
        return {"samples": len(time_ns)}

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return _file("index.html")

    @app.get("/assets/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        return _file(name)

    return Guard(Sockets(app, hub), token=token)


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: REFUSALS[status] for status in statuses}


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.pop("$defs", {})
    text = orjson.dumps(schema)
    for name, definition in definitions.items():  # a description of its own, without references
        text = text.replace(orjson.dumps({"$ref": f"#/$defs/{name}"}), orjson.dumps(definition))
    return {"requestBody": {"required": True, "content": {kind: {"schema": orjson.loads(text)}}}}


async def _gone(request: Request) -> None:
    """Returns when the client, whose body was read, has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(content), PIECE_BYTES):
        yield content[first : first + PIECE_BYTES]


def _files() -> dict[str, Path]:
    """What the page is made of, by name: only these are ever read, whatever is asked for."""
    found = {path.name: path for path in (ASSETS / "uplot").glob("*") if path.suffix in (".js", ".css")}
    return found | {path.name: path for path in PAGE.glob("*") if path.is_file()}


def _file(name: str) -> Response:
    path = _files().get(name)
    if path is None:
        return JSONResponse({"error": "there is no such file"}, 404)
    return FileResponse(path, headers=SAFE)


def _check_length(request: Request, most: int) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise RefusedError(413, 1009, f"the body has {int(length):,} bytes; {most:,} is the most", reason="message")


async def _read(request: Request, hub: Hub) -> bytes:
    """The body of a message."""
    most = hub.limits.message_bytes
    _check_length(request, most)
    body = bytearray()
    try:
        async with asyncio.timeout(hub.limits.body_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise RefusedError(413, 1009, f"a message may have {most:,} bytes", reason="message")
    except TimeoutError as error:
        raise RefusedError(408, 1013, "the message came too slowly", reason="slow") from error
    return bytes(body)
