"""``harken simulate``: synthetic wearers with known truth."""

from pathlib import Path
from typing import Annotated

import typer

from harken.cli.files import progress
from harken.support.options import Option
from harken.support.printable import printable


def simulate(
    *,
    days: Annotated[float, Option("The length in days; 0.02 days (29 minutes) contain every activity.")],
    rate: Annotated[float, Option("Samples per second.", metavar="HZ")],
    people: Annotated[
        int, Option("The number of wearers. If there are several, each is written to a file of its own.")
    ] = 1,
    seed: Annotated[int, Option("The seed of all random numbers; another seed gives other wearers.")] = 0,
    out: Annotated[Path, Option("The file to write, NAME.csv or NAME.parquet.", metavar="FILE")],
) -> None:
    """The wearers move by a few simple rules, so **results on them say nothing about real people**.

    A wearer has a wrist, a way to mount the watch, a posture, a pace and a strength of their own, and lies,
    sits, stands, walks and runs through a day. The watch has noise, a range of 4 g, a clock that is slightly
    off, gaps, and hours on a table. The true activities are written beside each file as NAME.truth.parquet.
    Several people get NAME_1, NAME_2 and so on.
    """
    from harken.datasets.simulated import Simulation, output_paths, truth_path, write_simulation

    paths = output_paths(out, people)
    written = []
    for person, path in enumerate(paths):
        simulation = Simulation(days=days, sample_rate_hz=rate, seed=seed, person=person)
        with progress(f"Simulating {path.name}", person, people) as show:
            write_simulation(simulation, path, progress=show)
        written.append(
            f"{printable(path)}: {simulation.wearer.subject}, {days:g} days at {simulation.true_rate_hz:.2f} Hz; "
            f"truth in {printable(truth_path(path).name)}"
        )
    for line in written:
        typer.echo(line)
    typer.echo("Simulated data: for tests and examples, not for claims about real people.")
