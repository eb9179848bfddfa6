"""The windows of the page that show one recording: which of them writes, and what each is sent."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

SILENT_S = 60.0
"""Another window may take over from a writer that has sent nothing for this time."""
MOST_WINDOWS = 20


class Window:
    """A window with an open WebSocket. Of each type of message, only the newest waits, so a slow reader gets the newest
    state, and takes little memory.

    Attributes:
        client: its name, which it chose.
    """

    def __init__(self, client: str) -> None:
        self.client = client
        self.closed = False
        self._waiting: dict[str, dict[str, Any]] = {}
        self._some = asyncio.Event()

    def put(self, message: dict[str, Any]) -> None:
        """Send a message, in place of an earlier one of its type that is not sent yet."""
        self._waiting.pop(message["type"], None)
        self._waiting[message["type"]] = message
        self._some.set()

    def close(self) -> None:
        """Send nothing more."""
        self.closed = True
        self._some.set()

    async def next(self) -> dict[str, Any] | None:
        """The next message; None when the window is closed."""
        await self._some.wait()
        if self.closed:
            return None
        message = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting:
            self._some.clear()
        return message


class PageWindows:
    """The windows of one recording. The first is the writer; when it is gone or silent, another one may take over.

    Args:
        read_only: why no window may write, a sentence; None if one may.
        clock_s: the time in seconds.
    """

    def __init__(self, read_only: Callable[[], str | None], *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._read_only, self._clock_s = read_only, clock_s
        self._windows: list[Window] = []
        self._writer: str | None = None
        self._last_s = 0.0  # when the writer sent something
        self._sent: dict[Window, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def besides(self, client: str) -> int:
        """The number of windows with another name."""
        return sum(window.client != client for window in self._windows)

    @property
    def free(self) -> bool:
        """Whether a window may become the writer."""
        return self._read_only() is None and (self._writer is None or self._clock_s() - self._last_s > SILENT_S)

    def connect(self, client: str) -> Window:
        """A new window. A window of the same name is closed: its connection was lost."""
        for other in [each for each in self._windows if each.client == client]:
            self._remove(other)
        window = Window(client)
        self._windows.append(window)
        if self._writer is None:
            self._writer = client
        self.heard(client)
        self.tell()
        return window

    def disconnect(self, window: Window) -> None:
        """The window is gone."""
        if window in self._windows:
            self._remove(window)
            if self._writer == window.client:
                self._writer = None
            self.tell()

    def heard(self, client: str) -> None:
        """A window has sent something."""
        if client == self._writer:
            self._last_s = self._clock_s()

    def take(self, client: str) -> None:
        """The window becomes the writer, if that is free."""
        if self.free and any(each.client == client for each in self._windows):
            self._writer, self._last_s = client, self._clock_s()
        self.tell(again=client)

    def may_write(self, client: str) -> bool:
        """Whether labels of this client are accepted: it is the writer, or there is none."""
        return self._writer in (None, client)

    def send(self, message: dict[str, Any], *, besides: str | None = None) -> None:
        """Send a message to all windows but one."""
        for window in self._windows:
            if window.client != besides:
                window.put(message)

    def tell(self, *, again: str | None = None) -> None:
        """Send each window whether it writes, if that has changed, or if it is ``again``."""
        reason, free = self._read_only(), self.free
        for window in self._windows:
            writing = reason is None and window.client == self._writer
            message = {"type": "writer", "writing": writing, "free": free and not writing, "reason": reason}
            if self._sent.get(window) != message or window.client == again:
                self._sent[window] = message
                window.put(message)

    def close(self) -> None:
        """Close all windows."""
        for window in list(self._windows):
            self._remove(window)

    def _remove(self, window: Window) -> None:
        self._windows.remove(window)
        self._sent.pop(window, None)
        window.close()
