"""The WebSocket routes: ``/ws/samples`` for samples and labels, ``/ws/view`` for the page."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from harken.server.hub import Hub
from harken.server.inbox import Link, Sender
from harken.server.limits import RefusedError, malformed
from harken.server.sockets import EXTENSION, Socket

GONE = (WebSocketDisconnect, RuntimeError, OSError)
"""Errors that sending to, or receiving from, a closed socket raises."""
LARGEST_VIEW_MESSAGE = 4096
REASON_BYTES = 120
"""The largest reason in bytes. A closing frame has 125 bytes, two of them for the code."""
YES = ("1", "true", "yes", "on")


class Sockets:
    """ASGI middleware: serves the WebSockets, and passes other requests to the application.

    There are many sockets that last for hours. They bypass FastAPI, which would keep a dozen suspended functions with
    their data for each of them. Once a socket is open, its messages bypass ASGI, too (``sockets.Listener``).
    """

    def __init__(self, app: Any, hub: Hub) -> None:
        self._app, self._hub = app, hub

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a WebSocket, or pass a request on."""
        if scope["type"] != "websocket" or scope["path"] not in ("/ws/samples", "/ws/view"):
            await self._app(scope, receive, send)
            return
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        socket = WebSocket(scope, receive, send)
        if scope["path"] == "/ws/view":
            await view(self._hub, socket, query.get("watch"))
            return
        acknowledging = query.get("ack", "").lower() in YES or self._hub.log is not None
        await take_samples(self._hub, socket, query.get("watch", ""), acknowledging=acknowledging)


async def take_samples(hub: Hub, socket: WebSocket, watch: str, *, acknowledging: bool) -> None:
    """``/ws/samples``: receive samples of one watch and send its labels, until one side closes the socket."""

    @contextlib.contextmanager
    def connected(link: Link) -> Iterator[None]:
        assert isinstance(link, Sender)
        hub.connect(link)
        try:
            yield
        finally:
            hub.disconnect(link)

    def sender(found: Socket) -> Link:
        return Sender(hub.inbox, found, hub.limits, watch, acknowledging=acknowledging)

    await _serve(hub, socket, sender, connected)


class Viewer(Link):
    """A socket of ``/ws/view``."""

    def __init__(self, hub: Hub, socket: Socket) -> None:
        super().__init__(socket, hub.limits)
        self._hub = hub

    def received(self, message: bytes) -> None:
        """The page chooses a watch."""
        try:
            name = _chosen_watch(message)
        except RefusedError as refusal:
            self.refuse(refusal)
            return
        if name in self._hub.sessions:
            self._hub.viewers.choose(self.outbox, name)
        else:
            self.outbox.put(_frame({"type": "error", "message": f"there is no watch {name!r} any more"}))


async def view(hub: Hub, socket: WebSocket, watch: str | None) -> None:
    """``/ws/view``: send samples and labels of the chosen or first watch, until one side closes the socket."""

    @contextlib.contextmanager
    def connected(link: Link) -> Iterator[None]:
        link.outbox.put(_frame({"type": "hello", "model": hub.model(), "watches": hub.watches()}))
        hub.viewers.add(link.outbox)
        hub.viewers.choose(link.outbox, watch)
        try:
            yield
        finally:
            hub.viewers.remove(link.outbox)
            hub.metrics.add("harken_dropped_frames_total", link.outbox.lost)

    if len(hub.viewers) >= hub.limits.viewers:
        await _refuse(
            hub, socket, RefusedError(503, 1013, "the limit of viewers is reached; try again later", reason="viewers")
        )
        return
    await _serve(hub, socket, partial(Viewer, hub), connected)


def _chosen_watch(text: bytes) -> str:
    if len(text) > LARGEST_VIEW_MESSAGE:
        raise RefusedError(413, 1009, "the message is too large", reason="message")
    try:
        message = orjson.loads(text)
        if message["type"] == "choose" and isinstance(message["watch"], str):
            return str(message["watch"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise malformed('a message must be {"type": "choose", "watch": NAME}')


async def _serve(
    hub: Hub,
    socket: WebSocket,
    link_of: Callable[[Socket], Link],
    connected: Callable[[Link], AbstractContextManager[None]],
) -> None:
    """Serve a socket until one side closes it or an error does."""
    await socket.accept()
    own: Socket = socket.scope["extensions"][EXTENSION]
    link, refusal = link_of(own), None
    try:
        async with asyncio.timeout(hub.limits.socket_s) as age:
            with connected(link):
                own.listen(link)
                await link.over
    except TimeoutError:
        if age.expired():
            refusal = RefusedError(408, 4408, "this socket has reached its age limit; open another one", reason="age")
    except RefusedError as error:
        refusal = error
    if refusal is not None:
        await _refuse(hub, socket, refusal)


async def _refuse(hub: Hub, socket: WebSocket, refusal: RefusedError) -> None:
    """Send the reason and close, within a second, so that a client that does not read causes no delay."""
    hub.metrics.add("harken_refused_total", reason=refusal.reason)
    message: dict[str, Any] = {"type": "error", "message": str(refusal)}
    if refusal.retry_s is not None:
        message["retry_s"] = refusal.retry_s
    with contextlib.suppress(*GONE, TimeoutError):
        async with asyncio.timeout(1):
            if socket.client_state.name == "CONNECTING":
                await socket.accept()
            await socket.send_text(_frame(message).decode())
            await socket.close(refusal.code, str(refusal).encode()[:REASON_BYTES].decode(errors="ignore"))


def _frame(message: dict[str, Any]) -> bytes:
    return orjson.dumps(message)
