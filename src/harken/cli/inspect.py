"""``harken inspect``: the facts about recordings."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harken.annotations.options import LabelOptions
from harken.cli.files import (
    distinct_names,
    grouped_notes,
    largest_shares,
    notes_table,
    print_json,
    progress,
    recordings,
    warn_of_unused,
)
from harken.cli.options import FilesOrFolders, Json
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError, raise_failures
from harken.support.files import check_output_file, not_left_empty
from harken.support.options import Option
from harken.support.printable import duration_text, percent_number, printable, zone_in_words

if TYPE_CHECKING:
    from harken.recordings.inspection import Inspection
    from harken.recordings.recording import Recording

NARROWEST = 80
UNLABELLED = "unlabelled"
DAY_PATTERN = "%a %Y-%m-%d %H:%M:%S"
OTHER_PICTURES = (".jpeg", ".jpg", ".pdf", ".svg", ".tif", ".tiff", ".webp")

TrainedModel = Annotated[
    Path | None,
    Option(
        "A model file (.safetensors), a run directory, or 'packaged' (the packaged model): warn if "
        "it was trained on one of the recordings.",
        metavar="MODEL",
    ),
]
Plot = Annotated[
    Path | None,
    Option(
        "Draw each recording as a PNG: into this file if its name ends in .png (for one recording), else into this "
        "folder, which is created if it does not exist.",
        metavar="PATH",
    ),
]


def inspect(
    files: FilesOrFolders,
    *,
    model: TrainedModel = None,
    labels: Annotated[LabelOptions, "rename"],
    reading: TableOptions,
    plot: Plot = None,
    json: Json = False,
) -> None:
    """A table of several people is a row for each of them; --subject NAME shows one of them. A file that cannot be read
    does not stop the others; it is named at the end. Accelerations are converted to g. The JSON is a list of objects,
    one for each recording that was read.
    """
    from harken.annotations.folders import is_side_file
    from harken.annotations.labelled_files import refuse_shared_rows
    from harken.labelling.inspect import inspect_people

    if any(Path(file).is_dir() or is_side_file(file) for file in files):
        files = [str(path) for path in recordings(files)]
    refuse_shared_rows(files, labels)
    recogniser = None
    if model is not None:
        from harken.models.recogniser import Recogniser

        recogniser = Recogniser.load(model)
    pictures = [] if plot is None else _picture_paths(files, plot)
    inspected: list[dict[str, Any]] = []
    people: list[tuple[Path, str]] = []
    failures: list[HarkenError] = []
    for number, file in enumerate(files):
        found: list[tuple[Inspection, Recording]] = []
        picture = None
        with _noted(failures), progress(f"Reading {Path(file).name}", number, len(files)):
            found = inspect_people(file, reading, labels, of_several=len(files) > 1, model=recogniser)
        if found and pictures:
            with _noted(failures), progress(f"Drawing {Path(file).name}", number, len(files)):
                picture = _drawn(file, [recording for _, recording in found], pictures[number])
        every = [facts for facts, _ in found]
        names = _distinguish_people([recording for _, recording in found])
        del found  # the next one may need the memory
        people += ((Path(file), facts.subject) for facts in every)
        if json:
            pictured = {"picture": picture and printable(picture)} if pictures else {}
            inspected += (facts.as_dict() | pictured for facts in every)
        elif len(every) > 1:
            _print_people(file, every, names)
        elif every:
            _print(every[0], picture)
    if json:
        print_json(inspected)
    if not failures:
        warn_of_unused(labels, people)
    raise_failures(failures, len(files))


@contextmanager
def _noted(failures: list[HarkenError]) -> Iterator[None]:
    """Add the error of the block to the failures, and go on."""
    try:
        yield
    except HarkenError as error:
        failures.append(error)


def _drawn(file: str, recordings: "list[Recording]", path: Path) -> Path:
    if len(recordings) > 1:
        raise HarkenError(f"contains {len(recordings)} recordings; choose one to draw with --subject NAME", path=file)
    from harken.reports.figures.recording import draw_recording
    from harken.reports.figures.style import save_png

    try:
        with not_left_empty(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_png(draw_recording(recordings[0]), path)
    except OSError as error:
        raise HarkenError(f"the picture cannot be written ({error.strerror or error})", path=path) from error
    return path


def _picture_paths(files: list[str], plot: Path) -> list[Path]:
    """The path of each file's picture. It has the name of its file, with the folder if two files share a name.

    Raises:
        HarkenError: when ``plot`` is a single picture for several files, or neither a PNG nor a folder.
    """
    is_png = plot.suffix.lower() == ".png"
    if is_png and len(files) == 1 and not plot.is_dir():
        check_output_file(plot, "--plot")
        return [plot]
    if not plot.is_dir() and (is_png or plot.exists() or plot.suffix.lower() in OTHER_PICTURES):
        what = f"one picture for {len(files)} files" if is_png else "neither a PNG nor a folder"
        raise HarkenError(f"--plot {plot}: that is {what}; name a folder, or a .png for a single recording")
    return [plot / f"{name}.png" for name in distinct_names(files)]


def _distinguish_people(recordings: "list[Recording]") -> list[str]:
    """Return the name of each wearer, with the placement if a wearer has several recordings."""
    names = [recording.subject for recording in recordings]
    if len(set(names)) == len(names):
        return names
    return [recording.within_file for recording in recordings]


def _print_people(file: str, people: "list[Inspection]", names: list[str]) -> None:
    """Print a line for each recording of a table, by its name, one for all of them, and their notes."""
    console = _console()
    console.print(Text(f"{printable(file)}: {len(people)} recordings"), style="bold", soft_wrap=True)
    table = _table("subject", "recorded", "Hz")
    table.add_column("labels", overflow="fold")
    recorded_s, labels, unlabelled = 0.0, Counter[str](), 0
    for name, facts in zip(names, people, strict=True):
        length_s, rate = facts.span_s - facts.gaps.total_s, f"{facts.sample_rate_hz:.4g}"
        own = Counter({label: time.rows for label, time in facts.labels.items()})
        table.add_row(
            Text(name), duration_text(length_s), rate, Text(largest_shares(own, {UNLABELLED: facts.unlabelled.rows}))
        )
        recorded_s, labels, unlabelled = recorded_s + length_s, labels + own, unlabelled + facts.unlabelled.rows
    table.add_section()
    table.add_row("together", duration_text(recorded_s), "", Text(largest_shares(labels, {UNLABELLED: unlabelled})))
    console.print(table)
    warnings = grouped_notes([facts.warnings for facts in people], names, kind="recordings")
    notes = grouped_notes([facts.notes for facts in people], names, kind="recordings")
    if notes or warnings:
        console.print()
        console.print(notes_table(notes, warnings=warnings))
    console.print()


def _console() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if console.width < NARROWEST:
        console.width = NARROWEST  # a wrapped line is better than a truncated number
    return console


def _print(facts: "Inspection", picture: Path | None) -> None:
    """Print the facts by name, then a line for each channel, a line for each label, and the notes of the reader."""
    console = _console()
    console.print(Text(facts.file, style="bold"), soft_wrap=True)
    notes = notes_table(facts.notes, warnings=facts.warnings)
    for part in (_facts_table(facts), _channel_table(facts), _label_table(facts), notes):
        if part.row_count:
            console.print(part)
            console.print()
    if picture is not None:
        console.print(Text(f"picture: {printable(picture)}\n"), soft_wrap=True)


def _facts_table(facts: "Inspection") -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value, remarkable in _facts(facts):
        table.add_row(name, Text(value, style="yellow" if remarkable else ""))
    return table


def _facts(facts: "Inspection") -> Iterator[tuple[str, str, bool]]:
    """Each fact: its name, its value, and whether a person should check it."""
    from harken.recordings.recording import Placement

    yield "subject", facts.subject, False
    dropped = "".join(f", {count:,} dropped ({reason})" for reason, count in facts.dropped.items())
    yield "rows", f"{facts.rows:,}" + (f"{dropped}, {facts.kept_rows:,} kept" if dropped else ""), bool(dropped)
    yield "channels", _channels_text(facts), False
    zone = zone_in_words(facts.timezone)
    yield "start", f"{facts.start:{DAY_PATTERN}} {zone}", False
    yield "end", f"{facts.end:{DAY_PATTERN}} {zone}", False
    yield "span", duration_text(facts.span_s), False
    yield "rate", f"{facts.sample_rate_hz:.6g} Hz" if facts.sample_rate_hz else "unknown", not facts.sample_rate_hz
    gaps = facts.gaps
    yield "gaps", f"{gaps.count:,} longer than {duration_text(gaps.limit_s)}" + _gap_text(facts), gaps.count > 0
    yield (
        "times",
        f"{facts.repeated_times:,} repeated, {facts.backward_times:,} backward steps",
        (facts.repeated_times + facts.backward_times > 0),
    )
    if facts.sensor_range_g is not None:
        yield "sensor range", f"±{facts.sensor_range_g:g} g", False
    if facts.placement is not Placement.UNKNOWN:
        yield "worn on", facts.placement, facts.placement is not Placement.WRIST
    if facts.along_forearm:
        axis, share = max(facts.along_forearm.items(), key=lambda each: each[1])
        yield "on the arm", f"{axis} probably lies along the forearm ({percent_number(share, decimals=0)} %)", False
    reasons = f"{facts.missing:,} missing, {facts.out_of_range:,} out of range, {facts.stuck:,} stuck"
    if facts.broken:
        reasons += f", {facts.broken:,} of a broken axis"
    yield "marked", f"{facts.marked:,} sample{'s' * (facts.marked != 1)} ({reasons})", facts.marked > 0
    if facts.label_source:
        yield "labels", facts.label_source, False
    yield "unlabelled", f"{facts.unlabelled.rows:,} rows ({percent_number(facts.unlabelled.share)} %)", False


def _channels_text(facts: "Inspection") -> str:
    in_g = [channel for channel, unit in facts.units.items() if unit == "g"]
    others = [channel for channel in facts.channels if channel not in in_g]
    file_unit = facts.file_acceleration_unit
    converted = f" (converted from {file_unit})" if file_unit != "g" else ""
    return "; ".join([*([f"{', '.join(in_g)} in g{converted}"] if in_g else []), *others])


def _gap_text(facts: "Inspection") -> str:
    gaps = facts.gaps
    if gaps.longest_s is None or gaps.longest_start is None:
        return ""
    return (
        f", together {duration_text(gaps.total_s)}; the longest {duration_text(gaps.longest_s)}, "
        f"after {gaps.longest_start:{DAY_PATTERN}}"
    )


def _channel_table(facts: "Inspection") -> Table:
    """A line for each channel, over all finite samples of the file, including those marked invalid."""
    table = _table("channel", "min", "25 %", "median", "mean", "75 %", "max", "std")
    for channel, statistics in facts.statistics.items():
        s = statistics
        values = (s.min, s.q25, s.median, s.mean, s.q75, s.max, s.std)
        unit = f" [{facts.units[channel]}]" if facts.units[channel] else ""
        table.add_row(f"{channel}{unit}", *("-" if v is None else f"{v:.3f}" for v in values))
    return table


def _label_table(facts: "Inspection") -> Table:
    """A line for each label, and a line for samples without a label."""
    table = _table("label", "rows", "share", "bouts", "total", "median", "longest")
    unlabelled = {"(unlabelled)": facts.unlabelled} if facts.labels and facts.unlabelled.rows else {}
    for name, time in {**facts.labels, **unlabelled}.items():
        lengths = (time.total_s, time.median_bout_s, time.longest_bout_s)
        table.add_row(
            name,
            f"{time.rows:,}",
            f"{percent_number(time.share)} %",
            f"{time.bouts:,}",
            *("-" if length is None else duration_text(length) for length in lengths),
        )
    return table


def _table(first: str, *others: str) -> Table:
    # The box has one column of space between two others. With wider padding, names would be truncated in 80 columns.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
