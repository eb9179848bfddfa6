"""Windows as they become known -> their probabilities, asked for a good number at a time."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from harken.recordings.mended_stream import MendedStream
from harken.recordings.recording import UNLABELLED
from harken.timelines.buffers import Gathered
from harken.timelines.windowing import WindowRows, windows_joined
from harken.windows.windows import Windows

__all__ = ["Asking", "Probabilities"]

Probabilities = Callable[[Windows], NDArray[np.float32]]
"""Windows ``[n, length, channels]`` -> float32 ``[n, labels]``."""


class Asking:
    """Gathers windows and asks for their probabilities.

    Args:
        facts: of the recording, for the windows.
        probabilities: what is asked.
        windows_at_once: for how many windows.
        lanes: threads that ask, so that several questions are being answered while this thread gathers the next
            windows; 0: none. At most as many questions wait, so memory stays bounded.
    """

    def __init__(self, facts: MendedStream, probabilities: Probabilities, *, windows_at_once: int, lanes: int) -> None:
        self._facts, self._probabilities, self._at_once, self._lanes = facts, probabilities, windows_at_once, lanes
        self._waiting: list[WindowRows] = []
        self._asked: deque[Future[NDArray[np.float32]]] = deque()
        self._told: Gathered[np.float32] | None = None
        self._executor = ThreadPoolExecutor(lanes, thread_name_prefix="harken-asking") if lanes else None

    def __enter__(self) -> "Asking":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def add(self, windows: WindowRows) -> None:
        """Take more windows."""
        if len(windows.rows):
            self._waiting.append(windows)
        while sum(len(each.rows) for each in self._waiting) >= self._at_once:
            self._ask()

    def finish(self) -> NDArray[np.float32] | None:
        """Probabilities of all windows, in their order, ``[windows, labels]``; None where there was no window."""
        while self._waiting:
            self._ask()
        while self._asked:
            self._hear(self._asked.popleft().result())
        return None if self._told is None else self._told.all()

    def _hear(self, probabilities: NDArray[np.float32]) -> None:
        if self._told is None:
            self._told = Gathered(np.float32, probabilities.shape[1])
        self._told.add(probabilities)

    def _ask(self) -> None:
        every = windows_joined(self._waiting)
        now, rest = every.part(slice(self._at_once)), every.part(slice(self._at_once, None))
        self._waiting = [rest] if len(rest.rows) else []
        windows = Windows(
            signals=now.signals,
            label_codes=np.full(len(now.rows), UNLABELLED, dtype=np.int16),
            label_names=(),
            subjects=np.full(len(now.rows), self._facts.subject),
            starts_ns=now.starts_ns,
            start_rows=now.rows,
            channels=self._facts.channels,
            sample_rate_hz=self._facts.sample_rate_hz,
        )
        if self._executor is None:
            self._hear(self._probabilities(windows))
            return
        self._asked.append(self._executor.submit(self._probabilities, windows))
        while len(self._asked) > 2 * self._lanes:
            self._hear(self._asked.popleft().result())
