"""Labelling or summarising many files, in processes of one thread each or on a Dask cluster.

Unusable files do not stop the others; they are in the table of failures (``study``).
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import chdir, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from harken.labelling.file import Progress, label_file, label_prepared_file, prepare_file
from harken.labelling.joined_people import write_joined
from harken.labelling.people import AnyRules, StudyPerson
from harken.labelling.settings import LabelSettings, file_sha256, label_key, rules_key
from harken.labelling.stored import find_earlier, read_summary
from harken.labelling.summary import summarise_folder
from harken.labelling.teaching import Lesson, learn
from harken.models.model_file import PACKAGED_MODEL, model_path
from harken.models.recogniser import Recogniser
from harken.outcomes.rules import Rules
from harken.support.errors import HarkenError
from harken.support.files import Json, writing_in_turn
from harken.support.processes import ProcessEndedError, call_in_process, dask_client, one_thread_each, process_pool

Item = TypeVar("Item")
OnShare = Callable[[float], None]

IN_FLIGHT = 4
"""Tasks submitted at once for each worker, so that a hundred thousand files do not need as many futures."""
KILLED = "the process that labelled it was killed, probably because memory ran out; use fewer --workers"
CRASHED = "the process that labelled it crashed, probably because the file is damaged; export or copy it again"


@dataclass(frozen=True)
class FileTask:
    """A file and the folder for its results. If the results are summarised, both are that folder.

    ``other_name`` is a value for ``--name`` that gives the results another folder. ``lesson`` is the lesson of the
    wearer, if the study is taught and the wearer has labels. ``person`` is the wearer's row in the table of people.
    ``joins`` are the folders of results of the files of one person, if these are joined; path and folder are then
    those of the joined results.
    """

    path: Path
    folder: Path
    other_name: str = ""
    lesson: Lesson | None = None
    person: StudyPerson | None = None
    joins: tuple[Path, ...] = ()

    def choose_rules(self, rules: AnyRules) -> AnyRules:
        """Return the rules for this file: those of the command, with what the row of its wearer says."""
        return rules if self.person is None else self.person.change_rules(rules)

    def choose_settings(self, settings: LabelSettings) -> LabelSettings:
        """Return the settings for this file: those of the command, with what the row of its wearer says."""
        return settings if self.person is None else self.person.change_settings(settings)


@dataclass(frozen=True)
class FileOutcome:
    """The result of a task: its summary, or the error for which there is none, and what had to be done for it.

    ``unread`` are the folders of results that could not be read to be joined, and why.
    """

    task: FileTask
    summary: Json | None = None
    error: HarkenError | None = None
    done: Literal["labelled", "summarised", "joined", "nothing"] = "labelled"
    unread: Mapping[Path, HarkenError] = field(default_factory=dict)

    @property
    def missing(self) -> bool:
        """Whether there is no such file: perhaps its name was mistyped. It then says nothing about a study."""
        return self.error is not None and not os.path.lexists(self.task.path)


Work: TypeAlias = Callable[[FileTask, OnShare | None], FileOutcome]
"""What is done with each file: it may call the function with the share of the file that is done. An instance is small,
because it is sent to a worker with each task."""


def labelling(model: Path | None, settings: LabelSettings, *, cores: int = 1, again: bool = False) -> Work:
    """The work of labelling with the present content of a model file, which every worker can read.

    A file that is labelled already, and for which only the rules differ, is summarised.

    Args:
        model: the model file; None: the one that comes with harken.
        settings: the settings of labelling.
        cores: the number of cores for one file; more than one only if there is a single file.
        again: whether a file is labelled again, and its results are replaced, if they were made in another way or were
            changed.

    Raises:
        HarkenError: when the model cannot be read.
    """
    Recogniser.load(model)
    sha256 = file_sha256(model_path(model or PACKAGED_MODEL))
    return partial(_labelled, model=model, sha256=sha256, settings=settings, cores=cores, again=again)


def _labelled(
    task: FileTask,
    on_share: OnShare | None = None,
    *,
    model: Path | None,
    sha256: str,
    settings: LabelSettings,
    cores: int,
    again: bool,
) -> FileOutcome:
    settings = task.choose_settings(settings)
    key = label_key(task.path, sha256, settings)
    learned = None
    if task.lesson is not None:
        learned = learn(
            task.lesson, _recogniser(model, sha256), sha256, settings, own=task.path, own_sha256=key["sha256"]
        )
        # The labels come first, so that a refusal names them and not the model that follows from them.
        key = {"taught": learned.rows_sha256, **key, "model_sha256": learned.model_sha256 or sha256}
    find = partial(find_earlier, task.folder, task.path, key, again=again, other_name=task.other_name)
    earlier = find()
    if earlier is not None:
        return _summarised(task, earlier, settings.rules)
    general = _recogniser(model, sha256)
    if task.lesson is None or learned is None:
        labelled = label_file(task.path, model=general, settings=settings, key=key, on_share=on_share, cores=cores)
    else:
        # How the watch sat is found with the general model, as it was when the wearer was learned from.
        prepared = learned.prepared or prepare_file(task.path, general, settings)
        labelled = label_prepared_file(
            prepared,
            general if learned.model_sha256 is None else Recogniser.load(task.lesson.model),
            settings,
            key,
            progress=Progress(on_share=on_share),
            cores=cores,
            taught=learned.taught.of_file(key["sha256"]),
        )
    with writing_in_turn(task.folder):
        earlier = find()  # another command may have written there in the meantime
        if earlier is None:
            labelled.write(task.folder)
            return FileOutcome(task, labelled.summary)
    return _summarised(task, earlier, settings.rules)


@lru_cache(maxsize=1)
def _recogniser(model: Path | None, sha256: str) -> Recogniser:
    """The model, if it has this digest, so that no worker uses another one."""
    found = file_sha256(model_path(model or PACKAGED_MODEL))
    if found != sha256:
        raise HarkenError(
            f"the model {model or PACKAGED_MODEL} on this machine (SHA-256 {found}) is not that of this job"
        )
    return Recogniser.load(model)


def summarising(task: FileTask, _: OnShare | None = None, *, rules: Rules) -> FileOutcome:
    """Summarise the results in a folder, unless they were made with these rules. It takes a few seconds, of which no
    share is told."""
    return _summarised(task, read_summary(task.folder), task.choose_rules(rules))


def joining(task: FileTask, _: OnShare | None = None) -> FileOutcome:
    """Compute the outcomes of a person with several files from their results."""
    unread = write_joined(task.folder, task.joins)
    return FileOutcome(task, done="joined", unread=unread)


def _summarised(task: FileTask, before: Json, rules: Rules) -> FileOutcome:
    """The outcome of a file with this summary."""
    earlier = before["summarised_by"]
    if all(earlier.get(name) == value for name, value in rules_key(rules).items()):
        return FileOutcome(task, before, done="nothing")
    return FileOutcome(task, summarise_folder(task.folder, rules).summary, done="summarised")


def run_cohort(
    tasks: Sequence[FileTask],
    work: Work,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    on_share: OnShare | None = None,
) -> Iterator[FileOutcome]:
    """Label or summarise files; yields the outcome of each as it ends.

    When a process is killed, its files are tried once more, each in a process of its own.

    Args:
        tasks: the files.
        work: what is done with each.
        workers: processes on this machine; 1: this process.
        scheduler: the address of a Dask scheduler to use instead; its workers need access to the same paths.
        on_share: called with the share of the current file that is done, while this process labels it.

    Raises:
        HarkenError: when no scheduler or worker answers there.
    """
    if scheduler is not None:
        return _on_dask(tasks, work, scheduler)
    if workers <= 1 or len(tasks) <= 1:
        return (_tried(work, task, on_share) for task in tasks)
    return _in_processes(tasks, work, workers)


def _tried(work: Work, task: FileTask, on_share: OnShare | None = None) -> FileOutcome:
    """The outcome of a file; an error is kept in it."""
    try:
        return work(task, on_share)
    except HarkenError as error:
        return FileOutcome(task, error=error.without_traceback())
    except (KeyboardInterrupt, SystemExit):  # Ctrl+C, and SIGTERM
        raise
    except BaseException as error:  # a fault in harken must not stop the other files; a panic in Rust is no Exception
        fault = HarkenError(f"a fault in harken: {type(error).__name__}: {error}", path=task.path)
        return FileOutcome(task, error=fault)


def _in_processes(tasks: Sequence[FileTask], work: Work, workers: int) -> Iterator[FileOutcome]:
    waiting = deque(tasks)
    while waiting:
        lanes = min(workers, len(waiting))
        running = dict[Future[FileOutcome], FileTask]()
        try:
            with process_pool(lanes) as pool:
                yield from _as_they_end(pool, lanes, waiting, running, partial(_tried, work))
        except BrokenProcessPool:  # by one of these files
            for task in running.values():
                yield _try_alone(work, task)


def _try_alone(work: Work, task: FileTask) -> FileOutcome:
    """Return the outcome of a file in a process of its own. If the process ends, the file is the cause."""
    try:
        return call_in_process(partial(_tried, work), task)
    except ProcessEndedError as error:
        return FileOutcome(task, error=HarkenError(CRASHED if error.crashed else KILLED, path=task.path))


def _on_dask(tasks: Sequence[FileTask], work: Work, address: str) -> Iterator[FileOutcome]:
    with dask_client(address) as (client, distributed, lanes):
        here = partial(_tried_in, Path.cwd(), work)
        killed = distributed.KilledWorker
        yield from _as_they_end(client.get_executor(pure=False), lanes, deque(tasks), {}, here, killed)


def _tried_in(folder: Path, work: Work, task: FileTask) -> FileOutcome:
    """The outcome of a file by a worker with another working directory. Where it cannot enter this one, it finds only
    absolute paths."""
    with chdir(folder) if os.access(folder, os.X_OK) else nullcontext():
        return _tried(work, task)


def _as_they_end(
    pool: Executor,
    lanes: int,
    waiting: deque[FileTask],
    running: dict[Future[FileOutcome], FileTask],
    work: Callable[[FileTask], FileOutcome],
    killed: type[Exception] | tuple[()] = (),
) -> Iterator[FileOutcome]:
    """The outcomes of the waiting files.

    Args:
        pool: where they are computed.
        lanes: how many at the same time.
        waiting: the files, which are taken out as they are submitted.
        running: receives the submitted files, which are taken out as they end.
        work: what is done with each.
        killed: the error of a file whose process was killed again and again.
    """
    while waiting or running:
        with one_thread_each():  # a process starts when work is submitted
            while waiting and len(running) < IN_FLIGHT * lanes:
                running[pool.submit(work, waiting[0])] = waiting[0]
                waiting.popleft()
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            try:
                outcome = future.result()
            except killed:
                task = running[future]
                outcome = FileOutcome(task, error=HarkenError(KILLED, path=task.path))
            del running[future]
            yield outcome


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
