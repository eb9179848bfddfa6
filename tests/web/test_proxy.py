"""The configuration of nginx in docs/live.md: watches go through it, and strangers that flood it do no harm."""

import asyncio
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest
import websockets

from benchmarks.live.proxy import STRANGER, proxied
from server_thread import Served, labels_until, message, now_wrist, serving

pytestmark = [
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
    pytest.mark.second_stage,
]
HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Served, list[Served]]]:
    """The proxy, and two servers behind it."""
    with (
        serving(token="secret") as first,
        serving(token="secret") as second,
        proxied([first.port, second.port]) as port,
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
