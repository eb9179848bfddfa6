"""Programs that take turns: each has a process of its own and reports the seconds of its calls.

Only the standard library and NumPy are imported, so a contestant's Python need not have harken.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import ROOT

Calls = dict[str, Callable[[], object]]
CLOSE = 1e-5
"""The largest allowed difference of probabilities in float32."""


def serve_calls(calls: Calls, probabilities: NDArray[np.float32] | None = None) -> None:
    """Run in a contestant's process: make the calls requested on the standard input and print their seconds.

    Args:
        calls: what can be requested.
        probabilities: of the same windows for all contestants, before any training; None if there are none.
    """
    for call in calls.values():
        call()  # compiles, allocates
        call()
    print("ready", *calls, flush=True)
    print(*([] if probabilities is None else probabilities.ravel().tolist()), flush=True)
    for line in sys.stdin:
        what, times = line.split()
        print(*timeit.repeat(calls[what], number=1, repeat=int(times)), flush=True)


class Contestant:
    """A process that makes the requested calls and reports their seconds.

    Attributes:
        here: whether it started.
        reason: if not, the last line of its error.
        calls: what it can do.
        probabilities: those that it gave, float64 ``[n]``; empty if it gave none.
    """

    def __init__(self, words: Sequence[str], threads: int, **settings: str) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)} | settings
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (open as long as the process)
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        ready, *self.calls = (self._answer() or "none").split()
        self.here = ready == "ready"
        self.probabilities = np.array(self._answer().split(), float) if self.here else np.empty(0)
        self.errors.seek(0)
        lines = [line for line in self.errors.read().splitlines() if line.strip()]
        self.reason = None if self.here else (lines or ["no error message"])[-1].strip()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def seconds(self, what: str, times: int) -> float:
        """The seconds of the best of some calls."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what} {times}\n")
        self.process.stdin.flush()
        return min(map(float, self._answer().split()))

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        with self.process, self.errors:  # closes its pipes and waits
            pass


def require_same(contestants: Mapping[str, Contestant], ours: str) -> dict[str, float]:
    """The largest difference between the probabilities of each contestant and ours. They need not have started.

    Raises:
        SystemExit: when one is above ``CLOSE``, because times of different results cannot be compared.
    """
    expected = contestants[ours].probabilities
    differences = {}
    for name, one in contestants.items():
        if name != ours and one.here:
            if one.probabilities.shape != expected.shape:
                sys.exit(f"{name} gives {one.probabilities.size} probabilities, and {ours} gives {expected.size}")
            differences[name] = float(np.abs(one.probabilities - expected).max(initial=0))
            if not differences[name] <= CLOSE:  # also true for NaN
                sys.exit(f"{name} gives probabilities that are {differences[name]:.2g} off those of {ours}")
    return differences


def compared(
    contestants: Mapping[str, Contestant], what: str, rounds: int, *, ours: str, times_a_round: int
) -> dict[str, Any]:
    """The milliseconds of each contestant that can do it, and its median ratio to ours."""
    able = {name: one for name, one in contestants.items() if one.here and what in one.calls}
    seconds: dict[str, list[float]] = {name: [] for name in able}
    for _ in range(rounds):
        for name, one in able.items():
            seconds[name].append(one.seconds(what, times_a_round))
    ratios = {
        name: statistics.median(theirs / ours for theirs, ours in zip(times, seconds[ours], strict=True))
        for name, times in seconds.items()
        if name != ours
    }
    return {
        "milliseconds": {name: [1000 * second for second in times] for name, times in seconds.items()},
        "median_milliseconds": {name: 1000 * statistics.median(times) for name, times in seconds.items()},
        "ratio": ratios,
    }


def softmax(logits: Any) -> NDArray[np.float32]:
    """Probabilities ``[n, classes]`` of logits ``[n, classes]``."""
    shifted = np.asarray(logits, np.float32)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
