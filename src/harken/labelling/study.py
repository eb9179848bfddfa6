"""The study: the tables and the page over all results in a folder, also when several processes write them."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl

from harken.labelling.cohort_tables import FAILURES, Cohort, read_cohort
from harken.labelling.results import FileEntry, read_strips, results_in
from harken.outcomes.people import with_one_file_a_date
from harken.reports.caveats import NO_VALID_DAY
from harken.reports.study import Failure, Person, Study, StudyFile, write_study_page
from harken.support.printable import printable

STUDY = "study.html"
"""The page."""
MOST_PEOPLE = 5_000
"""People with a row on the page: those with doubts first. A page of so many has some ten megabytes."""
MOST_DAYS = 28
"""Strips of a person."""


def write_study(out: Path) -> None:
    """Write the tables (``cohort_tables.Cohort``) and ``study.html``.

    They cover all finished folders in ``out``, also those of other processes, and the page all tables of failures.
    Several processes may call this function at the same time: each repeats it until no folder was finished and no
    failure was written meanwhile.
    """
    before = None
    while (now := (results_in(out), list(_failures(out)))) != before:
        before = now
        cohort = read_cohort(now[0])
        if cohort is not None:
            cohort.write(out)
        write_study_page(out / STUDY, study_of(printable(out.resolve().name), cohort, now[1]))


def study_of(title: str, cohort: Cohort | None, failures: list[tuple[str, str, float]]) -> Study:
    """What the page shows.

    Args:
        title: its heading.
        cohort: the tables; None without results.
        failures: the file, the reason, and when the table of failures was written, in seconds since 1970. A failure of
            a file with later results is left out; a file with earlier results was not labelled again.
    """
    if cohort is None:
        return Study(title, (), [], pl.DataFrame({"subject": []}), [Failure(*each[:2]) for each in failures])
    files: dict[str, list[FileEntry]] = defaultdict(list)
    for file in cohort.files:
        files[file.subject].append(file)
    done = {Path(entry.file).absolute(): entry.written_s for entry in cohort.files}
    failed, kept = [], []
    for name, reason, at in failures:
        written_s = done.get(Path(name).absolute())
        if written_s is None:
            failed.append(Failure(name, reason))
        elif written_s <= at:
            kept.append(Failure(name, reason))
    labels = tuple(dict.fromkeys(label for file in cohort.files for label in file.labels))
    limits = {file.valid_day_h for file in cohort.files}
    return Study(
        title=title,
        labels=labels,
        people=_people(cohort, files, labels),
        table=cohort.people,
        failures=failed,
        kept=kept,
        made_up=sum(file.made_up for file in cohort.files),
        valid_day_h=limits.pop() if len(limits) == 1 else None,
        first=min(cohort.days["date"]),
        last=max(cohort.days["date"]),
    )


def _people(cohort: Cohort, files: dict[str, list[FileEntry]], labels: tuple[str, ...]) -> list[Person]:
    """The people with a row. Timelines are read one at a time, and only of these people."""
    valid_days = dict(cohort.people.select("subject", "valid_days").iter_rows())
    none = {subject for subject, count in valid_days.items() if not count}
    doubtful = {subject for subject, own in files.items() if subject in none or any(file.doubts for file in own)}
    subjects = sorted(files, key=lambda subject: (subject not in doubtful, subject))[:MOST_PEOPLE]
    days: dict[str, dict[str, dict[date, bool]]] = defaultdict(lambda: defaultdict(dict))
    chosen = with_one_file_a_date(cohort.days).filter(pl.col("subject").is_in(subjects))
    for subject, name, day, valid in chosen.select("subject", "name", "date", "valid_day").iter_rows():
        days[subject][name][day] = bool(valid)
    return [_person(subject, files[subject], days[subject], labels, none=subject in none) for subject in subjects]


def _person(
    subject: str, files: list[FileEntry], days: dict[str, dict[date, bool]], labels: tuple[str, ...], *, none: bool
) -> Person:
    """A person with the strips of the first days."""
    first = set(sorted(day for of_file in days.values() for day in of_file)[:MOST_DAYS])
    folders = {file.name: file.folder for file in files}
    strips = [
        strip
        for name, of_file in days.items()
        if (wanted := {day: valid for day, valid in of_file.items() if day in first})
        for strip in read_strips(folders[name], wanted, labels)
    ]
    return Person(
        subject=subject,
        files=tuple(StudyFile(file.name, file.report, file.doubts) for file in files),
        days=tuple(sorted(strips, key=lambda strip: strip.date)),
        days_not_shown=sum(map(len, days.values())) - len(first),
        doubts=(NO_VALID_DAY,) if none else (),
    )


def _failures(out: Path) -> Iterator[tuple[str, str, float]]:
    """The files that failed, with the reasons, and when the table of each was written; each file once."""
    found: dict[str, tuple[str, str, float]] = {}
    for path in sorted(out.glob(FAILURES)):
        try:
            table, at = pl.read_csv(path.read_bytes(), infer_schema=False), path.stat().st_mtime
            rows = table.select("file", "reason").rows()
        except (OSError, pl.exceptions.PolarsError):  # it was removed, or harken did not write it
            continue
        for file, reason in rows:
            if file not in found or found[file][2] < at:
                found[file] = (file, reason, at)
    return iter(found.values())
