"""One WebSocket, read a piece at a time, so that a flood of tiny frames does not keep the others waiting."""

import contextlib
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
    from websockets.frames import Frame

__all__ = ["Socket"]

LOG = logging.getLogger("uvicorn.error")
PIECE_BYTES = 4096
"""Up to 680 frames. Between two pieces the other sockets have their turn."""
FRAGMENTS = 1024
"""A message may be sent in so many frames."""
SHOWN = 200


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket as uvicorn reads it, with limits on floods. One line in the log says that one was refused, and why.

    Args:
        sockets: where this one is counted while it is connected.
    """

    def __init__(self, sockets: "set[Socket]", **options: Any) -> None:
        super().__init__(**options)
        self._sockets = sockets
        self._rest: memoryview | None = None  # what was received and is still to be read
        self._fragments = 0

    def connection_made(self, transport: "asyncio.BaseTransport") -> None:
        """Count it."""
        self._sockets.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._sockets.discard(self)
        self._rest = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came: a little of it at once, the rest in later turns of the loop."""
        if not self.handshake_initiated:
            self._open(data)
        elif self._rest is not None:
            self._rest = memoryview(bytes(self._rest) + data)
        elif len(data) <= PIECE_BYTES:
            super().data_received(data)
        else:
            self._rest = memoryview(data)
            self.transport.pause_reading()
            self._read_on()

    def _open(self, head: bytes) -> None:
        """Read the whole head of a request. uvicorn gives no answer to one that ``websockets`` cannot read."""
        with contextlib.suppress(UnicodeError):
            super().data_received(head)
        if not self.handshake_initiated or not hasattr(self, "scope"):
            self._refuse_head()

    def _refuse_head(self) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"error": "the request to open a WebSocket cannot be read"}).encode()
        head = f"HTTP/1.1 400 Bad Request\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _read_on(self) -> None:
        rest = self._rest
        if rest is None or self.transport.is_closing():
            self._rest = None
            return
        self._rest = rest[PIECE_BYTES:]
        super().data_received(bytes(rest[:PIECE_BYTES]))
        if self._rest:
            self.loop.call_soon(self._read_on)
            return
        self._rest = None
        if not self.read_paused:
            self.transport.resume_reading()

    def _stay_paused(self) -> None:
        """uvicorn goes on reading when a message was taken; not before the rest of what came is read."""
        if self._rest is not None:
            self.transport.pause_reading()

    async def receive(self) -> "ASGIReceiveEvent":
        """Receive the next message."""
        message = await super().receive()
        self._stay_paused()
        return message

    def handle_text(self, event: "Frame") -> None:
        """Pass text on as bytes: what reads the JSON checks the encoding; uvicorn would log a traceback."""
        self.handle_bytes(event)

    def handle_bytes(self, event: "Frame") -> None:
        """Begin a message."""
        self._fragments = 0
        super().handle_bytes(event)

    def handle_cont(self, event: "Frame") -> None:
        """Continue a message. Its bytes are counted elsewhere, but empty frames take memory, too."""
        self._fragments += 1
        if self._fragments > FRAGMENTS:
            self.conn.fail(1009, f"a message may be sent in {FRAGMENTS:,} frames")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer, unless answers wait already that are not read."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """No answer to a ping: do not wait until it reads what is still to be sent."""
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: "ASGISendEvent") -> None:
        """Send what the application says."""
        opening = not self.handshake_complete
        await super().send(message)
        self._stay_paused()
        if opening and message["type"] == "websocket.close":
            self._log_refusal(403, b"")
        elif opening and message["type"] == "websocket.http.response.body" and self.initial_response is not None:
            # A refusal completes the handshake, too; up to 0.54 uvicorn takes it for a fault of the application.
            self.handshake_complete = True
            self._log_refusal(self.initial_response[0], self.initial_response[2])

    def _log_refusal(self, status: int, body: bytes) -> None:
        """The query is left out, because a token may be in it."""
        LOG.warning(
            "refused a WebSocket of %s at %s with %d %s",
            self.client[0] if self.client else "a client",
            ascii(self.scope["path"][:SHOWN]),
            status,
            ascii(body.decode(errors="replace")[:SHOWN]) if body else HTTPStatus(status).phrase,
        )
