"""Suppression of the text of Rust panics, which Rust prints on the terminal before it raises an exception in Python."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

STDERR = 2
PANIC = re.compile(rb"\n?thread '[^\n]*panicked at .*?(?:\nnote: [^\n]*\n|\Z)", re.DOTALL)


class _Aside:
    """The redirection of standard error. All threads share standard error. The first block that begins redirects it,
    and the last block that ends restores it."""

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
            except OSError:  # standard error is closed, so no text can appear
                return
            try:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `end` closes it
            except OSError:  # text of a panic on the terminal is better than a file that cannot be read
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
        while others:  # the output of other threads and libraries
            others = others[os.write(STDERR, others) :]


def _flush() -> None:
    if sys.stderr is not None and not sys.stderr.closed:
        sys.stderr.flush()


_ASIDE = _Aside()


@contextmanager
def without_panics() -> Iterator[None]:
    """Do not print the text of Rust panics within the block. Other output to standard error, of all threads, appears
    when the block ends, so the block should be short."""
    _ASIDE.begin()
    try:
        yield
    finally:
        _ASIDE.end()
