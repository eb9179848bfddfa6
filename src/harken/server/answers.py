"""Bodies of requests within limits, and the answers to errors."""

import asyncio

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from harken.server.limits import RefusedError
from harken.server.metrics import Metrics

__all__ = ["add_error_answers", "check_length", "read_body"]


def add_error_answers(app: FastAPI, metrics: Metrics) -> None:
    """Every error is answered with JSON: ``{"error": "a sentence"}``."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, refusal: RefusedError) -> JSONResponse:
        metrics.add("harken_refused_total", reason=refusal.reason)
        headers = {} if refusal.retry_s is None else {"retry-after": str(refusal.retry_s)}
        return JSONResponse({"error": str(refusal)}, refusal.status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return JSONResponse({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def disconnected(_: Request, error: ClientDisconnect) -> Response:  # noqa: ARG001
        return Response(status_code=400)  # it is not received, but without it the log would show an error


def check_length(request: Request, most: int) -> None:
    """Refuse a request whose header announces a body of more than ``most`` bytes.

    Raises:
        RefusedError: for such a request.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise RefusedError(413, 1009, f"the body has {int(length):,} bytes; the limit is {most:,}", reason="message")


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
                    raise RefusedError(413, 1009, f"a message may have at most {most:,} bytes", reason="message")
    except TimeoutError as error:
        raise RefusedError(408, 1013, "the message came too slowly", reason="slow") from error
    return bytes(body)
