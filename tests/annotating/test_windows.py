"""Which window writes: the first, or one that takes over."""

import asyncio
from typing import Any

from harken.annotating.windows import SILENT_S, PageWindows, Window


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def newest(window: Window) -> dict[str, Any]:
    """The newest message on who writes."""

    async def drain() -> dict[str, Any]:
        while (message := await window.next()) is not None:
            if message["type"] == "writer":
                return message
        raise AssertionError("the window is closed")

    return asyncio.run(drain())


def test_the_first_window_writes_until_it_is_gone() -> None:
    windows = PageWindows(lambda: None)
    first, second = windows.connect("one"), windows.connect("two")
    assert newest(first) == {"type": "writer", "writing": True, "free": False, "reason": None}
    assert newest(second) == {"type": "writer", "writing": False, "free": False, "reason": None}
    assert windows.may_write("one")
    assert not windows.may_write("two")
    windows.disconnect(first)
    assert newest(second)["free"]
    windows.take("two")
    assert newest(second)["writing"]
    third = windows.connect("one")
    assert not newest(third)["writing"]


def test_a_window_takes_over_from_one_that_is_silent() -> None:
    clock = Clock()
    windows = PageWindows(lambda: None, clock_s=clock)
    first, second = windows.connect("one"), windows.connect("two")
    clock.now_s = SILENT_S - 1
    windows.take("two")
    assert not newest(second)["writing"]
    windows.heard("two")
    clock.now_s = SILENT_S + 1
    windows.tell()
    assert newest(second)["free"]
    windows.heard("one")
    windows.tell()
    assert not newest(second)["free"]
    clock.now_s += SILENT_S + 1
    windows.take("two")
    assert newest(second)["writing"]
    assert not newest(first)["writing"]
    assert not windows.may_write("one")


def test_nobody_writes_what_is_read_only() -> None:
    reason: list[str | None] = ["it is being read"]
    windows = PageWindows(lambda: reason[0])
    window = windows.connect("one")
    assert newest(window) == {"type": "writer", "writing": False, "free": False, "reason": "it is being read"}
    windows.take("one")
    assert not newest(window)["writing"]
    reason[0] = None
    windows.tell()
    assert newest(window)["writing"]


def test_only_the_newest_message_of_a_type_waits() -> None:
    window = Window("one")
    for share in range(1000):
        window.put({"type": "status", "share": share})
    window.put({"type": "labels"})

    async def both() -> list[Any]:
        found = [await window.next(), await window.next()]
        window.close()
        return [*found, await window.next()]

    assert asyncio.run(both()) == [{"type": "status", "share": 999}, {"type": "labels"}, None]


def test_a_lost_window_is_replaced_and_stays_the_writer() -> None:
    windows = PageWindows(lambda: None)
    lost, again = windows.connect("one"), windows.connect("one")
    assert lost.closed
    assert newest(again)["writing"]
    windows.disconnect(lost)
    assert windows.may_write("one")
    assert not windows.may_write("two")
    assert len(windows) == 1
    windows.close()
    assert again.closed
