"""Access control: a token for all addresses but loopback, and no requests from pages of other sites."""

import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harken.support.errors import HarkenError

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
OPEN = ("/", "/health", "/favicon.ico")
OPEN_UNDER = "/assets/"
REASONS = {400: "host", 401: "token", 403: "origin"}
"""The reasons of refusals in the metrics, by status."""


def check_token(token: str | None) -> None:
    """Check that a token can be sent in a header and in a URL, and that it is not empty.

    Raises:
        HarkenError: when the token is empty (perhaps an unset variable of a shell), or contains spaces or characters
            outside ASCII.
    """
    if token is None:
        return
    if not token.strip():
        raise HarkenError("the token is empty (an unset variable?); leave --token out, or give a token")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise HarkenError("a token must be ASCII without spaces: letters, digits and signs")


class Guard:
    """ASGI middleware: refuses requests with 400, 401 or 403, or passes them to the application.

    A browser sends ``Origin`` with the requests of a page; it must be the server's own. If no token is needed,
    ``Host`` must be a name of this machine: another site can let its name resolve to 127.0.0.1 (DNS rebinding), but the
    browser still sends that site's name as ``Host``.

    Args:
        app: the application.
        token: the token that requests must contain; None for loopback.
        on_refused: called with the reason of each refusal, a word for the metrics.

    Raises:
        HarkenError: when the token is empty, or cannot be sent.
    """

    def __init__(self, app: Any, *, token: str | None, on_refused: Callable[[str], None]) -> None:
        check_token(token)
        self._app, self._token, self._on_refused = app, token, on_refused

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] == "lifespan" or (refusal := self._refusal(scope)) is None:
            await self._app(scope, receive, send)
            return
        status, sentence = refusal
        self._on_refused(REASONS[status])
        headers = [(b"content-type", b"application/json")]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        body = json.dumps({"error": sentence}).encode()
        if scope["type"] == "websocket":
            await receive()
            if "websocket.http.response" not in scope.get("extensions", {}):
                await send({"type": "websocket.close", "code": 1008, "reason": sentence})
                return
            await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
            await send({"type": "websocket.http.response.body", "body": body})
            return
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, scope: Any) -> tuple[int, str] | None:
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            return (
                400,
                "a request must have exactly one Host header",
            )  # a proxy and a browser could each use a different one
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if self._token is None and _name(host) not in LOOPBACK:
            return 403, f"this server answers to {', '.join(sorted(LOOPBACK))} only, not to {host[:100]!r}"
        origin = headers.get(b"origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "pages of other sites may not send requests to this server"
        if self._token is None or (scope["type"] == "http" and _is_open(scope["path"])):
            return None
        shown = headers.get(b"authorization", "")
        given = shown[7:].strip() if shown[:7].lower() == "bearer " else ""
        if not given:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return 401, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN"


def _name(host: str) -> str:
    """A host without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_open(path: str) -> bool:
    """The page's own files, and the server's health: no secrets."""
    return path in OPEN or path.startswith(OPEN_UNDER)
