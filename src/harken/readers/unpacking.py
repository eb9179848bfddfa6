"""How much a packed file may unpack to, and how much room on the disk must be left.

Text is scanned in pieces, so a file of one's own may unpack to any size. A file that a stranger sent may not: a
megabyte of gzip unpacks to a gigabyte, and each byte of it takes time.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from harken.support.errors import HarkenError

__all__ = [
    "MOST_PACKED",
    "UnpackingLimits",
    "measured",
    "refuse_full_disk",
    "refuse_too_much",
    "unpacking_limits",
]

MOST_PACKED = 200
"""Tables of samples pack 3 to 25 times with gzip. A table without times of a watch that lay still for 98 % of a week,
so that one row is repeated, packs 115 times; one row alone packs 400 times, and newlines pack 1,000 times."""
FREE_BYTES = 1 << 24
"""So much may come out of any file: it takes no time, and a short table of one value packs as well as a bomb."""
SPARE_DISK_BYTES = 1 << 30
"""What must remain free for everybody else."""


@dataclass(frozen=True)
class UnpackingLimits:
    """What a file may unpack to; None: there is no limit.

    Attributes:
        unpacked_bytes: in all.
        most_packed: as a multiple of the packed bytes, once more than ``FREE_BYTES`` came out.
    """

    unpacked_bytes: int | None = None
    most_packed: int | None = None


_limits: ContextVar[UnpackingLimits] = ContextVar("harken_unpacking_limits", default=UnpackingLimits())  # noqa: B039


@contextmanager
def unpacking_limits(limits: UnpackingLimits) -> Iterator[None]:
    """Files that are read inside, by this thread, unpack to no more than this."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def refuse_too_much(path: Path, unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise a HarkenError when ``unpacked_bytes`` that came out of ``packed_bytes`` are more than the limits allow."""
    limits = _limits.get()
    if limits.unpacked_bytes is not None and unpacked_bytes > limits.unpacked_bytes:
        raise HarkenError(
            f"{path}: unpacks to more than {limits.unpacked_bytes:,} bytes, the limit for a file that is sent; use "
            "harken label on the machine where the file is"
        )
    if limits.most_packed is not None and unpacked_bytes > FREE_BYTES + limits.most_packed * packed_bytes:
        raise HarkenError(
            f"{path}: unpacks to more than {limits.most_packed} times its size; no table of samples packs so well. If "
            "it is a recording, use harken label on the machine where it is"
        )


def refuse_full_disk(path: Path, folder: Path) -> None:
    """Raise a HarkenError when less than a gigabyte is free where ``path`` is being unpacked to ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < SPARE_DISK_BYTES:
        raise HarkenError(
            f"{path}: there is no room to unpack it: {folder.parent} has {free:,} bytes left, and "
            f"{SPARE_DISK_BYTES:,} must remain free. Free some, or set TMPDIR to a folder on a larger disk"
        )


def measured(path: Path, unpacked: IO[bytes], packed_bytes: int) -> IO[bytes]:
    """The same file, which refuses to give more than the limits allow for ``packed_bytes``."""
    return unpacked if _limits.get() == UnpackingLimits() else cast(IO[bytes], _Measured(path, unpacked, packed_bytes))


class _Measured:
    """A file that is only read forwards."""

    def __init__(self, path: Path, unpacked: IO[bytes], packed_bytes: int) -> None:
        self._path, self._unpacked, self._packed_bytes, self._given = path, unpacked, packed_bytes, 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._unpacked.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._unpacked.readline(size))

    def _counted(self, piece: bytes) -> bytes:
        self._given += len(piece)
        refuse_too_much(self._path, self._given, self._packed_bytes)
        return piece
