"""A server that is slower than its watches has longer ticks, says so, and loses no label."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import websockets
from numpy.typing import NDArray

from browser import chromium
from harken.labelling.live.stream import Due
from harken.models.recogniser import Recogniser
from harken.web.viewers import Viewers
from server_thread import Served, labels_until, message, now_wrist, serving

pytestmark = pytest.mark.second_stage

USUAL = Due.probabilities
SLOW_S = 1.3
"""The time of a call of the network: longer than the time between two labels of a watch."""


class SlowNetwork:
    """``Due.probabilities``, with a pause while ``slow``."""

    def __init__(self) -> None:
        self.slow = True
        self.windows: list[int] = []

    def probabilities(self, due: Due, recogniser: Recogniser) -> NDArray[np.float32]:
        if self.slow and len(due.signals):
            self.windows.append(len(due.signals))
            time.sleep(SLOW_S)
        return USUAL(due, recogniser)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNetwork]:
    found = SlowNetwork()
    monkeypatch.setattr(Due, "probabilities", lambda due, recogniser: found.probabilities(due, recogniser))
    yield found
    found.slow = False


async def watch(served: Served, name: str, seconds: int) -> list[dict[str, Any]]:
    """Send so many seconds in real time; returns the labels."""
    signals, time_ns = now_wrist(seconds)
    async with websockets.connect(served.url(f"/ws/samples?watch={name}", "ws")) as socket:
        for number in range(2 * seconds):
            rows = slice(25 * number, 25 * (number + 1))
            await socket.send(message(signals[rows], time_ns[rows]))
            await asyncio.sleep(0.5)
        # Windows of 2 s, one a second; the last waits for its look-ahead.
        return await labels_until(socket, seconds - 2)


def test_ticks_are_longer_and_no_label_is_lost(network: SlowNetwork) -> None:
    async def all_watches(served: Served) -> list[list[dict[str, Any]]]:
        return await asyncio.gather(*(watch(served, f"watch-{number}", 9) for number in range(3)))

    with serving() as served:
        found: list[list[dict[str, Any]]] = []
        sending = threading.Thread(target=lambda: found.extend(asyncio.run(all_watches(served))))
        sending.start()
        ticks_s, waits_s = [], []
        while sending.is_alive():
            ticks_s.append(served.metric("harken_tick_seconds"))
            waits_s.append(served.metric("harken_wait_seconds"))
            time.sleep(0.1)
        sending.join()
        network.slow = False
        assert served.metric("harken_dropped_frames_total") == 0
    assert len(found) == 3
    for labels in found:
        assert np.diff([one["end_ms"] for one in labels]).tolist() == [1000] * (len(labels) - 1)
    assert max(ticks_s) > SLOW_S
    assert max(waits_s) > SLOW_S
    assert max(network.windows) > 3, "a longer tick labels more windows at once"


def test_the_page_says_that_labels_come_late_until_they_do_not(network: SlowNetwork) -> None:
    with serving() as served, chromium() as browser:
        sending = threading.Thread(target=lambda: asyncio.run(watch(served, "wrist", 14)))
        sending.start()
        browser.open(served.url("/"))
        sentence = "return document.getElementById('busy')?.innerText ?? ''"
        browser.wait(f"{sentence}.startsWith('This machine is busy: labels come ')", seconds=12)
        assert browser.run(sentence).endswith(" s late.")
        assert browser.run("return document.getElementById('busy').getAttribute('role')") == "status"
        network.slow = False
        browser.wait("return document.getElementById('busy') === null", seconds=12)
        sending.join()


def test_a_watch_that_falls_silent_has_no_label_until_it_sends_again() -> None:
    signals, time_ns = now_wrist(20)

    async def send(served: Served, rows: slice) -> None:
        async with websockets.connect(served.url("/ws/samples?watch=wrist", "ws")) as socket:
            await socket.send(message(signals[rows], time_ns[rows]))
            await labels_until(socket, 3)

    with serving() as served, chromium() as browser:
        browser.open(served.url("/"))
        asyncio.run(send(served, slice(0, 400)))
        silent = served.ask_until("/api/watches", lambda found: found[0]["silent_since_ms"] is not None)[0]
        assert silent["label"] is None
        assert silent["silent_since_ms"] == silent["last_ms"] == time_ns[399] // 10**6
        browser.wait("return document.getElementById('now-label').innerText === 'no samples'", seconds=30)
        assert "no samples since " in browser.run("return document.getElementById('watch-list').innerText")
        history = browser.run("return fetch('/api/timeline?watch=wrist').then((answer) => answer.json())")
        assert history["rows"]
        asyncio.run(send(served, slice(400, None)))
        again = served.ask("/api/watches").json[0]
        assert again["silent_since_ms"] is None
        browser.wait("return document.getElementById('now-label').innerText !== 'no samples'", seconds=30)


def test_how_late_labels_are_is_rounded_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(Viewers, "_send", lambda _, frame: sent.append(frame))
    for wait_s, late_s in {1.1: 2, 4.2: 5, 5.1: 10, 61.0: 65}.items():
        viewers = Viewers({}, 1, list)
        viewers.send_late(1.0)
        viewers.send_late(wait_s)
        assert json.loads(sent.pop()) == {"type": "busy", "late_s": late_s}
        assert not sent
