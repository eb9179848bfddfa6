"""A server in a thread that breaks off, answers oddly, and counts every byte it sends; and what it publishes."""

import socket
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np

from archives import found
from goldens.files import zipped
from harken.datasets import DatasetInfo

NOISE = np.random.default_rng(0).bytes(2_000_000)  # cannot be compressed
FILES = {"set/signals.dat": NOISE, "set/readme.txt": b"Read me.\n"}
ARCHIVE = zipped(FILES)


@dataclass
class Publisher:
    """What the server has and how it behaves; how often it was asked and how much it sent."""

    content: bytes = ARCHIVE
    status: int = 200
    says_length: bool = True
    break_after: list[int] = field(default_factory=list)
    """For each answer to come: after how many bytes of it the connection drops."""
    busy_answers: int = 0
    requests: int = 0
    sent: list[int] = field(default_factory=list)
    """How many bytes of content each answer held."""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests += 1
        if self.busy_answers:
            self.busy_answers -= 1
            handler.send_error(503)
            return
        if self.status != 200:
            handler.send_error(self.status)
            return
        handler.send_response(200)
        if self.says_length:
            handler.send_header("Content-Length", str(len(self.content)))
        handler.end_headers()
        breaks = bool(self.break_after)
        body = self.content[: self.break_after.pop(0)] if breaks else self.content
        handler.wfile.write(body)
        handler.wfile.flush()
        self.sent.append(len(body))
        if breaks:
            handler.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Site:
    publisher: Publisher
    info: DatasetInfo

    def with_archive(self, **changes: Any) -> DatasetInfo:
        return replace(self.info, archives=(replace(self.info.archives[0], **changes),))


def unpacked(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in found(folder).items() if name.startswith("set/")}


def lying_beside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"set"}
