"""Jobs: a function in a process of its own beside the server, such as labelling a recording or learning a model.

The interpreter that answers clients is not blocked, a job can be ended at any time, and its memory is returned to the
system at its end. What a job receives and sends is JSON, not pickles, so that nothing from a compromised process is
executed.
"""

import asyncio
import errno
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import orjson

from harken.support.errors import HarkenError
from harken.support.plugins import import_object
from harken.support.processes import THREAD_VARIABLES, has_crashed

Message = dict[str, Any]
Send = Callable[..., None]
"""Sends a message, whose fields are the arguments."""
START = "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); from harken.web.jobs import main; main()"
MOST_MESSAGE_BYTES = 1 << 30
PROGRESS_S = 0.25
NO_MEMORY = "memory ran out"
NO_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory", "error return without exception set")
"""Messages of PyTorch and, in the middle of an import, of Python, where they do not raise MemoryError."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KILLED = -9
"""By SIGKILL, by which Linux ends a process when memory runs out."""
Kind = Literal["refused", "memory", "file", "fault", "crashed", "ended"]


class JobError(HarkenError):
    """A job that has failed.

    Attributes:
        kind: ``refused`` (the job raised a HarkenError), ``memory``, ``file`` (an error of the operating system),
            ``fault`` (of harken), ``crashed`` (a fault in compiled code ended the process), or ``ended`` (the process
            ended by itself, or was killed).
    """

    def __init__(self, kind: Kind, *lines: object, path: object = None, place: str = "", colon: bool = True) -> None:
        super().__init__(*lines, path=path, place=place, colon=colon)
        self.kind = kind


async def run_job(
    work: Callable[..., None],
    *arguments: Any,
    on_message: Callable[[Message], None],
    niceness: int = 0,
    polars_threads: int | None = None,
) -> None:
    """Call ``work(send, *arguments)`` in a process of its own, and return when it has ended.

    The process is killed if this is cancelled, and ends when the server ends, even if the server is killed.

    Args:
        work: a function of a module, called with a function that sends messages.
        arguments: plain values, as JSON has them.
        on_message: called with each message.
        niceness: how much of the processor the process leaves to others (0 to 19).
        polars_threads: the number of threads with which Polars computes; None for all cores.

    Raises:
        JobError: when it fails, with a sentence.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    if polars_threads is not None:
        environment["POLARS_MAX_THREADS"] = str(polars_threads)
    request = {"work": f"{work.__module__}:{work.__qualname__}", "arguments": arguments, "niceness": niceness}
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", START, json.dumps(sys.path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MOST_MESSAGE_BYTES,
            env=environment,
            start_new_session=True,  # on Ctrl+C the server ends this process
        )
    except OSError as error:  # such as too many processes
        raise JobError("ended", f"a process could not be started ({error})") from error
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(orjson.dumps(request) + b"\n")
        async for line in process.stdout:
            message = orjson.loads(line)
            match message["type"]:
                case "done":
                    return
                case "failed":
                    facts = message["error"]
                    raise JobError(message["kind"], *facts.pop("lines"), **facts)
                case _:
                    on_message(message)
        raise _explain_end(await process.wait())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        while process.returncode is None:
            with suppress(asyncio.CancelledError):  # a second one, such as at the end of the server
                await process.wait()


def _explain_end(exit_code: int) -> JobError:
    """Make the error for a process that ended without a result."""
    if exit_code == KILLED:
        return JobError("ended", f"the process was killed, probably because {NO_MEMORY}")
    if has_crashed(exit_code):
        return JobError("crashed", "the process crashed")
    return JobError("ended", f"the process ended by itself (exit code {exit_code})")


class Progress:
    """In a job: sends each stage, and the share of it that is done a few times a second.

    Attributes:
        stage: the latest stage.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._due_s = send, 0.0
        self.stage = ""

    def __call__(self, stage: str, share: float | None) -> None:
        """Send this, unless it is one of many shares."""
        if stage != self.stage or share == 1 or time.monotonic() >= self._due_s:
            self.stage, self._due_s = stage, time.monotonic() + PROGRESS_S
            self._send(type="progress", stage=stage, share=share)


def limit_memory(more_bytes: int) -> None:
    """In a job: limit the additional memory that the process can allocate, on Linux."""
    if sys.platform != "linux":
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    has = next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:")), None)
    if has is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (has + more_bytes, has + more_bytes))


def main() -> None:
    """The main function of the process: the request is the first line of its input, which ends with the server."""
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message
    request = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(request["niceness"])

    def send(**message: Any) -> None:
        messages.write(orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n")
        messages.flush()

    try:
        import_object(request["work"])(send, *request["arguments"])
    except Exception as error:
        kind, explanation = _explain_error(error)
        if kind == "fault":
            traceback.print_exc()
        send(type="failed", kind=kind, error=explanation.as_dict())
    else:
        send(type="done")


def _end_with_the_server() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def _explain_error(error: Exception) -> tuple[Kind, HarkenError]:
    """Return the kind of an error, and the error for a user."""
    if isinstance(error, HarkenError):
        return "refused", error
    if isinstance(error, MemoryError | RuntimeError | SystemError):
        if isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY_SIGNS):
            return "memory", HarkenError(NO_MEMORY)
    elif isinstance(error, OSError):
        if error.errno in DISK:
            return "file", HarkenError(f"the disk is full ({error.filename or error.strerror})")
        reason = f"a file cannot be read or written ({error.strerror or error})"
        return "file", HarkenError(reason, path=error.filename)
    sentence = traceback.format_exception_only(error)[-1].strip()
    return "fault", HarkenError(f"a fault in harken: {sentence}")
