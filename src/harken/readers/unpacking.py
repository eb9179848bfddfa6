"""Limits on the unpacked size of a file, and on the free space of the disk.

Text is read in pieces, so the user's own files may unpack to any size. Files from an unknown sender must be limited: a
megabyte of gzip may unpack to a gigabyte, which takes time to read.
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
"""The largest ratio of unpacked to packed size. Typical ratios with gzip: 3 to 25 for tables of samples; 115 for a
table without times of a watch that lay still for 98 % of a week; 400 for one repeated row; 1,000 for newlines."""
FREE_BYTES = 1 << 24
"""Any file may unpack to this size, because it takes little time, and a short table of one value has the ratio of a zip
bomb."""
SPARE_DISK_BYTES = 1 << 30
"""The disk space that must remain free for other programs."""


@dataclass(frozen=True)
class UnpackingLimits:
    """Limits on the unpacked size of a file; None: no limit.

    Attributes:
        unpacked_bytes: the total size.
        most_packed: the ratio of unpacked to packed bytes, which applies above ``FREE_BYTES``.
    """

    unpacked_bytes: int | None = None
    most_packed: int | None = None


_limits: ContextVar[UnpackingLimits] = ContextVar("harken_unpacking_limits", default=UnpackingLimits())  # noqa: B039


@contextmanager
def unpacking_limits(limits: UnpackingLimits) -> Iterator[None]:
    """Apply limits to all files that this thread reads within the block."""
    token = _limits.set(limits)
    try:
        yield
    finally:
        _limits.reset(token)


def refuse_too_much(path: Path, unpacked_bytes: int, packed_bytes: int) -> None:
    """Raise a HarkenError when ``unpacked_bytes`` from ``packed_bytes`` exceed the limits."""
    limits = _limits.get()
    if limits.unpacked_bytes is not None and unpacked_bytes > limits.unpacked_bytes:
        raise HarkenError(
            f"{path}: unpacks to more than {limits.unpacked_bytes:,} bytes, the limit for a file that is sent; use "
            "harken label on the machine where the file is"
        )
    if limits.most_packed is not None and unpacked_bytes > FREE_BYTES + limits.most_packed * packed_bytes:
        raise HarkenError(
            f"{path}: it unpacks to more than {limits.most_packed} times its size, which is too much for "
            "a table of samples. If it is a recording, use harken label on the machine where it is"
        )


def refuse_full_disk(path: Path, folder: Path) -> None:
    """Raise a HarkenError when less than a gigabyte is free where ``path`` is being unpacked to ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < SPARE_DISK_BYTES:
        raise HarkenError(
            f"{path}: there is not enough disk space to unpack it: {folder.parent} has {free:,} bytes "
            f"left, and {SPARE_DISK_BYTES:,} must remain free. Free disk space, or set TMPDIR to a folder "
            "on a larger disk"
        )


def measured(path: Path, unpacked: IO[bytes], packed_bytes: int) -> IO[bytes]:
    """The same file, which raises a HarkenError when more is read than the limits allow for ``packed_bytes``."""
    return unpacked if _limits.get() == UnpackingLimits() else cast(IO[bytes], _Measured(path, unpacked, packed_bytes))


class _Measured:
    """A file that can only be read forwards."""

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
