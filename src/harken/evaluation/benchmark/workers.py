"""Where jobs run: in this process, in processes of one thread each, or on a Dask cluster."""

import errno
import importlib
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from harken.evaluation.benchmark.fold_task import Finding, Work
from harken.support.errors import HarkenError
from harken.support.files import NotWrittenError
from harken.support.installing import install_command
from harken.windows.windows import Windows

__all__ = [
    "SHARED_WINDOWS",
    "InThisProcess",
    "OnDask",
    "Processes",
    "Workers",
    "connected",
    "die_with",
    "one_thread_each",
]

SHARED_WINDOWS = ".windows-"
"""How the file begins in which workers find the signals of all windows; one is left behind by a kill."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
SECONDS_FOR_THE_SCHEDULER = 30

Job = TypeVar("Job", bound=Work)
Running = Generator[tuple[Job, Finding], None, None]
"""Each job with what it found out, as it ends. Closing it stops the others."""


class Workers(Protocol):
    """Somewhere to run jobs."""

    def run(self, jobs: Sequence[Job], windows: Windows) -> Running[Job]:
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

    def run(self, jobs: Sequence[Job], windows: Windows) -> Running[Job]:
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

    def run(self, jobs: Sequence[Job], windows: Windows) -> Running[Job]:
        """See ``Workers``."""
        context = multiprocessing.get_context("spawn")
        # The other end is held by nobody but this process: when it closes, or this process dies, workers end.
        lifeline, held = context.Pipe(duplex=False)
        with _written(windows.signals, self.folder) as file:
            executor = ProcessPoolExecutor(
                min(self.lanes, len(jobs)),
                mp_context=context,
                initializer=_begin,
                initargs=(lifeline, file, replace(windows, signals=windows.signals[:0])),
            )
            try:
                with one_thread_each():
                    futures = {executor.submit(_run, job): job for job in jobs}
                for future in as_completed(futures):
                    yield futures[future], future.result()
                executor.shutdown()
            except BrokenProcessPool as error:
                raise HarkenError(
                    "a worker process was killed, maybe because memory ran out; the same command with --resume goes "
                    "on, and fewer --workers need less memory"
                ) from error
            finally:
                held.close()
                executor.shutdown(cancel_futures=True)
                lifeline.close()


@dataclass
class OnDask:
    """A Dask cluster, whose workers must have one thread each: PyTorch's random numbers are a whole process's."""

    address: str
    lanes: int = 1

    def run(self, jobs: Sequence[Job], windows: Windows) -> Running[Job]:
        """See ``Workers``. The number of ``lanes`` is known once it has begun."""
        with connected(self.address) as (client, distributed, self.lanes):
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
def connected(address: str) -> Iterator[tuple[Any, Any, int]]:
    """A Dask client, the library, and the number of workers, each of which has one thread.

    Raises:
        HarkenError: when Dask is not installed, or no scheduler or worker answers there.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=SECONDS_FOR_THE_SCHEDULER)
    except (OSError, TimeoutError, ValueError) as error:
        raise HarkenError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        yield client, distributed, _workers_of_one_thread(client, address)


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


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started inside inherit one thread, read when NumPy is imported, and no ear for Ctrl-C."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)


_shared: Windows | None = None
"""In a worker process: the windows of all people."""


def _begin(lifeline: Connection, file: str, windows: Windows) -> None:
    global _shared
    _shared = replace(windows, signals=np.load(file, mmap_mode="r", allow_pickle=False))
    die_with(lifeline)


def die_with(lifeline: Connection) -> None:
    """Let this process end when the other end of ``lifeline`` closes, or whoever holds that end dies."""
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    try:
        lifeline.poll(None)
    finally:
        os._exit(1)


def _run(job: Work) -> Finding:
    if _shared is None:
        raise RuntimeError("this process was not begun as a worker")
    return job.run(_shared)


def _run_on(job: Work, windows: Windows) -> Finding:
    return job.run(windows)


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise HarkenError(
            f"--scheduler needs Dask ({error.name} is missing): {install_command('distributed')}"
        ) from error


def _workers_of_one_thread(client: Any, address: str) -> int:
    """How many workers there are."""
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_THE_SCHEDULER)
    except TimeoutError as error:
        raise HarkenError(f"the Dask scheduler at {address} has no workers") from error
    threads = client.nthreads()
    many = sorted(worker for worker, number in threads.items() if number != 1)
    if many:
        raise HarkenError(
            f"the Dask worker {many[0]} has {threads[many[0]]} threads, and each needs a process of its own; "
            "start workers with: dask worker ADDRESS --nthreads 1 --nworkers N"
        )
    return len(threads)
