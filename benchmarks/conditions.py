"""The conditions of a measurement: ``--instructions avx2`` and ``--neighbour`` of several benchmarks."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from benchmarks.instructions import LIMITS, WITHOUT_LIMIT, in_use
from benchmarks.neighbour import busy_neighbour


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """The two options."""
    parser.add_argument(
        "--instructions",
        choices=tuple(LIMITS),
        help="limit harken, and each program beside it that has such a limit, to these instructions",
    )
    parser.add_argument("--neighbour", action="store_true", help="measure beside a process that keeps one core busy")


@contextmanager
def conditions(
    arguments: argparse.Namespace, programs: Sequence[str], python: str = sys.executable
) -> Iterator[dict[str, Any]]:
    """Measure under the conditions of the options.

    Libraries read a limit of instructions when they are loaded, so this process starts again with it where necessary.

    Args:
        arguments: with ``instructions`` and ``neighbour``.
        programs: those of ``benchmarks.instructions.IN_USE`` that take part.
        python: the Python that has them.

    Yields:
        the record for JSON, complete at the end: ``limit``, and with a limit its ``environment``, ``in_use`` (what the
        programs report) and ``without_limit``; ``neighbour``, None or as ``busy_neighbour``.

    Raises:
        SystemExit: when a program that has a limit reports instructions beyond it.
    """
    record: dict[str, Any] = {"limit": arguments.instructions, "neighbour": None}
    if arguments.instructions is not None:
        environment = LIMITS[arguments.instructions]
        if not environment.items() <= os.environ.items():
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | environment)
        reported = in_use(programs, python)
        beyond = [name for name, said in reported.items() if "512" in said and name not in WITHOUT_LIMIT]
        if beyond:
            sys.exit(f"not limited to {arguments.instructions}: {', '.join(beyond)} ({reported})")
        record |= {"environment": environment, "in_use": reported, "without_limit": WITHOUT_LIMIT}
    with busy_neighbour() if arguments.neighbour else nullcontext() as neighbour:
        yield record
    record["neighbour"] = neighbour
