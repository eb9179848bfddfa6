"""The rows of a file of labels as they were written, and their intervals on the clock of a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from harken.annotations.file_column import FileColumn
from harken.annotations.intervals import Intervals
from harken.annotations.moments import DAY_NS, SECOND_NS, SLACK_NS, Kind, Moment, Span, wall_ns
from harken.support.errors import HarkenError
from harken.support.printable import listed
from harken.support.text_rows import line_error

LONGEST_LABEL = 200
"""Characters of a label."""
LONGEST_NOTE = 1000
"""Characters of a note."""
ENDS = ("", "end", "stop")
"""Texts of points at which the label before ends and none begins."""
MOST_NAMED = 5


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
    """

    start: Moment
    end: Moment | None
    label: str
    line: int
    duration_ns: int | None = None
    file: str | None = None
    subject: str | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Annotations:
    """A file of labels as it was written.

    Attributes:
        path: the file.
        format: the name of its format.
        entries: its rows.
        points: whether the rows are points: a label holds until the next point, the last one until the end of the
            recording. A point with an empty text, or with the text ``end`` or ``stop``, ends the label before it.
        names: which of ``file`` and ``subject`` the file has as a column.
        unread: the names of columns that are not read.
        lost: what else in the file could not be written as intervals, such as "contains remarks"; None if nothing.
    """

    path: Path
    format: str
    entries: tuple[Entry, ...]
    points: bool = False
    names: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    lost: str | None = None

    @property
    def has_local_times(self) -> bool:
        """Whether a time is by the wearer's clock, without a zone."""
        return any(entry.start.kind in (Kind.LOCAL, Kind.CLOCK) for entry in self.entries)

    @property
    def has_instants(self) -> bool:
        """Whether a time has a zone, or is a number since 1970."""
        return any(entry.start.kind is Kind.INSTANT for entry in self.entries)

    @cached_property
    def file_column(self) -> FileColumn:
        """The column ``file``, which is empty if there is none."""
        return FileColumn(file for file in self._rows if file is not None)

    @cached_property
    def _rows(self) -> dict[str | None, list[Entry]]:
        """The rows by what their column ``file`` says."""
        rows: dict[str | None, list[Entry]] = {}
        for entry in self.entries:
            rows.setdefault(entry.file, []).append(entry)
        return rows

    @property
    def _described(self) -> str:
        """The format, and that numbers are times from the start: 10.05 may have been meant as a time of the clock."""
        elapsed = any(entry.start.kind is Kind.ELAPSED for entry in self.entries)
        return f"{self.format}, seconds from the start" if elapsed else self.format

    def of_recording(self, files: Sequence[str], subject: str) -> "Annotations":
        """The rows for one recording; all rows if the file has no column that says for which recording they are.

        Args:
            files: the names of the recording's file (``harken.annotations.labelling.recording_names``).
            subject: its wearer.

        Raises:
            HarkenError: when there is no such row.
        """
        if not self.names:
            return self
        fitting = [*self._rows.get(None, ()), *(row for file in self.file_column.of(files) for row in self._rows[file])]
        own = sorted((row for row in fitting if row.subject in (None, subject)), key=lambda row: row.line)
        if not own:
            there = [
                f"its {name}s are "
                + ", ".join([*sorted({str(getattr(entry, name)) for entry in self.entries})[:MOST_NAMED]])
                for name in self.names
            ]
            raise HarkenError(
                f"{self.path}: no row is for the recording {self.file_column.told_apart(files[0])}, whose wearer is "
                f"{subject}: {listed(there)}"
            )
        return replace(self, entries=tuple(own))

    def intervals(self, span: Span, *, offset_s: float = 0.0) -> Intervals:
        """The intervals on the clock of a recording, cut to it.

        Args:
            span: the recording.
            offset_s: seconds added to each time.

        Raises:
            HarkenError: as ``Intervals`` and ``Intervals.inside``, and for a time that the wearer's clock skipped or
                showed twice; the message has the line.
        """
        offset_ns = round(offset_s * SECOND_NS)
        rows = self._held(span, offset_ns) if self.points else self._spans(span, offset_ns)
        notes = {entry.line: entry.note for entry in self.entries if entry.note}
        return Intervals.of(rows, self.path, self._described, notes).inside(span)

    def _spans(self, span: Span, offset_ns: int) -> list[tuple[int, int, str, int]]:
        rows = []
        for entry in self.entries:
            start_ns = self._instant(entry, entry.start, span, offset_ns)
            if entry.end is None:
                end_ns = start_ns + (entry.duration_ns or 0)
            else:
                end_ns = self._instant(entry, entry.end, span, offset_ns)
                if end_ns < start_ns and entry.start.kind is entry.end.kind is Kind.CLOCK:
                    start_ns, end_ns = self._across(entry, (start_ns, end_ns), span, offset_ns)
            if entry.label:
                rows.append((start_ns, end_ns, entry.label, entry.line))
        return rows

    def _across(self, entry: Entry, ends_ns: tuple[int, int], span: Span, offset_ns: int) -> tuple[int, int]:
        """Two times of the clock without a date, of which the second was found before the first.

        The one that lies outside the recording may be of another day, as in 3:00 to 6:30 of a recording from 8:00 to
        4:00. The interval then lies outside the recording, and the refusal should say so. If the second time is also
        written as the earlier one, the interval goes over midnight if it is shorter than 12 hours (``next_day``).
        """
        outside = [not span.start_ns - SLACK_NS <= ns <= span.end_ns + SLACK_NS for ns in ends_ns]
        start, end = (Moment(Kind.LOCAL, wall_ns(ns - offset_ns, span.timezone)) for ns in ends_ns)
        later = end.ns % DAY_NS > start.ns % DAY_NS
        if not any(outside) or not (later or next_day(start, end) != end):
            return ends_ns
        if outside[1]:
            return ends_ns[0], self._instant(entry, replace(end, ns=end.ns + DAY_NS), span, offset_ns)
        return self._instant(entry, replace(start, ns=start.ns - DAY_NS), span, offset_ns), ends_ns[1]

    def _held(self, span: Span, offset_ns: int) -> list[tuple[int, int, str, int]]:
        """Points as intervals. A label may begin before the recording, unless it has a time of the clock without a
        date; the first sample then has it, too."""
        points = [(self._instant(entry, entry.start, span, offset_ns), entry) for entry in self.entries]
        points.sort(key=lambda point: point[0])
        ends = [start_ns for start_ns, _ in points[1:]] + [span.end_ns + 1] * (len(points) > 0)
        rows = []
        for (start_ns, entry), end_ns in zip(points, ends, strict=True):
            if entry.label.lower() in ENDS or (start_ns == end_ns and start_ns <= span.end_ns):
                continue
            earlier = entry.start.kind is Kind.CLOCK and start_ns < span.start_ns - SLACK_NS
            if end_ns > span.start_ns and start_ns <= span.end_ns and not earlier:
                start_ns, end_ns = max(start_ns, span.start_ns), min(end_ns, span.end_ns + 1)
            rows.append((start_ns, max(end_ns, start_ns + 1), entry.label, entry.line))
        return rows

    def _instant(self, entry: Entry, moment: Moment, span: Span, offset_ns: int) -> int:
        try:
            return moment.instant_ns(span, offset_ns=offset_ns)
        except HarkenError as error:
            raise line_error(self.path, entry.line, str(error)) from error


def check_label(path: Path, line: int, label: str) -> str:
    """A label as it is in a file.

    Raises:
        HarkenError: when it is longer than 200 characters, or has characters that cannot be printed.
    """
    if (reason := why_no_label(label)) is not None:
        raise line_error(path, line, reason)
    return label


def why_no_label(label: str) -> str | None:
    """What is wrong with a label; None: nothing."""
    if len(label) > LONGEST_LABEL:
        return f"the label has {len(label):,} characters; the most are {LONGEST_LABEL}"
    if any(character < " " or character == "\x7f" for character in label):
        return f"the label {label!r} contains a line end or another control character"
    return None


def plain_note(text: str) -> str:
    """A note in one line of at most 1,000 characters; characters that cannot be printed become blanks."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:LONGEST_NOTE]


def next_day(start: Moment, end: Moment) -> Moment:
    """The end of a row with a date and two times of the clock: on the next day if midnight lies in between.

    An end that would then be 12 hours or more after the start stays before it, and is refused as such.
    """
    if start.kind is Kind.LOCAL and end.kind is Kind.LOCAL and 0 < end.ns + DAY_NS - start.ns < DAY_NS // 2:
        return Moment(Kind.LOCAL, end.ns + DAY_NS)
    return end
