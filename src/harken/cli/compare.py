"""``harken compare``: two models, or two benchmarks, on the same people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from harken.annotations.options import LabelOptions
from harken.cli.evaluate import ONLY, check_outputs
from harken.cli.files import plain_table, print_json, print_warning, recordings
from harken.cli.options import IgnoreLabels, Json, OnlyLabels
from harken.readers.options import TableOptions
from harken.recordings.forearm_axis import Orientation, StatedAxis
from harken.support.errors import raise_failures
from harken.support.options import Argument, Option
from harken.support.plugins import need_training
from harken.support.printable import listed, plural, printable

if TYPE_CHECKING:
    from harken.evaluation.comparison import ComparedModels, PairedScores

LONGEST_NAME = 40
A_OR_B = "A model file, a run directory, or 'packaged'; or, without FILE, the directory of a benchmark."


def compare(
    a: Annotated[Path, Argument(A_OR_B, metavar="A")],
    b: Annotated[Path, Argument("What to compare with it.", metavar="B")],
    files: Annotated[
        tuple[Path, ...], Argument("Labelled recordings of unseen people, or folders of them.", metavar="FILE")
    ] = (),
    *,
    ignore_label: IgnoreLabels = (),
    only_labels: OnlyLabels = (),
    plot: Annotated[
        Path | None, Option("Draw a line from A to B for each person to this .png, .pdf or .svg.", metavar="FILE")
    ] = None,
    orientation: Orientation = True,
    forearm_axis: StatedAxis = None,
    json: Json = False,
    labels: LabelOptions,
    reading: TableOptions,
) -> None:
    """Both models label the same stretches of the recordings, and each person is compared with themselves: what makes a
    person easy or hard cancels out. People on whom one of the models was trained are left out. A label in the
    recordings that one of the models does not know must be ignored or renamed. Benchmarks must be of the same windows
    and people: the first method of each is compared, and every other method that is in both.
    """
    need_training("harken compare")
    from harken.evaluation.comparison import compare as compare_models
    from harken.evaluation.comparison import compare_benchmarks

    check_outputs(plot, None)
    if not files:
        methods = compare_benchmarks(a, b)
        if json:
            print_json({"methods": {name: scores.as_dict() for name, scores in methods.items()}})
        else:
            _print_benchmarks(methods, a, b)
        _draw(methods, a, b, plot)
        return
    paths = recordings(files)
    compared = compare_models(
        a,
        b,
        paths,
        ignore_labels=ignore_label,
        only_labels=only_labels,
        orientation=orientation,
        forearm_axis=forearm_axis,
        reading=reading,
        labels=labels,
        on_warning=print_warning,
    )
    if json:
        print_json(compared.as_dict())
    else:
        _print_models(compared, a, b)
    _draw({"Unseen people": compared.scores}, a, b, plot)
    raise_failures([error for _, error in compared.failures], len(paths))


def _print_models(compared: "ComparedModels", a: Path, b: Path) -> None:
    lines = [f"A: {a}", f"B: {b}", f"Stretches of {compared.stretch_s:.4g} s, one every {compared.a.hop_s:.4g} s."]
    if compared.only_labels:
        lines.append(ONLY.format(listed(compared.only_labels)))
    for sides in dict.fromkeys(compared.left_out.values()):
        people = [person for person, trained in compared.left_out.items() if trained == sides]
        lines.append(f"Left out, because they were in the training of {sides}: {', '.join(people)}.")
    for side, labels in compared.only_answers.items():
        if labels:
            lines.append(f"Only {side} can answer {listed(labels)}; here, each such answer is a mistake.")
    turned = [len(side.turned) for side in (compared.a, compared.b)]
    if any(turned):
        lines.append(f"Recordings whose watch was turned: {turned[0]} for A, {turned[1]} for B; see harken evaluate.")
    doubtful = {*compared.a.mounting_warnings, *compared.b.mounting_warnings}
    if doubtful:
        where = "1 recording" if len(doubtful) == 1 else f"{len(doubtful)} recordings"
        lines.append(f"The orientation of the watch is unknown or doubtful in {where}; see harken evaluate.")
    _print_lines(lines)
    typer.echo()
    _print_scores(compared.scores, compared.windows)


def _print_benchmarks(methods: Mapping[str, "PairedScores"], a: Path, b: Path) -> None:
    _print_lines([f"A: {a}", f"B: {b}"])
    for name, scores in methods.items():
        _print_lines(["", f"Method: {name}"])
        _print_scores(scores)
        if scores.left_out:
            _print_lines([f"Left out, because only one benchmark has it: fold {', '.join(scores.left_out)}."])


def _print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(printable(line))


def _print_scores(scores: "PairedScores", windows: Mapping[str, str] | None = None) -> None:
    """Print a line for each person, the mean, and what the interval says."""
    table = plain_table("Person", "macro F1: A", "B", "B - A")
    if windows:
        table.add_column("windows", justify="right")
    for person, (with_a, with_b) in scores.people.items():
        counts = [windows[person]] if windows else []
        table.add_row(Text(person), f"{with_a:.3f}", f"{with_b:.3f}", _signed(with_b - with_a), *counts)
    mean_a, mean_b = (sum(each) / len(each) for each in zip(*scores.people.values(), strict=True))
    table.add_row("Mean", f"{mean_a:.3f}", f"{mean_b:.3f}", style="bold")
    Console(highlight=False).print(table)
    difference = scores.difference
    interval, people = difference["mean_person_macro_f1_interval"], difference["people"]
    beside = f" (95 % interval over people {_signed(interval[0])} to {_signed(interval[1])})" if interval else ""
    mean = f"Mean of B - A: {_signed(difference['mean_person_macro_f1'])}{beside}"
    better = f"B is better for {difference['people_better']} of {plural(people, 'person', 'people')}"
    _print_lines([f"{mean}; {better}.", _verdict(interval)])
    if all(with_a == with_b for with_a, with_b in scores.people.values()):
        _print_lines(["All scores are equal."])


def _signed(difference: float) -> str:
    """With its sign and three decimals; ``0`` for exactly 0."""
    return f"{difference:+.3f}" if difference else "0"


def _verdict(interval: Sequence[float] | None) -> str:
    if interval is None:
        return "There is no interval, because it needs at least five people: this is an example, not a measurement."
    low, high = interval
    if low <= 0 <= high:
        return "The interval contains 0: these people do not show that one of the two is better."
    return f"The interval does not contain 0: on people like these, {'B' if low > 0 else 'A'} is better."


def _draw(methods: Mapping[str, "PairedScores"], a: Path, b: Path, path: Path | None) -> None:
    """Draw each method; with several, each has a picture of its own, with its name at the end."""
    if path is None:
        return
    from harken.evaluation.benchmark.tasks import file_stem
    from harken.reports.figures.paired import paired_picture
    from harken.reports.figures.style import save_for_paper

    for name, scores in methods.items():
        picture = path if len(methods) == 1 else path.with_stem(f"{path.stem}_{file_stem(name)}")
        save_for_paper(paired_picture((f"A: {_short(a)}", f"B: {_short(b)}"), scores.people), picture)


def _short(path: Path) -> str:
    """The name of a model or benchmark: that of its folder, if its own is the same in every folder."""
    named = path.resolve()
    named = named.parent if named.name in ("model.safetensors", "benchmark.json") else named
    return printable(named.name.removesuffix(".safetensors"))[:LONGEST_NAME]
