"""A process beside the server that sends messages: it reads a recording, or labels it with a model.

The interpreter that answers the page is not blocked, and memory is returned to the system at the end. Messages are
JSON.
"""

import asyncio
import contextlib
import errno
import os
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import orjson

from harken.support.errors import HarkenError
from harken.support.processes import end_with, start_with_one_thread

Send = Callable[..., None]
"""Sends a message, whose fields are the arguments."""
ENDS_WITHIN_S = 5.0
NO_MEMORY = "memory ran out"
KILLED = 9
"""SIGKILL, by which Linux ends a process when memory runs out."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Background:
    """The server's side of a process. The process ends when the server ends, even if the server is killed.

    Args:
        work: called in the process with ``send`` and the arguments. The last message has the type ``done``, or
            ``failed`` with an ``error``, a sentence.
        arguments: plain values.
        on_message: called in the event loop with each message.
        niceness: how much of the processor the process leaves to others (0 to 19).
    """

    def __init__(
        self,
        work: Callable[..., None],
        arguments: tuple[Any, ...],
        on_message: Callable[[dict[str, Any]], None],
        *,
        niceness: int,
    ) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        lifeline, self._held = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(work, arguments, theirs, lifeline, niceness), daemon=True)
        self._ended = False
        self._loop, self._on_message = asyncio.get_running_loop(), on_message
        threading.Thread(target=self._receive, args=(theirs, lifeline), daemon=True).start()

    def end(self) -> None:
        """Kill the process. No more messages come."""
        self._ended = True
        self._held.close()
        if self._process.pid is not None:
            self._process.kill()

    def _receive(self, theirs: Connection, lifeline: Connection) -> None:
        """Start the process, which takes a while, and pass its messages on."""
        try:
            start_with_one_thread(self._process)
        except (OSError, RuntimeError) as error:  # such as too many processes
            self._pass_on({"type": "failed", "error": f"a process could not be started ({error})"})
            return
        finally:
            theirs.close()
            lifeline.close()
        if self._ended:
            self._process.kill()
        last = False
        try:
            while not last:
                message = orjson.loads(self._connection.recv_bytes())
                last = message["type"] in ("done", "failed")  # before the event loop has it, which may change it
                self._pass_on(message)
        except (EOFError, OSError):
            self._process.join(ENDS_WITHIN_S)
            self._pass_on({"type": "failed", "error": _how_it_ended(self._process.exitcode)})
        self._connection.close()
        self._process.join(ENDS_WITHIN_S)

    def _pass_on(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(self._take, message)

    def _take(self, message: dict[str, Any]) -> None:
        if not self._ended:
            self._on_message(message)


def _how_it_ended(exit_code: int | None) -> str:
    """Why there are no more messages of a process; None: it has not ended."""
    if exit_code is None:
        return "the process sends no more messages"
    if exit_code == -KILLED:
        return f"the process was killed, probably because {NO_MEMORY}"
    return f"the process ended by itself (exit code {exit_code})"


def _run(
    work: Callable[..., None],
    arguments: tuple[Any, ...],
    connection: Connection,
    lifeline: Connection,
    niceness: int,
) -> None:
    """The main function of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl+C the server ends this process
    if hasattr(os, "nice"):
        os.nice(niceness)
    end_with(lifeline)

    def send(**message: Any) -> None:
        connection.send_bytes(orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY))

    try:
        work(send, *arguments)
        send(type="done")
    except HarkenError as error:
        send(type="failed", error=str(error))
    except MemoryError:
        send(type="failed", error=NO_MEMORY)
    except OSError as error:
        send(type="failed", error=_why_no_file(error))
    except Exception:
        send(type="failed", error=f"a fault in harken: {traceback.format_exc(limit=-1).strip().splitlines()[-1]}")
        raise


def _why_no_file(error: OSError) -> str:
    """An error of the operating system, in a sentence."""
    if error.errno in DISK:
        return f"the disk is full ({error.filename or error.strerror})"
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}a file cannot be read or written ({error.strerror or error})"
