"""Limits on connections: the size and time of a request's head, and the number of connections and WebSockets.

uvicorn with ``httptools`` limits neither the size of a request's head nor the time to send it, and accepts connections
until the process has no file descriptor left. (hypercorn and granian limit the head, but do not close old connections
for new ones.) This module adds the limits to uvicorn's own protocol.
"""

import asyncio
import json
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from harken.server.limits import Limits
from harken.server.metrics import Metrics
from harken.server.sockets import Socket

HTTP_PIECE_BYTES = 8192
"""The parser of HTTP gets this much at a time, so that a head that is too large is detected soon after its limit."""
PIPELINED = 8
"""Requests of one connection that may wait for the answer to an earlier one."""
RESERVED_FILES = 64
"""File descriptors for everything else: files of recordings and of ``--keep``, other processes, pipes."""
RESERVED_HTTP = 32
"""Connections that WebSockets leave for HTTP, so that ``/health`` answers however many watches there are."""
FEWEST = 2 * RESERVED_HTTP


class Connections:
    """All connections of one server: at most the limit, and at most the file descriptors of this process.

    For a new connection beyond that, an old one is closed: the one that has waited longest without a complete request,
    or else one that is still sending its request or does not read its answer. WebSockets are never closed for others.

    Attributes:
        http, websocket: the protocols, for ``uvicorn.Config``.
        most: the largest number of connections.
        waiting: connections without a complete request, the longest waiting first.
        slow: connections whose request is not complete, or whose answer is not read.
        sockets: WebSockets.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.most = min(limits.connections, files_allowed(limits.connections + RESERVED_FILES) - RESERVED_FILES)
        self.most = max(FEWEST, self.most)
        self.waiting: dict[Connection, None] = {}  # a dict keeps the order and has fast lookup
        self.slow: dict[Connection, None] = {}
        self.sockets: set[Socket] = set()
        self.http, self.websocket = partial(Connection, self), partial(Socket, self.sockets)

    def make_room(self, connections: int) -> bool:
        """Whether one more connection may be added to these; closes another one if need be."""
        if connections < self.most:
            return True
        victim = next(iter(self.waiting), None) or next(iter(self.slow), None)
        self.metrics.add("harken_refused_total", reason="connections")
        if victim is not None:
            victim.abort()
        return victim is not None

    @property
    def full_of_sockets(self) -> bool:
        """Whether the number of WebSockets is at its limit."""
        return len(self.sockets) >= self.most - RESERVED_HTTP


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP connection with limits on heads: 431 for one that is too large, 408 for one too slow."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._all, self._limits = connections, connections.limits
        self._in_head, self._head_bytes = True, 0
        self._ended = False  # no more input is read
        self._answered = False  # the answer is sent, and the rest of the request is read without use
        self._timer: asyncio.TimerHandle | None = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for a request."""
        room = self._all.make_room(len(self.connections))
        super().connection_made(transport)
        if not room:
            self.abort()
            return
        self._all.waiting[self] = None
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close at once, without sending the rest of an answer."""
        self._forget()
        self._ended = True
        self.connections.discard(self)  # uvicorn would remove it only when its loss is reported
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read the head up to its limit, and the body."""
        for start in range(0, len(data), HTTP_PIECE_BYTES):
            if self._ended or self.transport.is_closing():
                return
            piece = data[start : start + HTTP_PIECE_BYTES]
            self._head_bytes += len(piece) if self._in_head else 0
            super().data_received(piece)
            if self._in_head and self._head_bytes > self._limits.head_bytes:
                self._refuse(431, f"the head of a request may have at most {self._limits.head_bytes:,} bytes")
                return
        if not self._answering and not self._ended:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self._ended:
            return
        self._in_head = False
        self._stop_timer()
        if len(self.pipeline) >= PIPELINED:
            self._end()
            return
        self._all.waiting.pop(self, None)
        self._all.slow[self] = None
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.transport = AnswerTransport(self)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._ended:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete, and another one may follow."""
        if self._ended:
            return
        self._in_head, self._head_bytes = True, 0
        self._all.slow.pop(self, None)
        super().on_message_complete()
        if self._answered:
            self._end()
            self.transport.close()

    def on_response_complete(self) -> None:
        """The answer is complete; wait for the next request."""
        super().on_response_complete()
        if not self._answering and self in self.connections:
            self._all.slow.pop(self, None)
            self._all.waiting[self] = None

    def close_after_request(self) -> None:
        """Close when the request is complete, or has taken too long."""
        if self._ended or self.transport.is_closing():
            self.transport.close()
            return
        self._answered = True
        self._start_timer()

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        super().pause_writing()
        if self not in self._all.waiting and self in self.connections:
            self._all.slow[self] = None

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._all.slow.pop(self, None)

    def handle_websocket_upgrade(self) -> None:
        """Make the connection a WebSocket, or refuse it when there are too many."""
        self._forget()
        if self._all.full_of_sockets:
            self._refuse(503, "the limit of WebSockets is reached; try again later")
            return
        self._ended = True
        super().handle_websocket_upgrade()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._limits.head_s, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        """The head was not complete in time, or the rest of a body whose answer is already sent."""
        self._timer = None
        if self.transport.is_closing() or not self._in_head:
            self.abort()
        elif self._head_bytes:
            self._refuse(408, f"the head of a request may take at most {self._limits.head_s:g} s")
        else:
            self.transport.close()

    def _end(self) -> None:
        """Read no more input; close after the answers to earlier requests."""
        self._ended = True
        self._stop_timer()
        if self._answering:
            self.cycle.keep_alive = False

    def _refuse(self, status: int, sentence: str) -> None:
        self._all.metrics.add("harken_refused_total", reason="head" if status in (408, 431) else "connections")
        self._end()
        if self._answering:  # the client could not separate two answers
            return
        body = json.dumps({"error": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _forget(self) -> None:
        self._stop_timer()
        self._all.waiting.pop(self, None)
        self._all.slow.pop(self, None)


class AnswerTransport(asyncio.Transport):
    """The transport for one answer. Closing waits for the request, because the system resets a connection that is
    closed with unread input, and the client may then lose the answer."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection, self._cycle = connection, connection.cycle

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a piece of the answer."""
        self._connection.transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection is closed, or about to be."""
        return self._connection.transport.is_closing()

    def close(self) -> None:
        """Close the connection, at once if the request is complete."""
        if self._cycle.more_body:
            self._connection.close_after_request()
        else:
            self._connection.transport.close()


def files_allowed(additional: int) -> int:
    """How many more files this process may open. The system's soft limit is raised to this number if possible.

    Args:
        additional: files besides those that are open.
    """
    try:
        import resource
    except ImportError:  # a system without such a limit
        return additional
    open_now = _open_files()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < additional + open_now:
        raised = additional + open_now if hard == resource.RLIM_INFINITY else min(hard, additional + open_now)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):
            pass  # some systems have a lower limit than they report
    return additional if soft == resource.RLIM_INFINITY else soft - open_now


def _open_files() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return RESERVED_FILES
