"""The files of a study that failed: a table for people, and the same as JSON, which harken reads back."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import polars as pl

from harken.labelling.cohort import FileOutcome
from harken.labelling.stored import read_summary, results_digest
from harken.reports.study import Failure
from harken.support.errors import HarkenError
from harken.support.files import write_bytes
from harken.support.printable import printable, without_path
from harken.support.tables import write_csv

FAILURES = "failures*.json"
"""The files that failed: of a call, or of each shard."""


def write_failures(path: Path, outcomes: Sequence[FileOutcome]) -> None:
    """Write the files that failed, with the reasons, except those that do not exist. Without such failures, those of an
    earlier call are removed.

    Args:
        path: the table for people, beside the folders of results. Beside it, a JSON file has the same for harken.
        outcomes: of labelling, or of summarising: then the paths of their tasks are the folders of results.
    """
    failures = [_make_failure(outcome) for outcome in outcomes if outcome.reason is not None and not outcome.missing]
    if failures:
        rows = [(failure.file, failure.reason, failure.results or None) for failure in failures]
        write_csv(pl.DataFrame(rows, schema=dict.fromkeys(Failure._fields, pl.String), orient="row"), path)
        write_bytes(path.with_suffix(".json"), msgspec.json.encode(failures))
    else:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)


def read_failures(out: Path) -> list[Failure]:
    """Read the files that failed, in all calls and shards, each reason once.

    Args:
        out: the folder with the folders of results.
    """
    failures: list[Failure] = []
    for path in sorted(out.glob(FAILURES)):
        try:
            failures += msgspec.json.decode(path.read_bytes(), type=list[Failure])
        except (OSError, msgspec.MsgspecError, ValueError):  # it was removed, or harken did not write it
            continue
    return list(dict.fromkeys(failures))


def strip_folder(reason: str, path: Path) -> str:
    """Return a reason without the file or folder at its beginning."""
    return without_path(reason, path).removeprefix(os.sep)


def _make_failure(outcome: FileOutcome) -> Failure:
    """Make the row of a file: its path, the reason, and the digest of the results that it has."""
    path, folder = outcome.task.path, outcome.task.folder
    reason = strip_folder(outcome.reason or "", path)
    try:
        summary = read_summary(folder)
    except HarkenError:  # there are no results, or they cannot be read
        return Failure(printable(path), reason)
    summarising = path == folder
    file = summary["file"] if summarising else printable(path)
    return Failure(file, reason, results_digest(summary, rules=summarising))
