"""The WebSocket routes: ``/ws/samples`` for samples and labels, ``/ws/view`` for the page."""

from typing import Literal

import msgspec
from fastapi import APIRouter
from starlette.websockets import WebSocket

from harken.web.clients import Client, Sender, frame_of, messages_of, serve
from harken.web.hub import Hub
from harken.web.limits import RefusedError

LARGEST_VIEW_MESSAGE = 4096
YES = ("1", "true", "yes", "on")


class Choice(msgspec.Struct):
    """A message of ``/ws/view``."""

    type: Literal["choose"]
    watch: str


def socket_routes(routes: APIRouter, hub: Hub) -> None:
    """``/ws/samples`` and ``/ws/view``."""

    async def samples(socket: WebSocket) -> None:
        """Receive samples of one watch and send its labels, until one side closes the socket."""
        acknowledging = hub.log is not None or socket.query_params.get("ack", "").lower() in YES
        watch = socket.query_params.get("watch", "")
        sender = Sender(socket, hub.limits, hub.metrics, watch=watch, acknowledging=acknowledging)
        await serve(sender, _take_samples(hub, sender), hub.limits.socket_s)

    async def view(socket: WebSocket) -> None:
        """Send samples and labels of the chosen or first watch, until one side closes the socket."""
        viewer = Client(socket, hub.limits, hub.metrics)
        await serve(viewer, _take_choices(hub, viewer), hub.limits.socket_s)

    routes.add_websocket_route("/ws/samples", samples)
    routes.add_websocket_route("/ws/view", view)


async def _take_samples(hub: Hub, sender: Sender) -> None:
    senders = hub.session(sender.watch).senders
    senders.add(sender)
    try:
        async for message in messages_of(sender):
            hub.put(sender, message)
            await sender.wait(message)
    finally:
        senders.discard(sender)


async def _take_choices(hub: Hub, viewer: Client) -> None:
    hub.viewers.add(viewer, hub.model())
    hub.viewers.choose(viewer, viewer.socket.query_params.get("watch"))
    try:
        async for message in messages_of(viewer):
            name = _chosen_watch(message)
            if name in hub.sessions:
                hub.viewers.choose(viewer, name)
            else:
                viewer.put(frame_of({"type": "error", "message": f"there is no watch {name!r} any more"}))
    finally:
        hub.viewers.remove(viewer)


def _chosen_watch(text: str | bytes) -> str:
    if len(text) > LARGEST_VIEW_MESSAGE:
        raise RefusedError(413, "the message is too large", reason="message")
    try:
        return msgspec.json.decode(text, type=Choice).watch
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, 'a message must be {"type": "choose", "watch": NAME}') from error
