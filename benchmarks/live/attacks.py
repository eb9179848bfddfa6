"""What hostile clients send to a server on this machine, for ``hostile_clients.py``: request heads, messages and files.

Each attack is a coroutine that runs again and again. It returns the server's answer in a word or two, so that answers
can be counted. All attacks are bounded in time and size, and connect to 127.0.0.1 only.
"""

import asyncio
import contextlib
import gzip
import io
import os
import random
import time
import zipfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import websockets

from benchmarks.live.proxy import STRANGER
from benchmarks.live.watches import upgrade

Attack = Callable[[int, random.Random], Awaitable[str]]
LONGEST_S = 15.0
"""The longest time that a client waits for an answer, or for the server to close the connection."""
UPLOAD_S = 120.0
PIECE = b"a" * 65536
ENDLESS_PIECES = 400
HALF_SOCKETS = 400
GET = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
SOCKET: dict[str, Any] = {"max_size": None, "close_timeout": 1, "local_addr": (STRANGER, 0)}
NAMES = 20
"""The number of watch names that hostile clients use."""
BETWEEN_S = 0.2
"""The longest pause between two attacks of a client. The server is measured, not the speed of the clients."""


@contextlib.asynccontextmanager
async def opened(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that is aborted at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(STRANGER, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def status(reader: asyncio.StreamReader, longest_s: float = LONGEST_S) -> str:
    """The status of the answer, or how the connection ended."""
    try:
        line = await asyncio.wait_for(reader.readline(), longest_s)
    except TimeoutError:
        return "no answer"
    except OSError:
        return "reset"
    return line.split(b" ")[1].decode(errors="replace") if line.startswith(b"HTTP/1.1 ") else "closed"


async def sent(port: int, *pieces: bytes, longest_s: float = LONGEST_S) -> str:
    """Send the pieces. Returns the answer."""
    async with opened(port) as (reader, writer):
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), longest_s)
        except (OSError, TimeoutError):
            pass  # the answer may be there all the same
        return await status(reader, longest_s)


# Heads


async def huge_head(port: int, _: random.Random) -> str:
    """A header of a megabyte."""
    return await sent(port, GET + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n")


async def endless_header(port: int, _: random.Random) -> str:
    """One header that grows to 26 MB."""
    return await sent(port, GET + b"X: ", *[PIECE] * ENDLESS_PIECES)


async def endless_headers(port: int, _: random.Random) -> str:
    """Small headers without end."""
    return await sent(port, GET, *[b"a: b\r\n" * 10_000] * ENDLESS_PIECES)


async def half_heads(port: int, chosen: random.Random) -> str:
    """Many sockets, each with half a request or with nothing. Counts those that the server closes."""
    closed = 0

    async def one() -> None:
        nonlocal closed
        async with opened(port) as (reader, writer):
            writer.write(GET[: chosen.randrange(len(GET))])
            answer = await status(reader)
            closed += answer != "no answer"

    await asyncio.gather(*(one() for _ in range(HALF_SOCKETS)), return_exceptions=True)
    return "all closed" if closed == HALF_SOCKETS else "some open"


async def dripping_head(port: int, _: random.Random) -> str:
    """A header every tenth of a second."""
    async with opened(port) as (reader, writer):
        writer.write(GET)
        answer = asyncio.ensure_future(status(reader, 2 * LONGEST_S))
        while not answer.done():
            writer.write(b"a: b\r\n")
            await asyncio.sleep(0.1)
        return await answer


async def two_hosts(port: int, _: random.Random) -> str:
    """Two Host headers."""
    return await sent(port, GET + b"Host: evil.example\r\n\r\n")


async def other_host(port: int, _: random.Random) -> str:
    """The Host of a page that made its name resolve to 127.0.0.1."""
    return await sent(port, b"GET /api/model HTTP/1.1\r\nHost: evil.example\r\n\r\n")


async def junk(port: int, chosen: random.Random) -> str:
    """No HTTP at all."""
    return await sent(port, chosen.randbytes(chosen.randrange(1, 4000)) + b"\r\n\r\n")


async def pipelined(port: int, _: random.Random) -> str:
    """Two thousand requests at once."""
    return await sent(port, (GET + b"\r\n") * 2000)


async def half_body(port: int, _: random.Random) -> str:
    """The beginning of a message, whose sender then disconnects."""
    return await sent(port, b"POST /push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{", longest_s=0.5)


async def broken_upgrade(port: int, chosen: random.Random) -> str:
    """A WebSocket request with an unreadable head, or from another site."""
    many = [f"x{number}: y" for number in range(200)]
    headers = chosen.choice([many, ["x: " + "y" * 9000], ["Origin: http://evil.example"], ["Host: evil.example"]])
    return await sent(port, upgrade(port, "hostile", *headers))


HEADS: tuple[Attack, ...] = (
    *(huge_head, endless_header, endless_headers, two_hosts, other_host, junk),
    *(pipelined, half_body, broken_upgrade),
)
FLOODS: tuple[Attack, ...] = (half_heads, dripping_head)
"""A proxy's work."""


# Messages


def texts(chosen: random.Random) -> Iterator[str | bytes]:
    """Invalid messages of samples."""
    t = "1700000000000"
    values = ["1e300", "-1.7e308", "1e400", "NaN", "-Infinity", "9" * 6000]
    values += ['"1"', "[1]", "{}", "true", "null", "1e-320"]
    for value in values:
        yield f'{{"time_ms": [{t}], "x": [{value}], "y": [1], "z": [1]}}'
        yield f'{{"time_ms": [{value}], "x": [1], "y": [1], "z": [1]}}'
        yield f'{{"time_ns": [{value}], "x": [1], "y": [1], "z": [1]}}'
    yield '{"time_ms": ["' + "a" * 5000 + '"' + ', ""' * 60_000 + '], "x": [1], "y": [1], "z": [1]}'
    yield f'{{"time_ms": [{t}], "x": ["' + "a" * 5000 + '"' + ', ""' * 60_000 + '], "y": [1], "z": [1]}'
    yield "[" * 1_000_000
    yield '{"x":' * 100_000
    yield from ("", "0", "null", "[]", "{}", '"x"', '{"time_ms": 1, "x": 1, "y": 1, "z": 1}')
    many = ",".join(["1"] * 100_000)
    yield f'{{"time_ms": [{",".join([t] * 100_000)}], "x": [{many}], "y": [{many}], "z": [{many}]}}'
    yield "x" * 3_000_000
    yield b"\x00" * 3_000_000
    yield chosen.randbytes(chosen.randrange(1, 100_000))
    yield f'{{"time_ms": [{t}], "x": [1], "y": [1], "z": [1], "unit": "kg"}}'
    yield '{"time_ms": [3999999999999], "x": [1], "y": [1], "z": [1]}'


async def message(port: int, chosen: random.Random) -> str:
    """One message, sent as text or as bytes. Returns the server's close code, or that it took the message."""
    content = chosen.choice(list(texts(chosen)))
    text = chosen.random() < 0.7
    path = f"/ws/samples?watch=hostile-{chosen.randrange(NAMES)}&ack=1"
    try:
        async with websockets.connect(f"ws://127.0.0.1:{port}{path}", **SOCKET) as socket:
            await socket.send(content, text=text)
            await asyncio.wait_for(socket.recv(), LONGEST_S)
            await asyncio.wait_for(socket.recv(), 0.2)
            return "taken"
    except websockets.ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else 1006)
    except TimeoutError:
        return "taken"


async def choices(port: int, chosen: random.Random) -> str:
    """Invalid choices of a watch, sent to a page's socket."""
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws/view", **SOCKET) as socket:
        try:
            await socket.send(chosen.choice(["{", "[" * 4000, '{"type": "choose", "watch": 1e400}', "x" * 100_000]))
            for _ in range(100):
                await asyncio.wait_for(socket.recv(), LONGEST_S)
        except websockets.ConnectionClosed as closed:
            return str(closed.rcvd.code if closed.rcvd else 1006)
        except TimeoutError:
            pass
    return "taken"


MESSAGES: tuple[Attack, ...] = (message, choices)


# Uploads


def files(bomb_bytes: int) -> dict[str, bytes]:
    """File name -> content of hostile files. Compressed bombs unpack to ``bomb_bytes``."""
    rows = b"".join(b"%d,0.1,0.2,9.8\n" % (1_700_000_000_000 + 20 * row) for row in range(400))
    head = b"time,x,y,z\n"
    noise = random.Random(0).randbytes(100_000)
    whole = gzip.compress(head + rows * 100)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"\n" * bomb_bytes)
    return {
        "newlines.csv.gz": gzip.compress(b"\n" * bomb_bytes),
        "spaces.csv.gz": gzip.compress(b'" \n"' * (bomb_bytes // 4)),
        "line.csv.gz": gzip.compress(head + rows + b"1" * bomb_bytes),
        "zeros.csv.gz": gzip.compress(bytes(bomb_bytes)),
        "zeros.cwa.gz": gzip.compress(bytes(bomb_bytes)),
        "zeros.bin.gz": gzip.compress(bytes(bomb_bytes)),
        "twice.csv.gz": gzip.compress(gzip.compress(b"\n" * bomb_bytes)),
        "bomb.zip": zipped.getvalue(),
        "bomb.gt3x": zipped.getvalue(),
        "cut.csv.gz": whole[: len(whole) // 2],
        "cut.zip": zipped.getvalue()[:-30],
        "cut.parquet": b"PAR1" + noise,
        "ends.parquet": b"PAR1" + noise + (5000).to_bytes(4, "little") + b"PAR1",
        "noise.cwa": b"MD" + noise,
        "noise.gt3x": noise,
        "noise.csv": noise,
        "noise.csv.gz": noise,
        "noise.avro": b"Obj\x01" + noise,
        "picture.csv": b"\x89PNG\r\n\x1a\n" + noise,
        "wild.csv": head + b"-9223372036854775808,1e308,1e400,nan\n" * 1000,
        "..%2F..%2Fetc%2Fpasswd%00.csv": head + rows,
        "empty.csv": b"",
    }


def uploads(bomb_bytes: int) -> tuple[Attack, ...]:
    """Attacks that post the files, and one that disconnects in the middle of a file."""
    made = files(bomb_bytes)

    async def post(port: int, chosen: random.Random) -> str:
        """Post one of the files."""
        name = chosen.choice(list(made))
        head = f"POST /api/recordings?name={name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(made[name])}"
        answer = await sent(port, f"{head}\r\n\r\n".encode(), made[name], longest_s=UPLOAD_S)
        return f"{name} {answer}"

    async def leave(port: int, _: random.Random) -> str:
        """Disconnect in the middle of a file."""
        head = "POST /api/recordings?name=a.csv.gz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000"
        return await sent(port, f"{head}\r\n\r\n".encode(), os.urandom(1000), longest_s=0.5)

    return post, post, leave


def attack(port: int, kinds: Sequence[str], seed: int, bomb_bytes: int, ours: Connection) -> None:
    """Run all hostile clients in one process.

    The process sends "ready", receives the time at which the attacks end, and sends how often each attack got each
    answer.
    """
    os.nice(5)  # the server and the watches share the machine with them
    attacks = {
        "heads": HEADS,
        "floods": FLOODS,
        "messages": MESSAGES * 2,
        "uploads": uploads(bomb_bytes) if "uploads" in kinds else (),
    }
    counts: dict[str, Counter[str]] = {}
    ours.send("ready")
    until_s = ours.recv()

    async def repeat(one: Attack, chosen: random.Random) -> None:
        while time.time() < until_s:
            try:
                found = await one(port, chosen)
            except Exception as error:  # a client that fails goes on; what the server did is counted
                found = type(error).__name__
            counts.setdefault(one.__name__, Counter())[found] += 1
            await asyncio.sleep(chosen.random() * BETWEEN_S)

    async def run() -> None:
        chosen = [one for kind in kinds for one in attacks[kind]]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(until_s - time.time()):
                await asyncio.gather(*(repeat(one, random.Random(seed + number)) for number, one in enumerate(chosen)))

    asyncio.run(run())
    ours.send({name: dict(sorted(found.items())) for name, found in sorted(counts.items())})
