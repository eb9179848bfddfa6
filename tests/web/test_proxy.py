"""The configuration of nginx in docs/live.md: watches go through it, and strangers that flood it do no harm."""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import websockets

from benchmarks.live.watches import wait_for
from server_process import free_port
from server_thread import Served, labels_until, message, now_wrist, serving

pytestmark = [
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
    pytest.mark.second_stage,
]
PAGE = Path(__file__).parents[2] / "docs" / "live.md"
HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"
STRANGER = "127.0.0.2"
"""An address of this machine that is not that of the other clients: nginx limits the connections of each address."""


@contextmanager
def run_nginx(ports: Sequence[int], folder: Path) -> Iterator[int]:
    """Run nginx with the configuration of the page in front of servers at these ports. Yield its own port."""
    port = free_port()
    (text,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    servers = "\n".join(f"server 127.0.0.1:{of_server};" for of_server in ports)
    text = re.sub(r"server 127\.0\.0\.1:8001;\s+server 127\.0\.0\.1:8002;", servers, text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("http {", "http {\naccess_log off;", 1)
    configuration = folder / "nginx.conf"
    configuration.write_text(text, encoding="utf-8")
    settings = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
    nginx = ["nginx", "-p", str(folder), "-c", str(configuration), "-e", f"{folder}/error.log", "-g", settings]
    running = subprocess.Popen(nginx)
    try:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close(), running)
        yield port
    finally:
        running.terminate()
        running.wait(20)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, list[Served]]]:
    """The proxy, and two servers behind it."""
    with (
        serving(token="secret") as first,
        serving(token="secret") as second,
        run_nginx([first.port, second.port], tmp_path_factory.mktemp("nginx")) as port,
    ):
        for server in (first, second):
            # At its first request, FastAPI builds its routes and silences warnings for the whole process meanwhile. Two
            # threads that do so at once hear each other's warnings.
            server.ask("/nothing")
        yield replace(first, port=port), [first, second]


def test_a_watch_goes_always_to_the_same_server(both: tuple[Served, list[Served]]) -> None:
    proxy, servers = both
    signals, time_ns = now_wrist(6)

    async def send(name: str) -> None:
        for rows in (slice(0, 200), slice(200, 300)):  # it connects twice
            async with websockets.connect(proxy.url(f"/ws/samples?token=secret&watch={name}", "ws")) as watch:
                await watch.send(message(signals[rows], time_ns[rows]))
                await labels_until(watch, 1)

    async def all_of_them() -> None:
        await asyncio.gather(*(send(f"watch-{number}") for number in range(12)))

    asyncio.run(all_of_them())
    names = [{watch["watch"] for watch in server.ask("/api/watches?token=secret").json} for server in servers]
    assert len(names[0]) + len(names[1]) == 12
    assert all(names)
    assert not names[0] & names[1]


def test_slow_heads_and_floods_of_a_stranger_leave_the_others_served(both: tuple[Served, list[Served]]) -> None:
    proxy, servers = both
    with ExitStack() as connections:

        def connect() -> socket.socket:
            return connections.enter_context(socket.create_connection(("127.0.0.1", proxy.port), 15, (STRANGER, 0)))

        slow, many = connect(), [connect() for _ in range(400)]
        slow.sendall(HEAD)
        for client in many:
            with suppress(OSError):
                client.sendall(HEAD + b"Connection: keep-alive\r\n\r\n")
        assert proxy.ask("/health").status == 200
        assert sum(len(server.server.server_state.connections) for server in servers) < 300
        answers = [client.recv(12) for client in many]
        assert answers.count(b"HTTP/1.1 503") > 200
        assert slow.recv(12) in (b"", b"HTTP/1.1 408")
