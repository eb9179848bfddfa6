"""The progress of a benchmark."""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Finished", "Watcher"]


@dataclass(frozen=True)
class Finished:
    """A task that is done, and the progress of the whole."""

    method: str
    fold: str
    mean_person_macro_f1: float
    seconds: float
    done: int
    tasks: int
    elapsed_s: float
    left_s: float


class Watcher(Protocol):
    """Shows the progress of a benchmark."""

    def begins(self, *, tasks: int, done: int) -> None:
        """Called once, with the number of tasks (a method on a fold) and how many of them were done before."""

    def finished(self, finished: Finished) -> None:
        """Called after each task."""
