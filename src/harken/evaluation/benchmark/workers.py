"""Workers that run jobs: in this process, in processes of one thread each, or on a Dask cluster."""

import errno
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from harken.support.errors import HarkenError
from harken.support.files import NotWrittenError
from harken.support.processes import dask_client, one_thread_each, process_pool
from harken.windows.windows import Windows

SHARED_WINDOWS = ".windows-"
"""The prefix of the file with the signals of all windows. Such a file remains if the benchmark is killed."""


@dataclass(frozen=True)
class Finding:
    """The result of a task: values for JSON, and the content of the model file if there is one."""

    content: dict[str, Any]
    model: bytes | None


class Work(Protocol):
    """A job that ``Workers`` can run. It is sent to other processes, so it holds no windows itself."""

    def run(self, windows: Windows) -> Finding:
        """Run the job on the windows, which all jobs share."""
        ...


AnyWork = TypeVar("AnyWork", bound=Work)
Running = Generator[tuple[AnyWork, Finding], None, None]
"""Each job with its result, as it ends. Closing the generator stops the other jobs."""


class Workers(Protocol):
    """Runs jobs, in this or in other processes."""

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """Start the jobs in their order, and yield each with its result as it ends."""
        ...

    @property
    def lanes(self) -> int:
        """The number of jobs that run at the same time."""
        ...


@dataclass(frozen=True)
class InThisProcess:
    """Runs one job after the other in this process."""

    lanes = 1

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """See ``Workers``."""
        for job in jobs:
            yield job, job.run(windows)


@dataclass(frozen=True)
class Processes:
    """Processes of one thread each, with more throughput than one job with many threads.

    The result does not depend on the number of processes. The signals of all windows are written to ``folder`` once and
    mapped into every process. The worker processes end when this process ends, even if it is killed.
    """

    lanes: int
    folder: Path

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """See ``Workers``."""
        try:
            with (
                _written(windows.signals, self.folder) as file,
                process_pool(
                    min(self.lanes, len(jobs)),
                    initializer=_begin,
                    initargs=(file, replace(windows, signals=windows.signals[:0])),
                ) as pool,
            ):
                with one_thread_each():
                    futures = {pool.submit(_run, job): job for job in jobs}
                for future in as_completed(futures):
                    yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise HarkenError(
                "a worker process was killed, maybe because memory ran out; the same command with --resume goes "
                "on, and fewer --workers need less memory"
            ) from error


@dataclass
class OnDask:
    """A Dask cluster. Its workers must have one thread each, because a process has one random state of PyTorch."""

    address: str
    lanes: int = 1

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """See ``Workers``. The number of ``lanes`` is known once it has begun."""
        with dask_client(self.address) as (client, distributed, self.lanes):
            shared = client.scatter(windows, broadcast=True, hash=False)
            futures = {
                client.submit(_run_on, job, shared, pure=False, priority=-number): job
                for number, job in enumerate(jobs)
            }
            try:
                for future in distributed.as_completed(list(futures)):
                    yield futures[future], future.result()
            except distributed.KilledWorker as error:
                raise HarkenError(
                    f"a Dask worker was killed again and again ({error}), maybe because memory ran out; the same "
                    "command with --resume goes on"
                ) from error
            finally:
                client.cancel(list(futures))


@contextmanager
def _written(signals: np.ndarray[Any, np.dtype[np.float32]], folder: Path) -> Iterator[str]:
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


_shared: Windows | None = None
"""In a worker process: the windows of all people."""


def _begin(file: str, windows: Windows) -> None:
    global _shared
    _shared = replace(windows, signals=np.load(file, mmap_mode="r", allow_pickle=False))


def _run(job: Work) -> Finding:
    if _shared is None:
        raise RuntimeError("this process was not begun as a worker")
    return job.run(_shared)


def _run_on(job: Work, windows: Windows) -> Finding:
    return job.run(windows)
