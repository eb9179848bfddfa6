"""Where jobs run: in this process, in processes of one thread each, or on a Dask cluster."""

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

__all__ = ["SHARED_WINDOWS", "Finding", "InThisProcess", "OnDask", "Processes", "Work", "Workers"]

SHARED_WINDOWS = ".windows-"
"""How the file begins in which workers find the signals of all windows; one is left behind by a kill."""


@dataclass(frozen=True)
class Finding:
    """What a task found out: for JSON, and the model file's content where there is one."""

    content: dict[str, Any]
    model: bytes | None


class Work(Protocol):
    """What ``Workers`` can run. It is sent to other processes, so it holds no windows itself."""

    def run(self, windows: Windows) -> Finding:
        """Do it, on the windows that are shared by all."""
        ...


AnyWork = TypeVar("AnyWork", bound=Work)
Running = Generator[tuple[AnyWork, Finding], None, None]
"""Each job with what it found out, as it ends. Closing it stops the others."""


class Workers(Protocol):
    """Somewhere to run jobs."""

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """Begin the jobs in their order, and give each with what it found out as it ends."""
        ...

    @property
    def lanes(self) -> int:
        """How many jobs run at once."""
        ...


@dataclass(frozen=True)
class InThisProcess:
    """One job after the other, here."""

    lanes = 1

    def run(self, jobs: Sequence[AnyWork], windows: Windows) -> Running[AnyWork]:
        """See ``Workers``."""
        for job in jobs:
            yield job, job.run(windows)


@dataclass(frozen=True)
class Processes:
    """Processes of one thread each: more throughput than one job with many threads, and the same result on any number.

    The signals of all windows are written to ``folder`` once and mapped into every process. A process ends when this
    one does, however that ends.
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
    """A Dask cluster, whose workers must have one thread each: PyTorch's random numbers are a whole process's."""

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
        except OSError as error:  # NumPy says how much of it was written, and not why no more
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
