"""A server on a port of this machine, in a thread of the test, and small models for it."""

import asyncio
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.sync.client import ClientConnection, connect

import people
from harken.models.recogniser import Recogniser
from harken.recordings.recording import STANDARD_GRAVITY, Recording
from harken.signals import resample
from harken.web.address import listening
from harken.web.app import server_for
from harken.web.server import Server
from harken.windows.windows import sliding_windows


@cache
def recording(seed: int = 1) -> Recording:
    """An invented person, at 25 Hz."""
    rows = people.person_rows(seed)
    names, codes = np.unique([row[5] for row in rows], return_inverse=True)
    return Recording(
        time_ns=np.array([row[0] * 10**6 for row in rows]),
        signals=(np.array([row[1:4] for row in rows]) / STANDARD_GRAVITY).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
        subject="anna",
    )


@cache
def recogniser() -> Recogniser:
    """A small network that has learned that person, at 20 Hz."""
    windows = sliding_windows(resample(recording(), sample_rate_hz=20), length_s=2, hop_s=0.5)
    return Recogniser(people.SMALL_EVERYDAY, epochs=4).fit(windows)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    port: int
    server: Any

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def ask(self, path: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        request = urllib.request.Request(self.url(path), body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())

    def connect(self, path: str) -> ClientConnection:
        """A WebSocket of the server."""
        found: ClientConnection = connect(self.url(path, "ws"))
        return found

    @classmethod
    def of(cls, address: str) -> "Served":
        """A process that serves at an address."""
        return cls(int(address.rpartition(":")[2]), None)

    def ask_until(self, path: str, enough: Any, timeout_s: float = 30) -> Any:
        """The JSON of a path as soon as ``enough(json)``."""
        until = time.monotonic() + timeout_s
        while not enough(found := self.ask(path).json):
            assert time.monotonic() < until, f"{path} still says {found}"
            time.sleep(0.05)
        return found

    def metric(self, name: str) -> float:
        lines = self.ask("/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)


@contextmanager
def serving(**options: Any) -> Iterator[Served]:
    """A server with the small recogniser, unless another is given; at a port of the system, unless one is given."""
    opened = listening("127.0.0.1", options.pop("port", 0))
    port: int = opened.getsockname()[1]
    started = threading.Event()
    chosen = options.pop("recogniser", None) or recogniser()
    with opened:
        server = server_for(chosen, port=port, on_started=started.set, **options)
        with in_thread(server, started, [opened]):
            yield Served(port, server)


@contextmanager
def in_thread(server: Server, started: threading.Event, sockets: list[socket.socket] | None = None) -> Iterator[None]:
    """A server runs in a thread; within the block it answers."""
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets)), daemon=True)
    thread.start()
    assert started.wait(30), "the server did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


def message(signals: NDArray[np.float32], time_ns: NDArray[np.int64], unit: str = "g") -> str:
    """A message of samples for the WebSocket."""
    x, y, z = signals.astype(float).T.tolist()
    return json.dumps({"time_ns": time_ns.tolist(), "x": x, "y": y, "z": z, "unit": unit})


def now_wrist(seconds: float, rate_hz: float = 50.0, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A wrist in the last seconds."""
    rows = np.arange(int(seconds * rate_hz))
    time_ns = time.time_ns() - round(seconds * 1e9) + np.round(rows * 1e9 / rate_hz).astype(np.int64)
    random = np.random.default_rng(seed)
    signals = np.stack([np.sin(rows / 9), random.normal(0, 0.02, len(rows)), np.ones(len(rows))], axis=1)
    return (signals + random.normal(0, 0.01, signals.shape)).astype(np.float32), time_ns


def heard(socket: ClientConnection, timeout_s: float = 20) -> dict[str, Any]:
    """The next message that the server sends."""
    return dict(json.loads(socket.recv(timeout_s)))


def labels_heard(socket: ClientConnection, enough: int) -> list[dict[str, Any]]:
    """The next labels, so many."""
    found: list[dict[str, Any]] = []
    while len(found) < enough:
        one = heard(socket)
        found += [one] if one["type"] == "label" else []
    return found


async def received(socket: Any, timeout_s: float = 20) -> dict[str, Any]:
    return dict(json.loads(await asyncio.wait_for(socket.recv(), timeout_s)))


async def labels_until(socket: Any, enough: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < enough:
        one = await received(socket)
        if one["type"] == "label":
            found.append(one)
    return found
