"""The description of a table's columns, from which the data dictionary is made.

Each room that makes tables describes their columns in its module ``columns``. ``harken.labelling.dictionary`` collects
them.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

LABEL = "LABEL"
"""Stands for each label of the model in the name of a column, such as ``hours_LABEL``."""

Kind: TypeAlias = Literal["number", "text", "time", "date", "true or false"]
"""What a column holds. A time is a moment in the wearer's zone."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table, or one column for each label.

    >>> from harken.support.columns import Column
    >>> hours = Column(name="hours_LABEL", kind="number", unit="hours", meaning="the time with this label")
    >>> hours.describes("hours_walking"), hours.describes("adjusted_hours_walking"), hours.describes("hours_")
    (True, False, False)

    Attributes:
        name: its name; ``LABEL`` in it stands for a label.
        kind: what it holds.
        unit: the unit of its numbers; empty for counts, shares and other kinds.
        meaning: what it says.
        method: how it is computed, where the meaning leaves that open.
        source: the publication of the method; empty for harken's own.
        ggir: the name of the same quantity in GGIR, with the unit where it differs; empty where GGIR has none.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    method: str = ""
    source: str = ""
    ggir: str = ""

    def describes(self, name: str) -> bool:
        """Whether a column of this name is described."""
        return re.fullmatch(re.escape(self.name).replace(LABEL, ".+"), name, flags=re.DOTALL) is not None

    def mean_over(self, what: str) -> "Column":
        """The column of means of this one."""
        return replace(self, meaning=f"the mean over {what}: {self.meaning}", ggir="")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        files: the names of the files that hold it.
        rows: what a row is.
        written: when it is written; empty: always.
        page: the page that explains it, relative to ``docs``.
        columns: its columns, in their order.
    """

    files: tuple[str, ...]
    rows: str
    page: str
    columns: tuple[Column, ...]
    written: str = ""
