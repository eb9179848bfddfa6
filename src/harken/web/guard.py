"""Access control: a token for all addresses but loopback, and no requests from pages of other sites."""

import asyncio
import hmac
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from harken.web.address import LOOPBACK
from harken.web.metrics import Metrics

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
        host, origin = request.headers.get("host", ""), request.headers.get("origin")
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
