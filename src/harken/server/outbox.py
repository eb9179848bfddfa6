"""A short queue of frames for one socket. For a slow reader, the oldest frames are dropped and counted."""

from collections.abc import Callable

import orjson

Write = Callable[[bytes], bool]
"""Sends a frame, unless the client does not read; returns whether it was sent."""


class Outbox:
    """Frames for one socket. They are sent at once; those that the client does not read yet wait in a bounded queue.

    Args:
        write: sends a frame.
        frames: the largest number of frames in the queue.
        frame_bytes: the largest size of all frames in the queue together. A single frame may be larger.

    Attributes:
        dropped: frames dropped since the last message of type ``dropped``.
        lost: all frames that were dropped.
    """

    __slots__ = ("_acknowledged", "_bytes", "_first", "_frames", "_most", "_most_bytes", "_write", "dropped", "lost")

    def __init__(self, write: Write, frames: int, frame_bytes: int = 1 << 20) -> None:
        self._write = write
        self._frames: list[bytes] = []  # usually empty; an empty deque needs ten times the memory
        self._most, self._most_bytes, self._bytes = frames, frame_bytes, 0
        self._acknowledged: int | None = None
        self._first: bytes | None = None
        self.dropped = self.lost = 0

    def put(self, frame: bytes) -> None:
        """Send a frame, or queue it; the oldest frames are dropped when there are too many."""
        if not self._frames and self._acknowledged is None and self._first is None and self._write(frame):
            return
        self._bytes += len(frame)
        while self._frames and (len(self._frames) >= self._most or self._bytes > self._most_bytes):
            self._bytes -= len(self._frames.pop(0))
            self.dropped += 1
            self.lost += 1
        self._frames.append(frame)

    def acknowledge(self, messages: int) -> None:
        """Acknowledge this many messages; a later number replaces one that waits."""
        self._acknowledged = messages
        self.flush()

    def replace(self, frame: bytes) -> None:
        """Drop the frames that wait, and send this one, which is never dropped itself unless another replaces it."""
        self.dropped += len(self._frames)
        self.lost += len(self._frames)
        self._frames.clear()
        self._bytes, self._first = 0, frame
        self.flush()

    def flush(self) -> None:
        """Send what waits, in order, as far as the client reads."""
        if self._acknowledged is not None:
            if not self._write(b'{"type":"ack","messages":%d}' % self._acknowledged):
                return
            self._acknowledged = None
        if self._first is not None:
            if not self._write(self._first):
                return
            self._first = None
        if self.dropped:
            if not self._write(orjson.dumps({"type": "dropped", "frames": self.dropped})):
                return
            self.dropped = 0
        while self._frames and self._write(self._frames[0]):
            self._bytes -= len(self._frames.pop(0))
