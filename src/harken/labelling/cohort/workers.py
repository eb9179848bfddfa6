"""Labelling many files: here in processes of one thread each, or on a Dask cluster; one bad file stops nothing."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from harken.evaluation.benchmark.workers import connected, die_with, one_thread_each
from harken.labelling.file import label_file
from harken.labelling.settings import LabelSettings, file_sha256, finished, label_key
from harken.models.model_file import model_path
from harken.models.recogniser import PACKAGED_MODEL, Recogniser
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.threads import usable_cores

__all__ = ["FileOutcome", "Job", "Task", "label_cohort"]

IN_FLIGHT = 4
"""Tasks handed out at once for each worker: a hundred thousand files are not a hundred thousand futures."""
MOST_DEATHS = 2
"""The first time others were at work beside it; the second time it was alone, and so is the reason."""
KILLED = "the process that labelled it was killed, maybe because memory ran out; fewer --workers need less"


@dataclass(frozen=True)
class Task:
    """A file and the folder's name for its results."""

    path: Path
    name: str


@dataclass(frozen=True)
class FileOutcome:
    """What became of a task: its summary, or the reason why there is none. ``again`` is for a file that was done."""

    task: Task
    summary: dict[str, Any] | None = None
    reason: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Job:
    """What is the same for all tasks, small enough to be sent along with each.

    Attributes:
        model: the model's file, which every worker can read; None: the one that comes with harken.
        model_sha256: of that file, so that no worker takes another.
        out: the folder of results.
        settings: how to label.
        cores: how many a file may use: more than one where there is no other file for them.
    """

    model: Path | None
    model_sha256: str
    out: Path
    settings: LabelSettings
    cores: int = 1

    @classmethod
    def of(cls, model: Path | None, out: Path, settings: LabelSettings) -> "Job":
        """A job with a model as it is now.

        Raises:
            HarkenError: when the model cannot be read.
        """
        Recogniser.load(model)
        return cls(model, file_sha256(model_path(model or PACKAGED_MODEL)), out, settings)

    def run(self, task: Task) -> FileOutcome:
        """Label one file, unless that was done; whatever goes wrong becomes the outcome's reason."""
        try:
            key = label_key(task.path, self.model_sha256, self.settings)
            if (before := finished(self.out / task.name, key)) is not None:
                return FileOutcome(task, before, again=True)
            labelled = label_file(
                task.path,
                model=_recogniser(self.model, self.model_sha256),
                out=self.out / task.name,
                settings=self.settings,
                key=key,
                cores=self.cores,
            )
            return FileOutcome(task, labelled.summary)
        except HarkenError as error:
            return FileOutcome(task, reason=str(error))
        except Exception as error:  # a fault of harken's own must not cost the other files
            reason = f"{task.path}: a fault in harken: {type(error).__name__}: {error}"
            return FileOutcome(task, reason=printable(reason))


def label_cohort(
    tasks: Sequence[Task], job: Job, *, workers: int = 1, scheduler: str | None = None
) -> Iterator[FileOutcome]:
    """Label files, and give what became of each as it ends.

    A process that dies costs no other file: what it was at is tried once more, in another.

    Args:
        tasks: the files.
        job: how.
        workers: processes here; 1: this process.
        scheduler: the address of a Dask scheduler instead, whose workers see the same files, model and folder.

    Raises:
        HarkenError: when no scheduler or worker answers there.
    """
    if scheduler is not None:
        return _on_dask(tasks, job, scheduler)
    if workers <= 1 or len(tasks) <= 1:
        cores = usable_cores() if len(tasks) == 1 else 1
        return map(replace(job, cores=cores).run, tasks)
    return _in_processes(tasks, job, workers)


@lru_cache(maxsize=1)
def _recogniser(model: Path | None, sha256: str) -> Recogniser:
    found = file_sha256(model_path(model or PACKAGED_MODEL))
    if found != sha256:
        raise HarkenError(f"{model or PACKAGED_MODEL} is another model here (SHA-256 {found}) than was asked for")
    return Recogniser.load(model)


def _in_processes(tasks: Sequence[Task], job: Job, workers: int) -> Iterator[FileOutcome]:
    waiting = list(reversed(tasks))
    deaths: dict[Task, int] = {}
    while waiting:
        context = get_context("spawn")
        # The other end is held by nobody but this process: when it closes, or this process dies, workers end.
        lifeline, held = context.Pipe(duplex=False)
        lanes = min(workers, len(waiting))
        alone = any(deaths.values())  # find out who it was
        executor = ProcessPoolExecutor(
            1 if alone else lanes, mp_context=context, initializer=die_with, initargs=(lifeline,)
        )
        running: dict[Future[FileOutcome], Task] = {}
        try:
            while waiting or running:
                with one_thread_each():
                    while waiting and len(running) < (1 if alone else IN_FLIGHT * lanes):
                        task = waiting.pop()
                        running[executor.submit(job.run, task)] = task
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    deaths.pop(running.pop(future), None)
                    yield outcome
                if alone and not any(task in deaths for task in waiting):
                    break  # and go on with as many as before
        except BrokenProcessPool:
            for task in running.values():
                deaths[task] = deaths.get(task, 0) + 1
                if deaths[task] >= MOST_DEATHS:
                    del deaths[task]
                    yield FileOutcome(task, reason=printable(f"{task.path}: {KILLED}"))
                else:
                    waiting.append(task)
        finally:
            held.close()
            executor.shutdown(cancel_futures=True)
            lifeline.close()


def _on_dask(tasks: Sequence[Task], job: Job, address: str) -> Iterator[FileOutcome]:
    with connected(address) as (client, distributed, lanes):
        waiting = iter(tasks)
        running: dict[Any, Task] = {}

        # A worker may stand in another folder than this process.
        there = replace(job, model=job.model and job.model.absolute(), out=job.out.absolute())

        def next_ones(count: int) -> list[Any]:
            begun = {}
            for task in islice(waiting, count):
                absolute = replace(task, path=task.path.absolute())
                begun[client.submit(there.run, absolute, pure=False)] = task
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
