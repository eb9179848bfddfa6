"""The tables over all results in a folder: the days, the files, the people, and the files that failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from harken.labelling.cohort import FileOutcome
from harken.labelling.results import FileEntry, read_movement, read_results
from harken.outcomes.people import people_table, with_one_file_a_date
from harken.outcomes.rhythm import rhythm
from harken.readers.folders import COHORT, PERSON, QUALITY
from harken.support.printable import printable, without_path
from harken.support.tables import write_csv, write_parquet

FAILURES = "failures*.csv"
"""The tables of files that failed: of a call, or of each shard."""
AT_ONCE = 500
"""Files whose tables are joined in one go: many small tables need much more memory than one."""


@dataclass(frozen=True, eq=False)
class Cohort:
    """The tables over all results in a folder.

    Attributes:
        days: ``cohort.parquet``, one row for each day of each file. Times are text with their offset, because time
            zones may differ.
        quality: ``quality.parquet``, one row for each file.
        people: ``person.parquet``, one row for each person; see ``harken.outcomes.people.people_table``.
        files: what the page over all files needs besides, in the order of ``quality``.
    """

    days: pl.DataFrame
    quality: pl.DataFrame
    people: pl.DataFrame
    files: list[FileEntry]

    def write(self, out: Path) -> None:
        """Write the tables to a folder, as Parquet and as CSV."""
        for name, table in ((COHORT, self.days), (QUALITY, self.quality), (PERSON, self.people)):
            write_parquet(table, out / name)
            write_csv(table, (out / name).with_suffix(".csv"))


def read_cohort(folders: Sequence[Path]) -> Cohort | None:
    """The tables over the results in these folders; None if there are none."""
    files: list[FileEntry] = []
    days, qualities, nights, rhythms = (_Growing() for _ in range(4))
    for results in filter(None, map(read_results, folders)):
        files.append(results.about)
        days.add(results.days)
        qualities.add(pl.DataFrame([results.row]))
        nights.add(results.nights)
        rhythms.add(results.rhythm)
    all_days, quality = days.table(), qualities.table()
    if all_days is None or quality is None:
        return None
    people = people_table(all_days, nights.table(), _of_people(rhythms.table(), all_days, files))
    return Cohort(all_days, quality, people, files)


class _Growing:
    """A table that grows by small ones."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._large: list[pl.DataFrame] = []

    def add(self, table: pl.DataFrame | None) -> None:
        if table is not None:
            self._parts.append(table)
        if len(self._parts) == AT_ONCE:
            self._join()

    def table(self) -> pl.DataFrame | None:
        self._join()
        return pl.concat(self._large, how="diagonal_relaxed") if self._large else None

    def _join(self) -> None:
        if self._parts:
            self._large.append(pl.concat(self._parts, how="diagonal_relaxed").rechunk())
            self._parts = []


def _of_people(rhythms: pl.DataFrame | None, days: pl.DataFrame, files: Iterable[FileEntry]) -> pl.DataFrame | None:
    """One row of rhythm for each person. That of a person with several files is computed from their movement."""
    if rhythms is None:
        return None
    folders = {file.name: file.folder for file in files}
    several = days.group_by("subject").agg(pl.col("name").n_unique()).filter(pl.col("name") > 1)["subject"]
    chosen = with_one_file_a_date(days).filter(pl.col("subject").is_in(several.to_list()))
    own = rhythms.filter(~pl.col("subject").is_in(several.to_list()))
    joint = [
        found.with_columns(pl.lit(subject).alias("subject"))
        for (subject,), of_person in chosen.group_by("subject", maintain_order=True)
        if (found := _joint_rhythm(of_person, folders)) is not None
    ]
    return pl.concat([own, *joint], how="diagonal_relaxed")


def _joint_rhythm(days: pl.DataFrame, folders: dict[str, Path]) -> pl.DataFrame | None:
    """The rhythm of a person from the days of several files, each date once; None without acceleration."""
    parts = [
        read_movement(folders[name], of_file["date"].to_list())
        for (name,), of_file in days.group_by("name", maintain_order=True)
    ]
    known = [part for part in parts if part is not None]
    valid = days.filter(pl.col("valid_day").fill_null(False))["date"].to_list()
    return rhythm(pl.concat(known).sort("start"), valid) if known else None


def write_failures(path: Path, outcomes: Sequence[FileOutcome]) -> None:
    """Write the files that failed, with the reasons, except those that do not exist. Without such failures, the table
    of an earlier call is removed."""
    failed = [outcome for outcome in outcomes if outcome.reason is not None and not outcome.missing]
    if failed:
        rows = {
            "file": [printable(one.task.path) for one in failed],
            "reason": [without_path(one.reason or "", one.task.path) for one in failed],
        }
        write_csv(pl.DataFrame(rows), path)
    else:
        path.unlink(missing_ok=True)
