"""A job beside the server ends with a sentence that says how, and with the task that waits for it."""

import asyncio
import errno
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harken.support.errors import HarkenError
from harken.web.jobs import JobError, Send, run_job
from server_process import child_processes
from waiting import until


def opens(_: Send, path: str) -> None:
    Path(path).read_text()


def fills(_: Send, path: str) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", path)


def fails(_: Send, words: str) -> None:
    raise OSError(words)


def refuses(_: Send, path: str) -> None:
    raise HarkenError("is missing", "give it", path=path, place="row 2", colon=False)


def breaks(_: Send, key: str) -> None:
    raise KeyError(key)


def runs_out(_: Send, words: str) -> None:
    raise RuntimeError(words)


def leaves(_: Send, code: str) -> None:
    os._exit(int(code))


def is_killed(_: Send, number: str) -> None:
    os.kill(os.getpid(), int(number))


def rings(send: Send, _: str) -> None:
    print("what a library prints is no message")
    while True:
        send(type="rings", long="x" * 100_000)


def sleeps(_: Send, seconds: str) -> None:
    time.sleep(float(seconds))


def run(work: Callable[[Send, str], None], argument: str, on_message: Callable[[Any], None] = lambda _: None) -> None:
    async def wait() -> None:
        async with asyncio.timeout(60):
            await run_job(work, argument, on_message=on_message)

    asyncio.run(wait())


@pytest.mark.parametrize(
    ("work", "argument", "kind", "sentence"),
    [
        (opens, "/no/file", "file", "/no/file: a file cannot be read or written (No such file or directory)"),
        (fills, "/a/file", "file", "the disk is full (/a/file)"),
        (fails, "strange", "file", "a file cannot be read or written (strange)"),
        (breaks, "strange", "fault", "a fault in harken: KeyError: 'strange'"),
        (runs_out, "DefaultCPUAllocator: can't allocate memory", "memory", "memory ran out"),
        (leaves, "3", "ended", "the process ended by itself (exit code 3)"),
        (is_killed, str(signal.SIGKILL.value), "ended", "the process was killed, probably because memory ran out"),
    ],
)
def test_the_end_of_a_job_is_a_sentence(
    work: Callable[[Send, str], None], argument: str, kind: str, sentence: str
) -> None:
    with pytest.raises(JobError) as failed:
        run(work, argument)
    assert (failed.value.kind, str(failed.value)) == (kind, sentence)


def test_a_refusal_has_its_facts() -> None:
    with pytest.raises(JobError) as failed:
        run(refuses, "a.csv")
    error = failed.value
    assert (error.kind, str(error)) == ("refused", "a.csv, row 2 is missing\n  give it")
    assert (error.path, error.place, error.reason) == ("a.csv", "row 2", "is missing\n  give it")


def test_a_cancelled_job_has_ended() -> None:
    earlier = child_processes(os.getpid())  # other tests' work in this process

    async def cancel() -> None:
        heard = asyncio.Event()
        job = asyncio.create_task(run_job(rings, "", on_message=lambda _: heard.set()))
        async with asyncio.timeout(60):
            await heard.wait()
        (child,) = set(child_processes(os.getpid())).difference(earlier)
        job.cancel()
        await asyncio.sleep(0)
        job.cancel()  # a server that ends cancels everything once more
        await asyncio.gather(job, return_exceptions=True)
        assert job.cancelled()
        assert not Path(f"/proc/{child}").exists()

    asyncio.run(cancel())
    gc.collect()  # what is left open is a warning here


def test_a_silent_job_ends_with_its_server() -> None:
    code = f"import sys; sys.path[:] = {sys.path}; from {__name__} import run, sleeps; run(sleeps, '600')"
    with subprocess.Popen([sys.executable, "-c", code]) as server:
        (child,) = until(lambda: child_processes(server.pid), 60)
        time.sleep(1.5)  # it sleeps
        server.kill()
    until(lambda: not Path(f"/proc/{child}").exists())
