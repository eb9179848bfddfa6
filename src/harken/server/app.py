"""The server as an ASGI application: its routes, the answers to errors, and the tasks beside them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from harken import __version__
from harken.models.recogniser import Recogniser
from harken.server.guard import Guard
from harken.server.http_routes import information_routes, page_routes, push_routes, recording_routes
from harken.server.hub import Hub
from harken.server.limits import RefusedError
from harken.server.uploads import Uploads
from harken.server.websocket_routes import Sockets

__all__ = ["create_app"]

Task = Callable[[], Awaitable[None]]


def create_app(
    hub: Hub, *, token: str | None = None, sample_source: Task | None = None, recording_model: Recogniser | None = None
) -> Guard:
    """The application for ``hub``.

    Args:
        hub: the watches.
        token: what clients must send; None: they must be on this machine.
        sample_source: gives the hub samples that the server itself makes, until cancelled.
        recording_model: labels posted recordings; the hub's recogniser if None.

    Raises:
        HarkenError: when the token is empty, or cannot be sent.
    """
    uploads = Uploads(recording_model or hub.recogniser, hub.limits)
    app = FastAPI(
        title="harken",
        version=__version__,
        summary="Activity recognition from a wrist accelerometer, live.",
        lifespan=_lifespan(hub, uploads, sample_source),
        docs_url=None,
        redoc_url=None,
    )
    _add_error_answers(app, hub)
    for routes in (information_routes(hub), recording_routes(hub, uploads), push_routes(hub), page_routes()):
        app.include_router(routes)
    return Guard(Sockets(app, hub), token=token)


def _lifespan(
    hub: Hub, uploads: Uploads, sample_source: Task | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The tasks that run while the server does."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hub.replay()
        running = [asyncio.create_task(hub.run())]
        if hub.log is not None:
            running.append(asyncio.create_task(hub.log.run()))
        if sample_source is not None:
            running.append(asyncio.ensure_future(sample_source()))
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await uploads.close()
            hub.close()

    return lifespan


def _add_error_answers(app: FastAPI, hub: Hub) -> None:
    """Every error is answered with JSON: ``{"error": "a sentence"}``."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, refusal: RefusedError) -> JSONResponse:
        hub.metrics.add("harken_refused_total", reason=refusal.reason)
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
        return Response(status_code=400)  # nobody receives it, but without it the log would show an error
