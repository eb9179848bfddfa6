"""Columns of a table of labels by their names, and the fields of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from harken.annotations.entries import Entry, check_label, next_day, plain_note, why_no_label
from harken.annotations.moments import (
    EXAMPLES,
    SECOND_NS,
    Kind,
    Moment,
    clock_instead,
    number_moment,
    read_date,
    text_moment,
    two_dates,
)
from harken.support.printable import printable
from harken.support.text_rows import line_error


@dataclass(frozen=True)
class Rows:
    """A file of labels as text.

    Attributes:
        path: the file.
        rows: the number of the line and the fields of each row, without empty rows and remarks.
        tabs: whether its fields are separated by tabs.
        remarks: whether it has remarks.
    """

    path: Path
    rows: Sequence[tuple[int, list[str]]]
    tabs: bool
    remarks: bool = False


MISSING = ("", "n/a", "na", "nan", "null", "none")
"""Fields without a value, in lower case."""
NAMES = {
    "start": ("start", "begin", "from", "onset", "start_time", "begin_time", "starttime", "time", "timestamp"),
    "end": ("end", "stop", "to", "until", "offset", "end_time", "stop_time", "endtime"),
    "duration": ("duration", "duration_s", "length", "length_s"),
    "label": ("label", "activity", "text", "annotation", "class", "label_name", "trial_type", "behaviour", "behavior"),
    "subject": ("subject", "participant", "person", "user", "wearer", "participant_id", "subject_id"),
    "file": ("file", "recording", "filename", "file_name"),
    "date": ("date", "day"),
    "note": ("note", "notes", "comment", "comments", "remark", "remarks"),
}
"""Known names of columns, by what they hold. If several are there, the first counts."""


def why_not_kept(label: str) -> str | None:
    """Why a table of intervals does not give a label back that was written to it, as a clause; None if it does.

    Texts that end a label in a table of points, such as ``stop``, are labels like others in a table with ends.
    """
    if label.lower() in MISSING:
        return f"{label!r} cannot be a label: in a file of labels it means that there is none"
    return why_no_label(label)


def named_columns(header: Sequence[str]) -> dict[str, int]:
    """The positions of columns with known names. Case, blanks and units such as ``[s]`` do not matter."""
    plain = [name.lower().split("[")[0].split("(")[0].strip().replace(" ", "_") for name in header]
    found = {}
    for role, names in NAMES.items():
        there = [plain.index(name) for name in names if name in plain]
        if there:
            found[role] = there[0]
    return found


@dataclass(frozen=True)
class Columns:
    """Which fields of a row are what; and the file, for messages.

    Attributes:
        path: the file.
        positions: the position (from 0) of ``start``, ``end``, ``duration``, ``label``, ``subject``, ``file``,
            ``date`` and ``note``, as far as the table has them.
        width: the number of fields that a row has at least.
    """

    path: Path
    positions: Mapping[str, int]
    width: int

    def entries(self, rows: Sequence[tuple[int, list[str]]]) -> tuple[Entry, ...]:
        """All rows.

        Raises:
            HarkenError: as ``entry``; and for a number of seconds beside a date or a time of the clock.
        """
        entries = tuple(self.entry(line, fields) for line, fields in rows)
        times = [
            (line, role, fields[self.positions[role]], moment.kind)
            for (line, fields), entry in zip(rows, entries, strict=True)
            for role, moment in (("start", entry.start), ("end", entry.end))
            if moment is not None
        ]
        if "date" in self.positions or len({kind for *_, kind in times}) > 1:
            for line, role, text, kind in times:
                if kind is Kind.ELAPSED:
                    reason = "is a number of seconds, but the file has dates or times of the clock"
                    raise line_error(self.path, line, f"the {role} {text!r} {reason}; write {clock_instead(text)}")
        return entries

    def entry(self, line: int, fields: Sequence[str]) -> Entry:
        """A row.

        Raises:
            HarkenError: for a row that is cut short, a time that is none, and a missing name; the message has the line.
        """
        if len(fields) < self.width:
            raise line_error(self.path, line, f"{len(fields)} fields instead of {self.width}")
        values = {role: fields[position] for role, position in self.positions.items() if position < len(fields)}
        day = self._day(line, values["date"]) if "date" in values else None
        start = self.moment(line, "start", values["start"], day)
        end = self.moment(line, "end", values["end"], day) if "end" in values else None
        if end is not None and day is not None and end.ns <= start.ns:
            end = next_day(start, end)
        label = values["label"]
        names = {name: values[name] for name in ("file", "subject") if name in values}
        for name, value in names.items():
            if not value:
                raise line_error(self.path, line, f"the {name} is missing")
        return Entry(
            start,
            end,
            "" if label.lower() in MISSING else check_label(self.path, line, label),
            line,
            self.duration_ns(line, values["duration"]) if "duration" in values and end is None else None,
            note=plain_note(values.get("note", "")),
            **names,
        )

    def moment(self, line: int, role: str, text: str, day: date | None = None) -> Moment:
        """A field as a time.

        Raises:
            HarkenError: when it is none.
        """
        found = text_moment(text, day=day)
        if found is None:
            reason = two_dates(text) or f"is not a time such as {EXAMPLES}"
            raise line_error(self.path, line, f"the {role} {printable(text[:60])!r} {reason}")
        return found

    def duration_ns(self, line: int, text: str) -> int:
        """A field as a number of seconds, in ns.

        Raises:
            HarkenError: when it is none, or negative.
        """
        try:
            found = number_moment(Decimal(text[:60].replace(",", ".")), unit_ns=SECOND_NS)
        except ArithmeticError:
            found = None
        if found is None or found.ns < 0:
            raise line_error(self.path, line, f"the duration {printable(text[:60])!r} is not a number of seconds")
        return found.ns

    def _day(self, line: int, text: str) -> date:
        found = read_date(text)
        if found is None:
            reason = two_dates(text) or "is not a date such as 2024-03-09; years go from 1970 to 2099"
            raise line_error(self.path, line, f"{printable(text[:60])!r} {reason}")
        return found
