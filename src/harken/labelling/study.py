"""The study: the tables and the page over all results in a folder, also when several processes write them; and the
files that failed, as a table for people and as JSON, which harken reads back.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np
import polars as pl
import polars.selectors as cs

from harken.annotations.folders import CHECK, COHORT, PEOPLE, PERSON, PERSON_CSV, QUALITY, SUMMARY
from harken.labelling.check.results import describe_check, find_changed, read_check
from harken.labelling.cohort import FileOutcome, FileTask, joining, run_cohort
from harken.labelling.joined_people import joined_folder, open_joined, read_facts, remove_outdated
from harken.labelling.people import add_facts, read_kept_people
from harken.labelling.stored import (
    DAYS,
    NIGHTS,
    RHYTHM,
    TIMELINE,
    StoredResults,
    read_summary,
    results_digest,
    results_in,
)
from harken.outcomes.exclusions import read_exclusions
from harken.outcomes.exclusions import without_effect as excluded_without_effect
from harken.outcomes.recording_quality import RecordingQuality
from harken.outcomes.rules import Rules
from harken.outcomes.tables import people_table
from harken.reports.caveats import NO_VALID_DAY, Caveat, CaveatKind, caveats_at, caveats_of, caveats_of_files
from harken.reports.study import Failure, Person, Study, StudyCheck, StudyFile, write_study_page
from harken.reports.study.page import STRIP_COLUMNS, DayStrip, day_strips, kinds_of
from harken.support.errors import HarkenError
from harken.support.files import write_bytes
from harken.support.printable import printable
from harken.support.tables import CSV_TIME, spans_ns, write_csv, write_parquet
from harken.timelines import UNSURE

STUDY = "study.html"
"""The page."""
FAILURES = "failures*.json"
"""The files that failed: of a call, or of each shard."""
MOST_PEOPLE = 5_000
"""People with a row on the page: those with doubts first. A page of so many has some ten megabytes."""
MOST_DAYS = 28
"""Strips of a person."""
AT_ONCE = 500
"""Files whose tables are joined in one go: many small tables need much more memory than one."""
FIRST = ("date", "valid_day", "complete")
"""Columns of days and nights that stand first."""
TEXT = ("first_walking", "last_walking", "l5_start", "m10_start", "excluded", "caveat")
"""Columns of days, nights and rhythm with text."""
NOT_PLAIN = (
    *("wrist_check", "dropped", "gaps", "calibration", "orientation", "broken_axes"),
    *("unseen_f1", "limits", "notes"),
)
"""Entries of ``quality.json`` that hold several values, or nothing; ``_row`` sums up some of them."""
MOST_NOTED = 10
"""The exclusions without effect that are named."""
NOBODY = {"subject": pl.String, "included": pl.Boolean, "why_not": pl.String}
"""The columns of a table of people of which the page always makes use."""
_any = partial(cs.by_name, require_all=False)
"""The columns of these names that a table has."""


class Cohort(NamedTuple):
    """The tables over all results in a folder.

    Attributes:
        days: ``cohort.parquet``, one row for each day of each person. The days of a person with several files are
            those of the joined rows (``harken.labelling.joined_people``); a file that was not on a wrist counts only if
            the person has no other. Times are text with their offset, because time zones may differ.
        quality: ``quality.parquet``, one row for each file.
        people: ``person_all.parquet``, one row for each person; see ``harken.outcomes.tables.people_table``.
        files: what the page over all files needs besides, in the order of ``quality``.
        joined: the outcomes of people with several files that count, by subject.
        nights: one row for each night of each person; None without acceleration.
    """

    days: pl.DataFrame
    quality: pl.DataFrame
    people: pl.DataFrame
    files: list[StudyFile]
    joined: dict[str, "JoinedFiles"]
    nights: pl.DataFrame | None


class JoinedFiles(NamedTuple):
    """The outcomes of a person with several files that count.

    Attributes:
        folder: the folder with the outcomes.
        doubts: reasons to doubt them that do not come from a single file.
        tables: the tables ``days``, ``nights`` and ``rhythm``, as for one file.
    """

    folder: Path
    doubts: tuple[Caveat, ...]
    tables: dict[str, pl.DataFrame]


class WrittenStudy(NamedTuple):
    """What ``write_study`` wrote.

    Attributes:
        cohort: the tables; None without results.
        unread: the folders of results of which something could not be read, and why.
    """

    cohort: Cohort | None
    unread: dict[Path, HarkenError]


def write_study(out: Path, *, workers: int = 1) -> WrittenStudy:
    """Write and return the tables (``Cohort``), as Parquet and as CSV (of people, some columns), and ``study.html``.

    They cover all finished folders in ``out``, also those of other processes, and the page all failures. A folder that
    cannot be read does not stop the others. Several processes may call this function at the same time: each repeats it
    until no folder was finished and no failure was written meanwhile.

    Args:
        out: the folder.
        workers: processes that compute the outcomes of people with several files (``joined_people``).
    """
    from harken.outcomes.dictionary import columns_in  # reads a file, which only writing has to wait for

    before, cohort = None, None
    unread: dict[Path, HarkenError] = {}
    while (now := (_written_ns(out), read_failures(out))) != before:
        before = now
        unread = {}
        cohort = read_cohort(list(now[0]), unread, workers=workers)
        if cohort is not None:
            cohort = _add_people(cohort, out, unread)
            for name, in_csv, table in (
                (COHORT, "cohort.csv", cohort.days),
                (QUALITY, "quality.csv", cohort.quality),
                (PERSON, PERSON_CSV, cohort.people),
            ):
                write_parquet(table, out / name)
                write_csv(table.select(columns_in(in_csv, table.columns)), out / in_csv)
            remove_outdated(out, [person.folder for person in cohort.joined.values()])
        check = _read_check(out, unread)
        study = study_of(printable(out.resolve().name), cohort, now[1], unread)
        write_study_page(out / STUDY, replace(study, check=check))
    return WrittenStudy(cohort, unread)


def _add_people(cohort: Cohort, out: Path, unread: dict[Path, HarkenError]) -> Cohort:
    """Return the tables with what the kept table of people says. If that is broken, ``unread`` receives it."""
    try:
        people = read_kept_people(out)
    except HarkenError as error:
        unread[out / PEOPLE] = error.without_traceback()
        return cohort
    cut_points: dict[str, str] = {}
    for subject, files in _by_subject(cohort.files).items():
        cut_points[subject] = "; ".join(dict.fromkeys(file.cut_points for file in files))
    return cohort._replace(people=add_facts(cohort.people, people, cut_points))


def _read_check(out: Path, unread: dict[Path, HarkenError]) -> StudyCheck | None:
    """What a check of the labels says; None if there was none, or if it cannot be read, which ``unread`` receives."""
    try:
        results = read_check(out)
    except HarkenError as error:
        unread[out / CHECK] = error.without_traceback()
        return None
    return None if results is None else describe_check(results, find_changed(out, results.timelines))


def _written_ns(out: Path) -> dict[Path, int]:
    """The folders of finished results, sorted, and when each was written: summarising writes it again."""
    written_ns = {}
    for folder in results_in(out):
        with suppress(FileNotFoundError):  # another process replaces it
            written_ns[folder] = (folder / SUMMARY).stat().st_mtime_ns
    return written_ns


def read_cohort(folders: Sequence[Path], unread: dict[Path, HarkenError], *, workers: int = 1) -> Cohort | None:
    """The tables over the results in these folders; None if there are none.

    Args:
        folders: the folders, all in one folder.
        unread: receives the folders of which something cannot be read, and why.
        workers: processes that compute the outcomes of people with several files.
    """
    files: list[StudyFile] = []
    joined: dict[str, list[pl.DataFrame]] = {"days": [], "quality": [], "nights": [], "rhythm": []}
    together = partial(pl.concat, how="diagonal_relaxed")
    for first in range(0, len(folders), AT_ONCE):
        results = _read_some(folders[first : first + AT_ONCE], unread)
        files += [entry for entry, _ in results]
        for name, parts in joined.items():
            small = [tables[name] for _, tables in results if name in tables]
            if small:
                parts.append(together(small).rechunk())
    if not files:
        return None
    why_not = _why_not(files)
    counted = [file for file in files if not file.elsewhere or file.subject in why_not]
    by_subject = _by_subject(counted)
    several = _read_joined({subject: own for subject, own in by_subject.items() if len(own) > 1}, unread, workers)
    files = [_without_own_doubts(file) if file.subject in several.people else file for file in files]
    files = [file for file in files if file.subject not in several.refused]
    counted = [file for file in counted if file.subject not in several.refused and file.folder not in several.unread]
    alone = [file.name for file in counted if file.subject not in several.people]
    place = {subject: number for number, subject in enumerate(_by_subject(counted))}
    in_order = pl.col("subject").replace_strict(place, return_dtype=pl.UInt32)
    tables: dict[str, pl.DataFrame] = {}
    for name in ("days", "nights", "rhythm"):
        parts = [part.filter(pl.col("name").is_in(alone)) for part in joined[name]]
        parts += [person.tables[name] for person in several.people.values() if name in person.tables]
        if parts:
            tables[name] = together(parts).sort(in_order, maintain_order=True)
    if tables["days"].is_empty():  # nobody's files can be joined
        return None
    rhythms = tables.get("rhythm")
    doubts = {subject: [doubt for file in own for doubt in file.doubts] for subject, own in _by_subject(files).items()}
    for subject, person in several.people.items():
        doubts[subject] += person.doubts
    caveats = {subject: "; ".join(kinds_of(own)) for subject, own in doubts.items() if own}
    people = people_table(
        tables["days"],
        tables.get("nights"),
        None if rhythms is None else rhythms.drop("name"),
        why_not,
        caveats,
        taught={file.subject: file.taught for file in files if file.taught is not None},
        files={subject: len(own) for subject, own in _by_subject(counted).items()},
    )
    return Cohort(tables["days"], together(joined["quality"]), people, files, several.people, tables.get("nights"))


class _ReadJoined(NamedTuple):
    """What was read of people with several files: their outcomes, whose rows cannot be joined, and the folders of
    results that cannot be read."""

    people: dict[str, JoinedFiles]
    refused: set[str]
    unread: set[Path]


def _read_joined(several: Mapping[str, list[StudyFile]], unread: dict[Path, HarkenError], workers: int) -> _ReadJoined:
    """Read the outcomes of people with several files. They are computed where the files have changed.

    Args:
        several: the files of each person.
        unread: receives the folders of which something cannot be read, and why.
        workers: processes that compute outcomes.
    """
    read = _ReadJoined({}, set(), set())
    tasks = []
    for subject, files in several.items():
        folders = tuple(file.folder for file in files)
        folder = joined_folder(folders[0].parent, subject)
        tasks.append(FileTask(folder, folder, joins=folders))
    outdated = [task for task in tasks if open_joined(task.folder, task.joins) is None]
    outcomes = {outcome.task: outcome for outcome in run_cohort(outdated, joining, workers=workers)}
    for task, (subject, files) in zip(tasks, several.items(), strict=True):
        outcome = outcomes.get(task, FileOutcome(task))
        unread |= outcome.unread
        read.unread.update(outcome.unread)
        try:
            if outcome.error is not None:
                raise outcome.error
            if len(task.joins) - len(outcome.unread) > 1:
                stored = StoredResults.open(task.folder)
                read.people[subject] = _read_person(stored, [file.name for file in files])
        except HarkenError as error:
            unread[task.folder] = error.without_traceback()
            read.refused.add(subject)
    return read


def _read_person(stored: StoredResults, names: Sequence[str]) -> JoinedFiles:
    """Read the outcomes of a person with several files.

    Raises:
        HarkenError: when a file cannot be read, or is not what harken wrote.
    """
    summary = stored.summary
    read = [name for name in names if name in summary["labelled_by"]["results"]]
    of_person = {"name": ", ".join(read), "file": summary["file"], "subject": summary["subject"]}
    tables = _read_outcomes(stored, of_person | {"timezone": summary["timezone"]})
    facts = read_facts(stored)
    doubts = (
        *caveats_of_files(facts.overlaps, facts.timezones, facts.models),
        *caveats_at(CaveatKind.NIGHTS, tables.get("nights")),
        *caveats_at(CaveatKind.STEPS, tables["days"]),
    )
    return JoinedFiles(stored.folder, doubts, tables)


def _without_own_doubts(file: StudyFile) -> StudyFile:
    """Return the file of several without the doubts about its own days and nights, which are not the person's."""
    own = (CaveatKind.NIGHTS, CaveatKind.STEPS)
    return replace(file, doubts=tuple(doubt for doubt in file.doubts if doubt.kind not in own))


def _by_subject(files: Sequence[StudyFile]) -> dict[str, list[StudyFile]]:
    """The files of each person."""
    found: dict[str, list[StudyFile]] = {}
    for file in files:
        found.setdefault(file.subject, []).append(file)
    return found


def _why_not(files: Sequence[StudyFile]) -> dict[str, str]:
    """Why a person is not included, by subject: the person is excluded, or no file of theirs is from a wrist."""
    elsewhere = {subject: [file.elsewhere for file in own] for subject, own in _by_subject(files).items()}
    never = {subject: "; ".join(dict.fromkeys(words)) for subject, words in elsewhere.items() if all(words)}
    return never | {file.subject: file.excluded for file in files if file.excluded}


def without_effect(cohort: Cohort, rules: Rules) -> Iterator[str]:
    """Sentences on what rules name and the study does not have: whom a file of exclusions excludes, how many people
    have a night in the diary, and that nobody taught."""
    if rules.exclude is not None:
        known = [
            {} if table is None else dict(table.group_by("subject").agg(pl.col("date").unique()).iter_rows())
            for table in (cohort.days, cohort.nights)
        ]
        if found := list(excluded_without_effect(read_exclusions(rules.exclude), *known)):
            more = [f"and {len(found) - MOST_NOTED} more"] if len(found) > MOST_NOTED else []
            yield f"Without effect in {rules.exclude}: {', '.join(found[:MOST_NOTED] + more)}"
    if rules.diary is not None and cohort.nights is not None:
        by_diary = cohort.nights.filter(pl.col("source") != "movement")["subject"].n_unique()
        if by_diary < len(cohort.people):
            yield f"{by_diary} of {len(cohort.people)} people have recorded nights in the diary {rules.diary}"
    if rules.leave_out_taught and all(file.taught is None for file in cohort.files):
        yield "Without effect: --leave-out-taught, because nobody in this study taught"


def find_namesakes(cohort: Cohort) -> Iterator[str]:
    """Sentences on people who may be several: files of one name in different folders, of which none names its wearer,
    count as one person."""
    for subject, files in _by_subject(cohort.files).items():
        paths = [Path(file.file) for file in files]
        by_name = all(path.name.split(".")[0] == subject for path in paths)
        if by_name and len({path.parent for path in paths}) > 1:
            yield (
                f"{paths[0]} and {paths[-1]} count as one person, {subject}, because the name of the file stands for "
                "the wearer; if different people wore them, label each again with --subject and --again"
            )


def find_repeats(cohort: Cohort) -> Iterator[str]:
    """Sentences on recordings with results of several people, whose time counts for each of them."""
    names = cohort.quality.group_by("sha256", maintain_order=True).agg("name", "subject", pl.col("file").first())
    several_people = pl.col("subject").list.n_unique() > 1
    for repeated, file in names.filter(several_people).select("name", "file").iter_rows():
        yield (
            f"{' and '.join(repeated)} hold the results of one recording, {file}, for different people, and its days "
            "count for each of them; move all but one to another place"
        )


def _read_some(
    folders: Sequence[Path], unread: dict[Path, HarkenError]
) -> list[tuple[StudyFile, dict[str, pl.DataFrame]]]:
    """The results in these folders that have a day and can be read."""
    results = []
    for folder in folders:
        try:
            file, tables = _read_results(StoredResults.open(folder))
        except HarkenError as error:
            if (folder / SUMMARY).exists():  # else another process replaces the folder, and it is read again
                unread[folder] = error.without_traceback()
            continue
        if not tables["days"].is_empty():
            results.append((file, tables))
    return results


def _read_results(stored: StoredResults) -> tuple[StudyFile, dict[str, pl.DataFrame]]:
    """The results in a folder.

    The tables are ``days``, the rows of ``cohort.parquet``; ``quality``, the row of ``quality.parquet``; with
    acceleration, ``nights`` and ``rhythm`` with ``name`` and ``subject``; times of nights by the wearer's clock,
    without zone.

    Raises:
        HarkenError: when a file cannot be read, or is not what harken wrote.
    """
    folder, summary = stored.folder, stored.summary
    name, quality = printable(folder.name), stored.read_quality()
    of_file = {"name": name, "file": quality.file, "subject": quality.subject, "timezone": quality.timezone}
    tables = _read_outcomes(stored, of_file)
    entry = StudyFile(
        name=name,
        report=_address_report(folder, parents=1),
        doubts=(
            *caveats_of(quality),
            *caveats_at(CaveatKind.NIGHTS, tables.get("nights")),
            *caveats_at(CaveatKind.STEPS, tables["days"]),
        ),
        folder=folder,
        file=quality.file,
        subject=quality.subject,
        labels=tuple(label for label in summary["seconds_by_label"] if label != UNSURE),
        valid_day_h=float(summary["summarised_by"]["valid_day_h"]),
        cut_points=summary["summarised_by"]["cut_points"]["name"],
        made_up=quality.made_up,
        unseen_f1=quality.unseen_f1,
        excluded=summary["excluded"] or "",
        taught=stored.read_taught(),
        digests=tuple(results_digest(summary, rules=rules) for rules in (False, True)),
    )
    row = _row(name, quality, summary)
    if entry.taught is not None:
        row |= entry.taught.as_columns()
    return entry, tables | {"quality": pl.DataFrame([row])}


def _address_report(folder: Path, *, parents: int) -> str:
    """Return the address of the report in a folder of results, relative to the page: the last parts of its path."""
    return "/".join([*(quote(os.fsencode(part), safe="") for part in folder.parts[-parents:]), "report.html"])


def _read_outcomes(stored: StoredResults, of_file: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    """Read ``days`` and, with acceleration, ``nights`` and ``rhythm``, as they stand in the tables over all files.

    Args:
        stored: the results of a file, or of the joined files of a person.
        of_file: the columns ``name``, ``file``, ``subject`` and ``timezone``.

    Raises:
        HarkenError: when a table cannot be read, or is not what harken wrote.
    """
    days = _read_table(stored, DAYS).with_columns(cs.datetime().dt.to_string(CSV_TIME))
    if why := stored.summary["excluded"]:
        days = days.with_columns(pl.coalesce(_any("excluded"), pl.lit(why)).alias("excluded"))
    tables = {"days": days.select(*(pl.lit(value).alias(key) for key, value in of_file.items()), pl.all())}
    for file in (NIGHTS, RHYTHM):
        if file in stored.digests:
            by_clock = cs.datetime().dt.replace_time_zone(None)
            of_person = {key: pl.lit(of_file[key]) for key in ("name", "subject")}
            tables[Path(file).stem] = _read_table(stored, file).with_columns(by_clock, **of_person)
    return tables


def study_of(title: str, cohort: Cohort | None, failures: Sequence[Failure], unread: dict[Path, HarkenError]) -> Study:
    """What the page shows.

    Args:
        title: its heading.
        cohort: the tables; None without results.
        failures: a file with the results that it had then keeps them; if it has others now, its failure is left out.
        unread: the folders of which something could not be read, and why. It receives those with such a timeline.
    """
    people: list[Person] = []
    labels: tuple[str, ...] = ()
    if cohort is not None:
        labels = tuple(dict.fromkeys(label for file in cohort.files for label in file.labels))
        people = _people(cohort, labels, unread)
    known = {failure.reason for failure in failures}
    reasons = {folder: error.message_within(folder) for folder, error in unread.items()}
    damaged = [Failure(printable(folder.name), reason) for folder, reason in reasons.items() if reason not in known]
    if cohort is None:
        return Study(title, (), [], pl.DataFrame(schema=NOBODY), list(failures), unread=damaged)
    digests = {Path(entry.file).absolute(): entry.digests for entry in cohort.files}
    now = [(failure, digests.get(Path(failure.file).absolute())) for failure in failures]
    limits = {file.valid_day_h for file in cohort.files}
    return Study(
        title=title,
        labels=labels,
        people=people,
        table=cohort.people,
        failures=[failure for failure, own in now if own is None],
        kept=[failure for failure, own in now if own is not None and failure.results in own],
        unread=damaged,
        made_up=sum(file.made_up for file in cohort.files),
        valid_day_h=limits.pop() if len(limits) == 1 else None,
        first=min(cohort.days["date"]),
        last=max(cohort.days["date"]),
    )


def _people(cohort: Cohort, labels: tuple[str, ...], unread: dict[Path, HarkenError]) -> list[Person]:
    """The people with a row. Timelines are read one at a time, and only of these people. A file whose timeline cannot
    be read has no strips."""
    files = _by_subject(cohort.files)
    none = set(cohort.people.filter(pl.col("valid_days") == 0)["subject"])
    why_not = dict(cohort.people.filter(~pl.col("included")).select("subject", "why_not").iter_rows())
    doubtful = why_not.keys() | {file.subject for file in cohort.files if file.doubts}
    doubtful |= {subject for subject, person in cohort.joined.items() if person.doubts}
    subjects = sorted(files, key=lambda subject: (subject not in doubtful, subject))[:MOST_PEOPLE]
    chosen = cohort.days.filter(pl.col("subject").is_in(subjects)).sort("subject", "date")
    days = chosen.select("subject", "name", "date", pl.col("valid_day").fill_null(False))
    by_person = days.partition_by("subject", as_dict=True)
    people = []
    for subject in subjects:
        folders = {file.name: file.folder for file in files[subject]}
        own = by_person.get((subject,), days.clear())
        joined = cohort.joined.get(subject)
        strips: list[DayStrip] = []
        for (name,), of_file in own.head(MOST_DAYS).group_by("name", maintain_order=True):
            folder = folders[name] if joined is None else joined.folder
            valid = dict(of_file.select("date", "valid_day").iter_rows())
            try:
                strips += _draw_strips(folder, valid, labels)
            except HarkenError as error:
                unread[folder] = error.without_traceback()
        doubts = () if joined is None else joined.doubts
        person = Person(
            subject=subject,
            files=tuple(files[subject]),
            days=tuple(sorted(strips, key=lambda strip: strip.date)),
            days_not_shown=max(len(own) - MOST_DAYS, 0),
            doubts=(*((NO_VALID_DAY,) if subject in none else ()), *doubts),
            why_not=why_not.get(subject, ""),
            report="" if joined is None else _address_report(joined.folder, parents=2),
        )
        people.append(person)
    return people


def _draw_strips(folder: Path, valid: Mapping[date, bool], labels: Sequence[str]) -> list[DayStrip]:
    """The strips of some days of a file, from its timeline and nights.

    Args:
        folder: the folder of its results.
        valid: the days, with whether each is valid.
        labels: the labels in the order of their letters.

    Raises:
        HarkenError: when they cannot be read, or are not what harken wrote.
    """
    stored = StoredResults.open(folder)
    rows = stored.read_table(TIMELINE, STRIP_COLUMNS)
    nights_ns = np.zeros((0, 2), dtype=np.int64)
    if NIGHTS in stored.digests:
        nights = stored.read_table(NIGHTS, ["onset", "wake"]).drop_nulls()
        nights_ns = spans_ns(nights, "onset", "wake")
    return day_strips(rows, labels, valid=dict(valid), nights_ns=nights_ns)


def _read_table(stored: StoredResults, name: str) -> pl.DataFrame:
    """A table whose numbers are all float64, with ``FIRST`` first and ``TEXT`` last."""
    first, last = _any(*FIRST), _any(*TEXT)
    table = stored.read_table(name).with_columns(cs.numeric().cast(pl.Float64))
    return table.select(first, ~(first | last), last)


def _row(name: str, quality: RecordingQuality, summary: Mapping[str, Any]) -> dict[str, Any]:
    content = quality.as_dict()
    gaps, calibration = quality.gaps, content["calibration"] or {}
    plain = {key: value for key, value in content.items() if key not in NOT_PLAIN}
    return {
        "name": name,
        **plain,
        "dropped": sum(quality.dropped.values()),
        "gaps": gaps.count,
        "gaps_s": gaps.total_s,
        "calibrated": calibration.get("applied"),
        "calibration_error_before_mg": calibration.get("error_before_mg"),
        "calibration_error_after_mg": calibration.get("error_after_mg"),
        "labelled_hours": sum(summary["seconds_by_label"].values()) / 3600,
        "notes": "\n".join(quality.notes),
    }


def write_failures(path: Path, outcomes: Sequence[FileOutcome]) -> None:
    """Write the files that failed, with the reasons, except those that do not exist. Without such failures, those of an
    earlier call are removed.

    Args:
        path: the table for people, beside the folders of results. Beside it, a JSON file has the same for harken.
        outcomes: of labelling, or of summarising: then the paths of their tasks are the folders of results.
    """
    failures = [
        _make_failure(outcome.task, outcome.error)
        for outcome in outcomes
        if outcome.error is not None and not outcome.missing
    ]
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


def _make_failure(task: FileTask, error: HarkenError) -> Failure:
    """Make the row of a file: its path, the reason, and the digest of the results that it has."""
    path, folder = task.path, task.folder
    reason = error.message_within(path)
    try:
        summary = read_summary(folder)
    except HarkenError:  # there are no results, or they cannot be read
        return Failure(printable(path), reason)
    summarising = path == folder
    file = summary["file"] if summarising else printable(path)
    return Failure(file, reason, results_digest(summary, rules=summarising))
