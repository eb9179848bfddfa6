"""A process beside the server always ends with a message, a sentence that says how it ended."""

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harken.server.background import Background, Send


def opens(_: Send, path: str) -> None:
    Path(path).read_text()


def fills(_: Send, path: str) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", path)


def fails(_: Send, words: str) -> None:
    raise OSError(words)


def leaves(_: Send, code: str) -> None:
    os._exit(int(code))


def is_killed(_: Send, number: str) -> None:
    os.kill(os.getpid(), int(number))


def last_message(work: Callable[[Send, str], None], argument: str) -> dict[str, Any]:
    async def wait() -> dict[str, Any]:
        found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        background = Background(work, (argument,), found.set_result, niceness=0)
        try:
            return await asyncio.wait_for(found, 60)
        finally:
            background.end()

    return asyncio.run(wait())


@pytest.mark.parametrize(
    ("work", "argument", "sentence"),
    [
        (opens, "/no/file", "/no/file: a file cannot be read or written (No such file or directory)"),
        (fills, "/a/file", "the disk is full (/a/file)"),
        (fails, "strange", "a file cannot be read or written (strange)"),
        (leaves, "3", "the process ended by itself (exit code 3)"),
        (is_killed, str(signal.SIGKILL.value), "the process was killed, probably because memory ran out"),
    ],
)
def test_the_end_of_a_process_is_a_sentence(work: Callable[[Send, str], None], argument: str, sentence: str) -> None:
    assert last_message(work, argument) == {"type": "failed", "error": sentence}


def test_the_receiver_may_change_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[dict[str, Any]] = []

    def pass_on(background: Background, message: dict[str, Any]) -> None:
        """As if the event loop took it before the thread that reads goes on."""
        passed.append(dict(message))
        message.clear()

    async def run() -> None:
        background = Background(fails, ("strange",), lambda _: None, niceness=0)
        async with asyncio.timeout(60):
            while background._process.exitcode is None or not background._connection.closed:
                await asyncio.sleep(0.02)
        background.end()

    monkeypatch.setattr(Background, "_pass_on", pass_on)
    asyncio.run(run())
    assert [message["type"] for message in passed] == ["failed"]
