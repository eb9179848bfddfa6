"""Worker processes of one thread each: a pool on this machine, or a Dask cluster."""

import importlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from harken.support.errors import HarkenError
from harken.support.plugins import install_command

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
SCHEDULER_TIMEOUT_S = 30
CRASHES = [
    getattr(signal, name) for name in ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV") if hasattr(signal, name)
]
"""The signals by which a fault in compiled code ends a process."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def process_pool(count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that end together with this process, also when it is killed.

    An exception inside the ``with`` block ends them at once; otherwise they finish the submitted work. Submit inside
    ``one_thread_each``, because a process starts when work is submitted.

    Args:
        count: the number of processes.
    """
    context = get_context("spawn")
    # Only this process has the other end. When it is closed, or this process ends, the workers end.
    lifeline, held = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_initialize, initargs=(lifeline,))
    try:
        yield executor
        executor.shutdown()
    finally:
        held.close()
        executor.shutdown(cancel_futures=True)
        lifeline.close()


class ProcessEndedError(Exception):
    """Raised when a process ended without a result.

    Attributes:
        crashed: whether a fault in compiled code ended it, rather than another process or the system.
    """

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.crashed = has_crashed(exit_code)


def has_crashed(exit_code: int | None) -> bool:
    """Return whether a process with this exit code (of ``subprocess`` or ``multiprocessing``) was ended by a signal of
    a fault in compiled code, such as a library that aborts."""
    return exit_code in [-number for number in CRASHES]


def call_in_process(function: Callable[[Item], Result], item: Item) -> Result:
    """Return ``function(item)``, computed in a process of its own that ends together with this process.

    Raises:
        ProcessEndedError: when the process ends without a result.
    """
    context = get_context("spawn")
    lifeline, held = context.Pipe(duplex=False)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(lifeline, sender, function, item))
    try:
        with one_thread_each():
            process.start()
        sender.close()
        result: Result = receiver.recv()
    except EOFError:
        process.join()
        raise ProcessEndedError(process.exitcode) from None
    finally:
        held.close()
        for connection in (lifeline, receiver):
            connection.close()
    process.join()
    return result


def _send_result(lifeline: Connection, sender: Connection, function: Callable[[Item], Any], item: Item) -> None:
    _initialize(lifeline)
    sender.send(function(item))


def _initialize(lifeline: Connection) -> None:
    threading.Thread(target=_wait_and_end, args=(lifeline,), daemon=True).start()


def _wait_and_end(lifeline: Connection) -> None:
    """End this process when the other end of ``lifeline`` is closed, or when the process that has it ends."""
    try:
        lifeline.poll(None)
    finally:
        os._exit(1)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes started inside compute with one thread (NumPy reads the number at its import) and ignore Ctrl-C."""
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


@contextmanager
def dask_client(address: str) -> Iterator[tuple[Any, Any, int]]:
    """A Dask client, the library ``distributed``, and the number of workers. Each worker has one thread.

    Raises:
        HarkenError: when Dask is not installed, no scheduler or worker responds, or a worker has several threads.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise HarkenError(
            f"--scheduler needs Dask ({error.name} is missing): {install_command('distributed')}"
        ) from error
    try:
        client = distributed.Client(address, timeout=SCHEDULER_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise HarkenError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        yield client, distributed, _workers_of_one_thread(client, address)


def _workers_of_one_thread(client: Any, address: str) -> int:
    """The number of workers."""
    try:
        client.wait_for_workers(1, timeout=SCHEDULER_TIMEOUT_S)
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
