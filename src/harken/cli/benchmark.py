"""``harken benchmark``: a preset and baselines on a published protocol, fold by fold."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harken.cli.options import FLAG, Json, with_reading_options
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.support.plugins import need_training
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.evaluation.benchmark import Finished

SEVERAL = "may be given again"

Data = Annotated[
    str,
    typer.Argument(
        help="The data set (see harken datasets); studies, for several at once; or your own study: a labelled table of "
        "several people, or a folder of labelled recordings.",
        metavar="DATASET|TABLE|FOLDER",
        show_default=False,
    ),
]
ProtocolName = Annotated[
    str,
    typer.Option(
        "--protocol",
        help="Which people are for training and which for testing: harken datasets DATASET lists the protocols; for "
        "your own study, leave-one-person-out.",
        metavar="NAME",
        show_default=False,
    ),
]
Out = Annotated[Path, typer.Option(help="The directory to make.", metavar="DIR", show_default=False)]
Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="The folder of the data set, or of all data sets of the protocol; else give it once for each of them. "
        "[default: in HARKEN_DATA]",
        metavar="DIR",
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="The recipe to benchmark, harken's or that of an installed package. [default: everyday]",
        metavar="NAME",
    ),
]
NoPreset = Annotated[
    bool, typer.Option("--no-preset", help="Measure the baselines alone, without a preset.", metavar=FLAG)
]
Baselines = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        help="What to measure it against: random_forest, mini_rocket, a preset (with a number of epochs: "
        "notebook:20), or the module and class of a scikit-learn classifier (sklearn.svm:SVC); "
        f"{SEVERAL}.",
        metavar="NAME[:EPOCHS]|MODULE:CLASS",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(help="The epochs of the preset. [default: the recipe's]", metavar="N"),
]
LabelSchemeName = Annotated[
    str | None,
    typer.Option(
        "--label-scheme",
        help="How activities become labels for training, where several studies are joined: other, posture or sets. "
        "[default: other]",
        metavar="NAME",
    ),
]
Seed = Annotated[int, typer.Option(help="The seed of all random numbers.", metavar="N")]
Folds = Annotated[
    list[str] | None,
    typer.Option("--fold", help=f"Only this fold, by its name or its number from 0; {SEVERAL}.", metavar="K"),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Worker processes, of one thread each; 0 for none. [default: one for each core]",
        metavar="N",
    ),
]
Scheduler = Annotated[str | None, typer.Option(help="Run on the Dask cluster of this scheduler.", metavar="ADDRESS")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue with the results in --out.", metavar=FLAG)]
Against = Annotated[
    Path | None,
    typer.Option(
        help="Compare with an earlier benchmark.json: exit code 1 if scores that are in both differ.",
        metavar="FILE",
    ),
]


@with_reading_options
def benchmark(
    data: Data,
    *,
    protocol: ProtocolName,
    out: Out,
    folders: Folders = None,
    preset: PresetName = None,
    no_preset: NoPreset = False,
    baseline: Baselines = None,
    epochs: Epochs = None,
    label_scheme: LabelSchemeName = None,
    seed: Seed = 0,
    fold: Folds = None,
    workers: WorkerCount = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    json: Json = False,
    against: Against = None,
    reading: TableOptions,
) -> None:
    """Measure a preset on unseen people, beside baselines, by a named protocol.

    Finished folds are kept: a benchmark that was stopped (Ctrl-C) or killed continues with --resume, which also
    adds folds and baselines. The directory holds benchmark.json, benchmark.md, confusion.png, and for every fold the
    scores of each method and the model files of presets.
    """
    need_training("harken benchmark")
    from harken.evaluation.benchmark import compare, read_result
    from harken.networks.specification import DEFAULT_PRESET

    if no_preset and preset is not None:
        raise HarkenError(f"--no-preset and --preset {preset} exclude one another")
    earlier = read_result(against) if against is not None else None
    result = _run(
        data,
        protocol=protocol,
        out=out,
        folders=folders or (),
        preset=None if no_preset else preset or DEFAULT_PRESET,
        epochs=epochs,
        label_scheme=label_scheme,
        baselines=baseline or (),
        seed=seed,
        folds=fold or (),
        workers=workers,
        scheduler=scheduler,
        reading=reading,
        resume=resume,
    )
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
    """Prints a line on the standard error for each finished task."""

    def begins(self, *, tasks: int, done: int) -> None:
        if done:
            typer.echo(f"{done} of {tasks} are there already.", err=True)
        if done < tasks:
            typer.echo(f"{tasks - done} to train and test; a line is printed when each ends.", err=True)

    def finished(self, finished: "Finished") -> None:
        from harken.recordings.inspection import duration_text

        left = f", about {duration_text(round(finished.left_s))} left" if finished.done < finished.tasks else ""
        typer.echo(
            f"{finished.method}, fold {finished.fold}: mean person macro F1 {finished.mean_person_macro_f1:.3f} in "
            f"{duration_text(finished.seconds)}. {finished.done} of {finished.tasks} done after "
            f"{duration_text(round(finished.elapsed_s))}{left}.",
            err=True,
        )


def _run(data: str, *, out: Path, **options: Any) -> dict[str, Any]:
    """Run the job with a line on the standard error for each result."""
    from harken.cli.files import recordings
    from harken.evaluation.benchmark.study import benchmark as run
    from harken.evaluation.protocols.published import protocol_names

    lines = _Lines()
    if Path(data).is_dir() and not protocol_names(data):
        recordings([data], out=out)  # prints the files of the folder that are left out
    try:
        return run(data, out=out, display=lines, **options)
    except KeyboardInterrupt:
        from harken.evaluation.benchmark.directory import BenchmarkDirectory

        finished = BenchmarkDirectory(out).finished()  # the directory knows: a line may not be printed yet
        kept = (
            f"{printable(out)} has {finished} {'result' if finished == 1 else 'results'}; repeat the command with "
            "--resume to continue."
            if finished
            else "No result is complete yet, so nothing was kept."
        )
        typer.echo(f"\nStopped. {kept}", err=True)
        raise typer.Exit(130) from None


def _print(result: dict[str, Any], out: Path) -> None:
    """Print the tables of the page, without the folds."""
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
