"""The WebSocket routes: ``/ws/samples`` for samples and labels, ``/ws/view`` for the page.

Each socket has two tasks: one reads its messages, the other sends what waits for it (``Client.write``).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.websockets import WebSocket

from harken.web.clients import GONE, Client, Sender, frame_of
from harken.web.hub import Hub
from harken.web.limits import RefusedError, malformed

LARGEST_VIEW_MESSAGE = 4096
CLOSING_S = 1.0
"""A client that does not read the reason of its refusal is left after this time."""
YES = ("1", "true", "yes", "on")


def socket_routes(hub: Hub) -> APIRouter:
    """``/ws/samples`` and ``/ws/view``."""
    routes = APIRouter()

    async def samples(socket: WebSocket) -> None:
        """Receive samples of one watch and send its labels, until one side closes the socket."""
        acknowledging = hub.log is not None or socket.query_params.get("ack", "").lower() in YES
        watch = socket.query_params.get("watch", "")
        sender = Sender(socket, hub.limits, hub.metrics, watch=watch, acknowledging=acknowledging)
        await _serve(sender, _take_samples(hub, sender), hub.limits.socket_s)

    async def view(socket: WebSocket) -> None:
        """Send samples and labels of the chosen or first watch, until one side closes the socket."""
        viewer = Client(socket, hub.limits, hub.metrics)
        await _serve(viewer, _take_choices(hub, viewer), hub.limits.socket_s)

    routes.add_websocket_route("/ws/samples", samples)
    routes.add_websocket_route("/ws/view", view)
    return routes


async def _serve(client: Client, reading: Coroutine[Any, Any, None], longest_s: float) -> None:
    """Read and write until one side closes the socket, or it has reached its age."""
    with contextlib.suppress(*GONE):
        await client.socket.accept()
    tasks = read, written = asyncio.create_task(_read(client, reading)), asyncio.create_task(client.write())
    try:
        await asyncio.wait(tasks, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
        if not (read.done() or written.done()):
            client.refuse(RefusedError(408, "this socket has reached its age limit; open another one", reason="age"))
        if client.refusal is not None:
            await asyncio.wait({written}, timeout=CLOSING_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()  # raises an error of harken's own


async def _read(client: Client, reading: Coroutine[Any, Any, None]) -> None:
    try:
        await reading
    except RefusedError as refusal:
        client.refuse(refusal)


async def _take_samples(hub: Hub, sender: Sender) -> None:
    senders = hub.session(sender.watch).senders
    senders.add(sender)
    try:
        async for message in _messages(sender):
            hub.put(sender, message)
            await sender.wait(message)
    finally:
        senders.discard(sender)


async def _take_choices(hub: Hub, viewer: Client) -> None:
    hub.viewers.add(viewer, hub.model(), hub.watches())
    hub.viewers.choose(viewer, viewer.socket.query_params.get("watch"))
    try:
        async for message in _messages(viewer):
            name = _chosen_watch(message)
            if name in hub.sessions:
                hub.viewers.choose(viewer, name)
            else:
                viewer.put(frame_of({"type": "error", "message": f"there is no watch {name!r} any more"}))
    finally:
        hub.viewers.remove(viewer)


async def _messages(client: Client) -> AsyncIterator[str | bytes]:
    """The messages of a client, until it closes the socket or is refused."""
    while client.refusal is None:
        event = await client.socket.receive()
        if event["type"] != "websocket.receive":
            return
        yield event.get("text") or event.get("bytes") or b""


def _chosen_watch(text: str | bytes) -> str:
    if len(text) > LARGEST_VIEW_MESSAGE:
        raise RefusedError(413, "the message is too large", reason="message")
    try:
        message = orjson.loads(text)
        if message["type"] == "choose" and isinstance(message["watch"], str):
            return str(message["watch"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise malformed('a message must be {"type": "choose", "watch": NAME}')
