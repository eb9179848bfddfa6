"""Ten minutes of watches that behave and of clients that do not: is everybody served, and is memory flat?

    python -m benchmarks.live.soak [--minutes 10] [--watches 200] [--json FILE]

``harken serve`` with a network of the recipe ``everyday`` in a process of its own. The watches send 50 Hz, a message a
second, and expect a label a second; beside them, in another process, clients are killed in the middle of a message,
send what is no message, look on without ever reading (the server must close them, and they come again), or look on
slowly: they turn to another watch ten times a second and read nothing for a while, then everything. Of the slow ones
each must lose frames and be told so, and those who look on beside them and read must lose none. The server's resident
memory is read every five seconds.
What it keeps of a watch grows for ten minutes by the rows of its timeline that are final (at 8 labels by up to 22 kB),
and then by next to nothing. So flat means that from the third minute on it grows by no more than that share of it.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import socket
import tempfile
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import websockets

from benchmarks.live.watches import (
    RATE_HZ,
    Result,
    everyday_model,
    metric,
    resident_bytes,
    served,
    watches_sending,
)
from harken.benchmarking.machine import made_with
from harken.files import write_text

KILLED, MALFORMED, DEAF, SLOW, LOOKING = 5, 5, 3, 5, 5
SOCKET_BYTES = 4096
"""What a slow viewer's own system takes for it, so that the rest waits in the server."""
TURNS, TURN_S = 150, 0.1
"""A slow viewer turns to other watches so often, and reads nothing meanwhile."""
KEPT_BYTES_S = 22_000 / 600
"""What the server keeps more of a watch every second of its first ten minutes."""
SLACK_BYTES = 10e6
TEXTS = ("{", "[]", '{"time_ms": [1], "x": "a"}', "x" * 5000, '{"time_ns": [1], "x": [1], "y": [1], "z": [1, 2]}')


async def killed(port: int, number: int, until_s: float) -> None:
    """Goes in the middle of a message, without a word, again and again."""
    while time.time() < until_s:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [
            f"GET /ws/samples?watch=killed-{number} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        await writer.drain()
        await asyncio.sleep(random.random())
        writer.write(bytes([0x81, 0xFE, 0x04, 0x00]) + bytes(4) + b'{"time_ms": [')
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(random.random())


async def malformed(port: int, number: int, until_s: float) -> None:
    """Sends what is no message."""
    while time.time() < until_s:
        try:
            async with websockets.connect(f"ws://127.0.0.1:{port}/ws/samples?watch=bad-{number}") as socket:
                await socket.send(random.choice(TEXTS))
                while True:
                    await asyncio.wait_for(socket.recv(), 20)
        except (websockets.ConnectionClosed, TimeoutError):
            pass
        await asyncio.sleep(random.random())


def small_socket(port: int) -> socket.socket:
    """A socket whose system keeps little of what came."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
    found.connect(("127.0.0.1", port))
    return found


def view(port: int, number: int, *, small: bool) -> websockets.connect:
    """A socket that looks at a watch."""
    return websockets.connect(
        f"ws://127.0.0.1:{port}/ws/view?watch=watch-0-{number}",
        sock=small_socket(port) if small else None,
        max_queue=1 if small else None,
        max_size=None,
        ping_interval=None,
        close_timeout=0.1,
    )


async def deaf(port: int, number: int, until_s: float) -> int:
    """Looks at a watch and never reads, nor answers a ping; gives how often the server closed it."""
    closed = 0
    while time.time() < until_s:
        async with view(port, number, small=True) as looking:
            while time.time() < until_s:
                try:
                    await looking.send(json.dumps({"type": "choose", "watch": f"watch-0-{number}"}))
                except websockets.ConnectionClosed:
                    closed += 1
                    break
                await asyncio.sleep(1)
            looking.transport.abort()
    return closed


async def slow(port: int, number: int, until_s: float) -> int:
    """Looks at one watch and another, and reads only now and then; gives how many frames it was told it lost."""
    told = 0
    async with view(port, number, small=True) as looking:
        while time.time() < until_s:
            for turn in range(TURNS):
                await looking.send(json.dumps({"type": "choose", "watch": f"watch-0-{(number + turn) % 20}"}))
                await asyncio.sleep(TURN_S)
            behind = True
            while behind:
                try:
                    message = json.loads(await asyncio.wait_for(looking.recv(), 0.2))
                except TimeoutError:
                    behind = False
                else:
                    told += message["frames"] if message["type"] == "dropped" else 0
                    behind = message["type"] != "samples" or message["t_ms"][-1] < 1e3 * (time.time() - 2)
    return told


async def look(port: int, number: int, until_s: float) -> tuple[int, int]:
    """Looks at a watch and reads; gives how many seconds of labels were missing, and the frames it was told it lost."""
    ends_ms, lost = [], 0
    async with view(port, number, small=False) as looking:
        while time.time() < until_s:
            message = json.loads(await asyncio.wait_for(looking.recv(), 60))
            lost += message["frames"] if message["type"] == "dropped" else 0
            if message["type"] == "label":
                ends_ms.append(message["end_ms"])
    missing = round((ends_ms[-1] - ends_ms[0]) / 1000) + 1 - len(set(ends_ms)) if ends_ms else round(until_s)
    return missing, lost


def misbehave(port: int, until_s: float, answer: Connection) -> None:
    """All of them, in one process, and those who look on beside them."""

    async def run() -> dict[str, Any]:
        kinds = ((killed, KILLED), (malformed, MALFORMED))
        others = [asyncio.ensure_future(kind(port, n, until_s)) for kind, count in kinds for n in range(count)]
        unheard = [asyncio.ensure_future(deaf(port, n, until_s)) for n in range(DEAF)]
        behind = [asyncio.ensure_future(slow(port, n, until_s)) for n in range(SLOW)]
        looking = [asyncio.ensure_future(look(port, n, until_s)) for n in range(LOOKING)]
        await asyncio.gather(*others)
        closed, told, seen = (
            await asyncio.gather(*unheard),
            await asyncio.gather(*behind),
            await asyncio.gather(*looking),
        )
        return {
            "deaf_viewers_closed": closed,
            "slow_viewers_told_of_dropped_frames": told,
            "other_viewers_missing_labels": [missing for missing, _ in seen],
            "other_viewers_dropped_frames": [lost for _, lost in seen],
        }

    answer.send(asyncio.run(run()))


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--watches", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    seconds = int(arguments.minutes * 60)
    load_before = os.getloadavg()
    found: list[Result] = []
    sizes: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, served(everyday_model(Path(folder) / "e.safetensors")) as (port, pid):
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        bad = context.Process(target=misbehave, args=(port, time.time() + seconds, theirs))
        bad.start()
        good = threading.Thread(target=lambda: found.append(watches_sending(arguments.watches, port, seconds=seconds)))
        good.start()
        began = time.monotonic()
        while good.is_alive():
            sizes.append((time.monotonic() - began, resident_bytes(pid)))
            good.join(5)
        viewers = ours.recv()
        bad.join()
        names = ("refused", "dropped_frames", "dropped_samples", "labels")
        counts = {name: metric(port, f"harken_{name}_total") for name in names}
    (result,) = found
    times, bytes_ = (np.array(column) for column in zip(*sizes, strict=True))
    later = times >= min(180.0, times[-1] / 2)
    slope = float(np.polyfit(times[later], bytes_[later], 1)[0])
    span_s = float(times[-1] - times[later][0])
    allowed = KEPT_BYTES_S * arguments.watches * span_s + SLACK_BYTES
    lost = max(0, result.expected - result.received)
    told = viewers["slow_viewers_told_of_dropped_frames"]
    overflowed = bool(min(told) > 0 and counts["dropped_frames"] >= sum(told))
    said: dict[str, Any] = {
        "minutes": arguments.minutes,
        "watches": arguments.watches,
        "misbehaving": {"killed": KILLED, "malformed": MALFORMED, "never_reading": DEAF, "slow": SLOW},
        "viewers": viewers,
        "rate_hz": RATE_HZ,
        "labels": result.received,
        "lost": lost,
        "closed_sockets": result.closed,
        "wait_s": {f"p{round(100 * q)}": float(np.quantile(result.waits_s, q)) for q in (0.5, 0.99)},
        "server": counts,
        "resident_bytes": {"first": int(bytes_[0]), "after_3_minutes": int(bytes_[later][0]), "last": int(bytes_[-1])},
        "slope_bytes_a_second": slope,
        "allowed_growth_bytes": allowed,
        "grown_bytes": slope * span_s,
        "flat": bool(slope * span_s <= allowed),
        "everybody_served": bool(lost == 0 and result.closed == 0 and not any(viewers["other_viewers_missing_labels"])),
        "queues_overflowed_and_told": overflowed,
        "load_average_before_and_after": [load_before, os.getloadavg()],
    }
    print(json.dumps(said, indent=1))
    if arguments.json:
        command = f"python -m benchmarks.live.soak --minutes {arguments.minutes:g} --watches {arguments.watches}"
        write_text(arguments.json, json.dumps({"command": command, **said, **made_with()}, indent=1) + "\n")
    if (
        not said["flat"]
        or not said["everybody_served"]
        or not overflowed
        or any(viewers["other_viewers_dropped_frames"])
    ):
        raise SystemExit("memory grew, somebody was not served, or no queue overflowed: see above")


if __name__ == "__main__":
    main()
