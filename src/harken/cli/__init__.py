"""The command line, one file a command; ``app`` is the table of contents.

A command parses its options, calls a job, and prints what it returns. Options that several commands have are in
``options``.
"""

from harken.cli.app import main

__all__ = ["main"]
