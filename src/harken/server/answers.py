"""The answers to errors."""

import asyncio
from contextlib import suppress

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from harken.server.limits import RefusedError
from harken.server.metrics import Metrics

REST_S = 5.0


def add_error_answers(app: FastAPI, metrics: Metrics) -> None:
    """Every error is answered with JSON: ``{"error": "a sentence"}``."""

    @app.exception_handler(RefusedError)
    async def refused(request: Request, refusal: RefusedError) -> JSONResponse:
        if refusal.status == 413:
            await _read_rest(request)
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


async def _read_rest(request: Request) -> None:
    """Read the rest of a body that is too large, for a while: the system resets a connection that is closed with unread
    input, and its client may lose the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_S):
            while (await request.receive()).get("more_body"):
                pass
