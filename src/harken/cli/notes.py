"""What a person must know of a recording, and what a reader recognised and mended, in lines under a table."""

from collections.abc import Iterable

from rich.table import Table

__all__ = ["notes_table"]


def notes_table(notes: Iterable[str], *, warnings: Iterable[str] = ()) -> Table:
    """A line for each warning, then one for each note; a long one goes on under its beginning."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for warning in warnings:
        table.add_row("warning:", warning, style="yellow")
    for note in notes:
        table.add_row("note:", note)
    return table
