"""Ten minutes of regular watches and broken clients: is every watch served, and does memory stay flat?

    python -m benchmarks.live.soak [--minutes 10] [--watches 200] [--json FILE]

``harken serve`` with a network of the recipe ``everyday`` runs in a process of its own. The watches send 50 Hz, one
message per second, and expect one label per second. Beside them, clients in another process do one of these:

- they are killed in the middle of a message;
- they send invalid messages;
- they view a watch without ever reading (the server must close them, and they connect again);
- they view watches slowly: they change to another watch ten times per second, read nothing for a while, then
  everything.

Each slow viewer must lose frames and get a message about it. Viewers beside them who read must lose none. The server's
resident memory is read every five seconds. What the server keeps of a watch grows for ten minutes by the final rows of
its timeline (48 kB with 8 labels), and then hardly at all. Memory is flat when it grows by at most that share and 10 MB
in the second half of a short run, or after the tenth minute of a long one.
"""

import asyncio
import json
import os
import random
import socket
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import websockets

from benchmarks.command import command, options_of, write_result
from benchmarks.live.watches import (
    RATE_HZ,
    everyday_model,
    metric,
    quantiles,
    resident_bytes,
    served,
    upgrade,
    watches_sending,
)

KILLED, MALFORMED, DEAF, SLOW, LOOKING = 5, 5, 3, 5, 5
SOCKET_BYTES = 4096
"""The receive buffer of a slow viewer. It is small, so that the rest waits in the server."""
TURNS, TURN_S = 150, 0.1
"""A slow viewer changes the watch so often, and so many seconds apart, before it reads."""
SETTLED_S = 600.0
KEPT_BYTES_S = 48_000 / SETTLED_S
"""The growth of what the server keeps of a watch in its first ten minutes, in bytes per second."""
SLACK_BYTES = 10e6
TEXTS = ("{", "[]", '{"time_ms": [1], "x": "a"}', "x" * 5000, '{"time_ns": [1], "x": [1], "y": [1], "z": [1, 2]}')


async def killed(port: int, number: int, until_s: float) -> None:
    """Disconnect in the middle of a message, again and again."""
    while time.time() < until_s:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade(port, f"killed-{number}"))
        await writer.drain()
        await asyncio.sleep(random.random())
        writer.write(bytes([0x81, 0xFE, 0x04, 0x00]) + bytes(4) + b'{"time_ms": [')
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(random.random())


async def malformed(port: int, number: int, until_s: float) -> None:
    """Send invalid messages."""
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
    """A socket with a small receive buffer."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)
    found.connect(("127.0.0.1", port))
    return found


def view(port: int, number: int, *, small: bool) -> websockets.connect:
    """A socket that views a watch."""
    return websockets.connect(
        f"ws://127.0.0.1:{port}/ws/view?watch=watch-0-{number}",
        sock=small_socket(port) if small else None,
        max_queue=1 if small else None,
        max_size=None,
        ping_interval=None,
        close_timeout=0.1,
    )


async def deaf(port: int, number: int, until_s: float) -> int:
    """View a watch without reading or answering pings. Returns how often the server closed the socket."""
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
    """View one watch after another and read rarely. If the server closes the socket, connect again.

    Returns the number of frames reported as dropped.
    """
    dropped = 0
    while time.time() < until_s:
        async with view(port, number, small=True) as looking:
            try:
                while time.time() < until_s:
                    dropped += await _choose_and_catch_up(looking, number)
            except websockets.ConnectionClosed:  # the server waited too long for an answer to its ping
                looking.transport.abort()
    return dropped


async def _choose_and_catch_up(looking: websockets.ClientConnection, number: int) -> int:
    """Choose one watch after another without reading; then read what has come. Returns the frames dropped."""
    for turn in range(TURNS):
        await looking.send(json.dumps({"type": "choose", "watch": f"watch-0-{(number + turn) % 20}"}))
        await asyncio.sleep(TURN_S)
    dropped = 0
    behind = True
    while behind:
        try:
            message = json.loads(await asyncio.wait_for(looking.recv(), 0.2))
        except TimeoutError:
            behind = False
        else:
            dropped += message["frames"] if message["type"] == "dropped" else 0
            behind = message["type"] != "samples" or message["t_ms"][-1] < 1e3 * (time.time() - 2)
    return dropped


async def look(port: int, number: int, until_s: float) -> tuple[int, int]:
    """View a watch and read. Returns the seconds of missing labels and the frames reported as dropped."""
    ends_ms, lost = [], 0
    async with view(port, number, small=False) as looking:
        while time.time() < until_s:
            message = json.loads(await asyncio.wait_for(looking.recv(), 60))
            lost += message["frames"] if message["type"] == "dropped" else 0
            if message["type"] == "label":
                ends_ms.append(message["end_ms"])
    missing = round((ends_ms[-1] - ends_ms[0]) / 1000) + 1 - len(set(ends_ms)) if ends_ms else round(until_s)
    return missing, lost


def misbehave(port: int, until_s: float) -> dict[str, Any]:
    """What all broken clients and the viewers beside them saw, in one process."""

    async def run() -> dict[str, Any]:
        kinds = ((killed, KILLED), (malformed, MALFORMED), (deaf, DEAF), (slow, SLOW), (look, LOOKING))
        together: list[Any] = [asyncio.gather(*(kind(port, n, until_s) for n in range(count))) for kind, count in kinds]
        _, _, closed, dropped, seen = await asyncio.gather(*together)
        return {
            "deaf_viewers_closed": closed,
            "slow_viewers_reported_drops": dropped,
            "other_viewers_missing_labels": [missing for missing, _ in seen],
            "other_viewers_dropped_frames": [lost for _, lost in seen],
        }

    return asyncio.run(run())


def main() -> None:
    """Run and write."""
    parser = options_of(__doc__, None, minutes=10.0, watches=200)
    arguments = parser.parse_args()
    seconds = int(arguments.minutes * 60)
    load_before = os.getloadavg()
    sizes: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, served(everyday_model(Path(folder) / "e.safetensors")) as (port, pid):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, ThreadPoolExecutor(1) as thread:
            bad = pool.submit(misbehave, port, time.time() + seconds)
            good = thread.submit(watches_sending, arguments.watches, port, seconds=seconds)
            began = time.monotonic()
            while not good.done():
                sizes.append((time.monotonic() - began, resident_bytes(pid)))
                wait([good], timeout=5)
            viewers, result = bad.result(), good.result()
        names = ("refused", "dropped_frames", "dropped_samples", "labels")
        counts = {name: metric(port, f"harken_{name}_total") for name in names}
    times, bytes_ = (np.array(column) for column in zip(*sizes, strict=True))
    later = times >= min(SETTLED_S, times[-1] / 2)
    slope = float(np.polyfit(times[later], bytes_[later], 1)[0])
    span_s = float(times[-1] - times[later][0])
    growing_s = max(0.0, min(SETTLED_S, float(times[-1])) - float(times[later][0]))
    allowed = KEPT_BYTES_S * arguments.watches * growing_s + SLACK_BYTES
    reported = viewers["slow_viewers_reported_drops"]
    overflowed = bool(min(reported) > 0 and counts["dropped_frames"] >= sum(reported))
    content: dict[str, Any] = {
        "minutes": arguments.minutes,
        "watches": arguments.watches,
        "misbehaving": {"killed": KILLED, "malformed": MALFORMED, "never_reading": DEAF, "slow": SLOW},
        "viewers": viewers,
        "rate_hz": RATE_HZ,
        "labels": result.received,
        "lost": result.lost,
        "closed_sockets": result.closed,
        "wait_s": quantiles(result.waits_s, 50, 99),
        "server": counts,
        "resident_bytes": {
            "first": int(bytes_[0]),
            "most": int(bytes_.max()),
            "every_5_minutes": [int(bytes_[times >= at_s][0]) for at_s in range(0, int(times[-1]), 300)],
            "last": int(bytes_[-1]),
        },
        "slope_bytes_a_second": slope,
        "allowed_growth_bytes": allowed,
        "grown_bytes": slope * span_s,
        "flat": bool(slope * span_s <= allowed),
        "all_watches_served": bool(
            result.lost == 0 and result.closed == 0 and not any(viewers["other_viewers_missing_labels"])
        ),
        "queues_overflowed_and_reported": overflowed,
        "load_average_before_and_after": [load_before, os.getloadavg()],
    }
    write_result(arguments.json, command("live.soak"), content)
    well = content["flat"] and content["all_watches_served"] and overflowed
    if not well or any(viewers["other_viewers_dropped_frames"]):
        raise SystemExit("memory grew, a watch was not served, or no queue overflowed")


if __name__ == "__main__":
    main()
