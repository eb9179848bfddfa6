"""``harken datasets``: the public data sets that harken reads, the facts about each, their download, and CSV files."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harken.cli.files import print_json, progress
from harken.cli.options import Json
from harken.support.errors import HarkenError
from harken.support.options import Argument, Option
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.datasets.info import DatasetInfo
    from harken.datasets.registry import Dataset

NEVER_RUN = "never run on a real file"
MORE = " *"
"""The mark of a licence of which the list shows only the beginning."""


def datasets(
    name: Annotated[str | None, Argument("The data set to describe.", metavar="NAME")] = None,
    fetch: Annotated[
        Path | None,
        Option(
            "Download the data set and unpack it into this folder. Existing files are not downloaded again.",
            metavar="DIR",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            "Write each recording with its labels as a CSV file into this folder. Existing files stay as they are.",
            metavar="DIR",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """If the environment variable HARKEN_DATA names a folder, a data set is read from the folder of its name in it. The
    JSON is a list of objects, one for each data set.
    """
    from harken.datasets.registry import dataset, dataset_names

    if fetch is not None and out is not None:
        raise HarkenError("--fetch and --out exclude each other: download the data set first")
    if name is None and (fetch or out) is not None:
        option = "--out" if fetch is None else "--fetch"
        raise HarkenError(f"{option} DIR needs the name of one data set: {', '.join(dataset_names())}")
    infos = []
    for each in dataset_names() if name is None else (name,):
        try:
            infos.append(dataset(each).info)
        except HarkenError as error:
            if name is not None:
                raise
            typer.echo(f"left out: {error}", err=True)  # of another package
    if name is not None and out is not None:
        _write(dataset(name), out, json=json)
    elif fetch is not None:
        _fetch(infos[0], fetch, json=json)
    elif json:
        print_json([asdict(info) for info in infos])
    elif name is not None:
        _print_one(infos[0])
    else:
        _print_all(infos)


def _print_all(infos: "list[DatasetInfo]") -> None:
    """Print a line with the facts about each data set, and its title below."""
    rows = [("Name", "people", "Hz", "labels", "Licence", "Reader"), *map(_facts, infos)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console = Console(highlight=False)
    for row, info in zip(rows, [None, *infos], strict=True):
        cells = [
            cell.rjust(width) if 1 <= column <= 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        console.print(Text("  ".join(cells).rstrip(), style="bold" if info is None else ""), soft_wrap=True)
        if info is not None:
            console.print(Padding(Text(info.title), (0, 0, 0, 2), expand=False))
    if any(row[4].endswith(MORE) for row in rows):
        console.print(f"\n{MORE.strip()} The licence has further terms: see harken datasets NAME.", markup=False)
    console.print("\nharken datasets NAME describes one of them.", markup=False)


def _facts(info: "DatasetInfo") -> tuple[str, ...]:
    """The cells of a data set's line in the list."""
    licence = info.licence.split(" as ")[0].split(";")[0]
    if licence != info.licence:
        licence += MORE
    return (
        info.name,
        f"{info.people or '?'}",
        f"{info.sample_rate_hz:g}",
        f"{len(info.labels)}",
        licence,
        _checked(info),
    )


def _print_one(info: "DatasetInfo") -> None:
    """Print all facts about a data set, in the order in which a user needs them."""
    console = Console(highlight=False)

    def section(heading: str, *texts: str) -> None:
        console.print(Text(heading, style="bold"))
        for text in texts:
            console.print(Padding(Text(text), (0, 0, 0, 2)))

    section(f"{info.name}: {info.title}")
    section("Worn at", info.placement)
    people = f"{info.people} people" if info.people else "it is not known who wore the watch"
    section("Size", f"{people}, {info.sample_rate_hz:g} Hz, {len(info.labels)} labels")
    section("Reader", _checked(info))
    if info.traps:
        section("What misleads")
    for trap in info.traps:
        bullet = Table.grid("", "")
        bullet.add_row("  - ", Text(trap))
        console.print(bullet)
    section("Labels, and the common words for them", *_label_lines(info))
    section("Protocols, for harken benchmark", _protocols(info))
    section("Licence", info.licence)
    section("Cite", info.citation)
    section("From", info.url)
    section("How to get it", info.how_to_get)


def _protocols(info: "DatasetInfo") -> str:
    from harken.evaluation.protocols.published import protocol_names

    return ", ".join(protocol_names(info.name)) or "none, because a score is by person"


def _label_lines(info: "DatasetInfo") -> list[str]:
    """The labels of the data set, grouped by the common label that they are mapped to."""
    words: dict[str, list[str]] = {}
    for label in info.labels:
        words.setdefault(info.label_map[label], []).append(label)
    return [f"{word}: {', '.join(labels)}" for word, labels in sorted(words.items())]


def _checked(info: "DatasetInfo") -> str:
    return "checked on the real files" if info.checked_on_real_files else NEVER_RUN


def _write(found: "Dataset", folder: Path, *, json: bool) -> None:
    """Write the recordings of a data set as CSV files, and print where they are and whom to cite."""
    from harken.datasets.writing import write_recordings

    paths = write_recordings(found.read(None), folder)
    if json:
        print_json({"name": found.info.name, "files": [printable(path) for path in paths]})
    else:
        first = printable(paths[0])
        last = printable(paths[-1].name)
        typer.echo(f"{len(paths)} recordings: {first} to {last}.\nWorn: {found.info.placement}.\n{_terms(found.info)}")


def _terms(info: "DatasetInfo") -> str:
    return f"Licence: {info.licence}.\nPlease cite: {info.citation}."


def _fetch(info: "DatasetInfo", folder: Path, *, json: bool) -> None:
    """Download and unpack a data set, and print its folder, licence and citation."""
    from harken.datasets.download import fetch

    with progress(f"Fetching {info.name}", 0, 1) as show:
        where = fetch(
            info,
            folder,
            on_progress=lambda done: (
                show(min(done.received_bytes / done.total_bytes, 0.99)) if done.total_bytes else None
            ),
            on_note=lambda sentence: typer.echo(sentence, err=True),
        )
    if json:
        print_json({"name": info.name, "folder": printable(where)})
    else:
        typer.echo(f"{info.name} is in {printable(where)}.\n{_terms(info)}")
