"""Calls of a library in Rust whose panics must not reach the terminal: Rust prints them before Python has a say."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["without_panics"]

STDERR = 2
PANIC = re.compile(rb"\n?thread '[^\n]*panicked at .*?(?:\nnote: [^\n]*\n|\Z)", re.DOTALL)


class _Aside:
    """Where standard error goes meanwhile. It is one for all threads, so the first block that begins puts it aside, and
    the last one that ends puts it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = 0
        self._file: IO[bytes] | None = None
        self._stderr = -1

    def begin(self) -> None:
        with self._lock:
            self._blocks += 1
            if self._blocks > 1:
                return
            try:
                self._stderr = os.dup(STDERR)
            except OSError:  # there is none, so nothing will be seen on it
                return
            try:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `end` closes it
            except OSError:  # better a panic on the terminal than nothing read at all
                os.close(self._stderr)
                return
            _flush()
            os.dup2(self._file.fileno(), STDERR)

    def end(self) -> None:
        with self._lock:
            self._blocks -= 1
            if self._blocks or self._file is None:
                return
            file, self._file = self._file, None
            _flush()
            os.dup2(self._stderr, STDERR)
            os.close(self._stderr)
            with file:
                file.seek(0)
                others = PANIC.sub(b"", file.read())
        while others:  # what other threads, and libraries, had to say
            others = others[os.write(STDERR, others) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


_ASIDE = _Aside()


@contextmanager
def without_panics() -> Iterator[None]:
    """Within the block, the text of a panic in Rust is not printed. All else that is written to standard error, by any
    thread, appears when the block ends; so keep it short."""
    _ASIDE.begin()
    try:
        yield
    finally:
        _ASIDE.end()
