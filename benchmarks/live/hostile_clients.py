"""Three minutes of hostile clients beside ten watches: no label is lost, the server answers, and its memory returns.

    python -m benchmarks.live.hostile_clients [--minutes 3] [--attacks heads,messages,uploads] [--proxy] [--json FILE]

``harken serve`` with a network of the recipe ``everyday`` runs in a process of its own. With ``--proxy`` all clients
reach it through nginx with the configuration of docs/live.md, and ``floods`` of slow and unfinished heads are among the
attacks; they come from another address of this machine.

Ten watches send 50 Hz, one message per second, and expect one label per second. Beside them, clients in another process
send the heads, messages and files of ``attacks.py`` in a random order with a seed. ``GET /health`` is timed ten times
per second, each time on a new connection. The resident memory of the server and of its child processes is read once per
second. The memory before is measured after a few watches were served, because the network's first call needs some 70 MB
in any case. The memory after is measured after a pause without clients.

The script ends with an error unless every label came, 99 % of the ``/health`` requests were answered within 300 ms, and
the memory after is at most 100 MB above the memory before.
"""

import argparse
import math
import multiprocessing
import os
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import command, options_of, write_result
from benchmarks.live import attacks
from benchmarks.live.proxy import proxied
from benchmarks.live.watches import everyday_model, metric, quantiles, resident_bytes, served, watches_sending

KINDS = ("heads", "messages", "uploads")
HEALTH_S, HEALTH_SHARE = 0.3, 0.99
MEMORY_BYTES = 100e6
FIRST_WATCHES, FIRST_S = 10, 2


class Watching(threading.Thread):
    """Times ``/health`` and reads the server's memory until it is stopped."""

    def __init__(self, port: int, pid: int) -> None:
        super().__init__(daemon=True)
        self.port, self.pid = port, pid
        self.health_s: list[float] = []
        self.most_bytes = self.most_bytes_of_others = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        """Measure until stopped."""
        beat = 0
        while not self.stopped.wait(0.1):
            began = time.perf_counter()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as found:
                    found.read()
                self.health_s.append(time.perf_counter() - began)
            except OSError:
                self.health_s.append(math.inf)
            if beat % 10 == 0:
                self.most_bytes = max(self.most_bytes, resident_bytes(self.pid))
                self.most_bytes_of_others = max(self.most_bytes_of_others, bytes_of_children(self.pid))
            beat += 1

    def health(self) -> dict[str, Any]:
        """Quantiles of the time of ``/health``. A request without an answer is outside the limit."""
        answered = [one for one in self.health_s if one < math.inf]
        return {
            "requests": len(self.health_s),
            "without_answer": len(self.health_s) - len(answered),
            **{f"{name}_s": value for name, value in quantiles(answered, 50, 99).items()},
            "max_s": max(answered),
            "share_within_limit": float(np.mean(np.array(self.health_s) <= HEALTH_S)),
        }


def bytes_of_children(pid: int) -> int:
    """The resident memory of the processes that a process started."""
    total = 0
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                total += resident_bytes(int(child)) + bytes_of_children(int(child))
        except OSError:
            pass  # it has ended
    return total


def measure(
    model: Path,
    *,
    seconds: int,
    watches: int,
    kinds: Sequence[str],
    seed: int,
    bomb_bytes: int,
    pause_s: float,
    proxy: bool,
) -> dict[str, Any]:
    """Run the server, the watches and the hostile clients once. Returns the result for JSON."""
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryFile("w+") as log,
        served(model, log=log) as (direct, pid),
        proxied([direct]) if proxy else nullcontext(direct) as port,
        ThreadPoolExecutor(1) as thread,
    ):
        at_start = resident_bytes(pid)
        watches_sending(FIRST_WATCHES, port, seconds=FIRST_S, name="first")
        before = resident_bytes(pid)
        ours, theirs = context.Pipe()
        bad = context.Process(target=attacks.attack, args=(port, kinds, seed, bomb_bytes, theirs))
        bad.start()
        ours.recv()
        good = thread.submit(watches_sending, watches, port, seconds=seconds)
        watching = Watching(port, pid)
        watching.start()
        ours.send(time.time() + seconds + 7)  # the watches connect first, and wait for their last labels
        result = good.result()
        answers = ours.recv()
        bad.join()
        watching.stopped.set()
        watching.join()
        time.sleep(pause_s)
        after = resident_bytes(pid)
        counts = {
            name: metric(direct, f"harken_{name}_total")
            for name in ("refused", "failed_ticks", "dropped_frames", "labels")
        }
        log.seek(0)
        lines = log.read().splitlines()
    return {
        "labels": {
            "received": result.received,
            "lost": result.lost + result.missing,
            "closed_sockets": result.closed,
            "wait_s": quantiles(result.waits_s, 50, 99),
        },
        "health": watching.health(),
        "resident_bytes": {
            "at_start": at_start,
            "before": before,
            "most": watching.most_bytes,
            "most_of_its_processes": watching.most_bytes_of_others,
            "after": after,
        },
        "server": counts,
        "log": {
            "lines": len(lines),
            "tracebacks": sum(line.startswith("Traceback") for line in lines),
            "warnings_of_python": sum("Warning:" in line and not line.startswith("WARNING") for line in lines),
        },
        "answers": answers,
    }


def bounds(found: dict[str, Any]) -> dict[str, bool]:
    """Which of the three requirements are met."""
    memory = found["resident_bytes"]
    return {
        "no_label_lost": found["labels"]["lost"] == 0 and found["labels"]["closed_sockets"] == 0,
        "health_within_300_ms": found["health"]["share_within_limit"] >= HEALTH_SHARE,
        "memory_within_100_mb": memory["after"] - memory["before"] <= MEMORY_BYTES,
    }


def kinds_of(text: str) -> list[str]:
    """The kinds of attacks that an option names."""
    kinds = text.split(",")
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(KINDS)}")
    return kinds


def main(argv: Sequence[str] | None = None) -> None:
    """Run and write."""
    parser = options_of(__doc__, None, minutes=3.0, watches=10, seed=0)
    parser.add_argument("--attacks", type=kinds_of, default=list(KINDS), help=f"some of {','.join(KINDS)}")
    parser.add_argument("--proxy", action="store_true", help="through nginx, and with floods")
    parser.add_argument("--bomb-mb", type=int, default=300, help="the unpacked size of a compressed bomb")
    parser.add_argument("--pause", type=float, default=20, help="seconds before the memory is read again")
    arguments = parser.parse_args(argv)
    load_before = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(
            everyday_model(Path(folder) / "everyday.safetensors"),
            seconds=round(arguments.minutes * 60),
            watches=arguments.watches,
            kinds=[*arguments.attacks, *(["floods"] if arguments.proxy else [])],
            seed=arguments.seed,
            bomb_bytes=arguments.bomb_mb * 10**6,
            pause_s=arguments.pause,
            proxy=arguments.proxy,
        )
    kept = bounds(found)
    content = {"bounds": kept, **found, "load_average_before_and_after": [load_before, os.getloadavg()]}
    write_result(arguments.json, command("live.hostile_clients", argv), content)
    if missed := [name.replace("_", " ") for name, well in kept.items() if not well]:
        raise SystemExit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
