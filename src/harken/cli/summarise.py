"""``harken summarise``: the tables and reports of a labelled folder, made again by other rules.

Its options are the fields of ``Rules`` in ``outcomes/rules``.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harken.annotations.folders import SUMMARY
from harken.cli.label import (
    PeopleTable,
    Scheduler,
    Workers,
    find_changes,
    finish,
    follow_rules,
    print_line,
    print_one,
    run,
    tell_changes,
)
from harken.cli.options import Given, Json
from harken.outcomes.rules import Rules
from harken.support.aside import remove_left_behind
from harken.support.errors import HarkenError
from harken.support.options import Argument, Option
from harken.support.printable import printable

if TYPE_CHECKING:
    from harken.labelling.cohort import FileTask

Labelled = Annotated[Path, Argument("The folder that harken label wrote (its --out).", metavar="OUT")]


def summarise(
    out: Labelled,
    *,
    rules: Rules,
    people: PeopleTable = None,
    given: Given,
    defaults: Annotated[
        bool,
        Option("Begin with the default of every rule, and not with the rules of the study in study.toml."),
    ] = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Everything after the probabilities of the model is made again: nights, labels, steps, intensity, hours, days,
    people, and all reports. Neither the recordings nor the model are needed. A rule that is not given is that of the
    study, in study.toml. One that is given applies to everybody, also to those who are labelled later. Results that
    were made with these rules are skipped, so an interrupted command can be repeated. Results that cannot be made again
    stay, and are named at the end and in failures-summarise.csv. The JSON is a list of the summaries.
    """
    from harken.labelling.cohort import FileTask, summarising
    from harken.labelling.stored import results_in
    from harken.labelling.study_rules import take_for_summarising

    if (out / SUMMARY).exists():
        raise HarkenError(f"{out} holds the results of one recording; give the folder above it: {out.resolve().parent}")
    remove_left_behind(out)  # results that a killed process moved are put back
    if not results_in(out):
        raise HarkenError(f"{out} holds no results of harken label" if out.is_dir() else f"there is no folder {out}")
    rules = take_for_summarising(out, rules, given, defaults=defaults)
    folders = results_in(out)  # after the rules are written, so that no result of another command is missed
    tasks = _add_people([FileTask(folder, folder) for folder in folders], rules, people, out)
    changes = find_changes(tasks, rules)
    prints = None if json else print_one if len(tasks) == 1 else print_line
    ended = run(
        "Summarising", tasks, partial(summarising, rules=rules), workers=workers, scheduler=scheduler, prints=prints
    )
    tell_changes(changes, ended)
    ended, rules = follow_rules(out, ended, rules)
    finish(ended, out / "failures-summarise.csv", rules, workers=workers, lines=prints is print_line, json=json)


def _add_people(tasks: "list[FileTask]", rules: Rules, table: Path | None, out: Path) -> "list[FileTask]":
    """Return the tasks with the rows of their wearers, and keep a table that is given.

    Print which rows have no results, which need a new labelling, and for whose age there are no cut-points.

    Raises:
        HarkenError: as ``read_people`` and ``keep_people``.
    """
    from harken.labelling import people

    given = {} if table is None else people.read_people(table)
    known = {**people.read_kept_people(out), **given}
    if given:
        people.keep_people(out, given)
    if not known:
        return tasks
    summaries = people.find_results_people(task.folder for task in tasks)
    rows = {folder: known.get(summary["subject"]) for folder, summary in summaries.items()}
    for sentence in (
        *people.describe_unknown(known, {summary["subject"] for summary in summaries.values()}),
        *people.describe_relabelling(known, summaries),
        *people.describe_ages({row.name: row for row in rows.values() if row is not None}.values(), rules),
    ):
        typer.echo(printable(sentence), err=True)
    return [replace(task, person=rows.get(task.folder)) for task in tasks]
