"""The server's WebSockets: uvicorn's, with limits on frames, and with a short way for the messages of watches.

A message of a watch goes from the socket to its ``Listener``, and a label from the server to the socket, without a task
and a queue for each socket. A frame that has arrived whole is read here. All others (fragments, pings, the closing
handshake) are read by ``websockets``, in pieces, so that many tiny frames do not delay other sockets.
"""

import asyncio
import contextlib
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # type: ignore[attr-defined]
from websockets.protocol import OPEN

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
    from websockets.frames import Frame

EXTENSION = "harken.socket"
"""The key of the ``Socket`` in the extensions of its ASGI scope."""
PIECE_BYTES = 4096
"""``websockets`` reads this much at a time: at most 680 frames. Other sockets are served between two pieces."""
MOST_FRAGMENTS = 1024
"""The most frames of one message."""
MOST_WHOLE = 64
"""The most frames that are read here from one piece of input; those after them are read in pieces."""
SHOWN = 200
"""Characters of a refused path or reason in the log."""

LOG = logging.getLogger("uvicorn.error")


class Listener(Protocol):
    """What a socket calls, from the event loop."""

    def received(self, message: bytes) -> None:
        """A message has come, text or bytes."""

    def writable(self) -> None:
        """The client reads again."""

    def ended(self) -> None:
        """The socket is closed or about to close."""


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket with limits on frames. Each refusal is one line in the log.

    Args:
        sockets: the connected ones; this one is added and removed.
    """

    def __init__(self, sockets: "set[Socket]", **options: Any) -> None:
        super().__init__(**options)
        self._sockets = sockets
        self._listener: Listener | None = None
        self._rest: memoryview | None = None  # received and not read yet
        self._held = False  # the listener wants no more messages for now
        self._heard = False  # something has come since the last ping
        self._fragments = 0

    def listen(self, listener: Listener) -> None:
        """Give all messages to this listener from now on, including those that wait already."""
        self._listener = listener
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for event in waiting:
            if event["type"] == "websocket.receive":
                listener.received(event["bytes"] or b"")
            else:
                listener.ended()
        if self.read_paused:
            self.read_paused = False
            self._read_again()

    def write(self, text: bytes) -> bool:
        """Send a text message, unless the client does not read or the socket is closing. Returns whether it was."""
        if not self.writable.is_set() or not self._open:
            return False
        size = len(text)
        if size < 126:
            head = bytes((0x81, size))
        elif size < 1 << 16:
            head = b"\x81\x7e" + size.to_bytes(2, "big")
        else:
            head = b"\x81\x7f" + size.to_bytes(8, "big")
        self.transport.write(head + text)
        return True

    def hold(self) -> None:
        """Read no more messages until ``release``; the client's system keeps them."""
        self._held = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def release(self) -> None:
        """Read messages again."""
        self._held = False
        self._read_again()

    @property
    def _open(self) -> bool:
        return self.conn.state is OPEN and not self.close_sent and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Add it to the connected ones."""
        self._sockets.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove it from the connected ones."""
        self._sockets.discard(self)
        self._rest = None
        super().connection_lost(exc)
        self._end()
        # Without these cycles its memory is free at once, before the garbage collector looks for it.
        self._listener = None
        if hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"]).pop(EXTENSION, None)
        self.conn.parser.close()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._listener is not None:
            self._listener.writable()

    def data_received(self, data: bytes) -> None:
        """Read whole frames, and a piece of other input; the rest is read in later turns of the event loop."""
        self._heard = True
        if not self.handshake_initiated:
            self._open_with(data)
            return
        if self._rest is not None:
            self._rest = memoryview(bytes(self._rest) + data)
            return
        if self._listener is not None and not self.frames and not self.conn.reader.buffer:
            data = self._read_whole(self._listener, data)
        if len(data) <= PIECE_BYTES and not self._held:
            super().data_received(data)
        else:
            self._rest = memoryview(data)
            self.transport.pause_reading()
            self._read_on()

    def _read_whole(self, listener: Listener, data: bytes) -> bytes:
        """Read the messages at the beginning of the input that are one whole frame each; returns the rest."""
        first = 0
        for _ in range(MOST_WHOLE):
            if len(data) < first + 6 or data[first] not in (0x81, 0x82) or not self._open:
                break
            kind, begin = data[first + 1], first + 2
            size = kind & 127
            if size > 125:
                begin += 2 if size == 126 else 8
                size = int.from_bytes(data[first + 2 : begin], "big")
            end = begin + 4 + size
            if kind < 128 or end > len(data) or size > self.config.ws_max_size:
                break
            listener.received(apply_mask(data[begin + 4 : end], data[begin : begin + 4]))
            first = end
        return data[first:] if first else data

    def _open_with(self, head: bytes) -> None:
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

    def handle_connect(self, event: Any) -> None:
        """Give the application this socket in its scope."""
        super().handle_connect(event)
        if hasattr(self, "scope"):
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    def _read_on(self) -> None:
        rest = self._rest
        if rest is None or self.transport.is_closing():
            self._rest = None
            return
        if self._held:
            return  # `release` goes on
        self._rest = rest[PIECE_BYTES:]
        super().data_received(bytes(rest[:PIECE_BYTES]))
        if self._rest:
            self.loop.call_soon(self._read_on)
            return
        self._rest = None
        self._read_again()

    def _read_again(self) -> None:
        """Resume reading unless there is a reason to wait."""
        if self._held or self.read_paused or self.transport.is_closing():
            return
        if self._rest is None:
            self.transport.resume_reading()
        else:
            self.loop.call_soon(self._read_on)

    def _stay_paused(self) -> None:
        """uvicorn resumes reading after each message; wait until the received input is read."""
        if self._rest is not None or self._held:
            self.transport.pause_reading()

    async def receive(self) -> "ASGIReceiveEvent":
        """Receive the next message."""
        message = await super().receive()
        self._stay_paused()
        return message

    def send_receive_event_to_app(self) -> None:
        """Pass a complete message on."""
        if self._listener is None:
            super().send_receive_event_to_app()
            return
        message = b"".join(self.frames)
        self.frames = []
        if not self.close_sent:
            self._listener.received(message)

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
        if self._fragments > MOST_FRAGMENTS:
            self.conn.fail(1009, f"a message may be sent in {MOST_FRAGMENTS:,} frames")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def handle_close(self, event: "Frame") -> None:
        """The client closes the socket."""
        super().handle_close(event)
        self._end()

    def handle_parser_exception(self) -> None:
        """The client sent what is no WebSocket frame."""
        super().handle_parser_exception()
        self._end()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read earlier answers."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def send_keepalive_ping(self) -> None:
        """Send a ping."""
        self._heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Close a socket that did not answer a ping, without sending the rest. The answer of one that sends messages
        may be behind those; it has more time."""
        if self._heard or self._held or self._rest is not None:
            self._heard = False
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0, self.keepalive_timeout)
            return
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

    def _end(self) -> None:
        if self._listener is not None:
            self._listener.ended()

    def _log_refusal(self, status: int, body: bytes) -> None:
        """Log a refusal, without the query, which may contain a token."""
        LOG.warning(
            "refused a WebSocket of %s at %s with %d %s",
            self.client[0] if self.client else "a client",
            ascii(self.scope["path"][:SHOWN]),
            status,
            ascii(body.decode(errors="replace")[:SHOWN]) if body else HTTPStatus(status).phrase,
        )
