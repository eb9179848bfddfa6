"""The tasks of a benchmark, and the directory in which each result has a file.

A task runs one method on one fold, in this process, in others, or on a Dask cluster.
"""

import errno
import json
import os
import re
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypedDict

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.evaluation.benchmark.methods import Method, TrainedMethod, trained_network
from harken.evaluation.benchmark.result import THREADS, made_with
from harken.evaluation.benchmark.scoring import Scoring
from harken.support.arrays import Float32Array
from harken.support.aside import is_aside
from harken.support.errors import HarkenError, first_difference
from harken.support.files import (
    Json,
    NotWrittenError,
    make_folder,
    read_json,
    refuse_occupied,
    write_bytes,
    write_text,
)
from harken.support.processes import dask_client, one_thread_each, process_pool
from harken.support.resources import computing_threads, usable_cores
from harken.support.tables import write_parquet
from harken.windows.folds import Fold
from harken.windows.known_labels import LabelSets
from harken.windows.windows import Windows

SHARED_WINDOWS = ".windows-"
"""The prefix of the file with the signals of all windows. Such a file remains if the benchmark is killed."""
ALONE = threading.Lock()
"""Lock for tasks. PyTorch has one random state and one number of threads in a process, so tasks must not overlap."""

PREDICTIONS = "predictions.parquet"
UNSAFE = re.compile(r"[^\w.+-]")
MODEL, ROWS = ".safetensors", ".parquet"
LIST_OF_NUMBERS = re.compile(r"\[\n\s+(-?\d[-\d.e+,\s]*?)\s+\]")


class Finding(NamedTuple):
    """The result of a task.

    Attributes:
        content: values for JSON.
        model: the content of the model file, if there is one.
        rows: the predictions, if they are kept; see ``harken.models.scores.prediction_rows``.
    """

    content: Json
    model: bytes | None
    rows: pl.DataFrame | None


class _Finding(TypedDict):
    decided_by: Json
    timing: dict[str, float]


@dataclass(frozen=True, eq=False)
class FoldTask:
    """A method and a fold. It is sent to other processes, so it holds no windows itself.

    Attributes:
        method, fold: what is trained, and on whom.
        scoring: how the trained method is scored.
        effort: the amount of work, in windows processed during training.
        decided_by: everything that the result depends on, for JSON.
        keeps_rows: whether the predictions are kept.
    """

    method: Method
    fold: Fold
    scoring: Scoring
    effort: float
    decided_by: Json
    keeps_rows: bool = False

    def run(self, windows: Windows) -> Finding:
        """Train on the fold's training people and score its test people, with one thread.

        Args:
            windows: the labelled windows of all people, which all tasks share.

        Raises:
            HarkenError: when the fold has the same person or study in training and test, or its windows cannot be
                trained on.
        """
        with ALONE, computing_threads(THREADS), threadpool_limits(THREADS):
            training, label_sets, test = self.scoring.parts(self.fold, windows)
            started = time.perf_counter()
            trained = self.method.fit(training, label_sets)
            fitted = time.perf_counter()
            predicted: Any = self.scoring.predicted(trained, test)
            ended = time.perf_counter()
            scored = self.scoring.scored(predicted, training, test)
            if scored["one_label"] is not None:
                scored["right_in_training"] = right_share(trained, training, label_sets)
        timing = {"fit_s": fitted - started, "predict_s": ended - fitted}
        content = {"training_windows": len(training), **scored, "made_with": made_with(), "timing": timing}
        rows = self._rows(predicted, test) if self.keeps_rows else None
        return Finding(content, trained.model, rows)

    def _rows(self, predicted: Any, test: Windows) -> pl.DataFrame:
        return self.scoring.rows(predicted, test).select(
            pl.lit(self.method.name).alias("method"),
            pl.lit(self.fold.name).alias("fold"),
            pl.all(),
        )

    def add_rows(self, windows: Windows, out: Path) -> None:
        """Write the predictions of a finished preset from its model file, if they are to be kept and are missing."""
        path = self.path(out)
        model, rows = path.with_suffix(MODEL), path.with_suffix(ROWS)
        if not self.keeps_rows or rows.exists() or not model.exists():
            return
        if replace(self, keeps_rows=False).read(out) is None:  # it also refuses other settings
            return
        from harken.models.recogniser import Recogniser

        with ALONE, computing_threads(THREADS), threadpool_limits(THREADS):
            _, _, test = self.scoring.parts(self.fold, windows)
            predicted = self.scoring.predicted(trained_network(Recogniser.load(model, device="cpu")), test)
        write_parquet(self._rows(predicted, test), rows)

    def read(self, out: Path) -> Json | None:
        """The result in a benchmark's directory, or None if it is not there yet. That of a preset is complete with its
        model file, and one whose predictions are kept with these.

        Raises:
            HarkenError: when the file is damaged, or the result depends on something else than the task's.
        """
        path = self.path(out)
        needed = [path]
        if self.decided_by["method"]["kind"] == "preset":
            needed.append(path.with_suffix(MODEL))
        if self.keeps_rows:
            needed.append(path.with_suffix(ROWS))
        if not all(file.exists() for file in needed):
            return None
        content = read_json(path, _Finding, advice="remove it, and --resume computes it again")
        difference = first_difference(content["decided_by"], json.loads(json.dumps(self.decided_by)))
        if difference is not None:
            where, before, now = difference
            raise HarkenError(
                f"was made with another {where} ({_short(before)}, now {_short(now)}), and one table cannot "
                "contain both; use the earlier settings and data, or choose another --out",
                path=path,
                colon=False,
            )
        return content

    def write(self, out: Path, finding: Finding) -> None:
        """Write the result. The JSON is written last: if it exists, the result is complete."""
        path = self.path(out)
        path.parent.mkdir(exist_ok=True)
        if finding.model is not None:
            write_bytes(path.with_suffix(MODEL), finding.model)
        if finding.rows is not None:
            write_parquet(finding.rows, path.with_suffix(ROWS))
        head = {"method": self.method.name, "fold": self.fold.name, "decided_by": self.decided_by}
        write_text(path, json_text({**head, **finding.content}))

    def path(self, out: Path) -> Path:
        """See ``finding_path``."""
        return finding_path(out, self.fold.name, self.method.name)


def right_share(trained: TrainedMethod, windows: Windows, label_sets: LabelSets) -> float:
    """The share of windows that get a right label, which is one of several for windows of ``label_sets``."""
    given = np.array(windows.label_names)[trained.probabilities(windows).argmax(axis=1)]
    pairs = zip(given.tolist(), windows.labels.tolist(), strict=True)
    return float(np.mean([label in label_sets.get(truth, (truth,)) for label, truth in pairs]))


def finding_path(out: Path, fold: str, method: str) -> Path:
    """The file in a benchmark's directory with the result of a method on a fold. A preset's model lies beside it."""
    return out / f"fold_{file_stem(fold)}" / f"{file_stem(method)}.json"


def file_stem(name: str) -> str:
    """The name of a method or a fold in names of files."""
    return UNSAFE.sub("_", name)


def write_predictions(out: Path, tasks: Sequence[FoldTask]) -> None:
    """Write the predictions of all tasks, from their files, as one table."""
    tables = [pl.read_parquet(task.path(out).with_suffix(ROWS)) for task in tasks]
    write_parquet(pl.concat(tables), out / PREDICTIONS)


def finished_findings(out: Path) -> int:
    """The number of results of a method on a fold that are complete in a benchmark's directory."""
    return sum(1 for _ in out.glob("fold_*/[!.]*.json"))


def open_directory(out: Path, *, resume: bool) -> None:
    """Make an empty directory for a benchmark, or open one to continue.

    Raises:
        HarkenError: when it is not empty and ``resume`` is false, or holds something else.
    """
    content = {path.name for path in out.iterdir() if not is_aside(path)} if out.is_dir() else set()
    own = any(name.startswith((SHARED_WINDOWS, "fold_", "benchmark.")) for name in content)
    refuse_occupied(out, "benchmark", occupied=bool(content), own=own, resume=resume)
    for folder in (out, *out.glob("fold_*")):
        make_folder(folder)
    for left_behind in out.glob(f"{SHARED_WINDOWS}*"):
        left_behind.unlink(missing_ok=True)


def json_text(content: Json) -> str:
    """JSON that people can read and compare line by line: a list of numbers takes one line."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return LIST_OF_NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text) + "\n"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


Running = Generator[tuple[FoldTask, Finding, int], None, None]
"""Each task with its result, as it ends, and how many run at the same time. Closing it stops the other tasks."""


def run(
    tasks: Sequence[FoldTask], windows: Windows, *, workers: int | None, scheduler: str | None, folder: Path
) -> Running:
    """Run tasks in processes, on the Dask cluster of a scheduler, or with 0 workers one by one in this process.

    Args:
        tasks: methods and folds.
        windows: the labelled windows of all people.
        workers, scheduler: see ``BenchmarkSettings``.
        folder: where the signals lie for the processes meanwhile.
    """
    if scheduler is not None:
        return _run_on_dask(tasks, windows, address=scheduler)
    if workers == 0:
        return ((task, task.run(windows), 1) for task in tasks)
    return _run_in_processes(tasks, windows, processes=workers or usable_cores(), folder=folder)


def _run_in_processes(tasks: Sequence[FoldTask], windows: Windows, *, processes: int, folder: Path) -> Running:
    """Run tasks in processes of one thread each, with more throughput than one task with many threads.

    The result does not depend on the number of processes. The signals of all windows are written to ``folder`` once and
    mapped into every process. The worker processes end when this process ends, even if it is killed.
    """
    without_signals = replace(windows, signals=windows.signals[:0])
    count = min(processes, len(tasks))
    try:
        with (
            _written(windows.signals, folder) as file,
            process_pool(count) as pool,
        ):
            with one_thread_each():
                futures = {pool.submit(_run, task, file, without_signals): task for task in tasks}
            for future in as_completed(futures):
                yield futures[future], future.result(), processes
    except BrokenProcessPool as error:
        raise HarkenError(
            "a worker process was killed, maybe because memory ran out; the same command with --resume goes "
            "on, and fewer --workers need less memory"
        ) from error


def _run_on_dask(tasks: Sequence[FoldTask], windows: Windows, *, address: str) -> Running:
    """Run tasks on a Dask cluster. Its workers must have one thread each, because of PyTorch's one random state."""
    with dask_client(address) as (client, distributed, workers):
        shared = client.scatter(windows, broadcast=True, hash=False)
        futures = {
            client.submit(FoldTask.run, task, shared, pure=False, priority=-number): task
            for number, task in enumerate(tasks)
        }
        try:
            for future in distributed.as_completed(list(futures)):
                yield futures[future], future.result(), workers
        except distributed.KilledWorker as error:
            raise HarkenError(
                f"a Dask worker was killed again and again ({error}), maybe because memory ran out; the same "
                "command with --resume goes on"
            ) from error
        finally:
            client.cancel(list(futures))


@contextmanager
def _written(signals: Float32Array, folder: Path) -> Iterator[str]:
    handle, name = tempfile.mkstemp(dir=folder, prefix=SHARED_WINDOWS, suffix=".npy")
    try:
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, np.ascontiguousarray(signals), allow_pickle=False)
        except OSError as error:  # NumPy's message has the number of bytes written, but no reason
            number = error.errno or errno.ENOSPC
            raise NotWrittenError(number, os.strerror(number), name) from error
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


def _run(task: FoldTask, file: str, windows: Windows) -> Finding:
    """In a worker process: run a task on windows whose signals are in a file."""
    return task.run(replace(windows, signals=np.load(file, mmap_mode="r", allow_pickle=False)))


@dataclass(frozen=True)
class Finished:
    """A finished task, and the progress of the benchmark."""

    method: str
    fold: str
    mean_person_macro_f1: float
    one_label: str | None
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
