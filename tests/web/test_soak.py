"""A minute of watches beside clients that misbehave: all labels come, and memory does not grow."""

import asyncio
import json
import random
import socket
import time
from pathlib import Path

import numpy as np
import pytest
import websockets

from harken.support.resources import resident_bytes
from harken.web.limits import Limits
from server_thread import Served, message, serving

pytestmark = pytest.mark.second_stage

SECONDS = 56
WELL_BEHAVED = 20
RATE_HZ = 50


def second(number: int, begin_ns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    made = np.random.default_rng(seed * 1000 + number)
    time_ns = begin_ns + number * 10**9 + np.arange(RATE_HZ) * (10**9 // RATE_HZ)
    signals = np.stack([np.sin(np.arange(RATE_HZ) / 9), np.zeros(RATE_HZ), np.ones(RATE_HZ)], axis=1)
    return (signals + made.normal(0, 0.02, signals.shape)).astype(np.float32), time_ns


async def well_behaved(served: Served, number: int, until_s: float) -> tuple[int, list[int]]:
    """Sends a message a second; gives their number, and the ends of the windows it was told of."""
    ends: list[int] = []
    async with websockets.connect(served.url(f"/ws/samples?watch=good-{number}", "ws")) as socket:

        async def listen() -> None:
            async for text in socket:
                one = json.loads(text)
                assert one["type"] == "label"
                ends.append(one["end_ms"])

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(random.random())
        begin_ns, sent = time.time_ns() - 10**9, 0
        while time.time() < until_s:
            await socket.send(message(*second(sent, begin_ns, number)))
            sent += 1
            await asyncio.sleep(max(0.0, begin_ns / 1e9 + sent + 1 - time.time()))
        await asyncio.sleep(2)
        listening.cancel()
    return sent, ends


async def killed(served: Served, number: int, until_s: float) -> None:
    """Goes without a word, in the middle of a message, and comes again."""
    while time.time() < until_s:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        lines = [
            f"GET /ws/samples?watch=killed-{number} HTTP/1.1",
            f"Host: 127.0.0.1:{served.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        await asyncio.sleep(0.3 * random.random())
        writer.write(bytes([0x81, 0xFE, 0x04, 0x00]) + bytes(4) + b'{"time_ms": [')
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.5 * random.random())


async def malformed(served: Served, number: int, until_s: float) -> int:
    """Sends what is no message."""
    refused = 0
    texts = ["{", "[]", '{"time_ms": [1], "x": "a"}', "x" * 3000, '{"time_ns": [1], "x": [1], "y": [1], "z": [1, 2]}']
    while time.time() < until_s:
        try:
            async with websockets.connect(served.url(f"/ws/samples?watch=bad-{number}", "ws")) as socket:
                await socket.send(random.choice(texts))
                while True:
                    await asyncio.wait_for(socket.recv(), 20)
        except websockets.ConnectionClosed:
            refused += 1
        await asyncio.sleep(0.5 * random.random())
    return refused


async def slow(served: Served, number: int, until_s: float) -> int:
    """Turns from watch to watch without reading, then reads; gives the frames it was told it lost."""
    lost: list[int] = []
    while time.time() < until_s:
        try:
            await falling_behind(served, number, until_s, lost)
        except websockets.ConnectionClosed:
            await asyncio.sleep(0.5)  # on a busy machine it may answer no ping for 20 s, and is closed
    return sum(lost)


async def falling_behind(served: Served, number: int, until_s: float, lost: list[int]) -> None:
    """One connection of a slow client."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", served.port))
    view = websockets.connect(
        served.url("/ws/view", "ws"), sock=small, max_queue=1, max_size=None, ping_interval=None, close_timeout=0.1
    )
    async with view as looking:
        while time.time() < until_s:
            for turn in range(100):
                name = f"good-{(number + turn) % WELL_BEHAVED}"
                await looking.send(json.dumps({"type": "choose", "watch": name}))
                await asyncio.sleep(0.1)
            behind, patient_s = True, time.time() + 10
            while behind and time.time() < patient_s:  # the watch may have ended meanwhile, and then nothing new comes
                one = json.loads(await asyncio.wait_for(looking.recv(), 20))
                lost += [one["frames"]] if one["type"] == "dropped" else []
                behind = one["type"] != "samples" or one["t_ms"][-1] < 1e3 * (time.time() - 3)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_those_that_behave_are_served_whatever_others_do() -> None:
    async def everybody(served: Served) -> tuple[list[tuple[int, list[int]]], list[int], list[int], list[int]]:
        until_s = time.time() + SECONDS - 8
        others = [asyncio.ensure_future(killed(served, number, until_s)) for number in range(2)]
        viewers = [asyncio.ensure_future(slow(served, number, until_s)) for number in range(2)]
        bad = [asyncio.ensure_future(malformed(served, number, until_s)) for number in range(3)]
        good = [asyncio.ensure_future(well_behaved(served, number, until_s)) for number in range(WELL_BEHAVED)]
        sizes = []
        while time.time() < until_s:
            await asyncio.sleep(2)
            sizes.append(resident_bytes())
        await asyncio.gather(*others)
        return await asyncio.gather(*good), await asyncio.gather(*bad), await asyncio.gather(*viewers), sizes

    with serving(limits=Limits(frames=16)) as served:
        watches, refused, lost, sizes = asyncio.run(everybody(served))
        counts = {
            name: served.metric(f"harken_{name}_total") for name in ("refused", "dropped_samples", "dropped_frames")
        }
    for sent, ends in watches:
        assert sent >= SECONDS / 2
        # Windows of 2 s, one a second; the last waits for its look-ahead.
        assert len(ends) >= sent - 4
        assert np.diff(ends).min() == np.diff(ends).max() == 1000
    assert min(refused) > 5
    assert counts["refused"] >= sum(refused)
    assert counts["dropped_samples"] == 0
    assert min(lost) > 0, "no queue overflowed"
    assert counts["dropped_frames"] >= sum(lost)
    half = len(sizes) // 2
    grown = np.median(sizes[-5:]) - np.median(sizes[half : half + 5])
    assert grown < 8e6, f"memory grew by {grown / 1e6:.1f} MB in {SECONDS / 2:.0f} s"
