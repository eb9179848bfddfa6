"""The command line. One file a command; this one is the table of contents."""

from harken.cli.app import main

__all__ = ["main"]
