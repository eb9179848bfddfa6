"""Limits on connections: the heads of requests, and how many sockets there may be."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import websockets

import harken.server.connections as home
from harken.server.limits import Limits
from harken.server.metrics import Metrics
from server_thread import Served, message, now_wrist, serving

HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FEW = home.FEWEST


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(limits=Limits(head_bytes=20_000, head_s=0.4, connections=FEW)) as found:
        yield found


@pytest.fixture(scope="module")
def patient() -> Iterator[Served]:
    with serving(limits=Limits(connections=FEW)) as found:
        yield found


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    with serving(token="secret", limits=Limits(head_s=0.4)) as found:
        yield found


@contextmanager
def connected(served: Served, *sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as found:
        for each in sent:
            found.sendall(each)
        yield found


def rest(open_socket: socket.socket) -> bytes:
    """What comes until the server closes."""
    found = b""
    try:
        while piece := open_socket.recv(65536):
            found += piece
    except ConnectionResetError:
        pass  # it was closed before all that was sent had been read
    return found


def flood(open_socket: socket.socket, content: bytes) -> None:
    """Send, until it is sent or the socket is closed."""
    with suppress(OSError):
        open_socket.sendall(content)


def drip(open_socket: socket.socket, piece: bytes, longest_s: float = 5) -> float:
    """Send a piece now and then until the server closes; gives how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < longest_s:
        try:
            open_socket.sendall(piece)
        except OSError:
            break
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize("line", [b"X: " + b"a" * 30_000, b"a: b\r\n" * 6000, b"\r\n" * 20_000])
def test_a_head_that_is_too_large_is_refused(served: Served, line: bytes) -> None:
    start = b"" if line.startswith(b"\r\n") else HEAD
    with connected(served, start, line) as one:
        answer = rest(one)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"the head of a request may have at most 20,000 bytes" in answer
    with connected(served, HEAD + b"X: " + b"a" * 15_000 + b"\r\nConnection: close\r\n\r\n") as one:
        assert rest(one).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_never_ends_takes_no_more_than_the_limit(served: Served) -> None:
    with connected(served, HEAD + b"X: ") as one, pytest.raises(OSError, match=r"reset|pipe"):
        one.sendall(b"a" * 40_000_000)


def test_half_a_head_is_answered_with_408(served: Served) -> None:
    with connected(served, HEAD) as one:
        assert rest(one).startswith(b"HTTP/1.1 408 ")
    with connected(served) as one:
        assert rest(one) == b""  # a browser opens connections in advance


@pytest.mark.parametrize("before", [b"", HEAD + b"\r\n"])
@pytest.mark.parametrize("piece", [b"a: b\r\n", b"\r\n"])
def test_a_head_that_comes_in_drops_is_not_waited_for(served: Served, before: bytes, piece: bytes) -> None:
    with connected(served, before) as one:
        if before:
            assert one.recv(9) == b"HTTP/1.1 "
        if piece.strip():
            one.sendall(HEAD)
        assert drip(one, piece) < 2


@pytest.mark.parametrize("connection", [b"keep-alive", b"close"])
def test_a_body_that_is_refused_is_not_read_for_ever(guarded: Served, connection: bytes) -> None:
    head = b"POST /push HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\nConnection: " + connection
    with connected(guarded, head + b"\r\n\r\n{") as one:
        assert one.recv(12) == b"HTTP/1.1 401"  # before the body came
        assert drip(one, b"x") < 2


def test_requests_in_a_row_are_answered_up_to_a_limit(patient: Served) -> None:
    request = HEAD + b"\r\n"
    with connected(patient, request * 3 + HEAD + b"Connection: close\r\n\r\n") as one:
        assert rest(one).count(b"HTTP/1.1 200 ") == 4
    with connected(patient, request * 4000) as one:
        assert 1 <= rest(one).count(b"HTTP/1.1 200 ") <= 4 * home.PIPELINED


def test_those_that_wait_longest_are_closed_for_others(patient: Served) -> None:
    signals, time_ns = now_wrist(6)

    async def labelled() -> None:
        async with websockets.connect(patient.url("/ws/samples?watch=w&ack=1", "ws")) as watch:
            with ExitStack() as half:
                many = [half.enter_context(connected(patient, HEAD)) for _ in range(3 * FEW)]
                assert patient.ask("/health").status == 200
                assert len(patient.server.server_state.connections) <= FEW
                assert rest(many[0]) == b""
                many[-1].sendall(b"\r\n")
                assert many[-1].recv(12) == b"HTTP/1.1 200"
                await watch.send(message(signals, time_ns))
                assert '"ack"' in str(await watch.recv())

    refused = patient.metric("harken_refused_total")
    asyncio.run(labelled())
    assert patient.metric("harken_refused_total") >= refused + 2 * FEW


def test_websockets_leave_room_for_requests(patient: Served) -> None:
    async def fill() -> None:
        url = patient.url("/ws/samples?watch=w", "ws")
        opened = [await websockets.connect(url) for _ in range(FEW - home.RESERVED_HTTP)]
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(url)
        assert refused.value.response.status_code == 503
        assert patient.ask("/health").status == 200
        for one in opened:
            await one.close()
        async with websockets.connect(url):
            pass

    asyncio.run(fill())


def test_there_are_fewer_connections_than_file_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(home, "_open_files", lambda: 20)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert home.Connections(Limits(), Metrics()).most == 256 - 20 - home.RESERVED_FILES
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1 << 20))
    assert home.Connections(Limits(connections=5000), Metrics()).most == 5000
    assert set_to[-1] == (5000 + 20 + home.RESERVED_FILES, 1 << 20)


class Lines(logging.Handler):
    """What the server logs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


@contextmanager
def logged() -> Iterator[list[str]]:
    """The lines that a server logs that runs already."""
    handler = Lines()
    logging.getLogger("uvicorn.error").addHandler(handler)
    try:
        yield handler.found
    finally:
        logging.getLogger("uvicorn.error").removeHandler(handler)


def upgrade(*headers: str, path: str = "/ws/view") -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    return "\r\n".join([*lines, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        (("Host: 127.0.0.1",), "/ws/view?token=wrong", 401),
        (("Host: 127.0.0.1",), "/ws/nowhere?token=secret", 403),
        (("Host: 127.0.0.1", "Origin: http://evil.example"), "/ws/view?token=secret", 403),
        (("Host: 127.0.0.1", "Origin: http://["), "/ws/view", 403),
        (("Host: 127.0.0.1", "Host: evil.example"), "/ws/view?token=secret", 400),
    ],
)
def test_a_websocket_that_is_refused_is_one_line_of_the_log(
    guarded: Served, headers: tuple[str, ...], path: str, status: int
) -> None:
    with logged() as lines, connected(guarded, upgrade(*headers, path=path)) as one:
        assert rest(one).startswith(f"HTTP/1.1 {status} ".encode())
        guarded.ask("/health")  # what the refusal leaves behind has been done by now
    assert len(lines) == 1
    assert lines[0].startswith("refused a WebSocket of 127.0.0.1 at '/ws/")
    assert f"with {status} " in lines[0]
    assert "token=" not in lines[0].replace("?token=TOKEN", "")


def test_text_that_is_not_utf_8_is_refused_without_a_traceback(served: Served) -> None:
    async def send() -> None:
        async with websockets.connect(served.url("/ws/samples?watch=w", "ws")) as one:
            await one.send(b"\xff\xfe{", text=True)
            assert "this is not JSON" in str(await one.recv())
            with pytest.raises(websockets.ConnectionClosedError):
                await one.recv()
            assert one.close_code == 1007

    with logged() as lines:
        asyncio.run(send())
    assert lines == []


def test_a_websocket_whose_request_cannot_be_read_is_closed(served: Served) -> None:
    for headers in ([f"x{number}: y" for number in range(200)], ["x: " + "y" * 9000]):
        with connected(served, upgrade("Host: 127.0.0.1", *headers)) as one:
            assert rest(one).startswith(b"HTTP/1.1 400 ")
    assert not [one for one in served.server.server_state.connections if not hasattr(one, "pipeline")]


def test_a_flood_of_pings_leaves_the_others_their_turn(patient: Served) -> None:
    ping = bytes([0x89, 0x80, 0, 0, 0, 0])
    with connected(patient, upgrade("Host: 127.0.0.1", path="/ws/samples?watch=w")) as one:
        assert one.recv(12) == b"HTTP/1.1 101"
        reading = threading.Thread(target=rest, args=(one,))
        flooding = threading.Thread(target=flood, args=(one, ping * 200_000))
        reading.start()
        flooding.start()
        began = time.monotonic()
        assert patient.ask("/health").status == 200
        assert time.monotonic() - began < 1
        one.shutdown(socket.SHUT_RDWR)
        flooding.join()
        reading.join()


def test_a_message_comes_in_so_many_frames(patient: Served) -> None:
    first, more = bytes([0x01, 0x80, 0, 0, 0, 0]), bytes([0x00, 0x80, 0, 0, 0, 0])
    with connected(patient, upgrade("Host: 127.0.0.1", path="/ws/samples?watch=w")) as one:
        assert one.recv(12) == b"HTTP/1.1 101"
        one.sendall(first + more * 1100)
        assert b"a message may be sent in 1,024 frames" in rest(one)


def test_a_client_that_leaves_within_its_message_is_no_fault_to_log(served: Served) -> None:
    with logged() as lines:
        with connected(served, b"POST /push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"):
            time.sleep(0.1)
        while served.server.server_state.tasks:
            time.sleep(0.02)
    assert lines == []
