"""uvicorn's WebSocket protocol with limits: input is read in pieces, so that many tiny frames do not delay others."""

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
"""At most 680 frames. Other sockets are served between two pieces."""
FRAGMENTS = 1024
"""The most frames of one message."""
SHOWN = 200


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket with limits on frames. Each refusal is one line in the log.

    Args:
        sockets: the connected ones; this one is added and removed.
    """

    def __init__(self, sockets: "set[Socket]", **options: Any) -> None:
        super().__init__(**options)
        self._sockets = sockets
        self._rest: memoryview | None = None  # received and not read yet
        self._fragments = 0

    def connection_made(self, transport: "asyncio.BaseTransport") -> None:
        """Add it to the connected ones."""
        self._sockets.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove it from the connected ones."""
        self._sockets.discard(self)
        self._rest = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a piece of the input now, the rest in later turns of the event loop."""
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
        """Read the head of a request; refuses one that ``websockets`` cannot read, which uvicorn does not answer."""
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
        """uvicorn resumes reading after each message; wait until the received input is read."""
        if self._rest is not None:
            self.transport.pause_reading()

    async def receive(self) -> "ASGIReceiveEvent":
        """Receive the next message."""
        message = await super().receive()
        self._stay_paused()
        return message

    def handle_text(self, event: "Frame") -> None:
        """Pass text on as bytes, because the JSON parser checks the encoding; uvicorn would log a traceback."""
        self.handle_bytes(event)

    def handle_bytes(self, event: "Frame") -> None:
        """Begin a message."""
        self._fragments = 0
        super().handle_bytes(event)

    def handle_cont(self, event: "Frame") -> None:
        """Continue a message. The number of frames is limited because empty ones take memory, too."""
        self._fragments += 1
        if self._fragments > FRAGMENTS:
            self.conn.fail(1009, f"a message may be sent in {FRAGMENTS:,} frames")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read earlier answers."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Close a socket that did not answer a ping, without sending the rest."""
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a message of the application."""
        opening = not self.handshake_complete
        await super().send(message)
        self._stay_paused()
        if opening and message["type"] == "websocket.close":
            self._log_refusal(403, b"")
        elif opening and message["type"] == "websocket.http.response.body" and self.initial_response is not None:
            # A refusal completes the handshake, too; uvicorn up to 0.54 reports it as an error of the application.
            self.handshake_complete = True
            self._log_refusal(self.initial_response[0], self.initial_response[2])

    def _log_refusal(self, status: int, body: bytes) -> None:
        """Log a refusal, without the query, which may contain a token."""
        LOG.warning(
            "refused a WebSocket of %s at %s with %d %s",
            self.client[0] if self.client else "a client",
            ascii(self.scope["path"][:SHOWN]),
            status,
            ascii(body.decode(errors="replace")[:SHOWN]) if body else HTTPStatus(status).phrase,
        )
