"""A table of text for the page and the terminal, and numbers as text."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table whose first column is text and whose others are numbers, already written out.

    ``narrow`` is the number of columns that fit a terminal. The other columns, and the ``page_note`` about them, are on
    the page only.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    page_note: str = ""
    narrow: int | None = None


def number_text(value: float | None) -> str:
    """A score with three decimals; a dash for None."""
    return "–" if value is None else f"{value:.3f}"


def interval_text(interval: Sequence[float] | None, *, sign: str = "") -> str:
    """An interval, ``0.700 to 0.800``; a dash for None. ``sign="+"`` also writes the sign of positive numbers."""
    return "–" if interval is None else f"{interval[0]:{sign}.3f} to {interval[1]:{sign}.3f}"
