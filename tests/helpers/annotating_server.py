"""``harken annotate`` in a thread of the test, and small recordings for it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from harken.readers.options import TableOptions
from harken.web.annotate.server import annotation_server
from server_thread import Answer, Served, in_thread

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


def put(served: Served, rows: list[Any], *, etag: str | None = None, number: int = 0) -> Answer:
    """Save labels; without an ETag, in place of the present ones."""
    path = f"/api/recordings/{number}/labels"
    body = json.dumps({"intervals": rows}).encode()
    etag = etag or served.ask(path).headers.get("etag", '"none"')
    return served.ask(path, body, method="PUT", If_Match=etag)


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
        served = Served(listener.getsockname()[1], server)
        with in_thread(server, started, [listener]):
            if read:
                served.ask_until(
                    "/api/recordings", lambda all_: all(one["state"] in ("ready", "failed") for one in all_)
                )
            yield served
