"""Processes that kill themselves with SIGKILL before a chosen step on the disk, on new systems and on older ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STEPS = frozenset({"os.mkdir", "os.remove", "os.rename", "os.rmdir", "ctypes.dlsym"})
"""What changes names on the disk; the system's function that exchanges two names is looked up before its call."""
EXCHANGES = ("renameat2", "renamex_np")

COMMAND = """
import sys
from harken.cli import main
from killed_commands import kill_before
name, step, can_exchange = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1) == "True"
kill_before(step, renames_of=name, can_exchange=can_exchange)
main()
"""


def kill_before(step: int, *, renames_of: str | None = None, can_exchange: bool = True) -> None:
    """Kill this process before it takes a step on the disk.

    Args:
        step: the number of the step, from 1.
        renames_of: count only the renaming of files and folders of this name.
        can_exchange: whether the system can exchange two names in one step.
    """
    taken = 0

    def count(event: str, arguments: Sequence[Any]) -> None:
        nonlocal taken
        if event == "ctypes.dlsym" and arguments[1] in EXCHANGES and not can_exchange:
            raise AttributeError(arguments[1])
        if renames_of is None:
            counts = event in STEPS
        else:
            counts = event == "os.rename" and renames_of in [Path(path).name for path in arguments[:2]]
        taken += counts
        if counts and taken == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def run_killed_command(
    *arguments: object, renames_of: str, step: int = 1, can_exchange: bool = True
) -> "subprocess.CompletedProcess[str]":
    """Run a command of harken until it renames files of a name for the chosen time, and is killed before."""
    words = [renames_of, step, can_exchange, *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", COMMAND, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
