"""Messages of watches that wait for the next tick, and the sockets that sent them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from harken.server.limits import Limits, RefusedError
from harken.server.outbox import Outbox
from harken.server.sockets import Socket

WAITING_MESSAGES, WAITING_BYTES = 64, 1 << 16
"""A socket with more messages, or longer ones, that wait for a tick is not read until they are taken."""


class Link:
    """The application's side of a WebSocket: a ``sockets.Listener``.

    Args:
        socket: the socket.
        limits: the limits of its queue of frames.

    Attributes:
        outbox: what is sent to the client.
        over: done when the socket has ended, with a ``RefusedError`` if the server refused a message.
        refused: whether the server refused a message.
    """

    def __init__(self, socket: Socket, limits: Limits) -> None:
        self.socket = socket
        self.outbox = Outbox(socket.write, limits.frames, limits.frame_bytes)
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refused = False

    def received(self, message: bytes) -> None:
        """A message has come."""
        raise NotImplementedError

    def writable(self) -> None:
        """The client reads again."""
        self.outbox.flush()

    def ended(self) -> None:
        """The socket is closed or about to close."""
        if not self.over.done():
            self.over.set_result(None)

    def refuse(self, refusal: RefusedError) -> None:
        """End the socket because of one of its messages; later ones are not taken."""
        self.refused = True
        if not self.over.done():
            self.over.set_exception(refusal)


class Sender(Link):
    """A socket that sends the samples of a watch and receives its labels.

    Attributes:
        watch: the name of the watch.
        acknowledging: whether the client wants acknowledgements.
        taken: messages that were taken.
    """

    def __init__(self, inbox: "Inbox", socket: Socket, limits: Limits, watch: str, *, acknowledging: bool) -> None:
        super().__init__(socket, limits)
        self._inbox = inbox
        self.watch, self.acknowledging = watch, acknowledging
        self.taken = 0
        self._waiting = self._waiting_bytes = 0

    def received(self, message: bytes) -> None:
        """Queue a message for the next tick."""
        self._waiting += 1
        self._waiting_bytes += len(message)
        if self._waiting == WAITING_MESSAGES or self._waiting_bytes >= WAITING_BYTES:
            self.socket.hold()
        self._inbox.put(self, message)

    def read(self, message: bytes) -> None:
        """A tick has taken this message from the queue."""
        held = self._waiting >= WAITING_MESSAGES or self._waiting_bytes >= WAITING_BYTES
        self._waiting -= 1
        self._waiting_bytes -= len(message)
        if held and self._waiting < WAITING_MESSAGES and self._waiting_bytes < WAITING_BYTES:
            self.socket.release()


class Message(NamedTuple):
    """A message, its socket, and when it came (``time.monotonic``)."""

    sender: Sender
    text: bytes
    arrived_s: float


class Inbox:
    """Messages in the order in which they came.

    Args:
        wake: called when there is a message.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self._messages: deque[Message] = deque()
        self._wake = wake

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, sender: Sender, text: bytes) -> None:
        """Add a message."""
        self._messages.append(Message(sender, text, time.monotonic()))
        self._wake()

    def take(self, most: int, most_bytes: int) -> list[Message]:
        """Remove the oldest messages, at most so many, and no more after so many bytes; those that follow a refused one
        are left out."""
        found: list[Message] = []
        while self._messages and len(found) < most and most_bytes > 0:
            message = self._messages.popleft()
            most_bytes -= len(message.text)
            message.sender.read(message.text)
            if not message.sender.refused:
                found.append(message)
        return found


def acknowledge(senders: Iterable[Sender], written: "asyncio.Future[None] | None") -> None:
    """Acknowledge the messages that were taken, when they are written.

    Args:
        senders: sockets whose messages were taken.
        written: done when the messages are on the disk; None if samples are not kept.
    """
    counts = [(sender.outbox, sender.taken) for sender in senders]

    def done(written: "asyncio.Future[None] | None") -> None:
        if written is None or (not written.cancelled() and written.exception() is None):
            for outbox, taken in counts:
                outbox.acknowledge(taken)

    if written is None:
        done(None)
    else:
        written.add_done_callback(done)
