"""Ten minutes of watches that behave and of clients that do not: is everybody served, and is memory flat?

    python benchmarks/live_soak.py [--minutes 10] [--watches 200] [--json FILE]

``harken serve`` with a network of the recipe ``everyday`` in a process of its own. The watches send 50 Hz, a message a
second, and expect a label a second; beside them, in another process, clients are killed in the middle of a message,
send what is no message, or look on without ever reading. The server's resident memory is read every five seconds.
What it keeps of a watch (an hour of labels, ten minutes of final rows) grows for an hour and then no more: at 8 labels
by up to 130 kB. So flat means that from the third minute on it grows by no more than that share of it.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import websockets

from harken.benchmarking.machine import made_with
from harken.files import write_text
from live_watches import (
    RATE_HZ,
    Result,
    everyday_model,
    metric,
    resident_bytes,
    served,
    watches_sending,
)

KILLED, MALFORMED, SLOW = 5, 5, 5
KEPT_BYTES_S = 130_000 / 3600
"""What the server keeps more of a watch every second of its first hour."""
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


async def slow(port: int, number: int, until_s: float) -> None:
    """Looks at a watch and never reads."""
    url = f"ws://127.0.0.1:{port}/ws/view?watch=watch-0-{number}"
    async with websockets.connect(url, max_queue=1, ping_interval=None, close_timeout=0.1) as socket:
        await asyncio.sleep(max(0.0, until_s - time.time()))
        socket.transport.abort()


def misbehave(port: int, until_s: float) -> None:
    """All of them, in one process."""

    async def run() -> None:
        kinds = ((killed, KILLED), (malformed, MALFORMED), (slow, SLOW))
        await asyncio.gather(*(kind(port, number, until_s) for kind, count in kinds for number in range(count)))

    asyncio.run(run())


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--watches", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the result here")
    arguments = parser.parse_args()
    seconds = int(arguments.minutes * 60)
    found: list[Result] = []
    sizes: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, served(everyday_model(Path(folder) / "e.safetensors")) as (port, pid):
        bad = multiprocessing.get_context("spawn").Process(target=misbehave, args=(port, time.time() + seconds))
        bad.start()
        good = threading.Thread(target=lambda: found.append(watches_sending(arguments.watches, port, seconds=seconds)))
        good.start()
        began = time.monotonic()
        while good.is_alive():
            sizes.append((time.monotonic() - began, resident_bytes(pid)))
            good.join(5)
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
    said: dict[str, Any] = {
        "minutes": arguments.minutes,
        "watches": arguments.watches,
        "misbehaving": {"killed": KILLED, "malformed": MALFORMED, "slow": SLOW},
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
        "everybody_served": bool(lost == 0 and result.closed == 0),
    }
    print(json.dumps(said, indent=1))
    if arguments.json:
        command = f"python benchmarks/live_soak.py --minutes {arguments.minutes:g} --watches {arguments.watches}"
        write_text(arguments.json, json.dumps({"command": command, **said, **made_with()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
