"""``harken serve`` or ``annotate`` as a process of its own, at a port that the system chooses."""

import os
import random
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST_START_S = 60.0


@contextmanager
def serving(*arguments: str, log: Path, port: int = 0, command: str = "serve") -> Iterator[str]:
    """The address of a server that answers; it is stopped when the block ends. What it prints goes to ``log``."""
    with server_process(*arguments, log=log, port=port, command=command) as (_, address):
        yield address


@contextmanager
def server_process(
    *arguments: str, log: Path, port: int = 0, command: str = "serve", temporary: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The same, with its process. Its temporary folders are made in ``temporary``."""
    words = [sys.executable, "-m", "harken", command, "--no-open", "--port", str(port), *arguments]
    environment = {**os.environ, "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}
    environment |= {} if temporary is None else {"TMPDIR": str(temporary)}
    with log.open("w") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, env=environment)
        try:
            yield process, _address(process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens at, below those that systems give to whoever asks for any."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that the server prints, once it answers there."""
    began = time.monotonic()
    while True:
        assert process.poll() is None, f"the server ended by itself:\n{log.read_text()}"
        try:
            (address,) = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())[:1]
            with urllib.request.urlopen(address, timeout=2):
                return str(address)
        except (ValueError, urllib.error.URLError, TimeoutError, ConnectionError):
            assert time.monotonic() - began < LONGEST_START_S, f"the server does not answer:\n{log.read_text()}"
            time.sleep(0.1)


def child_processes(pid: int) -> list[int]:
    """The processes that a process has started and that do its work; those that have ended have no command line."""
    lists = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    numbers = [int(word) for text in lists for word in text.split()]
    lines = {number: Path(f"/proc/{number}/cmdline").read_bytes() for number in numbers}
    return [number for number, line in lines.items() if line and b"resource_tracker" not in line]
