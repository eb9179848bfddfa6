"""uvicorn as it serves our applications."""

import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from harken.support.aside import remove_left_behind
from harken.web.address import BACKLOG
from harken.web.limits import Limits

PONG_S = 60.0
"""A socket that does not answer a ping within this time is closed. The answer of a watch may be behind its messages."""

FILES = 16_384
"""Files and sockets that this process may open, if the system lets it. With Linux's usual 1,024, the 1,009th watch was
refused, and so was ``/health``."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSockets, which say what is wrong with a text that is not UTF-8."""

    def handle_text(self, event: Frame) -> None:
        """Pass a text on as bytes, of which our reader of JSON says what is wrong: uvicorn logs a traceback for text
        that is not UTF-8, and closes the socket without a reason."""
        self.handle_bytes(event)


class Server(uvicorn.Server):
    """A server for an ASGI application. What it does not defend against is a proxy's work (``docs/live.md``).

    Args:
        app: the application.
        limits: the limits of clients.
        host, port: the address.
        on_started: called when the server answers requests.
    """

    def __init__(self, app: Any, limits: Limits, *, host: str, port: int, on_started: Callable[[], None]) -> None:
        remove_left_behind(tempfile.gettempdir())  # posted recordings of a server that was killed
        super().__init__(
            uvicorn.Config(
                app,
                host=host.strip("[]"),
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,  # client addresses are not used, and the middleware would slow down every socket
                http="h11",  # httptools does not limit the head of a request
                h11_max_incomplete_event_size=limits.head_bytes,
                ws=SocketProtocol,
                ws_max_size=limits.message_bytes,
                ws_ping_timeout=PONG_S,
                ws_per_message_deflate=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=3,
                backlog=BACKLOG,
            )
        )
        self._on_started = on_started

    async def startup(self, sockets: list | None = None) -> None:  # type: ignore[type-arg]
        """Begin to listen."""
        await super().startup(sockets=sockets)
        if self.started:
            self._on_started()


def allow_files() -> None:
    """Raise the limit of files of this process to ``FILES``, as far as the system allows."""
    with suppress(ImportError, OSError, ValueError):  # a system without such limits, or with lower ones than it reports
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
        if soft != resource.RLIM_INFINITY and soft < allowed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
