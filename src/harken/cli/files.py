"""What commands that take many files do with each: a name of its own, a sign of life, its notes, and its failure."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import typer
from rich.table import Table

from harken.support.printable import printable

__all__ = ["distinct_names", "notes_table", "progress", "recordings"]

LONGEST_NAME = 200
"""Bytes of a name here; file systems take 255, and an ending may follow."""
DIGITS_OF_A_DIGEST = 8


def recordings(paths: Sequence[str | Path], *, out: Path | None = None) -> list[Path]:
    """The files named, and those in the folders named; what was left out of these is told on the standard error.

    Raises:
        HarkenError: for a folder without any recording, or one that harken made.
    """
    from harken.labelling.cohort import recordings_in  # brings PyTorch along

    found = recordings_in(paths, out=out)
    for note in found.notes:
        typer.echo(note, err=True)
    return found.files


def distinct_names(files: Sequence[str | Path]) -> list[str]:
    """Each file's stem; where two are equal, with the folders that differ before it, and at last with its ending.

    The names are text that every file system takes: what cannot be printed is escaped, and a long name is cut short.
    Where two are still equal, a digest of the path follows.
    """
    paths = [Path(file).absolute() for file in files]
    above = Path(os.path.commonpath([path.parent for path in paths]))
    stems = [path.name.split(".")[0] or path.name for path in paths]
    folders = ["".join(f"{part}_" for part in path.parent.relative_to(above).parts) for path in paths]
    longer = [folder + stem for folder, stem in zip(folders, stems, strict=True)]
    longest = [folder + path.name for folder, path in zip(folders, paths, strict=True)]
    digests = [sha256(os.fsencode(path)).hexdigest()[:DIGITS_OF_A_DIGEST] for path in paths]
    stems, longer, longest = ([*map(_short, each)] for each in (stems, longer, longest))
    names = stems
    told_apart = [f"{name}-{digest}" for name, digest in zip(longest, digests, strict=True)]
    for other in (longer, longest, told_apart):
        uses = Counter(names)
        names = [new if uses[name] > 1 else name for name, new in zip(names, other, strict=True)]
    return names


def _short(name: str) -> str:
    """A name without what cannot be printed; of a long one the beginning and a digest."""
    shown = printable(name).encode()
    if len(shown) > LONGEST_NAME:
        digest = sha256(os.fsencode(name)).hexdigest()[:DIGITS_OF_A_DIGEST]
        whole_characters = shown[: LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
        shown = f"{whole_characters}-{digest}".encode()
    return os.fsdecode(shown)  # the same bytes on the disk whatever the locale


@contextmanager
def progress(doing: str, done: int, total: int) -> Iterator[None]:
    """While it lasts, a bar on the standard error when that is a terminal; it leaves nothing behind."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    if total > 1:
        columns += [BarColumn(bar_width=20), MofNCompleteColumn()]
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        bar.add_task(printable(doing), completed=done, total=total)
        yield


def notes_table(notes: Iterable[str], *, warnings: Iterable[str] = ()) -> Table:
    """A line for each warning, then one for each note; a long one goes on under its beginning."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for warning in warnings:
        table.add_row("warning:", warning, style="yellow")
    for note in notes:
        table.add_row("note:", note)
    return table
