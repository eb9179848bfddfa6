"""Simulated watches that send to a server on this machine, many in one process, for the benchmarks of the live server.

They use a WebSocket client of their own: messages are joined from strings made beforehand and masked with zeros, so
that the clients take little processor time from the server.
"""

import asyncio
import multiprocessing
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, cast

import numpy as np
import orjson

RATE_HZ = 50
LENGTH, MODEL_HZ = 300, 30.0
CHANNELS, CLASSES = 3, 8
STEP_NS = 10**9 // RATE_HZ
HEADROOM_S = 12.0
"""A watch starts with so much of its past in one message, so that its first label comes at once."""
SETTLED_S = 3.0
"""The last watch sends its past so long before the measurement starts."""
LEAST_PATIENCE_S = 3.0
"""How long a watch waits for more labels after its last message, at least."""
REACH_NS = int(8 * 1e9 / MODEL_HZ) + 2
AFTER_ROWS = 2
"""A window can be labelled when so many samples follow one that is later than its end by ``REACH_NS``."""


def everyday_model(path: Path) -> Path:
    """A model of the recipe ``everyday``, trained briefly. Its weights do not change the time."""
    from harken import Recogniser  # not at the top: the processes of the watches need no network

    made = np.random.default_rng(0)
    signals = made.normal(0, 0.5, (256, LENGTH, CHANNELS)).astype(np.float32)
    labels = np.array([f"activity {code}" for code in made.integers(0, CLASSES, 256)])
    Recogniser("everyday", epochs=1, device="cpu").fit(signals, labels).save(path)
    return path


@contextmanager
def served(
    model: Path,
    *,
    keep: Path | None = None,
    log: IO[str] | None = None,
    port: int = 0,
    options: Sequence[str] = (),
) -> Iterator[tuple[int, int]]:
    """``harken serve`` in a process of its own, whose network has one thread. Yields its port and its process id.

    Args:
        model: the model file.
        keep: the folder of ``--keep``; None: samples are not kept.
        log: the file for its log; None for the terminal.
        port: the port; 0 for one that is free.
        options: more words of the command.
    """
    port = port or find_free_port()
    command = [sys.executable, "-m", "harken", "serve", "--model", str(model), "--port", str(port), "--no-open"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command += [] if keep is None else ["--keep", str(keep)]
    command += options
    running = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log)
    try:
        wait_for(lambda: content_of(port, "/health"), running)
        yield port, running.pid
    finally:
        running.send_signal(signal.SIGINT)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def find_free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(ask: Callable[[], object], running: subprocess.Popen[bytes]) -> None:
    """Wait until a call to a new server raises no OSError, at most a minute and only while the process runs."""
    until_s = time.monotonic() + 60
    while True:
        try:
            ask()
            return
        except OSError:
            if running.poll() is not None or time.monotonic() > until_s:
                raise
            time.sleep(0.1)


def content_of(port: int, path: str) -> str:
    """The content of a path of the server."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def metric(port: int, name: str) -> float:
    """The sum of a metric over its reasons."""
    lines = content_of(port, "/metrics").splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def cpu_s(pid: int) -> float:
    """The processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """The resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(pid: int) -> int:
    """The largest resident memory that a process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def quantiles(seconds: Sequence[float], *percent: int) -> dict[str, float]:
    """Quantiles for JSON, such as ``p50``; infinite without values."""
    return {f"p{each}": float(np.quantile(seconds or [np.inf], each / 100)) for each in percent}


@dataclass
class Result:
    """Labels and their delays, for the watches of one process."""

    waits_s: list[float] = field(default_factory=list)  # from the message that made a label possible
    behind_s: list[float] = field(default_factory=list)  # from the end of the window, by the sensor's clock
    expected: int = 0
    received: int = 0
    missing: int = 0  # between the first and the last label of a watch
    closed: int = 0
    cpu_s: float = 0.0  # of the processes in which the watches are

    @property
    def lost(self) -> int:
        """Expected labels that did not come."""
        return max(0, self.expected - self.received)

    def add(self, other: "Result") -> None:
        """Add the result of another watch or process."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def upgrade(port: int, watch: str, *headers: str) -> bytes:
    """The head of a request for a watch's WebSocket."""
    lines = [f"GET /ws/samples?watch={watch} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket"]
    lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


class Client(asyncio.Protocol):
    """The socket of one watch."""

    def __init__(self, name: str, port: int, values: "Values") -> None:
        self.name, self.port, self.values = name, port, values
        self.transport: asyncio.Transport | None = None
        self.open = asyncio.get_running_loop().create_future()
        self.buffer = bytearray()
        self.sent: list[tuple[int, float]] = []  # the last sample of each message, and when it went
        self.result = Result()
        self.counting_from_ms = 0
        self.last_ms: int | None = None
        self.upgraded = self.leaving = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Request the WebSocket."""
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop's class does not inherit from it
        transport.write(upgrade(self.port, self.name))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count it, unless the watch itself closed it."""
        if not self.leaving:
            self.result.closed += 1
        if not self.open.done():
            self.open.set_exception(ConnectionError(f"the server refused {self.name}: {bytes(self.buffer[:200])!r}"))

    def data_received(self, data: bytes) -> None:
        """Read frames; answer pings."""
        self.buffer += data
        if not self.upgraded:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0 or not self.buffer.startswith(b"HTTP/1.1 101"):
                return
            del self.buffer[: end + 4]
            self.upgraded = True
            self.open.set_result(None)
        while len(self.buffer) >= 2:
            size, head = self.buffer[1] & 127, 2
            if size == 126:
                if len(self.buffer) < 4:
                    return
                size, head = int.from_bytes(self.buffer[2:4], "big"), 4
            elif size == 127:
                if len(self.buffer) < 10:
                    return
                size, head = int.from_bytes(self.buffer[2:10], "big"), 10
            if len(self.buffer) < head + size:
                return
            kind, body = self.buffer[0] & 15, bytes(self.buffer[head : head + size])
            del self.buffer[: head + size]
            if kind == 9 and self.transport is not None:
                self.transport.write(bytes([0x8A, 0x80 | len(body)]) + bytes(4) + body)
            elif kind == 1 and b'"label"' in body[:20]:
                self.take_label(orjson.loads(body))

    def take_label(self, label: dict) -> None:  # type: ignore[type-arg]
        """Count a label and its time since the message that made it possible."""
        end_ms = label["end_ms"]
        if end_ms < self.counting_from_ms:
            return
        now = time.time()
        self.result.received += 1
        if self.last_ms is not None:
            self.result.missing += max(0, round((end_ms - self.last_ms) / 1000) - 1)
        self.last_ms = end_ms
        self.result.behind_s.append(now - end_ms / 1e3)
        needed_ns = round(end_ms * 1e6 - 1e9 / MODEL_HZ) + REACH_NS + AFTER_ROWS * STEP_NS
        while len(self.sent) > 1 and self.sent[0][0] <= needed_ns:
            self.sent.pop(0)
        self.result.waits_s.append(now - self.sent[0][1])

    def send(self, first_ns: int, count: int) -> None:
        """Send samples from ``first_ns`` on."""
        assert self.transport is not None
        body = self.values.message(first_ns, count)
        size = len(body)
        head = bytes([0x81, 0x80 | 126]) + size.to_bytes(2, "big") if size < 65536 else b""
        head = head or bytes([0x81, 0x80 | 127]) + size.to_bytes(8, "big")
        self.sent.append((first_ns + (count - 1) * STEP_NS, time.time()))
        self.transport.write(head + bytes(4) + body)


class Values:
    """Samples as text, made once: the same signal again and again."""

    def __init__(self, seed: int) -> None:
        made = np.random.default_rng(seed)
        most = int(HEADROOM_S * RATE_HZ) + RATE_HZ
        t = np.arange(most) / RATE_HZ
        waves = [
            0.4 * np.sin(2 * np.pi * f * t) + made.normal(0, 0.02, most) + g
            for f, g in ((1.1, 0), (2.2, 0.3), (0.7, 0.9))
        ]
        self._values = [[f"{value:.4f}" for value in wave] for wave in waves]
        self._short: dict[int, str] = {}

    def message(self, first_ns: int, count: int) -> bytes:
        """A message of so many samples."""
        if count not in self._short:
            x, y, z = (",".join(values[:count]) for values in self._values)
            self._short[count] = f'],"x":[{x}],"y":[{y}],"z":[{z}],"unit":"g"}}'
        first_ms = first_ns // 10**6
        times = ",".join(map(str, range(first_ms, first_ms + count * STEP_NS // 10**6, STEP_NS // 10**6)))
        return f'{{"time_ms":[{times}{self._short[count]}'.encode()


@dataclass(frozen=True)
class Plan:
    """When the watches send: their pasts before ``begin_s``, spread over ``ramp_s``, then ``seconds`` of samples."""

    begin_s: float
    ramp_s: float
    seconds: int
    messages_per_s: int
    patience_s: float


async def one_watch(client: Client, plan: Plan) -> None:
    """Send the past at once, then samples in real time; then wait for the last labels."""
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: client, "127.0.0.1", client.port)
    await client.open
    phase_s = random.random()
    count = RATE_HZ // plan.messages_per_s
    origin_ns = (int((plan.begin_s + phase_s) * 1e3)) * 10**6
    await asyncio.sleep(max(0.0, plan.begin_s - SETTLED_S - random.random() * plan.ramp_s - time.time()))
    past = int(HEADROOM_S * RATE_HZ)
    # The times of the past end where the real time starts.
    client.send(origin_ns - past * STEP_NS, past)
    client.counting_from_ms = origin_ns // 10**6
    messages = plan.seconds * plan.messages_per_s
    for number in range(messages):
        # A message is sent when its last sample has been taken.
        at_s = origin_ns / 1e9 + ((number + 1) * count) / RATE_HZ
        await asyncio.sleep(max(0.0, at_s - time.time()))
        client.send(origin_ns + number * count * STEP_NS, count)
    last_ns = origin_ns + (messages * count - 1) * STEP_NS
    # Windows end one second apart. Those that can be labelled by now, less one at either end.
    client.result.expected = int((last_ns - REACH_NS - AFTER_ROWS * STEP_NS - origin_ns) / 1e9) - 1
    ended_s = time.monotonic()
    await asyncio.sleep(LEAST_PATIENCE_S)
    while client.result.received < client.result.expected and time.monotonic() - ended_s < plan.patience_s:
        await asyncio.sleep(0.2)
    client.leaving = True
    if client.transport is not None:
        client.transport.close()


def process(number: int, watches: int, port: int, plan: Plan, name: str, answer: Connection) -> None:
    """The watches of one process."""
    import uvloop

    async def run() -> Result:
        used = resource.getrusage(resource.RUSAGE_SELF)
        before_s = used.ru_utime + used.ru_stime
        values = Values(number)
        clients = [Client(f"{name}-{number}-{each}", port, values) for each in range(watches)]
        await asyncio.gather(*(one_watch(client, plan) for client in clients))
        total = Result()
        for client in clients:
            total.add(client.result)
        used = resource.getrusage(resource.RUSAGE_SELF)
        total.cpu_s = used.ru_utime + used.ru_stime - before_s
        return total

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answer.send(runner.run(run()))


def watches_sending(
    count: int,
    port: int,
    *,
    seconds: int,
    processes: int = 2,
    messages_per_s: int = 1,
    patience_s: float = LEAST_PATIENCE_S,
    name: str = "watch",
) -> Result:
    """Run so many watches for so many seconds, in processes of their own. Returns their labels and delays.

    Args:
        count: watches.
        port: the server's.
        seconds: of samples, after the past.
        processes: in which the watches are.
        messages_per_s: of each watch.
        patience_s: the longest wait for the last labels, after the last message.
        name: the beginning of the watches' names.
    """
    # Slowly enough that sending the past is no load.
    ramp_s = max(1.0, count / 150)
    plan = Plan(time.time() + 3 + ramp_s + SETTLED_S, ramp_s, seconds, messages_per_s, patience_s)
    context = multiprocessing.get_context("spawn")
    pipes, running = [], []
    for number in range(processes):
        share = count // processes + (number < count % processes)
        ours, theirs = context.Pipe(duplex=False)
        one = context.Process(target=process, args=(number, share, port, plan, name, theirs), daemon=True)
        one.start()
        theirs.close()
        pipes.append(ours)
        running.append(one)
    total = Result()
    for ours, one in zip(pipes, running, strict=True):
        total.add(ours.recv())
        one.join()
    return total
