"""``harken benchmark``: a preset and baselines on a published protocol, fold by fold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import FLAG, Json
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.evaluation.benchmark import BenchmarkSettings, Finished

__all__ = ["benchmark"]

SEVERAL = "may be given again"


def benchmark(
    dataset: Annotated[
        str,
        typer.Argument(help="The data set to learn from (see harken datasets).", metavar="DATASET", show_default=False),
    ],
    *,
    protocol: Annotated[
        str,
        typer.Option(
            help="Who is learned from and who is tested, by name: harken datasets DATASET lists them.",
            metavar="NAME",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="The directory to make.", metavar="DIR", show_default=False)],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Where the data set lies; again for a protocol's second one. [default: in HARKEN_DATA]",
            metavar="DIR",
        ),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="The recipe to benchmark. [default: everyday]", metavar="NAME")
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What to measure it against: random_forest, mini_rocket, or a preset, with its epochs if they are "
            f"to be others (notebook:20); {SEVERAL}.",
            metavar="NAME[:EPOCHS]",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="How often the preset sees every training window. [default: the recipe's]", metavar="N"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn at random.", metavar="N")] = 0,
    fold: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this fold, by its name or its number from 0; {SEVERAL}.", metavar="K"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes, of one thread each; 0 for this one alone. [default: one a core]", metavar="N"),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Run on the Dask cluster of this scheduler.", metavar="ADDRESS")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in --out.", metavar=FLAG)] = False,
    json: Json = False,
    against: Annotated[
        Path | None,
        typer.Option(
            help="Compare with an earlier benchmark.json: exit code 1 when the scores of what both have differ.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Measure a preset on unseen people, beside baselines, by a named protocol.

    Finished folds are kept: a benchmark that was stopped (Ctrl-C) or killed is gone on with by --resume, which also
    adds folds and baselines. The directory holds benchmark.json, benchmark.md, confusion.png, and for every fold the
    scores of each method and the model files of presets.
    """
    from harken.evaluation.benchmark import BenchmarkSettings, compare, read_result
    from harken.learning.presets import DEFAULT_PRESET

    earlier = read_result(against) if against is not None else None
    settings = BenchmarkSettings(
        dataset=dataset,
        protocol=protocol,
        out=out,
        folders=tuple(data or ()),
        preset=preset or DEFAULT_PRESET,
        epochs=epochs,
        baselines=tuple(baseline or ()),
        seed=seed,
        folds=tuple(fold or ()),
        workers=workers,
        scheduler=scheduler,
        resume=resume,
    )
    result = _run(settings)
    if json:
        from harken.evaluation.benchmark.directory import json_text

        typer.echo(json_text(result), nl=False)
    else:
        _print(result, out)
    if earlier is not None:
        agreement = compare(result, earlier)
        typer.echo(f"{printable(against)}: {agreement.sentence}", err=True)
        if not agreement.agrees:
            raise typer.Exit(1)


class _Lines:
    """A line on the standard error for whatever is finished."""

    def __init__(self) -> None:
        self.tasks = self.done = 0

    def begins(self, *, tasks: int, done: int) -> None:
        self.tasks, self.done = tasks, done
        if done:
            typer.echo(f"{done} of {tasks} are there already.", err=True)
        if done < tasks:
            typer.echo(f"{tasks - done} to learn and test, a line as each ends.", err=True)

    def finished(self, finished: "Finished") -> None:
        from harken.recordings.inspection import duration_text

        self.done = finished.done
        left = f", about {duration_text(round(finished.left_s))} left" if finished.done < finished.tasks else ""
        typer.echo(
            f"{finished.method}, fold {finished.fold}: mean person macro F1 {finished.mean_person_macro_f1:.3f} in "
            f"{duration_text(finished.seconds)}. {finished.done} of {finished.tasks} done after "
            f"{duration_text(round(finished.elapsed_s))}{left}.",
            err=True,
        )


def _run(settings: "BenchmarkSettings") -> dict[str, Any]:
    from harken.evaluation.benchmark import run_benchmark

    lines = _Lines()
    try:
        return run_benchmark(settings, lines)
    except KeyboardInterrupt:
        kept = (
            f"{printable(settings.out)} keeps the {lines.done} folds of methods that are done; the same command with "
            "--resume goes on with the others."
            if lines.done
            else "No method was done with a fold yet, so nothing is kept."
        )
        typer.echo(f"\nStopped. {kept}", err=True)
        raise typer.Exit(130) from None


def _print(result: dict[str, Any], out: Path) -> None:
    """What the page holds, less its folds."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from harken.evaluation.benchmark.page import tables

    console = Console(highlight=False)
    console.print(result["measures"], markup=False)
    for each in tables(result)[:-1]:
        console.print(f"\n[bold]{each.title}[/bold]")
        table = Table(box=None, pad_edge=False)
        for number, column in enumerate(each.columns[: each.narrow]):
            table.add_column(Text(column), justify="right" if number else "left", overflow="fold")
        for row in each.rows:
            table.add_row(*map(Text, row[: each.narrow]))
        console.print(table)
        if each.note:
            console.print(each.note, markup=False)
    console.print(f"\nResult: {printable(out / 'benchmark.md')}", markup=False, soft_wrap=True)
