"""Labelling or summarising many files, in processes of one thread each or on a Dask cluster.

Unusable files do not stop the others; they are in the table of failures (``study``).
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

from harken.labelling.file import label_file
from harken.labelling.settings import (
    LabelSettings,
    Rules,
    file_sha256,
    finished,
    label_key,
    read_summary,
    rules_key,
    rules_of,
)
from harken.labelling.summary import summarise_folder
from harken.models.model_file import PACKAGED_MODEL, model_path
from harken.models.recogniser import Recogniser
from harken.support.errors import HarkenError
from harken.support.files import Json
from harken.support.printable import printable
from harken.support.processes import dask_client, one_thread_each, process_pool

Item = TypeVar("Item")
OnShare = Callable[[float], None]

IN_FLIGHT = 4
"""Tasks submitted at once for each worker, so that a hundred thousand files do not need as many futures."""
MOST_DEATHS = 2
"""A file fails after so many killed processes: the second time it was the only file, so it is the cause."""
KILLED = "the process that labelled it was killed, probably because memory ran out; use fewer --workers"


@dataclass(frozen=True)
class FileTask:
    """A file and the folder's name for its results."""

    path: Path
    name: str


@dataclass(frozen=True)
class FileOutcome:
    """The result of a task: its summary, or the reason for a missing summary, and what had to be done for it."""

    task: FileTask
    summary: Json | None = None
    reason: str | None = None
    done: Literal["labelled", "summarised", "nothing"] = "labelled"

    @property
    def missing(self) -> bool:
        """Whether there is no such file: perhaps its name was mistyped. It then says nothing about a study."""
        return self.reason is not None and not os.path.lexists(self.task.path)


class Job(Protocol):
    """What is done with each file. The object is small, because it is sent to a worker with each task."""

    @property
    def out(self) -> Path:
        """The folder of results."""

    def run(self, task: FileTask, on_share: OnShare | None = None) -> FileOutcome:
        """Label or summarise one file; an error becomes the outcome's reason.

        Args:
            task: the file.
            on_share: called with the share of the file that is labelled.
        """

    def absolute(self) -> Self:
        """The same for a worker with another working directory."""


@dataclass(frozen=True)
class LabelJob:
    """Labelling with the same settings.

    Attributes:
        model: the model file, which every worker can read; None: the one that comes with harken.
        model_sha256: the digest of that file, so that no worker uses another one.
        out: the folder of results.
        settings: the settings of labelling.
        cores: the number of cores for one file; more than one only if there is a single file.
    """

    model: Path | None
    model_sha256: str
    out: Path
    settings: LabelSettings
    cores: int = 1

    @classmethod
    def of(cls, model: Path | None, out: Path, settings: LabelSettings, *, cores: int = 1) -> "LabelJob":
        """A job with the present content of a model file.

        Raises:
            HarkenError: when the model cannot be read.
        """
        Recogniser.load(model)
        return cls(model, file_sha256(model_path(model or PACKAGED_MODEL)), out, settings, cores)

    def absolute(self) -> "LabelJob":
        """See ``Job``."""
        model = self.model and self.model.absolute()
        return replace(self, model=model, out=self.out.absolute(), settings=self.settings.absolute())

    def run(self, task: FileTask, on_share: OnShare | None = None) -> FileOutcome:
        """Label one file. If it is labelled already and only the rules differ, it is summarised."""
        return _outcome(task, partial(self._labelled, on_share=on_share))

    def _labelled(self, task: FileTask, on_share: OnShare | None) -> FileOutcome:
        folder = self.out / task.name
        key = label_key(task.path, self.model_sha256, self.settings)
        before = finished(folder, task.path, key)
        if before is not None:
            return SummariseJob(self.out, self.settings.rules).summarised(task, before)
        labelled = label_file(
            task.path,
            model=_recogniser(self.model, self.model_sha256),
            out=folder,
            settings=self.settings,
            key=key,
            on_share=on_share,
            cores=self.cores,
        )
        return FileOutcome(task, labelled.summary)


@dataclass(frozen=True)
class SummariseJob:
    """Summarising with the same rules.

    Attributes:
        out: the folder of results.
        rules: the rules.
    """

    out: Path
    rules: Rules

    def absolute(self) -> "SummariseJob":
        """See ``Job``."""
        return replace(self, out=self.out.absolute(), rules=self.rules.absolute())

    def run(self, task: FileTask, on_share: OnShare | None = None) -> FileOutcome:
        """Summarise the results of one file, unless they were made with these rules. It takes a few seconds, of which
        no share is told."""
        del on_share
        return _outcome(task, lambda task: self.summarised(task, read_summary(self.out / task.name)))

    def summarised(self, task: FileTask, before: Json) -> FileOutcome:
        """The outcome of a file with this summary."""
        rules = rules_of(before)
        if all(rules[name] == value for name, value in rules_key(self.rules).items()):
            return FileOutcome(task, before, done="nothing")
        summary = summarise_folder(self.out / task.name, self.rules).summary
        return FileOutcome(task, summary, done="summarised")


def _outcome(task: FileTask, run: Callable[[FileTask], FileOutcome]) -> FileOutcome:
    try:
        return run(task)
    except HarkenError as error:
        return FileOutcome(task, reason=str(error))
    except Exception as error:  # a fault in harken must not stop the other files
        reason = f"{task.path}: a fault in harken: {type(error).__name__}: {error}"
        return FileOutcome(task, reason=printable(reason))


def run_cohort(
    tasks: Sequence[FileTask],
    job: Job,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    on_share: OnShare | None = None,
) -> Iterator[FileOutcome]:
    """Label or summarise files; yields the outcome of each as it ends.

    When a process is killed, its files are tried once more in another process.

    Args:
        tasks: the files.
        job: what is done with each.
        workers: processes on this machine; 1: this process.
        scheduler: the address of a Dask scheduler to use instead; its workers need access to the same paths.
        on_share: called with the share of the current file that is done, while this process labels it.

    Raises:
        HarkenError: when no scheduler or worker answers there.
    """
    if scheduler is not None:
        return _on_dask(tasks, job, scheduler)
    if workers <= 1 or len(tasks) <= 1:
        return map(partial(job.run, on_share=on_share), tasks)
    return _in_processes(tasks, job, workers)


@lru_cache(maxsize=1)
def _recogniser(model: Path | None, sha256: str) -> Recogniser:
    found = file_sha256(model_path(model or PACKAGED_MODEL))
    if found != sha256:
        raise HarkenError(
            f"the model {model or PACKAGED_MODEL} on this machine (SHA-256 {found}) is not that of this job"
        )
    return Recogniser.load(model)


def _in_processes(tasks: Sequence[FileTask], job: Job, workers: int) -> Iterator[FileOutcome]:
    waiting = list(reversed(tasks))
    deaths: dict[FileTask, int] = {}
    while waiting:
        lanes = min(workers, len(waiting))
        alone = any(deaths.values())  # to find the file that ends the process
        running: dict[Future[FileOutcome], FileTask] = {}
        try:
            with process_pool(1 if alone else lanes) as pool:
                while waiting or running:
                    with one_thread_each():
                        while waiting and len(running) < (1 if alone else IN_FLIGHT * lanes):
                            task = waiting.pop()
                            running[pool.submit(job.run, task)] = task
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = future.result()
                        deaths.pop(running.pop(future), None)
                        yield outcome
                    if alone and not any(task in deaths for task in waiting):
                        break  # continue with the full number of workers
        except BrokenProcessPool:
            for task in running.values():
                deaths[task] = deaths.get(task, 0) + 1
                if deaths[task] >= MOST_DEATHS:
                    del deaths[task]
                    yield FileOutcome(task, reason=printable(f"{task.path}: {KILLED}"))
                else:
                    waiting.append(task)


def _on_dask(tasks: Sequence[FileTask], job: Job, address: str) -> Iterator[FileOutcome]:
    with dask_client(address) as (client, distributed, lanes):
        waiting = iter(tasks)
        running: dict[Any, FileTask] = {}

        absolute_job = job.absolute()  # a worker may have another working directory

        def next_ones(count: int) -> list[Any]:
            begun = {}
            for task in islice(waiting, count):
                absolute = replace(task, path=task.path.absolute())
                begun[client.submit(absolute_job.run, absolute, pure=False)] = task
            running.update(begun)
            return list(begun)

        ended = distributed.as_completed(next_ones(IN_FLIGHT * lanes))
        for future in ended:
            task = running.pop(future)
            try:
                yield replace(future.result(), task=task)
            except distributed.KilledWorker:
                yield FileOutcome(task, reason=printable(f"{task.path}: {KILLED}"))
            for other in next_ones(1):
                ended.add(other)


def shard_of(items: Sequence[Item], shard: str) -> list[Item]:
    """For ``i/n`` every n-th item from the i-th on (counted from 1). Each item is in exactly one shard.

    Raises:
        HarkenError: when ``shard`` is not such a pair.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", shard)
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of:
        raise HarkenError(f"--shard {shard}: give the number of this shard and of all, such as 3/20")
    return list(items[number - 1 :: of])
