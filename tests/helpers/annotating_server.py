"""``harken annotate`` in a thread of the test, or as a process of its own, and small recordings for it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harken.readers.options import TableOptions
from harken.web.annotate.server import annotation_server
from server_thread import Answer, Served

START_MS = 1_700_000_000_000
RATE_HZ = 50


def write_recording(path: Path, *, seconds: int = 120, label: str | None = "lying", seed: int = 0) -> Path:
    """A recording at 50 Hz, in which the first half has a label."""
    rows = np.arange(seconds * RATE_HZ)
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {"Timestamp": START_MS + rows * 1000 // RATE_HZ}
    columns |= {name: 9.81 * (name == "Z") + random.normal(0, 0.5, len(rows)) for name in "XYZ"}
    if label is not None:
        columns["Label"] = np.where(rows < len(rows) // 2, label, "")
    pl.DataFrame(columns).write_csv(path)
    return path


def intervals(*rows: tuple[float, float, str]) -> list[dict[str, Any]]:
    """Intervals as the page sends them, from seconds since the start of the recording."""
    return [
        {"start_ms": START_MS + round(start * 1000), "end_ms": START_MS + round(end * 1000), "label": label, "note": ""}
        for start, end, label in rows
    ]


def put(served: Served, rows: list[Any], *, etag: str | None = None, client: str = "a", number: int = 0) -> Answer:
    """Save labels; without an ETag, in place of the present ones."""
    path = f"/api/recordings/{number}/labels"
    body = json.dumps({"client": client, "intervals": rows}).encode()
    etag = etag or served.ask(path).headers.get("etag", '"none"')
    request = urllib.request.Request(served.url(path), body, {"If-Match": etag}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@contextmanager
def annotating(
    *paths: Path, reading: TableOptions | None = None, model: Path | None = None, read: bool = True
) -> Iterator[Served]:
    """A server of these recordings; with ``read``, after all of them are read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = threading.Event()
        server = annotation_server(
            [(path, path.stem) for path in paths],
            reading=reading or TableOptions(),
            model=model,
            on_started=started.set,
        )
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
        thread.start()
        assert started.wait(30), "the server did not start"
        served = Served(listener.getsockname()[1], server)
        try:
            if read:
                served.ask_until(
                    "/api/recordings", lambda all_: all(one["state"] in ("ready", "failed") for one in all_)
                )
            yield served
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server did not stop"


@contextmanager
def annotating_process(*arguments: str, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], Served]]:
    """``harken annotate`` as a process that answers; it is killed when the block ends, if it still runs."""
    command = [sys.executable, "-m", "harken", "annotate", "--no-open", "--no-model", *arguments]
    with log.open("w") as out:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            until = time.monotonic() + 60
            while "http://" not in (shown := log.read_text()):
                assert process.poll() is None, f"harken annotate ended by itself:\n{shown}"
                assert time.monotonic() < until, f"harken annotate does not answer:\n{shown}"
                time.sleep(0.01)
            port = int(shown.split("http://127.0.0.1:")[1].split("/")[0])
            yield process, Served(port, None)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(timeout=20)
