"""People with several files: their rows are joined, and outcomes are computed from the joined rows.

The outcomes of a person are in a folder of their own, ``joined/PERSON`` beside the folders of the files, and follow
from these alone. They are computed again when one of these has changed. What reading found of each file
(calibration, mounting, wear) stays in its folder.
"""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from harken import __version__
from harken.annotations.folders import JOINED, SUMMARY
from harken.labelling.settings import rules_without_files
from harken.labelling.stored import LAYOUT, StoredResults, write_summary
from harken.labelling.summary import Measured, ModelFacts, apply_rules
from harken.labelling.teaching import name_file_of
from harken.outcomes.exclusions import Exclusions
from harken.outcomes.joining import FileRows, Overlap, join_rows
from harken.outcomes.nights import nights
from harken.outcomes.outcomes import Outcomes
from harken.outcomes.recording_quality import RecordingQuality, limits_of
from harken.outcomes.taught import Taught
from harken.reports.caveats import caveats_of_files
from harken.reports.wearer import FilesQuality, write_wearer_report
from harken.support.arrays import Int64Array
from harken.support.aside import is_aside
from harken.support.errors import HarkenError
from harken.support.files import Json, appearing, make_folder, writing_in_turn
from harken.support.printable import listed, printable
from harken.support.tables import write_csv, write_parquet

OF_ONE_FILE = ("harken_version", "hand", "csv")
"""Rules that may differ between the files of a person, because they change no outcome."""


@dataclass(frozen=True)
class FilesFacts:
    """What a reader must know of the files of a person together.

    Attributes:
        overlaps: the files that were worn at the same time.
        timezones: the zones of the files, that of the outcomes first.
        models: the number of models that labelled them.
    """

    overlaps: tuple[Overlap, ...]
    timezones: tuple[str, ...]
    models: int


@dataclass(frozen=True, eq=False)
class JoinedPerson(Outcomes):
    """The outcomes of a person with several files.

    Attributes:
        facts: what a reader must know of the files together.
        known_exclusions: what is left out of the person.
        qualities: the quality of each file, by the name of its folder.
        model: facts about the model.
    """

    facts: FilesFacts
    known_exclusions: Exclusions
    qualities: Mapping[str, RecordingQuality]
    model: ModelFacts

    @cached_property
    def exclusions(self) -> Exclusions:
        """What the rules exclude of this wearer."""
        return self.known_exclusions

    def write(self, folder: Path, key: Json, common: Json) -> None:
        """Write the outcomes to a folder, whole or not at all: the tables of ``Outcomes.write_tables``,
        ``timeline.parquet`` (and ``timeline.csv`` if the rules say so), ``report.html`` and ``summary.json``.

        Args:
            folder: the folder. Its parent folder must exist.
            key: what the outcomes follow from (``_key_of``).
            common: the summary of one of the files, of which the rules and the model are used.

        Raises:
            HarkenError: when the folder cannot be written.
        """
        try:
            with appearing(folder) as aside:
                write_parquet(self.timeline.frame, aside / "timeline.parquet")
                if self.rules.csv:
                    write_csv(self.timeline.frame, aside / "timeline.csv")
                self.write_tables(aside)
                write_wearer_report(aside / "report.html", self, quality=self._quality, model_card=self.model.card)
                write_summary(aside, self._summarise(key, common))
        except OSError as error:
            raise HarkenError(f"cannot write there ({error.strerror or error})", path=folder) from error

    @property
    def _quality(self) -> FilesQuality:
        """What the report says of the files."""
        limits = limits_of(self.timeline, self.days, self.model.limits, valid_day_h=self.rules.valid_day_h)
        doubts = caveats_of_files(self.facts.overlaps, self.facts.timezones, self.facts.models)
        return FilesQuality(self.qualities, tuple(limits), tuple(f"Several files: {doubt.words}." for doubt in doubts))

    def _summarise(self, key: Json, common: Json) -> Json:
        """Return the content of ``summary.json``."""
        timeline = self.timeline
        return {
            "layout": LAYOUT,
            "file": ", ".join(quality.file for quality in self.qualities.values()),
            "labelled_by": key,
            "summarised_by": common["summarised_by"],
            "model": {**common["model"], "labels": list(timeline.labels)},
            "taught": None if self.taught is None else asdict(self.taught),
            "subject": timeline.subject,
            "excluded": self.exclusions.person,
            "exclusions": self.exclusions.as_dict(),
            "diary": common["diary"],
            "start": timeline.frame["start"][0].isoformat(timespec="milliseconds"),
            "end": timeline.frame["end"][-1].isoformat(timespec="milliseconds"),
            "timezone": timeline.timezone,
            "seconds_by_label": timeline.seconds_by_label(),
            "busy_hands_s": timeline.busy_hands_s(),
            "unlabelled_s": timeline.unlabelled_s,
            "gaps_s": timeline.gaps_s,
            "wear_hours": timeline.worn_s / 3600,
            "non_wear_hours": timeline.not_worn_s / 3600,
            "files": asdict(self.facts),
            "warnings": [],
            "notes": list(self.notes),
        }


def joined_folder(out: Path, subject: str) -> Path:
    """Return the folder for the outcomes of a person with several files."""
    return out / JOINED / name_file_of(subject)


def open_joined(folder: Path, folders: Sequence[Path]) -> StoredResults | None:
    """Open the outcomes of a person with several files; None if they must be computed (``write_joined``).

    Args:
        folder: the folder of the outcomes (``joined_folder``).
        folders: the folders of results of the person's files, in any order.
    """
    try:
        stored = StoredResults.open(folder)
        key = _key_of([StoredResults.open(of_file) for of_file in sorted(folders)])
    except HarkenError:
        return None
    return stored if stored.summary["labelled_by"] == key and stored.is_unchanged() else None


def write_joined(folder: Path, folders: Sequence[Path]) -> dict[Path, HarkenError]:
    """Compute and write the outcomes of a person with several files. The tables of the person are in memory.

    Nothing is written if fewer than two files can be read; earlier outcomes are then removed.

    Args:
        folder: the folder of the outcomes (``joined_folder``).
        folders: the folders of results of the person's files, in any order.

    Returns:
        The folders of results that cannot be read, and why.

    Raises:
        HarkenError: when the results of the files were made by different rules, or the outcomes cannot be written.
    """
    results: list[StoredResults] = []
    measured: list[Measured] = []
    unread: dict[Path, HarkenError] = {}
    for of_file in sorted(folders):
        try:
            stored = StoredResults.open(of_file)
            measured.append(Measured.read(of_file))
            results.append(stored)
        except HarkenError as error:
            unread[of_file] = error.without_traceback()
    if len(results) < 2:
        _remove(folder)
        return unread
    _refuse_other_rules(results)
    person = join_person(results, measured)
    make_folder(folder.parent)
    with writing_in_turn(folder):
        person.write(folder, _key_of(results), results[0].summary)
    return unread


def join_person(results: Sequence[StoredResults], measured: Sequence[Measured]) -> JoinedPerson:
    """Join the rows of the files of a person, and apply the rules by which the files were summarised.

    Args:
        results: the results of each file, in the order of their folders.
        measured: what they hold, in the same order.

    Raises:
        HarkenError: as ``LabelledFile.of``.
    """
    summary = results[0].summary
    rules = rules_without_files(summary["summarised_by"])
    names = [printable(stored.folder.name) for stored in results]
    files = [FileRows(name, of_file.timeline, of_file.movement) for name, of_file in zip(names, measured, strict=True)]
    rows = join_rows(files)
    sleep = None
    if rows.movement is not None:
        sleep = nights(
            rows.movement,
            threshold=rules.night_threshold,
            diary_ns=_parse_diary(summary["diary"]),
            diary_use=rules.diary_use,
        )
    timeline, movement = apply_rules(rows.timeline, rows.movement, sleep, rules)
    zones = dict.fromkeys([timeline.timezone, *(of_file.timeline.timezone for of_file in measured)])
    models = {of_file.key["model_sha256"] for of_file in measured}
    return JoinedPerson(
        timeline,
        movement,
        sleep,
        rules,
        FilesFacts(rows.overlaps, tuple(zones), len(models)),
        Exclusions.from_dict(summary["exclusions"]),
        {name: of_file.quality for name, of_file in zip(names, measured, strict=True)},
        measured[0].model,
        taught=_join_taught([of_file.taught for of_file in measured]),
    )


def read_facts(stored: StoredResults) -> FilesFacts:
    """Return what a reader must know of the files of a person together.

    Raises:
        HarkenError: when it is not what harken wrote.
    """
    try:
        return msgspec.convert(stored.summary.get("files"), FilesFacts)
    except msgspec.ValidationError as error:
        raise stored.refuse(SUMMARY, str(error)) from error


def remove_outdated(out: Path, current: Sequence[Path]) -> None:
    """Remove the outcomes of people whose files are no longer there, or are no longer theirs.

    Args:
        out: the folder with the folders of results.
        current: the folders of outcomes that are in use.
    """
    if not (out / JOINED).is_dir():
        return
    for folder in sorted((out / JOINED).iterdir()):
        if folder in current or is_aside(folder):
            continue
        with suppress(HarkenError):  # harken did not write it, or another process writes it
            if not _has_its_files(out, StoredResults.open(folder)):
                _remove(folder)


def _remove(folder: Path) -> None:
    """Remove joined outcomes, if there are any."""
    if (folder / SUMMARY).is_file():
        with writing_in_turn(folder), suppress(OSError):  # another process may have removed it
            shutil.rmtree(folder)


def _has_its_files(out: Path, stored: StoredResults) -> bool:
    """Return whether all files of joined outcomes are still there, and still of this person."""
    for name in stored.summary["labelled_by"]["results"]:
        try:
            summary = StoredResults.open(out / name).summary
            if summary["subject"] != stored.summary["subject"]:
                return False
        except HarkenError:
            if not (out / name / SUMMARY).exists():
                return False
    return True


def _key_of(results: Sequence[StoredResults]) -> Json:
    """Return what joined outcomes follow from: the version, and the digests of the results of each file."""
    return {"harken_version": __version__, "results": {stored.folder.name: stored.sha256 for stored in results}}


def _refuse_other_rules(results: Sequence[StoredResults]) -> None:
    """Raise the error if results of a person were made by different rules."""
    subject = results[0].summary["subject"]
    keys = [stored.summary["summarised_by"] for stored in results]
    for stored, key in zip(results, keys, strict=True):
        others = [name for name in key if name not in OF_ONE_FILE and key[name] != keys[0].get(name)]
        if others:
            raise HarkenError(
                f"the files of {printable(subject)} were summarised by different rules ({listed(others)} of "
                f"{printable(results[0].folder.name)} and {printable(stored.folder.name)}), so they cannot be joined; "
                "run harken summarise on the folder above",
                path=stored.folder,
            )


def _parse_diary(content: Mapping[str, Sequence[int]]) -> dict[date, Int64Array]:
    """Return onset and wake of each night in the diary, in ns since 1970 (UTC), by date."""
    return {date.fromisoformat(day): np.array(night_ns, dtype=np.int64) for day, night_ns in content.items()}


def _join_taught(taught: Sequence[Taught | None]) -> Taught | None:
    """Return what the person taught, with the labelled time of all files."""
    known = [of_file for of_file in taught if of_file is not None]
    if not known:
        return None
    spans: dict[str, Any] = {}
    for of_file in known:
        spans |= of_file.spans
    return replace(known[0], spans=dict(sorted(spans.items())))
