"""What a benchmark has to do, in which order, and how long that will take."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.evaluation.benchmark.fold_task import FoldTask
from harken.evaluation.benchmark.methods import Method
from harken.windows.splits import Fold

__all__ = ["BenchmarkPlan", "Clock"]


@dataclass(frozen=True)
class BenchmarkPlan:
    """What has to be done, and for each of it what decides the result.

    Attributes:
        methods, folds: every one of these on every one of those.
        training_windows: how many each fold has, by its name.
        directory: where findings are kept.
        shared: what decides every result, for JSON.
    """

    methods: Sequence[Method]
    folds: Sequence[Fold]
    training_windows: Mapping[str, int]
    directory: BenchmarkDirectory
    shared: Mapping[str, Any]

    @cached_property
    def settings(self) -> dict[str, dict[str, Any]]:
        """Of each method, by its name."""
        return {one.name: one.settings() for one in self.methods}

    def decides(self, task: FoldTask) -> dict[str, Any]:
        """All that decides what a task finds out, for JSON."""
        return {**self.shared, "fold": asdict(task.fold), "method": self.settings[task.method.name]}

    def finding(self, task: FoldTask) -> dict[str, Any] | None:
        """What is kept of a task, or None when it is still to do. Raises as ``BenchmarkDirectory.read``."""
        has_model = self.settings[task.method.name]["kind"] == "preset"
        return self.directory.read(task.fold.name, task.method.name, self.decides(task), has_model=has_model)

    def tasks(self) -> list[FoldTask]:
        """The longest first, so that no core waits at the end for one that began last."""
        every = [FoldTask(method, fold) for method in self.methods for fold in self.folds]
        return sorted(every, key=self.effort, reverse=True)

    def effort(self, task: FoldTask) -> float:
        """How much work a task is, in windows looked at."""
        return task.method.effort(self.training_windows[task.fold.name])


class Clock:
    """Forecasts from what is done: each method's seconds for its effort, the mean of all where it has none yet."""

    def __init__(self, plan: BenchmarkPlan, waiting: Sequence[FoldTask]) -> None:
        self.plan, self.waiting, self.started = plan, list(waiting), time.monotonic()
        self.paces: dict[str, list[float]] = {}

    def count(self, task: FoldTask, seconds: float) -> None:
        """A task is done and took so long."""
        self.waiting.remove(task)
        self.paces.setdefault(task.method.name, []).append(seconds / self.plan.effort(task))

    def elapsed_s(self) -> float:
        """Seconds since the first task began."""
        return time.monotonic() - self.started

    def left_s(self, lanes: int) -> float:
        """Seconds that the others will take, ``lanes`` at once."""
        means = {name: sum(paces) / len(paces) for name, paces in self.paces.items()}
        usual = sum(means.values()) / len(means)
        left = [self.plan.effort(task) * means.get(task.method.name, usual) for task in self.waiting]
        return max(sum(left) / lanes, max(left, default=0.0))
