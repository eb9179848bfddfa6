"""``harken summarise``: the tables and reports of a labelled folder, made again by other rules.

Its options are the fields of ``Rules`` in ``labelling/settings``.
"""

from collections import Counter
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from harken.cli.label import Scheduler, Workers, print_line, print_one, print_warnings, run, write_tables
from harken.cli.options import Json
from harken.labelling.settings import Rules, read_summary, rules_key
from harken.readers.folders import SUMMARY
from harken.support.errors import HarkenError, raise_failures
from harken.support.options import Argument
from harken.support.printable import printable

Labelled = Annotated[Path, Argument("The folder that harken label wrote (its --out).", metavar="OUT")]


def summarise(
    out: Labelled,
    *,
    rules: Rules,
    workers: Workers = None,
    scheduler: Scheduler = None,
    json: Json = False,
) -> None:
    """Everything after the probabilities of the model is made again: nights, labels, steps, intensity, hours, days,
    people, and all reports. Neither the recordings nor the model are needed. A rule that is not given is the default,
    as for harken label, which would write the same files. Results that were made with these rules are skipped, so an
    interrupted command can be repeated. The JSON is a list of the summaries.
    """
    from harken.labelling.cohort import FileTask, SummariseJob
    from harken.labelling.study import STUDY, results_in

    if (out / SUMMARY).exists():
        raise HarkenError(f"{out} holds the results of one recording; give the folder above it: {out.resolve().parent}")
    if not (folders := results_in(out)):
        raise HarkenError(f"{out} holds no results of harken label")
    for change, files in _changes(folders, rules).items():
        typer.echo(f"{change} ({files} of {len(folders)} files)", err=True)
    tasks = [FileTask(folder, folder.name) for folder in folders]
    prints = None if json else print_one if len(tasks) == 1 else print_line
    ended = run("Summarising", tasks, SummariseJob(out, rules), workers=workers, scheduler=scheduler, prints=prints)
    if prints is print_line:
        print_warnings(ended)
    write_tables(out, exclude=rules.exclude)
    if json:
        print(dumps([one.summary for one in ended if one.summary is not None], indent=2, allow_nan=False))
    else:
        print(printable(f"Everybody on one page: {out / STUDY}"))
    raise_failures([HarkenError(one.reason) for one in ended if one.reason is not None], len(ended))


def _changes(folders: Sequence[Path], rules: Rules) -> Counter[str]:
    """The rules that differ from those of earlier results, in words, and the number of files for each. A folder that
    cannot be read has none; it fails later with its reason."""
    now, changes = rules_key(rules), Counter[str]()
    for folder in folders:
        try:
            before = read_summary(folder)["summarised_by"]
        except (HarkenError, KeyError):
            continue
        for name, value in now.items():
            if before.get(name) != value:
                words = name.replace("_", " ")
                changes[f"{words}: {_shown(before.get(name), name)}, now {_shown(value, name)}"] += 1
    return changes


def _shown(value: Any, name: str) -> str:
    if value in (None, []):
        return "none"
    if name in ("diary", "segments", "exclude"):
        return "of a file"
    return str(value["name"] if isinstance(value, dict) else value)
