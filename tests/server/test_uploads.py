"""Posted recordings are labelled in processes of their own; hostile ones affect only their sender."""

import gzip
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import orjson
import pytest

import people
from harken.server import app
from harken.server.limits import Limits
from harken.server.uploads import Uploads
from harken.support.resources import resident_bytes
from server_thread import Answer, Served, serving

MIB = 1 << 20


def until(true: Callable[[], Any], timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def posting(served: Served, name: str, body: bytes) -> tuple[threading.Thread, list[Answer]]:
    """Post in a thread; the answer stands in the list when the thread has ended."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(served.ask(f"/api/recordings?name={name}", body)))
    thread.start()
    return thread, answers


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_what_goes_wrong_costs_only_its_own_upload(tmp_path: Path, temporary: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    bomb = gzip.compress(recording[:20_000] + b"\n" * (24 * MIB))
    before = set(active_children())

    def working() -> list[Any]:
        return [process for process in active_children() if process not in before]

    with serving(limits=Limits(uploads=1)) as served:
        # The client goes away.
        with socket.create_connection(("127.0.0.1", served.port)) as client:
            head = f"POST /api/recordings?name=bob.csv HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(recording)}"
            client.sendall(f"{head}\r\n\r\n".encode() + recording)
            until(working)
        until(lambda: not working() and not list(temporary.glob("harken-*")))

        # The process dies.
        thread, answers = posting(served, "bob.csv", recording)
        until(working)
        os.kill(working()[0].pid, signal.SIGKILL)
        thread.join(30)
        assert answers[0].status == 422
        assert answers[0].json["error"].startswith("the process that labelled it ended, probably because memory")
        assert not list(temporary.glob("harken-*"))

        # The next one is labelled, and a bomb is refused without a trace in this process.
        assert served.ask("/api/recordings?name=bob.csv", recording).status == 200
        resident = resident_bytes()
        refused = served.ask("/api/recordings?name=a.csv.gz", bomb)
        assert refused.status == 422
        assert refused.json["error"].startswith("a.csv.gz: it unpacks to more than 200 times its size")
        assert resident_bytes() - resident < 32 * MIB
        assert not list(temporary.glob("harken-*"))

        # A process that died while it waited is not used.
        os.kill(working()[0].pid, signal.SIGKILL)
        until(lambda: not working())
        thread, _ = posting(served, "bob.csv", recording)
        until(working)
    thread.join(30)
    until(lambda: not working() and not list(temporary.glob("harken-*")))  # the server's end is theirs


def test_a_recording_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with serving(limits=Limits(upload_s=0.05)) as served:
        refused = served.ask("/api/recordings?name=bob.csv", recording)
        assert refused.status == 422
        assert refused.json["error"] == "labelling this recording takes longer than 0.05 s; use harken label"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux limits the memory of a process")
def test_a_recording_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    recording = people.write_person(tmp_path / "bob.csv", 2).read_bytes()
    with serving(limits=Limits(upload_memory_bytes=MIB)) as served:
        refused = served.ask("/api/recordings?name=bob.csv", recording)
        assert refused.status == 422
        assert "memory" in refused.json["error"]


def test_a_long_answer_is_neither_checked_nor_sent_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"start_ms": 0, "end_ms": 1, "label": "a", "wear": True, "activity_mg": 1.0, "probabilities": [0.5, 0.5]}
    answer = orjson.dumps({"rows": [row] * 50_000})

    async def label(_: Uploads, __: str, body: AsyncIterator[bytes], ___: Any) -> bytes:
        async for _piece in body:  # else the connection is reset with the unread body
            pass
        return answer

    monkeypatch.setattr(Uploads, "label", label)
    pieces: list[int] = []

    async def watched(content: bytes) -> Any:
        async for piece in original(content):
            pieces.append(len(piece))
            yield piece

    original = app._pieces
    monkeypatch.setattr(app, "_pieces", watched)
    with serving() as served:
        got = served.ask("/api/recordings?name=a.csv", b"x")
    assert got.body == answer  # which the schema would refuse: it lacks most of a timeline
    assert got.headers["content-length"] == str(len(answer))
    assert max(pieces) <= MIB
