"""A short queue of frames for one socket. For a slow reader, the oldest frames are dropped and counted."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson

__all__ = ["Outbox"]

Send = Callable[[str], Awaitable[None]]


class Outbox:
    """A bounded queue of frames for one socket.

    Args:
        frames: the largest number of frames in the queue.
        frame_bytes: the largest size of all frames in the queue together. A single frame may be larger.

    Attributes:
        dropped: frames dropped since the last message of type ``dropped``.
        lost: all frames that were dropped.
    """

    __slots__ = ("_acknowledged", "_bytes", "_frames", "_most", "_most_bytes", "_waiting", "dropped", "lost")

    def __init__(self, frames: int, frame_bytes: int = 1 << 20) -> None:
        self._frames: list[str] = []  # usually empty; an empty deque needs ten times the memory
        self._most, self._most_bytes, self._bytes = frames, frame_bytes, 0
        self._waiting: asyncio.Future[None] | None = None  # done when there is something to deliver
        self._acknowledged: int | None = None
        self.dropped = self.lost = 0

    def put(self, frame: str) -> None:
        """Queue a frame; the oldest frames are dropped when there are too many."""
        self._bytes += len(frame)
        while self._frames and (len(self._frames) >= self._most or self._bytes > self._most_bytes):
            self._bytes -= len(self._frames.pop(0))
            self.dropped += 1
            self.lost += 1
        self._frames.append(frame)
        self._wake()

    def acknowledge(self, messages: int) -> None:
        """Queue an acknowledgement of this many messages; a later number replaces an earlier one."""
        self._acknowledged = messages
        self._wake()

    async def deliver(self, send: Send) -> None:
        """Send queued frames in order, until cancelled or the socket is closed."""
        while True:
            if not self._frames and self._acknowledged is None:
                self._waiting = asyncio.get_running_loop().create_future()
                await self._waiting
            while self._frames or self._acknowledged is not None:
                if self._acknowledged is not None:
                    count, self._acknowledged = self._acknowledged, None
                    await send(f'{{"type":"ack","messages":{count}}}')
                if self.dropped:
                    count, self.dropped = self.dropped, 0
                    await send(orjson.dumps({"type": "dropped", "frames": count}).decode())
                if self._frames:
                    frame = self._frames.pop(0)
                    self._bytes -= len(frame)
                    await send(frame)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
