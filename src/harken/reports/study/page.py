"""The page: the people of a study, their strips and outcomes, filled into the template and written as one file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from markupsafe import Markup

from harken import __version__
from harken.reports.caveats import Caveat, CaveatKind
from harken.reports.study.distributions import Outcome, distribution, outcomes_of, shown
from harken.reports.study.strips import DayStrip
from harken.reports.wearer.days import colours_of
from harken.reports.words import page_template, script_hashes
from harken.support.files import write_text

MOST_NAMED = 12
"""The people whom each kind of doubt names at the top of the page; the list below has all."""
DIGITS = 4


@dataclass(frozen=True)
class Failure:
    """A file that could not be labelled, or not again, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class StudyFile:
    """A labelled file.

    Attributes:
        name: the name of the folder with its results.
        report: the address of its report, relative to the page.
        doubts: reasons to doubt its labels.
    """

    name: str
    report: str
    doubts: tuple[Caveat, ...] = ()


@dataclass(frozen=True)
class Person:
    """A person on the page.

    Attributes:
        subject: the name.
        files: the person's files.
        days: the strips of the first days.
        days_not_shown: the number of further days.
        doubts: doubts that do not come from a single file.
    """

    subject: str
    files: tuple[StudyFile, ...]
    days: tuple[DayStrip, ...]
    days_not_shown: int = 0
    doubts: tuple[Caveat, ...] = ()

    @property
    def kinds(self) -> list[CaveatKind]:
        """The kinds of doubt, the worst first, each once."""
        found = {doubt.kind for doubt in (*self.doubts, *(doubt for file in self.files for doubt in file.doubts))}
        return [kind for kind in CaveatKind if kind in found]

    @property
    def sentences(self) -> list[str]:
        """The doubts in words; those of one file of several with the name of the file."""
        named = len(self.files) > 1
        return [
            *(doubt.words for doubt in self.doubts),
            *(f"{file.name}: {doubt.words}" if named else doubt.words for file in self.files for doubt in file.doubts),
        ]


@dataclass(frozen=True, eq=False)
class Study:
    """What the page shows.

    Attributes:
        title: its heading.
        labels: the labels in the order of their letters (``strips``).
        people: the people with a row.
        table: the outcomes of all people: the table ``harken.outcomes.people.people_table``.
        failures: the files that could not be labelled.
        kept: the files that could not be labelled again; their earlier results are on the page.
        made_up: the number of simulated recordings.
        valid_day_h: the hours of wear of a valid day; None if the files differ.
        first, last: the first and the last date; None without any.
    """

    title: str
    labels: tuple[str, ...]
    people: Sequence[Person]
    table: pl.DataFrame
    failures: Sequence[Failure] = ()
    kept: Sequence[Failure] = ()
    made_up: int = 0
    valid_day_h: float | None = None
    first: date | None = None
    last: date | None = None


def write_study_page(path: str | Path, study: Study) -> None:
    """Write the page of a study as one self-contained HTML file: it needs no network, and of other files only the
    reports to which it links.

    Without JavaScript, the page has the doubts, the distributions and the numbers of each person, but no strips.

    Raises:
        OSError: when the folder is missing or cannot be written to.
    """
    folder = files("harken").joinpath("reports")
    scripts = [folder.joinpath("study", name).read_text(encoding="utf-8") for name in ("strips.js", "people.js")]
    content = {
        **_content(study),
        "base_css": Markup(folder.joinpath("wearer", "page.css").read_text(encoding="utf-8")),
        "scripts": [Markup(script) for script in scripts],
        "allowed": script_hashes(scripts),
    }
    write_text(Path(path), page_template("study").render(content))


def _content(study: Study) -> dict[str, Any]:
    """The variables of the template, except the scripts."""
    outcomes = outcomes_of(study.table.columns)
    drawn = [distribution(outcome, study.table[outcome.column]) for outcome in outcomes]
    groups: dict[str, list[Any]] = {}
    for one in drawn:
        if one is not None:
            groups.setdefault(one.outcome.group, []).append(one)
    people, values = _in_order(study, outcomes)
    colours = colours_of(study.labels)
    return {
        "version": __version__,
        "study": study,
        "counts": _counts(study),
        "doubts": _doubts(people),
        "groups": groups,
        "without": [outcome.title for outcome, one in zip(outcomes, drawn, strict=True) if one is None],
        "outcomes": outcomes,
        "people": [(person, _numbers(outcomes, row)) for person, row in zip(people, values, strict=True)],
        "labels": [(label, colours[label]) for label in study.labels],
        "data": {
            "labels": list(study.labels),
            "colours": [[colours[label].light, colours[label].dark] for label in study.labels],
            "outcomes": [[outcome.column, outcome.form, outcome.title, outcome.unit] for outcome in outcomes],
            "people": [
                {"values": row, "kinds": person.kinds, "days": list(map(_day, person.days))}
                for person, row in zip(people, values, strict=True)
            ],
        },
    }


def _in_order(study: Study, outcomes: Sequence[Outcome]) -> tuple[list[Person], list[list[float | None]]]:
    """The people with most doubts first, then by name, and the outcomes of each."""
    columns = [outcome.column for outcome in outcomes]
    rows = dict(zip(study.table["subject"], study.table.select(columns).iter_rows(), strict=True))
    people = sorted(study.people, key=lambda person: (-len(person.kinds), person.subject))
    values = [
        [None if value is None else round(float(value), DIGITS) for value in rows[each.subject]] for each in people
    ]
    return people, values


def _numbers(outcomes: Sequence[Outcome], row: Sequence[float | None]) -> dict[str, str]:
    """The outcomes of a person that the row shows as text, by column."""
    return {
        outcome.column: shown(value, outcome.form)
        for outcome, value in zip(outcomes, row, strict=True)
        if outcome.column in ("wear_hours", "valid_days", "nights")
    }


def _day(day: DayStrip) -> list[Any]:
    return [day.date.isoformat(), day.cells, int(day.valid), [list(part) for part in day.nights]]


def _counts(study: Study) -> dict[str, int]:
    """The numbers at the top of the page."""
    table = study.table
    days = ("days", "valid_days", "nights", "files")
    sums = {name: int(table[name].sum()) if name in table.columns else 0 for name in days}
    return sums | {"people": len(table), "not_shown": len(table) - len(study.people)}


def _doubts(people: Sequence[Person]) -> list[tuple[CaveatKind, int, list[Person]]]:
    """For each kind that occurs: how many people have it, and the first of them."""
    count = Counter(kind for person in people for kind in person.kinds)
    return [
        (kind, count[kind], [person for person in people if kind in person.kinds][:MOST_NAMED])
        for kind in CaveatKind
        if count[kind]
    ]
