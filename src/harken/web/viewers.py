"""The viewers: the clients that see the samples and the labels of a watch."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from harken.web.clients import Client, frame_of
from harken.web.limits import RefusedError
from harken.web.session import Session

LATE_S = 1.0
"""Labels that wait longer than this are late."""


class Viewers:
    """All sockets of ``/ws/view``.

    Args:
        sessions: the watches by name.
        most: the largest number of viewers.
        watches: makes the list of watches for them.
    """

    def __init__(self, sessions: Mapping[str, Session], most: int, watches: Callable[[], list[dict[str, Any]]]) -> None:
        self._sessions, self._most, self._watches = sessions, most, watches
        self._all: set[Client] = set()
        self._waiting: dict[Client, str | None] = {}  # the watch that each viewer without one waits for
        self._busy, self._told_s = _busy(0), 0.0

    def __len__(self) -> int:
        return len(self._all)

    def add(self, viewer: Client, model: dict[str, Any]) -> None:
        """Send this viewer the model and the watches, now and when they change; and how late labels come.

        Raises:
            RefusedError: when there are too many viewers.
        """
        if len(self) >= self._most:
            raise RefusedError(503, "the limit of viewers is reached; try again later", reason="viewers")
        viewer.put(frame_of({"type": "hello", "model": model, "watches": self._watches()}))
        self._all.add(viewer)
        if self._busy != _busy(0):
            viewer.put(self._busy)

    def remove(self, viewer: Client) -> None:
        """Send nothing more."""
        self._all.discard(viewer)
        self._leave(viewer)

    def choose(self, viewer: Client, name: str | None) -> None:
        """Send this watch's samples and labels from now on; without a name, those of the first watch."""
        self._leave(viewer)
        session = self._sessions.get(name) if name else next(iter(self._sessions.values()), None)
        if session is None or session.last_ns == 0:
            self._waiting[viewer] = name
            return
        viewer.put(frame_of(session.history()))
        session.viewers.add(viewer)

    def _leave(self, viewer: Client) -> None:
        self._waiting.pop(viewer, None)
        for session in self._sessions.values():
            session.viewers.discard(viewer)

    def connected(self, session: Session) -> None:
        """The first samples of a watch have come."""
        self.send_watches()
        for viewer, watch in list(self._waiting.items()):
            if watch in (None, session.name):
                self.choose(viewer, session.name)

    def model_changed(self, frame: str) -> None:
        """Another model labels from now on: send this, and the history of each viewer's watch."""
        for viewer in self._all:
            viewer.replace(frame)
        for session in self._sessions.values():
            if session.viewers:
                history = frame_of(session.history())
                for viewer in session.viewers:
                    viewer.put(history)

    def send_late(self, wait_s: float) -> None:
        """Send how many seconds late labels come when samples wait so long for them, if that has changed, at most once
        a second: 0 if they are in time, and rounded up, to 5 s above 5 s."""
        step_s = 1 if wait_s <= 5 else 5
        late_s = step_s * math.ceil(wait_s / step_s) if wait_s > LATE_S else 0
        now_s = time.monotonic()
        if _busy(late_s) != self._busy and now_s - self._told_s >= 1:
            self._busy, self._told_s = _busy(late_s), now_s
            self._send(self._busy)

    def send_watches(self) -> None:
        """Send the list of watches, which is not made if there is no viewer."""
        if self._all:
            self._send(frame_of({"type": "watches", "watches": self._watches()}))

    def send_recording(self, watch: str) -> None:
        """Send that something has changed in what is recorded with a watch."""
        self._send(frame_of({"type": "record", "watch": watch}))

    def _send(self, frame: str) -> None:
        for viewer in self._all:
            viewer.put(frame)


def _busy(late_s: int) -> str:
    """The message that labels come so many seconds late; 0 if they do not."""
    return frame_of({"type": "busy", "late_s": late_s})
