"""Writing files so that a reader, or a kill at any moment, never meets half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path

__all__ = ["not_left_empty", "replacing", "write_bytes", "write_text"]


@contextmanager
def not_left_empty(folder: str | Path) -> Iterator[None]:
    """After an error in the block, folders that it made are gone again if empty: ``folder`` and those above it.

    A call that fails then leaves nothing behind that the next one would have to explain.
    """
    new = list(takewhile(lambda one: not one.exists(), (Path(folder), *Path(folder).parents)))
    try:
        yield
    except BaseException:
        for one in new:
            with suppress(OSError):  # not made, or not empty
                one.rmdir()
        raise


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a path in the same folder to write to, and rename it to ``path`` when the block ends well.

    After an error nothing is left behind and what was at ``path`` before is still there. The name keeps
    the ending of ``path``, because some writers choose their format by it. The content is flushed to the
    disk before the rename, so that a power cut cannot leave an empty file under the final name.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.chmod(0o666 & ~_current_umask())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` to ``path`` as UTF-8 with plain line ends, whole or not at all."""
    write_bytes(path, content.encode())


def _current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
