"""The people of a study, from a table that ``--people`` names: where each of them is, how each wears the watch, and
which recordings are theirs. What a row says applies to the recordings of this person in place of the command line.

The table is kept beside the results, so that later commands know it.
"""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from io import StringIO
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast, get_args

import polars as pl

from harken.annotations.folders import PEOPLE, recording_names
from harken.labelling.settings import LabelSettings
from harken.labelling.stored import read_summary
from harken.labelling.teaching import find_wearer
from harken.outcomes.rules import CutPoints, Rules
from harken.readers.options import check_timezone
from harken.recordings.forearm_axis import ForearmAxis
from harken.support.errors import HarkenError
from harken.support.files import Json, write_text, writing_in_turn
from harken.support.printable import listed, printable
from harken.support.text_rows import file_content, line_error, named_rows

WHAT = "table of people"
NAME = "person"
"""The column that a table must have."""
COLUMNS = ("group", "site", "age", "hand", "timezone", "forearm_axis", "cut_points", "files")
"""The columns that it may have."""
OTHER_NAMES = {
    "subject": NAME,
    **{"time zone": "timezone", "time_zone": "timezone", "time-zone": "timezone"},
    **{"forearm axis": "forearm_axis", "forearm-axis": "forearm_axis"},
    **{"cut points": "cut_points", "cut-points": "cut_points"},
}
"""Other ways to write the names of these columns."""
FACTS = ("group", "site", "age", "hand")
"""The columns that the table of results has, too."""
Hand = Literal["left", "right", "dominant", "non-dominant"]
"""The wrist on which the watch was worn."""
OLDEST = 130.0
LONGEST = 200
"""The most characters of a cell."""
LONGEST_FILES = 20_000
"""The most characters of the cell with the files of a person."""
WILDCARDS = frozenset("*?[")
MOST_NAMED = 10
AnyRules = TypeVar("AnyRules", bound=Rules)


@dataclass(frozen=True)
class StudyPerson:
    """A row of the table. A field is empty or None if the row does not say it.

    Attributes:
        name: the wearer, as recordings and results name the person.
        group, site: of the study.
        age: in years.
        hand: the wrist on which the watch was worn.
        timezone: the person's time zone.
        forearm_axis: the axis of the sensor that points along the forearm towards the elbow.
        cut_points: the limits between levels of intensity.
        files: names or patterns of the person's recordings.
        path: the table.
        line: the line of the row.
    """

    name: str
    group: str = ""
    site: str = ""
    age: float | None = None
    hand: Hand | None = None
    timezone: str | None = None
    forearm_axis: ForearmAxis | None = None
    cut_points: CutPoints | None = None
    files: tuple[str, ...] = ()
    path: Path = field(default=Path(), compare=False)
    line: int = field(default=0, compare=False)

    @property
    def place(self) -> str:
        """Where the row stands: ``people.csv, line 3``."""
        return f"{self.path}, line {self.line}"

    def change_rules(self, rules: AnyRules) -> AnyRules:
        """Return these rules, with the cut-points and the hand of this person.

        Without cut-points in the row, the age chooses published ones, if ``rules`` has published ones
        (``CutPoints.for_age``). Left and right do not say which hand is dominant, so the hand of ``rules`` stays.
        """
        cut_points = self.cut_points
        if cut_points is None and self.age is not None:
            cut_points = rules.cut_points.for_age(self.age)
        if cut_points is not None:
            rules = replace(rules, cut_points=cut_points)
        if self.hand in ("dominant", "non-dominant"):
            rules = replace(rules, hand=self.hand)
        return rules

    def change_settings(self, settings: LabelSettings) -> LabelSettings:
        """Return these settings, with what the row says. If it names files, the person is their wearer.

        Raises:
            HarkenError: when the row states an axis, and the settings say that no watch is turned.
        """
        settings = self.change_rules(settings)
        reading = settings.reading
        if self.timezone is not None:
            reading = replace(reading, timezone=self.timezone)
        if self.files:
            reading = replace(reading, subject=self.name)
        try:
            return replace(settings, reading=reading, forearm_axis=self.forearm_axis or settings.forearm_axis)
        except HarkenError as error:
            raise line_error(self.path, self.line, f"column forearm_axis: {error}") from error

    def as_cells(self) -> dict[str, str]:
        """Return the row as it is kept, by column."""
        return {
            NAME: self.name,
            "group": self.group,
            "site": self.site,
            "age": "" if self.age is None else f"{self.age:g}",
            "hand": self.hand or "",
            "timezone": self.timezone or "",
            "forearm_axis": self.forearm_axis or "",
            "cut_points": "" if self.cut_points is None else self.cut_points.name,
            "files": ";".join(self.files),
        }


People = Mapping[str, StudyPerson]
"""The rows of a table, by the name of the person."""


def read_people(path: Path) -> dict[str, StudyPerson]:
    """Read a CSV file with the column ``person`` (or ``subject``) and any of ``COLUMNS``. A cell may be empty.

    >>> from pathlib import Path
    >>> from harken.labelling.people import read_people
    >>> path = Path("people.csv")
    >>> _ = path.write_text("person,site,age,timezone\\nanna,Athens,9,Europe/Athens\\nbert,Bern,44,Europe/Zurich\\n")
    >>> people = read_people(path)
    >>> people["anna"].timezone, people["bert"].age
    ('Europe/Athens', 44.0)

    Raises:
        HarkenError: when the file cannot be read or is too large, a column is unknown, a person stands there twice, or
            a value is impossible; the error has the line and the column.
    """
    people: dict[str, StudyPerson] = {}
    content = file_content(path, what=WHAT)
    rows = named_rows(path, content, what=WHAT, needs=(NAME,), may_have=COLUMNS, other_names=OTHER_NAMES)
    for line, cells in rows:
        person = _parse_person(path, line, cells)
        earlier = people.get(person.name)
        if earlier is not None:
            raise line_error(path, line, f"column {NAME}: {person.name} also stands in line {earlier.line}")
        people[person.name] = person
    return people


def _parse_person(path: Path, line: int, cells: Mapping[str, str]) -> StudyPerson:
    """Return the person of a row.

    Raises:
        HarkenError: when a value is impossible.
    """
    known = {column: text for column, text in cells.items() if text}
    for column, text in known.items():
        most = LONGEST_FILES if column == "files" else LONGEST
        if len(text) > most:
            raise _make_error(path, line, column, f"{len(text):,} characters; at most {most:,} are possible")
    if NAME not in known:
        raise _make_error(path, line, NAME, "the name is missing")
    patterns = [pattern.strip() for pattern in known.get("files", "").split(";")]
    return StudyPerson(
        name=printable(known[NAME]),
        group=printable(known.get("group", "")),
        site=printable(known.get("site", "")),
        age=_parse_age(path, line, known.get("age")),
        hand=cast(Hand | None, _parse_word(path, line, "hand", known.get("hand"), get_args(Hand))),
        timezone=_parse_timezone(path, line, known.get("timezone")),
        forearm_axis=cast(
            ForearmAxis | None,
            _parse_word(path, line, "forearm_axis", known.get("forearm_axis"), get_args(ForearmAxis)),
        ),
        cut_points=_parse_cut_points(path, line, known.get("cut_points")),
        files=tuple(pattern for pattern in patterns if pattern),
        path=path,
        line=line,
    )


def _make_error(path: Path, line: int, column: str, reason: str) -> HarkenError:
    return line_error(path, line, f"column {column}: {reason}")


def _parse_age(path: Path, line: int, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        age = float(text.replace(",", "."))
    except ValueError:
        age = -1.0
    if not 0 <= age <= OLDEST:
        raise _make_error(path, line, "age", f"{text!r} is not an age in years, from 0 to {OLDEST:g}")
    return age


def _parse_word(path: Path, line: int, column: str, text: str | None, words: Sequence[str]) -> str | None:
    if text is None or text.lower() in words:
        return text and text.lower()
    raise _make_error(path, line, column, f"{text!r} is none of {', '.join(words)}")


def _parse_timezone(path: Path, line: int, text: str | None) -> str | None:
    if text is not None:
        try:
            check_timezone(text)
        except HarkenError as error:
            raise _make_error(path, line, "timezone", str(error)) from error
    return text


def _parse_cut_points(path: Path, line: int, text: str | None) -> CutPoints | None:
    if text is None:
        return None
    try:
        return CutPoints.of(",".join(re.split(r"[\s,;]+", text)))
    except HarkenError as error:
        raise _make_error(path, line, "cut_points", str(error)) from error


def read_kept_people(out: Path) -> dict[str, StudyPerson]:
    """Read the table that is kept in a folder of results; empty without one.

    Raises:
        HarkenError: as ``read_people``.
    """
    path = out / PEOPLE
    return read_people(path) if os.path.lexists(path) else {}


def keep_people(out: Path, people: People) -> None:
    """Keep these people in a folder of results. Other people who are kept there stay, and columns without a value are
    left out.

    Raises:
        HarkenError: when the kept table is broken, or cannot be written.
    """
    path = out / PEOPLE
    with writing_in_turn(path):
        kept = read_kept_people(out)
        together = {**kept, **people}
        if together == kept:
            return
        rows = [person.as_cells() for person in together.values()]
        columns = [column for column in (NAME, *COLUMNS) if any(row[column] for row in rows)]
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([row[column] for column in columns] for row in rows)
        try:
            write_text(path, text.getvalue())
        except OSError as error:
            raise HarkenError(f"cannot write there ({error.strerror or error})", path=path) from error


class MatchedPeople(NamedTuple):
    """Whose recordings are whose.

    Attributes:
        by_file: the row of the wearer of each recording that has one.
        without_row: the wearers without a row, each with one of their recordings.
        unused: the patterns that match no recording, each with its row.
    """

    by_file: dict[Path, StudyPerson]
    without_row: dict[str, Path]
    unused: list[tuple[StudyPerson, str]]


def match_people(files: Sequence[Path], people: People, settings: LabelSettings) -> MatchedPeople:
    """Find the row of each recording: by its file, if a row names it, else by the wearer that the recording names.

    Args:
        files: the recordings.
        people: the rows.
        settings: the settings of the command.

    Raises:
        HarkenError: when two rows name one recording, or as ``StudyPerson.change_settings``.
    """
    for row in people.values():
        row.change_settings(settings)
    patterns = _Patterns(people.values())
    matched = MatchedPeople({}, {}, [])
    for path in files:
        person = patterns.find(path)
        if person is None:
            try:
                wearer = find_wearer(path, settings.reading)
            except HarkenError:  # labelling the file has the error
                continue
            person = people.get(wearer)
            if person is None:
                matched.without_row.setdefault(wearer, path)
                continue
        matched.by_file[path] = person
    matched.unused.extend(patterns.list_unused())
    return matched


class _Patterns:
    """The files that rows name: whole names, and patterns with ``*``, ``?`` or ``[...]``.

    A name may have folders before it, and may be without its ending.
    """

    def __init__(self, people: Iterable[StudyPerson]) -> None:
        self._named: dict[str, StudyPerson] = {}
        self._patterns: list[tuple[str, re.Pattern[str], StudyPerson]] = []
        self._unused: dict[tuple[StudyPerson, str], None] = {}
        for person in people:
            for pattern in person.files:
                self._unused[person, pattern] = None
                if WILDCARDS.isdisjoint(pattern):
                    self._add_name(pattern, person)
                else:
                    self._patterns.append((pattern, re.compile(translate(pattern)), person))

    def _add_name(self, name: str, person: StudyPerson) -> None:
        earlier = self._named.setdefault(name, person)
        if earlier != person:
            raise _refuse_shared(name, earlier, person)

    def find(self, path: Path) -> StudyPerson | None:
        """Return whose recording this is; None if no row names it.

        Raises:
            HarkenError: when two rows name it.
        """
        endings = {ending for name in recording_names(path) for ending in _list_endings(Path(name).as_posix())}
        found: dict[str, StudyPerson] = {}
        for ending in endings & self._named.keys():
            person = self._named[ending]
            found[person.name] = person
            self._unused.pop((person, ending), None)
        for pattern, expression, person in self._patterns:
            folders = pattern.count("/")
            if any(ending.count("/") == folders and expression.match(ending) for ending in endings):
                found[person.name] = person
                self._unused.pop((person, pattern), None)
        first, *others = found.values() if found else (None,)
        if first is not None and others:
            raise _refuse_shared(printable(path), first, others[0])
        return first

    def list_unused(self) -> list[tuple[StudyPerson, str]]:
        """Return the names and patterns that matched no recording."""
        return list(self._unused)


def _list_endings(name: str) -> Iterator[str]:
    """List a path without its first folders: ``a/b/c.csv`` is also ``b/c.csv`` and ``c.csv``."""
    yield name
    while "/" in name:
        name = name.partition("/")[2]
        yield name


def _refuse_shared(name: str, first: StudyPerson, other: StudyPerson) -> HarkenError:
    first, other = sorted((first, other), key=lambda person: person.line)
    reason = f"{name} is a recording of {other.name} here, but of {first.name} in line {first.line}"
    return _make_error(other.path, other.line, "files", reason)


def find_results_people(folders: Iterable[Path]) -> dict[Path, Json]:
    """Read the summaries in folders of results. A folder that cannot be read is left out."""
    summaries: dict[Path, Json] = {}
    for folder in folders:
        try:
            summaries[folder] = read_summary(folder)
        except HarkenError:  # it is named when it is read for its results
            continue
    return summaries


def describe_unknown(people: People, known: Iterable[str]) -> Iterator[str]:
    """Sentences on rows of people without a recording.

    Args:
        people: the rows.
        known: the people with a recording, or with results.
    """
    with_recordings = set(known)
    unknown = [person for person in people.values() if person.name not in with_recordings]
    for person in unknown[:MOST_NAMED]:
        yield f"{person.place}: there is no recording of {person.name}"
    if len(unknown) > MOST_NAMED:
        yield f"and none of {len(unknown) - MOST_NAMED} other people in {unknown[0].path}"


def describe_match(matched: MatchedPeople, people: People, table: Path) -> Iterator[str]:
    """Sentences on recordings without a row, and on names of files that match no recording.

    Args:
        matched: whose recordings are whose.
        people: the rows of the table that the command names; empty if it names none.
        table: the table.
    """
    names = list(matched.without_row.items())
    if names:
        shown = [wearer if wearer == path.stem else f"{wearer} ({path.name})" for wearer, path in names[:MOST_NAMED]]
        if len(names) > MOST_NAMED:
            shown.append(f"{len(names) - MOST_NAMED} more")
        yield f"{table} has no row of {printable(listed(shown))}; the options of the command apply to them"
    with_recordings = {person.name for person in matched.by_file.values()}
    unused = [
        (person, pattern)
        for person, pattern in matched.unused
        if person.name in with_recordings and people.get(person.name) == person
    ]
    for person, pattern in unused[:MOST_NAMED]:
        yield f"{person.place}, column files: no recording is called {printable(pattern)}"


def describe_ages(people: Iterable[StudyPerson], rules: Rules) -> Iterator[str]:
    """A sentence on people for whose age there are no published cut-points.

    Args:
        people: the people.
        rules: the rules of the command.
    """
    if not rules.cut_points.published:
        return
    uncovered = [
        person
        for person in people
        if person.age is not None and person.cut_points is None and rules.cut_points.for_age(person.age) is None
    ]
    if uncovered:
        shown = [f"{person.name} ({person.age:g}, line {person.line})" for person in uncovered[:MOST_NAMED]]
        if len(uncovered) > MOST_NAMED:
            shown.append(f"{len(uncovered) - MOST_NAMED} more")
        yield (
            f"{uncovered[0].path}: no published cut-points were validated at the age of {listed(shown)}; "
            f"{rules.cut_points.name} are used"
        )


def describe_relabelling(people: People, summaries: Mapping[Path, Json]) -> Iterator[str]:
    """A sentence on people whose results were labelled in another time zone, or with another axis along the forearm,
    than their rows state. Summarising cannot change these."""
    others: dict[str, None] = {}
    for summary in summaries.values():
        person = people.get(summary["subject"])
        if person is None:
            continue
        labelled_by = summary["labelled_by"]
        timezone = labelled_by["reading"].get("timezone")
        if person.timezone not in (None, timezone) or person.forearm_axis not in (None, labelled_by["forearm_axis"]):
            others[person.name] = None
    if others:
        table = people[next(iter(others))].path
        shown = [*list(others)[:MOST_NAMED]]
        if len(others) > MOST_NAMED:
            shown.append(f"{len(others) - MOST_NAMED} more")
        yield (
            f"{table} states another time zone or forearm axis for {listed(shown)} than they were labelled with; "
            f"label their recordings again with --again"
        )


def add_facts(table: pl.DataFrame, people: People, cut_points: Mapping[str, str]) -> pl.DataFrame:
    """Add what the rows say to a table of people: after ``caveats`` the columns ``FACTS`` of which some person has a
    value, and ``cut_points``, those that were applied.

    Args:
        table: the table, with ``subject``.
        people: the rows; without any the table stays as it is.
        cut_points: the names of the cut-points, by subject.
    """
    if not people:
        return table
    subjects = table["subject"].to_list()
    rows = [people.get(subject) for subject in subjects]
    columns: list[pl.Series] = []
    for fact in FACTS:
        values = [None if row is None else getattr(row, fact) or None for row in rows]
        if fact == "age":
            values = [None if row is None else row.age for row in rows]
        if any(value is not None for value in values):
            columns.append(pl.Series(fact, values, dtype=pl.Float64 if fact == "age" else pl.String))
    columns.append(pl.Series("cut_points", [cut_points.get(subject) for subject in subjects], dtype=pl.String))
    place = table.columns.index("caveats") + 1
    return table.select(*table.columns[:place], *columns, *table.columns[place:])
