"""What a worker does: fit one method on one fold, score it and time it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.evaluation.benchmark.machine import THREADS, made_with
from harken.evaluation.benchmark.methods import Method
from harken.learning.calibration import expected_calibration_error
from harken.learning.scores import score_people
from harken.support.threads import computing_threads
from harken.windows.splits import Fold, apply
from harken.windows.windows import Windows

__all__ = ["Finding", "FoldTask", "Work", "alone_on_one_thread", "scored"]

ALONE = threading.Lock()
"""PyTorch's random numbers and number of threads are the whole process's: two tasks at once would mix them up."""


@dataclass(frozen=True)
class Finding:
    """What a task found out: for JSON, and the model file's content where there is one."""

    content: dict[str, Any]
    model: bytes | None


class Work(Protocol):
    """What ``evaluation.benchmark.workers`` can run. It is sent to other processes, so it holds no windows itself."""

    def run(self, windows: Windows) -> Finding:
        """Do it, on the windows that are shared by all."""
        ...


@dataclass(frozen=True)
class FoldTask:
    """A method and a fold."""

    method: Method
    fold: Fold

    def run(self, windows: Windows) -> Finding:
        """Learn from the fold's training people and score each of its test people, with one thread.

        A label that no training person has is never recognised, and its windows count as mistakes. Probabilities are
        taken as they come, uncalibrated.

        Args:
            windows: those of all people, labelled.

        Raises:
            HarkenError: when the fold does not keep people apart, or its windows cannot be learned from.
        """
        with alone_on_one_thread():
            parts = apply(self.fold, windows)
            started = time.perf_counter()
            learned = self.method.fit(parts.training)
            fitted = time.perf_counter()
            probabilities = learned.probabilities(parts.test)
            predicted = time.perf_counter()
        content = {
            "training_windows": len(parts.training),
            **scored(probabilities, parts.test),
            "made_with": made_with(),
            "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
        }
        return Finding(content, learned.model())


def scored(probabilities: NDArray[np.float32], test: Windows) -> dict[str, Any]:
    """For JSON: the scores of each person, from the probabilities ``[n, labels]`` of each of the test's labels."""
    codes = test.label_codes.astype(np.int64)
    scores = score_people(codes, probabilities.argmax(axis=1), test.subjects, test.label_names)
    return {
        "test_windows": len(test),
        "scores": scores.as_dict(),
        "expected_calibration_error": expected_calibration_error(probabilities, codes),
    }


@contextmanager
def alone_on_one_thread() -> Iterator[None]:
    """No other job runs in this process meanwhile, and this one computes with one thread."""
    with ALONE, computing_threads(THREADS), threadpool_limits(THREADS):
        yield
