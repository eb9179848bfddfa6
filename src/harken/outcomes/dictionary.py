"""The data dictionary: every column of every table that labelling writes, and its page ``docs/dictionary.md``.

The texts of the page are in ``dictionary.toml``, whose first lines say how. That file also chooses the columns of
``days.csv`` and ``person.csv``, which labelling takes from here (``columns_in``).
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any, Literal, TypeAlias

from harken.outcomes.intensity import BOUT_MINUTES, SHARE_PERCENT

LABEL = "LABEL"
"""Stands for each label of the model in the name of a column, such as ``hours_LABEL``."""

ColumnKind: TypeAlias = Literal["number", "text", "time", "date", "true or false"]
"""What a column holds. A time is a moment in the wearer's zone."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table, or one column for each label.

    >>> from harken.outcomes.dictionary import Column
    >>> hours = Column(name="hours_LABEL", unit="hours", meaning="the time with this label")
    >>> hours.describes("hours_walking"), hours.describes("adjusted_hours_walking"), hours.describes("hours_")
    (True, False, False)

    Attributes:
        name: its name; ``LABEL`` in it stands for a label.
        kind: what it holds.
        unit: the unit of its numbers; empty for counts, shares and other kinds.
        meaning: what it says, and how it is computed where that is open.
        source: the publication of the method, by its name in ``SOURCES``; empty for harken's own.
        ggir: the name of the same quantity in GGIR, with the unit where it differs; empty where GGIR has none.
        short: whether most papers report it; the short file of a table has only such columns.
        listed: whether the page lists it; else the table's ``besides`` says what it is.
    """

    name: str
    meaning: str
    kind: ColumnKind = "number"
    unit: str = ""
    source: str = ""
    ggir: str = ""
    short: bool = False
    listed: bool = True

    def describes(self, name: str) -> bool:
        """Whether a column of this name is described."""
        return re.fullmatch(re.escape(self.name).replace(LABEL, ".+"), name, flags=re.DOTALL) is not None


@dataclass(frozen=True, kw_only=True)
class WrittenTable:
    """A table that labelling writes.

    Attributes:
        files: the names of the files that hold it.
        rows: what a row is.
        written: when it is written; empty: always.
        page: the page that explains it, relative to ``docs``.
        columns: its columns, in their order.
        short: the file with the columns that most papers report; empty: there is none.
        besides: the columns that the page does not list, in words.
    """

    files: Sequence[str]
    rows: str
    page: str
    columns: Sequence[Column]
    written: str = ""
    short: str = ""
    besides: str = ""


_WRITTEN = tomllib.loads(files("harken.outcomes").joinpath("dictionary.toml").read_text(encoding="utf-8"))
SOURCES: Mapping[str, str] = _WRITTEN["sources"]
"""The publications of methods by short name."""
_TEXTS = {**_WRITTEN["phrases"], "share": SHARE_PERCENT}


def _filled(facts: Mapping[str, Any], **numbers: int) -> dict[str, Any]:
    """Facts with the texts and numbers for which ``$NAME`` stands."""
    return {
        fact: Template(value).substitute(_TEXTS, **numbers) if isinstance(value, str) else value
        for fact, value in facts.items()
    }


def _tables() -> Iterator[WrittenTable]:
    """The tables. The short file of a table is one of its own, before it."""
    known: dict[str, list[Column]] = {}
    for group, described in _WRITTEN["columns"].items():
        known[group] = [column for name, facts in described.items() for column in _described(name, facts)]
        known |= {f"{group}.{column.name}": [column] for column in known[group]}
    for table in map(_filled, _WRITTEN["tables"]):
        columns: list[Column] = []
        for entry in table["columns"]:
            columns += known[entry] if isinstance(entry, str) else _changed(known, **_filled(entry))
        known[table["files"][0]] = columns
        made = WrittenTable(**(table | {"columns": columns}))
        if made.short:
            chosen = [replace(column, listed=True) for column in columns if column.short]
            yield replace(made, files=[made.short], columns=chosen, short="", besides="")
        yield made


def _described(name: str, facts: Mapping[str, Any]) -> Iterator[Column]:
    """A column; one for each least length of a bout where ``$minutes`` stands in its name."""
    for minutes in BOUT_MINUTES if "$minutes" in name else (0,):
        yield Column(**_filled({"name": name, **facts}, minutes=minutes))


def _changed(
    known: Mapping[str, Sequence[Column]],
    *,
    of: Sequence[str],
    without: Sequence[str] = (),
    times: Literal["iso_8601", "clock_hours", ""] = "",
    mean_over: str = "",
    prefix: str = "",
    short: bool = True,
    listed: bool = True,
) -> Iterator[Column]:
    """Columns that a table does not take as they are; ``dictionary.toml`` says what each argument does."""
    for column in (column for name in of for column in known[name] if column.name not in without):
        name, made = f"{prefix}{column.name}", column
        if column.kind == "time" and times == "iso_8601":
            made = replace(column, kind="text")
        elif column.kind == "time" and times:
            name, made = f"{name}_{times}", replace(column, kind="number", unit="hours")
        if mean_over:
            if made.kind != "number":
                continue
            made = replace(made, meaning=f"the mean over {mean_over}", source="", ggir="")
        yield replace(made, name=name, short=column.short and short, listed=listed)


TABLES = tuple(_tables())
"""All tables that ``harken label`` writes."""


def columns_in(file: str, columns: Sequence[str]) -> list[str]:
    """Those of the columns of a table that a file of it has, in their order: all, or the marked ones in a short file.

    >>> from harken.outcomes.dictionary import columns_in
    >>> columns_in("days.csv", ["date", "seconds_in_day", "hours_walking", "adjusted_hours_walking"])
    ['date', 'hours_walking']
    """
    if file not in {table.short for table in TABLES}:
        return list(columns)
    (described,) = (table.columns for table in TABLES if file in table.files)
    return [name for name in columns if any(column.describes(name) for column in described)]


def dictionary_page() -> str:
    """The content of ``docs/dictionary.md``: first the short files, which the tables of all columns do not repeat."""
    short = {table.short for table in TABLES}
    ordered = sorted(TABLES, key=lambda table: table.files[0] not in short)
    sections = [line for table in ordered for line in _section(table)]
    sources = [f"- {name}: {publication}" for name, publication in SOURCES.items()]
    return "\n".join([_WRITTEN["introduction"], *sections, "## Sources", "", *sources, ""])


def _section(table: WrittenTable) -> Iterator[str]:
    first, *others = (f"`{name}`" for name in table.files)
    also = f" (also {', '.join(others)})" if others else ""
    written = f" Written {table.written}." if table.written else ""
    besides = f" It has {table.besides}, and:" if table.besides else ""
    yield f"## {first}"
    yield ""
    page = f"[{table.page.removesuffix('.md')}]({table.page})"
    yield f"{table.rows[0].upper()}{table.rows[1:]}{also}.{written} See {page}.{besides}"
    yield ""
    yield "| column | unit or kind | meaning |"
    yield "|---|---|---|"
    shown = (column for column in table.columns if column.listed and not (table.short and column.short))
    for meaning, columns in groupby(shown, key=_described_as):  # columns that follow one another with the same meaning
        yield f"| {', '.join(f'`{column.name}`' for column in columns)} | {meaning} |"
    yield ""


def _described_as(column: Column) -> str:
    source = f" ({column.source})" if column.source else ""
    ggir = f"; GGIR: {column.ggir}" if column.ggir else ""
    return f"{column.unit or column.kind} | {column.meaning}{source}{ggir}"
