"""What must hold for watches through WebSockets: nothing acknowledged is lost, nothing waits for a slow client."""

import asyncio
import gc
import json
import random
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pytest
import websockets
from numpy.typing import NDArray
from starlette.websockets import WebSocket
from uvicorn.protocols.http.h11_impl import H11Protocol

from harken.labelling.live.stream import Due
from harken.models.recogniser import Recogniser
from harken.web.clients import Client
from harken.web.limits import Limits
from harken.web.metrics import Metrics
from harken.web.sample_log import logged_samples
from server_process import server_process
from server_thread import Served, heard, labels_until, message, now_wrist, received, serving
from waiting import until

USUAL = Due.probabilities


class Network:
    """``Due.probabilities``, which waits while it is closed."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def probabilities(self, due: Due, recogniser: Recogniser) -> NDArray[np.float32]:
        if len(due.signals):
            self.open.wait(60)
        return USUAL(due, recogniser)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    found = Network()
    monkeypatch.setattr(Due, "probabilities", lambda due, recogniser: found.probabilities(due, recogniser))
    yield found
    found.open.set()


def messages_of(seconds: int) -> list[str]:
    """A wrist in messages of a second."""
    signals, time_ns = now_wrist(seconds)
    return [message(signals[row : row + 50], time_ns[row : row + 50]) for row in range(0, len(signals), 50)]


def test_nothing_is_lost_of_what_waits_while_the_network_is_slow(network: Network) -> None:
    seconds = 300
    messages = messages_of(seconds)

    async def send(served: Served) -> list[dict[str, Any]]:
        async with websockets.connect(served.url("/ws/samples?watch=w", "ws"), max_queue=None) as watch:
            sending = asyncio.ensure_future(send_all(watch))
            await asyncio.sleep(1)
            assert served.metric("harken_waiting_messages") <= 64
            network.open.set()
            await sending
            return await labels_until(watch, seconds - 2)

    async def send_all(watch: Any) -> None:
        for text in messages:
            await watch.send(text)

    with serving() as served:
        labels = asyncio.run(send(served))
    assert np.diff([label["end_ms"] for label in labels]).tolist() == [1000] * (len(labels) - 1)


def test_a_message_may_be_text_or_bytes_in_several_frames() -> None:
    signals, time_ns = now_wrist(2)
    text = message(signals[:50], time_ns[:50])
    with serving() as served, served.connect("/ws/samples?watch=w&ack=1") as watch:
        watch.send([text[:9], "", text[9:700], text[700:]])
        watch.ping()
        watch.send(message(signals[50:], time_ns[50:]).encode())
        while heard(watch)["messages"] != 2:
            pass
        assert served.metric("harken_samples_total") == 100


def test_messages_after_a_refused_one_are_not_taken() -> None:
    first, *_, last = messages_of(4)
    with serving() as served, served.connect("/ws/samples?watch=w&ack=1") as watch:
        for text in (first, "{", last):
            watch.send(text)
        frames = []
        with suppress(websockets.ConnectionClosed):
            while True:
                frames.append(heard(watch))
        assert frames[-1]["type"] == "error"
        assert [frame["messages"] for frame in frames if frame["type"] == "ack"] == [1]
        assert served.metric("harken_samples_total") == 50


def test_refused_messages_are_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even until cycles of garbage are looked for, which here is never."""
    monkeypatch.setattr("harken.web.hub.SWEEP_S", 1000.0)
    text, messages = '{"time_ms": ["' + "a" * 500_000, 20

    def send(served: Served) -> None:
        with served.connect("/ws/samples?watch=w") as watch, suppress(websockets.ConnectionClosed):
            watch.send(text)
            while True:
                heard(watch)

    with serving() as served:
        send(served)
        gc.disable()
        tracemalloc.start()
        try:
            for _ in range(messages):
                send(served)
            until(lambda: served.metric("harken_refused_total") == messages + 1)
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()
    assert held < messages * len(text) / 4


def test_what_unreadable_heads_leave_is_removed_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn leaves a cycle of each, with what was sent."""
    monkeypatch.setattr("harken.web.hub.SWEEP_S", 0.2)

    def connections() -> int:
        return sum(type(each) is H11Protocol for each in gc.get_objects())

    with serving() as served:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", served.port), 20) as sender:
                sender.sendall(b"no HTTP\r\n\r\n")
                assert sender.recv(200).startswith(b"HTTP/1.1 400")
        until(lambda: connections() == 0)


def test_what_came_before_the_client_left_is_taken(network: Network) -> None:
    with serving() as served:
        for text in messages_of(8):
            with served.connect("/ws/samples?watch=w") as watch:
                watch.send(text)
        network.open.set()
        until(lambda: served.metric("harken_samples_total") == 400)
        assert served.ask("/api/watches").json[0]["watch"] == "w"


async def small_view(served: Served) -> Any:
    """A socket of a page that reads nothing by itself."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    small.connect(("127.0.0.1", served.port))
    return await websockets.connect(
        served.url("/ws/view", "ws"), sock=small, max_queue=1, max_size=None, ping_interval=None, close_timeout=0.1
    )


def test_a_slow_reader_loses_the_oldest_frames_is_told_and_delays_nobody() -> None:
    signals, time_ns = now_wrist(40)

    async def look(served: Served) -> int:
        async with websockets.connect(served.url("/ws/samples?watch=w&ack=1", "ws")) as watch:
            await watch.send(message(signals[:1500], time_ns[:1500]))
            slow = await small_view(served)
            async with websockets.connect(served.url("/ws/view", "ws")) as quick:
                for _ in range(200):  # each gives a history of 40 kB
                    await slow.send(json.dumps({"type": "choose", "watch": "w"}))
                enough_ms, newest_ms = time_ns[-1] // 10**6 - 2000, 0
                for rows in np.array_split(np.arange(1500, len(time_ns)), 10):  # each in a tick of its own
                    await watch.send(message(signals[rows], time_ns[rows]))
                    while (heard := await received(watch))["type"] != "ack":
                        newest_ms = max(newest_ms, heard.get("end_ms", 0))
                while newest_ms < enough_ms:
                    newest_ms = (await received(watch)).get("end_ms", 0)
                while (await received(quick)).get("end_ms", 0) < enough_ms:
                    pass
            frames = [await received(slow)]
            while frames[-1].get("end_ms", 0) < enough_ms:
                frames.append(await received(slow))
            await slow.close()
        return sum(frame["frames"] for frame in frames if frame["type"] == "dropped")

    with serving(limits=Limits(frames=4)) as served:
        told = asyncio.run(look(served))
        until(lambda: served.metric("harken_dropped_frames_total") >= told > 0)


@pytest.mark.second_stage
def test_a_reader_that_never_reads_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harken.web.clients.UNREAD_S", 0.5)
    signals, time_ns = now_wrist(30)

    async def look(served: Served) -> None:
        async with websockets.connect(served.url("/ws/samples?watch=w&ack=1", "ws")) as watch:
            await watch.send(message(signals, time_ns))
            deaf = await small_view(served)
            with suppress(websockets.ConnectionClosed):
                while served.metric("harken_viewers"):
                    for _ in range(20):
                        await deaf.send(json.dumps({"type": "choose", "watch": "w"}))
                    await asyncio.sleep(0.05)
            deaf.transport.abort()

    with serving() as served:
        asyncio.run(asyncio.wait_for(look(served), 30))


def test_only_the_newest_message_of_a_kind_waits() -> None:
    class Reader:
        sent: ClassVar[list[str]] = []

        async def send_text(self, frame: str) -> None:
            self.sent.append(frame)

    async def write() -> None:
        client = Client(cast(WebSocket, Reader()), Limits(), Metrics())
        for messages in range(1000):
            client.put_newest("ack", str(messages))
        client.put_newest("replaced", "all")
        with suppress(TimeoutError):
            await asyncio.wait_for(client.write(), 0.1)

    asyncio.run(write())
    assert Reader.sent == ["999", "all"]


def test_a_frame_that_replaces_others_is_sent_first_and_is_not_dropped() -> None:
    class Reader:
        sent: ClassVar[list[str]] = []

        async def send_text(self, frame: str) -> None:
            self.sent.append(frame)

    async def write() -> None:
        client = Client(cast(WebSocket, Reader()), Limits(frames=2), Metrics())
        client.put("old")
        client.replace("model")
        for number in range(4):
            client.put(f"new {number}")
        with suppress(TimeoutError):
            await asyncio.wait_for(client.write(), 0.1)

    asyncio.run(write())
    assert Reader.sent == ["model", '{"type":"dropped","frames":3}', "new 2", "new 3"]


def request(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade(path: str, *headers: str) -> bytes:
    words = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    return request(f"GET {path} HTTP/1.1", *words, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *headers)


def answer_to(served: Served, *sent: bytes) -> bytes:
    """What comes until the server closes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as client:
        answer = b""
        with suppress(ConnectionError):  # it may be closed before all that was sent has been read
            for piece in sent:
                client.sendall(piece)
            while piece := client.recv(65536):
                answer += piece
        return answer


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    with serving(token="secret") as served:
        yield served


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        (("Host: 127.0.0.1",), "/ws/view?token=wrong", 401),
        (("Host: 127.0.0.1", "Origin: http://evil.example"), "/ws/view?token=secret", 403),
        (("Host: 127.0.0.1", "Origin: http://["), "/ws/view", 403),
    ],
)
def test_a_websocket_that_is_refused_is_one_line_of_the_log(
    guarded: Served, log: list[str], headers: tuple[str, ...], path: str, status: int
) -> None:
    assert answer_to(guarded, upgrade(path, *headers)).startswith(f"HTTP/1.1 {status} ".encode())
    until(lambda: not guarded.server.server_state.tasks)
    assert len(log) == 1
    assert log[0].startswith("refused a WebSocket of 127.0.0.1 at '/ws/")
    assert f"with {status} " in log[0]
    assert "token=" not in log[0].replace("?token=TOKEN", "")


def test_two_hosts_and_a_path_that_is_no_socket_are_refused(guarded: Served) -> None:
    assert answer_to(guarded, upgrade("/ws/nowhere?token=secret", "Host: a")).startswith(b"HTTP/1.1 403 ")
    assert answer_to(guarded, upgrade("/ws/view?token=secret", "Host: a", "Host: b")).startswith(b"HTTP/1.1 400 ")


def test_a_head_that_is_too_large_is_refused(guarded: Served) -> None:
    head = ("GET /health HTTP/1.1", "Host: 127.0.0.1", "Connection: close")
    assert b"200 OK" not in answer_to(guarded, request(*head, "X: " + "a" * 1_000_000))
    assert answer_to(guarded, request(*head, "X: " + "a" * 20_000)).startswith(b"HTTP/1.1 200 ")
    for more in ("X: " + "a" * 9_000, "\r\n".join(150 * ["X: a"])):
        refused = answer_to(guarded, upgrade("/ws/view?token=secret", "Host: a", more))
        assert refused.startswith(b"HTTP/1.1 431 ")
        assert b"Failed to open a WebSocket connection: " in refused


def test_a_client_that_leaves_within_its_message_is_no_fault_to_log(guarded: Served, log: list[str]) -> None:
    head = request("POST /push?token=secret HTTP/1.1", "Host: a", "Content-Length: 9")
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as client:
        client.sendall(head + b"{")
        until(lambda: guarded.server.server_state.tasks)
    until(lambda: not guarded.server.server_state.tasks)
    assert log == []


@pytest.mark.parametrize(
    ("path", "sentence"), [("/ws/samples?watch=w", "this is not JSON"), ("/ws/view", "a message must be")]
)
def test_text_that_is_not_utf_8_closes_the_socket_with_a_reason(log: list[str], path: str, sentence: str) -> None:
    messages: list[str] = []
    with serving() as served, served.connect(path) as client:
        client.send(b"\xff\xfe{", text=True)
        with suppress(websockets.ConnectionClosed):
            while True:
                messages.append(str(client.recv(20)))
        assert client.close_code == 1007
        assert (client.close_reason or "").startswith(sentence)
    assert json.loads(messages[-1])["message"].startswith(sentence)
    assert log == []


async def until_killed(address: str, name: str, first_ms: int, random_numbers: random.Random) -> tuple[int, int]:
    """Send messages of ten samples until the server is gone. Returns the messages sent, and those acknowledged."""
    sent = acknowledged = 0
    with suppress(websockets.ConnectionClosed):
        async with websockets.connect(f"{address}/ws/samples?watch={name}") as watch:
            while True:
                times = [first_ms + 20 * (10 * sent + row) for row in range(10)]
                values = [random_numbers.random() for _ in times]
                await watch.send(json.dumps({"time_ms": times, "x": values, "y": values, "z": values}))
                sent += 1
                with suppress(TimeoutError):
                    frame = json.loads(await asyncio.wait_for(watch.recv(), random_numbers.random() / 20))
                    acknowledged = frame.get("messages", acknowledged)
    return sent, acknowledged


@pytest.mark.second_stage
def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    random_numbers = random.Random(5)
    names, first_ms = [f"watch-{number}" for number in range(3)], 1_700_000_000_000
    expected: dict[str, int] = dict.fromkeys(names, 0)

    async def send(process: Any, address: str) -> list[tuple[int, int]]:
        asyncio.get_running_loop().call_later(0.3 + 2 * random_numbers.random(), process.kill)
        return await asyncio.gather(
            *(until_killed(address.replace("http", "ws"), name, first_ms, random_numbers) for name in names)
        )

    for _ in range(3):
        with server_process("--keep", str(tmp_path / "keep"), log=tmp_path / "log.txt") as (process, address):
            ends = asyncio.run(send(process, address))
        for name, (sent, acknowledged) in zip(names, ends, strict=True):
            kept = [lot.time_ns for lot in logged_samples(tmp_path / "keep", watch=name)][expected[name] :]
            expected[name] += len(kept)
            assert acknowledged <= len(kept) <= sent
            whole_ms = first_ms + 20 * np.arange(10 * len(kept))
            np.testing.assert_array_equal(np.concatenate([*kept, np.empty(0, np.int64)]) // 10**6, whole_ms)
        first_ms += 10**7
    assert min(expected.values()) > 0
