"""The sockets that view watches: which watch each of them views, and what all of them get."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from harken.server.outbox import Outbox
from harken.server.session import Session


class Viewers:
    """All sockets of ``/ws/view``.

    Args:
        sessions: the watches by name.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self._sessions = sessions
        self._all: set[Outbox] = set()
        self._waiting: dict[Outbox, str | None] = {}  # the watch that each viewer without one waits for
        self._late_s, self._told_s = 0, 0.0

    def __len__(self) -> int:
        return len(self._all)

    def add(self, outbox: Outbox) -> None:
        """Send this socket the list of watches, now and when it changes; and how late labels come, if they are late."""
        self._all.add(outbox)
        if self._late_s:
            outbox.put(busy(self._late_s))

    def remove(self, outbox: Outbox) -> None:
        """Send nothing more."""
        self._all.discard(outbox)
        self._waiting.pop(outbox, None)
        for session in self._sessions.values():
            session.viewers.discard(outbox)

    def choose(self, outbox: Outbox, name: str | None) -> None:
        """Send this watch's samples and labels from now on; without a name, those of the first watch."""
        self._waiting.pop(outbox, None)
        for session in self._sessions.values():
            session.viewers.discard(outbox)
        found = self._sessions.get(name) if name else next(iter(self._sessions.values()), None)
        if found is None or found.last_ns == 0:
            self._waiting[outbox] = name
            return
        outbox.put(orjson.dumps(found.history()))
        found.viewers.add(outbox)

    def connected(self, session: Session, watches: Callable[[], list[dict[str, Any]]]) -> None:
        """The first samples of a watch have come."""
        self.send_watches(watches)
        for outbox, watch in list(self._waiting.items()):
            if watch in (None, session.name):
                self.choose(outbox, session.name)

    def model_changed(self, frame: bytes) -> None:
        """Another model labels from now on: send this, and the history of each viewer's watch."""
        for outbox in self._all:
            outbox.replace(frame)
        for session in self._sessions.values():
            if session.viewers:
                history = orjson.dumps(session.history())
                for outbox in session.viewers:
                    outbox.put(history)

    def send_watches(self, watches: Callable[[], list[dict[str, Any]]]) -> None:
        """Send the list of watches."""
        if self._all:
            self._send(orjson.dumps({"type": "watches", "watches": watches()}))

    def send_late(self, late_s: int) -> None:
        """Send how many seconds late labels come, if that has changed, at most once a second."""
        now_s = time.monotonic()
        if late_s != self._late_s and now_s - self._told_s >= 1:
            self._late_s, self._told_s = late_s, now_s
            self._send(busy(late_s))

    def send_recording(self, watch: str) -> None:
        """Send that something has changed in what is recorded with a watch."""
        self._send(orjson.dumps({"type": "record", "watch": watch}))

    def _send(self, frame: bytes) -> None:
        for outbox in self._all:
            outbox.put(frame)


def busy(late_s: int) -> bytes:
    """The message that labels come so many seconds late; 0 if they do not."""
    return orjson.dumps({"type": "busy", "late_s": late_s})
