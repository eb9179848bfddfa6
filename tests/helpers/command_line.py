"""How a command line ended, and the type of the fixture that runs one."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


class Run(Protocol):
    """The type of the fixture ``run_harken``."""

    def __call__(self, *arguments: object) -> Finished: ...
