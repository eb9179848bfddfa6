"""Probabilities of windows, computed in large batches while a stream is read."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from harken.recordings.mended_stream import MendedStream
from harken.timelines.windowing import GrowingArray, StreamWindows, windows_joined
from harken.windows.windows import Windows

__all__ = ["BatchedProbabilities", "Probabilities"]

Probabilities = Callable[[Windows], NDArray[np.float32]]
"""Windows ``[n, length, channels]`` -> float32 ``[n, labels]``."""


class BatchedProbabilities:
    """Collects windows and computes their probabilities in batches.

    Args:
        facts: the recording's description, for the windows.
        probabilities: computes a batch.
        windows_at_once: windows in a batch.
        lanes: the number of threads that compute while this thread collects the next windows; 0: this thread computes.
            At most this many batches wait, which limits the memory.
    """

    def __init__(self, facts: MendedStream, probabilities: Probabilities, *, windows_at_once: int, lanes: int) -> None:
        self._facts, self._probabilities, self._at_once, self._lanes = facts, probabilities, windows_at_once, lanes
        self._waiting: list[StreamWindows] = []
        self._running: deque[Future[NDArray[np.float32]]] = deque()
        self._done: GrowingArray[np.float32] | None = None
        self._executor = ThreadPoolExecutor(lanes, thread_name_prefix="harken-batches") if lanes else None

    def __enter__(self) -> "BatchedProbabilities":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)

    def add(self, windows: StreamWindows) -> None:
        """Add windows."""
        if len(windows.firsts):
            self._waiting.append(windows)
        while sum(len(each.firsts) for each in self._waiting) >= self._at_once:
            self._compute()

    def finish(self) -> NDArray[np.float32] | None:
        """Probabilities of all windows, in their order, ``[windows, labels]``; None without windows."""
        while self._waiting:
            self._compute()
        while self._running:
            self._keep(self._running.popleft().result())
        return None if self._done is None else self._done.all()

    def _keep(self, probabilities: NDArray[np.float32]) -> None:
        if self._done is None:
            self._done = GrowingArray(np.float32, probabilities.shape[1])
        self._done.add(probabilities)

    def _compute(self) -> None:
        every = windows_joined(self._waiting)
        now, rest = every.part(slice(self._at_once)), every.part(slice(self._at_once, None))
        self._waiting = [rest] if len(rest.firsts) else []
        windows = Windows.unlabelled(
            now.signals,
            channels=self._facts.channels,
            sample_rate_hz=self._facts.sample_rate_hz,
            subject=self._facts.subject,
            starts_ns=now.starts_ns,
            start_rows=now.firsts,
        )
        if self._executor is None:
            self._keep(self._probabilities(windows))
            return
        self._running.append(self._executor.submit(self._probabilities, windows))
        while len(self._running) > 2 * self._lanes:
            self._keep(self._running.popleft().result())
