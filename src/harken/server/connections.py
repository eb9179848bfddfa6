"""What a connection may do before, and between, its requests; and how many connections there may be at once.

uvicorn with ``httptools`` limits neither the size of a request's head nor the time that it takes, and accepts
connections until the process has no file descriptor left. (hypercorn and granian limit the head, but do not close old
connections for new ones.) The class here adds the limits to uvicorn's own protocol.
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
from harken.server.websocket import Socket

__all__ = ["Connections"]

PIECE_BYTES = 8192
"""The parser gets so much at a time, so that a head that is too large is noticed soon after its limit."""
PIPELINED = 8
"""Requests of one connection that may wait for the answer to an earlier one."""
RESERVED_FILES = 64
"""File descriptors that are left for everything else: files of recordings and of ``--keep``, other processes, pipes."""
RESERVED_HTTP = 32
"""Connections that WebSockets leave for HTTP, so that ``/health`` answers however many watches there are."""
FEWEST = 2 * RESERVED_HTTP


class Connections:
    """All connections of one server: at most as many as the limits, and the file descriptors of this process, allow.

    When there are more, those are closed that have no complete request: the one that has waited longest first. Then
    those that are still sending a request, or do not read their answer. A WebSocket is never closed for others.

    Attributes:
        http, websocket: the protocols, for ``uvicorn.Config``.
        most: connections at once.
        waiting: connections without a complete request, in the order in which they began to wait.
        slow: connections whose request is not complete, or whose answer is not read.
        sockets: WebSockets.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.most = min(limits.connections, files_allowed(limits.connections + RESERVED_FILES) - RESERVED_FILES)
        self.most = max(FEWEST, self.most)
        self.waiting: dict[Connection, None] = {}  # a dict keeps the order, and finds one at once
        self.slow: dict[Connection, None] = {}
        self.sockets: set[Socket] = set()
        self.http, self.websocket = partial(Connection, self), partial(Socket, self.sockets)

    def make_room(self, there: int) -> bool:
        """Whether one more connection may be added to those that are ``there``; closes another one if need be."""
        if there < self.most:
            return True
        victim = next(iter(self.waiting), None) or next(iter(self.slow), None)
        self.metrics.add("harken_refused_total", reason="connections")
        if victim is not None:
            victim.abort()
        return victim is not None

    @property
    def full_of_sockets(self) -> bool:
        """Whether there are as many WebSockets as may be."""
        return len(self.sockets) >= self.most - RESERVED_HTTP


class Connection(HttpToolsProtocol):
    """A connection as uvicorn reads it, with limits on heads: 431 for one that is too large, 408 for one too slow."""

    def __init__(self, connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._all, self._limits = connections, connections.limits
        self._in_head, self._head_bytes = True, 0
        self._ended = False  # nothing more is read
        self._timer: asyncio.TimerHandle | None = None

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
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
        """Close at once, whatever is still to be sent."""
        self._forget()
        self._ended = True
        self.connections.discard(self)  # it is gone before its loss is reported
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read the head up to its limit, and the body."""
        for start in range(0, len(data), PIECE_BYTES):
            if self._ended or self.transport.is_closing():
                return
            piece = data[start : start + PIECE_BYTES]
            self._head_bytes += len(piece) if self._in_head else 0
            super().data_received(piece)
            if self._in_head and self._head_bytes > self._limits.head_bytes:
                self._refuse(431, f"the head of a request may have {self._limits.head_bytes:,} bytes")
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
        super().on_headers_complete()

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

    def on_response_complete(self) -> None:
        """The answer is sent; wait for the next request."""
        super().on_response_complete()
        if not self._answering and self in self.connections:
            self._all.slow.pop(self, None)
            self._all.waiting[self] = None

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        super().pause_writing()
        if self not in self._all.waiting and self in self.connections:
            self._all.slow[self] = None

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        self._all.slow.pop(self, None)

    def handle_websocket_upgrade(self) -> None:
        """From here on the connection is a WebSocket, if there is room for one more."""
        self._forget()
        if self._all.full_of_sockets:
            self._refuse(503, "this server has as many WebSockets as it takes; try again later")
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
        """No head came in time, or the rest of a body that was answered already did not."""
        self._timer = None
        if self.transport.is_closing() or not self._in_head:
            self.abort()
        elif self._head_bytes:
            self._refuse(408, f"the head of a request may take {self._limits.head_s:g} s")
        else:
            self.transport.close()

    def _end(self) -> None:
        """Read nothing more; close when what was asked before is answered."""
        self._ended = True
        self._stop_timer()
        if self._answering:
            self.cycle.keep_alive = False

    def _refuse(self, status: int, sentence: str) -> None:
        self._all.metrics.add("harken_refused_total", reason="head" if status in (408, 431) else "connections")
        self._end()
        if self._answering:  # two answers at once cannot be told apart
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


def files_allowed(wanted: int) -> int:
    """How many more files this process may open. The system's own limit is raised to what is wanted, where it can be.

    Args:
        wanted: files besides those that are open.
    """
    try:
        import resource
    except ImportError:  # a system without such a limit
        return wanted
    there = _open_files()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + there:
        raised = wanted + there if hard == resource.RLIM_INFINITY else min(hard, wanted + there)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):
            pass  # the system has a lower limit, of which it does not say
    return wanted if soft == resource.RLIM_INFINITY else soft - there


def _open_files() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return RESERVED_FILES
