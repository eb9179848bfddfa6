"""What several commands do: find recordings, name results, show progress, and print tables and notes."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from harken.annotations.options import LabelOptions
from harken.support.errors import HarkenError
from harken.support.printable import duration_text, percent_number, printable, share_notes

LONGEST_NAME = 200
"""The largest length of a name in bytes. File systems allow 255, and an ending may follow."""
DIGITS_OF_A_DIGEST = 8
LABELS_SHOWN = 3
SECONDS_BETWEEN_LINES = 30.0
"""Of progress where there is no terminal. Short work prints none."""


def recordings(paths: Sequence[str | Path], *, out: Path | None = None) -> list[Path]:
    """These files, and the recordings in these folders. Files that are left out are printed on the standard error.

    Raises:
        HarkenError: for a folder without any recording, or one that harken made.
    """
    from harken.annotations.folders import recordings_in  # imports Polars

    found = recordings_in(paths, out=out)
    for note in found.notes:
        typer.echo(note, err=True)
    return found.files


def distinct_names(files: Sequence[str | Path]) -> list[str]:
    """The stem of each file. If two are equal, the folders that differ are put before it, or else its ending is added.

    The names are valid in every file system: characters that cannot be printed are escaped, and long names are
    shortened. If two names are still equal, a digest of the path is added.
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
    unique = [f"{name}-{digest}" for name, digest in zip(longest, digests, strict=True)]
    for other in (longer, longest, unique):
        uses = Counter(names)
        names = [new if uses[name] > 1 else name for name, new in zip(names, other, strict=True)]
    return names


def result_names(files: Sequence[str | Path], name: str | None) -> list[str]:
    """The names of the folders of results: ``distinct_names``, or ``name`` for a single file and before those of
    several.

    Raises:
        HarkenError: when ``name`` cannot be the name of a folder.
    """
    names = distinct_names(files)
    if name is None:
        return names
    if not name.strip() or name.startswith(".") or Path(name).name != name or "\\" in name:
        raise HarkenError(f"--name {name}: give the name of a folder, without other folders and not hidden")
    return [_short(name)] if len(names) == 1 else [_short(f"{name}_{other}") for other in names]


def propose_name(files: Sequence[str | Path], name: str | None) -> str:
    """A value for ``--name`` that tells these files from others of the same names: the name of their folder, for a
    single file followed by its own; or if a name was given already, that with a number."""
    if name is not None:
        stem, _, number = name.rpartition("-")
        return f"{stem}-{int(number) + 1}" if stem and number.isdecimal() else f"{name}-2"
    paths = [Path(file).absolute() for file in files]
    above = printable(Path(os.path.commonpath([path.parent for path in paths])).name).lstrip(".") or "other"
    return f"{above}_{distinct_names(files)[0]}" if len(paths) == 1 else above


def _short(name: str) -> str:
    """A name without characters that cannot be printed. A long name is replaced by its beginning and a digest."""
    shown = printable(name).encode()
    if len(shown) > LONGEST_NAME:
        digest = sha256(os.fsencode(name)).hexdigest()[:DIGITS_OF_A_DIGEST]
        whole_characters = shown[: LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
        shown = f"{whole_characters}-{digest}".encode()
    return os.fsdecode(shown)  # the same bytes on the disk whatever the locale


@contextmanager
def progress(doing: str, done: int, total: int) -> Iterator[Callable[[float], None]]:
    """Show a bar on the standard error if that is a terminal, and remove it at the end; else print a line now and then.

    The function that it gives is called with the share of the current item that is done: per cent and the time left are
    then shown, too.
    """
    console = Console(stderr=True)
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    if total > 1:
        columns += [BarColumn(bar_width=20), MofNCompleteColumn()]
    columns += [TimeElapsedColumn(), TextColumn("{task.fields[left]}")]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(printable(doing), completed=done, total=total, left="")
        began_s = last_line_s = time.monotonic()

        def show(share: float) -> None:
            nonlocal last_line_s
            now_s = time.monotonic()
            if console.is_terminal:
                bar.update(task, completed=done + share)
                bar.update(task, left=_left((done + share) / total, bar.tasks[0].time_remaining, writing=share >= 1))
            elif now_s - last_line_s >= SECONDS_BETWEEN_LINES:
                last_line_s = now_s
                left_s = (now_s - began_s) * (1 - share) / share if share else None
                item = f"{printable(doing)} ({done + 1} of {total})" if total > 1 else printable(doing)
                print(f"{item}: {_left(share, left_s, writing=share >= 1)}", file=sys.stderr, flush=True)

        yield show


def _left(share: float, seconds: float | None, *, writing: bool) -> str:
    """Format the share that is done and the time left: ``40 %, about 3 min left``."""
    until = f", about {duration_text(round(seconds))} left" if seconds else ""
    return f"{100 * share:.0f} %{', writing the results' if writing else until}"


def largest_shares(times: Mapping[str, float], others: Mapping[str, float] | None = None) -> str:
    """The labels with most time (or rows) and their shares, and how many labels there are besides: ``sitting 61 %,
    lying 20 %, walking 9 %, 2 more``.

    Args:
        times: by label.
        others: what is not a label but a part of the whole, by its name; it is named last.
    """
    others = others or {}
    total = sum(times.values()) + sum(others.values())
    most = sorted(((name, time) for name, time in times.items() if time), key=lambda one: -one[1])
    named = [*most[:LABELS_SHOWN], *((name, time) for name, time in others.items() if time)]
    shares = [f"{name} {percent_number(time / total, decimals=0)} %" for name, time in named]
    if len(most) > LABELS_SHOWN:
        shares.insert(LABELS_SHOWN, f"{len(most) - LABELS_SHOWN} more")
    return ", ".join(shares)


def say(console: Console, sentence: str, style: str | None = None) -> None:
    """Print a sentence in which brackets are no markup, and which only the terminal wraps."""
    console.print(sentence, style=style, markup=False, soft_wrap=True)


def print_json(facts: Any) -> None:
    """Print JSON for a program, in ASCII, which is the same in every locale."""
    typer.echo(dumps(facts, indent=2, allow_nan=False))


def plain_table(first: str, *numbers: str) -> Table:
    """A table without lines, which has a column of names, whose long ones are wrapped, and columns of numbers."""
    table = Table(box=None, pad_edge=False)
    table.add_column(Text(first), overflow="fold")
    for name in numbers:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def notes_table(notes: Iterable[str], *, warnings: Iterable[str] = ()) -> Table:
    """A line for each warning, then one for each note. Long lines are wrapped and indented."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for warning in warnings:
        table.add_row("warning:", warning, style="yellow")
    for note in notes:
        table.add_row("note:", note)
    return table


def grouped_notes(notes: Sequence[Sequence[str]], names: Sequence[str], *, kind: str = "files") -> list[str]:
    """The notes of each recording after its name. A note that several recordings share is one line, with their number.

    Args:
        notes: the notes of each recording.
        names: the names of the recordings.
        kind: the word for several of them.
    """
    return [
        f"{f'{len(note.recordings)} {kind}' if len(note.recordings) > 1 else names[note.recordings[0]]}: {note.text}"
        for note in share_notes(notes)
    ]


def print_warning(path: Path, sentence: str) -> None:
    """Print a warning about a file on the standard error."""
    typer.echo(f"warning: {printable(path)}: {sentence}", err=True)


def warn_of_unused(labelling: LabelOptions, people: Sequence[tuple[Path, str]]) -> None:
    """Warn of rows in the file of labels that are for none of the recordings, each given as its file and its wearer.

    For one recording there is no warning: the table of a study has rows of others.
    """
    from harken.annotations.labelled_files import rows_of_nobody

    if len(people) > 1 and labelling.path is not None and (unused := rows_of_nobody(labelling, people)):
        print_warning(labelling.path, printable(unused))
