"""Requests: who may send them, their bodies within the limits and as the API describes them, and answers that are files
or errors."""

import asyncio
import hmac
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

import msgspec
import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Receive, Scope, Send

from harken.web.address import LOOPBACK
from harken.web.limits import Limits, RefusedError
from harken.web.metrics import Metrics

Fields = TypeVar("Fields", bound=BaseModel)
Content = TypeVar("Content", bound=msgspec.Struct)
REST_S = 5.0
"""How long the rest of a body that is too large is read."""
PIECE_BYTES = 1 << 18
LOG = logging.getLogger("uvicorn.error")

OPEN = ("/", "/health", "/favicon.ico")
OPEN_UNDER = "/assets/"
"""The page's own files, and the server's health: no secrets."""
REASONS = {401: "token", 403: "origin"}
"""The reasons of refusals in the metrics, by status."""
SHOWN = 200
"""Characters of a refused path in the log, which has no query because that may contain a token."""
CLOSING_S = 0.1
"""uvicorn up to 0.54 logs an error when the application of a refused WebSocket ends before its connection does."""


class Guard:
    """ASGI middleware: refuses requests with 401 or 403, or passes them to the application.

    A browser sends ``Origin`` with the requests of a page; it must be the server's own. If no token is needed,
    ``Host`` must be a name of this machine: another site can let its name resolve to 127.0.0.1 (DNS rebinding), but the
    browser still sends that site's name as ``Host``.

    Args:
        app: the application.
        token: the token that requests must contain; None for loopback.
        metrics: counts refusals.
    """

    def __init__(self, app: Any, *, token: str | None, metrics: Metrics) -> None:
        self._app, self._token, self._metrics = app, token, metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] == "lifespan" or (refusal := self._refusal(scope)) is None:
            await self._app(scope, receive, send)
            return
        status, sentence = refusal
        self._metrics.add("harken_refused_total", reason=REASONS[status])
        headers = {"www-authenticate": "Bearer"} if status == 401 else None
        if scope["type"] == "websocket":
            client = scope["client"][0] if scope["client"] else "a client"
            LOG.warning("refused a WebSocket of %s at %a with %d %s", client, scope["path"][:SHOWN], status, sentence)
            await receive()
        await JSONResponse({"error": sentence}, status, headers)(scope, receive, send)
        if scope["type"] == "websocket":
            await asyncio.sleep(CLOSING_S)

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        request = HTTPConnection(scope)
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        if self._token is None and _name(host) not in LOOPBACK:
            return 403, f"this server answers to {', '.join(sorted(LOOPBACK))} only, not to {host[:100]!r}"
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "pages of other sites may not send requests to this server"
        is_open = scope["path"] in OPEN or scope["path"].startswith(OPEN_UNDER)
        if self._token is None or (scope["type"] == "http" and is_open):
            return None
        shown = request.headers.get("authorization", "")
        given = shown[7:].strip() if shown[:7].lower() == "bearer " else ""
        given = given or request.query_params.get("token", "")
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return 401, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN"


def _name(host: str) -> str:
    """A host without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def described_body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The description of a request's body; definitions are written in place of references to them."""
    definitions = schema.pop("$defs", {})
    text = orjson.dumps(schema)
    for name, definition in definitions.items():
        text = text.replace(orjson.dumps({"$ref": f"#/$defs/{name}"}), orjson.dumps(definition))
    return {"requestBody": {"required": True, "content": {kind: {"schema": orjson.loads(text)}}}}


def check_length(request: Request, most: int) -> None:
    """Check the length that the head of a request states. Raises ``RefusedError`` when it is above ``most`` bytes."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise RefusedError(413, f"the body has {int(length):,} bytes; the limit is {most:,}", reason="message")


async def read_body(request: Request, most: int, *, seconds: float) -> bytes:
    """The body of a request, of at most ``most`` bytes, which must come within ``seconds``.

    Raises:
        RefusedError: when it is larger or comes more slowly.
    """
    check_length(request, most)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise RefusedError(413, f"a message may have at most {most:,} bytes", reason="message")
    except TimeoutError as error:
        raise RefusedError(408, "the message came too slowly", reason="slow") from error
    return bytes(body)


def decode_body(body: bytes, kind: type[Content], *, what: str, form: str) -> Content:
    """Decode the body of a request.

    Args:
        body: the body, JSON.
        kind: the ``msgspec.Struct`` to make of it.
        what: what the body gives, for an error: ``the labels``.
        form: what the body should be, for an error: ``{intervals}``.

    Raises:
        RefusedError: when the body is no JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise RefusedError(422, f"{what} cannot be used: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, f"the body must be {form} as JSON") from error


async def fields_of(request: Request, kind: type[Fields], limits: Limits) -> Fields:
    """The fields of a request whose body is JSON.

    Raises:
        RefusedError: as ``read_body``.
        RequestValidationError: when the body is something else (422).
    """
    body = await read_body(request, limits.message_bytes, seconds=limits.body_s)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


class FileAnswer(StreamingResponse):
    """The content of a file, in pieces.

    The file is open before the answer begins, so it is sent whole, even if it is removed meanwhile.

    Args:
        file: is closed when it is sent.
        media_type: of its content.
        headers: more headers.
    """

    def __init__(self, file: BinaryIO, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        headers = {**(headers or {}), "content-length": str(size)}
        super().__init__(iter(partial(file.read, PIECE_BYTES), b""), headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as an ASGI application."""
        with self._file:
            await super().__call__(scope, receive, send)


def application(routes: APIRouter, metrics: Metrics, *, token: str | None, **described: Any) -> Guard:
    """An application with these routes. Every error is answered with JSON: ``{"error": "a sentence"}``.

    Args:
        routes: the routes.
        metrics: counts refusals.
        token: the token that clients must send; None: they must be on this machine.
        described: further arguments of ``FastAPI``.
    """
    app = FastAPI(docs_url=None, redoc_url=None, **described)
    app.include_router(routes)

    @app.exception_handler(RefusedError)
    async def refused(request: Request, refusal: RefusedError) -> JSONResponse:
        if refusal.status in (413, 422):
            await _read_rest(request)
        metrics.add("harken_refused_total", reason=refusal.reason)
        headers = {} if refusal.retry_s is None else {"retry-after": str(refusal.retry_s)}
        content: dict[str, Any] = {"error": str(refusal)}
        if refusal.parts is not None:
            content["parts"] = refusal.parts
        return JSONResponse(content, refusal.status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        await _read_rest(request)
        first = error.errors()[0]
        return JSONResponse({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def disconnected(_: Request, error: ClientDisconnect) -> Response:  # noqa: ARG001
        return Response(status_code=400)  # it is not received, but without it the log would show an error

    return Guard(app, token=token, metrics=metrics)


async def _read_rest(request: Request) -> None:
    """Read the rest of a body that is too large, or whose query is refused, for a while: the system resets a connection
    that is closed with unread input, and its client may lose the answer."""
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: nothing of it is left
        async with asyncio.timeout(REST_S):
            async for _ in request.stream():
                pass
