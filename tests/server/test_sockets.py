"""The short way of a watch's messages: whole frames, frames in pieces, and messages that come faster than ticks."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

import harken.server.inbox as inbox
from harken.server.inbox import Inbox, Sender
from harken.server.limits import Limits
from harken.server.sockets import MOST_WHOLE, Socket
from server_thread import Served, labels_until, message, now_wrist, received, serving
from waiting import until

HEAD = "\r\n".join(
    [
        "GET /ws/samples?watch=w HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "",
        "",
    ]
).encode()


class Heard:
    """A listener that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.over = False

    def received(self, message: bytes) -> None:
        self.messages.append(message)

    def writable(self) -> None:
        pass

    def ended(self) -> None:
        self.over = True


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.reading = True
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


async def opened(heard: Heard, most_bytes: int = 1 << 20, ping_s: float | None = None) -> tuple[Socket, Wire]:
    """A socket whose handshake is over, without a network."""

    async def application(_: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()

    config = SimpleNamespace(
        loaded=True,
        loaded_app=application,
        root_path="",
        asgi_version="3.0",
        ws_per_message_deflate=False,
        ws_max_size=most_bytes,
        ws_ping_interval=ping_s,
        ws_ping_timeout=ping_s,
    )
    state = SimpleNamespace(connections=set(), tasks=set(), default_headers=[])
    one = Socket(set(), config=config, server_state=state, app_state={})
    wire = Wire()
    one.connection_made(cast(asyncio.Transport, wire))
    one.data_received(HEAD)
    for _ in range(5):
        await asyncio.sleep(0)
    assert wire.written.startswith(b"HTTP/1.1 101")
    wire.written.clear()
    one.listen(heard)
    return one, wire


def frames_of(content: bytes, cuts: list[int], *, text: bool) -> list[bytes]:
    """A message in one frame, or in several cut at these places."""
    edges = [0, *sorted({cut % (len(content) + 1) for cut in cuts}), len(content)]
    parts = [content[first:last] for first, last in pairwise(edges)]
    kinds = [Opcode.TEXT if text else Opcode.BINARY, *[Opcode.CONT] * (len(parts) - 1)]
    return [
        Frame(kind, part, fin=number == len(parts) - 1).serialize(mask=True)
        for number, (kind, part) in enumerate(zip(kinds, parts, strict=True))
    ]


@settings(max_examples=100)
@given(
    sent=st.lists(
        st.tuples(
            st.binary(max_size=40) | st.sampled_from([b"a" * 125, b"b" * 126, b"c" * 5000, b"d" * 70_000]),
            st.lists(st.integers(0, 10**6), max_size=3) | st.just([]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=8,
    ),
    pieces=st.lists(st.integers(1, 9000), min_size=1, max_size=20),
)
def test_every_message_arrives_in_order_however_frames_and_input_are_cut(
    sent: list[tuple[bytes, list[int], bool, bool]], pieces: list[int]
) -> None:
    stream, pings = b"", 0
    for content, cuts, text, ping in sent:
        frames = frames_of(content, cuts, text=text)
        if ping:  # a ping may come within a message
            frames.insert(len(frames) // 2, Frame(Opcode.PING, b"?").serialize(mask=True))
            pings += 1
        stream += b"".join(frames)

    async def run() -> tuple[list[bytes], bytes]:
        heard = Heard()
        one, wire = await opened(heard)
        at = number = 0
        while at < len(stream):
            one.data_received(stream[at : at + pieces[number % len(pieces)]])
            at += pieces[number % len(pieces)]
            number += 1
            while not wire.reading:
                await asyncio.sleep(0)
        return heard.messages, bytes(wire.written)

    messages, written = asyncio.run(run())
    assert messages == [content for content, *_ in sent]
    assert written == Frame(Opcode.PONG, b"?").serialize(mask=False) * pings if pings else written == b""


def test_a_frame_that_is_too_long_is_refused_by_the_short_way_too() -> None:
    async def run() -> None:
        heard = Heard()
        one, wire = await opened(heard, most_bytes=1000)
        one.data_received(b"".join(frames_of(b"a" * 1000, [], text=True) + frames_of(b"b" * 1001, [], text=True)))
        assert heard.messages == [b"a" * 1000]
        assert b"\x03\xf1" in wire.written  # 1009
        assert heard.over

    asyncio.run(run())


def test_what_is_sent_are_frames_until_the_socket_closes() -> None:
    async def run() -> None:
        one, wire = await opened(Heard())
        for size in (0, 125, 126, 65_535, 65_536):
            wire.written.clear()
            assert one.write(b"x" * size)
            assert bytes(wire.written) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)
        one.pause_writing()
        assert not one.write(b"x")
        one.resume_writing()
        assert one.write(b"x")
        one.data_received(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
        wire.written.clear()
        assert not one.write(b"x"), "nothing may follow the closing frame"

    asyncio.run(run())


def test_who_answers_no_ping_is_closed_unless_messages_come() -> None:
    async def run(sends: bool, held: bool) -> bool:
        one, wire = await opened(Heard(), ping_s=0.05)
        if held:
            one.hold()
        for _ in range(30):
            await asyncio.sleep(0.01)
            if sends:
                one.data_received(frames_of(b"{}", [], text=True)[0])
        assert Frame(Opcode.PING, b"1234").serialize(mask=False)[:2] in wire.written
        closed = wire.closed
        one.connection_lost(None)
        return closed

    assert asyncio.run(run(sends=False, held=False))
    assert not asyncio.run(run(sends=True, held=False))
    assert not asyncio.run(run(sends=False, held=True)), "its answer may wait in this machine"


def test_a_socket_with_many_messages_waits_until_they_are_taken() -> None:
    async def run() -> None:
        heard = Heard()
        one, wire = await opened(heard)
        box = Inbox(lambda: None)
        sender = Sender(box, one, Limits(), "w", acknowledging=False)
        one.listen(sender)
        texts = [b"%d" % number for number in range(3 * MOST_WHOLE)]
        one.data_received(b"".join(frames_of(text, [], text=True)[0] for text in texts))
        assert not wire.reading
        found = []
        for _ in range(20):
            await asyncio.sleep(0)
            assert len(box) <= 2 * inbox.WAITING_MESSAGES + 680  # of one piece of input
            found += [one.text for one in box.take(10, 10**6)]
        while len(found) < len(texts):
            found += [one.text for one in box.take(50, 10**6)]
            await asyncio.sleep(0)
        assert found == texts
        assert wire.reading

    asyncio.run(run())


@contextmanager
def without_ticks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server whose ticks take nothing for now."""
    allowed = {"take": False}
    take = Inbox.take
    monkeypatch.setattr(Inbox, "take", lambda self, *most: take(self, *most) if allowed["take"] else [])
    with serving() as served:
        cast(Any, served.server).allow = lambda: allowed.update(take=True)
        yield served


def test_nothing_is_lost_of_what_waits_in_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket is read no further when much waits for a tick; the client's messages wait in its system, and all of them
    are taken later."""
    seconds = 300
    signals, time_ns = now_wrist(seconds)
    messages = [message(signals[row : row + 50], time_ns[row : row + 50]) for row in range(0, len(signals), 50)]
    assert sum(map(len, messages)) > 10 * inbox.WAITING_BYTES

    async def send(served: Served) -> list[dict[str, Any]]:
        async with websockets.connect(served.url("/ws/samples?watch=w", "ws"), max_queue=None) as one:
            sending = asyncio.ensure_future(send_all(one))
            await asyncio.sleep(1)
            assert served.metric("harken_waiting_messages") <= 2 * inbox.WAITING_MESSAGES
            cast(Any, served.server).allow()
            await sending
            return await labels_until(one, seconds - 2)

    async def send_all(one: Any) -> None:
        for each in messages:
            await one.send(each)

    with without_ticks(monkeypatch) as served:
        labels = asyncio.run(send(served))
    assert np.diff([one["end_ms"] for one in labels]).tolist() == [1000] * (len(labels) - 1)


def test_messages_after_a_refused_one_are_not_taken() -> None:
    signals, time_ns = now_wrist(4)
    halves = [message(signals[rows], time_ns[rows]) for rows in (slice(0, 100), slice(100, 200))]

    async def send(served: Served) -> None:
        async with websockets.connect(served.url("/ws/samples?watch=w&ack=1", "ws")) as one:
            for each in (halves[0], "{", halves[1]):
                await one.send(each)
            frames = []
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    frames.append(await received(one))
            assert frames[-1]["type"] == "error"
            assert [frame["messages"] for frame in frames if frame["type"] == "ack"] == [1]

    with serving() as served:
        asyncio.run(send(served))
        assert served.metric("harken_samples_total") == 100


def test_what_came_before_the_client_left_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    signals, time_ns = now_wrist(4)
    with without_ticks(monkeypatch) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as one:
            one.sendall(HEAD)
            assert one.recv(12) == b"HTTP/1.1 101"
            one.sendall(frames_of(message(signals, time_ns).encode(), [], text=True)[0])
            until(lambda: served.metric("harken_waiting_messages") == 1)
        cast(Any, served.server).allow()
        until(lambda: served.metric("harken_samples_total") == len(signals))
        assert served.ask("/api/watches").json[0]["watch"] == "w"


def test_a_tick_takes_no_more_after_so_many_bytes() -> None:
    async def run() -> None:
        one, _ = await opened(Heard())
        box = Inbox(lambda: None)
        sender = Sender(box, one, Limits(), "w", acknowledging=False)
        for size in (40, 50, 60, 70):
            sender.received(b"x" * size)
        assert [len(each.text) for each in box.take(100, 91)] == [40, 50, 60]
        assert [len(each.text) for each in box.take(100, 1)] == [70]

    asyncio.run(run())


def test_the_memory_of_a_closed_socket_is_free_at_once() -> None:
    async def send(served: Served) -> None:
        signals, time_ns = now_wrist(3)
        for path in ("/ws/samples?watch=w&ack=1", "/ws/view"):
            async with websockets.connect(served.url(path, "ws")) as one:
                if "ack" in path:
                    await one.send(message(signals, time_ns))
                await received(one)

    with serving() as served:
        asyncio.run(send(served))  # what is made only once
        until(lambda: not sockets_in_memory())
        gc.collect()
        gc.disable()
        try:
            asyncio.run(send(served))
            until(lambda: not sockets_in_memory())
        finally:
            gc.enable()


def sockets_in_memory() -> int:
    """How many sockets, or their protocols, are in memory."""
    return sum(issubclass(type(each), Socket | ServerProtocol) for each in gc.get_objects())
