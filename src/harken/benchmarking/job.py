"""One method on one fold: learned, asked, scored, timed. What a worker does."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.benchmarking.machine import THREADS, made_with
from harken.benchmarking.methods import Method
from harken.calibration import expected_calibration_error
from harken.scores import score_people
from harken.splits import Fold, apply
from harken.windows import Windows

__all__ = ["Finding", "Job", "run_job"]

ALONE = threading.Lock()
"""PyTorch's random numbers and number of threads are the whole process's: two jobs at once would mix them up."""


@dataclass(frozen=True)
class Job:
    """A method and a fold."""

    method: Method
    fold: Fold


@dataclass(frozen=True)
class Finding:
    """What a job found out: for JSON, and the model file's content where there is one."""

    content: dict[str, Any]
    model: bytes | None


def run_job(job: Job, windows: Windows) -> Finding:
    """Learn from the fold's training people and score each of its test people, with one thread.

    A label that no training person has is never recognised, and its windows count as mistakes. Probabilities are
    taken as they come, uncalibrated.

    Args:
        job: what to do.
        windows: those of all people, labelled.

    Raises:
        HarkenError: when the fold does not keep people apart, or its windows cannot be learned from.
    """
    with ALONE, _one_thread():
        parts = apply(job.fold, windows)
        started = time.perf_counter()
        learned = job.method.fit(parts.training)
        fitted = time.perf_counter()
        probabilities = learned.probabilities(parts.test)
        predicted = time.perf_counter()
    test, codes = parts.test, probabilities.argmax(axis=1)
    content = {
        "training_windows": len(parts.training),
        "test_windows": len(test),
        "scores": score_people(test.label_codes, codes, test.subjects, test.label_names).as_dict(),
        "expected_calibration_error": expected_calibration_error(probabilities, test.label_codes.astype(np.int64)),
        "made_with": made_with(),
        "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
    }
    return Finding(content, learned.model())


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        with threadpool_limits(THREADS):
            yield
    finally:
        torch.set_num_threads(before)
