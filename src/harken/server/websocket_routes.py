"""The WebSocket routes: ``/ws/samples`` for samples and labels, ``/ws/view`` for the page."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from harken.server.hub import Hub
from harken.server.limits import RefusedError, malformed
from harken.server.outbox import Outbox
from harken.server.sample_messages import samples_of
from harken.support.errors import HarkenError

__all__ = ["Sockets"]

GONE = (WebSocketDisconnect, RuntimeError, OSError)
"""Errors that sending to, or receiving from, a closed socket raises."""
LARGEST_VIEW_MESSAGE = 4096
REASON_BYTES = 120
"""The largest reason in bytes. A closing frame has 125 bytes, two of them for the code."""
YES = ("1", "true", "yes", "on")


class Sockets:
    """ASGI middleware: serves the WebSockets, and passes other requests to the application.

    There are many sockets that last for hours. They bypass FastAPI, which would keep a dozen suspended functions with
    their data for each of them.
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
    outbox = Outbox(hub.limits.frames, hub.limits.frame_bytes)

    def take(text: str | bytes) -> "asyncio.Future[None] | None":
        # A separate function, because its caller would keep the message in memory while it waits for the next.
        if len(text) > hub.limits.message_bytes:
            raise RefusedError(413, 1009, "the message is too large; send fewer samples at once", reason="message")
        return hub.receive(watch, *samples_of(text))

    async def receive() -> None:
        session = hub.session(watch)
        session.senders.add(outbox)
        taken = 0
        try:
            while True:
                written = take(await _next(socket))
                if hub.sessions.get(watch) is not session:  # the watch was forgotten meanwhile
                    session = hub.session(watch)
                    session.senders.add(outbox)
                taken += 1
                if not acknowledging:
                    continue
                if written is None:
                    outbox.acknowledge(taken)
                else:
                    written.add_done_callback(_acknowledge_later(outbox, taken))
        finally:
            session.senders.discard(outbox)
            hub.metrics.add("harken_dropped_frames_total", outbox.lost)

    await _serve(hub, socket, outbox, receive)


def _acknowledge_later(outbox: Outbox, taken: int) -> "Callable[[asyncio.Future[None]], None]":
    def done(written: "asyncio.Future[None]") -> None:
        if not written.cancelled() and written.exception() is None:
            outbox.acknowledge(taken)

    return done


async def view(hub: Hub, socket: WebSocket, watch: str | None) -> None:
    """``/ws/view``: send samples and labels of the chosen or first watch, until one side closes the socket."""
    outbox = Outbox(hub.limits.frames, hub.limits.frame_bytes)

    async def receive() -> None:
        hub.viewers.add(outbox)
        try:
            outbox.put(_frame({"type": "hello", "model": hub.model(), "watches": hub.watches()}))
            hub.view(outbox, watch)
            while True:
                name = _chosen_watch(await _next(socket))
                if name in hub.sessions:
                    hub.view(outbox, name)
                else:
                    outbox.put(_frame({"type": "error", "message": f"there is no watch {name!r} any more"}))
        finally:
            hub.stop_viewing(outbox)
            hub.metrics.add("harken_dropped_frames_total", outbox.lost)

    if len(hub.viewers) >= hub.limits.viewers:
        await _refuse(
            hub, socket, RefusedError(503, 1013, "the limit of viewers is reached; try again later", reason="viewers")
        )
        return
    await _serve(hub, socket, outbox, receive)


def _chosen_watch(text: str | bytes) -> str:
    if len(text) > LARGEST_VIEW_MESSAGE:
        raise RefusedError(413, 1009, "the message is too large", reason="message")
    try:
        message = orjson.loads(text)
        if message["type"] == "choose" and isinstance(message["watch"], str):
            return str(message["watch"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise malformed('a message must be {"type": "choose", "watch": NAME}')


async def _serve(hub: Hub, socket: WebSocket, outbox: Outbox, receive: Callable[[], Awaitable[None]]) -> None:
    """Receive and deliver at the same time, until one side closes the socket or an error does."""
    await socket.accept()
    delivering = asyncio.ensure_future(outbox.deliver(socket.send_text))
    refusal = None
    try:
        async with asyncio.timeout(hub.limits.socket_s) as age:
            await receive()
    except TimeoutError:
        if age.expired():
            refusal = RefusedError(408, 4408, "this socket has reached its age limit; open another one", reason="age")
    except RefusedError as error:
        refusal = error
    except HarkenError as error:
        refusal = RefusedError(500, 1011, str(error), reason="error")
    except GONE:
        pass  # the client closed it
    finally:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
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
            await socket.send_text(_frame(message))
            await socket.close(refusal.code, str(refusal).encode()[:REASON_BYTES].decode(errors="ignore"))


async def _next(socket: WebSocket) -> str | bytes:
    """The next message, text or bytes."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005)
    text = message.get("text")
    found: str | bytes = text if text is not None else message["bytes"]
    return found


def _frame(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
