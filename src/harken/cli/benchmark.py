"""``harken benchmark``: a preset and baselines on a published protocol, fold by fold."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harken.cli.files import recordings, say
from harken.cli.options import Json
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.networks import DEFAULT_PRESET
from harken.support.errors import HarkenError
from harken.support.options import Option
from harken.support.plugins import need_training
from harken.support.printable import duration_text, printable

if TYPE_CHECKING:
    from harken.evaluation.benchmark.page import TextTable
    from harken.evaluation.benchmark.tasks import Finished


def benchmark(
    *,
    settings: Annotated[BenchmarkSettings, "preset"],
    preset: Annotated[
        str | None,
        Option(
            "The recipe to benchmark, harken's or that of an installed package. [default: everyday]",
            metavar="NAME",
            after="folders",
        ),
    ] = None,
    no_preset: Annotated[bool, Option("Measure the baselines alone, without a recipe.", after="preset")] = False,
    json: Json = False,
) -> None:
    """Finished folds are kept: a benchmark that was stopped (Ctrl-C) or killed continues with --resume, which also
    adds folds and baselines. The directory holds benchmark.json, benchmark.md, confusion.png, and for every fold the
    scores of each method and the model files of recipes. With --resume, --figures draws those of a finished benchmark.
    """
    need_training("harken benchmark")
    if no_preset and preset is not None:
        raise HarkenError(f"--no-preset and --preset {preset} exclude one another")
    chosen = replace(settings, preset=None if no_preset else preset or DEFAULT_PRESET)
    result, tables = _run(chosen)
    if json:
        from harken.evaluation.benchmark.tasks import json_text

        typer.echo(json_text(result), nl=False)
    else:
        _print(result, tables, settings)


class _Lines:
    """Prints a line on the standard error for each finished task."""

    def begins(self, *, tasks: int, done: int) -> None:
        if done:
            typer.echo(f"{done} of {tasks} are there already.", err=True)
        if done < tasks:
            typer.echo(f"{tasks - done} to train and test; a line is printed when each ends.", err=True)

    def finished(self, finished: "Finished") -> None:
        left = f", about {duration_text(round(finished.left_s))} left" if finished.done < finished.tasks else ""
        only = ""
        if finished.one_label is not None:
            only = f" Every window got the label “{finished.one_label}”."
        typer.echo(
            f"{finished.method}, fold {finished.fold}: mean person macro F1 {finished.mean_person_macro_f1:.3f} in "
            f"{duration_text(finished.seconds)}.{only} {finished.done} of {finished.tasks} done after "
            f"{duration_text(round(finished.elapsed_s))}{left}.",
            err=True,
        )


def _run(settings: BenchmarkSettings) -> "tuple[dict[str, Any], list[TextTable]]":
    """Run the job with a line on the standard error for each result; returns the result and its tables."""
    from harken.evaluation.benchmark.benchmark import choose_scoring, of_study, run_benchmark
    from harken.evaluation.protocols.published import benchmark_sets

    is_own = not settings.has_own_protocol and settings.dataset not in benchmark_sets()
    if is_own and Path(settings.dataset).is_dir():
        recordings([settings.dataset], out=settings.out)  # prints the files of the folder that are left out
    settings = of_study(settings, settings.dataset)
    try:
        result = run_benchmark(settings, _Lines())
        return result, choose_scoring(settings.choose_protocol()).tables(result)
    except KeyboardInterrupt:
        from harken.evaluation.benchmark.tasks import finished_findings

        finished = finished_findings(settings.out)  # the directory knows: a line may not be printed yet
        kept = f"{printable(settings.out)} has {finished} finished; repeat the command with --resume to continue."
        typer.echo(f"\nStopped. {kept if finished else 'Nothing is finished, so nothing was kept.'}", err=True)
        raise typer.Exit(130) from None


def _print(result: dict[str, Any], tables: "list[TextTable]", settings: BenchmarkSettings) -> None:
    """Print the tables of the page, without the folds, and the names of the files."""
    from harken.evaluation.benchmark.page import list_warnings

    console = Console(highlight=False)
    console.print(result["measures"], markup=False)
    for sentence in list_warnings(result):
        console.print(f"\n{sentence}", style="bold", markup=False)
    for shown in tables[:-1]:
        console.print(f"\n[bold]{shown.title}[/bold]")
        table = Table(box=None, pad_edge=False)
        for number, column in enumerate(shown.columns[: shown.narrow]):
            table.add_column(Text(column), justify="right" if number else "left", overflow="fold")
        for row in shown.rows:
            table.add_row(*map(Text, row[: shown.narrow]))
        console.print(table)
        if shown.note:
            console.print(shown.note, markup=False)
    out = settings.out
    lines = [f"\nResult: {printable(out / 'benchmark.md')}"]
    if settings.predictions:
        lines.append(f"Predictions: {printable(out / 'predictions.parquet')}")
    if settings.figures is not None:
        lines.append(f"Figures: {printable(out)}/*.{settings.figures}, and the scores as scores.tex")
    for line in lines:
        say(console, line)
