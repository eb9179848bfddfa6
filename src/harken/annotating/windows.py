"""The windows of the page that show one recording, and what each is sent."""

import asyncio
from typing import Any

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
    """The windows of one recording, by the names that they chose."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def connect(self, client: str) -> Window | None:
        """A new window; None if there are too many. A window of the same name is closed: its connection was lost."""
        if client not in self._windows and len(self) >= MOST_WINDOWS:
            return None
        if client in self._windows:
            self._windows[client].close()
        self._windows[client] = window = Window(client)
        return window

    def disconnect(self, window: Window) -> None:
        """The window is gone."""
        if self._windows.get(window.client) is window:
            del self._windows[window.client]

    def send(self, message: dict[str, Any], *, besides: str | None = None) -> None:
        """Send a message to all windows but one."""
        for client, window in self._windows.items():
            if client != besides:
                window.put(message)

    def close(self) -> None:
        """Close all windows."""
        for window in self._windows.values():
            window.close()
        self._windows.clear()
