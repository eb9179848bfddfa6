"""The command line: one file for each command, all listed in ``app``.

A command parses its options, calls a job, and prints the result. ``options`` has the options that several commands
share.
"""

from harken.cli.app import main

__all__ = ["main"]
