"""Who and what does not count: people, days and nights that a study leaves out, with the reason, from a CSV file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec
import polars as pl

from harken.support.files import Json
from harken.support.text_rows import calendar_date, file_content, line_error, named_rows

COLUMNS = ("subject", "reason")
DATES = ("day", "night")
WHAT = "table of exclusions"


@dataclass(frozen=True)
class Exclusions:
    """What is left out of one person.

    Attributes:
        reasons: why the person does not count; empty if only days or nights do not.
        days: the reasons for each day, by the wearer's clock.
        nights: the reasons for each night, by the day on whose evening it begins.
    """

    reasons: list[str] = field(default_factory=list)
    days: dict[date, list[str]] = field(default_factory=dict)
    nights: dict[date, list[str]] = field(default_factory=dict)

    @property
    def person(self) -> str | None:
        """Why the person does not count, in words; None if the person counts."""
        return _words(self.reasons) or None

    def as_dict(self) -> Json:
        """Return what is left out as JSON; ``from_dict`` makes it an object again."""
        dates = {name: {day.isoformat(): why for day, why in vars(self)[name].items()} for name in ("days", "nights")}
        return {"reasons": self.reasons, **dates}

    @classmethod
    def from_dict(cls, content: Json) -> "Exclusions":
        """Make the object of ``as_dict``.

        Raises:
            msgspec.ValidationError: when it is not the result of ``as_dict``.
        """
        return msgspec.convert(content, cls)


def read_exclusions(path: Path) -> dict[str, Exclusions]:
    """Read a CSV file with the columns ``subject`` and ``reason`` and, if needed, ``day`` and ``night``.

    A row without ``day`` and ``night`` excludes the person, one with ``day`` this calendar day, one with ``night`` the
    night that begins on the evening of this day.

    >>> from pathlib import Path
    >>> from harken.outcomes.exclusions import read_exclusions
    >>> path = Path("exclude.csv")
    >>> _ = path.write_text("subject,reason,day\\nanna,withdrew,\\nbert,lent the watch,2024-03-09\\n")
    >>> excluded = read_exclusions(path)
    >>> excluded["anna"].person, excluded["bert"].person, excluded["bert"].days
    ('withdrew', None, {datetime.date(2024, 3, 9): ['lent the watch']})

    Returns:
        What is excluded, by subject.

    Raises:
        HarkenError: when the file cannot be read, a column is missing or unknown, or a line has no subject, no reason
            or a date that is none.
    """
    return _exclusions(path, file_content(path, what=WHAT))


@lru_cache(maxsize=1)  # the same file serves all recordings of a study
def _exclusions(path: Path, content: bytes) -> dict[str, Exclusions]:
    found: dict[str, Exclusions] = {}
    for line, row in named_rows(path, content, what=WHAT, needs=COLUMNS, may_have=DATES):
        if missing := [name for name in COLUMNS if not row[name]]:
            raise line_error(path, line, f"the {missing[0]} is missing")
        person = found.setdefault(row["subject"], Exclusions())
        dates = {name: calendar_date(path, line, row[name]) for name in DATES if row.get(name)}
        if not dates:
            person.reasons.append(row["reason"])
        for name, day in dates.items():
            of_dates = person.days if name == "day" else person.nights
            of_dates.setdefault(day, []).append(row["reason"])
    return found


def with_excluded(table: pl.DataFrame, reasons: Mapping[date, list[str]], *, counts: str) -> pl.DataFrame:
    """A table with the column ``excluded``: the reasons of the excluded dates; null on others.

    Args:
        table: has a column ``date``.
        reasons: the reasons, by date.
        counts: a column that is true where a row is in means; it becomes false on these dates.
    """
    words = {day: _words(of_day) for day, of_day in reasons.items()}
    excluded = pl.col("date").replace_strict(words, default=None, return_dtype=pl.String)
    return table.with_columns(pl.col(counts) & excluded.is_null(), excluded=excluded)


def without_effect(
    exclusions: Mapping[str, Exclusions], days: Mapping[str, Iterable[date]], nights: Mapping[str, Iterable[date]]
) -> Iterator[str]:
    """The exclusions of people, days and nights that a study does not have, in words.

    Args:
        exclusions: the exclusions, by subject.
        days: the days of each person of the study.
        nights: the nights of each person; a person without acceleration has none.
    """
    for subject, excluded in exclusions.items():
        if subject not in days:
            yield f"nobody is called {subject}"
            continue
        for what, dates, known in (("day", excluded.days, days), ("night", excluded.nights, nights)):
            for day in sorted(dates.keys() - set(known.get(subject, ()))):
                yield f"{subject} has no {what} {day}"


def _words(reasons: list[str]) -> str:
    return "; ".join(dict.fromkeys(reasons))
