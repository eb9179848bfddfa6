"""``harken label``: activities of one or many people, hour by hour, from recordings of any length.

Most of its options are the fields of ``LabelSettings`` in ``labelling/settings``; the others are declared here.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from harken.annotations.folders import PEOPLE, STUDY_FILE, SUMMARY, TAUGHT
from harken.cli.files import (
    grouped_notes,
    largest_shares,
    notes_table,
    plain_table,
    print_json,
    print_warning,
    progress,
    propose_name,
    recordings,
    result_names,
)
from harken.cli.options import FilesOrFolders, Given, Json, ModelOrPackaged
from harken.labelling.settings import LabelSettings, rules_key
from harken.outcomes.rules import Rules
from harken.support.aside import is_aside
from harken.support.errors import HarkenError, raise_failures
from harken.support.files import make_folder, not_left_empty, real_path
from harken.support.options import DeclaredOption, Option, options_of
from harken.support.printable import duration_text, percent, printable
from harken.support.resources import usable_cores

if TYPE_CHECKING:
    from harken.labelling.cohort import FileOutcome, FileTask, Work
    from harken.labelling.people import People
    from harken.labelling.study_file import Teaching

END_OF_CLAUSE = re.compile(r"[;.] ")

Out = Annotated[
    Path,
    Option(
        "The folder for the results, in which each file gets a folder. It is created if it does not exist.",
        metavar="DIR",
    ),
]
PeopleTable = Annotated[
    Path | None,
    Option(
        "The people of the study: a CSV file with the column person and any of group, site, age, hand, timezone, "
        "forearm_axis, cut_points and files. A row applies to the recordings of its person, in place of other options; "
        "later commands know the table.",
        metavar="FILE",
    ),
]
Workers = Annotated[
    int | None,
    Option("Processes that label in parallel on this machine. [default: one for each core]", metavar="N", least=1),
]
Scheduler = Annotated[
    str | None,
    Option("Label on a Dask cluster, whose workers see the same files: tcp://HOST:PORT.", metavar="ADDRESS"),
]
Shard = Annotated[
    str | None,
    Option("Only every n-th file from the i-th on: for a job array, without a scheduler.", metavar="I/N"),
]

MOST_NAMED = 3
"""The people who may be several that are named, and the recordings with several results."""
DONE = {"labelled": "", "summarised": "summarised", "nothing": "unchanged"}
"""What stands after a report, by what was done for it."""


def label(
    files: FilesOrFolders,
    *,
    model: ModelOrPackaged = None,
    out: Out,
    settings: LabelSettings,
    given: Given,
    name: Annotated[
        str | None,
        Option(
            "The name of the folder of one file. Of several files, it stands before the name of each: site_b gives "
            "site_b_P01.",
            metavar="NAME",
        ),
    ] = None,
    again: Annotated[
        bool,
        Option(
            "Label files again whose results were made with other settings, or were changed, and replace these results."
        ),
    ] = False,
    people: PeopleTable = None,
    resume: Annotated[bool, Option("Write even into a folder that contains other files.")] = False,
    teach: Annotated[
        bool,
        Option(
            "Label each wearer who has labels with a personal model, unless it is worse. The labels are in files "
            "beside the recordings, NAME.labels.csv."
        ),
    ] = False,
    teach_labels: Annotated[
        Path | None,
        Option(
            "The same with the labels of all wearers in one file: a table with start, end, label and subject or file, "
            "or with subject, routine and start.",
            metavar="FILE",
        ),
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    shard: Shard = None,
    verbose: Annotated[bool, Option("Print times, warnings and notes of each of several files.")] = False,
    json: Json = False,
) -> None:
    """Writes report.html, days.csv (what most papers report), days_all.parquet (all columns), nights.csv, bouts.csv,
    hours.csv, averages.csv, rhythm.csv, timeline.parquet, movement.parquet, quality.json and summary.json to a folder
    for each file, named after it, whole or not at all; beside them study.html (all people on one page), person.csv (a
    row for each person), person_all.parquet (with all columns), cohort (a row for each day of each file) and quality (a
    row for each file), both as .csv and .parquet.
    Labels in the files are not used. Files that are already labelled with the same settings are skipped. Results of
    other settings of labelling are replaced only with --again, and those of another file never; other rules for nights,
    intensity and tables are applied at once. A file that cannot be labelled does
    not stop the others; it is named at the end, and in failures.csv if it exists. The JSON is a list of the summaries.
    The folder keeps its rules, model and teaching in study.toml: a later call takes what it is not given from there,
    and is refused if it is given something else, unless it makes the results of everybody.
    """
    from harken.labelling.cohort import FileTask, labelling, shard_of
    from harken.labelling.people import keep_people, read_people
    from harken.labelling.study_file import Teaching
    from harken.labelling.study_rules import Asked, take_for_labelling

    rows = {} if people is None else read_people(people)
    found = recordings(files, out=out)
    if people is not None:
        found = _leave_out(people, found)
    names, other_name = result_names(found, name), propose_name(found, name)
    of_study = [FileTask(path, out / folder, other_name) for path, folder in zip(found, names, strict=True)]
    typed = Teaching(teach, teach_labels)
    with not_left_empty(out):
        _open(out, resume=resume or shard is not None)
        with _rules_of_results(out):
            folders = [task.folder for task in of_study]
            study = take_for_labelling(out, Asked(settings, given, model, typed, folders, again))
            settings = study.settings
            of_study = _add_people(of_study, settings, people, rows, out)
            teaching = typed if typed.is_on else study.teaching
            if teaching.is_on:
                of_study = _add_lessons(of_study, settings, teaching, out, is_typed=typed.is_on)
            tasks = of_study if shard is None else shard_of(of_study, shard)
            if any(task.lesson is not None for task in tasks):
                make_folder(out / TAUGHT)
            changes = find_changes([task for task in tasks if (task.folder / SUMMARY).exists()], settings)
            alone = len(tasks) == 1 and scheduler is None
            work = labelling(study.model_file, settings, cores=usable_cores() if alone else 1, again=again)
            prints = None if json else print_one if verbose or len(tasks) == 1 else print_line
            if rows and any(task.path.exists() for task in of_study):
                keep_people(out, rows)
            ended = run("Labelling", tasks, work, workers=workers, scheduler=scheduler, prints=prints)
            tell_changes(changes, ended)
            ended, rules = follow_rules(out, ended, settings.rules)
            failures_file = out / ("failures.csv" if shard is None else f"failures-{shard.replace('/', '-of-')}.csv")
            # As long as other shards are not done, their people are not known.
            all_known = shard is None or all((task.folder / SUMMARY).exists() for task in of_study)
            rules = rules if all_known else Rules()
            finish(ended, failures_file, rules, workers=workers, lines=prints is print_line, json=json)


def _leave_out(table: Path, found: list[Path]) -> list[Path]:
    """Return the recordings without the table of people, which may lie among them.

    Raises:
        HarkenError: when there is no other file.
    """
    others = [path for path in found if real_path(path) != real_path(table)]
    if not others:
        raise HarkenError("this is the table of people, and no recording was given", path=table)
    return others


def _add_people(
    tasks: "list[FileTask]", settings: LabelSettings, table: Path | None, given: "People", out: Path
) -> "list[FileTask]":
    """Return the tasks with the rows of their wearers, from the table that is kept in ``out`` and from the ``given``
    one. Print which rows and which recordings have no counterpart, and for whose age there are no cut-points.

    Raises:
        HarkenError: as ``read_people`` and ``match_people``.
    """
    from harken.labelling import people
    from harken.labelling.stored import results_in

    known = {**people.read_kept_people(out), **given}
    if not known:
        return tasks
    matched = people.match_people([task.path for task in tasks], known, settings)
    here = {person.name: person for person in matched.by_file.values()}
    with_results: set[str] = set()
    if known.keys() - here.keys():
        summaries = people.find_results_people(results_in(out))
        with_results = {summary["subject"] for summary in summaries.values()}
    for sentence in (
        *people.describe_unknown(known, here.keys() | with_results),
        *people.describe_match(matched, given, table or out / PEOPLE),
        *people.describe_ages(here.values(), settings),
    ):
        typer.echo(printable(sentence), err=True)
    return [replace(task, person=matched.by_file.get(task.path)) for task in tasks]


@contextmanager
def _rules_of_results(out: Path) -> Iterator[None]:
    """Remove the rules that the block wrote, if nobody has results at its end: then the next call may have others."""
    from harken.labelling.stored import results_in

    is_new = not (out / STUDY_FILE).exists()
    try:
        yield
    finally:
        if is_new and not results_in(out):
            (out / STUDY_FILE).unlink(missing_ok=True)


def follow_rules(out: Path, ended: "list[FileOutcome]", rules: Rules) -> "tuple[list[FileOutcome], Rules]":
    """Summarise the results of a command again if another command has changed the rules of the study meanwhile. Return
    the outcomes, and the rules by which they are now.

    Raises:
        HarkenError: when the rules of the study cannot be read.
    """
    from harken.labelling.cohort import FileTask, summarising
    from harken.labelling.study_rules import read_rules_now

    while (now := read_rules_now(out, rules)) != rules:
        typer.echo("Another command has changed the rules of this study; they are applied here, too.", err=True)
        rules = now
        work = partial(summarising, rules=rules)
        for place, outcome in enumerate(ended):
            if outcome.error is None:
                folder = outcome.task.folder
                task = FileTask(folder, folder, person=outcome.task.person)
                (again,) = run("Summarising", [task], work, workers=1, scheduler=None, prints=None)
                ended[place] = replace(again, task=outcome.task, done=outcome.done)
    return ended, rules


def _add_lessons(
    tasks: "list[FileTask]", settings: LabelSettings, teaching: "Teaching", out: Path, *, is_typed: bool = True
) -> "list[FileTask]":
    """Return the tasks with the lessons of their wearers. Print who has labels that are for no recording. If nobody
    typed that wearers are taught, but the study does, newcomers may be without labels.

    Raises:
        HarkenError: as ``find_lessons``, and when nobody has labels.
    """
    from harken.labelling.teaching import find_lessons

    labels = teaching.labels
    readings = {task.path: task.choose_settings(settings).reading for task in tasks}
    lessons = find_lessons(readings, labels, out)
    if not lessons.by_file and is_typed:
        where = "no recording has a file of labels beside it, such as NAME.labels.csv"
        if labels is not None:
            where = f"no row of {labels} is for one of these recordings"
        raise HarkenError(f"there is nobody to teach: {where}")
    if labels is not None and lessons.unused and is_typed:
        print_warning(labels, lessons.unused)
    return [replace(task, lesson=lessons.by_file.get(task.path)) for task in tasks]


def finish(
    ended: "list[FileOutcome]", failures_file: Path, rules: Rules, *, workers: int | None, lines: bool, json: bool
) -> None:
    """Write the table of failures of a call, and the tables and the page of all results in its folder. Print which
    exclusions have no effect; the warnings of the files, if each was printed as a line (``lines``); the summaries as
    JSON, or where the page is; and where the failures are.

    Raises:
        HarkenError: when files failed, results of others in the folder cannot be read, or the folder cannot be written
            to. Nothing is written if no file exists.
    """
    from harken.labelling.study import STUDY, find_namesakes, find_repeats, without_effect, write_failures, write_study

    out = failures_file.parent
    failures = [one.error for one in ended if one.error is not None]
    if ended and all(one.missing for one in ended):
        raise_failures(failures, len(ended))
    try:
        write_failures(failures_file, ended)
        cohort, unread = write_study(out, workers=workers or usable_cores())
    except OSError as error:
        raise HarkenError(f"cannot write there ({error.strerror or error})", path=out) from error
    if cohort is not None:
        doubtful = (islice(sentences, MOST_NAMED) for sentences in (find_namesakes(cohort), find_repeats(cohort)))
        for sentence in (*chain(*doubtful), *without_effect(cohort, rules)):
            typer.echo(printable(sentence), err=True)
    if lines:
        _print_warnings(ended)
    if json:
        print_json([one.summary for one in ended if one.summary is not None])
    elif len(ended) > 1:
        print(printable(f"Everybody on one page: {out / STUDY}"))
    if len(ended) > 1 and any(one.error is not None and not one.missing for one in ended):
        typer.echo(printable(f"The failures are also in {failures_file}."), err=True)
    named = {one.task.folder for one in ended if one.error is not None}
    failures += [error for folder, error in unread.items() if folder not in named]
    raise_failures(failures, len(ended))


def _print_warnings(ended: "list[FileOutcome]") -> None:
    """Print how the warnings of the files begin; a beginning that several share is one line."""
    done = [outcome for outcome in ended if outcome.summary is not None]
    warnings_of = [(one.summary or {}).get("warnings", []) for one in done]
    begin = [[END_OF_CLAUSE.split(text)[0] for text in texts] for texts in warnings_of]
    if warnings := grouped_notes(begin, [printable(one.task.folder.name) for one in done]):
        Console(highlight=False, markup=False, emoji=False).print(notes_table([], warnings=warnings))


def find_changes(tasks: "Sequence[FileTask]", rules: Rules) -> dict[Path, list[str]]:
    """Find the rules that differ from those of earlier results in the folder of each task. A folder that cannot be read
    has none; it fails later with its reason."""
    from harken.labelling.stored import read_summary

    keys: dict[Rules, dict[str, Any]] = {}
    changes: dict[Path, list[str]] = {}
    for task in tasks:
        folder, own_rules = task.folder, task.choose_rules(rules)
        if own_rules not in keys:
            keys[own_rules] = rules_key(own_rules)
        now = keys[own_rules]
        changes[folder] = []
        try:
            before = read_summary(folder)["summarised_by"]
        except HarkenError:
            continue
        if before["harken_version"] != now["harken_version"]:
            changes[folder].append(f"harken {now['harken_version']} instead of {before['harken_version']}")
        for option in options_of(Rules):
            if before[option.name] != now[option.name]:
                changes[folder].append(_change(option, before[option.name], now[option.name]))
    return changes


def tell_changes(changes: Mapping[Path, list[str]], ended: "list[FileOutcome]") -> None:
    """Print the changes of rules (``find_changes``) of the files that succeeded, and of how many files."""
    failed = {outcome.task.folder for outcome in ended if outcome.error is not None}
    files_of = Counter[str]()
    for folder, sentences in changes.items():
        if folder not in failed:
            files_of.update(sentences)
    for change, files in files_of.items():
        typer.echo(change if len(changes) == 1 else f"{change} ({files} of {len(changes)} files)", err=True)


def _change(option: DeclaredOption, before: Any, now: Any) -> str:
    """How a rule changes: ``--valid-day 10 instead of 16``."""
    if isinstance(now, bool):
        before, now = before != option.default or None, now != option.default or None
    if now in (None, []):
        return f"without {option.flag}, given before"
    of_file = Path in (option.kind, option.option.kind, *get_args(option.kind))
    shown = option.flag if of_file or now is True else f"{option.flag} {_shown(now)}"
    if before in (None, []):
        return f"{shown}, not given before"
    return f"{shown}, of another content before" if of_file else f"{shown} instead of {_shown(before)}"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value["name"] if isinstance(value, dict) else value)


def run(
    doing: str,
    tasks: "list[FileTask]",
    work: "Work",
    *,
    workers: int | None,
    scheduler: str | None,
    prints: Callable[["FileOutcome"], None] | None,
) -> "list[FileOutcome]":
    """Label or summarise the files with a progress bar, and print each result as it arrives. Outcomes are in the order
    of tasks."""
    from harken.labelling.cohort import run_cohort

    outcomes: dict[FileTask, FileOutcome] = {}
    together = max(1, min(workers or usable_cores(), len(tasks)))
    if len(tasks) == 1:
        doing = f"{doing} {tasks[0].path.name}"
    running = run_cohort(tasks, work, workers=together, scheduler=scheduler, on_share=lambda share: show(share))
    try:
        while len(outcomes) < len(tasks):
            with progress(doing, len(outcomes), len(tasks)) as show:
                outcome = next(running)
            outcomes[outcome.task] = outcome
            if outcome.summary is not None and prints is not None:
                prints(outcome)
    except (KeyboardInterrupt, SystemExit):  # Ctrl+C, and SIGTERM
        if len(outcomes) < len(tasks):
            done = f"{len(outcomes)} of {len(tasks)} files are done"
            typer.echo(f"Stopped: {done}; repeat the command to continue.", err=True)
        raise
    return [outcomes[task] for task in tasks]


def _open(out: Path, *, resume: bool) -> None:
    """Check that ``out`` can be written to.

    Raises:
        HarkenError: when it is a file, or holds something other than results and ``resume`` is false.
    """
    if out.exists() and not out.is_dir():
        raise HarkenError("is a file; --out needs a folder", path=out, colon=False)
    if not resume and out.is_dir() and any(out.iterdir()) and not _holds_results(out):
        raise HarkenError(
            "is not empty and contains no results; choose another --out, or add --resume", path=out, colon=False
        )
    make_folder(out)


def _holds_results(out: Path) -> bool:
    if (out / STUDY_FILE).exists() or any(out.glob("*/summary.json")) or any(out.glob("failures*.csv")):
        return True
    if all(path.name == PEOPLE for path in out.iterdir()):
        return True
    return (out / TAUGHT).is_dir() or any(map(is_aside, out.iterdir()))


def print_line(outcome: "FileOutcome") -> None:
    """Print a line for one of several files: its wearer, the time recorded, the labels with most time, and how many
    warnings there are."""
    summary: dict[str, Any] = outcome.summary or {}
    times, warnings = summary["seconds_by_label"], summary["warnings"]
    name, wearer = printable(outcome.task.folder.name), printable(summary["subject"])
    recorded_s = sum(times.values()) + summary["unlabelled_s"] + 3600 * (summary["non_wear_hours"] or 0.0)
    parts = [duration_text(recorded_s), largest_shares(times) or "no label"]
    if summary["taught"] is not None:
        parts.append(_taught_words(summary["taught"]))
    if warnings:
        parts.append("1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings")
    if done := DONE[outcome.done]:
        parts.append(done)
    print(f"{name}{'' if wearer == name else f' ({wearer})'}: {'; '.join(parts)}")


def _taught_words(facts: dict[str, Any]) -> str:
    """Return what teaching the wearer gained, as part of a line: ``taught 0.62 -> 0.83``."""
    from harken.outcomes.taught import GENERAL, UNUSED, Taught

    taught = msgspec.convert(facts, Taught)
    if taught.state == UNUSED:
        return UNUSED
    return f"taught {taught.gain}" if taught.kept else f"taught, but {GENERAL}"


def print_one(outcome: "FileOutcome") -> None:
    """Print the time of each label, and without a label; warnings and notes."""
    summary: dict[str, Any] = outcome.summary or {}
    times = summary["seconds_by_label"]
    busy = summary["busy_hands_s"]
    labelled = sum(times.values())
    table = plain_table("label", "time", "share of labelled time")
    for name, seconds in times.items():
        share = percent(seconds / labelled) if labelled else ""  # it may never have been worn
        table.add_row(Text(name), _time(seconds), share)
        if busy.get(name):
            table.add_row("  with busy hands", _time(busy[name]), percent(busy[name] / labelled))
    off_s = 3600 * (summary["non_wear_hours"] or 0.0)
    for name, seconds in (
        ("(no label)", summary["unlabelled_s"]),
        ("(not worn)", off_s),
        ("(gaps)", summary["gaps_s"]),
    ):
        if seconds:
            table.add_row(name, _time(seconds), "")
    console = Console(highlight=False, markup=False, emoji=False)
    shown = f"{printable(outcome.task.path)}: {summary['subject']}, {summary['start']} to {summary['end']}"
    console.print(Text(shown, style="bold"), soft_wrap=True)
    console.print(table)
    warnings = summary["warnings"]
    if warnings or summary["notes"]:
        console.print(notes_table(summary["notes"], warnings=warnings))
    done = f" ({DONE[outcome.done]})" if DONE[outcome.done] else ""
    console.print(f"Report: {printable(outcome.task.folder / 'report.html')}{done}\n", soft_wrap=True)


def _time(seconds: float) -> str:
    """Format a length of time: ``55 h 05 min``, ``1 min 36 s``, ``38 s``. Part of a second is not rounded to zero."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return duration_text(round(seconds) if seconds >= 1 else seconds)
