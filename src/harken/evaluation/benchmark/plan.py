"""What a benchmark has to do, in which order, and how long that will take."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.evaluation.benchmark.job import Job
from harken.evaluation.benchmark.methods import Method
from harken.windows.splits import Fold

__all__ = ["Clock", "Plan"]


@dataclass(frozen=True)
class Plan:
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

    def decides(self, job: Job) -> dict[str, Any]:
        """All that decides what a job finds out, for JSON."""
        return {**self.shared, "fold": asdict(job.fold), "method": self.settings[job.method.name]}

    def finding(self, job: Job) -> dict[str, Any] | None:
        """What is kept of a job, or None when it is still to do. Raises as ``BenchmarkDirectory.read``."""
        has_model = self.settings[job.method.name]["kind"] == "preset"
        return self.directory.read(job.fold.name, job.method.name, self.decides(job), has_model=has_model)

    def jobs(self) -> list[Job]:
        """The longest first, so that no core waits at the end for one that began last."""
        every = [Job(method, fold) for method in self.methods for fold in self.folds]
        return sorted(every, key=self.effort, reverse=True)

    def effort(self, job: Job) -> float:
        """How much work a job is, in windows looked at."""
        return job.method.effort(self.training_windows[job.fold.name])


class Clock:
    """Forecasts from what is done: each method's seconds for its effort, the mean of all where it has none yet."""

    def __init__(self, plan: Plan, waiting: Sequence[Job]) -> None:
        self.plan, self.waiting, self.started = plan, list(waiting), time.monotonic()
        self.paces: dict[str, list[float]] = {}

    def count(self, job: Job, seconds: float) -> None:
        """A job is done and took so long."""
        self.waiting.remove(job)
        self.paces.setdefault(job.method.name, []).append(seconds / self.plan.effort(job))

    def elapsed_s(self) -> float:
        """Seconds since the first job began."""
        return time.monotonic() - self.started

    def left_s(self, lanes: int) -> float:
        """Seconds that the others will take, ``lanes`` at once."""
        means = {name: sum(paces) / len(paces) for name, paces in self.paces.items()}
        usual = sum(means.values()) / len(means)
        left = [self.plan.effort(job) * means.get(job.method.name, usual) for job in self.waiting]
        return max(sum(left) / lanes, max(left, default=0.0))
