"""The clients of the WebSockets, each with a short queue of frames and two tasks, which read and write."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from harken.web.limits import Limits, RefusedError
from harken.web.metrics import Metrics

if TYPE_CHECKING:
    from harken.web.sample_messages import UnitCheck

CLOSE_CODES = {400: 1007, 404: 4404, 408: 4408, 413: 1009, 429: 4429, 503: 1013, 507: 1011}
"""The close codes of refused sockets, by the status that a request would have."""
UNREAD_S = 60.0
"""A client that does not read for this time is left."""
GONE = (WebSocketDisconnect, RuntimeError, OSError, TimeoutError)
"""Errors of sending to a client that has closed its socket, or does not read."""
REASON_BYTES = 120
"""The largest reason in bytes. A closing frame has 125 bytes, two of them for the code."""
WAITING_BYTES, LEAST_BYTES = 1 << 16, 1 << 10
"""A socket is not read while so many bytes of it wait for a tick; a message counts as 1 KiB at least, so that at most
64 wait."""
CLOSING_S = 1.0
"""A client that does not read the reason of its refusal is left after this time."""


class Client:
    """A WebSocket with a short queue. For a slow reader, the oldest frames are dropped and counted.

    Args:
        socket: the accepted socket.
        limits: ``frames`` and ``frame_bytes`` are the limits of the queue. A single frame may be larger.
        metrics: counts dropped frames.
    """

    def __init__(self, socket: WebSocket, limits: Limits, metrics: Metrics) -> None:
        self.socket, self._limits, self._metrics = socket, limits, metrics
        self._urgent: dict[str, str] = {}  # frames that are sent first: the newest of each kind
        self._frames: list[str] = []  # usually empty; an empty deque needs ten times the memory
        self._bytes = self._dropped = 0
        self._wake = asyncio.Event()
        self.refusal: RefusedError | None = None

    def put(self, frame: str) -> None:
        """Send a frame; the oldest frames are dropped when there are too many."""
        self._bytes += len(frame)
        while self._frames and (len(self._frames) >= self._limits.frames or self._bytes > self._limits.frame_bytes):
            self._bytes -= len(self._frames[0])
            self._drop(1)
        self._frames.append(frame)
        self._wake.set()

    def put_newest(self, kind: str, frame: str) -> None:
        """Send a frame before others, in place of one of its kind that is not sent yet."""
        self._urgent[kind] = frame
        self._wake.set()

    def replace(self, frame: str) -> None:
        """Drop the frames that wait, and send this one, which is not dropped itself unless another replaces it."""
        self._drop(len(self._frames))
        self._bytes = 0
        self.put_newest("replaced", frame)

    def refuse(self, refusal: RefusedError) -> None:
        """Close the socket with this reason, after what waits."""
        if self.refusal is None:
            # A traceback holds the message, and this client, until cycles of garbage are looked for.
            refusal.__traceback__ = refusal.__cause__ = refusal.__context__ = None
            self.refusal = refusal
        self._wake.set()

    async def write(self) -> None:
        """Send what is put, until the client leaves, does not read, or is refused."""
        with contextlib.suppress(*GONE):
            while self.refusal is None:
                await self._wake.wait()
                self._wake.clear()
                while (frame := self._next()) is not None:
                    async with asyncio.timeout(UNREAD_S):
                        await self.socket.send_text(frame)
            await self._close(self.refusal)

    async def _close(self, refusal: RefusedError) -> None:
        self._metrics.add("harken_refused_total", reason=refusal.reason)
        message: dict[str, Any] = {"type": "error", "message": str(refusal)}
        if refusal.retry_s is not None:
            message["retry_s"] = refusal.retry_s
        await self.socket.send_text(frame_of(message))
        await self.socket.close(
            CLOSE_CODES[refusal.status], str(refusal).encode()[:REASON_BYTES].decode(errors="ignore")
        )

    def _drop(self, count: int) -> None:
        """Drop the oldest frames, so many."""
        del self._frames[:count]
        self._dropped += count
        self._metrics.add("harken_dropped_frames_total", count)

    def _next(self) -> str | None:
        """The next frame to send; None if none waits."""
        if self._urgent:
            return self._urgent.pop(next(iter(self._urgent)))
        if self._dropped:
            count, self._dropped = self._dropped, 0
            return frame_of({"type": "dropped", "frames": count})
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        self._bytes -= len(frame)
        return frame


class Sender(Client):
    """A client that sends the samples of a watch and receives its labels.

    Attributes:
        watch: the name of the watch.
        acknowledging: whether the client wants acknowledgements.
        taken: messages that were taken.
        unit: what is known of the unit of its messages without one.
    """

    def __init__(
        self,
        socket: WebSocket,
        limits: Limits,
        metrics: Metrics,
        *,
        watch: str,
        acknowledging: bool,
        unit: "UnitCheck",
    ) -> None:
        super().__init__(socket, limits, metrics)
        self.watch, self.acknowledging, self.unit = watch, acknowledging, unit
        self.taken = self._waiting_bytes = 0
        self._room = asyncio.Event()

    async def wait(self, message: str | bytes) -> None:
        """Count a message that waits for a tick; return when the next one may be read."""
        self._waiting_bytes += max(len(message), LEAST_BYTES)
        while self._waiting_bytes >= WAITING_BYTES:
            self._room.clear()
            await self._room.wait()

    def read(self, message: str | bytes) -> None:
        """A tick has read a message that waited."""
        self._waiting_bytes -= max(len(message), LEAST_BYTES)
        self._room.set()

    def acknowledge(self, messages: int) -> None:
        """Acknowledge the first messages, so many; a later number replaces one that was not sent yet."""
        if self.acknowledging:
            self.put_newest("ack", f'{{"type":"ack","messages":{messages}}}')


async def serve(client: Client, reading: Coroutine[Any, Any, None], longest_s: float) -> None:
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


async def messages_of(client: Client) -> AsyncIterator[str | bytes]:
    """The messages of a client, until it closes the socket or is refused."""
    while client.refusal is None:
        event = await client.socket.receive()
        if event["type"] != "websocket.receive":
            return
        yield event.get("text") or event.get("bytes") or b""


def frame_of(message: dict[str, Any]) -> str:
    """A message as the text of a frame."""
    return orjson.dumps(message).decode()
