"""A file of labels as a table: its rows, its columns by their names, and what a label and a note may be."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from harken.annotations.outside import OFFSET_COLUMN
from harken.annotations.times import (
    DAY_NS,
    EXAMPLES,
    SECOND_NS,
    WITH_HALF,
    Kind,
    Moment,
    clock_instead,
    find_clock_number,
    number_moment,
    read_date,
    text_moment,
    two_dates,
)
from harken.support.errors import HarkenError
from harken.support.printable import printable
from harken.support.text_rows import line_error

HOUR_NS = 3600 * SECOND_NS
LONGEST_OVER_MIDNIGHT_NS = DAY_NS // 2
"""An interval whose end has no date is shorter, if the end is on the next day."""
LONGEST_LABEL = 200
"""Characters of a label."""
LONGEST_NOTE = 1000
"""Characters of a note."""
CONTROL_CHARACTERS = r"[\x00-\x1f\x7f]"
"""A regular expression, also in JavaScript: characters that no label contains."""
MISSING = ("", "n/a", "na", "nan", "null", "none")
"""Fields without a value, in lower case."""
NAMES = {
    "start": (
        "start",
        "start_s",
        "begin",
        "from",
        "onset",
        "start_time",
        "begin_time",
        "starttime",
        "time",
        "timestamp",
    ),
    "end": ("end", "end_s", "stop", "to", "until", "offset", "end_time", "stop_time", "endtime"),
    "duration": ("duration", "duration_s", "length", "length_s"),
    "label": ("label", "activity", "text", "annotation", "class", "label_name", "trial_type", "behaviour", "behavior"),
    "subject": ("subject", "participant", "person", "user", "wearer", "participant_id", "subject_id"),
    "file": ("file", "recording", "filename", "file_name"),
    "date": ("date", "day"),
    "note": ("note", "notes", "comment", "comments", "remark", "remarks"),
    OFFSET_COLUMN: (OFFSET_COLUMN,),
}
"""Known names of columns, by what they hold. If several are there, the first counts."""


@dataclass(frozen=True)
class Rows:
    """A file of labels as text.

    Attributes:
        path: the file.
        rows: the number of the line and the fields of each row, without empty rows and remarks.
        tabs: whether its fields are separated by tabs.
    """

    path: Path
    rows: Sequence[tuple[int, list[str]]]
    tabs: bool

    def error(self, line: int, reason: str) -> HarkenError:
        """The error of a line."""
        return line_error(self.path, line, reason)


@dataclass(frozen=True)
class Entry:
    """A row of a file of labels.

    Attributes:
        start: when the label begins.
        end: when it ends; None if the row has a duration instead, or is a point.
        label: the label; empty: no label.
        line: the line of the file.
        duration_ns: how long the label lasts; None for other rows.
        file, subject: for which recording the row is, if the file says it.
        note: a remark of the person who labelled; empty: none.
        written: its times as they stand in the file, for messages.
        offset_ns: what the file says is to be added to its times.
        after_ns: how long after ``start`` the label begins, for a step of a routine.
        cut_ns: how much of the step is left out before the label and after it.
        find_start: whether ``start`` may be wrong by up to a minute, so that it is found in the samples
            (``harken.annotations.routine_start``).
    """

    start: Moment
    end: Moment | None
    label: str
    line: int
    duration_ns: int | None = None
    file: str | None = None
    subject: str | None = None
    note: str = ""
    written: str = ""
    offset_ns: int = 0
    after_ns: int = 0
    cut_ns: int = 0
    find_start: bool = False


def why_not_kept(label: str) -> str | None:
    """Why a table of intervals does not give a label back that was written to it, as a clause; None if it does.

    Texts that end a label in a table of points, such as ``stop``, are labels like others in a table with ends.
    """
    if label.lower() in MISSING:
        return f"{label!r} cannot be a label: in a file of labels it means that there is none"
    return _why_no_label(label)


def check_label(table: Rows, line: int, label: str) -> str:
    """A label as it is in a file.

    Raises:
        HarkenError: when it is longer than 200 characters, or has characters that cannot be printed.
    """
    if (reason := _why_no_label(label)) is not None:
        raise table.error(line, reason)
    return label


def _why_no_label(label: str) -> str | None:
    if len(label) > LONGEST_LABEL:
        return f"the label has {len(label):,} characters; the most are {LONGEST_LABEL}"
    if re.search(CONTROL_CHARACTERS, label):
        return f"the label {label!r} contains a line end or another control character"
    return None


def plain_note(text: str) -> str:
    """A note in one line of at most 1,000 characters; characters that cannot be printed become blanks."""
    plain = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(plain.split())[:LONGEST_NOTE]


def named_columns(header: Sequence[str]) -> dict[str, int]:
    """The positions of columns with known names. Case, blanks and units such as ``[s]`` do not matter."""
    without_units = (name.lower().split("[")[0].split("(")[0] for name in header)
    plain = [name.strip().replace(" ", "_") for name in without_units]
    known = {role: [plain.index(name) for name in names if name in plain] for role, names in NAMES.items()}
    return {role: positions[0] for role, positions in known.items() if positions}


def count_fields(positions: Mapping[str, int]) -> int:
    """The number of fields that a row has at least. A note and an offset may be left out at its end."""
    may_be_left_out = ("note", OFFSET_COLUMN)
    return max(position for role, position in positions.items() if role not in may_be_left_out) + 1


def next_day(start: Moment, end: Moment) -> Moment:
    """The end of a row with a date and two times of the clock: on the next day if midnight lies in between.

    An end that would then be 12 hours or more after the start stays before it, and is refused as such.
    """
    dated = start.kind is Kind.LOCAL and end.kind is Kind.LOCAL
    next_day_ns = end.ns + DAY_NS
    if dated and end.ns <= start.ns and 0 < next_day_ns - start.ns < LONGEST_OVER_MIDNIGHT_NS:
        return Moment(Kind.LOCAL, next_day_ns)
    return end


def read_seconds(text: str) -> Moment | None:
    """Return text as a number of seconds; None if it is none, or three years and more."""
    try:
        return number_moment(Decimal(text[:60].replace(",", ".")), unit_ns=SECOND_NS)
    except ArithmeticError:
        return None


class TypedTime(NamedTuple):
    """A time as it stands in a file of labels.

    Attributes:
        line: the line of the file.
        role: ``start`` or ``end``.
        text: what was typed.
        moment: what it means.
    """

    line: int
    role: str
    text: str
    moment: Moment

    def error(self, table: Rows, reason: str) -> HarkenError:
        """Return the error of this time."""
        return table.error(self.line, f"the {self.role} {self.text!r} {reason}")


def refuse_clock_numbers(table: Rows, times: Sequence[TypedTime]) -> None:
    """Raise a HarkenError if all times are numbers that look like times of the clock, such as 9.30."""
    place = find_clock_number(time.text for time in times)
    if place is not None:
        time = times[place]
        raise time.error(
            table,
            "may be a time of the clock, or seconds from the start. Write a time of the clock as "
            f"{clock_instead(time.text)}; or, if these are seconds, begin the file with the header start_s,end_s,label",
        )


def _refuse_missing_half(table: Rows, times: Sequence[TypedTime]) -> None:
    """Raise a HarkenError if a time has am or pm and another one may mean both."""
    if not any(WITH_HALF.search(time.text) for time in times):
        return
    for time in times:
        hour = time.moment.ns % DAY_NS // HOUR_NS
        by_clock = time.moment.kind in (Kind.CLOCK, Kind.LOCAL)
        if by_clock and 1 <= hour <= 12 and not WITH_HALF.search(time.text):
            raise time.error(table, "has neither am nor pm, but other times have; write it with am or pm")


def says_seconds(header: Sequence[str], position: int) -> bool:
    """Whether the name of a column says that its numbers are seconds: ``start_s``, ``start [s]`` or ``onset``."""
    name = header[position].lower().replace(" ", "_")
    return name == "onset" or re.search(r"_s(ec(ond)?s?)?$|[\[(]s(ec(ond)?s?)?[\])]", name) is not None


def _written_times(values: Mapping[str, str]) -> str:
    """Return the times of a row as they stand in the file."""
    on = f"{values['date']} " if "date" in values else ""
    start = on + values["start"]
    if "end" in values:
        return f"{start} to {on}{values['end']}"
    return f"{start} for {values['duration']} s" if "duration" in values else start


@dataclass(frozen=True)
class Columns:
    """Which fields of a row are what.

    Attributes:
        table: the file.
        positions: the position (from 0) of ``start``, ``end``, ``duration``, ``label``, ``subject``, ``file``,
            ``date``, ``note`` and ``offset_s``, as far as the table has them.
        width: the number of fields that a row has at least.
        in_seconds: whether the header says that numbers are seconds.
    """

    table: Rows
    positions: Mapping[str, int]
    width: int
    in_seconds: bool = False

    def entries(self, rows: Sequence[tuple[int, list[str]]]) -> tuple[Entry, ...]:
        """All rows.

        Raises:
            HarkenError: as ``entry``; for a number of seconds beside a date or a time of the clock; and for numbers
                that look like times of the clock, and times without am or pm beside others with it.
        """
        entries = tuple(self.entry(line, fields) for line, fields in rows)
        times = [
            TypedTime(line, role, fields[self.positions[role]], moment)
            for (line, fields), entry in zip(rows, entries, strict=True)
            for role, moment in (("start", entry.start), ("end", entry.end))
            if moment is not None
        ]
        if "date" in self.positions or len({time.moment.kind for time in times}) > 1:
            for time in times:
                if time.moment.kind is Kind.ELAPSED:
                    reason = "is a number of seconds, but the file has dates or times of the clock"
                    raise time.error(self.table, f"{reason}; write {clock_instead(time.text)}")
        elif not self.in_seconds:
            refuse_clock_numbers(self.table, times)
        _refuse_missing_half(self.table, times)
        return entries

    def entry(self, line: int, fields: Sequence[str]) -> Entry:
        """A row.

        Raises:
            HarkenError: for a row that is cut short, a time that is none, and a missing name; the message has the line.
        """
        if len(fields) < self.width:
            raise self.table.error(line, f"{len(fields)} fields instead of {self.width}")
        values = {role: fields[position] for role, position in self.positions.items() if position < len(fields)}
        day = self._day(line, values["date"]) if "date" in values else None
        start = self._moment(line, "start", values["start"], day)
        end = self._moment(line, "end", values["end"], day) if "end" in values else None
        if end is not None:
            if start.kind is Kind.LOCAL and end.kind is Kind.CLOCK:
                end = next_day(start, Moment(Kind.LOCAL, start.ns - start.ns % DAY_NS + end.ns))
            elif day is not None:
                end = next_day(start, end)
        label = values["label"]
        names = {name: values[name] for name in ("file", "subject") if name in values}
        for name, value in names.items():
            if not value:
                raise self.table.error(line, f"the {name} is missing")
        return Entry(
            start,
            end,
            "" if label.lower() in MISSING else check_label(self.table, line, label),
            line,
            self._duration_ns(line, values["duration"]) if "duration" in values and end is None else None,
            note=plain_note(values.get("note", "")),
            written=_written_times(values),
            offset_ns=self._offset_ns(line, values.get(OFFSET_COLUMN, "")),
            file=names.get("file"),
            subject=names.get("subject"),
        )

    def _moment(self, line: int, role: str, text: str, day: date | None) -> Moment:
        found = text_moment(text, day=day)
        if found is None:
            reason = two_dates(text) or f"is not a time such as {EXAMPLES}"
            raise self.table.error(line, f"the {role} {printable(text[:60])!r} {reason}")
        return found

    def _duration_ns(self, line: int, text: str) -> int:
        found = read_seconds(text)
        if found is None or found.ns < 0:
            raise self.table.error(line, f"the duration {printable(text[:60])!r} is not a number of seconds")
        return found.ns

    def _offset_ns(self, line: int, text: str) -> int:
        if text.lower() in MISSING:
            return 0
        seconds = read_seconds(text)
        if seconds is None:
            raise self.table.error(line, f"the {OFFSET_COLUMN} {printable(text[:60])!r} is not a number of seconds")
        return seconds.ns

    def _day(self, line: int, text: str) -> date:
        found = read_date(text)
        if found is None:
            reason = two_dates(text) or "is not a date such as 2024-03-09; years go from 1970 to 2099"
            raise self.table.error(line, f"{printable(text[:60])!r} {reason}")
        return found
