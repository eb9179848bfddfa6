"""The tasks of a benchmark: a task runs one method on one fold. Also their order, and forecasts of their duration."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.evaluation.benchmark.machine import THREADS, made_with
from harken.evaluation.benchmark.methods import Method
from harken.evaluation.benchmark.workers import Finding
from harken.models.calibration import expected_calibration_error
from harken.models.scores import score_people
from harken.support.resources import computing_threads
from harken.windows.people import Fold, apply
from harken.windows.windows import Windows

ALONE = threading.Lock()
"""Lock for tasks. PyTorch has one random state and one number of threads in a process, so tasks must not overlap."""


@dataclass(frozen=True)
class FoldTask:
    """A method and a fold."""

    method: Method
    fold: Fold

    def run(self, windows: Windows) -> Finding:
        """Train on the fold's training people and score each of its test people, with one thread.

        A label that no training person has is never recognised, and its windows count as mistakes. Probabilities are
        not calibrated.

        Args:
            windows: the labelled windows of all people.

        Raises:
            HarkenError: when the fold has the same person in training and test, or its windows cannot be trained on.
        """
        with alone_on_one_thread():
            parts = apply(self.fold, windows)
            started = time.perf_counter()
            trained = self.method.fit(parts.training)
            fitted = time.perf_counter()
            probabilities = trained.probabilities(parts.test)
            predicted = time.perf_counter()
        content = {
            "training_windows": len(parts.training),
            **scored(probabilities, parts.test),
            "made_with": made_with(),
            "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
        }
        return Finding(content, trained.model())


def scored(probabilities: NDArray[np.float32], test: Windows) -> dict[str, Any]:
    """Values for JSON: the scores of each person, from the probabilities ``[n, labels]`` of the test's labels."""
    codes = test.label_codes.astype(np.int64)
    scores = score_people(codes, probabilities.argmax(axis=1), test.subjects, test.label_names)
    return {
        "test_windows": len(test),
        "scores": scores.as_dict(),
        "expected_calibration_error": expected_calibration_error(probabilities, codes),
    }


@contextmanager
def alone_on_one_thread() -> Iterator[None]:
    """Block other jobs in this process, and compute with one thread."""
    with ALONE, computing_threads(THREADS), threadpool_limits(THREADS):
        yield


@dataclass(frozen=True)
class BenchmarkPlan:
    """The tasks of a benchmark, and everything that their results depend on.

    Attributes:
        methods, folds: every method runs on every fold.
        training_windows: the number of training windows of each fold, by its name.
        directory: the directory of the results.
        shared: everything that all results depend on, for JSON.
        task: makes the task of a method and a fold.
    """

    methods: Sequence[Method]
    folds: Sequence[Fold]
    training_windows: Mapping[str, int]
    directory: BenchmarkDirectory
    shared: Mapping[str, Any]
    task: Callable[[Method, Any], FoldTask] = FoldTask

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings of each method, by its name."""
        return {one.name: one.settings() for one in self.methods}

    def decides(self, task: FoldTask) -> dict[str, Any]:
        """Everything that the result of a task depends on, for JSON."""
        return {**self.shared, "fold": asdict(task.fold), "method": self.settings[task.method.name]}

    def finding(self, task: FoldTask) -> dict[str, Any] | None:
        """The stored result of a task, or None if it has not run yet. Raises as ``BenchmarkDirectory.read``."""
        has_model = self.settings[task.method.name]["kind"] == "preset"
        return self.directory.read(task.fold.name, task.method.name, self.decides(task), has_model=has_model)

    def tasks(self) -> list[FoldTask]:
        """The tasks, the longest first, so that no core waits at the end for a long task that started last."""
        every = [self.task(method, fold) for method in self.methods for fold in self.folds]
        return sorted(every, key=self.effort, reverse=True)

    def effort(self, task: FoldTask) -> float:
        """The amount of work of a task, in windows processed."""
        return task.method.effort(self.training_windows[task.fold.name])


class Clock:
    """Forecasts of the remaining time, from each method's seconds per effort so far, or the mean over all methods."""

    def __init__(self, plan: BenchmarkPlan, waiting: Sequence[FoldTask]) -> None:
        self.plan, self.waiting, self.started = plan, list(waiting), time.monotonic()
        self.paces: dict[str, list[float]] = {}

    def count(self, task: FoldTask, seconds: float) -> None:
        """Count a finished task with its duration."""
        self.waiting.remove(task)
        self.paces.setdefault(task.method.name, []).append(seconds / self.plan.effort(task))

    def elapsed_s(self) -> float:
        """Seconds since the first task began."""
        return time.monotonic() - self.started

    def left_s(self, lanes: int) -> float:
        """Seconds that the remaining tasks will take, with ``lanes`` tasks at the same time."""
        means = {name: sum(paces) / len(paces) for name, paces in self.paces.items()}
        usual = sum(means.values()) / len(means)
        left = [self.plan.effort(task) * means.get(task.method.name, usual) for task in self.waiting]
        return max(sum(left) / lanes, max(left, default=0.0))


@dataclass(frozen=True)
class Finished:
    """A finished task, and the progress of the benchmark."""

    method: str
    fold: str
    mean_person_macro_f1: float
    seconds: float
    done: int
    tasks: int
    elapsed_s: float
    left_s: float


class BenchmarkDisplay(Protocol):
    """Shows the progress of a benchmark."""

    def begins(self, *, tasks: int, done: int) -> None:
        """Called once, with the number of tasks (a method on a fold) and the number that were done before."""

    def finished(self, finished: Finished) -> None:
        """Called after each task."""
