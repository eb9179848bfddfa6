"""The command line: one file for each command, all listed in ``app``.

A command calls a job and prints the result. ``options`` makes the command line from the options that are declared in
settings classes and at the parameters of commands, and ``files`` has what several commands do.
"""

from harken.cli.app import main

__all__ = ["main"]
