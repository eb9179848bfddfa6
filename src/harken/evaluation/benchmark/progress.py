"""How far a benchmark is, for whoever shows it."""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Finished", "Watcher"]


@dataclass(frozen=True)
class Finished:
    """A method that is done with a fold, and where the whole stands."""

    method: str
    fold: str
    mean_person_macro_f1: float
    seconds: float
    done: int
    tasks: int
    elapsed_s: float
    left_s: float


class Watcher(Protocol):
    """Whoever shows how far a benchmark is."""

    def begins(self, *, tasks: int, done: int) -> None:
        """There are so many methods and folds in all, and so many of them were there already."""

    def finished(self, finished: Finished) -> None:
        """One more is done."""
