"""Exports of loggers, and what their readers must do with damaged ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

HEAD_BYTES = 1 << 16
LONGEST_MESSAGE = 900


def head(path: Path) -> bytes:
    """What a reader is shown of a file to recognise it."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def written(value: float) -> str:
    """A number as it is read back exactly into a 32-bit float."""
    return repr(float(np.float32(value)))


def mutilations(content: bytes, *, cuts: int = 50, flips: int = 100) -> Iterator[tuple[str, bytes]]:
    """A file cut short at many places, and with single bytes changed; the same ones every time."""
    random = np.random.default_rng(7)
    places = np.unique(np.concatenate([np.linspace(0, len(content) - 1, cuts), len(content) - np.arange(1, 30)]))
    for end in places[places >= 0].astype(int):
        yield "cut", content[:end]
    for place in random.integers(0, len(content), flips):
        flipped = bytes([content[place] ^ int(random.integers(1, 256))])
        yield "flip", content[:place] + flipped + content[place + 1 :]
